//! Functions, methods, properties and attributes: changes for callers, readers and subclasses.

use super::rules::{self, Rule};
use super::signature::{self, Difference, difference};
use super::surface::{Attribute, Class, Function, Is, Kind, Model, Parameter, Signature, Surface};
use super::types::{self, Answer};
use super::{Compare, Pair};
use crate::finding::Level;
use std::collections::HashSet;

/// Decorators that do not change the signature.
const TRANSPARENT: &[&str] = &[
    "staticmethod",
    "classmethod",
    "property",
    "functools.cache",
    "functools.lru_cache",
    "functools.wraps",
    "functools.cached_property",
    "functools.singledispatch",
    "functools.singledispatchmethod",
    "abc.abstractmethod",
    "typing.override",
    "typing.final",
    "typing.overload",
    "typing.no_type_check",
    "typing.type_check_only",
    "typing_extensions.override",
    "typing_extensions.final",
    "typing_extensions.overload",
    "typing_extensions.deprecated",
    "warnings.deprecated",
];
const CACHES: &[&str] = &["functools.cache", "functools.lru_cache"];
const DISPATCHERS: &[&str] = &["functools.singledispatch", "functools.singledispatchmethod"];
const MANAGERS: &[&str] = &["contextlib.contextmanager", "contextlib.asynccontextmanager"];

pub(super) fn compare(compare: &mut Compare, pair: Pair, old: &Function, new: &Function) {
    let (old, new) = match managed(old).is_some() && managed(new).is_some() {
        true => (plain(compare.old, old), plain(compare.new, new)),
        false => (unpacked(compare.old, old), unpacked(compare.new, new)),
    };
    let (old, new) = (&old, &new);
    let mut found = decorators(old, new);
    let doubt = unknown(old).next().is_some() || unknown(new).next().is_some();
    found.extend(binding(old, new));
    found.extend(waiting(compare, old, new));
    found.extend(overloads(compare, old, new));
    found.extend(cached(compare, old, new));
    for mut one in found {
        one.doubt |= doubt;
        compare.add(pair.clone(), one);
    }
    for one in raises(compare, old, new) {
        compare.add(pair.clone(), one);
    }
    for (variable, one) in compare.narrowed_variables(&old.signature, &new.signature) {
        if compare.told.insert(variable) {
            compare.add(pair.clone(), one);
        }
    }
}

/// The signature as callers see it: without `self` and `cls`.
pub(super) fn called(function: &Function, signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    if matches!(function.binding.as_str(), "instance" | "class") && !signature.parameters.is_empty() {
        signature.parameters.remove(0);
    }
    signature
}

/// Parameters that a cache must hash, and could not before.
fn cached(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    let caches = |f: &Function| f.decorators.iter().any(|d| CACHES.contains(&bare(d)));
    if caches(old) || !caches(new) {
        return Vec::new();
    }
    let judged = |p: &Parameter| {
        let takes = p.takes.as_deref()?;
        let rule = match compare.hashable(takes)? {
            true => &rules::HASHABLE_MAYBE,
            false => &rules::HASHABLE,
        };
        Some(difference(rule, &p.name, p.annotation.as_deref().unwrap_or(takes), ""))
    };
    called(old, &old.signature).parameters.iter().filter_map(judged).collect()
}

/// What breaks the implementations of an abstract property or of a protocol's attribute.
pub(super) fn implemented_values(compare: &Compare, old: &Attribute, new: &Attribute) -> Option<Difference> {
    if new.writable {
        return (!old.writable).then(|| difference(&rules::IMPLEMENTED_SETTER, "", "", ""));
    }
    let (was, is) = (old.holds.as_ref()?, new.holds.as_ref()?);
    let narrower = compare.fits_new(was, is) == Answer::No && compare.fits_old(was, is) == Answer::Yes;
    let (old, new) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (was, is));
    narrower.then(|| difference(&rules::IMPLEMENTED_RETURN, "", &old, &new))
}

/// What breaks the implementations of an abstract method: more to take, less to return.
pub(super) fn implemented(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    if !old.overloads.is_empty() || !new.overloads.is_empty() {
        return Vec::new();
    }
    let before = called(old, &old.signature);
    let after = compare.with_old_variables(&before, &called(new, &new.signature));
    let mut found = Vec::new();
    for now in &after.parameters {
        let Some(was) = before.parameters.iter().find(|p| p.name == now.name) else {
            let optional = now.default.is_some() && !matches!(now.kind, Kind::Args | Kind::Kwargs);
            found.extend(optional.then(|| difference(&rules::IMPLEMENTED_MORE, &now.name, "", "")));
            continue;
        };
        let (Some(takes), Some(given)) = (&was.takes, &now.takes) else { continue };
        // What no longer fits at all is told to callers.
        if compare.fits_old(takes, given) == Answer::No && compare.fits_new(takes, given) == Answer::Yes {
            let (old, new) =
                compare.shown((was.annotation.as_ref(), now.annotation.as_ref()), (takes, given));
            found.push(difference(&rules::IMPLEMENTED_WIDER, &now.name, &old, &new));
        }
    }
    if let (Some(was), Some(is)) = (&before.returns, &after.returns)
        && compare.fits_new(was, is) == Answer::No
        && compare.fits_old(was, is) == Answer::Yes
        && was != "None"
    {
        let (old, new) = compare.shown((before.annotation.as_ref(), after.annotation.as_ref()), (was, is));
        found.push(difference(&rules::IMPLEMENTED_RETURN, "", &old, &new));
    }
    found
}

fn bare(decorator: &str) -> &str {
    decorator.split('(').next().unwrap_or(decorator)
}

/// Whether this decorator of a class keeps the constructor as written.
pub(super) fn leaves_constructor(decorator: &str) -> bool {
    let known = [
        "typing.runtime_checkable",
        "typing_extensions.runtime_checkable",
        "functools.total_ordering",
        "enum.unique",
    ];
    TRANSPARENT.contains(&bare(decorator)) || known.contains(&decorator)
}

fn unknown(function: &Function) -> impl Iterator<Item = &String> {
    function.decorators.iter().filter(|d| !TRANSPARENT.contains(&bare(d)) && !MANAGERS.contains(&bare(d)))
}

pub(super) fn is_final(decorators: &[String]) -> bool {
    decorators.iter().any(|d| ["typing.final", "typing_extensions.final"].contains(&d.as_str()))
}

pub(super) fn is_deprecated(decorators: &[String]) -> bool {
    decorators.iter().any(|d| bare(d).ends_with(".deprecated"))
}

fn decorators(old: &Function, new: &Function) -> Vec<Difference> {
    let mut found = Vec::new();
    let managers = |f: &Function| {
        f.decorators.iter().filter(|d| MANAGERS.contains(&bare(d))).cloned().collect::<Vec<_>>()
    };
    let words = |list: Vec<String>| if list.is_empty() { "none".to_string() } else { list.join(", ") };
    if managers(old) != managers(new) && !(managed(old).is_some() && managed(new).is_some()) {
        found.push(difference(&rules::MANAGER, "", &words(managers(old)), &words(managers(new))));
    }
    let names = |f: &Function| unknown(f).map(|d| bare(d).to_string()).collect::<Vec<_>>();
    let same = names(old).len() == names(new).len()
        && names(old).iter().zip(names(new)).all(|(before, after)| is_moved(before, &after));
    if !same {
        found.push(difference(&rules::DECORATED, "", &words(names(old)), &words(names(new))));
    }
    let lost = |names: &[&str]| {
        let has = |f: &Function| f.decorators.iter().any(|d| names.contains(&bare(d)));
        has(old) && !has(new)
    };
    for (names, rule) in [(CACHES, &rules::CACHE_REMOVED), (DISPATCHERS, &rules::DISPATCH_REMOVED)] {
        found.extend(lost(names).then(|| difference(rule, "", "", "")));
    }
    // An annotation tells it in another way.
    if new.generator && !old.generator && old.signature.returns.is_none() && new.signature.returns.is_none() {
        found.push(difference(&rules::GENERATOR, "", "", ""));
    }
    if is_final(&new.decorators) && !is_final(&old.decorators) {
        found.push(difference(&rules::FINAL, "", "", ""));
    }
    if is_deprecated(&new.decorators) && !is_deprecated(&old.decorators) {
        found.push(difference(&rules::DEPRECATED, "", "", ""));
    }
    found
}

/// Whether two decorators are one: another module of the package may define it now.
fn is_moved(before: &str, after: &str) -> bool {
    let ends = |path: &str| Some((path.split_once('.')?.0.to_string(), path.rsplit_once('.')?.1.to_string()));
    before == after || ends(before).is_some_and(|before| Some(before) == ends(after))
}

/// The type that a function returns, if that is a context manager: written out, or by a decorator from the
/// generator that it decorates.
fn managed(function: &Function) -> Option<String> {
    let returns = function.signature.returns.as_ref()?;
    let by = |decorator: &str| function.decorators.iter().any(|d| bare(d) == decorator);
    let inner = || {
        let item = returns.split_once('[')?.1.strip_suffix(']')?;
        // Generator[item, sent, returned]
        let mut depth = 0;
        let end = item.find(|c: char| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            depth == 0 && c == ','
        });
        Some(&item[..end.filter(|_| returns.contains("Generator")).unwrap_or(item.len())])
    };
    if by("contextlib.contextmanager") {
        return Some(format!("contextlib.AbstractContextManager[{}]", inner()?));
    }
    if by("contextlib.asynccontextmanager") {
        return Some(format!("contextlib.AbstractAsyncContextManager[{}]", inner()?));
    }
    let name = types::name(returns.split('[').next().unwrap_or(returns));
    ["typing.ContextManager", "typing.AsyncContextManager"].contains(&name.as_str()).then(|| returns.clone())
}

/// The function as its callers see it: a decorated generator returns a context manager.
fn plain(surface: &Surface, function: &Function) -> Function {
    let mut plain = unpacked(surface, function);
    let decorated = function.decorators.iter().any(|d| MANAGERS.contains(&bare(d)));
    if let (true, Some(returns)) = (decorated, managed(function)) {
        plain.signature.annotation = Some(returns.rsplit("contextlib.").next().unwrap_or_default().into());
        plain.signature.returns = Some(returns);
        plain.is_async = false;
        plain.decorators.retain(|d| !MANAGERS.contains(&bare(d)));
    }
    plain
}

/// `**kwargs` that are unpacked from a TypedDict (PEP 692) are keywords.
fn unpacked(surface: &Surface, function: &Function) -> Function {
    let mut plain = function.clone();
    for signature in plain.overloads.iter_mut().chain([&mut plain.signature]) {
        unpack(surface, signature);
    }
    plain
}

fn unpack(surface: &Surface, signature: &mut Signature) {
    let dict = |p: &Parameter| -> Option<&Class> {
        let takes = p.takes.as_deref().filter(|_| p.kind == Kind::Kwargs)?;
        let inside =
            ["typing.Unpack[", "typing_extensions.Unpack["].iter().find_map(|u| takes.strip_prefix(u))?;
        surface.class(inside.strip_suffix(']')?).filter(|class| class.model == Some(Model::TypedDict))
    };
    let Some(class) = signature.parameters.last().and_then(dict) else { return };
    signature.parameters.pop();
    signature.parameters.extend(class.fields.iter().map(|field| Parameter {
        name: field.name.clone(),
        kind: Kind::KeywordOnly,
        annotation: field.annotation.clone(),
        takes: field.holds.clone(),
        default: (!field.required).then(|| "...".to_string()),
        default_value: None,
    }));
}

fn binding(old: &Function, new: &Function) -> Option<Difference> {
    let (before, after) = (old.binding.as_str(), new.binding.as_str());
    // A function that replaces a class, or the opposite, is called in the same way.
    if before == after || before == "function" || after == "function" {
        return None;
    }
    let rule = if after == "instance" { &rules::TO_INSTANCE } else { &rules::BINDING };
    Some(difference(rule, "", before, after))
}

fn waiting(compare: &Compare, old: &Function, new: &Function) -> Option<Difference> {
    let awaitable =
        |returns: &Option<String>| returns.as_ref().map(|r| compare.fits_new(r, "collections.abc.Awaitable"));
    match (old.is_async, new.is_async) {
        (true, false) => match awaitable(&new.signature.returns) {
            Some(Answer::Yes | Answer::Maybe) => None,
            _ => Some(difference(&rules::BECAME_SYNC, "", "", "")),
        },
        (false, true) => match awaitable(&old.signature.returns) {
            Some(Answer::Yes) => None,
            _ => Some(difference(&rules::BECAME_ASYNC, "", "", "")),
        },
        _ => None,
    }
}

fn overloads(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    let same_wait = old.is_async == new.is_async;
    let all = |before: &Signature, after: &Signature| {
        let before = called(old, before);
        let after = compare.with_old_variables(&before, &called(new, after));
        let mut found = signature::parameters(compare, &before, &after);
        found.extend(same_wait.then(|| returned(compare, &before, &after)).flatten());
        found
    };
    if old.overloads.is_empty() && new.overloads.is_empty() {
        return all(&old.signature, &new.signature);
    }
    let olds =
        if old.overloads.is_empty() { std::slice::from_ref(&old.signature) } else { &old.overloads[..] };
    let mut news: Vec<&Signature> = new.overloads.iter().collect();
    // Type checkers ignore the implementation of overloads, but without types it is the best information.
    if old.overloads.is_empty() || new.overloads.is_empty() {
        news.push(&new.signature);
    }
    let hidden = |i: usize| olds[..i].iter().any(|other| accepts(compare, old, &olds[i], old, other));
    let unsure = [rules::RETYPED.id, rules::RETURN_RETYPED.id];
    let least = Some(Level::Error);
    let mut found: Vec<Difference> = Vec::new();
    for (i, before) in olds.iter().enumerate() {
        // Type checkers take the first overload that accepts the arguments.
        let first = news.iter().find(|after| accepts(compare, old, before, new, after));
        let mut each: Vec<Vec<Difference>> = news.iter().map(|after| all(before, after)).collect();
        let cost = |list: &Vec<Difference>| (list.iter().map(Difference::level).max(), list.len());
        let best = (0..each.len()).min_by_key(|i| cost(&each[*i])).unwrap_or_default();
        found.extend(match first {
            Some(after) if !hidden(i) => all(before, after),
            _ if each[best].iter().any(|d| unsure.contains(&d.rule.id)) && cost(&each[best]).0 < least => {
                vec![changed(&rules::OVERLOAD_MAYBE, old, before)]
            }
            _ if cost(&each[best]).0 < least => each.swap_remove(best),
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
    let mut found = Vec::new();
    for (way, what) in REFUSALS.iter().flat_map(|way| each[best].iter().map(move |one| (way, &one.what))) {
        let refuses = |one: &&Difference| one.what == *what && way.iter().any(|rule| rule.id == one.rule.id);
        if each.iter().all(|list| list.iter().any(|one| refuses(&one))) {
            let clearest = |one: &&Difference| way.iter().position(|rule| rule.id == one.rule.id);
            let one = each.iter().flatten().filter(refuses).min_by_key(clearest);
            found.extend(one.map(|one| difference(one.rule, &one.what, &one.old, &one.new)));
        }
    }
    found
}

fn returned(compare: &Compare, old: &Signature, new: &Signature) -> Option<Difference> {
    let (before, after) = (old.returns.as_ref()?, new.returns.as_ref()?);
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

fn raises(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    let mut found = Vec::new();
    // A docstring without exceptions says nothing about them.
    if old.raises.is_empty() && new.raises.is_empty() {
        return found;
    }
    for exception in &new.raises {
        if old.raises.iter().all(|known| compare.fits_old(known, exception) != Answer::Yes) {
            found.push(difference(&rules::RAISES, "", "", &format!("`{exception}`")));
        }
    }
    for exception in &old.raises {
        if new.raises.iter().all(|now| compare.fits_old(exception, now) != Answer::Yes) {
            found.push(difference(&rules::RAISES_NOT, "", &format!("`{exception}`"), ""));
        }
    }
    found
}

/// Compares properties and attributes, in any combination.
pub(super) fn values(compare: &mut Compare, pair: Pair, old: &Attribute, new: &Attribute) {
    let (was_property, is_property) =
        (matches!(pair.old.is, Is::Property(_)), matches!(pair.new.is, Is::Property(_)));
    let fixed = old.annotation.as_ref().is_some_and(|a| a.contains("Final"));
    if old.writable && !new.writable && !fixed {
        let rule = if was_property { &rules::READ_ONLY } else { &rules::PROPERTY_READ_ONLY };
        compare.add(pair.clone(), difference(rule, "", "", ""));
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
    let held = |one: &Attribute| one.holds.clone().filter(|holds| !holds.ends_with("TypeAlias"));
    let found = match (&held(old), &held(new)) {
        (Some(before), Some(after)) => retyped(compare, (old, before), (new, after), is_property),
        (None, None) if !was_property && !is_property => {
            inferred(compare, old, new).or_else(|| meant(compare, old, new))
        }
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

/// Without annotations: compares the types of literal values.
fn inferred(compare: &Compare, old: &Attribute, new: &Attribute) -> Option<Difference> {
    let (before, after) = (old.value.as_deref()?, new.value.as_deref()?);
    let (a, b) = (types::of_value(before)?, types::of_value(after)?);
    (compare.fits_old(a, b) == Answer::No).then(|| difference(&rules::MAYBE_RETYPED_ATTRIBUTE, "", a, b))
}
