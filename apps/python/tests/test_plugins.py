"""Loading of plugins, and the errors of those that can't be used."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PATIENCE, Servers
from fractal_agents_runtime.plugins import PluginError, load
from fractal_agents_runtime.promises import Promise

GRAPH = """
class Graph:
    async def ainvoke(self, input, config=None):
        return {}
"""
START = f"from fractal_agents_runtime import Plugin\n{GRAPH}"
PROMISES = (
    Promise("1", "removed", "1.0.0"),
    Promise("2", "deprecated", "2.0.0"),
    Promise("3"),
    Promise("4"),
)


def module(folder: Path, name: str, plugin: str) -> str:
    (folder / f"{name}.py").write_text(f"{START}\nplugin = {plugin}\n")
    return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on the import path. Its modules are unloaded after the test."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def refusal(modules: str, *own: str) -> str:
    with pytest.raises(PluginError) as caught:
        load(modules, own, PROMISES)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_graphs_and_functions_that_return_graphs_are_loaded(folder: Path) -> None:
    module(folder, "one", 'Plugin("first", "3", {"a": Graph(), "b": Graph})')
    module(folder, "two", 'Plugin(name="second", api_version="4", graphs={"c": lambda: Graph()})')
    module(folder, "none", 'Plugin("third", "3", {})')
    graphs = load(" one,,two , none,", ["ours"], PROMISES)
    assert list(graphs) == ["a", "b", "c"]
    assert all(hasattr(graph, "ainvoke") for graph in graphs.values())


@pytest.mark.parametrize("modules", ["", " ", ",", " , ,"])
def test_without_plugins_no_graph_is_added(modules: str) -> None:
    assert load(modules, []) == {}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ('"5"', "'5'"),
        ('"1"', "'1', removed in 1.0.0"),
        ('"3.0"', "'3.0'"),
        ('""', "''"),
        ("3", "3"),
        ("None", "None"),
    ],
)
def test_a_version_that_is_not_supported(folder: Path, version: str, expected: str) -> None:
    module(folder, "old", f'Plugin("p", {version}, {{}})')
    supported = "supported: '2', '3', '4'"
    assert refusal("old") == f"plugin 'p' needs plugin API {expected}; {supported}"


def test_a_version_that_is_deprecated_is_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    module(folder, "ageing", 'Plugin("p", "2", {"g": Graph()})')
    assert list(load("ageing", [], PROMISES)) == ["g"]
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    expected = "plugin 'p' needs plugin API '2', which is deprecated and will be removed in 2.0.0"
    assert warnings == [expected]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("from fractal_agents_runtime import Gone", "cannot import name 'Gone' from"),
        ("raise ValueError('first\\nsecond')", "first;"),
        ("raise ValueError", "ValueError;"),
        ("raise SystemExit(0)", "0;"),
        ("def", "invalid syntax"),
    ],
)
def test_a_module_that_can_not_be_imported(folder: Path, body: str, reason: str) -> None:
    (folder / "bad.py").write_text(body)
    error = refusal("bad")
    assert error.startswith(f"PLUGINS names bad, which can't be imported: {reason}")
    assert error.endswith("; `python -c 'import bad'` shows the traceback")


@pytest.mark.parametrize("name", ["nothing_of_that_name", ".relative", "a b", "os/path", "a..b"])
def test_a_name_that_is_not_a_module(name: str) -> None:
    assert refusal(name).startswith(f"PLUGINS names {name}, which can't be imported: ")


@pytest.mark.parametrize("plugin", ["None", "Plugin", '{"name": "p"}', "Graph()"])
def test_a_module_without_a_plugin(folder: Path, plugin: str) -> None:
    module(folder, "odd", plugin)
    has_none = "has no `plugin` that is a fractal_agents_runtime.Plugin"
    assert refusal("odd") == f"PLUGINS names odd, which {has_none}"
    assert refusal("json") == f"PLUGINS names json, which {has_none}"


@pytest.mark.parametrize("graphs", ["[Graph]", "None", "{1: Graph}", "'g'"])
def test_graphs_without_names(folder: Path, graphs: str) -> None:
    module(folder, "odd", f'Plugin("p", "3", {graphs})')
    assert refusal("odd").startswith("plugin 'p': graphs must map names to graphs: ")


def test_names_that_are_used_twice(folder: Path) -> None:
    module(folder, "one", 'Plugin("p", "3", {"a": Graph()})')
    module(folder, "two", 'Plugin("p", "3", {"b": Graph()})')
    module(folder, "three", 'Plugin("q", "3", {"a": Graph()})')
    assert refusal("one,two") == "both one and two define a plugin 'p'"
    assert refusal("one,one") == "both one and one define a plugin 'p'"
    assert refusal("one,three") == "both plugin 'p' and plugin 'q' have a graph 'a'"
    assert refusal("one", "a") == "both the server and plugin 'p' have a graph 'a'"


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("1", " can't build its graph 'g': 'int' object is not callable"),
        ("dict", ": 'g' is neither a graph nor a function"),
        ("lambda x: x", " can't build its graph 'g': <lambda>() missing 1 required"),
        ("lambda: 1 / 0", " can't build its graph 'g': division by zero"),
    ],
)
def test_objects_that_are_not_graphs(folder: Path, graph: str, expected: str) -> None:
    module(folder, "odd", f'Plugin("p", "3", {{"g": {graph}}})')
    assert refusal("odd").startswith(f"plugin 'p'{expected}")


def test_the_example_plugins_own_tests_pass(servers: Servers) -> None:
    try:
        code = servers.plugin.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        code = None
    assert code == 0, servers.plugin.log()
    assert "Ran 2 tests" in servers.plugin.log()
