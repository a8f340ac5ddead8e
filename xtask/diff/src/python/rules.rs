//! All rules for Python: id, severity, who is broken, and message of each difference.

use crate::finding::Level::{Breaking as B, Info as I, Warning as W};
use crate::rule::rule;
pub(super) use crate::rule::{Rule, sentence};

// Names.
pub(super) const REMOVED: Rule = rule("{kind}-removed", B, "its users", "{what} was removed{new}");
pub(super) const RENAMED: Rule = rule("{kind}-renamed", B, "its users", "{what} is now called {new}");
pub(super) const MAYBE_REMOVED: Rule =
    rule("{kind}-maybe-removed", W, "its users", "{what} is no longer defined here, but may come from {new}");
pub(super) const RE_EXPORT_REMOVED: Rule = rule(
    "re-export-removed",
    B,
    "importers",
    "{what} can no longer be imported from here; it is still {new}",
);
pub(super) const NOT_EXPORTED: Rule =
    rule("no-longer-exported", W, "`import *`", "{what} is no longer in `__all__`");
pub(super) const ADDED: Rule = rule("{kind}-added", I, "", "{what} is new");
pub(super) const KIND_CHANGED: Rule = rule("kind-changed", B, "its users", "{what} was a {old}, now a {new}");
pub(super) const KIND_MAYBE: Rule = rule(
    "kind-maybe-changed",
    W,
    "its users",
    "{what} was a {old}, now a {new}, which may behave differently",
);

pub(super) const TYPING_ONLY: Rule = rule(
    "no-longer-at-run-time",
    B,
    "importers at run time",
    "{what} is now defined only `if TYPE_CHECKING`",
);
pub(super) const STUB_REMOVED: Rule =
    rule("stub-removed", B, "type checkers", "the stub of {what} was removed, and the module has no types");
pub(super) const NOT_IN_STUB: Rule =
    rule("no-longer-in-stub", B, "type checkers", "{what} is not in the stub of its module");
pub(super) const TYPED_REMOVED: Rule =
    rule("py-typed-removed", B, "type checkers", "{what} no longer has a `py.typed` file");
pub(super) const PYTHON_DROPPED: Rule = rule(
    "python-dropped",
    W,
    "users of that Python",
    "it can no longer be installed with Python {what}: `requires-python` was {old}, now {new}",
);

pub(super) const SCRIPT_REMOVED: Rule =
    rule("script-removed", B, "users of the command", "the package no longer installs the command {what}");
pub(super) const EXTRA_REMOVED: Rule = rule(
    "extra-removed",
    B,
    "who installs it with the extra",
    "the extra {what} was removed from `optional-dependencies`; installers ignore it with a warning",
);

// Parameters.
pub(super) const PARAMETER_REMOVED: Rule =
    rule("parameter-removed", B, "callers", "the parameter `{what}` was removed");
pub(super) const PARAMETER_SWALLOWED: Rule =
    rule("parameter-swallowed", W, "callers", "the parameter `{what}` was removed; {new} accepts it now");
pub(super) const PARAMETER_RENAMED: Rule =
    rule("parameter-renamed", B, "callers", "the parameter `{what}` is now called `{new}`");
pub(super) const PARAMETER_REQUIRED: Rule = rule(
    "parameter-became-required",
    B,
    "callers",
    "the parameter `{what}` no longer has a default; it was {old}",
);
pub(super) const PARAMETER_REQUIRED_NEW: Rule =
    rule("parameter-added-required", B, "callers", "the parameter `{what}` is new and required");
pub(super) const PARAMETER_MAYBE_REQUIRED: Rule = rule(
    "parameter-maybe-required",
    W,
    "callers",
    "the parameter `{what}` is required; before, any arguments were accepted",
);
pub(super) const PARAMETER_INSERTED: Rule = rule(
    "parameter-inserted",
    B,
    "callers",
    "the new parameter `{what}` is before `{new}`, so positional arguments change their meaning",
);
pub(super) const PARAMETER_MOVED: Rule =
    rule("parameters-reordered", B, "callers", "the positional parameters were {old}, now {new}");
pub(super) const KEYWORD_ONLY: Rule = rule(
    "parameter-became-keyword-only",
    B,
    "callers",
    "the parameter `{what}` can no longer be given by position",
);
pub(super) const POSITIONAL_ONLY: Rule = rule(
    "parameter-became-positional-only",
    B,
    "callers",
    "the parameter `{what}` can no longer be given by keyword",
);
pub(super) const DEFAULT_CHANGED: Rule =
    rule("parameter-default-changed", W, "callers", "the default of `{what}` was {old}, now {new}");
pub(super) const ARGS_DROPPED: Rule =
    rule("args-dropped", B, "callers", "`*{what}` was removed: further positional arguments are refused");
pub(super) const KWARGS_DROPPED: Rule =
    rule("kwargs-dropped", B, "callers", "`**{what}` was removed: other keywords are refused");
pub(super) const FORWARDED: Rule =
    rule("arguments-spelt-out", W, "callers", "any arguments were accepted, now only the listed ones");
pub(super) const NARROWED: Rule =
    rule("parameter-type-narrowed", B, "callers", "`{what}` accepted {old}, now only {new}");
pub(super) const RETYPED: Rule = rule(
    "parameter-type-changed",
    W,
    "callers",
    "`{what}` accepted {old}, now {new}: whether every value still fits cannot be determined",
);
pub(super) const HASHABLE: Rule = rule(
    "parameter-must-be-hashable",
    B,
    "callers",
    "`{what}` accepts {old}, which cannot be hashed; the results are cached now",
);
pub(super) const HASHABLE_MAYBE: Rule = rule(
    "parameter-maybe-must-be-hashable",
    W,
    "callers",
    "`{what}` accepts {old}, which may not be hashable; the results are cached now",
);
pub(super) const IMPLEMENTED_WIDER: Rule = rule(
    "implementation-takes-less",
    B,
    "implementers",
    "implementations take {old} as `{what}`, and may now be given {new}",
);
pub(super) const IMPLEMENTED_MORE: Rule = rule(
    "implementation-lacks-parameter",
    W,
    "implementers",
    "implementations do not have the new parameter `{what}`",
);
pub(super) const IMPLEMENTED_SETTER: Rule = rule(
    "implementation-lacks-setter",
    B,
    "implementers",
    "implementations could be read-only, and must now be settable",
);
pub(super) const IMPLEMENTED_RETURN: Rule = rule(
    "implementation-returns-more",
    B,
    "implementers",
    "implementations return {old}, and must now return {new}",
);

// Functions.
pub(super) const RETURN_WIDENED: Rule =
    rule("return-type-widened", B, "callers", "it returned {old}, now {new}");
pub(super) const RETURN_RETYPED: Rule = rule(
    "return-type-changed",
    W,
    "callers",
    "it returned {old}, now {new}: whether that is compatible cannot be determined",
);
pub(super) const NEVER_RETURNS: Rule = rule(
    "never-returns",
    B,
    "code after the call",
    "it never returns now: what follows a call does not run, and type checkers ignore it",
);
pub(super) const MAYBE_NEVER_RETURNS: Rule = rule(
    "maybe-never-returns",
    W,
    "code after the call",
    "it is now said to never return: if it did, what follows a call no longer runs",
);
pub(super) const SWALLOWS: Rule = rule(
    "exit-may-suppress",
    W,
    "code after the `with` block",
    "it returned {old}, now {new}: type checkers assume that it suppresses exceptions",
);
pub(super) const BECAME_ASYNC: Rule =
    rule("became-async", B, "callers, subclassers", "it must now be awaited");
pub(super) const BECAME_SYNC: Rule =
    rule("became-sync", B, "callers, subclassers", "it can no longer be awaited");
pub(super) const TO_INSTANCE: Rule =
    rule("method-needs-instance", B, "callers", "it was a {old} method, now it needs an instance");
// Calls on an instance work as before, and those that pass an instance to the class are rare.
pub(super) const BINDING: Rule = rule(
    "method-binding-changed",
    I,
    "callers that pass an instance to it on the class, subclassers that override it",
    "it was a {old} method, now a {new} method; calls on an instance work as before",
);
pub(super) const MANAGER: Rule =
    rule("became-context-manager", B, "callers", "the context manager decorators were {old}, now {new}");
pub(super) const DECORATED: Rule = rule(
    "decorators-changed",
    W,
    "callers",
    "the decorators were {old}, now {new}, whose effect is not known",
);
pub(super) const GENERATOR: Rule = rule(
    "became-generator",
    B,
    "callers",
    "it is now a generator: its body runs only when somebody iterates over it",
);
pub(super) const CACHE_REMOVED: Rule =
    rule("cache-removed", W, "callers of its `cache_clear`", "its results are no longer cached");
pub(super) const DISPATCH_REMOVED: Rule =
    rule("dispatch-removed", B, "code that registers implementations", "it no longer has `register`");
pub(super) const DEPRECATED: Rule = rule("deprecated", I, "", "{what} is deprecated");
pub(super) const OVERLOAD_REMOVED: Rule =
    rule("overload-removed", B, "callers", "no overload accepts {old} any longer");
pub(super) const OVERLOAD_MAYBE: Rule = rule(
    "overload-maybe-changed",
    W,
    "callers",
    "whether an overload still takes and returns all that {old} did cannot be determined",
);
pub(super) const OVERLOADS_CHANGED: Rule =
    rule("overloads-changed", W, "callers", "it now has overloads, and none accepts all that {old} did");
pub(super) const RAISES: Rule = rule("exception-added", W, "callers", "it is now documented to raise {new}");
pub(super) const RAISES_NOT: Rule =
    rule("exception-removed", I, "", "it is no longer documented to raise {old}");

// Classes.
pub(super) const BASE_REMOVED: Rule =
    rule("base-removed", B, "isinstance and except clauses", "it is no longer a {old}");
pub(super) const BASE_MAYBE: Rule =
    rule("base-maybe-removed", W, "isinstance and except clauses", "it may no longer be a {old}");
pub(super) const OTHER_BASE: Rule = rule(
    "inherited-from-other-base",
    W,
    "callers",
    "it came from {old}, now from {new}, which comes first in the order of the bases",
);
pub(super) const ABSTRACT: Rule = rule(
    "class-became-abstract",
    B,
    "callers, subclassers",
    "it can no longer be instantiated: {new} is abstract",
);
pub(super) const ABSTRACT_ADDED: Rule =
    rule("abstract-member-added", B, "subclassers", "subclasses must now have {new}");
pub(super) const PROTOCOL_ADDED: Rule =
    rule("protocol-member-added", B, "implementers", "implementations must now have {new}");
pub(super) const FINAL: Rule = rule("became-final", B, "subclassers", "it is now final");
pub(super) const SLOTS: Rule =
    rule("class-became-slotted", B, "code that sets other attributes", "it now has `__slots__`");
pub(super) const SLOT_REMOVED: Rule =
    rule("slot-removed", B, "code that sets it", "`{what}` is no longer in its `__slots__`");
pub(super) const METACLASS: Rule = rule(
    "metaclass-changed",
    W,
    "classes that are also derived from one with another metaclass",
    "its metaclass was {old}, now {new}",
);
pub(super) const TRUTH: Rule = rule(
    "truth-value-changed",
    W,
    "code that tests whether it has one, as `if x:`",
    "its instances were always true; now {new} decides",
);
pub(super) const MODEL_CHECKED: Rule = rule(
    "model-check-added",
    W,
    "code that makes it from values which the validator refuses",
    "a validator checks its values now",
);
pub(super) const FROZEN: Rule =
    rule("class-became-frozen", B, "code that sets its attributes", "it is now frozen");
pub(super) const UNFROZEN: Rule = rule(
    "class-no-longer-frozen",
    W,
    "code that hashes it",
    "it is no longer frozen, so it may not be hashable",
);
pub(super) const UNHASHABLE: Rule = rule(
    "no-longer-hashable",
    B,
    "code that keeps it in a set or as a key",
    "it now has `__eq__` without `__hash__`",
);
pub(super) const CLOSED: Rule = rule(
    "any-attribute-removed",
    W,
    "code that reads attributes which it gave",
    "it no longer has a `__getattr__`",
);
pub(super) const UNORDERED: Rule =
    rule("ordering-removed", B, "code that sorts or compares it", "it no longer has an order");
pub(super) const MODEL: Rule = rule("model-changed", B, "users of its fields", "it was a {old}, now {new}");
pub(super) const MODEL_MAYBE: Rule =
    rule("model-maybe-changed", W, "dataclasses.fields, asdict and replace", "it is no longer a {old}");
pub(super) const TYPE_PARAMETERS: Rule =
    rule("type-parameters-changed", B, "annotations", "its type parameters were {old}, now {new}");
pub(super) const VARIANCE: Rule = rule(
    "type-parameter-variance-changed",
    W,
    "annotations",
    "the type parameter `{what}` was {old}, now {new}",
);
pub(super) const TYPE_DEFAULT: Rule = rule(
    "type-parameter-default-changed",
    W,
    "annotations",
    "the default of the type parameter `{what}` was {old}, now {new}",
);
pub(super) const RUNTIME_CHECKABLE: Rule = rule(
    "no-longer-runtime-checkable",
    B,
    "isinstance checks",
    "it is a protocol without `@runtime_checkable` now",
);
pub(super) const MATCH_ARGS: Rule =
    rule("match-args-changed", B, "`match` statements", "its `__match_args__` were {old}, now {new}");
pub(super) const UNEQUAL: Rule =
    rule("equality-removed", B, "code that compares it", "it is no longer equal by its fields");
pub(super) const ENUM_TEXT: Rule = rule(
    "enum-text-changed",
    W,
    "code that formats its members",
    "`str()` of its members was that of {old}, now of {new}",
);
pub(super) const OPTION: Rule = rule(
    "model-option-changed",
    B,
    "code that makes or reads its values",
    "its option `{what}` was {old}, now {new}",
);
pub(super) const CONSTRUCTOR_MAYBE: Rule = rule(
    "constructor-maybe-changed",
    W,
    "callers",
    "its constructor is no longer defined here, and may come from elsewhere",
);

// Fields and attributes.
pub(super) const FIELD_REQUIRED_NEW: Rule =
    rule("field-added-required", B, "callers of the constructor", "the field `{what}` is new and required");
pub(super) const FIELD_ADDED: Rule = rule("field-added", I, "", "the field `{what}` is new");
pub(super) const ITEM_ADDED: Rule =
    rule("tuple-field-added", B, "code that unpacks it", "the field `{what}` is new, so the tuple is longer");
pub(super) const FIELD_REMOVED: Rule =
    rule("field-removed", B, "readers, callers of the constructor", "the field `{what}` was removed");
pub(super) const FIELD_RENAMED: Rule = rule(
    "field-renamed",
    B,
    "readers, callers of the constructor",
    "the field `{what}` is now called `{new}`",
);
pub(super) const FIELDS_REORDERED: Rule =
    rule("fields-reordered", B, "callers of the constructor", "the fields were {old}, now {new}");
pub(super) const FIELD_REQUIRED: Rule = rule(
    "field-became-required",
    B,
    "callers of the constructor",
    "the field `{what}` no longer has a default",
);
pub(super) const KEY_OPTIONAL: Rule =
    rule("key-became-optional", B, "readers", "the key `{what}` may now be missing");
pub(super) const FIELD_KEYWORD_ONLY: Rule = rule(
    "field-became-keyword-only",
    B,
    "callers of the constructor",
    "the field `{what}` can no longer be given by position",
);
pub(super) const FIELD_DEFAULT: Rule = rule(
    "field-default-changed",
    W,
    "callers of the constructor",
    "the default of `{what}` was {old}, now {new}",
);
pub(super) const FIELD_RETYPED: Rule = rule(
    "field-type-changed",
    B,
    "readers and callers of the constructor",
    "the field `{what}` was {old}, now {new}",
);
pub(super) const FIELD_MAYBE_RETYPED: Rule = rule(
    "field-type-maybe-changed",
    W,
    "readers and callers of the constructor",
    "the field `{what}` was {old}, now {new}: whether every value still fits cannot be determined",
);
pub(super) const FIELD_INIT_ONLY: Rule = rule(
    "field-became-init-only",
    B,
    "readers",
    "the field `{what}` is only a parameter of the constructor now",
);
pub(super) const FIELD_ALIAS: Rule = rule(
    "field-alias-changed",
    B,
    "callers of the constructor, code that makes or reads its JSON",
    "the field `{what}` was {old} outside of the class, now {new}",
);
pub(super) const FIELD_LIMIT: Rule = rule(
    "field-limit-narrowed",
    B,
    "callers of the constructor",
    "the field `{what}` was limited by {old}, now by {new}",
);
pub(super) const FIELD_CHECKED: Rule = rule(
    "field-check-added",
    W,
    "code that passes values which the validator refuses",
    "a validator checks the field `{what}` now",
);
pub(super) const FIELD_TAGGED: Rule = rule(
    "field-needs-tag",
    B,
    "input without that key",
    "the key `{new}` decides what the field `{what}` is, and can no longer be left out of its input",
);
pub(super) const FIELD_FIXED: Rule =
    rule("field-became-read-only", B, "code that sets it", "the field `{what}` can no longer be set");
pub(super) const FIELD_EXCLUDED: Rule =
    rule("field-left-out", B, "readers of its JSON", "the field `{what}` is left out of its JSON now");
pub(super) const FIELD_WRITTEN: Rule = rule(
    "field-written-differently",
    B,
    "readers of its JSON",
    "the JSON of the field `{what}` was {old}, now {new}",
);
pub(super) const MODEL_WRITTEN: Rule =
    rule("model-written-differently", B, "readers of its JSON", "its JSON was {old}, now {new}");
pub(super) const KEYS_REMOVED: Rule =
    rule("key-removed", W, "readers", "the dictionary no longer has the key {what}");
pub(super) const KEY_READ_ONLY: Rule =
    rule("key-became-read-only", B, "code that sets it", "the key `{what}` can no longer be set");
pub(super) const UNDELETABLE: Rule =
    rule("no-longer-deletable", W, "code that deletes it", "it can no longer be deleted");
pub(super) const RETYPED_ATTRIBUTE: Rule =
    rule("attribute-type-widened", B, "readers", "it was {old}, now {new}");
pub(super) const NARROWED_ATTRIBUTE: Rule =
    rule("attribute-type-narrowed", W, "code that sets it", "it accepted {old}, now only {new}");
pub(super) const MAYBE_RETYPED_ATTRIBUTE: Rule = rule(
    "attribute-type-changed",
    W,
    "readers",
    "it was {old}, now {new}: whether that is compatible for readers cannot be determined",
);
pub(super) const INSTANCE_ONLY: Rule = rule(
    "no-longer-on-class",
    B,
    "code that reads it from the class",
    "only instances have it now, and no longer the class",
);
pub(super) const CLASS_VARIABLE: Rule = rule(
    "became-class-variable",
    W,
    "code that sets it on an instance",
    "it is a `ClassVar` now, which type checkers let nobody set on an instance",
);
pub(super) const NO_VALUE: Rule =
    rule("value-removed", B, "importers", "it is only annotated now, so it cannot be imported");
pub(super) const READ_ONLY: Rule =
    rule("became-read-only", B, "code that sets it", "it can no longer be set");
pub(super) const PROPERTY_READ_ONLY: Rule =
    rule("became-read-only-property", W, "code that sets it", "it is now a property that cannot be set");
pub(super) const ENUM_VALUE: Rule =
    rule("enum-value-changed", W, "code that stores or looks up the value", "its value was {old}, now {new}");
