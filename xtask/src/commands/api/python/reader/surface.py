"""The public surface of Python packages, read by griffe without importing them.

JSON requests in, JSON surfaces out.

This only reads and resolves names; what a difference means is decided elsewhere.
Input:  [{"root": "folder with the packages", "public": ["pkg", "pkg.module"], "private": [],
          "requires": ">=3.10"}, ...]
Output: [{"where": "Python 3.10", "surfaces": [{"names": {...}, "objects": {...}}, ...]}, ...]:
one for each environment, the first without a `where`.
"""

import ast
import gc
import json
import logging
import re
import sys

from classes import Classes, is_public
from conditions import Values
from environments import Tree, environments, sources
from lazy import Lazy
from names import Definition, Facts
from running import Running


class Reader(Classes):
    """The names that users import, and what they lead to."""

    def surface(self) -> Facts:
        for package in self.tree.packages:
            self.load(package)
        for name in self.public:
            module = self.find(name)
            if module is not None and not module.is_alias and module.is_module:
                self.module(module)
        for path, (target, at) in self.hidden.items():
            self.names[path] = {"to": target, "public": True, **at}
            self.define(self.find(target), target)
        while self.mentioned:
            path = self.mentioned.pop()
            found = self.find(path)
            if (
                found is not None
                and not found.is_alias
                and (found.is_class or found.is_attribute or found.is_type_alias)
            ):
                self.define(found, path)
        return {
            "names": self.names,
            "objects": self.objects,
            "placed": sorted(self.loader.placed),
            "python": self.tree.requires,
            "pythons": sorted(self.tree.pythons()),
            "typed": [
                name for name in self.packages() if (self.root / name / "py.typed").is_file()
            ],
        }

    def packages(self) -> list[str]:
        return sorted({name.split(".")[0] for name in self.public})

    def load(self, package: str) -> None:
        if sources(self.root, package):
            self.loader.load(package, try_relative_path=False, find_stubs_package=True)
            self.loader.resolve_aliases(implicit=True, external=False)

    def module(self, module: Definition) -> None:
        path = module.path
        if path in self.objects:
            return
        self.objects[path] = {
            "kind": "module",
            **self.at(module),
            "lazy": ("__getattr__" in module.members and not self.lazy(module).complete)
            or self.stars(module)
            or self.running(module).any,
            "all": module.exports is not None,
            "stub": self.has_stub(module),
            "annotated": self.has_stub(module) or self.annotated(module),
        }
        self.names[path] = {"to": path, "public": True}
        exports = (
            None if module.exports is None else {str(getattr(e, "name", e)) for e in module.exports}
        )
        untyped = self.outside_stub(module)
        overloaded = {name: found for name, found in module.overloads.items() if found}
        for name in {**module.members, **overloaded}:
            member = module.members.get(name) or overloaded[name][-1]
            if "/" in name or name in ("__getattr__", "__all__", "__main__"):
                continue
            inner = not member.is_alias and member.is_module
            listed = is_public(name) if exports is None or inner else False
            listed = (listed or name in (exports or ())) and not self.excluded(f"{path}.{name}")
            if not listed and (name.startswith("_") or inner):
                # Importable, but promised to nobody.
                self.names[f"{path}.{name}"] = {
                    "to": self.canonical(f"{path}.{name}"),
                    "public": False,
                }
                continue
            public = listed and (exports is not None or self.belongs(module, name, member))
            self.name(module, name, member, public=public)
            if not inner and untyped(name):
                self.names[f"{path}.{name}"]["untyped"] = True
        self.on_demand(module, exports)
        for name in self.running(module).names:
            path = f"{module.path}.{name}"
            public = is_public(name) if exports is None else name in exports
            self.names.setdefault(path, {"to": path, "public": public, **self.at(module)})
        self.by_star(module, exports)
        self.shadow(module)

    def shadow(self, module: Definition) -> None:
        """Note the names that hide a submodule: `from .go import go`, and `def go` beside it."""
        if not module.is_init_module:
            return
        for name, own in module.extra["xtask"].get("own", {}).items():
            member = module.members.get(name)
            if member is not None and not member.is_alias and member.is_module:
                path = f"{module.path}.{name}"
                # The submodule has the path itself.
                self.names[path] = {"to": f"{path}()", "public": True, **self.at(own)}
                self.define(own, f"{path}()")
        for node in self.parsed(module).body:
            if not isinstance(node, ast.ImportFrom) or not node.level or not node.module:
                continue
            package = module.path.split(".")
            above = ".".join(package[: len(package) - node.level + 1])
            for alias in node.names:
                name = alias.asname or alias.name
                member = module.members.get(name)
                target = self.canonical(f"{above}.{node.module}.{alias.name}")
                found = self.find(target)
                if (
                    member is None or member.is_alias or not member.is_module
                    or found is None or found.is_alias or found.is_module
                ):  # fmt: skip
                    continue
                self.hidden[f"{module.path}.{name}"] = (target, self.at(member))

    def running(self, module: Definition) -> Running:
        return module.extra["xtask"].get("running") or Running()

    def lazy(self, module: Definition) -> Lazy:
        return module.extra["xtask"].get("lazy") or Lazy(ast.Module([], []), set())

    def on_demand(self, module: Definition, exports: set[str] | None) -> None:
        """Add the names that the module's `__getattr__` knows."""
        for name, places in self.lazy(module).names.items():
            path = f"{module.path}.{name}"
            if path in self.names or not name.isidentifier():
                continue
            inside = [f"{module.path}{place}" for place in places if place.startswith(".")]
            found = [self.canonical(place) for place in [*places, *inside]]
            target = next((one for one in found if self.find(one) is not None), path)
            public = is_public(name) if exports is None else name in exports
            self.names[path] = {"to": target, "public": public, **self.at(module)}
            real = self.find(target)
            if real is not None and not real.is_alias and not real.is_module:
                self.define(real, target)

    def by_star(self, module: Definition, exports: set[str] | None) -> None:
        """Add the names in `__all__` that `import *` brings from another package."""
        sources = [name.partition("/")[0] for name in module.members if "/" in name]
        for name in exports or ():
            path = f"{module.path}.{name}"
            if sources and path not in self.names and not self.excluded(path):
                target = f"{sources[0]}.{name}" if len(sources) == 1 else path
                self.names[path] = {"to": target, "public": True, **self.at(module)}

    def parsed(self, module: Definition) -> ast.Module:
        file = module.filepath
        found = None if isinstance(file, list) else self.tree.parsed(file)
        return found or ast.parse("\n".join(module.lines))

    def stars(self, module: Definition) -> bool:
        """Names from elsewhere that nobody can list."""
        return any("/" in name for name in module.members)

    def belongs(self, module: Definition, name: str, member: Definition) -> bool:
        """Say whether a name is public without `__all__`.

        That is what is defined here, what a package's __init__ takes from its own modules and does
        not use itself, `import x as x`, and `import *`.
        """
        if not member.is_alias or self.redundant(module, name):
            return True
        if member.wildcard_imported:
            return self.handed_on(member)
        own = member.target_path.startswith(module.path.split(".")[0] + ".")
        return own and module.is_init_module and name not in self.used(module)

    def handed_on(self, member: Definition) -> bool:
        """Say whether `import *` of one of our modules brings more than that module's own tools.

        Without `__all__` it also brings what the module imported from other packages for itself.
        """
        path, _, name = member.target_path.rpartition(".")
        source = self.find(path)
        if source is None or not source.is_module or source.exports is not None:
            return True
        ours = self.find(self.canonical(member.target_path)) is not None
        return ours or self.redundant(source, name)

    def excluded(self, path: str) -> bool:
        """Say whether the settings leave this module out, or nobody but its tests imports it."""
        return path.rpartition(".")[2] in ("tests", "conftest") or path in self.private

    def used(self, module: Definition) -> set[str]:
        """Find the names that the functions, classes and annotations of a module use."""
        if module.path not in self.uses:
            tree = self.parsed(module)
            scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            parts = [node for node in ast.walk(tree) if isinstance(node, scopes)] + [
                node.annotation for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)
            ]
            self.uses[module.path] = {
                node.id for part in parts for node in ast.walk(part) if isinstance(node, ast.Name)
            }
        return self.uses[module.path]

    def redundant(self, module: Definition, name: str) -> bool:
        if module.path not in self.kept:
            self.kept[module.path] = set(
                re.findall(r"\b(\w+)\s+as\s+\1\b", "\n".join(module.lines))
            )
        return name in self.kept[module.path]

    def name(self, module: Definition, name: str, member: Definition, *, public: bool) -> None:
        target = self.canonical(f"{module.path}.{name}")
        found = self.find(target)
        self.names[f"{module.path}.{name}"] = {
            "to": target,
            "public": public,
            "typing": name in module.extra["xtask"].get("typing", ()),
            **self.at(member, module),
        }
        if found is None or found.is_alias:
            if member.is_alias or found is not None:
                return
            found = member
        if found.is_module and not (member.is_alias and not public):
            self.module(found)
        elif not found.is_module:
            self.define(found, target)
            if self.is_unset(module, name, found):
                self.objects[target]["unset"] = True

    def is_unset(self, module: Definition, name: str, found: Definition) -> bool:
        """Say whether a name of a module is only annotated, so that it cannot be imported."""
        return (
            found.is_attribute
            and found.parent is module
            and found.annotation is not None
            and found.value is None
            and str(self.at(found)["file"]).endswith(".py")
            and name not in self.lazy(module).names
            and not self.objects[module.path]["lazy"]
        )


def read(requests: list[Facts]) -> list[Facts]:
    """Read every tree for every environment that matters."""
    trees = [Tree(r["root"], r["public"], r["requires"]) for r in requests]
    if any(tree.problems for tree in trees):
        surfaces = [{"names": {}, "objects": {}, "problems": tree.problems} for tree in trees]
        return [{"where": "", "surfaces": surfaces}]
    found: list[Facts] = []
    for where, one in environments(trees):
        if found:
            gc.collect()
        surfaces = [
            Reader(r["public"], r["private"], tree, Values(one, tree.constants)).surface()
            for r, tree in zip(requests, trees, strict=True)
        ]
        found.append({"where": where, "surfaces": surfaces})
    return found


def main() -> None:
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    # All that is read is needed until its surface is complete, and the search for garbage takes a
    # quarter of the time: it is only done between environments.
    gc.disable()
    # In one piece: `json.dump` writes token by token.
    sys.stdout.write(json.dumps(read(json.load(sys.stdin))))


main()
