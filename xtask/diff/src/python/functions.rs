//! Functions and methods: changes for callers and subclasses.

use super::rules;
use super::signature::{Difference, called, difference};
use super::surface::{Class, Function, Kind, Model, Parameter, Signature, Surface};
use super::types::{self, Answer};
use super::variables::{arguments, replaced, variable};
use super::{Compare, Pair, overloads};

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
    found.extend(overloads::compare(compare, old, new));
    found.extend(cached(compare, old, new));
    found.extend(suppressed(&pair.symbol, old, new));
    for mut one in found {
        one.doubt |= doubt;
        compare.add(pair.clone(), one);
    }
    for one in raises(compare, old, new) {
        compare.add(pair.clone(), one);
    }
    for (variable, one) in compare.lost_defaults(&old.signature, &new.signature) {
        if compare.told.insert(format!("default {variable}")) {
            compare.add(pair.clone(), one);
        }
    }
    for (variable, one) in compare.narrowed_variables(&old.signature, &new.signature) {
        if compare.told.insert(variable) {
            compare.add(pair.clone(), one);
        }
    }
}

/// The end of a `with` block, which suppresses exceptions if it returns true.
fn suppressed(symbol: &str, old: &Function, new: &Function) -> Option<Difference> {
    let exit = [".__exit__", ".__aexit__"].iter().any(|name| symbol.ends_with(name));
    let (was, is) = (old.signature.returns.as_deref()?, new.signature.returns.as_deref()?);
    let may = |returns: &str| returns.contains("bool") || returns.contains("True");
    (exit && may(is) && !may(was) && was != "typing.Any").then(|| difference(&rules::SWALLOWS, "", was, is))
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

/// What breaks the implementations of an abstract method: more to take, less to return.
pub(super) fn implemented(compare: &Compare, old: &Function, new: &Function) -> Vec<Difference> {
    if !old.overloads.is_empty() || !new.overloads.is_empty() {
        return Vec::new();
    }
    let before = called(old, &old.signature);
    let after = compare.with_old_variables(&before, &called(new, &new.signature));
    let mut found = Vec::new();
    // Type checkers let an implementation of `*args, **kwargs` take what it wants.
    let any_arguments = after.parameters.iter().any(|p| p.kind == Kind::Args);
    for now in &after.parameters {
        let Some(was) = before.parameters.iter().find(|p| p.name == now.name) else {
            let more = now.default.is_some() || (now.kind == Kind::Kwargs && !any_arguments);
            found.extend(more.then(|| difference(&rules::IMPLEMENTED_MORE, &now.name, "", "")));
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

pub(super) fn unknown(function: &Function) -> impl Iterator<Item = &String> {
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
    if became_generator(old, new) {
        found.push(difference(&rules::GENERATOR, "", "", ""));
    }
    if is_final(&new.decorators) && !is_final(&old.decorators) {
        found.push(difference(&rules::FINAL, "", "", ""));
    }
    if is_deprecated(&new.decorators) && !is_deprecated(&old.decorators) {
        found.push(difference(&rules::DEPRECATED, "it", "", ""));
    } else if new.deprecated_overloads > old.deprecated_overloads {
        found.push(difference(&rules::DEPRECATED, "an overload", "", ""));
    }
    found
}

/// Whether nothing but its body tells that it is a generator now.
fn became_generator(old: &Function, new: &Function) -> bool {
    new.generator && !old.generator && old.signature.returns.is_none()
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
        Some(if returns.contains("Generator") { arguments(item)[0] } else { item })
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
        if ["instance", "class"].contains(&function.binding.as_str()) {
            own_variable(surface, signature);
        }
    }
    plain
}

/// A variable that annotates `self` or `cls` is what `Self` is: the class or a subclass of it.
fn own_variable(surface: &Surface, signature: &mut Signature) {
    let Some(takes) = signature.parameters.first().and_then(|p| p.takes.clone()) else { return };
    let inside = ["type[", "typing.Type["].iter().find_map(|word| takes.strip_prefix(word));
    let name = inside.and_then(|rest| rest.strip_suffix(']')).unwrap_or(&takes);
    let is_class = |bound: &&str| surface.class(bound).is_some_and(|one| !one.protocol);
    match variable(surface, name) {
        Some(variable) if variable.bounds.is_empty() => {}
        Some(variable) if variable.bounds.len() == 1 && variable.bounds.iter().all(is_class) => {}
        _ => return,
    }
    let own = [(name.to_string(), "typing.Self".to_string())];
    let types = signature.parameters.iter_mut().filter_map(|p| p.takes.as_mut());
    types.chain(&mut signature.returns).for_each(|text| *text = replaced(text, &own));
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
    let untold = old.signature.returns.is_none() || new.signature.returns.is_none();
    if old.generator && new.generator && old.is_async != new.is_async && untold {
        let words = |function: &Function| match function.is_async {
            true => "an asynchronous iterator",
            false => "an iterator",
        };
        return Some(difference(&rules::RETURN_WIDENED, "", words(old), words(new)));
    }
    match (old.is_awaited(), new.is_awaited()) {
        (true, false) if became_generator(old, new) => None,
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
