//! Compares two surfaces of a Python package by what its users can notice. Pure: surfaces in, changes out.
//!
//! A function may come to accept more and return less; the opposite breaks callers. If the code does not show
//! enough, the change is reported as uncertain or not at all.

use crate::change::Change;
use signature::Difference;
use std::collections::{HashMap, HashSet};
use surface::{Is, Object, Surface};
use types::{Answer, ClassFacts, Classes, parse::Meaning};

#[cfg(test)]
mod cases;
mod classes;
mod fields;
mod functions;
mod inherited;
mod kinds;
mod names;
mod nature;
mod overloads;
mod rename;
mod rules;
mod signature;
pub mod surface;
#[cfg(test)]
mod tests;
mod types;
mod values;
mod variables;

/// The changes, the most severe first.
pub fn diff(old: &Surface, new: &Surface) -> Vec<Change> {
    let mut compare = Compare::new(old, new);
    names::compare(&mut compare);
    let mut changes = overloads::together(compare.changes);
    changes.sort_by(|a, b| (b.level, &a.symbol).cmp(&(a.level, &b.symbol)));
    changes
}

pub struct Compare<'a> {
    old: &'a Surface,
    new: &'a Surface,
    /// From a definition's new path to its old one, if it moved and kept a name.
    moved: HashMap<&'a str, &'a str>,
    classes: Classes,
    /// Pairs of definitions that are already compared.
    seen: HashSet<(&'a str, &'a str)>,
    /// What is told once: members of generic bases with what they are in a class, and type variables.
    told: HashSet<String>,
    changes: Vec<Change>,
}

/// A definition before and after.
#[derive(Clone)]
pub struct Pair<'a> {
    pub symbol: String,
    pub old: &'a Object,
    pub new: &'a Object,
}

impl<'a> Compare<'a> {
    fn new(old: &'a Surface, new: &'a Surface) -> Compare<'a> {
        let mut moved = HashMap::new();
        for (path, name) in &new.names {
            if let Some(before) = old
                .names
                .get(path)
                // `typing.Iterable` and `collections.abc.Iterable` are one.
                .filter(|before| types::name(&before.to) != types::name(&name.to))
                .filter(|before| !new.objects.contains_key(&before.to))
            {
                moved.insert(name.to.as_str(), before.to.as_str());
            }
        }
        let (gone, came) = (only_here(old, new), only_here(new, old));
        for (name, path) in came.iter().filter_map(|(name, path)| Some((name, (*path)?))) {
            if let Some(Some(before)) = gone.get(name) {
                moved.entry(path).or_insert(before);
            }
        }
        for (before, path) in renamed_private_classes(old, new) {
            moved.entry(path).or_insert(before);
        }
        let mut compare = Compare {
            old,
            new,
            moved,
            classes: Classes::default(),
            seen: HashSet::new(),
            told: HashSet::new(),
            changes: Vec::new(),
        };
        compare.learn_classes();
        compare
    }

    /// Records that a removed class and a new one are the same: annotations and bases that name it have not
    /// changed.
    fn same_class(&mut self, old: &'a str, new: &'a str) {
        self.moved.insert(new, old);
        self.learn_classes();
    }

    fn learn_classes(&mut self) {
        let mut classes = Classes::default();
        for (surface, is_new) in [(self.old, false), (self.new, true)] {
            for (path, object) in &surface.objects {
                let Is::Class(class) = &object.is else { continue };
                let own = |path: &str| {
                    if is_new {
                        self.moved.get(path).copied().unwrap_or(path).to_string()
                    } else {
                        path.to_string()
                    }
                };
                let ancestors = class.ancestors.iter().map(|path| types::name(&own(path))).collect();
                classes.0.insert(
                    own(path),
                    ClassFacts {
                        ancestors,
                        unknown: class.unknown,
                        protocol: class.protocol,
                        members: class.members.keys().cloned().collect(),
                    },
                );
            }
        }
        self.classes = classes;
    }

    /// Compares two definitions, once.
    fn pair(&mut self, symbol: &str, old: &'a str, new: &'a str) {
        if !self.seen.insert((old, new)) {
            return;
        }
        // Definitions from other packages are not compared.
        let (Some(before), Some(after)) = (self.old.objects.get(old), self.new.objects.get(new)) else {
            return;
        };
        let pair = Pair { symbol: symbol.to_string(), old: before, new: after };
        match (&before.is, &after.is) {
            (Is::Function(a), Is::Function(b)) => functions::compare(self, pair, a, b),
            (Is::Class(a), Is::Class(b)) => classes::compare(self, pair, a, b),
            (
                Is::Property(a) | Is::Attribute(a) | Is::TypeAlias(a),
                Is::Property(b) | Is::Attribute(b) | Is::TypeAlias(b),
            ) => values::compare(self, pair, a, b),
            (Is::Module(_), Is::Module(_)) => {}
            (a, b) => {
                let found = kinds::compare(self, a, b);
                self.add(pair, found);
            }
        }
    }

    /// Whether every value of the old annotation fits the new one.
    fn fits_new(&self, old: &str, new: &str) -> Answer {
        alike(old, new, self.classes.fits(&self.old_type(old), &self.new_type(new)))
    }

    /// Whether every value of the new annotation fits the old one.
    fn fits_old(&self, old: &str, new: &str) -> Answer {
        alike(old, new, self.classes.fits(&self.new_type(new), &self.old_type(old)))
    }

    /// Whether the annotation of a parameter asks for a list, set or dict of other items.
    fn other_items(&self, old: &str, new: &str) -> bool {
        self.classes.other_items(&self.old_type(old), &self.new_type(new))
    }

    /// Whether a parameter of a limited variable, such as `AnyStr`, now takes only some of its types.
    fn fewer_types(&self, old: &str, new: &str) -> bool {
        let types::Type::Variable(_, Some(bound)) = self.old_type(old) else { return false };
        self.classes.fits(&bound, &self.new_type(new)) == Answer::No
    }

    /// Whether values of this annotation may be hashable: Some(false) if none is, None if all are.
    fn hashable(&self, text: &str) -> Option<bool> {
        let never = ["list", "dict", "set", "bytearray", "collections.deque", "collections.defaultdict"];
        let maybe = ["Sequence", "Iterable", "Collection", "Mapping", "Set", "MutableSequence"];
        let judged = |one: &types::Type| match one {
            types::Type::Name(name, _) if never.contains(&name.as_str()) => Some(false),
            types::Type::Name(name, _)
                if name.strip_prefix("collections.abc.").is_some_and(|n| maybe.contains(&n)) =>
            {
                Some(true)
            }
            _ => None,
        };
        match self.old_type(text) {
            types::Type::Union(all) => all.iter().filter_map(judged).min(),
            one => judged(&one),
        }
    }

    /// Both annotations as written; if the texts are equal, with their names resolved.
    fn shown(
        &self,
        (old, new): (Option<&String>, Option<&String>),
        (before, after): (&str, &str),
    ) -> (String, String) {
        match (old, new) {
            (Some(old), Some(new)) if old != new => (old.clone(), new.clone()),
            _ => types::differences(&self.old_type(before), &self.new_type(after)),
        }
    }

    fn old_type(&self, text: &str) -> types::Type {
        types::parse(text, &|name| meaning(self.old, name, name))
    }

    fn new_type(&self, text: &str) -> types::Type {
        types::parse(text, &|name| {
            let canonical = self.moved.get(name).copied().unwrap_or(name);
            // A renamed variable has its old name here.
            let surface = if self.new.objects.contains_key(name) { self.new } else { self.old };
            let surface = if variables::variable(surface, name).is_some() { surface } else { self.new };
            meaning(surface, name, canonical)
        })
    }

    fn add(&mut self, pair: Pair, found: Difference) {
        let (old, new) = (place(pair.old), place(pair.new));
        let kind = pair.old.is.word();
        self.report(
            kind,
            &pair.symbol,
            found,
            (old, new),
            (show(&pair.symbol, pair.old), show(&pair.symbol, pair.new)),
        );
    }

    fn report(
        &mut self,
        kind: &str,
        symbol: &str,
        found: Difference,
        (old, new): (String, String),
        (was, is): (Option<String>, Option<String>),
    ) {
        let level = found.level();
        let Difference { rule, what, old: before, new: after, .. } = found;
        self.changes.push(Change {
            id: rule.id.replace("{kind}", kind),
            level,
            symbol: symbol.to_string(),
            message: rules::sentence(rule, &what, &before, &after),
            whom: rule.whom,
            place: new,
            old_place: old,
            was,
            is,
        });
    }
}

/// The definitions of modules that the other surface does not have, by their last name; None if two have it.
/// A private one that another module defines now keeps its name.
fn only_here<'a>(surface: &'a Surface, other: &Surface) -> HashMap<&'a str, Option<&'a str>> {
    let mut found = HashMap::new();
    for path in surface.objects.keys().filter(|path| !other.objects.contains_key(*path)) {
        let Some((parent, name)) = path.rsplit_once('.') else { continue };
        if surface.class(parent).is_none() {
            let known = found.insert(name, Some(path.as_str())).is_some();
            if known {
                found.insert(name, None);
            }
        }
    }
    found
}

/// Classes that only annotations name, which have another name in the same module now: their bases and the
/// names of their members are the same. If two classes are alike, neither is taken for the other.
fn renamed_private_classes<'a>(old: &'a Surface, new: &'a Surface) -> Vec<(&'a str, &'a str)> {
    let (gone, came) = (private_classes(old, new), private_classes(new, old));
    let same = |(before, a): &(&str, &Object), (after, b): &(&str, &Object)| {
        let (Is::Class(was), Is::Class(is)) = (&a.is, &b.is) else { return false };
        before.rsplit_once('.').map(|(module, _)| module) == after.rsplit_once('.').map(|(module, _)| module)
            && was.members.keys().eq(is.members.keys())
            && was.bases == is.bases
            && rename::score((before, a), (after, b)).is_some()
    };
    let pairs: Vec<(&str, &str)> = gone
        .iter()
        .flat_map(|before| came.iter().filter(|after| same(before, after)).map(|after| (before.0, after.0)))
        .collect();
    let alone = |pair: &(&str, &str)| pairs.iter().filter(|p| p.0 == pair.0 || p.1 == pair.1).count() == 1;
    pairs.iter().copied().filter(alone).collect()
}

/// The classes that only this surface has, and that nobody can import by a public name.
fn private_classes<'a>(surface: &'a Surface, other: &Surface) -> Vec<(&'a str, &'a Object)> {
    let public: HashSet<&str> =
        surface.names.values().filter(|name| name.public).map(|name| name.to.as_str()).collect();
    let objects = surface.objects.iter().map(|(path, object)| (path.as_str(), object));
    objects
        .filter(|(path, object)| {
            matches!(object.is, Is::Class(_)) && !other.objects.contains_key(*path) && !public.contains(path)
        })
        .collect()
}

/// An uncertain difference is not reported if the annotation's text is unchanged.
fn alike(old: &str, new: &str, answer: Answer) -> Answer {
    if old == new && answer == Answer::Maybe { Answer::Yes } else { answer }
}

fn place(object: &Object) -> String {
    format!("{}:{}", object.file, object.line)
}

/// The meaning of a resolved name in an annotation.
fn meaning(surface: &Surface, name: &str, canonical: &str) -> Meaning {
    if let Some(variable) = variables::variable(surface, name) {
        return Meaning::Variable(canonical.to_string(), variable.bounds.join(" | "));
    }
    match surface.objects.get(name).map(|object| &object.is) {
        Some(Is::Attribute(alias) | Is::TypeAlias(alias)) => match &alias.means {
            // `ParamSpec("P")`, `NewType(…)`, a number: not a type that we can resolve.
            Some(text)
                if !text.contains('(')
                    && alias.annotation.as_ref().is_none_or(|a| a.ends_with("TypeAlias")) =>
            {
                Meaning::Alias(canonical.to_string(), text.clone())
            }
            _ => Meaning::Unknown(canonical.to_string()),
        },
        Some(Is::Class(_)) | None => Meaning::Class(canonical.to_string()),
        Some(_) => Meaning::Unknown(canonical.to_string()),
    }
}

/// A definition in one line, with the parts that users see.
fn show(symbol: &str, object: &Object) -> Option<String> {
    let name = symbol.rsplit('.').next().unwrap_or(symbol);
    Some(match &object.is {
        Is::Function(function) => {
            let asynchronous = if function.is_async { "async " } else { "" };
            format!("{asynchronous}def {name}{}", signature::show(&function.signature))
        }
        Is::Class(class) if class.bases.is_empty() => format!("class {name}"),
        Is::Class(class) => format!("class {name}({})", class.bases.join(", ")),
        Is::Property(property) => format!("property {name}{}", annotated(&property.annotation)),
        Is::Attribute(attribute) | Is::TypeAlias(attribute) => {
            let value = attribute.value.as_ref().map(|v| format!(" = {}", shortened(v))).unwrap_or_default();
            format!("{name}{}{value}", annotated(&attribute.annotation))
        }
        Is::Module(_) => return None,
    })
}

fn annotated(annotation: &Option<String>) -> String {
    annotation.as_ref().map(|a| format!(": {a}")).unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 60 { format!("{}…", line.chars().take(60).collect::<String>()) } else { line }
}
