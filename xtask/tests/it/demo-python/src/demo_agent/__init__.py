"""A package that knows its version and the commit it was built from."""

from importlib.metadata import version
from pathlib import Path

__version__ = version("demo-agent")
COMMIT = Path(__file__).with_name("_commit.txt").read_text().strip()
