//! Prints a type as Python code, with its aliases expanded.

use super::Type;
use std::fmt;

/// Both as text. For two unions, only the members that are not in both.
pub(crate) fn differences(old: &Type, new: &Type) -> (String, String) {
    let (Type::Union(before), Type::Union(after)) = (old, new) else {
        return (old.to_string(), new.to_string());
    };
    let rest = |all: &[Type], other: &[Type]| {
        let own: Vec<String> = all.iter().filter(|one| !other.contains(one)).map(Type::to_string).collect();
        [vec!["…".to_string()], own].concat().join(" | ")
    };
    (rest(before, after), rest(after, before))
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |all: &[Type], between: &str| all.iter().map(Type::to_string).collect::<Vec<_>>().join(between);
        match self {
            Type::Any => f.write_str("Any"),
            Type::Never => f.write_str("Never"),
            Type::Union(all) => f.write_str(&list(all, " | ")),
            Type::Literal(value) => write!(f, "Literal[{value}]"),
            Type::Callable(None, to) => write!(f, "Callable[..., {to}]"),
            Type::Callable(Some(from), to) => write!(f, "Callable[[{}], {to}]", list(from, ", ")),
            Type::Name(name, arguments) => {
                let open = name.strip_suffix("...");
                let name = open.unwrap_or(name).rsplit('.').next().unwrap_or(name);
                match (arguments.is_empty(), open) {
                    (true, _) => f.write_str(name),
                    (_, None) => write!(f, "{name}[{}]", list(arguments, ", ")),
                    (_, Some(_)) => write!(f, "{name}[{}, ...]", list(arguments, ", ")),
                }
            }
            Type::Variable(name, _) => f.write_str(name.rsplit('.').next().unwrap_or(name)),
            Type::Unknown(text) => f.write_str(text),
        }
    }
}
