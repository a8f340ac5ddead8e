"""Starts a server, and runs a command with its address in the variable BASE_URL.

    python3 contract/serve.py COMMAND... -- SERVER...

It exits with the code of COMMAND.
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "sdk"))
sys.dont_write_bytecode = True

from matrix import server  # noqa: E402

end = sys.argv.index("--")
with server(Path.cwd(), sys.argv[end + 1 :]) as url:
    environment = {**os.environ, "BASE_URL": url, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(sys.argv[1:end], env=environment, check=False)
sys.exit(done.returncode)
