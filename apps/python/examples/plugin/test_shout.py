"""Tests of the plugin by its author: they use only the public interface of the installed package.

Run `python -m unittest discover --start-directory examples/plugin`. A release must also pass this
test as it was in the last release.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

HERE = Path(__file__).parent
# Timeout in seconds.
PATIENCE = 60.0


class Shout(unittest.TestCase):
    """All tests use one server with the plugin."""

    url: str

    @classmethod
    def setUpClass(cls) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        cls.url = f"http://127.0.0.1:{port}"
        settings = {"HOST": "127.0.0.1", "PORT": str(port), "PLUGINS": "shout"}
        paths = filter(None, [str(HERE), os.environ.get("PYTHONPATH")])
        settings["PYTHONPATH"] = os.pathsep.join(paths)
        log = cls.enterClassContext(tempfile.TemporaryFile())
        command = [sys.executable, "-m", "fractal_agents_runtime"]
        environment = {**os.environ, **settings}
        server = cls.enterClassContext(
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        )
        cls.addClassCleanup(server.kill)
        deadline = time.monotonic() + PATIENCE
        while not cls.answers():
            if server.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"the server did not start:\n{log.read().decode()}")
            time.sleep(0.05)

    @classmethod
    def answers(cls) -> bool:
        try:
            cls.ask("/health")
        except URLError:
            return False
        return True

    @classmethod
    def ask(cls, path: str, body: object = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        # Without a proxy: the server runs on this machine.
        with build_opener(ProxyHandler({})).open(f"{cls.url}{path}", sent, PATIENCE) as response:
            return json.load(response)

    def test_the_graph_is_served_in_addition_to_the_servers_own(self) -> None:
        self.assertLessEqual({"echo", "shout"}, set(self.ask("/info")["graphs"]))

    def test_it_shouts(self) -> None:
        body = {"assistant_id": "shout", "input": {"text": "hello, žlutý"}}
        self.assertEqual(self.ask("/runs/wait", body), {"text": "HELLO, ŽLUTÝ"})


if __name__ == "__main__":
    unittest.main()
