"""Definitions that are calls: `namedtuple("P", "x y")`, `Enum("E", "A B")`, `NewType`, `partial`.

Also functions that are written as a lambda.
"""

import ast
import builtins
from typing import Any

import griffe
from models import BASES, Models
from names import Definition, Facts, bare, text

BUILTINS = set(dir(builtins))
ENUMS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag"}
NEW_TYPES = {"typing.NewType", "typing_extensions.NewType"}
Pairs = list[tuple[str, str | None]]


class Made(Models):
    """What such a definition is to its users."""

    # One case for each kind of call.
    def made(self, attribute: Definition, path: str) -> Facts | None:  # noqa: C901, PLR0911
        """Read a call that makes a class or a function; null for any other value."""
        if attribute.annotation is not None or attribute.value is None:
            return None
        if isinstance(attribute.value, griffe.ExprLambda):
            written = parsed(text(attribute.value))
            return self.spelt(attribute, written) if isinstance(written, ast.Lambda) else None
        if isinstance(attribute.value, griffe.ExprAttribute):
            return self.method_of(attribute, str(attribute.value))
        if not isinstance(attribute.value, griffe.ExprCall):
            return None
        tree = parsed(self.expression(attribute.parent, attribute.value))
        if not isinstance(tree, ast.Call):
            return None
        name = ast.unparse(tree.func)
        if name in ("staticmethod", "classmethod") and attribute.parent.is_class:
            return self.bound(name, tree)
        if name == "property" and attribute.parent.is_class:
            return self.property(attribute, tree)
        if name in NEW_TYPES and len(tree.args) > 1:
            return self.new_type(attribute, path, tree.args[1])
        if name in ENUMS and len(tree.args) > 1:
            return self.enumeration(attribute, path, name, tree.args[1])
        if BASES.get(name) in ("namedtuple", "typeddict") and tree.args:
            fields = self.made_fields(attribute, attribute.parent, tree)
            return None if fields is None else self.model_of(attribute, path, name, fields)
        if name in ("functools.partial", "partial") and tree.args:
            return self.partial(attribute, tree)
        return None

    def method_of(self, attribute: Definition, written: str) -> Facts | None:
        """Read `random = _inst.random`, where `_inst = Random()`: a function without `self`."""
        instance, _, name = written.rpartition(".")
        found = self.find(self.resolve(attribute.parent, instance))
        made = getattr(found, "value", None) if found is not None and not found.is_alias else None
        if not isinstance(made, griffe.ExprCall):
            return None
        klass = self.find(self.resolve(found.parent, str(made.function)))
        if klass is None or klass.is_alias or not klass.is_class:
            return None
        method = next((c.members[name] for c in self.mro(klass) if name in c.members), None)
        if method is None or method.is_alias or not method.is_function:
            return None
        facts = self.function(method)
        if facts["binding"] != "static":
            for signature in (facts["signature"], *facts["overloads"]):
                del signature["parameters"][:1]
        binding = "static" if attribute.parent.is_class else "function"
        return {**facts, **self.at(attribute), "binding": binding}

    def bound(self, decorator: str, tree: ast.Call) -> Facts | None:
        """Read `f = staticmethod(_f)`."""
        function = self.find(ast.unparse(tree.args[0])) if len(tree.args) == 1 else None
        if function is None or function.is_alias or not function.is_function:
            return None
        binding = "static" if decorator == "staticmethod" else "class"
        return {**self.function(function), "binding": binding}

    def property(self, attribute: Definition, tree: ast.Call) -> Facts:
        """Read a property that is made by a call with its getter and setter."""
        names = dict(zip(("fget", "fset", "fdel"), tree.args, strict=False))
        names.update({one.arg: one.value for one in tree.keywords if one.arg})
        given = {key: ast.unparse(value) for key, value in names.items()}
        getter, setter = (self.find(given.get(key, "")) for key in ("fget", "fset"))
        known = getter is not None and not getter.is_alias and getter.is_function
        settable = setter is not None and not setter.is_alias and setter.is_function
        sets = list(setter.parameters)[1:2] if settable else []
        return {
            "kind": "property",
            **self.at(attribute),
            "annotation": text(getter.returns) if known else None,
            "type": self.expression(attribute.parent, getter.returns) if known else None,
            "writable": given.get("fset", "None") != "None",
            "deletable": given.get("fdel", "None") != "None",
            "sets": self.expression(attribute.parent, sets[0].annotation) if sets else None,
        }

    def model_of(self, attribute: Definition, path: str, base: str, fields: list[Facts]) -> Facts:
        for field in fields:
            self.objects[f"{path}.{field['name']}"] = {
                "kind": "attribute", **self.at(attribute), "writable": True,
                "annotation": field["annotation"], "type": field["type"],
            }  # fmt: skip
        return {
            "kind": "class",
            **self.at(attribute),
            "bases": [base],
            "ancestors": [base],
            "members": {field["name"]: f"{path}.{field['name']}" for field in fields},
            "hashable": True,
            "model": BASES[base],
            "fields": fields,
        }

    def listed(self, klass: Definition, base: object) -> list[Facts]:
        tree = parsed(self.expression(klass.parent, base))
        if isinstance(tree, ast.Call) and bare(ast.unparse(tree)) in BASES:
            return self.made_fields(klass, klass.parent, tree) or []
        if isinstance(tree, ast.Subscript) and ast.unparse(tree.value).endswith(".RootModel"):
            kind = ast.unparse(tree.slice)
            root = {"name": "root", "annotation": kind, "type": kind, "default": None}
            return [{**root, **self.at(klass), "required": True, "keyword_only": True}]
        return []

    def made_fields(
        self, place: Definition, scope: Definition, tree: ast.Call
    ) -> list[Facts] | None:
        """List the fields of a functional named tuple or TypedDict; null if they are computed."""
        keywords = {keyword.arg: keyword.value for keyword in tree.keywords}
        listed = tree.args[1] if len(tree.args) > 1 else keywords.get("field_names")
        pairs = named(listed) if listed is not None else None
        if pairs is None:
            return None
        mapping = isinstance(listed, ast.Dict)
        total = ast.unparse(keywords.get("total", ast.Constant(value=True))) == "True"
        defaults: list[str | None] = []
        if "defaults" in keywords:
            values = keywords["defaults"]
            if not isinstance(values, ast.Tuple | ast.List):
                return None
            defaults = [ast.unparse(value) for value in values.elts]
        defaults = [*([None] * (len(pairs) - len(defaults))), *defaults]
        fields = []
        for (name, kind), default in zip(pairs, defaults, strict=False):
            meant = self.expression(scope, quoted(kind)) if kind is not None else None
            required = {"Required": True, "NotRequired": False}.get(
                bare(meant or "").rpartition(".")[2], total if mapping else default is None
            )
            fields.append(
                {
                    "name": name,
                    **self.at(place),
                    "annotation": kind,
                    "type": meant,
                    "default": default,
                    "required": required,
                    "keyword_only": False,
                }
            )
        return fields

    def enumeration(
        self, attribute: Definition, path: str, base: str, listed: ast.expr
    ) -> Facts | None:
        pairs = named(listed)
        if pairs is None:
            return None
        for number, (name, value) in enumerate(pairs, start=1):
            self.objects[f"{path}.{name}"] = {
                "kind": "attribute", **self.at(attribute), "value": value or str(number),
                "on_class": True,
            }  # fmt: skip
        return {
            "kind": "class",
            **self.at(attribute),
            "bases": [base],
            "ancestors": [base],
            "members": {name: f"{path}.{name}" for name, _ in pairs},
            "enum": True,
            "hashable": True,
        }

    def new_type(self, attribute: Definition, path: str, of: ast.expr) -> Facts:
        kind = ast.unparse(of)
        kind = self.expression(attribute.parent, quoted(kind)) or kind
        base = self.find(bare(kind))
        ancestors = [bare(kind)]
        known = bare(kind) in BUILTINS
        if base is not None and not base.is_alias and (base.is_class or base.is_attribute):
            self.define(base, bare(kind))
            facts = self.objects[bare(kind)]
            ancestors += facts.get("ancestors", [])
            known = facts["kind"] == "class" and not facts.get("unknown", False)
        taken = {"name": "item", "kind": "positional-only", "annotation": kind, "type": kind}
        self.objects[f"{path}.__init__"] = {
            "kind": "function", **self.at(attribute), "binding": "static",
            "signature": {"parameters": [taken]},
        }  # fmt: skip
        return {
            "kind": "class",
            **self.at(attribute),
            "bases": [kind],
            "ancestors": ancestors,
            "constructor": f"{path}.__init__",
            "unknown": not known,
            "hashable": True,
        }

    def mro(self, klass: Definition) -> list[Definition]:
        raise NotImplementedError

    def define(self, found: Definition, path: str) -> None:
        raise NotImplementedError

    def spelt(self, attribute: Definition, tree: ast.Lambda) -> Facts:
        """Read a lambda as the function that it is."""
        return {
            "kind": "function",
            **self.at(attribute),
            "signature": {"parameters": parameters(tree.args)},
            "binding": "instance" if attribute.parent.is_class else "function",
        }

    def partial(self, attribute: Definition, tree: ast.Call) -> Facts | None:
        """Read `partial(f, 1, key=2)`: what is left of the parameters of `f`."""
        path = ast.unparse(tree.args[0])
        function = self.find(path)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in tree.keywords}
        if function is None or function.is_alias or not function.is_function or None in given:
            return None
        signature = self.signature(function)
        left = len(tree.args) - 1
        found: list[Facts] = []
        keyword_only = False
        for parameter in signature["parameters"]:
            positional = parameter["kind"] in ("positional-only", "positional or keyword")
            if positional and left and not keyword_only:
                left -= 1
                continue
            one = dict(parameter)
            if one["name"] in given and one["kind"] != "positional-only":
                one["default"], one["default_value"] = given[one["name"]], None
                keyword_only = keyword_only or positional
            # What follows a parameter that is given by keyword cannot be given by position.
            if keyword_only and one["kind"] == "positional or keyword":
                one["kind"] = "keyword-only"
            if not (keyword_only and one["kind"] == "variadic positional"):
                found.append(one)
        found.sort(key=lambda one: one["kind"] == "variadic keyword")
        return {
            "kind": "function",
            **self.at(attribute),
            "signature": {**signature, "parameters": found},
            "binding": "function",
            "async": "async" in function.labels,
        }


def parsed(expression: str | None) -> ast.expr | None:
    try:
        return ast.parse(expression, mode="eval").body if expression else None
    except (SyntaxError, ValueError):
        return None


def quoted(kind: str) -> str:
    """Return the text of a forward reference."""
    tree = parsed(kind)
    return str(tree.value) if isinstance(tree, ast.Constant) and tree.value is not None else kind


def named(listed: ast.expr) -> Pairs | None:
    """List the names in `"x y"`, `["x", "y"]`, `[("x", int)]` or `{"x": int}`, with their types."""
    match listed:
        case ast.Constant(value=str() as words):
            return [(word, None) for word in words.replace(",", " ").split()]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            pairs = [pair(item) for item in items]
            return None if None in pairs else [one for one in pairs if one is not None]
        case ast.Dict(keys=keys, values=values):
            found: Any = [
                (key.value, ast.unparse(value))
                for key, value in zip(keys, values, strict=True)
                if isinstance(key, ast.Constant)
            ]
            return found if len(found) == len(keys) else None
        case _:
            return None


def pair(item: ast.expr) -> tuple[str, str | None] | None:
    match item:
        case ast.Constant(value=str() as name):
            return (name, None)
        case ast.Tuple(elts=[ast.Constant(value=str() as name), kind]):
            return (name, ast.unparse(kind))
        case _:
            return None


def parameters(arguments: ast.arguments) -> list[Facts]:
    positional = [("positional-only", one) for one in arguments.posonlyargs]
    positional += [("positional or keyword", one) for one in arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    found = [
        (one.arg, kind, default)
        for (kind, one), default in zip(positional, [*missing, *arguments.defaults], strict=True)
    ]
    if arguments.vararg:
        found.append((arguments.vararg.arg, "variadic positional", None))
    found += [
        (one.arg, "keyword-only", default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, "variadic keyword", None))
    return [
        {"name": name, "kind": kind, "default": None if default is None else ast.unparse(default)}
        for name, kind, default in found
    ]
