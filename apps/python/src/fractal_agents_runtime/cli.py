"""The command `fractal-agents-runtime`: starts the server. Environment variables configure it."""

import argparse
import gc
import logging
import os
import sys

from fractal_agents_runtime.app import create_app
from fractal_agents_runtime.graphs import echo
from fractal_agents_runtime.lifecycle import Lifecycle
from fractal_agents_runtime.plugins import PluginError, load
from fractal_agents_runtime.server import reserve, run
from fractal_agents_runtime.version import __version__

EPILOG = (
    "environment: HOST (default 127.0.0.1; 0.0.0.0 in a container), PORT (default 8000),"
    " PLUGINS (comma-separated modules)"
)
HIGHEST_PORT = 65_535


def main() -> None:
    """Start the server in the foreground."""
    parser = argparse.ArgumentParser(
        prog="fractal-agents-runtime", description="Serve LangGraph graphs.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.parse_args()
    try:
        port = parse_port(os.environ.get("PORT", "8000"))
    except ValueError as problem:
        parser.error(str(problem))
    host = os.environ.get("HOST") or "127.0.0.1"
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("fractal_agents_runtime").setLevel(logging.INFO)
    # First, so that a signal during the import of langgraph is handled too.
    lifecycle = Lifecycle()
    lifecycle.watch()
    try:
        # Before the import of langgraph, which takes seconds, so that errors are reported early.
        reserved = reserve(host, port)
    except OSError as problem:
        sys.exit(f"fractal-agents-runtime: can't listen on {host}:{port}: {problem.strerror}")
    # Imported objects are never garbage. Collecting during the imports takes a tenth of the start
    # time, and without `freeze` every later full collection would scan them again.
    gc.disable()
    try:
        from_plugins = load(os.environ.get("PLUGINS", ""), ["agent", "echo"])
    except PluginError as problem:
        sys.exit(f"fractal-agents-runtime: {problem}")
    from fractal_agents_runtime.agent import agent  # noqa: PLC0415

    app = create_app({"agent": agent(), "echo": echo(), **from_plugins})
    gc.freeze()
    gc.enable()
    run(app, reserved, lifecycle)


def parse_port(text: str) -> int:
    """Parse the value of PORT."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= HIGHEST_PORT:
        raise ValueError(f"PORT is {text!r}, not a number from 1 to {HIGHEST_PORT}")
    return port
