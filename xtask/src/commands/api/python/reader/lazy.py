"""Names that a module's `__getattr__` gives on demand (PEP 562), from the table that it reads."""

import ast
from typing import Any

from exports import Exports, UnknownError


class Lazy:
    """What a `__getattr__` knows: names, and where each may be defined."""

    def __init__(self, tree: ast.Module, skipped: set[int]) -> None:
        self.names: dict[str, list[str]] = {}
        self.known = False
        # No name outside of the table is given.
        self.complete = False
        self.values = Exports()
        self.values.run(tree.body, skipped)
        for node in tree.body:
            match node:
                case ast.FunctionDef(name="__getattr__", args=ast.arguments(args=[asked])):
                    self.function(node, asked.arg)
                case ast.Assign(value=ast.Call() as call) if is_attached(node):
                    self.attached(call)
                case _:
                    pass

    def function(self, function: ast.FunctionDef, asked: str) -> None:
        for node in ast.walk(function):
            match node:
                case ast.Compare(
                    left=ast.Name(id=name), ops=[ast.Eq()], comparators=[ast.Constant(value=text)]
                ) if name == asked:
                    self.add(str(text))
                case ast.Compare(
                    left=ast.Name(id=name), ops=[ast.In() | ast.NotIn()], comparators=[table]
                ) if name == asked:
                    self.table(table)
                case ast.Subscript(value=table, slice=ast.Name(id=name)) if name == asked:
                    self.table(table)
                case ast.Call(
                    func=ast.Attribute(value=table, attr="get" | "pop"),
                    args=[ast.Name(id=name), *_],
                ) if name == asked:
                    self.table(table)
                case ast.MatchValue(value=ast.Constant(value=str() as text)):
                    self.add(text)
                case _:
                    pass
        raises = any(isinstance(node, ast.Raise) for node in ast.walk(function))
        self.complete = self.known and raises and not imports(function, asked)

    def add(self, name: str, *places: str) -> None:
        self.known = True
        self.names.setdefault(name, []).extend(places)

    def table(self, node: ast.expr) -> None:
        try:
            table = self.values.value(node)
        except (UnknownError, TypeError, ValueError, KeyError):
            return
        self.known = True
        if isinstance(table, dict):
            for name, text in table.items():
                self.add(str(name), *places(str(name), text))
        elif isinstance(table, list):
            for name in table:
                self.add(str(name))

    def attached(self, call: ast.Call) -> None:
        """Read `lazy_loader.attach(__name__, submodules, {"module": ["name"]})`."""
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        given.update(zip(("package", "submodules", "submod_attrs"), call.args, strict=False))
        for module in literal(given.get("submodules")) or []:
            self.add(module, f".{module}")
        for module, names in (literal(given.get("submod_attrs")) or {}).items():
            for name in names:
                self.add(name, f".{module}.{name}")
        self.complete = bool(self.names)


def is_attached(node: ast.Assign) -> bool:
    """Say whether this is `__getattr__, __dir__, __all__ = lazy_loader.attach(...)`."""
    target, called = ast.unparse(node.targets[0]), ast.unparse(node.value).split("(")[0]
    return "__getattr__" in target and called.endswith("attach")


def literal(node: ast.expr | None) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError):
        return None


def places(name: str, text: str) -> list[str]:
    """List the paths that an entry may mean: a module, `module:name`, or `(module, name)`."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return []
    if isinstance(value, tuple | list) and all(isinstance(part, str) for part in value):
        return [f"{value[0]}.{value[-1]}"]
    if not isinstance(value, str):
        return []
    module, _, other = value.partition(":")
    return [f"{module}.{other or name}", module]


def imports(function: ast.FunctionDef, asked: str) -> bool:
    """Say whether it imports a module by the name that is asked for."""
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("import_module", "__import__"))
        and any(
            isinstance(part, ast.JoinedStr | ast.BinOp) and asked in names(part)
            for argument in node.args
            for part in ast.walk(argument)
        )
        for node in ast.walk(function)
    )


def names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
