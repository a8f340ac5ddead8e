"""Names that code puts in place when it is imported, as `sys.modules["pkg.old"] = new`."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from exports import Exports, UnknownError

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
MODULES = {"sys.modules", "modules"}
NAMESPACES = {"globals()", "vars()", "locals()", "sys.modules[__name__].__dict__"}


@dataclass
class Running:
    """What the statements of a module put in place."""

    # Modules of its package, with `*` for what cannot be known: `pkg.*`.
    modules: list[str] = field(default_factory=list)
    # Names of the module itself.
    names: list[str] = field(default_factory=list)
    # It may put any name in place.
    any: bool = False


def put_in_place(tree: ast.Module, module: str, package: str) -> Running:
    found = Running()
    root = module.partition(".")[0]
    for container, key in assigned(ast.walk(tree)):
        path = pattern(key, {"__name__": module, "__package__": package})
        if container in MODULES and path.startswith(root):
            found.modules.append(path)
    for container, key in assigned(at_import(tree)):
        if container in NAMESPACES:
            note(found, constant(key))
    called(tree, found)
    if module in found.modules:
        found.any = True
        found.modules.remove(module)
    return found


def called(tree: ast.Module, found: Running) -> None:
    """Note the names that `globals().update()` and `setattr()` put in place."""
    values = Exports()
    values.run(tree.body, set())
    for node in at_import(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=namespace, attr="update"), args=[given]):
                if ast.unparse(namespace) in NAMESPACES:
                    note(found, keys(values, given))
            case ast.Call(func=ast.Name(id="setattr"), args=[namespace, name, _]):
                if ast.unparse(namespace) == "sys.modules[__name__]":
                    note(found, constant(name))
            case _:
                pass


def note(found: Running, names: list[object] | None) -> None:
    found.names += [str(name) for name in names or ()]
    found.any = found.any or names is None


def constant(key: ast.expr) -> list[object] | None:
    return [key.value] if isinstance(key, ast.Constant) else None


def assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """List the containers and keys of `container[key] = value`."""
    for node in nodes:
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Subscript):
                yield ast.unparse(target.value), target.slice


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """List what is run when the module is imported: not the bodies of its functions."""
    todo = list(ast.iter_child_nodes(tree))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            todo += ast.iter_child_nodes(node)


def keys(values: Exports, given: ast.expr) -> list[object] | None:
    try:
        return list(values.value(given))
    except (UnknownError, TypeError, ValueError, KeyError):
        return None


def pattern(key: ast.expr, known: dict[str, str]) -> str:
    """Read the path in a key, as `__name__ + ".old"`; what cannot be known is `*`."""
    match key:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return pattern(left, known) + pattern(right, known)
        case ast.JoinedStr(values=parts):
            return "".join(pattern(part, known) for part in parts)
        case ast.FormattedValue(value=value):
            return pattern(value, known)
        case _:
            return "*"
