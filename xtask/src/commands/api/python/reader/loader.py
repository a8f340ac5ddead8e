"""griffe's loader, with the branches of an environment and every form of `__all__`."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import griffe
from conditions import Values, bound, dropped, for_type_checkers
from environments import Tree
from exports import Reference, listed
from lazy import Lazy
from running import put_in_place

# A file without these puts no names in place when it is imported.
RUNS = ("modules[", "globals()", "vars()", "locals()")


class Visitor(griffe.Visitor):
    """Reads a source file without the statements that the environment does not run."""

    values: Values
    tree: ast.Module | None
    stubbed: dict[int, tuple[Any, Path]]
    placed: set[str]
    functions: dict[str, griffe.Function]

    def get_module(self) -> griffe.Module:
        """Visit what was parsed before, once for all environments."""
        if self.tree is None:
            return super().get_module()
        self._visited_nodes.clear()
        try:
            self.visit(self.tree)
            return self.current.module
        finally:
            for node in self._visited_nodes:
                vars(node).pop("parent", None)
            self._visited_nodes.clear()

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Module):
            self.skipped = {id(statement) for statement in dropped(node, self.values)}
            super().visit(node)
            module = self.current.module
            # A file that does not speak of them need not be run.
            empty = ast.Module([], [])
            lazy = Lazy(node if "__getattr__" in self.code else empty, self.skipped)
            runs = any(word in self.code for word in RUNS)
            package = module if module.parent is None or module.is_init_module else module.parent
            running = put_in_place(node if runs else empty, module.path, package.path)
            self.placed |= set(running.modules)
            module.extra["xtask"] = {
                "exports": listed(node if "__all__" in self.code else empty, self.skipped),
                "typing": for_type_checkers(node, self.values) - set(lazy.names),
                "lazy": lazy,
                "running": running,
                # A submodule of the same name takes their place in griffe's members.
                "own": {
                    name: member
                    for name, member in module.members.items()
                    if not member.is_alias and not member.is_module
                },
            }
            self.beside_stub(module)
            if self.filepath.suffix == ".pyi":
                self.mark(module)
        elif id(node) not in self.skipped:
            super().visit(node)

    def mark(self, scope: griffe.Module | griffe.Class) -> None:
        """Note where the definitions of a stub are: griffe moves them into the module of code."""
        overloads = [one for found in scope.overloads.values() for one in found]
        for member in [*scope.members.values(), *overloads]:
            self.stubbed[id(member)] = (member, self.filepath)
            if isinstance(member, griffe.Function) and not member.overloads:
                self.functions[member.path] = member
            if isinstance(member, griffe.Class):
                self.mark(member)

    def beside_stub(self, module: griffe.Module) -> None:
        """Prepare a module and its stub so that griffe can merge them.

        griffe fails where a stub has overloads of a name that the module imports from a package
        that is not read, or from compiled code. Type checkers see the stub, so it is taken.
        """
        file = self.filepath
        if file.suffix == ".pyi":
            defined = top_level(file.with_suffix(".py"), ast.FunctionDef, ast.AsyncFunctionDef)
            for name, overloads in list(module.overloads.items()):
                if overloads and name not in defined:
                    overloads[-1].overloads = overloads
                    module.set_member(name, overloads[-1])
                    del module.overloads[name]
        else:
            stubbed = top_level(
                file.with_suffix(".pyi"), ast.FunctionDef, ast.ClassDef, ast.AnnAssign
            )
            for name, member in list(module.members.items()):
                if (
                    name in stubbed
                    and isinstance(member, griffe.Alias)
                    and not has_source(module, file, member.target_path)
                ):
                    module.del_member(name)


def has_source(module: griffe.Module, file: Path, target: str) -> bool:
    """Say whether the module of a name can be read: of this package, and not compiled."""
    package = module.path.split(".")
    if target.partition(".")[0] != package[0]:
        return False
    root = file.parents[len(package) - (0 if file.stem == "__init__" else 1)]
    place = root.joinpath(*target.split(".")[:-1])
    files = [place.with_suffix(".py"), place / "__init__.py"]
    return any(one.is_file() or one.with_suffix(".pyi").is_file() for one in files)


def top_level(file: Path, *kinds: type[ast.stmt]) -> set[str]:
    """Find the names that a file itself defines; none if there is no such file."""
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_bytes())
    return {name for node in tree.body if isinstance(node, kinds) for name in bound(node)}


class Loader(griffe.GriffeLoader):
    """Loads the packages of one tree for one environment."""

    def __init__(self, tree: Tree, values: Values) -> None:
        super().__init__(
            search_paths=[tree.root], extensions=griffe.Extensions(), allow_inspection=False
        )
        self.tree, self.values = tree, values
        # The files of the definitions that come from stubs, by their identity.
        self.stubbed: dict[int, tuple[Any, Path]] = {}
        # The functions of stubs as they are written, by their paths.
        self.functions: dict[str, griffe.Function] = {}
        # Modules of these packages that code puts into `sys.modules`.
        self.placed: set[str] = set()

    def _load_package(
        self, package: griffe.Package | griffe.NamespacePackage, *, submodules: bool = True
    ) -> griffe.Module:
        """Load a package, and merge the stub of its `__init__` once.

        griffe merges it when it loads the stub, and then again. The second time it finds the
        classes merged with themselves, and drops the overloads of their methods.
        """
        if isinstance(package, griffe.NamespacePackage) or package.stubs is None:
            return super()._load_package(package, submodules=submodules)
        module = super()._load_package(replace(package, stubs=None), submodules=submodules)
        self.expand_wildcards(module)
        apart = package.stubs.parent != package.path.parent
        self._load_module(package.name, package.stubs, submodules=submodules and apart)
        return module

    def _visit_module(
        self, module_name: str, module_path: Path, parent: griffe.Module | None = None
    ) -> griffe.Module:
        code = module_path.read_text(encoding="utf-8-sig")
        self.lines_collection[module_path] = code.splitlines(keepends=False)
        visitor = Visitor(
            module_name,
            module_path,
            code,
            self.extensions,
            parent,
            lines_collection=self.lines_collection,
            modules_collection=self.modules_collection,
        )
        visitor.values, visitor.tree = self.values, self.tree.parsed(module_path)
        visitor.stubbed, visitor.placed = self.stubbed, self.placed
        visitor.functions = self.functions
        return visitor.get_module()

    def expand_exports(self, module: griffe.Module, seen: set[str] | None = None) -> None:
        """Resolve `__all__` of a module and of all modules in it.

        griffe knows only literal lists, and puts `__all__` together only in modules whose parents
        have one.
        """
        seen = set() if seen is None else seen
        self.resolve_exports(module, seen)
        for inner in module.modules.values():
            if not inner.is_alias:
                self.expand_exports(inner, seen)

    def resolve_exports(self, module: griffe.Module, seen: set[str]) -> list[Any]:
        if module.path in seen:
            return [one for one in module.exports or [] if isinstance(one, str)]
        seen.add(module.path)
        read: Any = module.extra["xtask"].get("exports")
        if read is None:
            # What griffe took from a stub; it reads a list that is not literal as an empty one.
            read = [one for one in module.exports or [] if isinstance(one, str)] or None
        names: list[Any] = []
        module.exports = None if read is None else names
        for one in read or []:
            names += self.referred(module, one, seen) if isinstance(one, Reference) else [one]
        return names

    def referred(self, module: griffe.Module, one: Reference, seen: set[str]) -> list[str]:
        try:
            # `m.__all__` of a module, or a name that `from .m import __all__ as name` gave.
            head = one.name.removesuffix(".__all__")
            path = module.resolve(head)
            path = path if head != one.name else path.rpartition(".")[0]
            other = self.modules_collection.get_member(path)
        except (AttributeError, KeyError, ValueError, griffe.GriffeError):
            return []
        return self.resolve_exports(other, seen) if other.is_module else []
