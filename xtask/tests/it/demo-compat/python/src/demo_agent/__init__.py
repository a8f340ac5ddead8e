"""A package that knows its version and the commit it was built from, and that plugins are written for."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

__all__ = ["COMMIT", "Plugin", "__version__"]
__version__ = version("demo-agent")
COMMIT = Path(__file__).with_name("_commit.txt").read_text().strip()


@dataclass(frozen=True)
class Plugin:
    """What a plugin brings."""

    name: str
    api_version: str

    def greeting(self) -> str:
        return f"hello from {self.name}"
