//! One change of a public API, in any language: the result of a comparison, which gates and reports show.

use crate::finding::{Finding, Level};

/// One thing that changed for users of the package.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: String,
    pub level: Level,
    /// What users import: `demo.adapters.Adapter.send`.
    pub symbol: String,
    pub message: String,
    /// Who is broken; empty if nobody is.
    pub whom: &'static str,
    /// `file:line` in the new version; for something removed, in the old version.
    pub place: String,
    pub old_place: String,
    /// The old and new signature, if there is one.
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Change {
    /// The change as a finding.
    pub fn finding(&self) -> Finding {
        let mut message = format!("{}: {}", self.symbol, self.message);
        match (&self.was, &self.is) {
            (Some(was), Some(is)) if was != is => message.push_str(&format!("; was `{was}`, is `{is}`")),
            (Some(was), None) => message.push_str(&format!("; was `{was}`")),
            _ => {}
        }
        if !self.whom.is_empty() {
            message.push_str(&format!("; breaks {}", self.whom));
        }
        // Leaked: there are few of these ids, and they are needed until the process ends.
        let finding = Finding::new(self.id.clone().leak(), self.level, message).place(self.where_());
        Finding { help: self.help(), ..finding }
    }

    /// What its author can do, or that nobody must do anything.
    fn help(&self) -> Option<String> {
        let ends = |words: &[&str]| words.iter().any(|word| self.id.ends_with(word));
        let starts = |words: &[&str]| words.iter().any(|word| self.id.starts_with(word));
        let instead = match self.level {
            Level::Info => return Some("users need not change anything".to_string()),
            _ if crate::ts::help(&self.id).is_some() => crate::ts::help(&self.id).unwrap_or_default(),
            Level::Warning => "check whether users depend on it",
            _ if starts(&["parameter", "args", "kwargs", "option", "rest", "overload", "constructor"]) => {
                "keep accepting the calls that worked"
            }
            _ if ends(&["-removed", "-moved"]) => "restore it, deprecated, until the next major version",
            _ if ends(&["-renamed"]) => "keep the old name as an alias until the next major version",
            _ if ends(&["-added-required", "-became-required"]) => "make it optional",
            _ if ends(&["-narrowed"]) => "accept what was accepted before",
            _ if ends(&["-widened"]) => "return only what was returned before",
            _ => "restore what worked",
        };
        Some(format!("{instead}, or declare the break in a commit: `feat!: …`"))
    }

    /// The place in the new version, and also in the old one if it differs.
    pub fn where_(&self) -> String {
        match (self.place.is_empty(), self.place == self.old_place || self.old_place.is_empty()) {
            (true, _) => self.old_place.clone(),
            (_, true) => self.place.clone(),
            _ => format!("{} (was {})", self.place, self.old_place),
        }
    }
}

/// What tells two changes of one symbol apart. What a removed name may be called now is a guess, and differs.
fn kind(change: &Change) -> (&str, &str) {
    let gone = change.id.strip_suffix("-removed").or_else(|| change.id.strip_suffix("-renamed"));
    match gone {
        Some(kind) => (kind, change.message.split('`').nth(1).unwrap_or_default()),
        None => (&change.id, &change.message),
    }
}

/// The changes that were found in several environments, each once. What the first environment does not have
/// names the ones that do.
pub fn merged(found: Vec<(String, Vec<Change>)>) -> Vec<Change> {
    let mut all: Vec<(Change, Vec<String>)> = Vec::new();
    for (place, changes) in found {
        for change in changes {
            let same = |other: &Change| other.symbol == change.symbol && kind(other) == kind(&change);
            match all.iter_mut().find(|(other, _)| same(other)) {
                Some((_, places)) if places.is_empty() => {}
                Some((_, places)) => places.push(place.clone()),
                None if place.is_empty() => all.push((change, Vec::new())),
                None => all.push((change, vec![place.clone()])),
            }
        }
    }
    let mut changes: Vec<Change> = all
        .into_iter()
        .map(|(change, places)| match places.is_empty() {
            true => change,
            false => {
                Change { message: format!("{} (only on {})", change.message, places.join(", ")), ..change }
            }
        })
        .collect();
    changes.sort_by(|a, b| (b.level, &a.symbol).cmp(&(a.level, &b.symbol)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn change(id: &str, level: Level) -> Change {
        let text = |text: &str| text.to_string();
        Change {
            id: text(id),
            level,
            symbol: text("a.f"),
            message: text("it changed"),
            whom: "",
            place: text("a.py:2"),
            old_place: text("a.py:1"),
            was: None,
            is: None,
        }
    }

    #[test]
    fn a_finding_says_what_was_and_what_is() {
        let signature = |text: Option<&str>| text.map(str::to_string);
        for (was, is, whom, expected) in [
            (None, None, "", "a.f: it changed"),
            (Some("f(a)"), Some("f()"), "callers", "a.f: it changed; was `f(a)`, is `f()`; breaks callers"),
            (Some("f(a)"), Some("f(a)"), "", "a.f: it changed"),
            (Some("f(a)"), None, "", "a.f: it changed; was `f(a)`"),
            (None, Some("f(a)"), "", "a.f: it changed"),
        ] {
            let (was, is) = (signature(was), signature(is));
            let finding = Change { was, is, whom, ..change("id", Level::Warning) }.finding();
            assert_eq!(finding.message, expected);
        }
    }

    #[test]
    fn a_change_is_at_its_new_place_and_the_old_one_if_that_differs() {
        for (new, old, expected) in [
            ("a.py:2", "a.py:1", "a.py:2 (was a.py:1)"),
            ("a.py:2", "a.py:2", "a.py:2"),
            ("a.py:2", "", "a.py:2"),
            ("", "a.py:1", "a.py:1"),
        ] {
            let (place, old_place) = (new.to_string(), old.to_string());
            assert_eq!(Change { place, old_place, ..change("id", Level::Info) }.where_(), expected);
        }
    }

    #[test]
    fn every_kind_of_change_has_its_help() {
        let mut told = String::new();
        let rules = crate::ts::ALL.iter().map(|rule| (rule.id, rule.level));
        let more = ["class-renamed", "field-added-required", "attribute-narrowed", "return-type-widened"];
        for (id, level) in rules.chain(more.map(|id| (id, Level::Breaking))) {
            let help = change(id, level).finding().help.unwrap_or_default();
            let help = help.strip_suffix(", or declare the break in a commit: `feat!: …`").unwrap_or(&help);
            told.push_str(&format!("{id}: {help}\n"));
        }
        expect![[r#"
            entry-removed: restore it, deprecated, until the next major version
            entry-renamed: keep the old name as an alias until the next major version
            entry-maybe-removed: keep the key in `exports`, or tell importers what replaces it
            entry-added: users need not change anything
            condition-removed: restore it, deprecated, until the next major version
            condition-maybe-removed: keep the key in `exports`, or tell importers what replaces it
            require-maybe-refused: add `require` or `default` to `exports`
            condition-falls-back: keep the key in `exports`, or tell importers what replaces it
            became-es-module: give `require` a `.cjs` file
            became-commonjs: give `import` a `.mjs` file
            engines-raised: support that Node until the next major version
            peer-required: make it optional in `peerDependenciesMeta`, or a dependency
            peer-narrowed: allow what was allowed before
            platform-refused: allow what was allowed before
            command-removed: restore it, deprecated, until the next major version
            dependency-removed: keep the package in `dependencies` or `peerDependencies`
            main-removed: keep the field until the next major version
            field-removed: keep the field until the next major version
            side-effects-dropped: list the files that do something when they are imported
            types-removed: let the build write the declaration files
            exports-sealed: add the files that users import to `exports`
            old-declarations-broken: check by hand what changed, and release the repair
            declarations-missing: let the build write the declaration files
            dependency-types-missing: add the package, or its `@types`, to `dependencies`
            {kind}-removed: restore it, deprecated, until the next major version
            {kind}-renamed: keep the old name as an alias until the next major version
            {kind}-moved: restore it, deprecated, until the next major version
            {kind}-ambiguous: export the name itself: `export { name } from "…"`
            {kind}-added: users need not change anything
            deprecated: users need not change anything
            no-longer-a-value: restore what worked
            no-longer-a-type: restore what worked
            no-longer-extendable: restore what worked
            kind-changed: restore what worked
            kind-maybe-changed: check whether users depend on it
            parameter-removed: keep accepting the calls that worked
            rest-parameter-removed: keep accepting the calls that worked
            parameter-added-required: keep accepting the calls that worked
            parameter-inserted: keep accepting the calls that worked
            parameter-became-required: keep accepting the calls that worked
            parameter-type-narrowed: keep accepting the calls that worked
            parameters-reordered: check whether users depend on it
            option-removed: keep accepting the calls that worked
            return-type-widened: return only what was returned before
            became-async: restore what worked
            maybe-became-async: check whether users depend on it
            became-sync: restore what worked
            type-predicate-changed: restore what worked
            signature-changed: restore what worked
            overload-removed: keep accepting the calls that worked
            overload-changed: keep accepting the calls that worked
            overload-order: keep the old order of the overloads
            implementation-no-longer-fits: restore what worked
            implementation-gets-more: check whether users depend on it
            type-parameters-changed: restore what worked
            type-parameters-reordered: check whether users depend on it
            type-parameter-narrowed: accept what was accepted before
            type-parameter-default-changed: keep the old default
            type-parameter-const-changed: check whether users depend on it
            type-widened: return only what was returned before
            type-narrowed: accept what was accepted before
            type-changed: restore what worked
            type-maybe-changed: check whether users depend on it
            constant-type-changed: restore what worked
            constant-changed: users need not change anything
            member-removed: restore it, deprecated, until the next major version
            member-renamed: keep the old name as an alias until the next major version
            member-added: users need not change anything
            member-added-required: make it optional
            member-became-required: make it optional
            member-became-optional: restore what worked
            member-became-readonly: restore what worked
            member-type-widened: return only what was returned before
            member-type-narrowed: accept what was accepted before
            member-type-changed: restore what worked
            member-takes-less: check whether users depend on it
            setter-takes-less: restore what worked
            base-removed: keep the base class
            class-became-abstract: restore what worked
            class-became-nominal: check whether users depend on it
            constructor-became-private: keep accepting the calls that worked
            constructor-became-protected: keep accepting the calls that worked
            abstract-member-added: restore what worked
            member-became-abstract: restore what worked
            member-became-protected: restore what worked
            member-became-private: restore what worked
            member-became-static: restore what worked
            member-no-longer-static: restore what worked
            method-or-property: check whether users depend on it
            enum-member-removed: restore it, deprecated, until the next major version
            enum-member-renamed: keep the old name as an alias until the next major version
            enum-member-added: users need not change anything
            enum-value-changed: check whether users depend on it
            became-const-enum: keep a plain enum
            class-renamed: keep the old name as an alias until the next major version
            field-added-required: make it optional
            attribute-narrowed: accept what was accepted before
            return-type-widened: return only what was returned before
        "#]]
        .assert_eq(&told);
    }
}
