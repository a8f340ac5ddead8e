//! Names whose definition changed its kind: a function that became a class, a method that became a property,
//! and so on.

use super::classes::constructor_of;
use super::rules;
use super::signature::{self, Difference, difference};
use super::surface::{Attribute, Is, Surface};
use super::{Compare, functions, types};
use crate::finding::Level;

pub(super) fn compare(compare: &Compare, old: &Is, new: &Is) -> Difference {
    let rule = if may_be_the_same(compare, old, new) { &rules::KIND_MAYBE } else { &rules::KIND_CHANGED };
    difference(rule, "it", old.word(), new.word())
}

fn may_be_the_same(compare: &Compare, old: &Is, new: &Is) -> bool {
    match (old, new) {
        (Is::Function(function), Is::Class(class)) => {
            let before = signature::called(function, &function.signature);
            let after = constructor_of(compare.new, class);
            !function.is_async
                && after.is_none_or(|after| {
                    signature::parameters(compare, &before, &after)
                        .iter()
                        .all(|d| d.level() < Level::Breaking)
                })
        }
        // A decorator may make anything of it.
        (_, Is::Function(function)) if functions::unknown(function).next().is_some() => true,
        (Is::Attribute(value) | Is::TypeAlias(value), Is::Function(_) | Is::Class(_)) => {
            is_computed(compare.old, value)
        }
        (Is::Function(_) | Is::Class(_), Is::Attribute(value) | Is::TypeAlias(value)) => {
            is_computed(compare.new, value)
        }
        _ => false,
    }
}

/// Whether the value is computed when the module is imported, so that it may be a function or a class.
fn is_computed(surface: &Surface, attribute: &Attribute) -> bool {
    let means = attribute.means.as_deref().unwrap_or_default();
    let form = ["typing.Literal[", "typing.Union[", "typing.Optional["].iter().any(|f| means.starts_with(f));
    // An object that cannot be called.
    let class = means.split_once('(').and_then(|(called, _)| surface.class(called));
    let object = class.is_some_and(|class| !class.unknown && !class.members.contains_key("__call__"));
    if form || object {
        return false;
    }
    match (&attribute.value, &attribute.holds) {
        (Some(value), _) => types::of_value(value).is_none() && !value.starts_with(['{', '(']),
        (None, holds) => holds.as_ref().is_none_or(|h| {
            h.contains("Callable")
                || h.contains("type[")
                || h.contains("Type[")
                || !h.chars().all(char::is_alphanumeric)
        }),
    }
}
