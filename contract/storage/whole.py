"""The whole contract with a server on a database: starts one, and runs `contract/` on it.

    python3 contract/storage/whole.py DB COMMAND...

COMMAND serves the server's own graphs.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.dont_write_bytecode = True

from restart import Server  # noqa: E402

with TemporaryDirectory() as folder:
    server = Server(Path(folder))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1])],
        env={**os.environ, "BASE_URL": server.url},
        check=False,
    )
    server.kill()
sys.exit(done.returncode)
