"""The examples of the README, which is the package's page on PyPI, work as described."""

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest

from conftest import README, WEB, Servers, answering
from fractal_agents_runtime.plugins import load


def test_the_request_of_the_readme_is_answered_as_described(client: httpx.Client) -> None:
    found = re.search(r"-d '(.*)'\n(.*)\n", README)
    assert found
    response = client.post("/runs/wait", content=found[1])
    assert response.text == found[2]


def test_the_graph_of_the_readme_is_served(servers: Servers) -> None:
    server = answering(servers.example)
    body = {"assistant_id": "double", "input": {"number": 21}}
    response = WEB.post(f"{server.url}/runs/wait", json=body)
    assert response.json() == {"number": 42}
    assert server.stop(signal.SIGINT)[0] == 0


def test_the_plugin_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, plugin = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    named = re.search(r"PLUGINS=(\w+) ", README)
    assert named
    (tmp_path / f"{named[1]}.py").write_text(plugin)
    monkeypatch.syspath_prepend(tmp_path)
    graphs = load(named[1], [])
    assert asyncio.run(graphs["shout"].ainvoke({"text": "ž"})) == {"text": "Ž"}
