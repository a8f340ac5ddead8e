"""Conditions: which branches of a source file an environment runs.

An environment is a version of Python, a platform, and whether optional packages are installed.
"""

import ast
import operator
import sys
from dataclasses import dataclass
from typing import Any

OPERATORS: dict[type[ast.cmpop], Any] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
# sys.platform, os.name and platform.system() of each platform.
PLATFORMS = {
    "linux": ("linux", "posix", "Linux"),
    "win32": ("win32", "nt", "Windows"),
    "darwin": ("darwin", "posix", "Darwin"),
}
IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class Environment:
    """Where a package runs: its Python, its platform, and whether optional packages are there."""

    version: int
    platform: str = "linux"
    optional: bool = True


class UnknownError(Exception):
    """The value is not known before the module runs."""


class Values:
    """What conditions are worth in an environment."""

    def __init__(self, environment: Environment, constants: dict[str, ast.expr]) -> None:
        self.environment, self.constants = environment, constants
        self.busy: set[str] = set()

    def truth(self, node: ast.expr) -> bool | None:
        """Null where it is not known."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            decisive = isinstance(node.op, ast.Or)
            all_of = [self.truth(value) for value in node.values]
            if decisive in all_of:
                return decisive
            return None if None in all_of else not decisive
        try:
            return bool(self.value(node))
        except (UnknownError, TypeError, ValueError, IndexError, AttributeError):
            return None

    # One case for each kind of expression.
    def value(self, node: ast.expr) -> Any:  # noqa: PLR0911
        match node:
            case ast.Constant():
                return node.value
            case ast.Tuple() | ast.List() | ast.Set():
                return tuple(self.value(item) for item in node.elts)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return OPERATORS[type(op)](self.value(left), self.value(right))
            case ast.Subscript(value=inner, slice=ast.Slice(lower=lower, upper=upper, step=None)):
                ends = [None if end is None else self.value(end) for end in (lower, upper)]
                return self.value(inner)[slice(*ends)]
            case ast.Subscript(value=inner, slice=index):
                return self.value(inner)[self.value(index)]
            case ast.Attribute(value=inner, attr="major" | "minor" as part):
                return self.value(inner)[("major", "minor").index(part)]
            case ast.Call(func=ast.Attribute(value=inner, attr="startswith"), args=[start]):
                return self.value(inner).startswith(self.value(start))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="platform"), attr="system")):
                return PLATFORMS[self.environment.platform][2]
            case _:
                return self.named(ast.unparse(node))

    def named(self, name: str) -> Any:
        sys_platform, os_name, _ = PLATFORMS[self.environment.platform]
        last = name.rpartition(".")[2]
        known = {
            "TYPE_CHECKING": True,
            "version_info": (3, self.environment.version, 99, "final", 0),
            "sys.platform": sys_platform,
            "os.name": os_name,
        }
        for key in (name, last if last in ("TYPE_CHECKING", "version_info") else name):
            if key in known:
                return known[key]
        if name not in self.constants or name in self.busy:
            raise UnknownError(name)
        self.busy.add(name)
        try:
            return self.value(self.constants[name])
        finally:
            self.busy.discard(name)


def constants(trees: list[ast.Module]) -> dict[str, ast.expr]:
    """Find `PY311 = sys.version_info >= (3, 11)` and the like, which conditions name."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for tree in trees:
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value) if any(
                    isinstance(part, ast.Name | ast.Attribute)
                    and ast.unparse(part).endswith(("version_info", "sys.platform", "os.name"))
                    for part in ast.walk(value)
                ):
                    if name in found and ast.dump(found[name]) != ast.dump(value):
                        twice.add(name)
                    found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def is_optional(node: ast.Try) -> bool:
    """Say whether this `try` imports what may be missing, and goes on without it."""
    inner = [part for part in node.body if isinstance(part, ast.Import | ast.ImportFrom)]
    modules = [
        name
        for part in inner
        for name in (
            [part.module or "" if part.level == 0 else ""]
            if isinstance(part, ast.ImportFrom)
            else [alias.name for alias in part.names]
        )
    ]
    caught = {
        part.id
        for handler in node.handlers
        for part in ast.walk(handler.type or ast.Name("Exception"))
        if isinstance(part, ast.Name)
    }
    goes_on = not any(isinstance(handler.body[-1], ast.Raise) for handler in node.handlers)
    own = any(name.split(".")[0] not in sys.stdlib_module_names for name in modules)
    return own and bool(caught & IMPORT_ERRORS) and goes_on


def conditions(body: list[ast.stmt]) -> list[ast.If | ast.Try]:
    """List the conditions of a module and its classes, those inside others too."""
    found: list[ast.If | ast.Try] = []
    for node in body:
        if isinstance(node, ast.If) or (isinstance(node, ast.Try) and is_optional(node)):
            found.append(node)
        for inner in blocks(node):
            found += conditions(inner)
    return found


def blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    handlers = [handler.body for handler in getattr(node, "handlers", [])]
    parts = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
    return [block for block in [*parts, *handlers] if isinstance(block, list) and block]


def dropped(tree: ast.Module, values: Values) -> list[ast.stmt]:
    """List the statements that the environment does not run, without those inside them."""
    gone: list[list[ast.stmt]] = []
    for node in conditions(tree.body):
        if isinstance(node, ast.If):
            truth = values.truth(node.test)
            if truth is not None:
                gone.append(node.orelse if truth else node.body)
        elif values.environment.optional:
            gone += [handler.body for handler in node.handlers]
        else:
            gone += [node.body, node.orelse]
    return [statement for block in gone for statement in block]


def for_type_checkers(tree: ast.Module, values: Values) -> set[str]:
    """Find the names that a module has only `if TYPE_CHECKING`."""
    checked: set[str] = set()
    run: set[str] = set()

    def look(body: list[ast.stmt], *, only: bool) -> None:
        for node in body:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                truth = values.truth(node.test)
                look(node.body, only=only or truth is True)
                look(node.orelse, only=only or truth is False)
                continue
            (checked if only else run).update(bound(node))
            for block in blocks(node) if not isinstance(node, ast.ClassDef) else []:
                look(block, only=only)

    look(tree.body, only=False)
    return checked - run


def bound(node: ast.stmt) -> list[str]:
    """List the names that a statement itself defines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Import() | ast.ImportFrom():
            return [alias.asname or alias.name.split(".")[0] for alias in node.names]
        case ast.Assign():
            return [
                part.id
                for target in node.targets
                for part in ast.walk(target)
                if isinstance(part, ast.Name)
            ]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []
