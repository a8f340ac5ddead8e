"""Models: classes whose constructor is made of their fields.

Dataclasses, attrs, named tuples, TypedDicts, pydantic models and msgspec structs.
"""

import ast
import re

from definitions import Definitions
from names import Definition, Facts, bare, call, scope_of, text

DATACLASS = {"dataclasses.dataclass", "pydantic.dataclasses.dataclass"}
# The decorators of attrs: the older ones take only attributes that are `attr.ib()`.
ATTRS_OLD = {"attr.s", "attr.attrs", "attr.attributes"}
ATTRS_NEW = {"attr.define", "attr.mutable", "attr.frozen", "attr.dataclass"} | {
    "attrs.define", "attrs.mutable", "attrs.frozen",
}  # fmt: skip
BASES = {
    "typing.NamedTuple": "namedtuple",
    "typing_extensions.NamedTuple": "namedtuple",
    "collections.namedtuple": "namedtuple",
    "typing.TypedDict": "typeddict",
    "typing_extensions.TypedDict": "typeddict",
    "pydantic.BaseModel": "pydantic",
    "pydantic.main.BaseModel": "pydantic",
    "pydantic_settings.BaseSettings": "pydantic",
    "pydantic.RootModel": "pydantic",
    "pydantic.root_model.RootModel": "pydantic",
    "msgspec.Struct": "msgspec",
}
ATTRS_FIELD = {"attr.ib", "attr.attrib", "attr.attr", "attr.field", "attrs.field"}
FIELD = ATTRS_FIELD | {
    "dataclasses.field", "pydantic.Field", "pydantic.fields.Field", "pydantic.dataclasses.Field",
    "msgspec.field",
}  # fmt: skip
LIMITS = (
    "ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of", "pattern",
)  # fmt: skip
OPTIONS: dict[str, tuple[str, ...]] = {
    "pydantic": ("extra", "alias_generator", "strict", "populate_by_name"),
    "msgspec": (
        "array_like", "forbid_unknown_fields", "omit_defaults", "rename", "tag", "tag_field",
    ),
    "typeddict": ("closed",),
}  # fmt: skip
# What pydantic calls the decorators of the methods that check values.
FIELD_CHECKS = {"validator", "field_validator"}
MODEL_CHECKS = {"root_validator", "model_validator"}
# What it calls the decorators of the methods that write fields, and the model as a whole.
FIELD_WRITERS = {"serializer", "field_serializer"}
MODEL_WRITERS = {"model_serializer"}
ANNOTATED_WRITERS = {"PlainSerializer", "WrapSerializer"}
CONSTRAINTS = {"StringConstraints"}
ANNOTATED_CHECKS = {"AfterValidator", "BeforeValidator", "PlainValidator", "WrapValidator"}
# The names that the options had in pydantic 1.
OLD_OPTIONS = {"allow_population_by_field_name": "populate_by_name"}
# What these factories of defaults return.
EMPTY = {"list": "[]", "dict": "{}", "tuple": "()"}
FACTORY = re.compile(r"(?:attrs?\.)?Factory\(([\w.]+|lambda: .+)\)")
FIXED = {"attr.setters.frozen", "attrs.setters.frozen"}
NO_DEFAULT = {"...", "dataclasses.MISSING", "attr.NOTHING", "attrs.NOTHING", "msgspec.NODEFAULT"}


class Models(Definitions):
    """What a model's fields are to its users."""

    def options(self, klass: Definition) -> dict[str, str] | None:
        """Read the options of `@dataclass` or `@define`; null for another class."""
        for decorator in klass.decorators:
            name, keywords = call(self.expression(klass.parent, decorator.value))
            if name in DATACLASS:
                return {"model": "dataclass", **keywords}
            if name in ATTRS_OLD:
                equal = keywords.get("eq", keywords.get("cmp", "True"))
                return {"model": "attrs", "order": equal, "auto_attribs": "False", **keywords}
            if name in ATTRS_NEW:
                frozen = str(name.endswith(".frozen"))
                slots = str(name != "attr.dataclass")
                return {"model": "attrs", "frozen": frozen, "slots": slots, **keywords}
        return None

    def fields(self, mro: list[Definition], model: str | None) -> list[Facts]:
        found: dict[str, Facts] = {}
        for klass in reversed(mro if model else []):
            options = self.options(klass)
            if model in ("dataclass", "attrs") and options is None:
                continue
            for base in klass.bases:
                found.update((field["name"], field) for field in self.listed(klass, base))
            keyword_only = (options or {}).get("kw_only") == "True" or (
                model == "msgspec" and str(klass.keywords.get("kw_only")) == "True"
            )
            annotated = model != "attrs" or self.annotated_only(klass, options)
            for name, member in attributes(klass):
                kind = self.expression(klass, member.annotation) or ""
                if bare(kind) == "dataclasses.KW_ONLY":
                    keyword_only = True
                    continue
                if model == "pydantic" and (name.startswith("_") or name == "model_config"):
                    continue
                if not self.is_field(klass, member, annotated=annotated):
                    continue
                field = self.field(klass, name, member, kind, keyword_only, model)
                if field is not None:
                    if model == "attrs":
                        # A field that a subclass declares again comes last.
                        found.pop(field["name"], None)
                    found[field["name"]] = field
        return list(found.values())

    def checked(self, mro: list[Definition]) -> set[str]:
        """Find the fields that a method of the model checks; "" is the model as a whole."""
        methods = ((klass, method) for klass in mro for method in klass.members.values())
        return {name for klass, method in methods for name in self.checks(klass, method)}

    def written(self, mro: list[Definition]) -> dict[str, str]:
        """Find the fields that a method writes, and what it returns; "" is the model as a whole."""
        found: dict[str, str] = {}
        for klass in mro:
            for method in klass.members.values():
                for name, returns in self.writes(klass, method):
                    found.setdefault(name, returns)
        return found

    def writes(self, klass: Definition, method: Definition) -> list[tuple[str, str]]:
        """List the fields that a method writes, as `@field_serializer("a")`, with their types."""
        found: list[tuple[str, str]] = []
        for decorator in () if method.is_alias or not method.is_function else method.decorators:
            if "serializer" not in str(decorator.value):
                continue
            name, given = call(self.expression(klass, decorator.value))
            returned = self.expression(scope_of(method), method.returns)
            returns = given.get("return_type") or returned or "typing.Any"
            if is_pydantic(name, FIELD_WRITERS):
                fields = [literal(value) or "" for key, value in given.items() if key.isdigit()]
                found += [(field, returns) for field in fields]
            elif is_pydantic(name, MODEL_WRITERS):
                found.append(("", returns))
        return found

    def computed(self, mro: list[Definition]) -> set[str]:
        """Find the properties that the model's JSON has, as `@computed_field`."""
        return {
            member.name
            for klass in mro
            for member in klass.members.values()
            if not member.is_alias and (member.is_function or "property" in member.labels)
            for node in self.nodes(member)
            for one in node.decorator_list
            if is_pydantic(self.called(klass, ast.unparse(one))[0], {"computed_field"})
        }

    def checks(self, klass: Definition, method: Definition) -> list[str]:
        """List the fields that a method checks, as `@field_validator("a")` or `@a.validator`."""
        found: list[str] = []
        for decorator in () if method.is_alias or not method.is_function else method.decorators:
            if "validator" not in str(decorator.value):
                continue
            name, given = call(self.expression(klass, decorator.value))
            if is_pydantic(name, FIELD_CHECKS):
                found += [literal(value) or "" for key, value in given.items() if key.isdigit()]
            elif is_pydantic(name, MODEL_CHECKS):
                found.append("")
            elif str(decorator.value).endswith(".validator"):
                found.append(str(decorator.value).removesuffix(".validator"))
        return found

    def listed(self, klass: Definition, base: object) -> list[Facts]:
        """List the fields of a base such as `namedtuple("P", "x y")`."""
        raise NotImplementedError

    def called(self, scope: Definition, value: object) -> tuple[str, dict[str, str]]:
        return call(self.expression(scope, value) if value is not None else None)

    def annotated_only(self, klass: Definition, options: dict[str, str] | None) -> bool:
        """Say whether annotations alone make fields of attrs."""
        said = (options or {}).get("auto_attribs")
        if said in ("True", "False"):
            return said == "True"
        return not any(
            member.annotation is None and self.called(klass, member.value)[0] in ATTRS_FIELD
            for _, member in attributes(klass)
        )

    def is_field(self, klass: Definition, member: Definition, *, annotated: bool) -> bool:
        if self.called(klass, member.value)[0] in ATTRS_FIELD:
            return True
        # Neither `x: ClassVar[int] = 1`, whose annotation griffe shows without ClassVar, nor
        # `self.x: int = 1`.
        own = "instance-attribute" in member.labels and (
            "class-attribute" in member.labels or member.value is None
        )
        return annotated and member.annotation is not None and own

    def field(  # noqa: PLR0913, PLR0917, what a field is depends on all of it
        self,
        klass: Definition,
        name: str,
        member: Definition,
        kind: str,
        keyword_only: bool,  # noqa: FBT001
        model: str | None,
    ) -> Facts | None:
        default = text(member.value)
        function, keywords = self.called(klass, member.value)
        annotation = text(member.annotation)
        if function in FIELD:
            if keywords.get("init") == "False":
                return None
            keyword_only = {"True": True, "False": False}.get(
                keywords.get("kw_only", ""), keyword_only
            )
            keywords = {**self.metadata(klass, member.annotation), **keywords}
            default = default_of(keywords)
            annotation = annotation or keywords.get("type")
            kind = kind or keywords.get("type", "")
        elif model in ("pydantic", "msgspec"):
            keywords = self.metadata(klass, member.annotation)
        if default in NO_DEFAULT:
            default = None
        if model == "attrs":
            default = produced(default) or decorated(klass, name)
            # The constructor takes a private attribute without its underscores.
            name = literal(keywords.get("alias")) or name.lstrip("_")
        required = default is None
        if model == "typeddict":
            total = str(klass.keywords.get("total", "True")) == "True"
            required = {"Required": True, "NotRequired": False}.get(
                bare(kind).rpartition(".")[2], total
            )
        if model == "pydantic":
            keyword_only = True
        return {
            "name": name,
            **self.at(member),
            "annotation": annotation,
            "type": kind or None,
            "default": default and (self.constant(klass, default) or default),
            "alias": None if model == "attrs" else alias(keywords),
            "limits": {key: keywords[key] for key in LIMITS if keywords.get(key, "None") != "None"},
            "required": required,
            "keyword_only": keyword_only,
            "checked": keywords.get("validator", "None") != "None",
            "fixed": keywords.get("on_setattr") in FIXED or keywords.get("frozen") == "True",
            "excluded": model == "pydantic" and keywords.get("exclude") == "True",
            "written": keywords.get("serializer"),
            # Inside of an annotation, griffe leaves the quotes out.
            "discriminator": (keywords.get("discriminator") or "").strip("'") or None,
        }

    def metadata(self, klass: Definition, annotation: object) -> dict[str, str]:
        """Read what `Annotated[int, Field(ge=1)]` says of a field."""
        written = text(annotation) or ""
        alias = self.find(self.resolve(klass, written)) if written.isidentifier() else None
        if alias is not None and not alias.is_alias and alias.is_attribute:
            written = text(alias.value) or ""
        if "Annotated[" not in written:
            return {}
        try:
            tree = ast.parse(written, mode="eval").body
        except SyntaxError:
            return {}
        found: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name, keywords = self.called(klass, ast.unparse(node))
                if name in FIELD or name == "msgspec.Meta" or is_pydantic(name, CONSTRAINTS):
                    found.update(keywords)
                elif is_pydantic(name, ANNOTATED_CHECKS):
                    found["validator"] = name
                elif is_pydantic(name, ANNOTATED_WRITERS):
                    found["serializer"] = keywords.get("return_type", "typing.Any")
        return found

    def model_options(self, mro: list[Definition], model: str | None) -> dict[str, str]:
        """Read the options that decide which values a model takes, and how they are written."""
        found: dict[str, str] = {}
        for klass in reversed(mro):
            given = settings(klass) if model == "pydantic" else keywords_of(klass)
            found.update((key, given[key]) for key in OPTIONS.get(model or "", ()) if key in given)
        return found


def keywords_of(klass: Definition) -> dict[str, str]:
    """Read the keywords beside the bases of a class."""
    return {key: str(value) for key, value in klass.keywords.items()}


def settings(klass: Definition) -> dict[str, str]:
    """Read the options of a pydantic model.

    They are keywords of its class, its `model_config`, or the `class Config` of pydantic 1.
    """
    found = keywords_of(klass)
    for name in ("Config", "model_config"):
        config = klass.members.get(name)
        if config is None or config.is_alias:
            continue
        if config.is_class:
            given = {key: text(member.value) or "" for key, member in attributes(config)}
        else:
            given = configured(text(getattr(config, "value", None)) or "")
        found.update((OLD_OPTIONS.get(key, key), value) for key, value in given.items())
    if "extra" in found:
        found["extra"] = repr(literal(found["extra"]) or found["extra"].rpartition(".")[2])
    return found


def is_pydantic(path: str, names: set[str]) -> bool:
    """Say whether pydantic has one of these names at this path, in any of its modules."""
    return path.startswith("pydantic.") and path.rpartition(".")[2] in names


def default_of(keywords: dict[str, str]) -> str | None:
    """Read the default of a field, or what its factory returns."""
    given = next((keywords[key] for key in ("default", "0") if keywords.get(key)), None)
    factory = keywords.get("default_factory") or keywords.get("factory")
    if given is not None or factory is None:
        return produced(given)
    return EMPTY.get(factory) or factory.removeprefix("lambda: ")


def produced(written: str | None) -> str | None:
    """Read what a default is or makes: `{}` for `attr.Factory(dict)`."""
    made = FACTORY.fullmatch(written or "")
    return default_of({"factory": made[1]}) if made else written


def configured(written: str) -> dict[str, str]:
    """Read `ConfigDict(extra="forbid")` or `{"extra": "forbid"}`."""
    try:
        tree = ast.parse(written, mode="eval").body
    except SyntaxError:
        return {}
    if isinstance(tree, ast.Call):
        return {one.arg: ast.unparse(one.value) for one in tree.keywords if one.arg}
    if isinstance(tree, ast.Dict):
        pairs = zip(tree.keys, tree.values, strict=True)
        return {
            str(key.value): ast.unparse(value)
            for key, value in pairs
            if isinstance(key, ast.Constant)
        }
    return {}


def alias(keywords: dict[str, str]) -> str | None:
    """Name a field as its JSON does: by two names if reading and writing differ."""
    keys = ("alias", "validation_alias", "serialization_alias", "name")
    names = [keywords[key] for key in keys if keywords.get(key, "None") != "None"]
    return ", ".join(dict.fromkeys(literal(one) or one for one in names)) or None


def attributes(klass: Definition) -> list[tuple[str, Definition]]:
    return [
        (name, member)
        for name, member in klass.members.items()
        if not member.is_alias and member.is_attribute and "property" not in member.labels
    ]


def decorated(klass: Definition, name: str) -> str | None:
    """Find the default that a method decorated with `@name.default` computes."""
    for method in klass.members.values():
        if not method.is_alias and method.is_function:
            for decorator in method.decorators:
                if str(decorator.value) == f"{name}.default":
                    return f"{method.name}()"
    return None


def literal(value: str | None) -> str | None:
    try:
        found = ast.literal_eval(value) if value else None
    except (ValueError, SyntaxError):
        return None
    return found if isinstance(found, str) else None
