"""Starts a PostgreSQL in a temporary folder, and runs a script of tests with its address.

    python3 contract/storage/postgresql.py SCRIPT... -- COMMAND...

Each SCRIPT gets an empty database, as `SCRIPT ADDRESS COMMAND...`. The exit code is 77 without
PostgreSQL (Debian: postgresql).
"""

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

sys.dont_write_bytecode = True

from ports import free_port  # noqa: E402

# Timeout in seconds.
PATIENCE = 60.0


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs. Debian does not have it in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    known = shutil.which("initdb")
    if known or found:
        return (found[-1] if found else Path(str(known)).resolve()).parent
    return None


def as_user(folder: Path) -> list[str]:
    """Return the command that runs others as a user, because PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return []
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def running(bin_folder: Path) -> Iterator[str]:
    """Run PostgreSQL. Return the start of the addresses of its databases."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        user = as_user(folder)
        data = str(folder / "data")
        made = [str(bin_folder / "initdb"), "--pgdata", data, "--auth=trust", "--username=tests"]
        subprocess.run(
            [*user, *made, "--no-sync", "--encoding=UTF8", "--locale=C"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        port = free_port()
        server = [str(bin_folder / "postgres"), "-D", data, "-p", str(port), "-k", name]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*user, *server, *settings], cwd=folder, stdout=log, stderr=log
            )
        try:
            ready = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            deadline = time.monotonic() + PATIENCE
            while subprocess.run(ready, check=False).returncode != 0:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "log").read_text())
                time.sleep(0.05)
            yield f"postgresql://tests@127.0.0.1:{port}/"
        finally:
            # The fast way to stop: connections are closed.
            process.send_signal(2)
            process.wait(PATIENCE)


def main() -> int:
    """Run the scripts one after another. Return the first exit code that is not 0."""
    bin_folder = programs()
    if bin_folder is None:
        sys.stderr.write("PostgreSQL is not installed\n")
        return 77
    at = sys.argv.index("--")
    scripts, command = sys.argv[1:at], sys.argv[at + 1 :]
    with running(bin_folder) as start:
        for number, script in enumerate(scripts):
            make = [str(bin_folder / "psql"), "-q", f"{start}postgres", "-c"]
            subprocess.run([*make, f"CREATE DATABASE tests{number}"], check=True)
            done = subprocess.run(
                [sys.executable, script, f"{start}tests{number}", *command], check=False
            )
            if done.returncode != 0:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
