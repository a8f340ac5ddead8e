"""The contract of all apps holds, and every method of the SDKs works; see `contract/`."""

import subprocess
import sys
from pathlib import Path

from conftest import Server, environ

ROOT = Path(__file__).parents[3]


def test_the_contract_holds(server: Server) -> None:
    command = [sys.executable, "-m", "unittest", "discover", "--start-directory", "contract"]
    environment = {**environ(measured=False), "BASE_URL": server.url}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
