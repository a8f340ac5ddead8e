"""langgraph.json: what is served, and what is refused with which reason."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from conftest import PATIENCE, free_port, running
from fractal_agents_runtime.cli import served
from fractal_agents_runtime.project import ProjectError, load

GRAPHS = """
import os
from typing import TypedDict
from langgraph.graph import START, StateGraph

class State(TypedDict):
    text: str

builder = StateGraph(State)
builder.add_node("shout", lambda state: {"text": state["text"].upper() + os.environ["MARK"]})
builder.add_edge(START, "shout")
graph = builder.compile()

def made():
    return builder

async def configured(config):
    return graph

number = 7
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.delenv("MARK", raising=False)
    monkeypatch.delenv("KEPT", raising=False)
    (tmp_path / "shouting.py").write_text(GRAPHS)
    return tmp_path


def write(project: Path, **fields: Any) -> Path:
    file = project / "langgraph.json"
    file.write_text(json.dumps(fields))
    return file


def test_graphs_are_found_in_files_and_modules(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places = {
        "a": "./shouting.py:graph",
        "b": "shouting:builder",
        "c": {"path": "./shouting.py:made"},
        "d": "./shouting.py:configured",
    }
    monkeypatch.setenv("KEPT", "before")
    caplog.set_level("INFO", "fractal_agents_runtime")
    (project / ".env").write_text("# a comment\nexport MARK='!'\nKEPT=after\n\nnothing\n")
    file = write(project, graphs=places, env=".env", dependencies=["."], http={"app": "x"})
    graphs = served(file)
    for name in places:
        assert asyncio.run(graphs[name].ainvoke({"text": "a"})) == {"text": "A!"}
    assert os.environ["KEPT"] == "before"
    assert "dependencies are not installed" in caplog.text
    assert "http is not supported" in caplog.text
    monkeypatch.delenv("MARK")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "`graphs` must map names to places"),
        ({"graphs": []}, "`graphs` must map names to places"),
        ({"graphs": {"g": "./shouting.py"}}, "graph 'g' must be a place"),
        ({"graphs": {"g": 1}}, "graph 'g' must be a place"),
        (
            {"graphs": {"g": "./none.py:graph"}},
            "graph 'g' can't be loaded from ./none.py:graph: no",
        ),
        ({"graphs": {"g": "nothing_of_that_name:graph"}}, "No module named 'nothing_of_that_name'"),
        ({"graphs": {"g": "./shouting.py:gone"}}, "has no attribute 'gone'"),
        ({"graphs": {"g": "./shouting.py:number"}}, "7 is not a callable object"),
        ({"graphs": {"g": "json:dumps"}}, "graph 'g'"),
        ({"graphs": {"g": "./shouting.py:graph"}, "env": 1}, "`env` must be the name of a file"),
        ({"graphs": {"g": "./shouting.py:graph"}, "env": "none"}, "can't read none: No such file"),
    ],
)
def test_a_project_that_can_not_be_served(project: Path, fields: Any, reason: str) -> None:
    with pytest.raises(ProjectError) as refusal:
        load(write(project, **fields))
    assert reason in str(refusal.value)
    assert str(project / "langgraph.json") in str(refusal.value)


def test_a_file_that_can_not_be_read(project: Path) -> None:
    with pytest.raises(ProjectError, match=r"can't read .*: No such file"):
        load(project / "langgraph.json")
    (project / "langgraph.json").write_text("{")
    with pytest.raises(ProjectError, match=r"langgraph.json is not JSON"):
        load(project / "langgraph.json")


def test_the_command_tells_why_a_project_is_not_served(tmp_path: Path) -> None:
    file = write(tmp_path, graphs={"g": "./none.py:graph"})
    command = ["-m", "fractal_agents_runtime", "serve", "--config", str(file)]
    settings = {"PORT": str(free_port()), "HOST": "127.0.0.1"}
    with running(tmp_path / "log", *command, measured=False, **settings) as started:
        assert started.process.wait(PATIENCE) == 1
    reason = f"fractal-agents-runtime: {file}: graph 'g' can't be loaded from ./none.py:graph"
    assert started.log().startswith(reason)
