"""Plugins: modules that add graphs. The environment variable PLUGINS lists them.

If a plugin can't be used, the server does not start, and prints the reason.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

from fractal_agents_runtime.graphs import Graph
from fractal_agents_runtime.promises import PLUGINS, Promise, kept

log = logging.getLogger("fractal_agents_runtime")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin: graphs by name. A module of PLUGINS has one in its variable `plugin`."""

    name: str
    # The version of this interface that the plugin is made for: "1".
    api_version: str
    # Each is a compiled langgraph graph, or a function without arguments that returns one.
    graphs: Mapping[str, Graph | Callable[[], Graph]]


class PluginError(Exception):
    """A plugin can't be used. The message names the plugin and the reason."""


def load(
    modules: str, own: Iterable[str], promises: Iterable[Promise] = PLUGINS
) -> dict[str, Graph]:
    """Return the graphs of the plugins in `modules`, a comma-separated list.

    `own`: the names of the server's graphs, which no plugin may use.
    """
    names = [name.strip() for name in modules.split(",")]
    owners = dict.fromkeys(own, "the server")
    graphs: dict[str, Graph] = {}
    plugins: dict[str, str] = {}
    for module in filter(None, names):
        plugin = _plugin(module, list(promises))
        if plugin.name in plugins:
            raise PluginError(
                f"both {plugins[plugin.name]} and {module} define a plugin {plugin.name!r}"
            )
        plugins[plugin.name] = module
        for name, graph in plugin.graphs.items():
            if name in owners:
                raise PluginError(
                    f"both {owners[name]} and plugin {plugin.name!r} have a graph {name!r}"
                )
            owners[name] = f"plugin {plugin.name!r}"
            graphs[name] = _built(graph, name, plugin)
        log.info("plugin %s: %s", plugin.name, ", ".join(plugin.graphs) or "no graphs")
    return graphs


def _plugin(module: str, promises: list[Promise]) -> Plugin:
    try:
        found = getattr(import_module(module), "plugin", None)
    # SystemExit too: a module may be a script that calls sys.exit.
    except (Exception, SystemExit) as problem:
        hint = f"`python -c 'import {module}'` shows the traceback"
        raise PluginError(
            f"PLUGINS names {module}, which can't be imported: {_first_line(problem)}; {hint}"
        ) from problem
    if not isinstance(found, Plugin):
        raise PluginError(
            f"PLUGINS names {module}, which has no `plugin` that is a fractal_agents_runtime.Plugin"
        )
    _check_version(found, promises)
    # Check the types at runtime: the plugin may not have been type-checked.
    graphs: object = found.graphs
    if not isinstance(graphs, Mapping) or not all(isinstance(name, str) for name in graphs):
        raise PluginError(f"plugin {found.name!r}: graphs must map names to graphs: {graphs!r}")
    return found


def _check_version(plugin: Plugin, promises: list[Promise]) -> None:
    version = plugin.api_version
    promise = next((promise for promise in promises if promise.version == version), None)
    if promise is None or promise.status == "removed":
        since = f", removed in {promise.removal}" if promise else ""
        supported = ", ".join(map(repr, kept(promises)))
        raise PluginError(
            f"plugin {plugin.name!r} needs plugin API {version!r}{since}; supported: {supported}"
        )
    if promise.status == "deprecated":
        log.warning(
            "plugin %r needs plugin API %r, which is deprecated and will be removed in %s",
            plugin.name,
            version,
            promise.removal,
        )


def _built(graph: Graph | Callable[[], Graph], name: str, plugin: Plugin) -> Graph:
    try:
        built = graph if hasattr(graph, "ainvoke") else graph()
    except Exception as problem:
        raise PluginError(
            f"plugin {plugin.name!r} can't build its graph {name!r}: {_first_line(problem)}"
        ) from problem
    if not hasattr(built, "ainvoke"):
        raise PluginError(
            f"plugin {plugin.name!r}: {name!r} is neither a graph nor a function that returns one"
        )
    return built


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0] or type(problem).__name__
