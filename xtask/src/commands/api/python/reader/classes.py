"""Classes: members with inheritance resolved inside the tree, and the fields of models.

Also what makes a class abstract, frozen or slotted.
"""

import re

from definitions import Definitions
from names import Definition, Facts, bare, call, text

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
    "__slots__", "__doc__", "__module__", "__qualname__", "__annotations__", "__match_args__",
    "__dict__", "__weakref__", "__init_subclass__", "__class_getitem__", "__repr__",
    "__post_init__", "__hash__", "__new__", "__init__", "__str__", "__del__", "__set_name__",
    "__getattr__", "__getattribute__", "__setattr__", "__delattr__", "__dir__", "__getstate__",
    "__setstate__", "__reduce__", "__sizeof__", "__format__", "__author__", "__all__",
    "__abstractmethods__", "__orig_bases__", "__test__", "__get_pydantic_core_schema__",
    "__get_pydantic_json_schema__", "__pydantic_init_subclass__",
}  # fmt: skip


def is_public(name: str) -> bool:
    return not name.startswith("_") or (
        name.startswith("__") and name.endswith("__") and name not in SILENT
    )


def known_outside(outside: list[str]) -> bool:
    """Say whether a package can take nothing away unnoticed through these bases."""
    plain = {"object", "typing.Generic", "Exception", *MODELS, *ENUMS, *ABSTRACT}
    return all(base in plain for base in outside)


class Classes(Definitions):
    """What a class is to its users."""

    def define(self, found: Definition, path: str) -> None:
        if path in self.objects:
            return
        if found.is_class:
            self.objects[path] = {}
            self.objects[path] = self.klass(found)
        elif found.is_function:
            self.objects[path] = self.function(found)
        else:
            self.objects[path] = self.attribute(found)

    def klass(self, klass: Definition) -> Facts:
        mro = self.mro(klass)
        bases = {c.path: [self.expression(c.parent, b) or str(b) for b in c.bases] for c in mro}
        known = {c.path for c in mro}
        outside = list(
            dict.fromkeys(bare(b) for c in mro for b in bases[c.path] if bare(b) not in known)
        )
        decorators = [
            self.expression(klass.parent, d.value) or str(d.value) for d in klass.decorators
        ]
        for base in mro[1:]:
            self.define(base, base.path)
        members = self.members(mro)
        model = next((MODELS[b] for b in outside if b in MODELS), None)
        dataclass = next(
            (options for options in map(self.dataclass, mro) if options is not None), None
        )
        metaclasses = {self.expression(c.parent, c.keywords.get("metaclass")) for c in mro} - {None}
        constructor, new = members.pop("__init__", None), members.pop("__new__", None)
        if self.generated(mro):
            constructor = new = None
        fields = self.fields(mro, "dataclass" if dataclass is not None else model)
        for one in fields:
            # The default of a field is on the class by accident.
            self.objects.get(members.get(one["name"], ""), {})["on_class"] = False
        return {
            "kind": "class",
            **self.at(klass),
            "bases": bases[klass.path],
            "ancestors": [c.path for c in mro[1:]] + outside,
            "unknown": bool(metaclasses - {"abc.ABCMeta", "enum.EnumMeta"})
            or not known_outside(outside),
            "members": members,
            "assigned": sorted(
                {
                    n
                    for c in mro
                    for n in re.findall(
                        r"\bself\.([A-Za-z]\w*)\s*(?::[^=\n]+)?=(?!=)", "\n".join(c.lines)
                    )
                }
            ),
            "dynamic": any(
                "__getattr__" in c.members or "__getattribute__" in c.members for c in mro
            ),
            "constructor": constructor or new,
            "decorators": decorators,
            "enum": any(b in ENUMS for b in outside),
            "protocol": any(
                bare(b) in ("typing.Protocol", "typing_extensions.Protocol")
                for b in bases[klass.path]
            ),
            "abstract": self.abstract(mro),
            "enforced": bool(
                set(outside) & ABSTRACT
                or metaclasses & ABSTRACT
                or any(b.startswith("collections.abc.") for b in outside)
            ),
            "slots": (
                all(
                    "__slots__" in c.members and "__dict__" not in str(c.members["__slots__"].value)
                    for c in mro
                )
                and not set(outside) - {"object", "abc.ABC", "typing.Generic"}
            )
            or (dataclass or {}).get("slots") == "True",
            "frozen": (dataclass or {}).get("frozen") == "True"
            or (model == "pydantic" and self.frozen(mro)),
            "hashable": self.hashable(mro),
            "ordered": (dataclass or {}).get("order") == "True",
            "model": "dataclass" if dataclass is not None else model,
            "fields": fields,
            "type_parameters": self.type_parameters(klass, bases[klass.path]),
        }

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

    def members(self, mro: list[Definition]) -> dict[str, str]:
        """Public members and the constructor: name to the path of the definition."""
        found: dict[str, str] = {}
        for klass in mro:
            overloaded = {name: found for name, found in klass.overloads.items() if found}
            for name in {**klass.members, **overloaded}:
                if (
                    (not is_public(name) and name not in ("__init__", "__new__"))
                    or name in found
                    or name == "model_config"
                ):
                    continue
                member = klass.members.get(name) or overloaded[name][-1]
                if name == "__new__" and "__init__" in found:
                    continue
                path = self.canonical(f"{klass.path}.{name}")
                real = self.find(path) or member
                found[name] = path
                if not real.is_alias and not real.is_module:
                    self.define(real, path)
        return found

    def abstract(self, mro: list[Definition]) -> list[str]:
        named: dict[str, bool] = {}
        for klass in mro:
            for name, member in klass.members.items():
                named.setdefault(name, not member.is_alias and "abstractmethod" in member.labels)
        return sorted(name for name, abstract in named.items() if abstract)

    def dataclass(self, klass: Definition) -> dict[str, str] | None:
        """Read the options of `@dataclass`; null for another class."""
        for decorator in klass.decorators:
            name, keywords = call(self.expression(klass.parent, decorator.value))
            if name in DATACLASS:
                return keywords
        return None

    def hashable(self, mro: list[Definition]) -> bool:
        """Say whether the class keeps a hash: `__eq__` alone takes it away."""
        for klass in mro:
            if "__hash__" in klass.members:
                own = klass.members["__hash__"]
                return not (own.is_attribute and str(own.value) == "None")
            options = self.dataclass(klass)
            if options is not None and options.get("eq") != "False":
                return options.get("frozen") == "True" or options.get("unsafe_hash") == "True"
            if "__eq__" in klass.members:
                return False
        return True

    def generated(self, mro: list[Definition]) -> bool:
        """Say whether the constructor is the one that `@dataclass` writes."""
        for klass in mro:
            if "__init__" in klass.members:
                return False
            if (options := self.dataclass(klass)) is not None and options.get("init") != "False":
                return True
        return False

    def frozen(self, mro: list[Definition]) -> bool:
        return any(
            "frozen=True" in str(c.members["model_config"].value or "").replace(" ", "")
            for c in mro
            if "model_config" in c.members
        )

    def fields(self, mro: list[Definition], model: str | None) -> list[Facts]:
        found = {}
        for klass in reversed(mro if model else []):
            options = self.dataclass(klass)
            if model == "dataclass" and options is None:
                continue
            keyword_only = (options or {}).get("kw_only") == "True"
            total = str(klass.keywords.get("total", "True")) == "True"
            for name, member in klass.members.items():
                if (
                    member.is_alias
                    or not member.is_attribute
                    or member.annotation is None
                    or "property" in member.labels
                ):
                    continue
                # Neither `x: ClassVar[int] = 1`, whose annotation griffe shows without ClassVar,
                # nor `self.x: int = 1`.
                if "instance-attribute" not in member.labels or (
                    "class-attribute" not in member.labels and member.value is not None
                ):
                    continue
                kind = self.expression(klass, member.annotation) or ""
                if bare(kind) == "dataclasses.KW_ONLY":
                    keyword_only = True
                    continue
                if model == "pydantic" and (name.startswith("_") or name == "model_config"):
                    continue
                field = self.field(
                    klass, name, member, kind, keyword_only=keyword_only, total=total, model=model
                )
                if field is not None:
                    found[name] = field
        return list(found.values())

    def field(  # noqa: PLR0913, what a field is depends on all of it
        self,
        klass: Definition,
        name: str,
        member: Definition,
        kind: str,
        *,
        keyword_only: bool,
        total: bool,
        model: str | None,
    ) -> Facts | None:
        default = text(member.value)
        function, keywords = call(
            self.expression(klass, member.value) if member.value is not None else None
        )
        if function in (
            "dataclasses.field",
            "pydantic.Field",
            "pydantic.fields.Field",
            "pydantic.dataclasses.Field",
        ):
            if keywords.get("init") == "False":
                return None
            keyword_only = {"True": True, "False": False}.get(
                keywords.get("kw_only", ""), keyword_only
            )
            default = (
                keywords.get("default") or keywords.get("default_factory") or keywords.get("0")
            )
            default = None if default in ("...", "dataclasses.MISSING") else default
        elif default == "...":
            default = None
        required = default is None
        if model == "typeddict":
            required = {"Required": True, "NotRequired": False}.get(
                bare(kind).rpartition(".")[2], total
            )
        if model == "pydantic":
            keyword_only = True
        return {
            "name": name,
            **self.at(member),
            "annotation": text(member.annotation),
            "type": kind or None,
            "default": default,
            "required": required,
            "keyword_only": keyword_only,
        }

    def type_parameters(self, klass: Definition, bases: list[str]) -> list[Facts]:
        """List what is in brackets in Generic[...] or Protocol[...].

        Without them, every type variable of the bases.
        """
        if getattr(klass, "type_parameters", None):
            return [
                {"name": p.name, "default": p.default is not None} for p in klass.type_parameters
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
