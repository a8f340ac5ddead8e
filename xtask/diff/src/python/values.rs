//! Properties and attributes: changes for who reads, sets or implements them.

use super::rules;
use super::signature::{Difference, difference};
use super::surface::{Attribute, Is};
use super::types::{self, Answer};
use super::variables::arguments;
use super::{Compare, Pair};

/// What breaks the implementations of an abstract property or of a protocol's attribute.
pub(super) fn implemented(compare: &Compare, old: &Attribute, new: &Attribute) -> Option<Difference> {
    if new.writable {
        return (!old.writable).then(|| difference(&rules::IMPLEMENTED_SETTER, "", "", ""));
    }
    let (was, is) = (old.holds.as_ref()?, new.holds.as_ref()?);
    let narrower = compare.fits_new(was, is) == Answer::No && compare.fits_old(was, is) == Answer::Yes;
    let (old, new) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (was, is));
    narrower.then(|| difference(&rules::IMPLEMENTED_RETURN, "", &old, &new))
}

/// Compares properties and attributes, in any combination.
pub(super) fn compare(compare: &mut Compare, pair: Pair, old: &Attribute, new: &Attribute) {
    let (was_property, is_property) =
        (matches!(pair.old.is, Is::Property(_)), matches!(pair.new.is, Is::Property(_)));
    let fixed = old.annotation.as_ref().is_some_and(|a| a.contains("Final"));
    if old.writable && !new.writable && !fixed && is_property {
        let rule = if was_property && !old.cached { &rules::READ_ONLY } else { &rules::PROPERTY_READ_ONLY };
        compare.add(pair.clone(), difference(rule, "", "", ""));
    }
    if new.deprecated && !old.deprecated {
        compare.add(pair.clone(), difference(&rules::DEPRECATED, "it", "", ""));
    }
    if new.class_variable && !old.class_variable && old.annotation.is_some() && old.writable {
        compare.add(pair.clone(), difference(&rules::CLASS_VARIABLE, "", "", ""));
    }
    if new.unset && !old.unset {
        compare.add(pair.clone(), difference(&rules::NO_VALUE, "", "", ""));
    }
    if old.on_class && !new.on_class && !was_property && !is_property {
        compare.add(pair.clone(), difference(&rules::INSTANCE_ONLY, "", "", ""));
    }
    if old.deletable && !new.deletable && is_property {
        compare.add(pair.clone(), difference(&rules::UNDELETABLE, "", "", ""));
    }
    let is_final = new.annotation.as_ref().is_some_and(|a| a.contains("Final"));
    let constant = !pair.symbol.rsplit('.').next().unwrap_or_default().contains(char::is_lowercase);
    if old.on_class && is_final && !fixed && !constant {
        compare.add(pair.clone(), difference(&rules::FINAL, "", "", ""));
    }
    if let (Some(was), Some(is)) = (&old.sets, &new.sets)
        && compare.fits_new(was, is) == Answer::No
    {
        let (was, is) = compare.shown((None, None), (was, is));
        compare.add(pair.clone(), difference(&rules::NARROWED_ATTRIBUTE, "", &was, &is));
    }
    // What an instance begins with may change.
    let constant_value = old.on_class || compare.old.names.contains_key(&pair.symbol);
    let held = |one: &Attribute| one.holds.clone().filter(|holds| !holds.ends_with("TypeAlias"));
    let found = match (&held(old), &held(new)) {
        (Some(before), Some(after)) => retyped(compare, (old, before), (new, after), is_property),
        (None, None) if !was_property && !is_property => inferred(compare, (old, new), constant_value)
            .or_else(|| meant(compare, old, new))
            .or_else(|| keys_removed(old, new).filter(|_| constant_value)),
        _ => None,
    };
    if let Some(found) = found {
        compare.add(pair, found);
    }
}

fn retyped(
    compare: &Compare,
    (old, before): (&Attribute, &str),
    (new, after): (&Attribute, &str),
    is_property: bool,
) -> Option<Difference> {
    let after = &compare.with_old_variable(before, after);
    let rule = match (compare.fits_old(before, after), compare.fits_new(before, after)) {
        // Every type includes what never is, but nobody can read it.
        _ if types::is_never(after) && !types::is_never(before) => &rules::RETYPED_ATTRIBUTE,
        (Answer::No, _) => &rules::RETYPED_ATTRIBUTE,
        (Answer::Maybe, _) => &rules::MAYBE_RETYPED_ATTRIBUTE,
        (Answer::Yes, Answer::No) if !is_property && new.writable && !before.contains("Final") => {
            &rules::NARROWED_ATTRIBUTE
        }
        _ => return None,
    };
    let (was, is) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (before, after));
    Some(difference(rule, "", &was, &is))
}

/// An alias of a type, which users write in their own annotations.
fn meant(compare: &Compare, old: &Attribute, new: &Attribute) -> Option<Difference> {
    let (before, after) = (old.means.as_ref()?, new.means.as_ref()?);
    let other = [compare.fits_old(before, after), compare.fits_new(before, after)].contains(&Answer::No);
    let (was, is) = compare.shown((old.value.as_ref(), new.value.as_ref()), (before, after));
    other.then(|| difference(&rules::MAYBE_RETYPED_ATTRIBUTE, "", &was, &is))
}

/// The first key that a dictionary of literal keys no longer has.
fn keys_removed(old: &Attribute, new: &Attribute) -> Option<Difference> {
    let (before, after) = (keys(old.value.as_deref()?)?, keys(new.value.as_deref()?)?);
    // An empty one is filled later.
    let gone = before.iter().find(|key| !after.is_empty() && !after.contains(key))?;
    Some(difference(&rules::KEYS_REMOVED, &format!("`{gone}`"), "", ""))
}

/// The keys of `{'a': 1, 'b': 2}`; None for any other value.
fn keys(value: &str) -> Option<Vec<String>> {
    let inside = value.strip_prefix('{')?.strip_suffix('}')?;
    let pairs = arguments(inside).into_iter().filter(|pair| !pair.is_empty());
    let key = |pair: &str| {
        let quote = pair.chars().next().filter(|c| ['\'', '"'].contains(c))?;
        let (key, rest) = pair[1..].split_once(quote)?;
        rest.trim_start().starts_with(':').then(|| key.to_string())
    };
    pairs.map(key).collect()
}

/// Without annotations: compares the types of literal values. A number may be any number, and `None` may
/// stand for what is set later.
fn inferred(compare: &Compare, (old, new): (&Attribute, &Attribute), constant: bool) -> Option<Difference> {
    let (before, after) = (old.value.as_deref()?, new.value.as_deref()?);
    let (a, b) = (types::of_value(before)?, types::of_value(after)?);
    let certain = constant && b != "None" && (a, b) != ("int", "float");
    let rule = if certain { &rules::RETYPED_ATTRIBUTE } else { &rules::MAYBE_RETYPED_ATTRIBUTE };
    (a != "None" && compare.fits_old(a, b) == Answer::No).then(|| difference(rule, "", a, b))
}
