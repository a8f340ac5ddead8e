"""Which environments two versions of a package must be read for.

They are read for the newest Python first. Another environment is read only if what it alone runs
may differ between the two versions.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from conditions import Environment, Values, blocks, conditions, constants

# The versions of Python 3 that a package without `requires-python` may be used with.
OLDEST, NEWEST = 8, 14
# `<3.99` means no version in particular.
ENDLESS = 50


class Tree:
    """The source files of one version of a package."""

    def __init__(self, root: str, public: list[str], requires: str | None) -> None:
        self.root, self.requires = Path(root).resolve(), requires
        self.problems: list[str] = []
        self.files: dict[str, ast.Module] = {}
        self.annotated: dict[str, bool] = {}
        # The packages, and those beside them that they import from: `pytest` is in `_pytest`.
        self.packages = sorted({name.split(".")[0] for name in public})
        for package in self.packages:
            files = sources(self.root, package)
            for file in files:
                self.read(file)
            self.packages += sorted(self.beside(files) - {*self.packages})
        self.constants = constants(list(self.files.values()))

    def read(self, file: Path) -> None:
        """Keep what is parsed; griffe leaves out what it cannot parse, as if it were removed."""
        name = file.relative_to(self.root).as_posix()
        try:
            self.files[name] = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or 1
            self.problems.append(f"{name}:{line}: {error}")

    def beside(self, files: list[Path]) -> set[str]:
        """Find the packages of this tree that these files import from."""
        parsed = [tree for file in files if (tree := self.parsed(file)) is not None]
        names = {
            (node.module or "").split(".")[0]
            for tree in parsed
            for node in imports(tree.body)
            if node.level == 0
        }
        return {name for name in names if is_package(self.root, name)}

    def parsed(self, file: Path) -> ast.Module | None:
        """Return what a file holds; null for one outside of the tree."""
        return self.files.get(file.relative_to(self.root).as_posix())

    def has_annotations(self, file: Path) -> bool:
        """Say whether a file annotates any of its functions or attributes."""
        name = file.relative_to(self.root).as_posix()
        if name not in self.annotated:
            self.annotated[name] = any(map(is_annotated, ast.walk(self.files[name])))
        return self.annotated[name]

    def pythons(self) -> set[int]:
        """List the minor versions of Python 3 that may install it."""
        return allowed(self.requires or f">=3.{OLDEST}")


def is_annotated(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.AnnAssign)
        or (isinstance(node, ast.arg) and node.annotation is not None)
        or (isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None)
    )


def sources(root: Path, package: str) -> list[Path]:
    """List the files of a package, of its stubs, or of a single module."""
    found = [
        root / f"{package}{end}" for end in (".py", ".pyi") if (root / f"{package}{end}").is_file()
    ]
    for folder in (root / package, root / f"{package}-stubs"):
        for end in ("*.py", "*.pyi"):
            found += sorted(folder.rglob(end)) if folder.is_dir() else []
    return found


def imports(body: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """List the imports of a module that are in no function."""
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield node
        for block in blocks(node):
            yield from imports(block)


def is_package(root: Path, name: str) -> bool:
    """Say whether `import name` finds a folder or a file; other folders may have its name."""
    places = [root / name / "__init__", root / name]
    return any(place.with_suffix(end).is_file() for place in places for end in (".py", ".pyi"))


def allowed(requires: str) -> set[int]:
    """Read `requires-python` (PEP 440): which minor versions of Python 3 have a release in it."""
    tests = re.findall(r"(~=|===?|!=|<=|>=|<|>)\s*([\d.]+)(\.\*)?", requires)
    numbers = [[int(part) for part in number.strip(".").split(".")] for _, number, _ in tests]

    def fits(minor: int, micro: int) -> bool:
        return all(
            satisfies((3, minor, micro), sign, number, star=bool(star))
            for (sign, _, star), number in zip(tests, numbers, strict=True)
        )

    micros = {0, 99}
    newest = NEWEST
    for _, minor, micro in (([*number, 0, 0])[:3] for number in numbers):
        micros |= {micro, micro + 1}
        newest = max(newest, minor if minor < ENDLESS else 0)
    return {minor for minor in range(newest + 1) if any(fits(minor, micro) for micro in micros)}


def satisfies(version: tuple[int, ...], sign: str, number: list[int], *, star: bool) -> bool:
    bound = tuple(number + [0] * (3 - len(number)))[:3]
    start = version[: len(number)] == tuple(number)
    answers = {
        "==": start if star else version == bound,
        "!=": not start if star else version != bound,
        "~=": version >= bound and version[: len(number) - 1] == tuple(number[:-1]),
        "<": version < bound,
        "<=": version <= bound,
        ">": version > bound,
        ">=": version >= bound,
    }
    return answers[sign.replace("===", "==")]


def environments(trees: list[Tree]) -> list[tuple[str, Environment]]:
    """List the environments, each with the words for it; the first has none."""
    common = (
        set.intersection(*(tree.pythons() for tree in trees)) or trees[-1].pythons() or {NEWEST}
    )
    base = Environment(max(common))
    found = [("", base)]
    older = sorted(representatives(trees, common) - {base.version}, reverse=True)
    found += [(f"Python 3.{minor}", Environment(minor)) for minor in older]
    found += [
        (name, Environment(base.version, platform)) for name, platform in PLATFORM_WORDS.items()
    ]
    found.append(
        ("Python without the optional packages", Environment(base.version, optional=False))
    )
    kept = found[:1]
    for where, one in found[1:]:
        # Two environments may run the same of all that may have changed.
        if all(matters(trees, other, one) for _, other in kept):
            kept.append((where, one))
    return kept


PLATFORM_WORDS = {"Windows": "win32", "macOS": "darwin"}


def representatives(trees: list[Tree], common: set[int]) -> set[int]:
    """List the oldest version of each range that a condition tells from the others."""
    borders = {min(common)}
    for tree in trees:
        tests = [node.test for file in tree.files.values() for node in ifs(file)]
        for test in [*tests, *tree.constants.values()]:
            for part in ast.walk(test):
                match part:
                    case ast.Tuple(
                        elts=[ast.Constant(value=3), ast.Constant(value=int(minor)), *_]
                    ):
                        borders |= {minor, minor + 1}
                    case _:
                        pass
    return borders & common


def ifs(tree: ast.Module) -> list[ast.If]:
    return [node for node in conditions(tree.body) if isinstance(node, ast.If)]


def matters(trees: list[Tree], base: Environment, other: Environment) -> bool:
    """Say whether what this environment runs, and the first one does not, may have changed."""
    seen = [
        {
            name: found
            for name, file in tree.files.items()
            if (found := conditional(file, tree, base, other))
        }
        for tree in trees
    ]
    return seen[0] != seen[-1]


def conditional(file: ast.Module, tree: Tree, base: Environment, other: Environment) -> list[str]:
    """List what the two environments run differently, and the modules that it imports."""
    found = []
    for node in conditions(file.body):
        if isinstance(node, ast.If):
            truths = [Values(one, tree.constants).truth(node.test) for one in (base, other)]
            differs = truths[0] != truths[1]
        else:
            differs = base.optional != other.optional
        if differs:
            found.append(ast.dump(node))
            found += [ast.dump(tree.files[name]) for name in imported(node, tree)]
    return found


def imported(node: ast.stmt, tree: Tree) -> list[str]:
    """List the private files whose module's last name an import in a condition has.

    Public ones are compared as such.
    """
    lasts = {
        (part.module or part.names[0].name).rpartition(".")[2]
        for block in blocks(node)
        for statement in block
        for part in ast.walk(statement)
        if isinstance(part, ast.ImportFrom)
    }
    return [
        name
        for name in tree.files
        if Path(name).stem in lasts and any(part.startswith("_") for part in Path(name).parts)
    ]
