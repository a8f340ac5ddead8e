"""The public surface of Python packages, read by griffe without importing them.

JSON requests in, JSON surfaces out.

This only reads and resolves names; what a difference means is decided elsewhere.
Input:  [{"root": "folder with the packages", "public": ["pkg", "pkg.module"], "private": []}, ...]
Output: [{"names": {...}, "objects": {...}, "problems": [...]}, ...]
"""

import ast
import json
import logging
import re
import sys

from classes import Classes, is_public
from conditions import Environment, Values
from names import Definition, Facts


class Reader(Classes):
    """The names that users import, and what they lead to."""

    def surface(self) -> Facts:
        for package in sorted({name.split(".")[0] for name in self.public}):
            self.load(package)
        for name in self.public:
            module = self.find(name)
            if module is not None and not module.is_alias and module.is_module:
                self.module(module)
        while self.mentioned:
            path = self.mentioned.pop()
            found = self.find(path)
            if (
                found is not None
                and not found.is_alias
                and (found.is_class or found.is_attribute or found.is_type_alias)
            ):
                self.define(found, path)
        return {"names": self.names, "objects": self.objects, "problems": self.problems}

    def load(self, package: str) -> None:
        folder, single = self.root / package, self.root / f"{package}.py"
        files = (
            sorted(folder.rglob("*.py"))
            if folder.is_dir()
            else [single]
            if single.is_file()
            else []
        )
        for file in files:
            # griffe leaves out what it can't parse; to us that would look like a removed module.
            try:
                ast.parse(file.read_bytes())
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                self.problems.append(f"{self.file(file)}:{line}: {error}")
        if files and not self.problems:
            self.loader.load(package, try_relative_path=False)
            self.loader.resolve_aliases(implicit=True, external=False)

    def module(self, module: Definition) -> None:
        path = module.path
        if path in self.objects:
            return
        self.objects[path] = {
            "kind": "module",
            **self.at(module),
            "lazy": "__getattr__" in module.members or self.stars(module),
            "all": module.exports is not None,
        }
        self.names[path] = {"to": path, "public": True}
        exports = (
            None if module.exports is None else {str(getattr(e, "name", e)) for e in module.exports}
        )
        for name in {**module.members, **module.overloads}:
            member = module.members.get(name) or module.overloads[name][-1]
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

    def stars(self, module: Definition) -> bool:
        """Names from elsewhere that nobody can list."""
        return any("/" in name for name in module.members)

    def belongs(self, module: Definition, name: str, member: Definition) -> bool:
        """Say whether a name is public without `__all__`.

        That is what is defined here, what a package's __init__ takes from its own modules and does
        not use itself, `import x as x`, and `import *`.
        """
        if not member.is_alias or member.wildcard_imported or self.redundant(module, name):
            return True
        own = member.target_path.startswith(module.path.split(".")[0] + ".")
        return own and module.is_init_module and name not in self.used(module)

    def excluded(self, path: str) -> bool:
        """Say whether the settings leave this module out, or nobody but its tests imports it."""
        return path.rpartition(".")[2] in ("tests", "conftest") or path in self.private

    def used(self, module: Definition) -> set[str]:
        """Find the names that the functions, classes and annotations of a module use."""
        if module.path not in self.uses:
            tree = ast.parse("\n".join(module.lines))
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


def main() -> None:
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    requests = json.load(sys.stdin)
    values = Values(Environment(14), {})
    surfaces = [Reader(r["root"], r["public"], r["private"], values).surface() for r in requests]
    # In one piece: `json.dump` writes token by token.
    sys.stdout.write(json.dumps(surfaces))


main()
