"""The version of the package, and the commit it was built from."""

from importlib.metadata import version
from importlib.resources import files

PACKAGE = "fractal-agents-runtime"

# Read from the metadata: pyproject.toml is the only place that contains the number.
__version__ = version(PACKAGE)


def commit() -> str | None:
    """Return the commit's full hash. None in a checkout, where `git archive` has not written it."""
    return parse_stamp(files(__package__).joinpath("_commit.txt").read_text(encoding="utf-8"))


def parse_stamp(text: str) -> str | None:
    """Parse what `git archive` writes for `$Format:%H$` (gitattributes(5), export-subst)."""
    stamp = text.strip()
    return None if not stamp or stamp.startswith("$Format") else stamp
