"""Where a dotted path leads, and what the names in an expression mean.

Through imports, re-exports and `Old = New`.
"""

import ast
import builtins
import functools
import re
from typing import Any

import griffe
from conditions import Values
from environments import Tree
from loader import Loader

BUILTINS = set(dir(builtins))
MAKERS = {
    griffe.TypeParameterKind.type_var: "TypeVar",
    griffe.TypeParameterKind.type_var_tuple: "TypeVarTuple",
    griffe.TypeParameterKind.param_spec: "ParamSpec",
}

# What griffe found: an object or an alias, whose attributes depend on its kind.
Definition = Any
# What is printed of it.
Facts = dict[str, Any]


class Names:
    """One tree of packages."""

    def __init__(self, public: list[str], private: list[str], tree: Tree, values: Values) -> None:
        self.root, self.public, self.private, self.tree = tree.root, public, private, tree
        self.names: dict[str, Facts] = {}
        self.objects: dict[str, Facts] = {}
        # What annotations and bases name, public or not: it decides what they mean.
        self.mentioned: set[str] = set()
        # Names that hide a submodule of the same name: what they lead to, and where.
        self.hidden: dict[str, tuple[str, Facts]] = {}
        # What was worked out before: names imported as themselves by module, expressions by scope
        # and text, the attributes that the methods of a class set.
        self.kept: dict[str, set[str]] = {}
        self.uses: dict[str, set[str]] = {}
        self.by_line: dict[Any, dict[str, list[Any]]] = {}
        self.read: dict[tuple[str, str], str | None] = {}
        self.sets: dict[int, tuple[set[str], bool]] = {}
        self.loader = Loader(tree, values)
        TEXTS.clear()

    def find(self, path: str) -> Definition:
        try:
            return self.loader.modules_collection.get_member(path)
        except (AttributeError, KeyError, ValueError, griffe.GriffeError):
            return None

    def canonical(self, path: str, depth: int = 20) -> str:
        """Find the path of the definition, through imports and `Old = New`."""
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
        if (
            found.is_attribute
            and found.annotation is None
            and isinstance(found.value, str | griffe.ExprName | griffe.ExprAttribute)
            and re.fullmatch(r"[A-Za-z_][\w.]*", str(found.value or ""))
        ):
            target = self.resolve(found.parent, str(found.value), depth - 1)
            real = self.find(target)
            if target != path and real is not None and not real.is_alias and not real.is_attribute:
                return target
        return path

    def resolve(self, scope: Definition, name: str, depth: int = 20) -> str:
        first, dot, rest = name.partition(".")
        if (
            first in BUILTINS
            and scope.is_class
            and first in scope.members
            and not scope.members[first].is_class
        ):
            # An attribute `self.type` or a method `list` is not what an annotation means.
            return name
        try:
            path = scope.resolve(first)
        except (AttributeError, KeyError, ValueError, griffe.GriffeError):
            return name
        if "." not in path and path in BUILTINS:
            return name
        if path.endswith("]"):
            return self.type_parameter(scope, first)
        return self.canonical(path + dot + rest, depth)

    def type_parameter(self, scope: Definition, name: str) -> str:
        """Note a type parameter (PEP 695) as the call that would make it; return its path."""
        while name not in getattr(scope, "type_parameters", ()):
            scope = scope.parent
        path = f"{scope.path}.{name}"
        if path not in self.objects:
            parameter = scope.type_parameters[name]
            made = MAKERS[parameter.kind]
            self.objects[path] = {"kind": "attribute", "means": f"typing.{made}({name!r})"}
            limits = [self.expression(scope, one) for one in parameter.constraints or ()]
            if parameter.bound is not None:
                limits.append(f"bound={self.expression(scope, parameter.bound)}")
            if parameter.default is not None:
                limits.append(f"default={self.expression(scope, parameter.default)}")
            means = ", ".join([repr(name), *(one for one in limits if one)])
            self.objects[path]["means"] = f"typing.{made}({means})"
        return path

    def expression(self, scope: Definition, value: object) -> str | None:
        """Resolve every name in an annotation, a base or a decorator.

        Null where it is no expression.
        """
        if value is None:
            return None
        key = (scope.path, (text(value) or "").strip())
        if key not in self.read:
            try:
                self.read[key] = ast.unparse(
                    Resolver(self, scope).visit(ast.parse(key[1], mode="eval").body)
                )
            except (SyntaxError, ValueError, RecursionError):
                self.read[key] = None
        return self.read[key]


class Resolver(ast.NodeTransformer):
    """Replaces names by the paths they lead to.

    Forward references in quotes are replaced by what they hold.
    """

    def __init__(self, reader: Names, scope: Definition, *, literal: bool = False) -> None:
        self.reader, self.scope, self.literal = reader, scope, literal

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.dotted(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = ast.unparse(node)
        return (
            self.dotted(name)
            if re.fullmatch(r"[A-Za-z_][\w.]*", name)
            else self.generic_visit(node)
        )

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        value = self.visit(node.value)
        name = ast.unparse(value)
        if name in ("typing.Literal", "typing_extensions.Literal"):
            inner = Resolver(self.reader, self.scope, literal=True)
            return ast.Subscript(value, inner.visit(node.slice), node.ctx)
        if name in ("typing.Annotated", "typing_extensions.Annotated") and isinstance(
            node.slice, ast.Tuple
        ):
            return self.visit(node.slice.elts[0])
        return ast.Subscript(value, self.visit(node.slice), node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not self.literal and ast.unparse(node.func).endswith("TypeVar"):
            # Types in quotes, but for its own name.
            limits = [*node.args[:1], *map(self.visit, node.args[1:])]
            named = [ast.keyword(one.arg, self.visit(one.value)) for one in node.keywords]
            return ast.Call(self.visit(node.func), limits, named)
        inner = Resolver(self.reader, self.scope, literal=True)
        return inner.generic_visit(node) if not self.literal else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> Any:
        if self.literal or not isinstance(node.value, str):
            return node
        try:
            return self.visit(ast.parse(node.value.strip(), mode="eval").body)
        except (SyntaxError, ValueError):
            return node

    def dotted(self, name: str) -> ast.expr:
        resolved = self.reader.resolve(self.scope, name)
        if "." in resolved and resolved not in self.reader.objects:
            self.reader.mentioned.add(resolved)
        return path_of(resolved) if re.fullmatch(r"[\w.]+", resolved) else ast.Name(name)


# The text of each expression of griffe, which takes long to put together; by its identity.
TEXTS: dict[int, tuple[object, str]] = {}


def text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if id(value) not in TEXTS:
        TEXTS[id(value)] = (value, str(value))
    return TEXTS[id(value)][1]


@functools.cache
def path_of(name: str) -> ast.expr:
    """Parse a dotted path; nobody changes the result."""
    return ast.parse(name, mode="eval").body


def scope_of(found: Definition) -> Definition:
    """Find where the names in a signature or an alias are looked up: type parameters come first."""
    return found if getattr(found, "type_parameters", None) else found.parent


def bare(expression: str) -> str:
    return expression.split("[", maxsplit=1)[0].split("(", maxsplit=1)[0]


def call(expression: str | None) -> tuple[str, dict[str, str]]:
    """Split a call into its name and its arguments; a bare name has no arguments."""
    if not expression:
        return "", {}
    tree = ast.parse(expression, mode="eval").body
    if not isinstance(tree, ast.Call):
        return ast.unparse(tree), {}
    arguments = {str(i): ast.unparse(a) for i, a in enumerate(tree.args)}
    arguments.update({k.arg: ast.unparse(k.value) for k in tree.keywords if k.arg})
    return ast.unparse(tree.func), arguments
