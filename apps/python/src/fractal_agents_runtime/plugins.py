"""Plugins: modules, named by the setting PLUGINS, that bring graphs of their own.

A plugin that can't be used ends the start with a sentence: nothing is served without it.
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
    """What a plugin's module calls `plugin`: graphs, by the names under which they are served."""

    name: str
    # The version of this interface that the plugin is made for: "1".
    api_version: str
    # Each is a compiled langgraph graph, or a function without arguments that returns one.
    graphs: Mapping[str, Graph | Callable[[], Graph]]


class PluginError(Exception):
    """A plugin can't be used; the text is a sentence that says which and why."""


def load(
    modules: str, own: Iterable[str], promises: Iterable[Promise] = PLUGINS
) -> dict[str, Graph]:
    """Return the graphs of the plugins in these modules, named with commas between.

    None may have a name of the server's own.
    """
    names = [name.strip() for name in modules.split(",")]
    brought = dict.fromkeys(own, "the server")
    graphs: dict[str, Graph] = {}
    plugins: dict[str, str] = {}
    for module in filter(None, names):
        plugin = _plugin(module, list(promises))
        if plugin.name in plugins:
            raise PluginError(
                f"plugin {plugin.name!r} comes from {plugins[plugin.name]} and from {module}"
            )
        plugins[plugin.name] = module
        for name, graph in plugin.graphs.items():
            if name in brought:
                raise PluginError(
                    f"plugin {plugin.name!r} has a graph {name!r}, as {brought[name]} has"
                )
            brought[name] = f"plugin {plugin.name!r}"
            graphs[name] = _made(graph, name, plugin)
        log.info("plugin %s: %s", plugin.name, ", ".join(plugin.graphs) or "no graphs")
    return graphs


def _plugin(module: str, promises: list[Promise]) -> Plugin:
    try:
        found = getattr(import_module(module), "plugin", None)
    # SystemExit: a module may be a script, and its end is not ours.
    except (Exception, SystemExit) as problem:
        hint = f"`python -c 'import {module}'` shows where"
        raise PluginError(
            f"PLUGINS names {module}, which can't be imported: {_first_line(problem)}; {hint}"
        ) from problem
    if not isinstance(found, Plugin):
        raise PluginError(
            f"PLUGINS names {module}, which has no `plugin` that is a fractal_agents_runtime.Plugin"
        )
    _check_version(found, promises)
    # No type checker has looked at it.
    graphs: object = found.graphs
    if not isinstance(graphs, Mapping) or not all(isinstance(name, str) for name in graphs):
        raise PluginError(f"plugin {found.name!r} does not have its graphs by name: {graphs!r}")
    return found


def _check_version(plugin: Plugin, promises: list[Promise]) -> None:
    version = plugin.api_version
    promise = next((promise for promise in promises if promise.version == version), None)
    if promise is None or promise.status == "removed":
        since = f", removed in {promise.removal}" if promise else ""
        supported = ", ".join(map(repr, kept(promises)))
        raise PluginError(
            f"plugin {plugin.name!r} is made for plugin API {version!r}{since};"
            f" supported: {supported}"
        )
    if promise.status == "deprecated":
        log.warning(
            "plugin %r is made for plugin API %r, which is deprecated and will be removed in %s",
            plugin.name,
            version,
            promise.removal,
        )


def _made(graph: Graph | Callable[[], Graph], name: str, plugin: Plugin) -> Graph:
    try:
        made = graph if hasattr(graph, "ainvoke") else graph()
    except Exception as problem:
        raise PluginError(
            f"plugin {plugin.name!r} can't make its graph {name!r}: {_first_line(problem)}"
        ) from problem
    if not hasattr(made, "ainvoke"):
        raise PluginError(
            f"plugin {plugin.name!r} has {name!r} among its graphs, which is neither a graph"
            " nor a function that returns one"
        )
    return made


def _first_line(problem: BaseException) -> str:
    return str(problem).partition("\n")[0] or type(problem).__name__
