//! Members of generic classes: what they are in a subclass, which says what its base's variables stand for,
//! and what they are for those who wrote the class without brackets before it was generic.

use super::surface::{Attribute, Class, Field, Function, Is, Object, Signature, Surface};
use super::{Compare, Pair, functions, values, variables};

/// A variable of a base and what stands for it.
type Bound = Vec<(String, String)>;

/// Compares a member whose types depend on the arguments of a base. Returns whether it does.
pub(super) fn compare(
    compare: &mut Compare,
    symbol: &str,
    (old_class, old): (&Class, &str),
    (new_class, new): (&Class, &str),
) -> bool {
    let (before, after) = (compare.old, compare.new);
    let (was, mut is) = (bound(before, old_class, old), bound(after, new_class, new));
    // The arguments of a constructor decide what the variables stand for.
    let any = symbol.ends_with(".__init__").then_some("typing.Any");
    is.extend(without_brackets(after, any, old_class, new_class));
    if was == is {
        return false;
    }
    let with = |surface: &Surface, path: &str, bound| with(surface.objects.get(path)?, bound);
    let (Some(a), Some(b)) = (with(before, old, &was), with(after, new, &is)) else { return false };
    // Subclasses of this class inherit the same difference.
    if !compare.told.insert(format!("{old} {new} {was:?} {is:?}")) {
        return true;
    }
    let pair = Pair { symbol: symbol.to_string(), old: &a, new: &b };
    match (&a.is, &b.is) {
        (Is::Function(old), Is::Function(new)) => functions::compare(compare, pair, old, new),
        (Is::Property(old) | Is::Attribute(old), Is::Property(new) | Is::Attribute(new)) => {
            values::compare(compare, pair, old, new);
        }
        _ => return false,
    }
    true
}

/// A field with the types that it has in a class: its variables are those of the base that defines it. `old`:
/// the class as it was before, if it is the new one.
pub(super) fn field(surface: &Surface, class: &Class, old: Option<&Class>, field: &Field) -> Field {
    let mut found = field.clone();
    let member = class.members.get(&field.name);
    let mut bound = member.map(|member| bound(surface, class, member)).unwrap_or_default();
    bound.extend(old.iter().flat_map(|old| without_brackets(surface, Some("typing.Any"), old, class)));
    put(&mut found.holds, &mut found.annotation, &bound);
    found
}

/// What the variables of the class that defines a member stand for in a subclass.
fn bound(surface: &Surface, class: &Class, member: &str) -> Bound {
    let Some((owner, _)) = member.rsplit_once('.') else { return Vec::new() };
    for text in &class.bases {
        let (name, arguments) = match text.split_once('[') {
            Some((name, rest)) => (name, variables::arguments(rest.strip_suffix(']').unwrap_or(rest))),
            None => (text.as_str(), Vec::new()),
        };
        let Some(base) = surface.class(name) else { continue };
        let given = arguments.iter().map(|given| Some(given.to_string())).chain(std::iter::repeat(None));
        let own = base.type_parameters.iter().zip(given);
        let own: Bound = own
            .filter_map(|(one, given)| {
                let variable = path(name, &one.name);
                let given = given.or_else(|| without_argument(surface, &variable))?;
                Some((variable, given))
            })
            .collect();
        if name == owner {
            return own;
        }
        if base.ancestors.iter().any(|ancestor| ancestor == owner) {
            let above = bound(surface, base, member).into_iter();
            return above.map(|(variable, text)| (variable, variables::replaced(&text, &own))).collect();
        }
    }
    Vec::new()
}

/// What the variables stand for that the class did not have before: `given`, or their defaults.
fn without_brackets(surface: &Surface, given: Option<&str>, old: &Class, new: &Class) -> Bound {
    let added = new.type_parameters.iter().skip(old.type_parameters.len());
    added
        .filter_map(|one| {
            let default = without_argument(surface, &one.name)?;
            Some((one.name.clone(), given.map_or(default, str::to_string)))
        })
        .collect()
}

/// What a variable stands for if no argument is given (PEP 696). None for what is no plain type variable.
fn without_argument(surface: &Surface, variable: &str) -> Option<String> {
    let variable = variables::variable(surface, variable)?;
    Some(variable.default().unwrap_or("typing.Any").to_string())
}

/// The path of a class's variable: one of PEP 695 is inside of its class.
fn path(class: &str, variable: &str) -> String {
    if variable.contains('.') { variable.to_string() } else { format!("{class}.{variable}") }
}

/// The object with these types; None for what has none.
fn with(object: &Object, bound: &Bound) -> Option<Object> {
    let is = match &object.is {
        Is::Function(function) => Is::Function(function_with(function, bound)),
        Is::Property(one) => Is::Property(attribute_with(one, bound)),
        Is::Attribute(one) => Is::Attribute(attribute_with(one, bound)),
        _ => return None,
    };
    Some(Object { file: object.file.clone(), line: object.line, is })
}

fn attribute_with(attribute: &Attribute, bound: &Bound) -> Attribute {
    let mut found = attribute.clone();
    put(&mut found.holds, &mut found.annotation, bound);
    found
}

fn function_with(function: &Function, bound: &Bound) -> Function {
    let mut found = function.clone();
    for signature in found.overloads.iter_mut().chain([&mut found.signature]) {
        let Signature { parameters, annotation, returns } = signature;
        put(returns, annotation, bound);
        for one in parameters {
            put(&mut one.takes, &mut one.annotation, bound);
        }
    }
    found
}

/// Replaces the variables; then the annotation as written says nothing.
fn put(meant: &mut Option<String>, written: &mut Option<String>, bound: &Bound) {
    let Some(text) = meant else { return };
    let replaced = variables::replaced(text, bound);
    if replaced != *text {
        *written = Some(replaced.clone());
        *text = replaced;
    }
}
