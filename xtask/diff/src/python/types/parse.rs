//! Parses an annotation's text, with its names resolved, as a type. Unreadable text is `Unknown`, never an
//! error.

use super::Type;
use super::known;

/// `lookup` returns the meaning of a name of the package: another annotation for an alias, or None for a
/// class or an unknown name.
pub(crate) fn parse(text: &str, lookup: &dyn Fn(&str) -> Meaning) -> Type {
    parse_within(text, lookup, 10)
}

pub(crate) enum Meaning {
    /// A class, or a name of another package, under this name.
    Class(String),
    /// Its name and its text.
    Alias(String, String),
    /// A type variable: its name, and the text of its bound or of the union of its constraints.
    Variable(String, String),
    /// The name that stands for it.
    Unknown(String),
}

fn parse_within(text: &str, lookup: &dyn Fn(&str) -> Meaning, depth: usize) -> Type {
    let mut parser = Parser { rest: text.trim(), lookup, depth };
    match parser.union() {
        Some(found) if parser.rest.is_empty() && depth > 0 => found,
        _ => Type::Unknown(text.to_string()),
    }
}

struct Parser<'a> {
    rest: &'a str,
    lookup: &'a dyn Fn(&str) -> Meaning,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn union(&mut self) -> Option<Type> {
        // Real annotations nest a few levels; text that would overflow the stack nests thousands.
        if self.depth == 0 {
            return None;
        }
        let mut all = vec![self.one()?];
        while self.take("|") {
            all.push(self.one()?);
        }
        Some(union(all))
    }

    fn one(&mut self) -> Option<Type> {
        if self.take("*") {
            return Some(Type::Name("typing.Unpack".into(), vec![self.one()?]));
        }
        if self.take("(") {
            self.depth -= 1;
            let inner = self.union()?;
            self.depth += 1;
            return self.take(")").then_some(inner);
        }
        let name = self.word()?;
        let name = known::name(name);
        if !self.take("[") {
            return Some(self.bare(&name));
        }
        self.depth -= 1;
        let found = self.brackets(&name)?;
        self.depth += 1;
        self.take("]").then_some(found)
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
        let word = &rest[..end];
        self.rest = rest[end..].trim_start();
        (!word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit() || c == '.')).then_some(word)
    }

    fn bare(&self, name: &str) -> Type {
        match name {
            "typing.Any" | "_typeshed.Incomplete" => Type::Any,
            "typing.Never" | "typing.NoReturn" => Type::Never,
            "collections.abc.Callable" => Type::Callable(None, Box::new(Type::Any)),
            "typing.Final" | "typing.ClassVar" | "typing.TypeAlias" => Type::Any,
            "typing.Self" | "typing.LiteralString" => Type::Unknown(name.into()),
            "typing.BinaryIO" => Type::Name("typing.IO".into(), vec![Type::Name("bytes".into(), vec![])]),
            "typing.TextIO" => Type::Name("typing.IO".into(), vec![Type::Name("str".into(), vec![])]),
            "tuple" => Type::Name("tuple...".into(), vec![]),
            _ => match (self.lookup)(name) {
                Meaning::Class(name) => Type::Name(name, vec![]),
                // Its variables stand for anything.
                Meaning::Alias(_, text) => {
                    let mut found = self.alias(&text);
                    let known =
                        variables(&found).into_iter().map(|name| (name, Type::Any)).collect::<Vec<_>>();
                    replace(&mut found, &known);
                    found
                }
                Meaning::Variable(name, bound) => {
                    let bound = (!bound.is_empty()).then(|| Box::new(self.alias(&bound)));
                    Type::Variable(name, bound)
                }
                Meaning::Unknown(name) => Type::Unknown(name),
            },
        }
    }

    fn brackets(&mut self, name: &str) -> Option<Type> {
        match name {
            "typing.Literal" => self.literals(),
            "typing.Optional" => Some(union(vec![self.union()?, Type::Name("None".into(), vec![])])),
            "typing.Union" => Some(union(self.list()?)),
            "typing.Final"
            | "typing.ClassVar"
            | "typing.Required"
            | "typing.NotRequired"
            | "typing.ReadOnly"
            | "dataclasses.InitVar" => self.union(),
            "collections.abc.Callable" => self.callable(),
            "tuple" => self.tuple(),
            _ => {
                let mut arguments = self.list()?;
                add_defaults(name, &mut arguments);
                Some(match (self.lookup)(name) {
                    Meaning::Class(name) => Type::Name(name, arguments),
                    Meaning::Alias(name, text) => self.generic(&name, &text, arguments),
                    Meaning::Unknown(name) | Meaning::Variable(name, _) => {
                        Type::Unknown(bracketed(&name, &arguments))
                    }
                })
            }
        }
    }

    fn alias(&self, text: &str) -> Type {
        parse_within(text, self.lookup, self.depth - 1)
    }

    /// A generic alias: the arguments take the places of its variables.
    fn generic(&self, name: &str, text: &str, arguments: Vec<Type>) -> Type {
        let mut found = self.alias(text);
        let names = variables(&found);
        // A parameter specification is no type variable.
        if names.len() != arguments.len() {
            return Type::Unknown(bracketed(name, &arguments));
        }
        replace(&mut found, &names.into_iter().zip(arguments).collect::<Vec<_>>());
        found
    }

    fn list(&mut self) -> Option<Vec<Type>> {
        let mut all = vec![self.union()?];
        while self.take(",") {
            all.push(self.union()?);
        }
        Some(all)
    }

    fn tuple(&mut self) -> Option<Type> {
        if self.take("()") {
            return Some(Type::Unknown("tuple[()]".into()));
        }
        let mut all = vec![self.union()?];
        while self.take(",") {
            if self.take("...") {
                return Some(Type::Name("tuple...".into(), all));
            }
            all.push(self.union()?);
        }
        Some(Type::Name("tuple".into(), all))
    }

    fn callable(&mut self) -> Option<Type> {
        let parameters = if self.take("...") {
            None
        } else if self.take("[") {
            if self.take("]") {
                Some(vec![])
            } else {
                let list = self.list()?;
                if !self.take("]") {
                    return None;
                }
                Some(list)
            }
        } else {
            // `P` or `Concatenate[…, P]`.
            Some(vec![self.union()?])
        };
        self.take(",").then_some(())?;
        Some(Type::Callable(parameters, Box::new(self.union()?)))
    }

    fn literals(&mut self) -> Option<Type> {
        let mut all = Vec::new();
        loop {
            all.push(Type::Literal(self.value()?.to_string()));
            if !self.take(",") {
                return Some(union(all));
            }
        }
    }

    /// A literal as `ast.unparse` writes it: a string, a number, True, None or a member of an enum.
    fn value(&mut self) -> Option<&'a str> {
        let rest = self.rest;
        let prefix = rest.len() - rest.trim_start_matches('b').len();
        let end = match rest[prefix..].chars().next()? {
            quote @ ('\'' | '"') => {
                let mut escaped = false;
                let body = &rest[prefix + 1..];
                let close = body.char_indices().find(|(_, c)| {
                    let closes = *c == quote && !escaped;
                    escaped = *c == '\\' && !escaped;
                    closes
                })?;
                prefix + 1 + close.0 + 1
            }
            _ => rest.find([',', ']']).unwrap_or(rest.len()),
        };
        self.rest = rest[end..].trim_start();
        let value = rest[..end].trim();
        (!value.is_empty()).then_some(value)
    }
}

/// The arguments that may be left out (typeshed, PEP 696): one spelling for both forms.
fn add_defaults(name: &str, arguments: &mut Vec<Type>) {
    let class = |name: &str| Type::Name(name.into(), vec![]);
    match name {
        "typing.ContextManager" | "typing.AsyncContextManager" if arguments.len() == 2 => {
            arguments.pop_if(|exits| *exits == union(vec![class("bool"), class("None")]));
        }
        "collections.abc.Generator" => arguments.resize(arguments.len().max(3), class("None")),
        "collections.abc.AsyncGenerator" => arguments.resize(arguments.len().max(2), class("None")),
        _ => {}
    }
}

/// A union without nesting and repetitions, in a fixed order.
fn union(all: Vec<Type>) -> Type {
    let mut flat: Vec<Type> = Vec::new();
    for one in all {
        match one {
            Type::Union(inner) => flat.extend(inner),
            Type::Any => return Type::Any,
            // `Literal[None]` is None.
            Type::Literal(value) if value == "None" => flat.push(Type::Name("None".into(), vec![])),
            other => flat.push(other),
        }
    }
    flat.sort_by_cached_key(|one| format!("{one:?}"));
    flat.dedup();
    if flat.len() == 1 { flat.remove(0) } else { Type::Union(flat) }
}

/// The variables of a type, in the order of their first places.
fn variables(one: &Type) -> Vec<String> {
    let mut found = Vec::new();
    let inner: Vec<&Type> = match one {
        Type::Variable(name, _) => return vec![name.clone()],
        Type::Union(all) | Type::Name(_, all) => all.iter().collect(),
        Type::Callable(from, to) => from.iter().flatten().chain([&**to]).collect(),
        _ => Vec::new(),
    };
    for name in inner.into_iter().flat_map(variables) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Puts a type in the place of each variable.
fn replace(one: &mut Type, known: &[(String, Type)]) {
    match one {
        Type::Variable(name, _) => {
            if let Some((_, found)) = known.iter().find(|(known, _)| known == name) {
                *one = found.clone();
            }
        }
        Type::Name(_, all) => all.iter_mut().for_each(|one| replace(one, known)),
        Type::Union(all) => {
            all.iter_mut().for_each(|one| replace(one, known));
            *one = union(std::mem::take(all));
        }
        Type::Callable(from, to) => {
            from.iter_mut().flatten().chain([&mut **to]).for_each(|one| replace(one, known));
        }
        _ => {}
    }
}

fn bracketed(name: &str, arguments: &[Type]) -> String {
    format!("{name}[{}]", arguments.iter().map(Type::to_string).collect::<Vec<_>>().join(", "))
}
