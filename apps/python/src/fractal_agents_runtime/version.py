"""What this build is: the version of the package and the commit it was made from."""

from importlib.metadata import version
from importlib.resources import files

PACKAGE = "fractal-agents-runtime"

# The only place with the number itself is pyproject.toml.
__version__ = version(PACKAGE)


def commit() -> str | None:
    """Return the commit's full hash; None in a checkout, where nothing has stamped it."""
    return parse_stamp(files(__package__).joinpath("_commit.txt").read_text(encoding="utf-8"))


def parse_stamp(text: str) -> str | None:
    """Read what `git archive` leaves of `$Format:%H$` (gitattributes(5), export-subst)."""
    stamp = text.strip()
    return None if not stamp or stamp.startswith("$Format") else stamp
