//! All rules for TypeScript: id, severity, who is broken, and message of each difference. The reader
//! (api/ts/reader) chooses the rule; the compiler decides which types are assignable.

use crate::finding::Level::{Breaking as B, Info as I, Warning as W};
use crate::rule::{Rule, rule};

pub const ALL: &[Rule] = &[
    // Entry points: the `exports` map of package.json.
    rule("entry-removed", B, "importers", "the entry point `{what}` was removed"),
    rule("entry-renamed", B, "importers", "the entry point `{what}` is now called `{new}`"),
    rule("entry-maybe-removed", W, "importers", "the unguarded entry point `{what}` was removed"),
    rule("entry-added", I, "", "the entry point `{what}` is new"),
    rule("condition-removed", B, "importers", "`{old}` no longer has `{what}`"),
    rule("condition-maybe-removed", W, "importers", "the unguarded `{old}` no longer has `{what}`"),
    rule(
        "require-maybe-refused",
        W,
        "importers",
        "`require` no longer finds `{what}`, which `default` provided before",
    ),
    rule(
        "condition-falls-back",
        W,
        "importers that set the condition",
        "`{old}` no longer has `{what}`: another condition takes its place, with another file",
    ),
    rule("became-es-module", B, "`require`", "`require` of `{what}` now gets an ES module"),
    rule("became-commonjs", B, "importers", "`import` of `{what}` now gets a CommonJS module"),
    rule("engines-raised", W, "users of that Node", "`engines` in package.json was `{old}`, now `{new}`"),
    rule("types-removed", B, "importers", "`{what}` no longer has types"),
    rule(
        "exports-sealed",
        W,
        "importers of other files",
        "package.json now has `exports`, so no other file of the package can be imported",
    ),
    rule(
        "old-declarations-broken",
        W,
        "its users",
        "the released declarations cannot be compared, because TypeScript cannot read them: {what}",
    ),
    rule(
        "declarations-missing",
        B,
        "its users",
        "it imports `{what}`, which has no declarations: it is `any`",
    ),
    rule(
        "dependency-types-missing",
        W,
        "its users",
        "the package imports it, and it has no declarations any more: it is `any`",
    ),
    // Names.
    rule("{kind}-removed", B, "its users", "`{what}` was removed"),
    rule("{kind}-renamed", B, "its users", "`{what}` is now called `{new}`"),
    rule(
        "{kind}-moved",
        B,
        "importers",
        "`{what}` can no longer be imported from here, but still from `{new}`",
    ),
    rule(
        "{kind}-ambiguous",
        B,
        "its users",
        "two `export *` bring `{what}`, each for something else, so nobody can import it",
    ),
    rule("{kind}-added", I, "", "`{what}` is new"),
    rule("no-longer-a-value", B, "code that uses it as a value", "it was a {old}, and is now only a type"),
    rule("no-longer-a-type", B, "annotations", "it was a {old}, and is no longer a type"),
    rule("kind-changed", B, "its users", "it was a {old}, now a {new}"),
    rule("kind-maybe-changed", W, "its users", "it was a {old}, now a {new}, which may behave differently"),
    // Functions, methods, constructors.
    rule("parameter-removed", B, "callers", "the parameter `{what}` was removed"),
    rule("rest-parameter-removed", B, "callers", "`...{what}` was removed: further arguments are refused"),
    rule("parameter-added-required", B, "callers", "the parameter `{what}` is new and required"),
    rule("parameter-inserted", B, "callers", "the new parameter `{what}` is before `{new}`"),
    rule("parameter-became-required", B, "callers", "the parameter `{what}` is now required"),
    rule("parameter-type-narrowed", B, "callers", "`{what}` accepted `{old}`, now only `{new}`"),
    rule("parameters-reordered", W, "callers", "the parameters were {old}, now {new}: the types still fit"),
    rule("option-removed", B, "callers", "`{what}` is refused in an object literal in the call"),
    rule("return-type-widened", B, "callers", "it returned `{old}`, now `{new}`"),
    rule("became-async", B, "callers", "it returned `{old}`, now `{new}`, which must be awaited"),
    rule("maybe-became-async", W, "callers", "it now returns a promise; before, it returned nothing"),
    rule("became-sync", B, "callers", "it returned `{old}`, now `{new}`, which has no `then`"),
    rule("type-predicate-changed", B, "callers", "it no longer narrows its argument as before"),
    rule("signature-changed", B, "callers", "the new signature cannot replace the old one"),
    rule("overload-removed", B, "callers", "no overload accepts `{old}` any longer"),
    rule("overload-changed", B, "callers", "no overload covers everything that `{old}` did"),
    rule("overload-order", B, "callers", "calls of `{old}` now get what `{new}` returns"),
    rule("implementation-no-longer-fits", B, "implementers", "implementations of `{old}` do not fit `{new}`"),
    rule(
        "implementation-gets-more",
        W,
        "implementers",
        "an implementation of `{old}` may get more from `{new}`",
    ),
    // Type parameters.
    rule("type-parameters-changed", B, "annotations", "its type parameters were {old}, now {new}"),
    rule(
        "type-parameter-narrowed",
        B,
        "annotations",
        "the constraint of the type parameter `{what}` was {old}, now {new}",
    ),
    rule(
        "type-parameter-default-changed",
        B,
        "code that leaves out the type argument",
        "the default of the type parameter `{what}` was {old}, now {new}",
    ),
    rule(
        "type-parameter-const-changed",
        W,
        "code that uses the inferred type",
        "`{what}` became `const`, or is no longer: other types are inferred for it",
    ),
    // Types and constants.
    rule("type-widened", B, "readers", "it was `{old}`, now `{new}`: readers may get new values"),
    rule("type-narrowed", B, "code that creates one", "it was `{old}`, now `{new}`, which accepts less"),
    rule("type-changed", B, "readers and code that creates one", "it was `{old}`, now `{new}`"),
    rule("type-maybe-changed", W, "annotations", "it was `{old}`, now `{new}`, which may be the same"),
    rule("constant-type-changed", B, "readers", "it was `{old}`, now `{new}`"),
    rule("constant-changed", I, "", "its value was {old}, now {new}"),
    // Members of interfaces, object types and classes.
    rule("member-removed", B, "its users", "`{what}` was removed"),
    rule("member-renamed", B, "its users", "`{what}` is now called `{new}`"),
    rule("member-added", I, "", "`{what}` is new"),
    rule("member-added-required", B, "code that creates or implements one", "`{what}` is new and required"),
    rule("member-became-required", B, "code that creates or implements one", "`{what}` is now required"),
    rule("member-became-optional", B, "readers", "`{what}` may now be missing"),
    rule("member-became-readonly", B, "code that sets it", "`{what}` can no longer be set"),
    rule("member-type-widened", B, "readers", "it was `{old}`, now `{new}`"),
    rule(
        "member-type-narrowed",
        B,
        "code that creates or implements one",
        "it took `{old}`, now only `{new}`",
    ),
    rule("member-type-changed", B, "readers and code that creates one", "it was `{old}`, now `{new}`"),
    rule(
        "member-takes-less",
        W,
        "code that sets it",
        "it was `{old}`, now `{new}`: some values can no longer be set",
    ),
    rule(
        "setter-takes-less",
        B,
        "code that sets it",
        "`{what}` could be set to `{old}`, now only to `{new}`",
    ),
    // Classes.
    rule("base-removed", B, "instanceof and code that passes it on", "it is no longer a `{old}`"),
    rule("class-became-abstract", B, "callers, subclassers", "it can no longer be created with `new`"),
    rule(
        "class-became-nominal",
        W,
        "code that passes similar objects",
        "it now has private members, so no other type can replace it",
    ),
    rule(
        "constructor-became-private",
        B,
        "callers, subclassers",
        "it can no longer be created with `new`, nor extended",
    ),
    rule("constructor-became-protected", B, "callers", "now only subclasses can create one"),
    rule("abstract-member-added", B, "subclassers", "subclasses must now have `{what}`"),
    rule("member-became-abstract", B, "subclassers", "subclasses must now have `{what}`"),
    rule("member-became-protected", B, "its users", "now only subclasses can use `{what}`"),
    rule("member-became-private", B, "its users", "`{what}` is now private"),
    rule("member-became-static", B, "its users", "`{what}` is now a member of the class itself"),
    rule("member-no-longer-static", B, "its users", "`{what}` now needs an instance"),
    rule(
        "method-or-property",
        W,
        "subclassers",
        "it was a {old}, now a {new}: one cannot override the other",
    ),
    // Enums.
    rule("enum-member-removed", B, "its users", "`{what}` was removed"),
    rule("enum-member-renamed", B, "its users", "`{what}` is now called `{new}`"),
    rule("enum-member-added", I, "", "`{what}` is new"),
    rule("enum-value-changed", W, "code that stores or compares the value", "it was `{old}`, now `{new}`"),
    rule(
        "became-const-enum",
        B,
        "code that is compiled file by file, or uses it at run time",
        "it is now a const enum, which has no values at run time",
    ),
];

/// What its author can do, for the rules that need their own words.
pub fn help(id: &str) -> Option<&'static str> {
    Some(match id {
        "entry-maybe-removed" | "condition-maybe-removed" | "condition-falls-back" => {
            "keep the key in `exports`, or tell importers what replaces it"
        }
        "require-maybe-refused" => "add `require` or `default` to `exports`",
        "exports-sealed" => "add the files that users import to `exports`",
        "became-es-module" => "give `require` a `.cjs` file",
        "became-commonjs" => "give `import` a `.mjs` file",
        "engines-raised" => "support that Node until the next major version",
        "types-removed" | "declarations-missing" => "let the build write the declaration files",
        "dependency-types-missing" => "add the package, or its `@types`, to `dependencies`",
        "old-declarations-broken" => "check by hand what changed, and release the repair",
        "overload-order" => "keep the old order of the overloads",
        "type-parameter-default-changed" => "keep the old default",
        "base-removed" => "keep the base class",
        "became-const-enum" => "keep a plain enum",
        _ if id.ends_with("-ambiguous") => "export the name itself: `export { name } from \"…\"`",
        _ => return None,
    })
}
