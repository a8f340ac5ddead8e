//! Classes: changes for callers of the constructor, for subclasses and for users of the members.

use super::rules;
use super::signature::{self, difference};
use super::surface::{Class, Is, Kind, Model, Object, Parameter, Signature, Surface};
use super::types::{self, Answer, Type};
use super::{Compare, Pair, fields, functions, inherited, nature, place, rename, show, values};

/// Bases that determine how a class is constructed; other rules compare that.
const SILENT_BASES: &[&str] = &[
    "object",
    "abc.ABC",
    "typing.Generic",
    "typing.Protocol",
    "typing_extensions.Protocol",
    "typing.NamedTuple",
    "typing_extensions.NamedTuple",
    "collections.namedtuple",
    "typing.TypedDict",
    "typing_extensions.TypedDict",
];

const ORDER: [&str; 4] = ["__lt__", "__le__", "__gt__", "__ge__"];
/// Special methods, and what Python calls if a class lacks them.
const STAND_INS: [(&str, &str); 4] = [
    ("__contains__", "__iter__"),
    ("__contains__", "__getitem__"),
    ("__iter__", "__getitem__"),
    ("__reversed__", "__getitem__"),
];

pub(super) fn compare<'a>(compare: &mut Compare<'a>, pair: Pair<'a>, old: &'a Class, new: &'a Class) {
    bases(compare, &pair, old, new);
    nature::compare(compare, &pair, old, new);
    abstracts(compare, &pair, old, new);
    let same_model = old.model == new.model && old.model.is_some();
    if same_model {
        fields::compare(compare, &pair, old, new);
    }
    constructor(compare, &pair, old, new);
    subclassing(compare, &pair, old, new);
    members(compare, &pair, old, new, same_model);
    untyped(compare, &pair, old, new);
}

fn bases(compare: &mut Compare, pair: &Pair, old: &Class, new: &Class) {
    for base in &old.ancestors {
        let outside = !compare.old.objects.contains_key(base);
        let public = compare.old.names.values().any(|name| name.public && name.to == *base);
        if SILENT_BASES.contains(&base.as_str()) || !(outside || public) {
            continue;
        }
        let is_base = |now: &String| {
            let now = compare.moved.get(now.as_str()).copied().unwrap_or(now);
            compare
                .classes
                .fits(&Type::Name(types::name(now), vec![]), &Type::Name(types::name(base), vec![]))
        };
        // The ancestors that its own ancestors have elsewhere are listed too.
        let elsewhere = |now: &&String| !compare.new.objects.contains_key(*now);
        let is_another = || new.ancestors.iter().filter(elsewhere).all(|now| is_base(now) == Answer::No);
        let rule = match new.ancestors.iter().map(is_base).fold(Answer::No, Answer::or) {
            Answer::Yes => continue,
            _ if is_exception(compare, base) && is_another() => &rules::BASE_REMOVED,
            // An unknown base may have it as an ancestor.
            _ if new.unknown => &rules::BASE_MAYBE,
            _ => &rules::BASE_REMOVED,
        };
        compare.add(pair.clone(), difference(rule, "", &format!("`{base}`"), ""));
    }
}

/// Nothing but its ancestors makes a class an exception, unlike the abstract classes of collections.
fn is_exception(compare: &Compare, class: &str) -> bool {
    let name = |path: &str| Type::Name(types::name(path), vec![]);
    compare.classes.fits(&name(class), &name("BaseException")) == Answer::Yes
}

fn abstracts(compare: &mut Compare, pair: &Pair, old: &Class, new: &Class) {
    if new.protocol {
        let added: Vec<&String> = if old.protocol {
            new.members.keys().filter(|name| !old.members.contains_key(*name)).collect()
        } else {
            vec![]
        };
        for name in added {
            compare.add(pair.clone(), difference(&rules::PROTOCOL_ADDED, "", "", &format!("`{name}`")));
        }
        return;
    }
    if !new.enforced || new.abstract_members.is_empty() {
        return;
    }
    let was_abstract = old.enforced && !old.abstract_members.is_empty();
    for name in new.abstract_members.iter().filter(|name| !old.abstract_members.contains(name)) {
        let rule = if was_abstract { &rules::ABSTRACT_ADDED } else { &rules::ABSTRACT };
        compare.add(pair.clone(), difference(rule, "", "", &format!("`{name}`")));
    }
    if !was_abstract && new.abstract_members.iter().all(|name| old.abstract_members.contains(name)) {
        compare.add(
            pair.clone(),
            difference(&rules::ABSTRACT, "", "", &format!("`{}`", new.abstract_members.join("`, `"))),
        );
    }
}

fn constructor<'a>(compare: &mut Compare<'a>, pair: &Pair<'a>, old: &'a Class, new: &'a Class) {
    if old.model.is_some() && old.model == new.model && old.constructor.is_none() && new.constructor.is_none()
    {
        return;
    }
    if let (Some(before), Some(after)) = (&old.constructor, &new.constructor) {
        let symbol = format!("{}.__init__", pair.symbol);
        if !inherited::compare(compare, &symbol, (old, before), (new, after)) {
            compare.pair(&symbol, before, after);
        }
        return;
    }
    let (before, after) = (constructor_of(compare.old, old), constructor_of(compare.new, new));
    match (before, after) {
        (Some(before), Some(after)) => {
            for found in signature::parameters(compare, &before, &after) {
                compare.add(pair.clone(), found);
            }
        }
        (Some(before), None) if !before.parameters.is_empty() => {
            compare.add(pair.clone(), difference(&rules::CONSTRUCTOR_MAYBE, "", "", ""))
        }
        _ => {}
    }
}

/// The keywords of a subclass: `class A(Base, name="a")`.
fn subclassing<'a>(compare: &mut Compare<'a>, pair: &Pair<'a>, old: &'a Class, new: &'a Class) {
    let symbol = format!("{}.__init_subclass__", pair.symbol);
    match (&old.subclassed, &new.subclassed) {
        (Some(before), Some(after)) => compare.pair(&symbol, before, after),
        (None, Some(after)) => {
            let Some(function) = compare.new.function(after) else { return };
            let asked = signature::called(function, &function.signature);
            for found in signature::parameters(compare, &Signature::default(), &asked) {
                compare.add(pair.clone(), found);
            }
        }
        _ => {}
    }
}

/// The parameters of the class's constructor. None if it is defined outside of the package.
pub(super) fn constructor_of(surface: &Surface, class: &Class) -> Option<Signature> {
    if let Some(function) = class.constructor.as_ref().and_then(|path| surface.function(path)) {
        return Some(signature::called(function, &function.signature));
    }
    if class.model.is_some() {
        let kind = |keyword_only| if keyword_only { Kind::KeywordOnly } else { Kind::Either };
        let parameter = |field: &super::surface::Field| Parameter {
            name: field.name.clone(),
            kind: kind(field.keyword_only || class.model == Some(Model::TypedDict)),
            annotation: field.annotation.clone(),
            takes: field.holds.clone(),
            default: field.default.clone().or((!field.required).then(|| "…".to_string())),
            default_value: None,
        };
        let mut parameters: Vec<Parameter> = class.fields.iter().map(parameter).collect();
        parameters.sort_by_key(|p| p.kind == Kind::KeywordOnly);
        return Some(Signature { parameters, ..Signature::default() });
    }
    let plain = class.decorators.iter().all(|d| functions::leaves_constructor(d))
        && !class.unknown
        && class.constructor.is_none()
        && class.ancestors.iter().all(|a| SILENT_BASES.contains(&a.as_str()) || surface.class(a).is_some());
    plain.then(Signature::default)
}

fn members<'a>(compare: &mut Compare<'a>, pair: &Pair<'a>, old: &'a Class, new: &'a Class, same_model: bool) {
    let (before, after) = (compare.old, compare.new);
    let is_field =
        |name: &str| same_model && old.fields.iter().chain(&new.fields).any(|field| field.name == name);
    let mut renamed = Vec::new();
    for (name, path) in old.members.iter().filter(|(name, _)| !is_field(name)) {
        let symbol = format!("{}.{name}", pair.symbol);
        match new.members.get(name) {
            Some(now) => {
                enum_value(compare, &symbol, old, (path, now));
                other_base(compare, &symbol, (old, path), (new, now));
                implemented(compare, &symbol, (old, path), (new, now));
                if !inherited::compare(compare, &symbol, (old, path), (new, now)) {
                    compare.pair(&symbol, path, now);
                }
            }
            None => {
                let Some(object) = before.objects.get(path) else { continue };
                renamed.extend(removed(compare, pair, &symbol, (object, path), old, new));
            }
        }
    }
    for (name, path) in new
        .members
        .iter()
        .filter(|(name, _)| !is_field(name) && !old.members.contains_key(*name) && !renamed.contains(name))
    {
        let Some(object) = after.objects.get(path) else { continue };
        // Reported once, at the class that defines it.
        if compare.seen.insert(("", path)) {
            let found = difference(&rules::ADDED, &format!("`{name}`"), "", "");
            compare.report(
                kind(new, object),
                &format!("{}.{name}", pair.symbol),
                found,
                (String::new(), place(object)),
                (None, show(name, object)),
            );
        }
    }
}

/// Reports members that type checkers no longer know, once, at the class that defines them.
fn untyped<'a>(compare: &mut Compare<'a>, pair: &Pair<'a>, old: &Class, new: &'a Class) {
    let known = |name: &String| old.members.contains_key(name) && !old.untyped.contains(name);
    for name in new.untyped.iter().filter(|name| old.annotated && known(name)) {
        let Some((path, object)) =
            new.members.get(name).and_then(|path| Some((path, compare.new.objects.get(path)?)))
        else {
            continue;
        };
        if compare.seen.insert(("no-longer-in-stub", path)) {
            let found = difference(&rules::NOT_IN_STUB, &format!("`{name}`"), "", "");
            let symbol = format!("{}.{name}", pair.symbol);
            compare.report("", &symbol, found, (String::new(), place(object)), (None, None));
        }
    }
}

fn kind(class: &Class, object: &Object) -> &'static str {
    match &object.is {
        Is::Attribute(_) if class.is_enum => "enum-member",
        other => other.word(),
    }
}

fn enum_value<'a>(compare: &mut Compare<'a>, symbol: &str, class: &Class, (old, new): (&'a str, &'a str)) {
    let (Some(before), Some(after)) = (compare.old.objects.get(old), compare.new.objects.get(new)) else {
        return;
    };
    let (Is::Attribute(a), Is::Attribute(b)) = (&before.is, &after.is) else { return };
    let (Some(was), Some(is)) = (&a.value, &b.value) else { return };
    if class.is_enum && !signature::same_value(was, is) && compare.seen.insert((old, new)) {
        let pair = Pair { symbol: symbol.to_string(), old: before, new: after };
        compare.add(pair, difference(&rules::ENUM_VALUE, "", was, is));
    }
}

/// Two bases have the member before and after, and the other one comes first now.
fn other_base<'a>(
    compare: &mut Compare<'a>,
    symbol: &str,
    (old_class, old): (&Class, &'a str),
    (new_class, new): (&Class, &'a str),
) {
    let name = symbol.rsplit('.').next().unwrap_or(symbol);
    let owner = |path: &'a str| path.rsplit_once('.').map_or("", |(class, _)| class);
    let (was, is) = (owner(old), owner(new));
    let has = |surface: &'a Surface, class: &Class, base: &str| {
        let path = format!("{base}.{name}");
        let object = surface.objects.get(&path)?;
        class.ancestors.iter().any(|one| one == base).then_some(object)
    };
    let both = has(compare.old, old_class, is).is_some() && has(compare.new, new_class, was).is_some();
    let (Some(before), Some(after), true) =
        (has(compare.old, old_class, was), has(compare.new, new_class, is), both && was != is)
    else {
        return;
    };
    if compare.told.insert(format!("{old} {new}")) {
        let pair = Pair { symbol: symbol.to_string(), old: before, new: after };
        compare.add(pair, difference(&rules::OTHER_BASE, "", &format!("`{was}`"), &format!("`{is}`")));
    }
}

/// An abstract method or a protocol's: others implement it, so it must not come to take more.
fn implemented<'a>(
    compare: &mut Compare<'a>,
    symbol: &str,
    (old_class, old): (&Class, &'a str),
    (new_class, new): (&Class, &'a str),
) {
    let name = symbol.rsplit('.').next().unwrap_or(symbol).to_string();
    let asked = |class: &Class| class.protocol || class.abstract_members.contains(&name);
    if !asked(old_class) || !asked(new_class) || compare.seen.contains(&(old, new)) {
        return;
    }
    let (Some(before), Some(after)) = (compare.old.objects.get(old), compare.new.objects.get(new)) else {
        return;
    };
    let found = match (&before.is, &after.is) {
        (Is::Function(a), Is::Function(b)) => functions::implemented(compare, a, b),
        (Is::Property(a) | Is::Attribute(a), Is::Property(b) | Is::Attribute(b)) => {
            values::implemented(compare, a, b).into_iter().collect()
        }
        _ => Vec::new(),
    };
    let pair = Pair { symbol: symbol.to_string(), old: before, new: after };
    found.into_iter().for_each(|one| compare.add(pair.clone(), one));
}

/// Reports a removed member. Returns the name of the member that replaced it.
fn removed<'a>(
    compare: &mut Compare<'a>,
    pair: &Pair<'a>,
    symbol: &str,
    (object, path): (&'a Object, &'a str),
    old: &Class,
    new: &'a Class,
) -> Option<&'a String> {
    let name = symbol.rsplit('.').next().unwrap_or(symbol);
    let own_class = path.rsplit_once('.').map_or("", |(class, _)| class);
    // Inherited: then it is reported at the base that had it.
    if !compare.seen.insert((path, "")) {
        return None;
    }
    // Now set by another method.
    if new.assigned.iter().any(|n| n == name) {
        if matches!(&object.is, Is::Attribute(attribute) if attribute.on_class) {
            let found = difference(&rules::INSTANCE_ONLY, "", "", "");
            compare.report("", symbol, found, (place(object), place(pair.new)), (show(symbol, object), None));
        }
        return None;
    }
    let inherited_from_base = compare.old.names.values().any(|n| n.public && n.to == own_class)
        && !std::ptr::eq(compare.old.objects.get(own_class)?, pair.old);
    if inherited_from_base
        && compare.new.names.values().any(|n| n.to == own_class)
        && new.ancestors.iter().any(|a| a == own_class)
    {
        compare.seen.remove(&(path, ""));
        return None;
    }
    // A class of Python has it, or `Generic`.
    if new.given.contains(name) || (name == "__class_getitem__" && !new.type_parameters.is_empty()) {
        return None;
    }
    // Its decorator writes it.
    let ordered = new.decorators.iter().any(|one| one == "functools.total_ordering");
    if ordered && ORDER.contains(&name) && ORDER.iter().any(|one| new.members.contains_key(*one)) {
        return None;
    }
    // Python does with the other method what this one did.
    let other = STAND_INS.iter().find(|(one, by)| *one == name && new.members.contains_key(*by));
    if let Some((_, by)) = other {
        let found = difference(&rules::MAYBE_REMOVED, &format!("`{name}`"), "", &format!("`{by}`"));
        compare.report(kind(old, object), symbol, found, (place(object), String::new()), (None, None));
        return None;
    }
    let special = name.starts_with("__");
    let outside = new
        .ancestors
        .iter()
        .any(|a| !compare.new.objects.contains_key(a) && !SILENT_BASES.contains(&a.as_str()));
    let given = special && (outside || new.model.is_some() || ["__eq__", "__ne__"].contains(&name));
    let word = kind(old, object);
    // No base of an enum has members of it.
    let of_enum = old.is_enum && new.is_enum && matches!(object.is, Is::Attribute(_)) && !new.dynamic;
    // Nor do instances give anything to a class.
    let of_instances = !matches!(&object.is, Is::Function(f) if f.binding != "instance");
    let dynamic = new.dynamic && of_instances;
    if (new.unknown || dynamic || given) && !of_enum {
        let from = if dynamic { "`__getattr__` or `setattr`" } else { "a base class" };
        let found = difference(&rules::MAYBE_REMOVED, &format!("`{name}`"), "", from);
        compare.report(word, symbol, found, (place(object), String::new()), (show(symbol, object), None));
        return None;
    }
    let candidates = new.members.iter().filter(|(name, _)| !old.members.contains_key(*name)).filter_map(
        |(other, path)| {
            let candidate = compare.new.objects.get(path)?;
            let score = rename::score((symbol, object), (&format!("{}.{other}", pair.symbol), candidate))?;
            Some((score, other, candidate))
        },
    );
    match candidates.max_by_key(|(score, ..)| *score) {
        Some((_, other, candidate)) => {
            let found = difference(&rules::RENAMED, &format!("`{name}`"), "", &format!("`{other}`"));
            compare.report(
                word,
                symbol,
                found,
                (place(object), place(candidate)),
                (show(symbol, object), show(other, candidate)),
            );
            Some(other)
        }
        None => {
            let found = difference(&rules::REMOVED, &format!("`{name}`"), "", "");
            compare.report(word, symbol, found, (place(object), String::new()), (show(symbol, object), None));
            None
        }
    }
}
