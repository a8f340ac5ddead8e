"""The README, which is the package's page on PyPI: its examples do what it says."""

import re
import signal

import httpx

from conftest import PATIENCE, README, Servers, answering


def test_the_request_of_the_readme_is_answered_as_it_says(client: httpx.Client) -> None:
    found = re.search(r"-d '(.*)'\n(.*)\n", README)
    assert found
    response = client.post("/runs/wait", content=found[1])
    assert response.text == found[2]


def test_the_graph_of_the_readme_is_served(servers: Servers) -> None:
    server = answering(servers.example)
    body = {"assistant_id": "double", "input": {"number": 21}}
    response = httpx.post(f"{server.url}/runs/wait", json=body, timeout=PATIENCE)
    assert response.json() == {"number": 42}
    assert server.stop(signal.SIGINT)[0] == 0
