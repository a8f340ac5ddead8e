//! Annotations as types, and whether all values of one are values of another. `Maybe` if that cannot be
//! determined.

use std::collections::{BTreeSet, HashMap};

mod known;
pub(super) mod parse;
mod show;

pub(super) use known::name;
pub(super) use parse::parse;
pub(super) use show::differences;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// No annotation, `Any`, or `object` for parameters.
    Any,
    Never,
    Union(Vec<Type>),
    /// One value, as written: `'a'`, `1`.
    Literal(String),
    /// None for `...`.
    Callable(Option<Vec<Type>>, Box<Type>),
    /// A class and its arguments. `tuple` has a fixed number of items, `tuple...` any number.
    Name(String, Vec<Type>),
    /// A type variable, and the type that limits what it stands for.
    Variable(String, Option<Box<Type>>),
    /// Parameter specifications, aliases created by calls, and unreadable annotations.
    Unknown(String),
}

/// The type of `self`, which the parser leaves as it is.
const SELF: &str = "typing.Self";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    Maybe,
    No,
}
use Answer::{Maybe, No, Yes};

/// Information about the package's own classes.
#[derive(Default)]
pub(super) struct Classes(pub HashMap<String, ClassFacts>);

#[derive(Default)]
pub(super) struct ClassFacts {
    pub ancestors: Vec<String>,
    /// It may have more ancestors than are known.
    pub unknown: bool,
    pub protocol: bool,
    /// Those of known ancestors included.
    pub members: BTreeSet<String>,
}

impl Answer {
    pub(super) fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (No, _) | (_, No) => No,
            (Yes, Yes) => Yes,
            _ => Maybe,
        }
    }
    pub(super) fn or(self, other: Answer) -> Answer {
        match (self, other) {
            (Yes, _) | (_, Yes) => Yes,
            (No, No) => No,
            _ => Maybe,
        }
    }
    /// Weakens a no that other typing rules might turn into a yes.
    fn doubt(self) -> Answer {
        if self == No { Maybe } else { self }
    }
}

impl Classes {
    /// Whether every value of `a` is a value of `b`.
    pub(super) fn fits(&self, a: &Type, b: &Type) -> Answer {
        match (a, b) {
            (a, b) if a == b => Yes,
            (Type::Any, _) | (_, Type::Any) | (Type::Never, _) => Yes,
            (_, Type::Name(name, _)) if name == "object" => Yes,
            // What a variable stands for is its bound or narrower.
            (Type::Variable(_, Some(bound)), b) if self.fits(bound, b) == Yes => Yes,
            (Type::Union(all), b) => all.iter().fold(Yes, |so_far, one| so_far.and(self.fits(one, b))),
            (a, Type::Union(any)) => {
                any.iter().fold(No, |so_far, one| so_far.or(self.fits(a, one))).or(whole(a, any))
            }
            // `Self` is the class or a subclass of it. Which class that is, is not known here.
            (Type::Unknown(own), Type::Name(name, _)) if own == SELF && self.0.contains_key(name) => Yes,
            (Type::Name(name, _), Type::Unknown(own)) if own == SELF && self.0.contains_key(name) => No,
            (Type::Variable(a, _), Type::Variable(b, _)) if a == b => Yes,
            (a, Type::Variable(_, Some(bound))) if self.fits(a, bound) == No => No,
            (Type::Unknown(_) | Type::Variable(..), _) | (_, Type::Unknown(_) | Type::Variable(..)) => Maybe,
            (_, Type::Never) => No,
            (Type::Literal(a), Type::Literal(b)) => literal_fits(a, b),
            (Type::Literal(value), b) => self.fits(&Type::Name(literal_class(value).into(), vec![]), b),
            (Type::Name(name, _), Type::Literal(value)) => match self.0.get(name) {
                // An enum's members are its literals, and their number is not known here.
                Some(_) => Maybe,
                None if name == literal_class(value) || known::is_known(name) => No,
                None => Maybe,
            },
            (Type::Callable(from, to), Type::Callable(into, out)) => self.callable((from, to), (into, out)),
            (Type::Callable(..), Type::Name(name, _)) | (Type::Name(name, _), Type::Callable(..)) => {
                if [
                    "int", "str", "bytes", "float", "bool", "None", "list", "dict", "set", "tuple",
                    "tuple...",
                ]
                .contains(&name.as_str())
                {
                    No
                } else {
                    Maybe
                }
            }
            (Type::Callable(..), Type::Literal(_)) => No,
            // A tuple of unknown items.
            (Type::Name(a, from), Type::Name(b, _)) if a == "tuple..." && b == "tuple" && from.is_empty() => {
                Maybe
            }
            (Type::Name(a, from), Type::Name(b, to)) => self.named((a, from), (b, to), 8),
        }
    }

    /// Whether a list that is passed as a parameter is one of other items: who takes `list[float]` may add a
    /// float, so a `list[int]` is refused.
    pub(super) fn other_items(&self, a: &Type, b: &Type) -> bool {
        let all = |one: &Type| match one {
            Type::Union(all) => all.clone(),
            one => vec![one.clone()],
        };
        let (before, after) = (all(a), all(b));
        before.iter().any(|old| {
            after.iter().all(|new| self.fits(old, new) != Yes)
                && after.iter().any(|new| self.invariant(old, new))
        })
    }

    fn invariant(&self, a: &Type, b: &Type) -> bool {
        let (Type::Name(name, from), Type::Name(other, to)) = (a, b) else { return false };
        let refused = |(i, (a, b)): (usize, (&Type, &Type))| {
            matches!(known::variance(name, i), known::Variance::Invariant)
                && (self.fits(a, b) == No || self.fits(b, a) == No)
        };
        name == other && from.len() == to.len() && from.iter().zip(to).enumerate().any(refused)
    }

    fn callable(
        &self,
        (from, to): (&Option<Vec<Type>>, &Type),
        (into, out): (&Option<Vec<Type>>, &Type),
    ) -> Answer {
        let parameters = match (from, into) {
            (None, _) | (_, None) => Yes,
            // `P` and `Concatenate[…, P]` stand for any number of parameters.
            (Some(a), Some(b)) if a.len() != b.len() => {
                return if a.iter().chain(b).any(open) { Maybe } else { No };
            }
            (Some(a), Some(b)) => a.iter().zip(b).fold(Yes, |so_far, (a, b)| so_far.and(self.fits(b, a))),
        };
        parameters.and(self.fits(to, out))
    }

    fn named(&self, (a, from): (&str, &[Type]), (b, to): (&str, &[Type]), depth: usize) -> Answer {
        if a == b {
            return self.arguments(a, from, to);
        }
        // Both narrow the argument if the answer is yes, and one of them also if it is no.
        let guard = |name| ["typing.TypeGuard", "typing.TypeIs"].contains(&name);
        if depth == 0 || (guard(a) && guard(b)) {
            return Maybe;
        }
        if let (Some(facts), true) = (self.0.get(a), a != b) {
            if facts.ancestors.iter().any(|ancestor| ancestor == b) {
                return if to.is_empty() { Yes } else { Maybe };
            }
            // Its ancestors from other packages, such as str for an enum of strings.
            let outside =
                facts.ancestors.iter().filter(|name| !self.0.contains_key(*name) && known::is_known(name));
            let above =
                outside.fold(No, |so_far, name| so_far.or(self.named((name, &[]), (b, to), depth - 1)));
            let structural = self.0.get(b).map_or(known::is_structural(b), |facts| facts.protocol);
            let lacks = known::method_of(b).is_some_and(|method| !facts.members.contains(method));
            let open = facts.unknown
                || facts.protocol
                || (structural && !lacks)
                || !(self.0.contains_key(b) || known::is_known(b));
            return if open { above.doubt() } else { above };
        }
        if !known::is_known(a) {
            return Maybe;
        }
        let above = known::supers(a, from)
            .into_iter()
            .fold(No, |so_far, (name, args)| so_far.or(self.named((&name, &args), (b, to), depth - 1)));
        match self.0.get(b) {
            Some(facts) if facts.protocol || facts.unknown => above.doubt(),
            None if !known::is_known(b) => above.doubt(),
            _ => above,
        }
    }

    fn arguments(&self, name: &str, from: &[Type], to: &[Type]) -> Answer {
        if name == "tuple" && from.len() != to.len() {
            return No;
        }
        if name == "tuple" {
            return from.iter().zip(to).fold(Yes, |so_far, (a, b)| so_far.and(self.fits(a, b)));
        }
        if from.is_empty() || to.is_empty() {
            return Yes;
        }
        if from.len() != to.len() {
            return Maybe;
        }
        let pairs = from.iter().zip(to).enumerate();
        pairs.fold(Yes, |so_far, (i, (a, b))| {
            so_far.and(match known::variance(name, i) {
                known::Variance::Covariant => self.fits(a, b),
                known::Variance::Invariant => match (self.fits(a, b), self.fits(b, a)) {
                    (Yes, Yes) => Yes,
                    // The types have nothing in common, so no list of one is a list of the other.
                    (No, No) => No,
                    _ => Maybe,
                },
                known::Variance::Unknown => {
                    if a == b {
                        Yes
                    } else {
                        Maybe
                    }
                }
            })
        })
    }
}

/// Whether an annotation is `Never` or `NoReturn`.
pub(super) fn is_never(text: &str) -> bool {
    ["typing.Never", "typing.NoReturn"].contains(&name(text).as_str())
}

/// The class of a literal value. None for computed values.
pub(super) fn of_value(text: &str) -> Option<&'static str> {
    let text = text.trim();
    match text {
        "True" | "False" => return Some("bool"),
        "None" => return Some("None"),
        _ if text.parse::<i64>().is_ok() => return Some("int"),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok() => {
            return Some("float");
        }
        _ => {}
    }
    let whole = |open: char, close: char| text.starts_with(open) && text.ends_with(close);
    match text.chars().next()? {
        '\'' | '"' if whole('\'', '\'') || whole('"', '"') => Some("str"),
        'b' if text.starts_with("b'") && text.ends_with('\'') => Some("bytes"),
        '[' if whole('[', ']') => Some("list"),
        '(' if text == "()" || (whole('(', ')') && is_tuple(text)) => Some("tuple"),
        '{' if text == "{}" || (whole('{', '}') && top_level(text, ':')) => Some("dict"),
        '{' if whole('{', '}') && !text.contains(" for ") => Some("set"),
        _ => None,
    }
}

/// `(1, 2)` and `(1,)`, but neither `(1)` nor `(f)(1, 2)`.
fn is_tuple(text: &str) -> bool {
    top_level(text, ',') && !text[1..text.len() - 1].contains(")(") && !text.contains(" for ")
}

/// Whether this character is directly inside the outer brackets, and not in a string.
fn top_level(text: &str, wanted: char) -> bool {
    let (mut depth, mut quote) = (0, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, c) if c == wanted && depth == 1 => return true,
            _ => {}
        }
    }
    false
}

/// Whether a type in a callable's parameters may stand for several of them.
fn open(one: &Type) -> bool {
    match one {
        Type::Unknown(_) | Type::Variable(..) => true,
        Type::Name(name, _) => ["typing.Concatenate", "typing.Unpack"].contains(&name.as_str()),
        _ => false,
    }
}

/// `bool` is `Literal[True, False]`, and so on.
fn whole(a: &Type, any: &[Type]) -> Answer {
    let has = |value: &str| any.iter().any(|one| *one == Type::Literal(value.into()));
    match a {
        Type::Name(name, _) if name == "bool" && has("True") && has("False") => Yes,
        _ => No,
    }
}

/// `'a'` and `"a"` are equal. Other texts that differ may still be equal values (`1` and `0x1`, members of
/// enums).
fn literal_fits(a: &str, b: &str) -> Answer {
    let plain = |value: &str| {
        literal_class(value) == "str" || value.parse::<i64>().is_ok() || ["True", "False"].contains(&value)
    };
    if plain(a) && plain(b) { No } else { Maybe }
}

fn literal_class(value: &str) -> &str {
    match value {
        "True" | "False" => "bool",
        "None" => "None",
        v if v.starts_with(['\'', '"']) => "str",
        v if v.starts_with("b'") || v.starts_with("b\"") => "bytes",
        v if v.starts_with(|c: char| c.is_ascii_digit() || c == '-') => "int",
        // For a member of an enum, the class is before the last dot.
        v => v.rsplit_once('.').map_or(v, |(class, _)| class),
    }
}

#[cfg(test)]
mod tests;
