//! Names that users import: which were removed, renamed or added, and the definitions behind the others.

use super::rename;
use super::rules;
use super::signature::difference;
use super::surface::{Is, Object, Surface};
use super::{Compare, place, show};
use std::collections::{BTreeMap, HashSet};

pub(super) fn compare(compare: &mut Compare) {
    let (old, new) = (compare.old, compare.new);
    let taken = gone(compare);
    for symbol in shortest_first(old) {
        let before = &old.names[symbol];
        let Some(after) = new.names.get(symbol) else { continue };
        compare.pair(symbol, &before.to, &after.to);
        if after.typing && !before.typing {
            let at = named_at(new, symbol);
            let found = difference(&rules::TYPING_ONLY, &last(symbol), "", "");
            compare.report("", symbol, found, (named_at(old, symbol), at), (None, None));
        }
        let typed = module(old, symbol).is_some_and(|module| module.annotated) && !before.untyped;
        if after.untyped && typed {
            let at = (named_at(old, symbol), named_at(new, symbol));
            compare.report(
                "",
                symbol,
                difference(&rules::NOT_IN_STUB, &last(symbol), "", ""),
                at,
                (None, None),
            );
        }
        if !after.public && has_all(new, symbol) && new.names.contains_key(parent(symbol)) {
            let at = new.objects.get(&after.to).map(place).unwrap_or_default();
            compare.report(
                "",
                symbol,
                difference(&rules::NOT_EXPORTED, &last(symbol), "", ""),
                (String::new(), at),
                (None, None),
            );
        }
    }
    added(compare, &taken);
    packages(compare);
}

/// What concerns a package as a whole: its types, and the versions of Python that it is for.
fn packages(compare: &mut Compare) {
    let (old, new) = (compare.old, compare.new);
    for package in old.typed.iter().filter(|name| new.names.contains_key(*name) && !new.typed.contains(name))
    {
        let at = old.objects.get(package).map(place).unwrap_or_default();
        let found = difference(&rules::TYPED_REMOVED, &format!("`{package}`"), "", "");
        compare.report("", package, found, (at, String::new()), (None, None));
    }
    for (path, name) in old.names.iter().filter(|(path, name)| name.to == **path) {
        let module = |surface: &'_ Surface| match &surface.objects.get(path)?.is {
            Is::Module(module) => Some((module.stub, module.annotated)),
            _ => None,
        };
        if let (Some((true, _)), Some((false, false))) = (module(old), module(new)) {
            let at = (String::new(), new.objects.get(path).map(place).unwrap_or_default());
            let found = difference(&rules::STUB_REMOVED, &last(path), "", "");
            compare.report("", &name.to, found, at, (None, None));
        }
    }
    let promised = [
        (&rules::SCRIPT_REMOVED, &old.scripts, &new.scripts),
        (&rules::EXTRA_REMOVED, &old.extras, &new.extras),
    ];
    for (rule, was, is) in promised {
        let (Some(was), Some(is)) = (was, is) else { continue };
        for name in was.difference(is) {
            let found = difference(rule, &format!("`{name}`"), "", "");
            compare.report("", name, found, ("pyproject.toml".into(), String::new()), (None, None));
        }
    }
    let dropped: Vec<String> =
        old.pythons.iter().filter(|v| !new.pythons.contains(v)).map(|v| format!("3.{v}")).collect();
    if !dropped.is_empty() && !new.names.is_empty() {
        let text = |python: &Option<String>| python.as_ref().map_or("not set".into(), |p| format!("`{p}`"));
        let found =
            difference(&rules::PYTHON_DROPPED, &dropped.join(", "), &text(&old.python), &text(&new.python));
        compare.report("", "requires-python", found, (String::new(), "pyproject.toml".into()), (None, None));
    }
}

/// Public names sorted by their number of modules, so that each definition is reported under its shortest
/// name.
fn shortest_first(surface: &Surface) -> Vec<&str> {
    let counts =
        |path: &str| surface.names[path].public && (has_all(surface, path) || !incidental(surface, path));
    let mut names: Vec<&str> = surface.names.keys().map(String::as_str).filter(|path| counts(path)).collect();
    names.sort_by_key(|path| (path.matches('.').count(), *path));
    names
}

/// Names that a module defines for its own use but rarely hides: type variables and its logger. They are
/// public only if they are in `__all__`.
fn incidental(surface: &Surface, path: &str) -> bool {
    let makers = [
        "typing.TypeVar(",
        "typing.ParamSpec(",
        "typing.TypeVarTuple(",
        "typing_extensions.TypeVar(",
        "logging.getLogger(",
    ];
    match surface.objects.get(&surface.names[path].to).map(|object| &object.is) {
        Some(Is::Attribute(attribute)) => {
            attribute.means.as_ref().is_some_and(|m| makers.iter().any(|maker| m.starts_with(maker)))
        }
        _ => false,
    }
}

fn parent(symbol: &str) -> &str {
    symbol.rsplit_once('.').map_or("", |(parent, _)| parent)
}

fn last(symbol: &str) -> String {
    format!("`{}`", symbol.rsplit('.').next().unwrap_or(symbol))
}

fn module<'a>(surface: &'a Surface, symbol: &str) -> Option<&'a super::surface::Module> {
    let to = &surface.names.get(parent(symbol))?.to;
    match &surface.objects.get(to)?.is {
        Is::Module(module) => Some(module),
        _ => None,
    }
}

fn is_module(surface: &Surface, path: &str) -> bool {
    let object = surface.names.get(path).and_then(|name| surface.objects.get(&name.to));
    object.is_some_and(|object| matches!(object.is, Is::Module(_)))
}

fn has_all(surface: &Surface, symbol: &str) -> bool {
    module(surface, symbol).is_some_and(|module| module.all)
}

/// Reports removed names. Returns the new names that are renamed old ones.
fn gone<'a>(compare: &mut Compare<'a>) -> HashSet<String> {
    let (old, new) = (compare.old, compare.new);
    let missing = |path: &str| !new.names.contains_key(path);
    let mut definitions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for symbol in shortest_first(old) {
        // The removal of a module includes its names.
        let within = std::iter::successors(Some(parent(symbol)), |path| Some(parent(path)))
            .take_while(|path| !path.is_empty());
        if missing(symbol) && !within.into_iter().any(|path| is_module(old, path) && !is_module(new, path)) {
            definitions.entry(&old.names[symbol].to).or_default().push(symbol);
        }
    }
    let mut taken = HashSet::new();
    for (definition, symbols) in definitions {
        let still =
            shortest_first(old).into_iter().find(|path| old.names[*path].to == definition && !missing(path));
        match still {
            Some(still) => symbols.iter().for_each(|symbol| re_export(compare, symbol, still)),
            None => removed(compare, definition, &symbols, &mut taken),
        }
    }
    taken
}

/// Whether a path has the parts of a pattern with `*`, in their order.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            path.char_indices().map(|(i, _)| i).chain([path.len()]).any(|i| matches(rest, &path[i..]))
        }),
    }
}

fn named_at(surface: &Surface, symbol: &str) -> String {
    let name = &surface.names[symbol];
    match (&name.file, name.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => surface.objects.get(&name.to).map(place).unwrap_or_default(),
    }
}

fn re_export(compare: &mut Compare, symbol: &str, still: &str) {
    if module(compare.new, symbol).is_some_and(|module| module.lazy) {
        return;
    }
    let old = named_at(compare.old, symbol);
    let found = difference(&rules::RE_EXPORT_REMOVED, &last(symbol), "", &format!("`{still}`"));
    compare.report("", symbol, found, (old, String::new()), (None, None));
}

fn removed<'a>(
    compare: &mut Compare<'a>,
    definition: &'a str,
    symbols: &[&str],
    taken: &mut HashSet<String>,
) {
    let (old, new) = (compare.old, compare.new);
    let symbol = symbols[0];
    let Some(object) = old.objects.get(definition) else {
        if definition == symbol {
            // Its module's `__getattr__` gave it.
            let lazy = module(new, symbol).is_some_and(|module| module.lazy);
            let (rule, from) = match lazy {
                true => (&rules::MAYBE_REMOVED, "the module's `__getattr__`"),
                false => (&rules::REMOVED, ""),
            };
            let found = difference(rule, &last(symbol), "", from);
            let at = (named_at(old, symbol), String::new());
            return compare.report("attribute", symbol, found, at, (None, None));
        }
        // A re-export from another package. `import *` may still bring it.
        if module(new, symbol).is_some_and(|module| module.lazy) {
            return;
        }
        let found = difference(&rules::RE_EXPORT_REMOVED, &last(symbol), "", &format!("`{definition}`"));
        return compare.report("", symbol, found, (named_at(old, symbol), String::new()), (None, None));
    };
    let kind = object.is.word();
    if new.placed.iter().any(|pattern| matches(pattern, symbol)) {
        let found = difference(&rules::MAYBE_REMOVED, &last(symbol), "", "`sys.modules`");
        let at = (place(object), String::new());
        return compare.report(kind, symbol, found, at, (None, None));
    }
    if module(new, symbol).is_some_and(|module| module.lazy) {
        let found = difference(
            &rules::MAYBE_REMOVED,
            &last(symbol),
            "",
            "the module's `__getattr__`, a wildcard import or code that adds names",
        );
        return compare.report(
            kind,
            symbol,
            found,
            (place(object), String::new()),
            (show(symbol, object), None),
        );
    }
    let others =
        if symbols.len() > 1 { format!(", also as `{}`", symbols[1..].join("`, `")) } else { String::new() };
    let best = new_names(old, new).filter(|path| !taken.contains(*path)).filter_map(|path| {
        let candidate = &new.objects[&new.names[path].to];
        let score = rename::score((symbol, object), (path, candidate))?;
        Some((score, path, candidate))
    });
    match best.max_by_key(|(score, path, _)| (*score, std::cmp::Reverse(path.len()))) {
        Some((_, path, candidate)) => {
            taken.insert(path.to_string());
            let shown = (show(symbol, object), show(path, candidate));
            let at = (place(object), place(candidate));
            if matches!(object.is, Is::Class(_)) {
                compare.same_class(definition, &new.names[path].to);
            }
            let moved = last(path) == last(symbol);
            let found = if moved {
                difference(&rules::REMOVED, &last(symbol), "", &format!("{others}; it is now `{path}`"))
            } else {
                difference(&rules::RENAMED, &last(symbol), "", &format!("{}{others}", last(path)))
            };
            compare.report(kind, symbol, found, at, shown);
        }
        None => {
            let found = difference(&rules::REMOVED, &last(symbol), "", &others);
            compare.report(kind, symbol, found, (place(object), String::new()), (show(symbol, object), None));
        }
    }
}

/// Public names of the new surface whose definitions had no name in the old one.
fn new_names<'a>(old: &'a Surface, new: &'a Surface) -> impl Iterator<Item = &'a str> {
    let known: HashSet<&str> = old
        .names
        .keys()
        .filter_map(|path| new.names.get(path))
        .map(|name| name.to.as_str())
        .chain(old.names.values().filter(|n| n.public).map(|n| n.to.as_str()))
        .collect();
    let is_new = move |path: &&str| {
        let to = &new.names[*path].to;
        !old.names.contains_key(*path)
            && new.objects.contains_key(to)
            && (!known.contains(to.as_str()) || !old.objects.contains_key(to))
    };
    shortest_first(new).into_iter().filter(is_new)
}

fn added(compare: &mut Compare, taken: &HashSet<String>) {
    let (old, new) = (compare.old, compare.new);
    let mut told: HashSet<&str> = taken.iter().map(|path| new.names[path].to.as_str()).collect();
    for symbol in new_names(old, new) {
        let name = &new.names[symbol];
        let object: &Object = &new.objects[&name.to];
        let with_module = new.names.get(parent(symbol)).is_some_and(|name| name.public)
            && !old.names.contains_key(parent(symbol));
        if with_module || !told.insert(&name.to) {
            continue;
        }
        let found = difference(&rules::ADDED, &last(symbol), "", "");
        compare.report(
            object.is.word(),
            symbol,
            found,
            (String::new(), place(object)),
            (None, show(symbol, object)),
        );
    }
}
