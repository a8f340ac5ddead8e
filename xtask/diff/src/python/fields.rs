//! Fields of models: dataclasses, attrs, named tuples, TypedDicts, pydantic models and msgspec structs. They
//! are read as attributes, and passed to the constructor by position or by name.

use super::rename;
use super::rules::{self, Rule};
use super::signature::{self, Difference, difference};
use super::surface::{Class, Field, Model};
use super::types::Answer;
use super::{Compare, Pair, inherited, place, variables};

pub(super) fn compare<'a>(compare: &mut Compare<'a>, pair: &Pair<'a>, old: &'a Class, new: &'a Class) {
    let Some(model) = old.model else { return };
    // With an explicit constructor, the fields are not its parameters: constructors are compared as such.
    let generated = old.constructor.is_none() && new.constructor.is_none();
    let (before, after) = (compare.old, compare.new);
    let mut renamed: Vec<&str> = Vec::new();
    for (i, field) in old.fields.iter().enumerate().filter(|(_, f)| !f.name.starts_with('_')) {
        match new.fields.iter().find(|f| f.name == field.name) {
            Some(now) => {
                let field = &inherited::field(before, old, None, field);
                let now = &inherited::field(after, new, Some(old), now);
                for found in kept(compare, (model, generated), field, now, old.frozen || new.frozen) {
                    at(compare, pair, field, Some(now), found);
                }
            }
            None if !generated && new.members.contains_key(&field.name) => {
                let symbol = format!("{}.{}", pair.symbol, field.name);
                if let Some(before) = old.members.get(&field.name) {
                    compare.pair(&symbol, before, &new.members[&field.name]);
                }
            }
            None => {
                let heir = new
                    .fields
                    .get(i)
                    .filter(|f| f.holds == field.holds && f.required == field.required && !has(old, &f.name))
                    .filter(|f| rename::may_be_renamed(field.required, &field.name, &f.name));
                let mut found = match heir {
                    Some(heir) => difference(&rules::FIELD_RENAMED, &field.name, "", &heir.name),
                    None => difference(&rules::FIELD_REMOVED, &field.name, "", ""),
                };
                renamed.extend(heir.map(|heir| heir.name.as_str()));
                found.doubt = new.unknown;
                at(compare, pair, field, heir, found);
            }
        }
    }
    for field in new.fields.iter().filter(|f| !has(old, &f.name) && !renamed.contains(&f.name.as_str())) {
        let found = difference(added(model, generated, field), &field.name, "", "");
        at(compare, pair, field, Some(field), found);
    }
    let left_out =
        |name: &&String| !new.computed.contains(name) && !has(new, name) && new.members.contains_key(*name);
    for name in old.computed.iter().filter(left_out) {
        compare.add(pair.clone(), difference(&rules::FIELD_EXCLUDED, name, "", ""));
    }
    if let Some(found) = order(model, old, new, &renamed).filter(|_| generated) {
        compare.add(pair.clone(), found);
    }
}

fn has(class: &Class, name: &str) -> bool {
    class.fields.iter().any(|f| f.name == name)
}

/// A field's change is reported at the field's line.
fn at(compare: &mut Compare, pair: &Pair, old: &Field, new: Option<&Field>, found: Difference) {
    let line = |field: &Field| format!("{}:{}", field.file, field.line);
    let shown = |field: &Field| {
        let default = field.default.as_ref().map(|d| format!(" = {d}")).unwrap_or_default();
        Some(format!("{}: {}{default}", field.name, field.annotation.clone().unwrap_or_default()))
    };
    let is_new = new.is_some_and(|new| std::ptr::eq(new, old));
    let old_place = if is_new { String::new() } else { line(old) };
    let place = new.map(line).unwrap_or_else(|| place(pair.new));
    let was = if is_new { None } else { shown(old) };
    compare.report("field", &pair.symbol, found, (old_place, place), (was, new.and_then(shown)));
}

fn added(model: Model, generated: bool, field: &Field) -> &'static Rule {
    match (model, field.required) {
        (Model::NamedTuple, false) => &rules::ITEM_ADDED,
        (_, true) if generated && !field.name.starts_with('_') => &rules::FIELD_REQUIRED_NEW,
        _ => &rules::FIELD_ADDED,
    }
}

fn kept(
    compare: &Compare,
    (model, generated): (Model, bool),
    old: &Field,
    new: &Field,
    frozen: bool,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let name = &old.name;
    match (old.required, new.required) {
        (false, true) if generated => found.push(difference(&rules::FIELD_REQUIRED, name, "", "")),
        (true, false) if model == Model::TypedDict => {
            found.push(difference(&rules::KEY_OPTIONAL, name, "", ""))
        }
        _ => {}
    }
    if new.keyword_only && !old.keyword_only && generated {
        found.push(difference(&rules::FIELD_KEYWORD_ONLY, name, "", ""));
    }
    let wrapped = |field: &Field, by: &str| field.holds.as_ref().is_some_and(|holds| holds.contains(by));
    let became = |by: &str| wrapped(new, by) && !wrapped(old, by);
    if became("dataclasses.InitVar[") {
        found.push(difference(&rules::FIELD_INIT_ONLY, name, "", ""));
    }
    if became("ReadOnly[") && model == Model::TypedDict {
        found.push(difference(&rules::KEY_READ_ONLY, name, "", ""));
    }
    if old.alias != new.alias {
        let outside = |field: &Field| format!("`{}`", field.alias.as_ref().unwrap_or(name));
        found.push(difference(&rules::FIELD_ALIAS, name, &outside(old), &outside(new)));
    }
    found.extend(limits(old, new).filter(|_| generated));
    if new.checked && !old.checked && generated {
        found.push(difference(&rules::FIELD_CHECKED, name, "", ""));
    }
    if new.fixed && !old.fixed && !frozen {
        found.push(difference(&rules::FIELD_FIXED, name, "", ""));
    }
    if new.excluded && !old.excluded {
        found.push(difference(&rules::FIELD_EXCLUDED, name, "", ""));
    }
    found.extend(tagged(compare, old, new));
    let (was, is) = (old.annotation.as_deref(), new.annotation.as_deref());
    found.extend(written(compare, (&rules::FIELD_WRITTEN, name), (&old.written, was), (&new.written, is)));
    if let (Some(was), Some(is)) = (&old.default, &new.default)
        && !signature::same_value(was, is)
    {
        found.push(difference(&rules::FIELD_DEFAULT, name, was, is));
    }
    if let (Some(before), Some(after)) = (&old.holds, &new.holds) {
        let after = &compare.with_old_variable(before, after);
        let rule = match (compare.fits_old(before, after), compare.fits_new(before, after)) {
            (Answer::Yes, Answer::Yes) => None,
            (Answer::No, _) | (_, Answer::No) => Some(&rules::FIELD_RETYPED),
            _ => Some(&rules::FIELD_MAYBE_RETYPED),
        };
        let (was, is) = compare.shown((old.annotation.as_ref(), new.annotation.as_ref()), (before, after));
        found.extend(rule.map(|rule| difference(rule, name, &was, &is)));
    }
    found
}

/// The key by which a union's models are told apart now, if one of them had a default for it: then its input
/// could leave the key out.
fn tagged(compare: &Compare, old: &Field, new: &Field) -> Option<Difference> {
    let key = new.discriminator.as_deref().filter(|_| old.discriminator.is_none())?;
    let mut models = variables::words(old.holds.as_deref()?).filter_map(|word| compare.old.class(word));
    let optional = |one: &Class| one.fields.iter().any(|f| f.name == key && !f.required);
    models.any(optional).then(|| difference(&rules::FIELD_TAGGED, &old.name, "", key))
}

/// What a method returns that writes a field or a model, before and after; without one, it is as annotated.
pub(super) fn written(
    compare: &Compare,
    (rule, what): (&'static Rule, &str),
    (old, was): (&Option<String>, Option<&str>),
    (new, is): (&Option<String>, Option<&str>),
) -> Option<Difference> {
    let same = match (old, new) {
        (Some(before), Some(after)) => compare.fits_old(before, after) != Answer::No,
        (before, after) => before == after,
    };
    let shown = |written: &Option<String>, annotation: Option<&str>| match written.as_deref() {
        None => annotation.unwrap_or("as annotated").to_string(),
        Some("typing.Any") => "what a method returns".to_string(),
        Some(text) => compare.old_type(text).to_string(),
    };
    (!same).then(|| difference(rule, what, &shown(old, was), &shown(new, is)))
}

/// The first limit that refuses values which were taken.
fn limits(old: &Field, new: &Field) -> Option<Difference> {
    const LEAST: &[&str] = &["ge", "gt", "min_length"];
    const MOST: &[&str] = &["le", "lt", "max_length"];
    let number = |text: &String| text.parse::<f64>().ok();
    let narrower = |key: &str, is: &String| {
        let side = [LEAST, MOST].into_iter().find(|side| side.contains(&key));
        let before = old.limits.iter().find(|(known, _)| side.is_some_and(|s| s.contains(&known.as_str())));
        match (before, side) {
            (Some((known, was)), Some(side)) => {
                let (Some(was), Some(is)) = (number(was), number(is)) else { return false };
                let tighter = if side == LEAST { is > was } else { is < was };
                tighter || (is == was && known.ends_with('e') && key.ends_with('t'))
            }
            (None, Some(_)) => true,
            (_, None) => !old.limits.contains_key(key),
        }
    };
    new.limits.iter().find(|(key, is)| narrower(key, is))?;
    let text = |field: &Field| {
        let all: Vec<String> = field.limits.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if all.is_empty() { "nothing".to_string() } else { all.join(", ") }
    };
    Some(difference(&rules::FIELD_LIMIT, &old.name, &text(old), &text(new)))
}

/// Positional fields: the old ones must still come first, in the same order.
fn order(model: Model, old: &Class, new: &Class, renamed: &[&str]) -> Option<Difference> {
    if !matches!(model, Model::Dataclass | Model::NamedTuple | Model::Attrs | Model::Msgspec) {
        return None;
    }
    let names = |class: &Class| {
        class.fields.iter().filter(|f| !f.keyword_only).map(|f| f.name.clone()).collect::<Vec<_>>()
    };
    let before: Vec<String> = names(old).into_iter().filter(|name| names(new).contains(name)).collect();
    let after: Vec<String> =
        names(new).into_iter().filter(|name| !renamed.contains(&name.as_str())).collect();
    // A required field in between is already reported.
    let told = |name: &String| new.fields.iter().any(|f| f.name == *name && f.required && !has(old, name));
    let shown: Vec<String> = after.iter().filter(|name| !told(name)).cloned().collect();
    (!shown.starts_with(&before))
        .then(|| difference(&rules::FIELDS_REORDERED, "", &names(old).join(", "), &names(new).join(", ")))
}
