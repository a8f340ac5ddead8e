"""Functions and attributes as they are written.

Signatures, decorators, overloads, documented exceptions.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import griffe
from names import Definition, Facts, scope_of, text
from stubs import Stubs


class Definitions(Stubs):
    """What a definition that is no class is to its users."""

    def file(self, file: Path) -> str:
        return Path(file).relative_to(self.root).as_posix()

    def at(self, found: Definition, module: Definition = None) -> Facts:
        line = (found.alias_lineno if found.is_alias else found.lineno) or 1
        file = module.filepath if found.is_alias else found.filepath
        _, file = self.loader.stubbed.get(id(found), (None, file))
        return {"file": self.file(file[0] if isinstance(file, list) else file), "line": line}

    def function(self, function: Definition) -> Facts:
        scope = function.parent
        decorators = self.decorators(function)
        names = {d.split("(")[0] for d in decorators}
        binding = "function" if not scope.is_class else "instance"
        if "staticmethod" in names:
            binding = "static"
        if "classmethod" in names or function.name in ("__init_subclass__", "__class_getitem__"):
            binding = "class"
        # In a stub, no implementation follows them.
        overloads = function.overloads or scope.overloads.get(function.name) or []
        return {
            "kind": "function",
            **self.at(function),
            "signature": self.signature(function),
            "binding": binding,
            "async": "async" in function.labels,
            "decorators": decorators,
            "generator": self.is_generator(function),
            "overloads": [self.signature(o) for o in overloads],
            "deprecated_overloads": sum(map(self.is_deprecated, overloads)),
            "raises": self.raises(function),
        }

    def decorators(self, found: Definition) -> list[str]:
        """List the decorators of a function or a class, with those of its stub.

        Without those that return what they decorate, or another function that looks like it.
        """
        scope = found.parent
        resolved = {self.expression(scope, d.value) or str(d.value): d for d in found.decorators}
        given = [name for name in resolved if not self.is_transparent(name)]
        stub = [
            self.resolve_all(scope, ast.unparse(one))
            for node in self.stub_nodes(found)
            for one in node.decorator_list
        ]
        return [*given, *(one for one in stub if one in STUB_ONLY and one not in given)]

    def is_deprecated(self, found: Definition) -> bool:
        """Say whether a property or an overload is marked as deprecated (PEP 702)."""
        return any(
            self.resolve_all(found.parent, ast.unparse(one)).split("(")[0].endswith(".deprecated")
            for node in self.nodes(found)
            for one in node.decorator_list
        )

    def resolve_all(self, scope: Definition, written: str) -> str:
        return self.expression(scope, written) or written

    def is_transparent(self, decorator: str) -> bool:
        """Say whether one of our decorators keeps the signature.

        By its types, or because it returns a function that wraps the given one and passes on all
        that it gets.
        """
        found = self.find(decorator) if "(" not in decorator else None
        if found is None or found.is_alias or not found.is_function or not found.parameters:
            return False
        first = found.parameters[0]
        if first.annotation is not None and text(first.annotation) == text(found.returns):
            return True
        return any(passes_on(node, first.name) for node in self.nodes(found))

    def is_generator(self, function: Definition) -> bool:
        return any(yields(node) for node in self.nodes(function))

    def nodes(self, function: Definition) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Find the statement that defines a function: none for what a stub alone has."""
        file = function.filepath
        if isinstance(file, list) or not file.is_file():
            return []
        if file not in self.by_line:
            self.by_line[file] = {}
            for node in walk_statements(self.tree.parsed(file)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.by_line[file].setdefault(node.name, []).append(node)
        return [
            node
            for node in self.by_line[file].get(function.name, [])
            if function.lineno in (node.lineno, *(d.lineno for d in node.decorator_list))
        ]

    def parameters(self, function: Definition) -> list[Any]:
        """List the parameters that type checkers know: those of the stub, unless it takes any."""
        own = list(function.parameters)
        stub = self.loader.functions.get(function.path)
        if stub is None or id(function) in self.loader.stubbed:
            return own
        known = list(stub.parameters)
        open_ = [one.kind.value for one in known if one.kind.value.startswith("variadic")]
        if any(kind not in [one.kind.value for one in own] for kind in open_):
            return own
        defaults = {one.name: one.default for one in own}
        for one in known:
            if str(one.default) == "..." and defaults.get(one.name) is not None:
                one.default = defaults[one.name]
        return known

    def signature(self, function: Definition) -> Facts:
        scope = scope_of(function)
        parameters = [
            {
                "name": p.name.lstrip("*"),
                "kind": p.kind.value,
                "annotation": text(p.annotation),
                "type": self.expression(scope, p.annotation),
                "default": text(p.default)
                if p.kind.value not in ("variadic positional", "variadic keyword")
                else None,
                "default_value": self.constant(scope, text(p.default)),
            }
            for p in self.parameters(function)
        ]
        static = any(str(d.value) == "staticmethod" for d in function.decorators)
        positional_by_name(parameters, method=function.parent.is_class and not static)
        return {
            "parameters": parameters,
            "annotation": text(function.returns),
            "type": self.expression(scope, function.returns),
        }

    def constant(self, scope: Definition, default: str | None) -> str | None:
        """Give the value of a default that names a constant of a module: users get the value."""
        if default is None:
            return None
        if not re.fullmatch(r"[A-Za-z_][\w.]*", default):
            return computed(default)
        found = self.find(self.resolve(scope, default))
        if found is None or found.is_alias:
            return None
        if self.is_sentinel(found):
            return "object()"
        if not (found.is_attribute and found.parent.is_module):
            return None
        value = text(found.value) or ""
        return (computed(value) or value) if is_computed_from_literals(value) else None

    def is_sentinel(self, found: Definition) -> bool:
        """Say whether a private object only marks what is not passed: `_MISSING = object()`.

        Also `_MISSING = _Missing()`, the class itself, and the member of an enum.
        """
        if found.is_class or found.parent.is_class:
            return self.is_marker(
                found if found.is_class else found.parent, enum=not found.is_class
            )
        if not found.is_attribute or not found.name.startswith("_"):
            return False
        made = re.fullmatch(r"([\w.]+)\([^()]*\)", text(found.value) or "")
        if made is None or made[0] == "object()":
            return made is not None
        klass = self.find(self.resolve(found.parent, made[1]))
        return klass is not None and self.is_marker(klass, enum=False)

    def is_marker(self, klass: Definition, *, enum: bool) -> bool:
        """Say whether a private class has nothing to use; of an enum, but its one member."""
        if klass.is_alias or not klass.is_class or not klass.name.startswith("_"):
            return False
        bases = {self.expression(klass.parent, base) for base in klass.bases}
        own = [
            name
            for name, member in klass.members.items()
            if name == "__call__" or (name[0] != "_" and is_on_class(member))
        ]
        return len(own) == enum and bases - {"object"} == ({"enum.Enum"} if enum else set())

    def accessor(self, function: Definition) -> Facts | None:
        """Read `@Base.x.setter def x(self, value)`: still the property `x` of the base."""
        for decorator in function.decorators:
            made = re.fullmatch(
                rf"([\w.]+)\.{function.name}\.(getter|setter|deleter)", str(decorator.value)
            )
            if not made:
                continue
            base = self.find(self.resolve(function.parent, f"{made[1]}.{function.name}"))
            if base is not None and not base.is_alias and base.is_attribute:
                known = self.attribute(base)
                writable = known["writable"] or made[2] == "setter"
                return {**known, **self.at(function), "writable": writable}
        return None

    def raises(self, function: Definition) -> list[str]:
        doc = function.docstring.value if function.docstring else ""
        found = re.findall(r"^\s*:(?:raises?|exception|except)\s+([\w.]+)\s*:", doc, re.MULTILINE)
        lines = doc.splitlines()
        for i, line in enumerate(lines):
            google = re.fullmatch(r"\s*(Raises|Exceptions):\s*", line)
            numpy = (
                re.fullmatch(r"\s*Raises\s*", line)
                and i + 1 < len(lines)
                and re.fullmatch(r"\s*-{3,}\s*", lines[i + 1])
            )
            if google or numpy:
                found += section(lines[i + 1 + bool(numpy) :], indent(line), numpy=bool(numpy))
        return list(dict.fromkeys(self.resolve(function.parent, name) for name in found))

    def attribute(self, attribute: Definition) -> Facts:
        scope = scope_of(attribute)
        labels = attribute.labels
        kind = (
            "property"
            if "property" in labels
            else "type-alias"
            if attribute.is_type_alias
            else "attribute"
        )
        annotation = None if kind == "type-alias" else attribute.annotation
        value = text(attribute.value)
        if isinstance(attribute.value, griffe.ExprBinOp | griffe.ExprUnaryOp):
            value = computed(value or "") or value
        return {
            "kind": kind,
            **self.at(attribute),
            "annotation": text(annotation),
            "type": self.expression(scope, annotation),
            "value": value,
            # A dictionary or a list is no type, and may be long.
            "means": None
            if isinstance(attribute.value, griffe.ExprDict | griffe.ExprList | griffe.ExprSet)
            else self.expression(scope, attribute.value),
            "writable": kind != "property" or bool({"writable", "cached"} & labels),
            "cached": "cached" in labels,
            "class_variable": annotation is not None
            and "class-attribute" in labels
            and "instance-attribute" not in labels,
            "deletable": "deletable" in labels,
            "sets": self.set_type(attribute),
            "abstract": "abstractmethod" in labels,
            "deprecated": kind == "property" and self.is_deprecated(attribute),
            "on_class": "class-attribute" in labels,
        }

    def set_type(self, attribute: Definition) -> str | None:
        setter = getattr(attribute, "setter", None)
        if setter is None or len(setter.parameters) < 2:
            return None
        return self.expression(attribute.parent, setter.parameters[1].annotation)


# Decorators that a stub has and the code need not have.
STUB_ONLY = {
    "typing.final", "typing_extensions.final", "typing.runtime_checkable",
    "typing_extensions.runtime_checkable",
}  # fmt: skip


def is_on_class(member: Definition) -> bool:
    """Say whether a class itself has a member, not only its instances."""
    labels = set() if member.is_alias else member.labels
    return "class-attribute" in labels or "instance-attribute" not in labels


def passes_on(function: ast.AST, given: str) -> bool:
    """Say whether a decorator returns a wrapper of what it gets, which calls it as it is called."""
    body: list[ast.stmt] = getattr(function, "body", [])
    wraps = {f"functools.wraps({given})", f"wraps({given})"}
    for inner in body:
        match inner:
            case ast.FunctionDef(
                args=ast.arguments(
                    posonlyargs=[],
                    args=[],
                    vararg=ast.arg(arg=args),
                    kwonlyargs=[],
                    kwarg=ast.arg(arg=kwargs),
                )
            ):
                call = f"{given}(*{args}, **{kwargs})"
                calls = [node for node in ast.walk(inner) if isinstance(node, ast.Call)]
                decorators = {ast.unparse(one) for one in inner.decorator_list}
                if (
                    wraps & decorators
                    and any(ast.unparse(node) == call for node in calls)
                    and any(ast.unparse(node) == f"return {inner.name}" for node in body)
                ):
                    return True
            case _:
                pass
    return False


def walk_statements(tree: ast.AST | None) -> Iterator[ast.AST]:
    """Walk all statements, those of functions and classes too.

    That is much faster than to walk the expressions as well.
    """
    todo = [tree]
    while todo:
        node = todo.pop()
        if node is not None:
            yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, part, [])


def yields(function: ast.AST) -> bool:
    """Say whether a function itself has a `yield`, and no function inside of it."""
    todo = list(getattr(function, "body", []))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return False


def positional_by_name(parameters: list[Facts], *, method: bool) -> None:
    """Mark `__name` as positional-only, as type checkers do (PEP 484)."""
    for one in parameters[int(method) :]:
        name = str(one["name"])
        if one["kind"] == "positional or keyword" and name.startswith("__") and name[-2:] != "__":
            one["kind"] = "positional-only"
        elif one["kind"] != "positional-only":
            break


# What an expression that names nothing is made of.
LITERALS = (
    ast.Expression,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.expr_context,
)


def is_computed_from_literals(value: str) -> bool:
    """Say whether a value is known without running code: `3`, `2 ** 16`, `(1, "a")`."""
    try:
        tree = ast.parse(value, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, LITERALS) for node in ast.walk(tree))


# What `1024 * 64` and the like compute, in bounded time: no number is larger than this.
LARGEST = 2**64
LARGEST_EXPONENT = 64
Number = bool | int | float
BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.BitOr: operator.or_,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}


def computed(written: str) -> str | None:
    """Work out a number such as `60 * 60`; null for anything else, and for huge numbers."""
    try:
        found = number(ast.parse(written, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if found is None else repr(found)


def number(node: ast.expr) -> Number | None:
    match node:
        case ast.Constant(value=found):
            return bounded(found)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
            return calculated(UNARY[type(op)], number(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            a, b = number(left), number(right)
            exponent = isinstance(op, ast.Pow | ast.LShift)
            if exponent and b is not None and abs(b) > LARGEST_EXPONENT:
                return None
            return calculated(BINARY[type(op)], a, b)
        case _:
            return None


def calculated(function: Callable[..., Any], *numbers: Number | None) -> Number | None:
    try:
        return None if None in numbers else bounded(function(*numbers))
    except (ArithmeticError, TypeError, ValueError):
        return None


def bounded(found: object) -> Number | None:
    return found if isinstance(found, int | float) and abs(found) <= LARGEST else None


def section(lines: list[str], outer: int, *, numpy: bool) -> list[str]:
    """Read the names at the section's own indentation, up to where it ends."""
    names: list[str] = []
    level = None
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


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())
