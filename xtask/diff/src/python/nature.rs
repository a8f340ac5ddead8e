//! What a class is as a whole: final, frozen, hashable, a model with its options, generic.

use super::rules;
use super::signature::{Difference, difference};
use super::surface::{Class, Model, Surface, TypeParameter};
use super::{Compare, Pair, fields, functions, types};
use std::collections::BTreeSet;

pub(super) fn compare(compare: &mut Compare, pair: &Pair, old: &Class, new: &Class) {
    let mut found = Vec::new();
    if functions::is_final(&new.decorators) && !functions::is_final(&old.decorators) {
        found.push(difference(&rules::FINAL, "", "", ""));
    }
    if functions::is_deprecated(&new.decorators) && !functions::is_deprecated(&old.decorators) {
        found.push(difference(&rules::DEPRECATED, "it", "", ""));
    }
    // Nobody could set other attributes of a frozen class, and a protocol has no instances of its own.
    if new.slots && !old.slots && old.model != Some(Model::NamedTuple) && !old.frozen && !new.protocol {
        found.push(difference(&rules::SLOTS, "", "", ""));
    }
    let lost = |name: &&String| {
        !name.starts_with('_') && ![&old.members, &new.members].iter().any(|all| all.contains_key(*name))
    };
    for name in old.slot_names.iter().filter(|name| new.slots && !new.slot_names.contains(name)).filter(lost)
    {
        found.push(difference(&rules::SLOT_REMOVED, name, "", ""));
    }
    if new.checked && !old.checked && new.model == old.model {
        found.push(difference(&rules::MODEL_CHECKED, "", "", ""));
    }
    if old.model == new.model {
        let fields = Some("that of its fields");
        let (was, is) = ((&old.written, fields), (&new.written, fields));
        found.extend(fields::written(compare, (&rules::MODEL_WRITTEN, ""), was, is));
    }
    // Told at the base that had it, if users know that.
    let inherited = |path: &String| {
        compare.old.class(path).is_some_and(|base| base.open)
            && compare.old.names.values().any(|name| name.public && name.to == *path)
    };
    if old.open && !new.open && !new.unknown && !old.ancestors.iter().any(inherited) {
        found.push(difference(&rules::CLOSED, "", "", ""));
    }
    found.extend(metaclass(compare, old, new));
    found.extend(truth(compare, old, new));
    let fixed = |class: &Class| class.frozen || class.model == Some(Model::NamedTuple);
    if fixed(new) && !fixed(old) {
        found.push(difference(&rules::FROZEN, "", "", ""));
    }
    if old.frozen && !new.frozen && new.model == old.model {
        found.push(difference(&rules::UNFROZEN, "", "", ""));
    }
    // A dataclass that is no longer frozen, and a model of another kind, are told as such.
    let kept = old.model == new.model || old.model.is_none();
    if old.hashable == Some(true) && new.hashable == Some(false) && !old.frozen && kept {
        found.push(difference(&rules::UNHASHABLE, "", "", ""));
    }
    if old.ordered && !new.ordered && !["__lt__", "__gt__"].iter().all(|name| new.members.contains_key(*name))
    {
        found.push(difference(&rules::UNORDERED, "", "", ""));
    }
    found.extend(model(old, new));
    found.extend(type_parameters(old, new));
    found.extend(variables(compare, old, new));
    found.extend(options(old, new));
    found.extend(checks(old, new));
    for one in &new.type_parameters {
        let kept = old.type_parameters.iter().any(|before| before.name == one.name);
        let narrowed = compare.narrowed_variable(&one.name).filter(|_| kept);
        if let Some(narrowed) = narrowed.filter(|_| compare.told.insert(one.name.clone())) {
            found.push(narrowed);
        }
    }
    for one in found {
        compare.add(pair.clone(), one);
    }
}

/// A class has one metaclass; two bases with different ones cannot be combined. A class that inherits it from
/// a base that users know is not told again.
fn metaclass(compare: &Compare, old: &Class, new: &Class) -> Option<Difference> {
    let own = |path: &String| compare.moved.get(path.as_str()).map_or(path.clone(), |path| path.to_string());
    let (was, is) = (old.metaclass.clone(), new.metaclass.as_ref().map(own));
    let inherited = |path: &String| {
        let public = compare.new.names.values().any(|name| name.public && name.to == *path);
        public && compare.new.class(path).is_some_and(|base| base.metaclass == new.metaclass)
    };
    // Users cannot name a private metaclass, and one of their own conflicts with either.
    let private = |side: &Surface, path: &Option<String>| {
        let users_know = |path: &String| side.names.values().any(|name| name.public && name.to == *path);
        path.as_ref().is_some_and(|path| side.class(path).is_some() && !users_know(path))
    };
    let harmless = was == is
        || is.is_none()
        || (private(compare.old, &old.metaclass) && private(compare.new, &new.metaclass))
        || (was.is_none() && old.unknown)
        // Told as a class that cannot be instantiated.
        || !new.abstract_members.is_empty()
        || new.ancestors.iter().any(inherited);
    let word = |one: Option<String>| one.map_or("`type`".to_string(), |path| format!("`{path}`"));
    (!harmless).then(|| difference(&rules::METACLASS, "", &word(was), &word(is)))
}

/// Without `__bool__` and `__len__` every instance is true. Told once, at the class that defines them.
fn truth(compare: &mut Compare, old: &Class, new: &Class) -> Option<Difference> {
    const DECIDE: [&str; 2] = ["__bool__", "__len__"];
    let known = old.unknown || old.protocol || old.model == Some(Model::NamedTuple);
    if known || DECIDE.iter().any(|name| old.members.contains_key(*name)) {
        return None;
    }
    let name = DECIDE.iter().find(|name| new.members.contains_key(**name))?;
    let once = compare.told.insert(format!("truth {}", new.members[*name]));
    once.then(|| difference(&rules::TRUTH, "", "", &format!("`{name}`")))
}

/// What `isinstance`, `match`, `==` and `str()` do with it.
fn checks(old: &Class, new: &Class) -> Vec<Difference> {
    let mut found = Vec::new();
    let checkable = |class: &Class| {
        class.decorators.iter().any(|d| types::name(d) == "typing.runtime_checkable") && class.protocol
    };
    if checkable(old) && new.protocol && !checkable(new) {
        found.push(difference(&rules::RUNTIME_CHECKABLE, "", "", ""));
    }
    if let Some(before) = &old.match_args
        && !new.match_args.as_ref().is_some_and(|after| after.starts_with(before))
    {
        let after = new.match_args.as_ref().map_or("not set".to_string(), |names| names.join(", "));
        found.push(difference(&rules::MATCH_ARGS, "", &before.join(", "), &after));
    }
    let plain = matches!(old.model, Some(Model::Dataclass | Model::Attrs)) && new.model.is_none();
    let gone = plain && !new.unknown && !new.members.contains_key("__eq__");
    if !old.unequal && (gone || (new.unequal && old.model == new.model)) {
        found.push(difference(&rules::UNEQUAL, "", "", ""));
    }
    let text = |class: &Class| {
        let by = |name: &&&str| class.ancestors.iter().any(|a| a == **name);
        ["enum.StrEnum", "enum.IntEnum", "enum.IntFlag"].iter().find(by).copied().unwrap_or("enum.Enum")
    };
    let valued = |class: &Class| class.ancestors.iter().any(|a| ["str", "int"].contains(&a.as_str()));
    if old.is_enum && new.is_enum && text(old) != text(new) && (valued(old) || valued(new)) {
        found.push(difference(&rules::ENUM_TEXT, "", text(old), text(new)));
    }
    found
}

/// What changed about type parameters that are kept.
fn variables(compare: &mut Compare, old: &Class, new: &Class) -> Vec<Difference> {
    let mut found = Vec::new();
    // Then a lost default is told already.
    let longer = type_parameters(old, new).is_some();
    for one in old.type_parameters.iter().filter(|one| new.type_parameters.iter().any(|n| n.name == one.name))
    {
        let told = [
            (&rules::VARIANCE, compare.variances(&one.name)),
            (&rules::TYPE_DEFAULT, compare.variable_defaults(&one.name).filter(|_| !longer)),
        ];
        compare.told.insert(format!("default {}", one.name));
        let name = one.name.rsplit('.').next().unwrap_or_default();
        for (rule, (was, is)) in told.into_iter().filter_map(|(rule, pair)| Some((rule, pair?))) {
            found.push(difference(rule, name, &was, &is));
        }
    }
    found
}

/// Options of a model that refuse values which it took, or write them in another way.
fn options(old: &Class, new: &Class) -> Vec<Difference> {
    let names: BTreeSet<&String> = old.options.keys().chain(new.options.keys()).collect();
    let text = |class: &Class, name: &str| class.options.get(name).map_or("not set", |v| v).to_string();
    let changed = |name: &String| {
        let (was, is) = (text(old, name), text(new, name));
        let loosened = match name.as_str() {
            "extra" => was.contains("forbid") || (was == "not set" && !is.contains("forbid")),
            "strict" | "closed" | "forbid_unknown_fields" => is != "True",
            "populate_by_name" => is == "True",
            _ => was.replace("not set", "False") == is.replace("not set", "False"),
        };
        // Most readers fill in the defaults that are left out.
        let doubt = name == "omit_defaults";
        (was != is && !loosened).then(|| Difference { doubt, ..difference(&rules::OPTION, name, &was, &is) })
    };
    names.into_iter().filter_map(changed).filter(|_| old.model == new.model).collect()
}

fn model(old: &Class, new: &Class) -> Option<Difference> {
    let word = |model: Option<Model>| match model {
        None => "a plain class",
        Some(Model::Dataclass) => "dataclass",
        Some(Model::NamedTuple) => "named tuple",
        Some(Model::TypedDict) => "TypedDict",
        Some(Model::Pydantic) => "pydantic model",
        Some(Model::Attrs) => "class of attrs",
        Some(Model::Msgspec) => "msgspec struct",
    };
    if old.model == new.model || old.model.is_none() {
        return None;
    }
    // Their users use the constructor and the attributes, which are compared.
    let plain = matches!(old.model, Some(Model::Dataclass | Model::Attrs));
    let rule = if plain || new.unknown { &rules::MODEL_MAYBE } else { &rules::MODEL };
    Some(difference(rule, "", word(old.model), word(new.model)))
}

fn type_parameters(old: &Class, new: &Class) -> Option<Difference> {
    let words = |class: &Class| {
        class
            .type_parameters
            .iter()
            .map(|p| p.name.rsplit('.').next().unwrap_or("").to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (before, after) = (&old.type_parameters, &new.type_parameters);
    // Annotations of a class without type parameters have no brackets, and stay valid.
    let fewer = after.len() < before.len() && !new.unknown;
    let more = !before.is_empty() && after.iter().skip(before.len()).any(|p| !p.default);
    // `A[int]` lacks an argument now.
    let needed = |all: &[TypeParameter]| all.iter().filter(|one| !one.default).count();
    let more = more || (needed(before) > 0 && needed(after) > needed(before));
    let none = if after.is_empty() { "none".to_string() } else { words(new) };
    let kept = |all: &[TypeParameter], other: &[TypeParameter]| {
        let names = all.iter().map(|one| one.name.clone());
        names.filter(|name| other.iter().any(|one| one.name == *name)).collect::<Vec<_>>()
    };
    let swapped = kept(before, after) != kept(after, before);
    (fewer || more || swapped).then(|| difference(&rules::TYPE_PARAMETERS, "", &words(old), &none))
}
