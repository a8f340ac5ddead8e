"""langgraph.json: which graphs of a project to serve, and with which environment."""

import asyncio
import importlib.util
import inspect
import json
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from fractal_agents_runtime.graphs import Graph

KNOWN = {"$schema", "graphs", "dependencies", "env"}

log = logging.getLogger("fractal_agents_runtime")


class ProjectError(Exception):
    """A project can't be served. The message has the file and the reason."""


def load(file: Path) -> dict[str, Graph]:
    """Return the graphs of the project that the file describes, and set its environment."""
    project = _read(file)
    folder = file.resolve().parent
    for name, value in _environment(folder, project.get("env"), file).items():
        os.environ.setdefault(name, value)
    if project.get("dependencies"):
        log.info("%s: dependencies are not installed; install them yourself", file)
    for name in sorted(set(project) - KNOWN):
        log.warning("%s: %s is not supported", file, name)
    # As if started in the project's folder.
    sys.path.insert(0, str(folder))
    return {
        name: _graph(f"{file}: graph {name!r}", folder, place)
        for name, place in project["graphs"].items()
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        project: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ProjectError(f"can't read {file}: {problem.strerror}") from problem
    except ValueError as problem:
        raise ProjectError(f"{file} is not JSON: {problem}") from problem
    graphs = project.get("graphs") if isinstance(project, dict) else None
    if not isinstance(graphs, dict) or not graphs:
        raise ProjectError(f"{file}: `graphs` must map names to places, as in ./agent.py:graph")
    return dict(project)


def _environment(folder: Path, env: Any, file: Path) -> dict[str, str]:
    if env is None:
        return {}
    if isinstance(env, dict):
        return {str(name): str(value) for name, value in env.items()}
    if not isinstance(env, str):
        raise ProjectError(f"{file}: `env` must be the name of a file, or an object")
    try:
        lines = (folder / env).read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise ProjectError(f"{file}: can't read {env}: {problem.strerror}") from problem
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {
        name.strip().removeprefix("export "): value.strip().strip("\"'") for name, _, value in pairs
    }


def _graph(what: str, folder: Path, place: Any) -> Graph:
    place = place.get("path") if isinstance(place, dict) else place
    path, colon, attribute = place.rpartition(":") if isinstance(place, str) else ("", "", "")
    if not (path and colon and attribute):
        raise ProjectError(f"{what} must be a place, as in ./agent.py:graph or module:graph")
    try:
        found = getattr(_module(folder, path), attribute)
        if not hasattr(found, "ainvoke"):
            found = _built(found)
    # SystemExit too: a module may be a script that calls sys.exit.
    except (Exception, SystemExit) as problem:
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise ProjectError(f"{what} can't be loaded from {place}: {reason}") from problem
    if not hasattr(found, "ainvoke"):
        raise ProjectError(f"{what}: {place} is neither a graph nor a function that returns one")
    graph: Graph = found
    return graph


def _module(folder: Path, path: str) -> Any:
    if not path.endswith(".py"):
        return import_module(path)
    file = (folder / path).resolve()
    spec = importlib.util.spec_from_file_location(f"_project_{file.stem}", file)
    if spec is None or spec.loader is None or not file.exists():
        raise FileNotFoundError(f"no file {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _built(found: Any) -> Any:
    """Return the graph of a builder, or of a function without arguments or with a config."""
    if hasattr(found, "compile"):
        return found.compile()
    made = found({}) if inspect.signature(found).parameters else found()
    if inspect.isawaitable(made):
        made = asyncio.run(_waited(made))
    return made.compile() if hasattr(made, "compile") and not hasattr(made, "ainvoke") else made


async def _waited(made: Any) -> Any:
    return await made
