//! What callers of a function pass and get: one signature, or the overload that type checkers choose.

use super::Compare;
use super::rules::{self, Rule};
use super::signature::{self, Difference, called, difference};
use super::surface::{Function, Parameter, Signature, Surface};
use super::types::{self, Answer};
use super::variables;
use crate::change::Change;
use crate::finding::Level;
use std::collections::HashSet;

/// Tells in one finding that the methods of a class changed alike: `__lt__`, `__le__` and so on.
pub(super) fn together(changes: Vec<Change>) -> Vec<Change> {
    let mut found: Vec<(Change, Vec<String>)> = Vec::new();
    for change in changes {
        let same = |(one, _): &&mut (Change, Vec<String>)| {
            change.id == rules::OVERLOAD_MAYBE.id
                && (&one.id, &one.message, class(&one.symbol))
                    == (&change.id, &change.message, class(&change.symbol))
        };
        match found.iter_mut().find(same) {
            Some((_, others)) => {
                others.push(format!("`{}`", &change.symbol[class(&change.symbol).len() + 1..]))
            }
            None => found.push((change, Vec::new())),
        }
    }
    let told = |(mut change, others): (Change, Vec<String>)| {
        if !others.is_empty() {
            change.message += &format!(", and the same for {}", others.join(", "));
        }
        change
    };
    found.into_iter().map(told).collect()
}

fn class(symbol: &str) -> &str {
    symbol.rsplit_once('.').map_or("", |(class, _)| class)
}

pub(super) fn compare(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    let same_wait = old.is_awaited() == new.is_awaited();
    let all = |before: &Signature, after: &Signature| {
        let before = called(old, before);
        let after = compare.with_old_variables(&before, &called(new, after));
        let mut found = signature::parameters(compare, &before, &after);
        found.extend(same_wait.then(|| returned(compare, &before, &after)).flatten());
        found
    };
    let olds = signatures(old);
    if same_for_each_type(compare, old, new, &all) {
        return Vec::new();
    }
    if old.overloads.is_empty() && new.overloads.is_empty() {
        return all(&old.signature, &new.signature);
    }
    let mut news: Vec<&Signature> = new.overloads.iter().collect();
    // It tells what all of them accept together.
    let implementation = with_types(compare.new, &new.signature, &new.overloads);
    if old.overloads.is_empty() || new.overloads.is_empty() {
        news.push(&implementation);
    }
    let hidden = |i: usize| olds[..i].iter().any(|other| accepts(compare, old, &olds[i], old, other));
    let unsure = [rules::RETYPED.id, rules::RETURN_RETYPED.id];
    let breaks = Some(Level::Breaking);
    let mut found: Vec<Difference> = Vec::new();
    for (i, before) in olds.iter().enumerate() {
        // Type checkers take the first overload that accepts the arguments.
        let first = news.iter().find(|after| accepts(compare, old, before, new, after));
        let mut each: Vec<Vec<Difference>> = news.iter().map(|after| all(before, after)).collect();
        let cost = |list: &Vec<Difference>| (list.iter().map(Difference::level).max(), list.len());
        let best = (0..each.len()).min_by_key(|i| cost(&each[*i])).unwrap_or_default();
        found.extend(match first {
            Some(after) if !hidden(i) => all(before, after),
            _ if each[best].iter().any(|d| unsure.contains(&d.rule.id)) && cost(&each[best]).0 < breaks => {
                vec![changed(&rules::OVERLOAD_MAYBE, old, before)]
            }
            _ if cost(&each[best]).0 < breaks => each.swap_remove(best),
            _ if old.overloads.is_empty() => match refused_by_all(&each, best) {
                all if all.is_empty() => vec![changed(&rules::OVERLOADS_CHANGED, old, before)],
                all => all,
            },
            _ => vec![changed(&rules::OVERLOAD_REMOVED, old, before)],
        });
    }
    let mut told = HashSet::new();
    found.retain(|one| {
        let which = if one.rule.id == rules::OVERLOAD_MAYBE.id { "" } else { &one.old };
        told.insert((one.rule.id, one.what.clone(), which.to_string(), one.new.clone()))
    });
    found
}

/// Whether limited variables, such as `AnyStr`, only say shorter what overloads say, or the opposite.
fn same_for_each_type(
    compare: &Compare,
    old: &Function,
    new: &Function,
    all: &dyn Fn(&Signature, &Signature) -> Vec<Difference>,
) -> bool {
    let each = |surface, function| -> Option<Vec<Signature>> {
        let signatures = signatures(function).iter();
        Some(signatures.map(|one| variables::spelt_out(surface, one)).collect::<Option<Vec<_>>>()?.concat())
    };
    let (Some(olds), Some(news)) = (each(compare.old, old), each(compare.new, new)) else { return false };
    let as_written = (olds.len(), news.len()) == (signatures(old).len(), signatures(new).len());
    let same = |before: &Signature| {
        let first = news.iter().find(|after| accepts(compare, old, before, new, after));
        first.is_some_and(|after| all(before, after).is_empty())
    };
    !as_written && olds.iter().all(same)
}

/// What type checkers know of a function: its overloads, or its one signature.
fn signatures(function: &Function) -> &[Signature] {
    if function.overloads.is_empty() {
        std::slice::from_ref(&function.signature)
    } else {
        &function.overloads
    }
}

/// The implementation of overloads, with what any of them takes: type checkers ignore its own annotations.
fn with_types(surface: &Surface, implementation: &Signature, overloads: &[Signature]) -> Signature {
    let mut found = implementation.clone();
    for parameter in &mut found.parameters {
        let same = overloads.iter().flat_map(|one| &one.parameters).filter(|p| p.name == parameter.name);
        // A variable may stand for anything.
        let known = |takes: &&str| variables::variables(surface, takes).is_empty();
        let all: Option<Vec<&str>> = same.map(|p| p.takes.as_deref().filter(known)).collect();
        if let Some(all) = all.filter(|all| !all.is_empty()) {
            parameter.takes = Some(all.join(" | "));
            parameter.annotation = None;
        }
    }
    found
}

fn changed(rule: &'static Rule, function: &Function, overload: &Signature) -> Difference {
    difference(rule, "", &signature::show(&called(function, overload)), "")
}

/// Whether every call of one signature is certainly one of the other.
fn accepts(
    compare: &Compare,
    function: &Function,
    before: &Signature,
    other: &Function,
    after: &Signature,
) -> bool {
    let own = |s: &Signature| s.parameters.first().filter(|p| p.name == "self").and_then(|p| p.takes.clone());
    let (a, b) = (called(function, before), called(other, after));
    let b = compare.with_old_variables(&a, &b);
    // Type checkers do not choose by an argument of an unknown type.
    let any = |p: &Parameter| p.takes.as_ref().is_none_or(|takes| takes.contains("typing.Any"));
    let open = a.parameters.iter().any(|p| {
        any(p) && b.parameters.iter().any(|q| q.name == p.name && q.takes != p.takes && q.takes.is_some())
    });
    let only_default = |d: &Difference| d.rule.id == rules::DEFAULT_CHANGED.id;
    own(after).is_none_or(|takes| own(before) == Some(takes))
        && !open
        && signature::parameters(compare, &a, &b).iter().all(only_default)
}

/// The ways to call with a parameter, each with the rules that say that it is gone, the clearest first.
const REFUSALS: [&[&Rule]; 4] = [
    &[&rules::POSITIONAL_ONLY, &rules::PARAMETER_RENAMED, &rules::PARAMETER_REMOVED],
    &[&rules::KEYWORD_ONLY, &rules::PARAMETER_REMOVED],
    &[&rules::PARAMETER_REQUIRED],
    &[&rules::PARAMETER_REQUIRED_NEW],
];

/// What no overload accepts any longer, whatever the types of the arguments are.
fn refused_by_all(each: &[Vec<Difference>], best: usize) -> Vec<Difference> {
    let again = |one: &Difference| difference(one.rule, &one.what, &one.old, &one.new);
    // The last one is the implementation, which takes what any of them takes.
    let implementation = each.last().into_iter().flatten();
    let mut found: Vec<Difference> =
        implementation.filter(|one| one.rule.id == rules::NARROWED.id).map(again).collect();
    for (way, what) in REFUSALS.iter().flat_map(|way| each[best].iter().map(move |one| (way, &one.what))) {
        let refuses = |one: &&Difference| one.what == *what && way.iter().any(|rule| rule.id == one.rule.id);
        if each.iter().all(|list| list.iter().any(|one| refuses(&one))) {
            let clearest = |one: &&Difference| way.iter().position(|rule| rule.id == one.rule.id);
            let one = each.iter().flatten().filter(refuses).min_by_key(clearest);
            found.extend(one.map(again));
        }
    }
    found
}

fn returned(compare: &Compare, old: &Signature, new: &Signature) -> Option<Difference> {
    let (before, after) = (old.returns.as_ref()?, new.returns.as_ref()?);
    if types::is_never(after) && !types::is_never(before) {
        // The annotation may have been wrong before.
        let rule = if before == "None" { &rules::MAYBE_NEVER_RETURNS } else { &rules::NEVER_RETURNS };
        return Some(difference(rule, "", "", ""));
    }
    // Callers ignore a None. But a new generator or awaitable does nothing unless it is used.
    let lazy = ["Generator", "Iterator", "Iterable", "Awaitable", "Coroutine"]
        .iter()
        .any(|kind| after.contains(kind));
    if before == "None" && !lazy {
        return None;
    }
    let rule = match compare.fits_old(before, after) {
        Answer::Yes => return None,
        Answer::Maybe => &rules::RETURN_RETYPED,
        Answer::No => &rules::RETURN_WIDENED,
    };
    let (was, is) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (before, after));
    Some(difference(rule, "", &was, &is))
}
