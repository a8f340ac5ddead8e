"""What the stub beside a module knows of it: type checkers read only the stub."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from conditions import bound
from names import Definition, Names

# A stub with one of these may give any name.
ANY = {"*", "__getattr__"}
NAMED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Stubs(Names):
    """Names of modules and classes that the stub beside their file lacks."""

    def has_stub(self, module: Definition) -> bool:
        file = module.filepath
        return not isinstance(file, list) and (
            file.suffix == ".pyi" or file.with_suffix(".pyi").is_file()
        )

    def annotated(self, module: Definition) -> bool:
        file = module.filepath
        return not isinstance(file, list) and self.tree.has_annotations(file)

    def outside_stub(self, module: Definition) -> Callable[[str], bool]:
        """Say of a name whether the stub beside its module lacks it."""
        stub = self.stub(module)
        if stub is None:
            return lambda _: False
        known = defined(stub)
        return lambda name: name not in known and not known & ANY

    def members_outside_stub(self, mro: list[Definition], members: list[str]) -> list[str]:
        """List the members of a class that no stub of the classes that define them has."""
        known = {klass.path: self.in_stub(klass) for klass in mro}
        if all(found is None for found in known.values()):
            return []

        def lacks(name: str) -> bool:
            owners = [c for c in mro if name in c.members or c.overloads.get(name)]
            found = [known[owner.path] for owner in owners]
            return bool(found) and all(f is not None and name not in f for f in found)

        return sorted(name for name in members if name not in ("__eq__", "__ne__") and lacks(name))

    def in_stub(self, klass: Definition) -> set[str] | None:
        """Find the names that a class has in the stub beside its module.

        None if that is not known: without a stub, without the class in it, or if it may have any.
        """
        scopes = self.stub_nodes(klass)
        found = {name for scope in scopes for name in defined(scope)}
        return None if not scopes or found & ANY else found

    def stub_nodes(self, definition: Definition) -> list[Any]:
        """Find a class or a function in the stub beside its module."""
        module = module_of(definition)
        stub = self.stub(module)
        scopes: list[Any] = [] if stub is None else [stub]
        for part in definition.path[len(module.path) + 1 :].split("."):
            inner = [node for scope in scopes for node in statements(scope)]
            scopes = [node for node in inner if isinstance(node, NAMED) and node.name == part]
        return scopes

    def stub(self, module: Definition) -> ast.Module | None:
        """Parse the stub beside a module of code."""
        file = module.filepath
        if isinstance(file, list) or file.suffix == ".pyi":
            return None
        return self.tree.parsed(file.with_suffix(".pyi"))


def module_of(klass: Definition) -> Definition:
    """Find the module around a class."""
    return klass if klass.is_module else module_of(klass.parent)


def defined(scope: ast.AST) -> set[str]:
    """Find what a module or a class defines, in any branch."""
    return {name for node in statements(scope) for name in bound(node)}


def statements(scope: ast.AST) -> Iterator[ast.stmt]:
    """List the statements of a module or a class, with those of all branches."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo += ast.iter_child_nodes(node)
