"""The public surface of Python packages, read by griffe without importing them: JSON requests in, JSON surfaces out.

This only reads and resolves names; what a difference means is decided elsewhere.
Input:  [{"root": "folder with the packages", "public": ["pkg", "pkg.module"]}, ...]
Output: [{"names": {...}, "objects": {...}, "problems": [...]}, ...]
"""

import ast
import builtins
import json
import logging
import re
import sys
from pathlib import Path

import griffe

BUILTINS = set(dir(builtins))
DATACLASS = {"dataclasses.dataclass", "pydantic.dataclasses.dataclass"}
MODELS = {
    "typing.NamedTuple": "namedtuple",
    "typing.TypedDict": "typeddict",
    "typing_extensions.TypedDict": "typeddict",
    "pydantic.BaseModel": "pydantic",
    "pydantic.main.BaseModel": "pydantic",
    "pydantic_settings.BaseSettings": "pydantic",
}
ENUMS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"}
ABSTRACT = {"abc.ABC", "abc.ABCMeta", "typing.Protocol", "typing_extensions.Protocol"}
# Special names of a class that say something to the interpreter, not to users.
SILENT = {
    "__slots__", "__doc__", "__module__", "__qualname__", "__annotations__", "__match_args__", "__dict__", "__weakref__",
    "__init_subclass__", "__class_getitem__", "__repr__", "__post_init__", "__hash__", "__new__", "__init__", "__str__", "__del__",
    "__set_name__", "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__getstate__", "__setstate__",
    "__reduce__", "__sizeof__", "__format__", "__author__", "__all__", "__abstractmethods__", "__orig_bases__", "__test__",
    "__get_pydantic_core_schema__", "__get_pydantic_json_schema__", "__pydantic_init_subclass__",
}  # fmt: skip


def is_public(name):
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__") and name not in SILENT)


class Loader(griffe.GriffeLoader):
    """griffe 2.4 puts `__all__` together only in modules whose parents have one."""

    def expand_exports(self, module, seen=None):
        seen = set() if seen is None else seen
        super().expand_exports(module, seen)
        if module.exports is None:
            for inner in module.modules.values():
                if not inner.is_alias and inner.path not in seen:
                    self.expand_exports(inner, seen)


class Reader:
    """One tree of packages."""

    def __init__(self, root, public):
        self.root, self.public = Path(root).resolve(), public
        self.names, self.objects, self.problems = {}, {}, []
        # What annotations and bases name, public or not: it decides what they mean.
        self.mentioned = set()
        self.loader = Loader(search_paths=[self.root], extensions=griffe.Extensions(), allow_inspection=False)

    def surface(self):
        for package in sorted({name.split(".")[0] for name in self.public}):
            self.load(package)
        for name in self.public:
            module = self.find(name)
            if module is not None and not module.is_alias and module.is_module:
                self.module(module)
        while self.mentioned:
            path = self.mentioned.pop()
            found = self.find(path)
            if found is not None and not found.is_alias and (found.is_class or found.is_attribute or found.is_type_alias):
                self.define(found, path)
        return {"names": self.names, "objects": self.objects, "problems": self.problems}

    def load(self, package):
        folder, single = self.root / package, self.root / f"{package}.py"
        files = sorted(folder.rglob("*.py")) if folder.is_dir() else [single] if single.is_file() else []
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

    # Names: where does a dotted path lead?

    def find(self, path):
        try:
            return self.loader.modules_collection.get_member(path)
        except Exception:  # griffe raises many kinds for what is not there
            return None

    def canonical(self, path, depth=20):
        """The path of the definition, through imports and `Old = New`."""
        found = self.find(path)
        if depth == 0:
            return path
        if found is None:
            head, _, tail = path.rpartition(".")
            if head and (real := self.canonical(head, depth - 1)) != head:
                return self.canonical(f"{real}.{tail}", depth - 1)
            return path
        if found.is_alias:
            return self.canonical(found.target_path, depth - 1)
        if found.is_attribute and found.annotation is None and re.fullmatch(r"[A-Za-z_][\w.]*", str(found.value or "")):
            target = self.resolve(found.parent, str(found.value), depth - 1)
            real = self.find(target)
            if target != path and real is not None and not real.is_alias and not real.is_attribute:
                return target
        return path

    def resolve(self, scope, name, depth=20):
        first, dot, rest = name.partition(".")
        try:
            path = scope.resolve(first)
        except Exception:
            return name
        if "." not in path and path in BUILTINS:
            return name
        return self.canonical(path + dot + rest, depth)

    def expression(self, scope, value):
        """An annotation, a base or a decorator with every name in it resolved; null where it is no expression."""
        if value is None:
            return None
        try:
            tree = ast.parse(str(value).strip(), mode="eval").body
            return ast.unparse(Resolver(self, scope).visit(tree))
        except (SyntaxError, ValueError, RecursionError):
            return None

    # Modules.

    def module(self, module):
        path = module.path
        if path in self.objects:
            return
        self.objects[path] = {"kind": "module", **self.at(module), "lazy": "__getattr__" in module.members or self.stars(module), "all": module.exports is not None}
        self.names[path] = {"to": path, "public": True}
        exports = None if module.exports is None else {str(getattr(e, "name", e)) for e in module.exports}
        for name in {**module.members, **module.overloads}:
            member = module.members.get(name) or module.overloads[name][-1]
            listed = is_public(name) if exports is None else name in exports
            if "/" in name or name in ("__getattr__", "__all__", "__main__"):
                continue
            if not listed and (name.startswith("_") or (not member.is_alias and member.is_module)):
                # Importable, but promised to nobody.
                self.names[f"{path}.{name}"] = {"to": self.canonical(f"{path}.{name}"), "public": False}
                continue
            self.name(module, name, member, listed and (exports is not None or self.belongs(module, name, member)))

    def stars(self, module):
        """Names from elsewhere that nobody can list."""
        return any("/" in name for name in module.members)

    def belongs(self, module, name, member):
        """Without `__all__`: what is defined here, what a package's __init__ takes from its own modules, `import x as x`, `import *`."""
        if not member.is_alias:
            return True
        if member.wildcard_imported:
            return True
        if not member.target_path.startswith(module.path.split(".")[0] + "."):
            return self.redundant(module, name)
        return module.is_init_module or self.redundant(module, name)

    def redundant(self, module, name):
        text = "\n".join(module.lines)
        return re.search(rf"\b{re.escape(name)}\s+as\s+{re.escape(name)}\b", text) is not None

    def name(self, module, name, member, public):
        target = self.canonical(f"{module.path}.{name}")
        found = self.find(target)
        self.names[f"{module.path}.{name}"] = {"to": target, "public": public, **self.at(member, module)}
        if found is None or found.is_alias:
            if member.is_alias or found is not None:
                return
            found = member
        if found.is_module and not (member.is_alias and not public):
            self.module(found)
        elif not found.is_module:
            self.define(found, target)

    # Definitions.

    def define(self, found, path):
        if path in self.objects:
            return
        if found.is_class:
            self.objects[path] = {}
            self.objects[path] = self.klass(found)
        elif found.is_function:
            self.objects[path] = self.function(found)
        else:
            self.objects[path] = self.attribute(found)

    def file(self, file):
        return Path(file).relative_to(self.root).as_posix()

    def at(self, found, module=None):
        line = (found.alias_lineno if found.is_alias else found.lineno) or 1
        file = module.filepath if found.is_alias else found.filepath
        return {"file": self.file(file[0] if isinstance(file, list) else file), "line": line}

    def function(self, function):
        scope = function.parent
        decorators = [self.expression(scope, d.value) or str(d.value) for d in function.decorators]
        names = {d.split("(")[0] for d in decorators}
        binding = "function" if not scope.is_class else "instance"
        if "staticmethod" in names or (scope.is_class and function.name == "__new__"):
            binding = "static"
        if "classmethod" in names or function.name in ("__init_subclass__", "__class_getitem__"):
            binding = "class"
        overloads = function.overloads or ([function] if scope.overloads.get(function.name) else [])
        return {
            "kind": "function",
            **self.at(function),
            "signature": self.signature(function),
            "binding": binding,
            "async": "async" in function.labels,
            "decorators": decorators,
            "overloads": [self.signature(o) for o in overloads],
            "raises": self.raises(function),
        }

    def signature(self, function):
        scope = function.parent
        parameters = [
            {
                "name": p.name.lstrip("*"),
                "kind": p.kind.value,
                "annotation": text(p.annotation),
                "type": self.expression(scope, p.annotation),
                "default": text(p.default) if p.kind.value not in ("variadic positional", "variadic keyword") else None,
            }
            for p in function.parameters
        ]
        return {"parameters": parameters, "annotation": text(function.returns), "type": self.expression(scope, function.returns)}

    def raises(self, function):
        doc = function.docstring.value if function.docstring else ""
        found = re.findall(r"^\s*:(?:raises?|exception|except)\s+([\w.]+)\s*:", doc, re.M)
        lines = doc.splitlines()
        for i, line in enumerate(lines):
            google = re.fullmatch(r"\s*(Raises|Exceptions):\s*", line)
            numpy = re.fullmatch(r"\s*Raises\s*", line) and i + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[i + 1])
            if google or numpy:
                found += section(lines[i + 1 + bool(numpy) :], indent(line), bool(numpy))
        return list(dict.fromkeys(self.resolve(function.parent, name) for name in found))

    def attribute(self, attribute):
        scope = attribute.parent
        labels = attribute.labels
        kind = "property" if "property" in labels else "type-alias" if attribute.is_type_alias else "attribute"
        annotation = None if kind == "type-alias" else attribute.annotation
        return {
            "kind": kind,
            **self.at(attribute),
            "annotation": text(annotation),
            "type": self.expression(scope, annotation),
            "value": text(attribute.value),
            "means": self.expression(scope, attribute.value) if attribute.value is not None else None,
            "writable": kind == "attribute" or "writable" in labels,
            "abstract": "abstractmethod" in labels,
            "cached": "cached" in labels,
        }

    # Classes.

    def klass(self, klass):
        mro = self.mro(klass)
        bases = {c.path: [self.expression(c.parent, b) or str(b) for b in c.bases] for c in mro}
        known = {c.path for c in mro}
        outside = list(dict.fromkeys(bare(b) for c in mro for b in bases[c.path] if bare(b) not in known))
        decorators = [self.expression(klass.parent, d.value) or str(d.value) for d in klass.decorators]
        for base in mro[1:]:
            self.define(base, base.path)
        members = self.members(mro)
        model = next((MODELS[b] for b in outside if b in MODELS), None)
        dataclass = next((options for options in map(self.dataclass, mro) if options is not None), None)
        metaclasses = {self.expression(c.parent, c.keywords.get("metaclass")) for c in mro} - {None}
        constructor, new = members.pop("__init__", None), members.pop("__new__", None)
        if self.generated(mro):
            constructor = new = None
        return {
            "kind": "class",
            **self.at(klass),
            "bases": bases[klass.path],
            "ancestors": [c.path for c in mro[1:]] + outside,
            "unknown": bool(metaclasses - {"abc.ABCMeta", "enum.EnumMeta"}) or not known_outside(outside),
            "members": members,
            "assigned": sorted({n for c in mro for n in re.findall(r"\bself\.([A-Za-z]\w*)\s*(?::[^=\n]+)?=(?!=)", "\n".join(c.lines))}),
            "dynamic": any("__getattr__" in c.members or "__getattribute__" in c.members for c in mro),
            "constructor": constructor or new,
            "decorators": decorators,
            "enum": any(b in ENUMS for b in outside),
            "protocol": any(bare(b) in ("typing.Protocol", "typing_extensions.Protocol") for b in bases[klass.path]),
            "abstract": self.abstract(mro),
            "enforced": bool(set(outside) & ABSTRACT or metaclasses & ABSTRACT or any(b.startswith("collections.abc.") for b in outside)),
            "slots": all("__slots__" in c.members and "__dict__" not in str(c.members["__slots__"].value) for c in mro)
            and not set(outside) - {"object", "abc.ABC", "typing.Generic"}
            or (dataclass or {}).get("slots") == "True",
            "frozen": (dataclass or {}).get("frozen") == "True" or (model == "pydantic" and self.frozen(mro)),
            "ordered": (dataclass or {}).get("order") == "True",
            "model": "dataclass" if dataclass is not None else model,
            "fields": self.fields(mro, "dataclass" if dataclass is not None else model),
            "type_parameters": self.type_parameters(klass, bases[klass.path]),
        }

    def mro(self, klass):
        """The class and its ancestors inside the tree, depth first where Python itself would refuse."""
        found, todo = [], [klass]
        while todo:
            one = todo.pop(0)
            if one.path in {f.path for f in found}:
                continue
            found.append(one)
            inner = [self.find(bare(self.expression(one.parent, b) or "")) for b in one.bases]
            todo = [b for b in inner if b is not None and not b.is_alias and b.is_class] + todo
        return found

    def members(self, mro):
        """Public members and the constructor: name to the path of the definition."""
        found = {}
        for klass in mro:
            for name in {**klass.members, **klass.overloads}:
                if (not is_public(name) and name not in ("__init__", "__new__")) or name in found or name == "model_config":
                    continue
                member = klass.members.get(name) or klass.overloads[name][-1]
                if name == "__new__" and "__init__" in found:
                    continue
                path = self.canonical(f"{klass.path}.{name}")
                real = self.find(path) or member
                found[name] = path
                if not real.is_alias and not real.is_module:
                    self.define(real, path)
        return found

    def abstract(self, mro):
        named = {}
        for klass in mro:
            for name, member in klass.members.items():
                named.setdefault(name, not member.is_alias and "abstractmethod" in member.labels)
        return sorted(name for name, abstract in named.items() if abstract)

    def dataclass(self, klass):
        """The options of `@dataclass`; null for another class."""
        for decorator in klass.decorators:
            name, keywords = call(self.expression(klass.parent, decorator.value))
            if name in DATACLASS:
                return keywords
        return None

    def generated(self, mro):
        """Is the constructor the one that `@dataclass` writes?"""
        for klass in mro:
            if "__init__" in klass.members:
                return False
            if (options := self.dataclass(klass)) is not None and options.get("init") != "False":
                return True
        return False

    def frozen(self, mro):
        return any("frozen=True" in str(c.members["model_config"].value or "").replace(" ", "") for c in mro if "model_config" in c.members)

    def fields(self, mro, model):
        found = {}
        for klass in reversed(mro if model else []):
            options = self.dataclass(klass)
            if model == "dataclass" and options is None:
                continue
            keyword_only = (options or {}).get("kw_only") == "True"
            total = str(klass.keywords.get("total", "True")) == "True"
            for name, member in klass.members.items():
                if member.is_alias or not member.is_attribute or member.annotation is None or "property" in member.labels:
                    continue
                # Neither `x: ClassVar[int] = 1`, whose annotation griffe shows without ClassVar, nor `self.x: int = 1`.
                if "instance-attribute" not in member.labels or ("class-attribute" not in member.labels and member.value is not None):
                    continue
                kind = self.expression(klass, member.annotation) or ""
                if bare(kind) == "dataclasses.KW_ONLY":
                    keyword_only = True
                    continue
                if model == "pydantic" and (name.startswith("_") or name == "model_config"):
                    continue
                field = self.field(klass, name, member, kind, keyword_only, total, model)
                if field is not None:
                    found[name] = field
        return list(found.values())

    def field(self, klass, name, member, kind, keyword_only, total, model):
        default = text(member.value)
        function, keywords = call(self.expression(klass, member.value) if member.value is not None else None)
        if function in ("dataclasses.field", "pydantic.Field", "pydantic.fields.Field", "pydantic.dataclasses.Field"):
            if keywords.get("init") == "False":
                return None
            keyword_only = {"True": True, "False": False}.get(keywords.get("kw_only"), keyword_only)
            default = keywords.get("default") or keywords.get("default_factory") or keywords.get("0")
            default = None if default in ("...", "dataclasses.MISSING") else default
        elif default == "...":
            default = None
        required = default is None
        if model == "typeddict":
            required = {"Required": True, "NotRequired": False}.get(bare(kind).rpartition(".")[2], total)
        if model == "pydantic":
            keyword_only = True
        return {
            "name": name, **self.at(member), "annotation": text(member.annotation), "type": kind or None, "default": default,
            "required": required, "keyword_only": keyword_only,
        }  # fmt: skip

    def type_parameters(self, klass, bases):
        """Names of what is in brackets in Generic[...] or Protocol[...], or else of every type variable of the bases; null where unknown."""
        if getattr(klass, "type_parameters", None):
            return [{"name": p.name, "default": p.default is not None} for p in klass.type_parameters]
        generic = [b for b in bases if bare(b) in ("typing.Generic", "typing.Protocol", "typing_extensions.Protocol") and "[" in b]
        names = []
        for base in generic or [b for b in bases if "[" in b]:
            for node in ast.walk(ast.parse(base, mode="eval")):
                path = ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""
                variable = self.find(path) if path else None
                value = str(getattr(variable, "value", "") or "") if variable is not None and not variable.is_alias else ""
                if re.search(r"\b(TypeVar|ParamSpec|TypeVarTuple)\(", value) and path not in [n["name"] for n in names]:
                    names.append({"name": path, "default": "default=" in value.replace(" ", "")})
        return names


class Resolver(ast.NodeTransformer):
    """Replaces names by the paths they lead to, and forward references in quotes by what they hold."""

    def __init__(self, reader, scope, literal=False):
        self.reader, self.scope, self.literal = reader, scope, literal

    def visit_Name(self, node):
        return self.dotted(node.id)

    def visit_Attribute(self, node):
        name = ast.unparse(node)
        return self.dotted(name) if re.fullmatch(r"[A-Za-z_][\w.]*", name) else self.generic_visit(node)

    def visit_Subscript(self, node):
        value = self.visit(node.value)
        name = ast.unparse(value)
        if name in ("typing.Literal", "typing_extensions.Literal"):
            inner = Resolver(self.reader, self.scope, literal=True)
            return ast.Subscript(value, inner.visit(node.slice), node.ctx)
        if name in ("typing.Annotated", "typing_extensions.Annotated") and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])
        return ast.Subscript(value, self.visit(node.slice), node.ctx)

    def visit_Call(self, node):
        inner = Resolver(self.reader, self.scope, literal=True)
        return inner.generic_visit(node) if not self.literal else self.generic_visit(node)

    def visit_Constant(self, node):
        if self.literal or not isinstance(node.value, str):
            return node
        try:
            return self.visit(ast.parse(node.value.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return node

    def dotted(self, name):
        resolved = self.reader.resolve(self.scope, name)
        if "." in resolved and resolved not in self.reader.objects:
            self.reader.mentioned.add(resolved)
        return ast.parse(resolved, mode="eval").body if re.fullmatch(r"[\w.]+", resolved) else ast.Name(name)


def text(value):
    return None if value is None else str(value)


def bare(expression):
    return expression.split("[")[0].split("(")[0]


def call(expression):
    """The name and the arguments of a call; of a bare name, no arguments."""
    if not expression:
        return "", {}
    tree = ast.parse(expression, mode="eval").body
    if not isinstance(tree, ast.Call):
        return ast.unparse(tree), {}
    arguments = {str(i): ast.unparse(a) for i, a in enumerate(tree.args)}
    arguments.update({k.arg: ast.unparse(k.value) for k in tree.keywords if k.arg})
    return ast.unparse(tree.func), arguments


def known_outside(outside):
    """Are these bases ones whose own members are known to give nothing that a package would take away unnoticed?"""
    plain = {"object", "typing.Generic", "Exception", *MODELS, *ENUMS, *ABSTRACT}
    return all(base in plain for base in outside)


def indent(line):
    return len(line) - len(line.lstrip())


def section(lines, outer, numpy):
    """The names at the section's own indentation, up to where it ends."""
    names, level = [], None
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        depth = indent(line)
        if (depth <= outer and not numpy) or depth < outer:
            break
        if numpy and i + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[i + 1]):
            break
        level = depth if level is None else level
        match = re.match(r"\s*`*([A-Za-z_][\w.]*)`*\s*(:|$)", line)
        if depth == level and match:
            names.append(match.group(1))
    return names


def main():
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    requests = json.load(sys.stdin)
    json.dump([Reader(r["root"], r["public"]).surface() for r in requests], sys.stdout)


main()
