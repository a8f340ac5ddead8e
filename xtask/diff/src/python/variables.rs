//! Type variables. Their names mean nothing to users: two signatures that differ only in them are equal.

use super::Compare;
use super::rules;
use super::signature::{Difference, difference};
use super::surface::{Is, Signature, Surface};
use super::types::Answer;

const MAKERS: [&str; 2] = ["typing.TypeVar(", "typing_extensions.TypeVar("];
/// No signature is written out in more combinations.
const MOST: usize = 32;

/// A type variable, as it was made.
pub(super) struct Variable<'a> {
    /// The types that it may stand for, if they are limited.
    pub bounds: Vec<&'a str>,
    variance: &'static str,
    /// Its arguments, without its name.
    arguments: Vec<&'a str>,
}

impl<'a> Variable<'a> {
    /// What it stands for if no argument is given (PEP 696).
    pub(super) fn default(&self) -> Option<&'a str> {
        self.arguments.iter().find_map(|one| one.strip_prefix("default="))
    }
}

/// What the definition at this path says, if it is that of a type variable.
pub(super) fn variable<'a>(surface: &'a Surface, path: &str) -> Option<Variable<'a>> {
    if path == "typing.AnyStr" {
        let bounds = vec!["str", "bytes"];
        return Some(Variable { arguments: bounds.clone(), bounds, variance: "invariant" });
    }
    let Is::Attribute(attribute) = &surface.objects.get(path)?.is else { return None };
    let means = attribute.means.as_deref()?;
    let inside = MAKERS.iter().find_map(|maker| means.strip_prefix(maker))?.strip_suffix(')')?;
    let of_variance = |one: &str| one.starts_with("covariant=") || one.starts_with("contravariant=");
    let mut arguments = arguments(inside);
    let said = |text: &str| arguments.contains(&text);
    let variance = match (said("covariant=True"), said("contravariant=True")) {
        (true, _) => "covariant",
        (_, true) => "contravariant",
        _ if said("infer_variance=True") => "inferred",
        _ => "invariant",
    };
    arguments.retain(|one| !of_variance(one) && !one.starts_with("infer_variance="));
    arguments.remove(0);
    let bound = arguments.iter().find_map(|one| one.strip_prefix("bound="));
    let bounds = match bound {
        Some("None") | None => arguments.iter().copied().filter(|one| !one.contains('=')).collect(),
        Some(bound) => vec![bound],
    };
    Some(Variable { bounds, variance, arguments })
}

/// The arguments of a call, from the text between its brackets.
pub(super) fn arguments(inside: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut start, mut found) = (0, None, 0, Vec::new());
    for (i, c) in inside.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(inside[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    found.push(inside[start..].trim());
    found
}

impl Compare<'_> {
    /// The new signature with the old names of its variables.
    pub(super) fn with_old_variables(&self, old: &Signature, new: &Signature) -> Signature {
        let renamed = self.renamed_variables(&texts(old), &texts(new));
        let mut signature = new.clone();
        if !renamed.is_empty() {
            let types = signature.parameters.iter_mut().filter_map(|p| p.takes.as_mut());
            types.chain(&mut signature.returns).for_each(|text| *text = replaced(text, &renamed));
        }
        signature
    }

    /// The variables of both signatures that stand for less now, by their paths.
    pub(super) fn narrowed_variables(&self, old: &Signature, new: &Signature) -> Vec<(String, Difference)> {
        let texts = |signature: &Signature| {
            signature.parameters.iter().filter_map(|p| p.takes.clone()).collect::<Vec<_>>().join(", ")
        };
        let (before, after) = (texts(old), texts(new));
        let kept = variables(self.old, &before);
        variables(self.new, &after)
            .into_iter()
            .filter(|path| kept.contains(path))
            .filter_map(|path| Some((path.to_string(), self.narrowed_variable(path)?)))
            .collect()
    }

    /// The variables of both signatures whose default changed, by their paths.
    pub(super) fn lost_defaults(&self, old: &Signature, new: &Signature) -> Vec<(String, Difference)> {
        let (before, after) = (texts(old), texts(new));
        let kept = variables(self.old, &before);
        let told = |path: &str| {
            let (was, is) = self.variable_defaults(path)?;
            let name = path.rsplit('.').next().unwrap_or(path);
            Some((path.to_string(), difference(&rules::TYPE_DEFAULT, name, &was, &is)))
        };
        variables(self.new, &after).into_iter().filter(|path| kept.contains(path)).filter_map(told).collect()
    }

    pub(super) fn narrowed_variable(&self, path: &str) -> Option<Difference> {
        let limits = |surface| {
            let bounds = variable(surface, path)?.bounds.join(" | ");
            Some(if bounds.is_empty() { "object".to_string() } else { bounds })
        };
        let (was, is) = (limits(self.old)?, limits(self.new)?);
        let name = path.rsplit('.').next().unwrap_or(path);
        let (old, new) = self.shown((None, None), (&was, &is));
        (self.fits_new(&was, &is) == Answer::No).then(|| difference(&rules::NARROWED, name, &old, &new))
    }

    /// What a class's variable stands for if no argument is given, before and after, if that differs.
    pub(super) fn variable_defaults(&self, path: &str) -> Option<(String, String)> {
        let default = |surface| variable(surface, path)?.default().map(str::to_string);
        let (old, new) = (default(self.old)?, default(self.new).unwrap_or("none".to_string()));
        (old != new).then_some((old, new))
    }

    /// Whether a class's variable is covariant, contravariant or neither, before and after, if that differs.
    pub(super) fn variances(&self, path: &str) -> Option<(String, String)> {
        let of = |surface| Some(variable(surface, path)?.variance);
        let (old, new) = (of(self.old)?, of(self.new)?);
        (old != new && old != "invariant").then_some((old.to_string(), new.to_string()))
    }

    /// The new annotation with the old names of its variables.
    pub(super) fn with_old_variable(&self, old: &str, new: &str) -> String {
        replaced(new, &self.renamed_variables(old, new))
    }

    /// Pairs of a new name and an old one: the variables of both texts that are in one of them alone, in
    /// their order. One of each pair must not exist on the other side, where it would be another variable.
    fn renamed_variables(&self, old: &str, new: &str) -> Vec<(String, String)> {
        let (before, after) = (variables(self.old, old), variables(self.new, new));
        let own = |path: &str| self.moved.get(path).copied().unwrap_or(path).to_string();
        let came: Vec<&str> = after.iter().copied().filter(|path| !before.contains(&&*own(path))).collect();
        let gone: Vec<&str> =
            before.iter().copied().filter(|path| !after.iter().any(|now| own(now) == *path)).collect();
        // A class that a variable is limited to may have moved as well.
        let as_before = |text: &&str| {
            let names: Vec<_> = words(text).map(|name| (name.to_string(), own(name))).collect();
            replaced(text, &names)
        };
        let alike = |(old, new): (&&str, &&str)| {
            let elsewhere = self.new.objects.contains_key(*old) && self.old.objects.contains_key(*new);
            let same = match (variable(self.old, old), variable(self.new, new)) {
                (Some(old), Some(new)) => {
                    old.arguments == new.arguments.iter().map(as_before).collect::<Vec<_>>()
                }
                _ => false,
            };
            same && !elsewhere
        };
        if gone.len() != came.len() || !gone.iter().zip(&came).all(alike) {
            return Vec::new();
        }
        came.iter().zip(&gone).map(|(new, old)| (new.to_string(), old.to_string())).collect()
    }
}

/// The signature for each combination of types that its limited variables, such as `AnyStr`, stand for. None
/// if these are too many.
pub(super) fn spelt_out(surface: &Surface, signature: &Signature) -> Option<Vec<Signature>> {
    let mut found = vec![signature.clone()];
    for path in variables(surface, &texts(signature)) {
        let bounds = variable(surface, path)?.bounds;
        if bounds.len() > 1 {
            let each = |one: &Signature| bounds.iter().map(|of| with(one, path, of)).collect::<Vec<_>>();
            found = found.iter().flat_map(each).collect();
        }
        if found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

fn with(signature: &Signature, variable: &str, of: &str) -> Signature {
    let mut found = signature.clone();
    let types = found.parameters.iter_mut().filter_map(|p| p.takes.as_mut());
    types.chain(&mut found.returns).for_each(|text| *text = replaced(text, &[(variable.into(), of.into())]));
    found
}

/// All types of a signature.
fn texts(signature: &Signature) -> String {
    let taken = signature.parameters.iter().filter_map(|p| p.takes.clone());
    taken.chain(signature.returns.clone()).collect::<Vec<_>>().join(", ")
}

/// The variables that a text names, in the order of their first places.
pub(super) fn variables<'a>(surface: &Surface, text: &'a str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for word in words(text) {
        if !found.contains(&word) && variable(surface, word).is_some() {
            found.push(word);
        }
    }
    found
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

pub(super) fn replaced(text: &str, renamed: &[(String, String)]) -> String {
    let mut rest = text;
    let mut written = String::new();
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        written.push_str(&rest[..start]);
        written.push_str(renamed.iter().find(|(new, _)| new == word).map_or(word, |(_, old)| old));
        rest = &rest[end..];
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_at_their_own_commas() {
        for (inside, expected) in [
            ("'T'", vec!["'T'"]),
            ("'T', bound=dict[str, int]", vec!["'T'", "bound=dict[str, int]"]),
            ("'T', dict[str, int], str", vec!["'T'", "dict[str, int]", "str"]),
            ("'T', bound='a, b'", vec!["'T'", "bound='a, b'"]),
            ("'T', int, typing.Literal['a, b']", vec!["'T'", "int", "typing.Literal['a, b']"]),
        ] {
            assert_eq!(arguments(inside), expected);
        }
    }

    #[test]
    fn only_whole_words_are_replaced() {
        let renamed = [("demo._T".to_string(), "demo.T".to_string())];
        assert_eq!(
            replaced("list[demo._T] | demo._Two | x.demo._T", &renamed),
            "list[demo.T] | demo._Two | x.demo._T"
        );
    }
}
