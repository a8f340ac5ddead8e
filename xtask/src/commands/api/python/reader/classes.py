"""Classes: members with inheritance resolved inside the tree.

Also what makes a class abstract, frozen or slotted.
"""

import ast
import builtins
import re

from made import ENUMS, Made
from models import BASES, FIXED, settings
from names import Definition, Facts, bare, scope_of, text
from stubs import module_of

ABSTRACT = {"abc.ABC", "abc.ABCMeta", "typing.Protocol", "typing_extensions.Protocol"}
# Special names of a class that say something to the interpreter, not to users.
SILENT = {
    "__slots__", "__doc__", "__module__", "__qualname__", "__annotations__", "__match_args__",
    "__dict__", "__weakref__", "__init_subclass__", "__repr__",
    "__post_init__", "__hash__", "__new__", "__init__", "__str__", "__del__", "__set_name__",
    "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__getstate__",
    "__setstate__", "__reduce__", "__sizeof__", "__format__", "__author__", "__all__",
    "__abstractmethods__", "__orig_bases__", "__test__", "__get_pydantic_core_schema__",
    "__get_pydantic_json_schema__", "__pydantic_init_subclass__",
}  # fmt: skip


# The names that each class of Python gives to those derived from it.
GIVEN = {
    name: {*dir(found)} - {*dir(object)}
    for name, found in vars(builtins).items()
    if isinstance(found, type)
}


# What Python calls for the users of a class.
CALLED = ("__init__", "__new__", "__init_subclass__")


# `self.x = 1`, `self.x: int = 1`, `self.x, self.y = 1, 2`, `setattr(self, "x", 1)`
SET = re.compile(r"\bself\.([A-Za-z]\w*)\s*(?::[^=\n]+)?=(?!=)")
SEVERAL_SET = re.compile(
    r"^\s*[(\[]?((?:\*?self\.\w+\s*,\s*)+(?:\*?self\.\w+)?)[)\]]?\s*=(?!=)", re.MULTILINE
)
NAMED_SET = re.compile(r"""\bsetattr\(\s*self,\s*["'](\w+)["']""")
# Which attributes these set is known only when they run.
ANY_SET = re.compile(
    r"""\bsetattr\(\s*self,\s*[^"'\s]|\bself\.__dict__\.update\(|\bvars\(self\)\.update\("""
)


def assigned(code: str) -> tuple[set[str], bool]:
    """List the attributes that the methods of a class set on `self`.

    And say whether they may set others, which only a run can tell.
    """
    several = [
        name for found in SEVERAL_SET.findall(code) for name in re.findall(r"\.(\w+)", found)
    ]
    found = {*SET.findall(code), *NAMED_SET.findall(code), *several}
    return found, ANY_SET.search(code) is not None


def is_public(name: str) -> bool:
    return not name.startswith("_") or (
        name.startswith("__") and name.endswith("__") and name not in SILENT
    )


def known_outside(outside: list[str]) -> bool:
    """Say whether a package can take nothing away unnoticed through these bases."""
    plain = {"typing.Generic", *GIVEN, *BASES, *ENUMS, *ABSTRACT}
    return all(base in plain for base in outside)


def keyword(mro: list[Definition], name: str) -> str | None:
    """Read `name=...` of a class or its nearest ancestor: `class A(Struct, frozen=True)`."""
    return next((str(c.keywords[name]) for c in mro if name in c.keywords), None)


class Classes(Made):
    """What a class is to its users."""

    def define(self, found: Definition, path: str) -> None:
        if path in self.objects:
            return
        if found.is_class:
            self.objects[path] = {}
            self.objects[path] = self.klass(found)
        elif found.is_function:
            self.objects[path] = self.accessor(found) or self.function(found)
        else:
            made = None if found.is_type_alias else self.made(found, path)
            self.objects[path] = made or self.attribute(found)

    def klass(self, klass: Definition) -> Facts:
        mro = self.mro(klass)
        bases = {c.path: [self.expression(scope_of(c), b) or str(b) for b in c.bases] for c in mro}
        known = {c.path for c in mro}
        outside = list(
            dict.fromkeys(bare(b) for c in mro for b in bases[c.path] if bare(b) not in known)
        )
        decorators = self.decorators(klass)
        for base in mro[1:]:
            self.define(base, base.path)
        members = self.members(mro)
        model = next((BASES[b] for b in outside if b in BASES), None)
        options = next((one for one in map(self.options, mro) if one is not None), {})
        model = options.get("model", model)
        named = [self.expression(c.parent, c.keywords.get("metaclass")) for c in mro]
        metaclasses = {one for one in named if one is not None}
        metaclass = next((one for one in named if one is not None), None)
        slotted = not set(outside) - {"object", "abc.ABC", "typing.Generic"} and all(
            "__slots__" in c.members and "__dict__" not in str(c.members["__slots__"].value)
            for c in mro
        )
        constructor, new = members.pop("__init__", None), members.pop("__new__", None)
        subclassed = members.pop("__init_subclass__", None)
        if set(outside) & {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}:
            self.count(klass, members, named="enum.StrEnum" in outside)
        if self.generated(mro):
            constructor = new = None
        if model == "pydantic":
            members.pop("Config", None)
        fields = self.fields(mro, model)
        frozen = (
            options.get("frozen") == "True"
            or options.get("on_setattr") in FIXED
            or (model == "pydantic" and self.frozen(mro))
            or (model == "msgspec" and keyword(mro, "frozen") == "True")
        )
        module = module_of(klass)
        checked = self.checked(mro) if model else set()
        written = self.written(mro) if model == "pydantic" else {}
        for one in fields:
            one["checked"] = one.get("checked", False) or bool({one["name"], "*"} & checked)
            one["written"] = written.get(one["name"], written.get("*", one.get("written")))
            # The default of a field is on the class by accident.
            facts = self.objects.get(members.get(one["name"], ""), {})
            facts["on_class"] = False
            facts["writable"] = (
                facts.get("writable", False) and not frozen and model != "namedtuple"
            )
        return {
            "kind": "class",
            **self.at(klass),
            "bases": bases[klass.path],
            "ancestors": [c.path for c in mro[1:]] + outside,
            "unknown": bool(metaclasses - {"abc.ABCMeta", "enum.EnumMeta"})
            or not known_outside(outside),
            "members": members,
            "given": sorted({name for base in outside for name in GIVEN.get(base, ())}),
            "annotated": self.has_stub(module) or self.annotated(module),
            # A base of another package may give them to the stub.
            "untyped": self.members_outside_stub(mro, list(members))
            if known_outside(outside)
            else [],
            "assigned": sorted({name for c in mro for name in self.assigned(c)[0]}),
            "dynamic": any(
                "__getattr__" in c.members or "__getattribute__" in c.members or self.assigned(c)[1]
                for c in mro
            ),
            "open": any("__getattr__" in c.members for c in mro),
            "constructor": constructor or new,
            "subclassed": subclassed,
            "match_args": self.listed_in(mro, "__match_args__"),
            "options": self.model_options(mro, model),
            "unequal": options.get("eq", options.get("cmp")) == "False",
            "decorators": decorators,
            "enum": any(b in ENUMS for b in outside),
            "protocol": any(
                bare(b) in ("typing.Protocol", "typing_extensions.Protocol")
                for b in bases[klass.path]
            ),
            "abstract": self.abstract(mro),
            "enforced": bool(
                set(outside) & ABSTRACT
                or self.roots(metaclasses) & ABSTRACT
                or any(b.startswith("collections.abc.") for b in outside)
            ),
            "slots": slotted or options.get("slots") == "True",
            "slot_names": [
                name for c in mro if slotted for name in self.listed_in([c], "__slots__") or ()
            ],
            "metaclass": metaclass or ("abc.ABCMeta" if "abc.ABC" in outside else None),
            "checked": "" in checked,
            "written": written.get(""),
            "computed": sorted(self.computed(mro)) if model == "pydantic" else [],
            "frozen": frozen,
            "hashable": self.hashable(mro),
            "ordered": options.get("order") == "True"
            or keyword(mro, "order") == "True"
            or any("total_ordering" in str(one.value) for c in mro for one in c.decorators),
            "model": model,
            "fields": fields,
            "type_parameters": self.type_parameters(klass, bases[klass.path]),
        }

    def roots(self, paths: set[str]) -> set[str]:
        """Find what these classes are derived from outside of the tree: `class Meta(ABCMeta)`."""
        found = {path: self.find(path) for path in paths}
        ours = {p: k for p, k in found.items() if k is not None and not k.is_alias and k.is_class}
        bases = {
            bare(self.expression(c.parent, b) or str(b))
            for klass in ours.values()
            for c in self.mro(klass)
            for b in c.bases
        }
        return (paths - set(ours)) | bases

    def mro(self, klass: Definition) -> list[Definition]:
        """List the class and its ancestors inside the tree.

        Depth first where Python itself would refuse.
        """
        found: list[Definition] = []
        todo = [klass]
        while todo:
            one = todo.pop(0)
            if one.path in {f.path for f in found}:
                continue
            found.append(one)
            inner = [self.find(bare(self.expression(one.parent, b) or "")) for b in one.bases]
            todo = [b for b in inner if b is not None and not b.is_alias and b.is_class] + todo
        return found

    def assigned(self, klass: Definition) -> tuple[set[str], bool]:
        if id(klass) not in self.sets:
            self.sets[id(klass)] = assigned("\n".join(klass.lines))
        return self.sets[id(klass)]

    def members(self, mro: list[Definition]) -> dict[str, str]:
        """Public members and the constructor: name to the path of the definition."""
        found: dict[str, str] = {}
        for klass in mro:
            overloaded = {name: found for name, found in klass.overloads.items() if found}
            for name in {**klass.members, **overloaded}:
                if (
                    (not is_public(name) and name not in CALLED)
                    or name in found
                    or name == "model_config"
                    or self.is_hook(klass, name)
                ):
                    continue
                member = klass.members.get(name) or overloaded[name][-1]
                if name == "__new__" and "__init__" in found:
                    continue
                path = self.canonical(f"{klass.path}.{name}")
                real = self.find(path) or member
                if real.is_alias:
                    # From another package: `import json` in a class.
                    found[name] = path
                    continue
                if real.is_function and real.parent.is_module and not member.is_function:
                    # `f = _f`: a function of the module as a method.
                    path = f"{klass.path}.{name}"
                    self.objects[path] = {**self.function(real), "binding": "instance"}
                found[name] = path
                if not real.is_module:
                    self.define(real, path)
        return found

    def is_hook(self, klass: Definition, name: str) -> bool:
        """Say whether a method checks or writes the values of a model, which alone calls it."""
        method = klass.members.get(name)
        return method is not None and bool(self.checks(klass, method) or self.writes(klass, method))

    def count(self, klass: Definition, members: dict[str, str], *, named: bool) -> None:
        """Give the members of an enum that are `auto()` the values that Python gives them.

        Numbers, or their own names.
        """
        if "_generate_next_value_" in klass.members:
            return
        last: int | None = 0
        for name in klass.members:
            facts = self.objects.get(members.get(name, ""), {})
            value = str(facts.get("value", ""))
            if value in ("auto()", "enum.auto()") and named:
                facts["value"] = repr(name.lower())
            elif value in ("auto()", "enum.auto()") and last is not None:
                last += 1
                facts["value"] = str(last)
            elif facts.get("kind") == "attribute":
                last = int(value) if re.fullmatch(r"-?\d+", value) else None

    def listed_in(self, mro: list[Definition], attribute: str) -> list[str] | None:
        """Read `__slots__` or `__match_args__` of the nearest class that has it."""
        own = next((c.members[attribute] for c in mro if attribute in c.members), None)
        if own is None or own.is_alias:
            return None
        try:
            found = ast.literal_eval(text(getattr(own, "value", None)) or "")
        except (ValueError, SyntaxError):
            return None
        found = [found] if isinstance(found, str) else found
        return [str(one) for one in found] if isinstance(found, tuple | list | set) else None

    def abstract(self, mro: list[Definition]) -> list[str]:
        named: dict[str, bool] = {}
        for klass in mro:
            for name, member in klass.members.items():
                named.setdefault(name, not member.is_alias and "abstractmethod" in member.labels)
        return sorted(name for name, abstract in named.items() if abstract)

    def hashable(self, mro: list[Definition]) -> bool:
        """Say whether the class keeps a hash: `__eq__` alone takes it away."""
        for klass in mro:
            if "__hash__" in klass.members:
                own = klass.members["__hash__"]
                return not (own.is_attribute and str(own.value) == "None")
            options = self.options(klass)
            if options is not None and options.get("eq") != "False":
                kept = ("frozen", "unsafe_hash", "hash")
                return any(options.get(key) == "True" for key in kept)
            if "__eq__" in klass.members:
                return False
        return True

    def generated(self, mro: list[Definition]) -> bool:
        """Say whether the constructor is the one that a decorator writes."""
        for klass in mro:
            if "__init__" in klass.members:
                return False
            if (options := self.options(klass)) is not None and options.get("init") != "False":
                return True
        return False

    def frozen(self, mro: list[Definition]) -> bool:
        said = [settings(c) for c in mro]
        return any(
            one.get("frozen") == "True" or one.get("allow_mutation") == "False" for one in said
        )

    def type_parameters(self, klass: Definition, bases: list[str]) -> list[Facts]:
        """List what is in brackets in Generic[...] or Protocol[...].

        Without them, every type variable of the bases.
        """
        if getattr(klass, "type_parameters", None):
            return [
                {"name": self.type_parameter(klass, p.name), "default": p.default is not None}
                for p in klass.type_parameters
            ]
        generic = [
            b
            for b in bases
            if bare(b) in ("typing.Generic", "typing.Protocol", "typing_extensions.Protocol")
            and "[" in b
        ]
        names: list[Facts] = []
        for base in generic or [b for b in bases if "[" in b]:
            for path in re.findall(r"[A-Za-z_][\w.]*", base):
                variable = self.find(path)
                value = (
                    str(getattr(variable, "value", "") or "")
                    if variable is not None and not variable.is_alias
                    else ""
                )
                if re.search(r"\b(TypeVar|ParamSpec|TypeVarTuple)\(", value) and path not in [
                    n["name"] for n in names
                ]:
                    names.append({"name": path, "default": "default=" in value.replace(" ", "")})
        return names
