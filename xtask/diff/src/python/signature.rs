//! Compares two signatures by the calls that no longer work. Both are without `self` and `cls`.

use super::Compare;
use super::rename;
use super::rules::{self, Rule};
use super::surface::{Function, Kind, Parameter, Signature};
use super::types::Answer;
use crate::finding::Level;

/// A difference without its place.
pub(super) struct Difference {
    pub rule: &'static Rule,
    pub what: String,
    pub old: String,
    pub new: String,
    /// Unknown decorators may change the signature, so the difference is at most a warning.
    pub doubt: bool,
}

impl Difference {
    pub(super) fn level(&self) -> Level {
        if self.doubt { self.rule.level.min(Level::Warning) } else { self.rule.level }
    }
}

pub(super) fn difference(rule: &'static Rule, what: &str, old: &str, new: &str) -> Difference {
    Difference { rule, what: what.into(), old: old.into(), new: new.into(), doubt: false }
}

/// The signature as callers see it: without `self` and `cls`.
pub(super) fn called(function: &Function, signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    if matches!(function.binding.as_str(), "instance" | "class") && !signature.parameters.is_empty() {
        signature.parameters.remove(0);
    }
    signature
}

/// What an old parameter has become in the new signature.
enum Became<'a> {
    Kept(&'a Parameter),
    Renamed(&'a Parameter),
    Swallowed(&'static str),
    Gone,
}

pub(super) fn parameters(compare: &Compare, old: &Signature, new: &Signature) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    for parameter in old.parameters.iter().filter(|p| is_named(p)) {
        match became(old, new, parameter) {
            Became::Kept(now) => {
                used.push(&now.name);
                kept(compare, parameter, now, twice(old, new, parameter), &mut found);
            }
            Became::Renamed(now) => {
                used.push(&now.name);
                found.push(difference(&rules::PARAMETER_RENAMED, &parameter.name, "", &now.name));
            }
            Became::Swallowed(by) => {
                found.push(difference(&rules::PARAMETER_SWALLOWED, &parameter.name, "", by))
            }
            Became::Gone => found.push(difference(&rules::PARAMETER_REMOVED, &parameter.name, "", "")),
        }
    }
    let open = variadic(old, Kind::Args).is_some() && variadic(old, Kind::Kwargs).is_some();
    for parameter in new
        .parameters
        .iter()
        .filter(|p| is_named(p) && p.default.is_none() && !used.contains(&p.name.as_str()))
    {
        let rule = if open { &rules::PARAMETER_MAYBE_REQUIRED } else { &rules::PARAMETER_REQUIRED_NEW };
        found.push(difference(rule, &parameter.name, "", ""));
    }
    found.extend(order(old, new));
    found.extend(variadics(compare, old, new));
    // A private name that can be passed by keyword: some authors intend it, others only avoid conflicts with
    // other keywords.
    found.iter_mut().for_each(|one| one.doubt |= one.what.starts_with('_'));
    found
}

fn is_named(parameter: &Parameter) -> bool {
    !matches!(parameter.kind, Kind::Args | Kind::Kwargs)
}

fn variadic(signature: &Signature, kind: Kind) -> Option<&Parameter> {
    signature.parameters.iter().find(|p| p.kind == kind)
}

/// Whether a leading underscore means "not by keyword": `__x` by PEP 484, and `_unused` by convention.
fn by_keyword(parameter: &Parameter) -> bool {
    parameter.kind == Kind::KeywordOnly
        || (parameter.kind == Kind::Either && !parameter.name.starts_with('_'))
}

fn by_position(parameter: &Parameter) -> bool {
    matches!(parameter.kind, Kind::Either | Kind::PositionalOnly)
}

fn positional(signature: &Signature) -> Vec<&Parameter> {
    signature.parameters.iter().filter(|p| by_position(p)).collect()
}

fn became<'a>(old: &Signature, new: &'a Signature, parameter: &Parameter) -> Became<'a> {
    let place = positional(old).iter().position(|p| p.name == parameter.name);
    let there = place.and_then(|i| positional(new).get(i).copied());
    let takes_args = variadic(new, Kind::Args).is_some();
    if !by_keyword(parameter) {
        return match there {
            Some(now) => Became::Kept(now),
            None if takes_args => Became::Swallowed("`*args`"),
            None => Became::Gone,
        };
    }
    if let Some(now) = new.parameters.iter().find(|p| is_named(p) && p.name == parameter.name) {
        return Became::Kept(now);
    }
    let is_new = |p: &Parameter| is_named(p) && !old.parameters.iter().any(|o| o.name == p.name);
    let alike =
        |p: &Parameter| p.takes == parameter.takes && p.default.is_some() == parameter.default.is_some();
    // A similar one at the same position, or the only new one.
    let meant = |p: &Parameter| rename::may_be_renamed(parameter.default.is_none(), &parameter.name, &p.name);
    if let Some(now) = there.filter(|p| is_new(p) && alike(p) && meant(p)) {
        return Became::Renamed(now);
    }
    let candidates: Vec<&Parameter> =
        new.parameters.iter().filter(|p| is_new(p) && p.kind == parameter.kind).collect();
    if let ([now], true) = (&candidates[..], place.is_none())
        && alike(now)
        && now.takes.is_some()
        && now.default == parameter.default
        && meant(now)
    {
        return Became::Renamed(now);
    }
    let takes_kwargs = variadic(new, Kind::Kwargs).is_some();
    match (parameter.kind, takes_args, takes_kwargs) {
        (Kind::KeywordOnly, _, true) => Became::Swallowed("`**kwargs`"),
        (_, true, true) => Became::Swallowed("`*args, **kwargs`"),
        _ => Became::Gone,
    }
}

/// Whether the parameter is now two: a new one takes its place, and it is given by keyword itself, as in
/// `f(_name=None, /, *, name=None)`.
fn twice(old: &Signature, new: &Signature, parameter: &Parameter) -> bool {
    let place = positional(old).iter().position(|p| p.name == parameter.name);
    let there = place.and_then(|i| positional(new).get(i).copied());
    there.is_some_and(|p| p.kind == Kind::PositionalOnly && !old.parameters.iter().any(|o| o.name == p.name))
}

fn kept(compare: &Compare, old: &Parameter, new: &Parameter, twice: bool, found: &mut Vec<Difference>) {
    if by_position(old) && !by_position(new) && !twice {
        found.push(difference(&rules::KEYWORD_ONLY, &old.name, "", ""));
    }
    if by_keyword(old) && new.kind == Kind::PositionalOnly {
        found.push(difference(&rules::POSITIONAL_ONLY, &old.name, "", ""));
    }
    match (&old.default, &new.default) {
        (Some(was), None) => found.push(difference(&rules::PARAMETER_REQUIRED, &old.name, was, "")),
        // Stubs do not say which default it is.
        (Some(was), Some(is)) if was != "..." && is != "..." => {
            found.extend(default_changed(old, (was, &old.default_value), (is, &new.default_value)));
        }
        _ => {}
    }
    found.extend(taken(compare, old, new));
}

fn taken(compare: &Compare, old: &Parameter, new: &Parameter) -> Option<Difference> {
    let (Some(before), Some(after)) = (&old.takes, &new.takes) else { return None };
    if of_a_callable(new) {
        return None;
    }
    // A default of None is accepted even if the annotation does not include it (as PEP 484 once allowed).
    let rule = match compare.fits_new(before, after) {
        Answer::Yes => return None,
        // `Self` is the class for everybody but its subclasses.
        Answer::No if after.contains("typing.Self") && !before.contains("typing.Self") => return None,
        Answer::Maybe if !compare.other_items(before, after) && !compare.fewer_types(before, after) => {
            &rules::RETYPED
        }
        Answer::Maybe | Answer::No => &rules::NARROWED,
    };
    let (was, is) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (before, after));
    Some(difference(rule, &old.name, &was, &is))
}

/// Whether it takes what a callable takes that is passed as well: `*args: P.args` or `*args: Unpack[Ts]`.
fn of_a_callable(parameter: &Parameter) -> bool {
    let takes = parameter.takes.as_deref().unwrap_or_default();
    let inside = ["typing.Unpack[", "typing_extensions.Unpack["].iter().find_map(|u| takes.strip_prefix(u));
    match parameter.kind {
        Kind::Args => takes.ends_with(".args") || inside.is_some_and(|rest| !rest.contains('[')),
        Kind::Kwargs => takes.ends_with(".kwargs"),
        _ => false,
    }
}

/// Compares what defaults are worth: one may name a constant, both may name different ones, or the constant
/// that both name may have another value.
fn default_changed(
    parameter: &Parameter,
    (was, old): (&String, &Option<String>),
    (is, new): (&String, &Option<String>),
) -> Option<Difference> {
    let (before, after) = (old.as_ref().unwrap_or(was), new.as_ref().unwrap_or(is));
    let same_name = same_value(was, is);
    // The value of a name that is kept may be unknown on one side. That of `__version__` always changes.
    let unknown = same_name && (old.is_none() || new.is_none() || was.ends_with("__version__"));
    let (was, is) = if same_name { (before, after) } else { (was, is) };
    (!same_value(before, after) && !unknown)
        .then(|| difference(&rules::DEFAULT_CHANGED, &parameter.name, was, is))
}

/// Texts that differ only in quotes are equal.
pub(super) fn same_value(a: &str, b: &str) -> bool {
    a.replace('"', "'") == b.replace('"', "'")
}

/// Parameters that both accept by position must come first and in the old order.
fn order(old: &Signature, new: &Signature) -> Option<Difference> {
    let now = positional(new);
    let stays = |p: &&Parameter| by_keyword(p) && now.iter().any(|n| n.name == p.name);
    let before = positional(old);
    if !before.iter().all(|p| matches!(became(old, new, p), Became::Renamed(_) | Became::Kept(_))) {
        // Removed parameters are already reported; the rest moves up.
        let common: Vec<&str> = before.iter().filter(|p| stays(p)).map(|p| p.name.as_str()).collect();
        let order: Vec<&str> = now.iter().map(|p| p.name.as_str()).filter(|n| common.contains(n)).collect();
        return (order != common)
            .then(|| difference(&rules::PARAMETER_MOVED, "", &common.join(", "), &order.join(", ")));
    }
    let common: Vec<&Parameter> = before.iter().filter(|p| !by_keyword(p) || stays(p)).copied().collect();
    let renamed = |p: &Parameter| {
        before.iter().any(|o| matches!(became(old, new, o), Became::Renamed(to) if to.name == p.name))
    };
    let now: Vec<&Parameter> = now.into_iter().filter(|p| !renamed(p)).collect();
    for (i, parameter) in common.iter().enumerate() {
        match now.get(i) {
            Some(there) if !by_keyword(parameter) || there.name == parameter.name => {}
            Some(there) if !old.parameters.iter().any(|p| p.name == there.name) => {
                return Some(difference(&rules::PARAMETER_INSERTED, &there.name, "", &parameter.name));
            }
            _ => {
                let names =
                    |list: &[&Parameter]| list.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
                return Some(difference(&rules::PARAMETER_MOVED, "", &names(&common), &names(&now)));
            }
        }
    }
    None
}

fn variadics(compare: &Compare, old: &Signature, new: &Signature) -> Vec<Difference> {
    let only_forwards = !old.parameters.iter().any(is_named) && old.parameters.len() == 2;
    let mut found = Vec::new();
    for (kind, rule) in [(Kind::Args, &rules::ARGS_DROPPED), (Kind::Kwargs, &rules::KWARGS_DROPPED)] {
        match (variadic(old, kind), variadic(new, kind)) {
            (Some(_), None) if only_forwards => {}
            (Some(was), None) => found.push(difference(rule, &was.name, "", "")),
            (Some(was), Some(is)) => found.extend(taken(compare, was, is)),
            _ => {}
        }
    }
    if only_forwards && (variadic(new, Kind::Args).is_none() || variadic(new, Kind::Kwargs).is_none()) {
        found.push(difference(&rules::FORWARDED, "", "", ""));
    }
    found
}

/// The signature as Python code: `(a: int, *, b=None) -> str`.
pub(super) fn show(signature: &Signature) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for parameter in &signature.parameters {
        if last == Some(Kind::PositionalOnly) && parameter.kind != Kind::PositionalOnly {
            parts.push("/".into());
        }
        if parameter.kind == Kind::KeywordOnly && !matches!(last, Some(Kind::KeywordOnly | Kind::Args)) {
            parts.push("*".into());
        }
        let stars = match parameter.kind {
            Kind::Args => "*",
            Kind::Kwargs => "**",
            _ => "",
        };
        let annotation = parameter.annotation.as_ref().map(|a| format!(": {a}")).unwrap_or_default();
        let equals = if annotation.is_empty() { "=" } else { " = " };
        let default = parameter.default.as_ref().map(|d| format!("{equals}{d}")).unwrap_or_default();
        parts.push(format!("{stars}{}{annotation}{default}", parameter.name));
        last = Some(parameter.kind);
    }
    if last == Some(Kind::PositionalOnly) {
        parts.push("/".into());
    }
    let returns = signature.annotation.as_ref().map(|a| format!(" -> {a}")).unwrap_or_default();
    format!("({}){returns}", parts.join(", "))
}
