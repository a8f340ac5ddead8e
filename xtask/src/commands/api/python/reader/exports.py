"""What `__all__` lists, however it is put together: by `+`, `append`, `sorted` or a loop.

An entry is a name, or the `__all__` of another module, which is a `Reference` until all are read.
"""

import ast
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """The `__all__` of another module, by the expression that names it."""

    name: str


class UnknownError(Exception):
    """The list depends on something that only runs."""


class Exports:
    """The module-level statements that build `__all__`, run as far as they are literal."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        # Decorators that add what they decorate.
        self.adders: set[str] = set()

    def run(self, body: list[ast.stmt], skipped: set[int]) -> None:
        for node in body:
            if id(node) in skipped:
                continue
            try:
                self.statement(node, skipped)
            except (UnknownError, TypeError, ValueError, AttributeError, KeyError, RecursionError):
                # What cannot be known leaves the list as it is.
                continue

    # One case for each kind of statement.
    def statement(self, node: ast.stmt, skipped: set[int]) -> None:  # noqa: C901, PLR0912
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.values.pop(target.id, None)
                        self.values[target.id] = self.value(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.values[name] = self.value(value)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                self.values[name] = [*self.values[name], *self.value(value)]
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=called), args=[arg])
            ):
                self.method(name, called, self.value(arg))
            case ast.For(target=ast.Name(id=name), iter=items, body=body):
                for item in self.value(items):
                    self.values[name] = item
                    self.run(body, skipped)
            case ast.FunctionDef(name=name, args=ast.arguments(args=[parameter])):
                if adds(node, parameter.arg):
                    self.adders.add(name)
                self.decorated(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.decorated(node)
            case ast.If() | ast.Try() | ast.With():
                for part in ("body", "orelse", "finalbody"):
                    self.run(getattr(node, part, []), skipped)
                for handler in getattr(node, "handlers", []):
                    self.run(handler.body, skipped)
            case _:
                pass

    def decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        names = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
        if names & self.adders:
            self.method("__all__", "append", node.name)

    def method(self, name: str, called: str, value: Any) -> None:
        if called in ("append", "add"):
            self.values[name] = [*self.values[name], value]
        elif called in ("extend", "update"):
            self.values[name] = [*self.values[name], *value]
        elif called == "remove":
            self.values[name] = [one for one in self.values[name] if one != value]

    # One case for each kind of expression.
    def value(self, node: ast.expr) -> Any:  # noqa: C901, PLR0911, PLR0912
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.List() | ast.Tuple() | ast.Set():
                return [
                    one
                    for item in node.elts
                    for one in (
                        self.value(item.value)
                        if isinstance(item, ast.Starred)
                        else [self.value(item)]
                    )
                ]
            case ast.Dict(keys=keys, values=values):
                return {
                    self.value(key): ast.unparse(value)
                    for key, value in zip(keys, values, strict=True)
                    if key is not None
                }
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [*self.value(left), *self.value(right)]
            case ast.Call(func=ast.Name(id="sorted" | "list" | "tuple" | "set"), args=[inner]):
                return list(self.value(inner))
            case ast.Call(func=ast.Attribute(value=inner, attr="keys" | "copy"), args=[]):
                return list(self.value(inner))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self.comprehension(node)
            case ast.Attribute(value=ast.Name(id=name), attr="__name__"):
                return str(self.values.get(name, name)).rpartition(".")[2]
            case ast.Attribute(attr="__all__"):
                return [Reference(ast.unparse(node))]
            case ast.Name(id=name) if name in self.values:
                return self.values[name]
            case ast.Name(id=name) if name.endswith("_all") or "__all__" in name:
                return [Reference(name)]
            case ast.Name(id=name) if name not in ("globals", "dir"):
                # A class or a function, whose `__name__` is asked for.
                return name
            case _:
                raise UnknownError

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> list[Any]:
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=items, ifs=tests)]:
                found = []
                for item in self.value(items):
                    self.values[name] = item
                    if all(self.keeps(test, item) for test in tests):
                        found.append(self.value(node.elt))
                return found
            case _:
                raise UnknownError

    def keeps(self, test: ast.expr, item: Any) -> bool:
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return not self.keeps(inner, item)
            case ast.Call(func=ast.Attribute(attr="startswith"), args=[ast.Constant(value=start)]):
                return str(item).startswith(str(start))
            case ast.Compare(ops=[ast.NotEq()], comparators=[ast.Constant(value=other)]):
                return bool(item != other)
            case ast.Compare(ops=[ast.NotIn()], comparators=[others]):
                return item not in self.value(others)
            case _:
                raise UnknownError


def adds(function: ast.FunctionDef, parameter: str) -> bool:
    """Say whether a decorator appends the name of what it decorates to `__all__`."""
    return any(
        ast.unparse(node) == f"__all__.append({parameter}.__name__)" for node in ast.walk(function)
    )


def listed(tree: ast.Module, skipped: set[int]) -> list[str | Reference] | None:
    """Read `__all__`; null if the module has none, or if it cannot be known."""
    exports = Exports()
    exports.run(tree.body, skipped)
    found = exports.values.get("__all__")
    if found is None:
        return None
    return [one for one in found if isinstance(one, str | Reference)]
