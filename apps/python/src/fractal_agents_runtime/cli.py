"""The command `fractal-agents-runtime`: starts the server. Environment variables configure it."""

import argparse
import gc
import os
import sys
from pathlib import Path

from fractal_agents_runtime import project
from fractal_agents_runtime.app import App
from fractal_agents_runtime.chat_settings import ChatError, parse_chat
from fractal_agents_runtime.graphs import Graph
from fractal_agents_runtime.lifecycle import Lifecycle
from fractal_agents_runtime.logs import begin_log
from fractal_agents_runtime.plugins import PluginError, load
from fractal_agents_runtime.project import ProjectError
from fractal_agents_runtime.server import reserve, run
from fractal_agents_runtime.settings import Settings, parse_settings
from fractal_agents_runtime.storage import StorageError, storage_at
from fractal_agents_runtime.version import __version__

EPILOG = (
    "environment: HOST (default 127.0.0.1; 0.0.0.0 in a container), PORT (default 8000),"
    " PLUGINS (comma-separated modules), AUTH_TOKEN (what clients must send; default: nothing),"
    " MAX_BODY, MAX_RUNS, RUN_SECONDS, GRACE_SECONDS, CORS_ORIGINS, WEBHOOK_HOSTS,"
    " LOG_FORMAT (text or json), DATABASE, LOST_RUNS, LEASE_SECONDS, PAGE,"
    " CHAT_MODEL (adds the graph chat), CHAT_SECONDS, OPENAI_BASE_URL, OPENAI_API_KEY,"
    " MCP_CONFIG, MCP_TOKEN; the README describes them"
)
COMMAND = "serve the project of ./langgraph.json; without a command: the server's own graphs"
CONFIG = "serve the project that this file describes; default with a command: langgraph.json"
DATABASE = (
    "where data is kept, instead of DATABASE: memory (the default), sqlite:FILE or postgresql://…"
)
PAGE = "serve no web page at /, as PAGE=off"
HIGHEST_PORT = 65_535


def main() -> None:
    """Start the server in the foreground."""
    parser = argparse.ArgumentParser(
        prog="fractal-agents-runtime", description="Serve LangGraph graphs.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("command", nargs="?", choices=("dev", "serve"), help=COMMAND)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--host", help="the address to listen on, instead of HOST")
    parser.add_argument("--port", help="the port to listen on, instead of PORT")
    parser.add_argument("--db", metavar="PLACE", help=DATABASE)
    parser.add_argument("--no-page", action="store_true", help=PAGE)
    asked = parser.parse_args()
    try:
        port = parse_port(asked.port or os.environ.get("PORT", "8000"))
        database = {"DATABASE": asked.db} if asked.db else {}
        page = {"PAGE": "off"} if asked.no_page else {}
        settings = parse_settings({**os.environ, **database, **page})
    except ValueError as problem:
        parser.error(str(problem))
    host = asked.host or os.environ.get("HOST") or "127.0.0.1"
    config = asked.config or ("langgraph.json" if asked.command else None)
    begin_log(settings.log_format)
    # First, so that a signal during the import of langgraph is handled too.
    lifecycle = Lifecycle(settings.grace_seconds)
    lifecycle.watch()
    try:
        # Before the import of langgraph, which takes seconds, so that errors are reported early.
        reserved = reserve(host, port)
    except OSError as problem:
        sys.exit(f"fractal-agents-runtime: can't listen on {host}:{port}: {problem.strerror}")
    project_file = Path(config) if config else None
    cors = bool(settings.cors_origins)
    run(lambda: loaded(project_file, settings), reserved, lifecycle, cors=cors)


def loaded(config: Path | None, settings: Settings) -> App:
    """Return the app for the graphs of a project, or for the server's own."""
    # Imported objects are never garbage. Collecting during the imports takes a tenth of the start
    # time, and without `freeze` every later full collection would scan them again.
    gc.disable()
    try:
        # First, because the import of graphs takes seconds.
        storage_at(settings.database)
        app = App(served(config), os.environ.get("AUTH_TOKEN") or None, settings)
    except (ChatError, PluginError, ProjectError, StorageError) as problem:
        sys.exit(f"fractal-agents-runtime: {problem}")
    gc.freeze()
    gc.enable()
    return app


def served(config: Path | None) -> dict[str, Graph]:
    """Return the graphs of a project, or the server's own, and those of settings and plugins."""
    own = project.load(config) if config else {}
    # After the project, which may set the environment.
    chatting = parse_chat(os.environ)
    if chatting and "chat" in own:
        raise ChatError(f"both {config} and CHAT_MODEL have a graph 'chat'")
    names = [*own, *([] if config else ["agent", "echo"]), *(["chat"] if chatting else [])]
    from_plugins = load(os.environ.get("PLUGINS", ""), names)
    if not config:
        from fractal_agents_runtime.agent import agent  # noqa: PLC0415
        from fractal_agents_runtime.echo import echo  # noqa: PLC0415

        own = {"agent": agent(), "echo": echo()}
    if chatting:
        from fractal_agents_runtime.chat import chat  # noqa: PLC0415

        own["chat"] = chat(chatting)
    return {**own, **from_plugins}


def parse_port(text: str) -> int:
    """Parse the value of PORT."""
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= HIGHEST_PORT:
        raise ValueError(f"PORT is {text!r}, not a number from 1 to {HIGHEST_PORT}")
    return port
