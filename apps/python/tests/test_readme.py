"""The README, which is the package's page on PyPI: its examples do what it says."""

import re
import signal
from pathlib import Path

import httpx

from conftest import PATIENCE, started

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_request_of_the_readme_is_answered_as_it_says(client: httpx.Client) -> None:
    found = re.search(r"-d '(.*)'\n(.*)\n", README)
    assert found
    response = client.post("/runs/wait", content=found[1])
    assert response.text == found[2]


def test_the_graph_of_the_readme_is_served(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    script = tmp_path / "example.py"
    # The example listens on the default port; here it must be a free one.
    script.write_text(
        found[1].replace("compile()}))", 'compile()}), port=int(__import__("os").environ["PORT"]))')
    )
    with started(tmp_path / "log", str(script)) as server:
        body = {"assistant_id": "double", "input": {"number": 21}}
        response = httpx.post(f"{server.url}/runs/wait", json=body, timeout=PATIENCE)
        assert response.json() == {"number": 42}
        assert server.stop(signal.SIGINT)[0] == 0
