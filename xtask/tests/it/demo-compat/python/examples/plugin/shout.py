"""A plugin."""

from demo_agent import Plugin

plugin = Plugin(name="shout", api_version="2")
