//! The packages that a lock file lists for users of an app: what its own dependencies need, without those of
//! its development. Pure.

use crate::model::language::Ecosystem;
use crate::model::language::python::normalise;
use crate::oci::sbom::Component;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Ecosystem {
    /// The packages in the lock file, sorted. None for a lock file that is not understood.
    pub(crate) fn locked(self, package: &str, lock: &str) -> Option<Vec<Component>> {
        let found = match self {
            Ecosystem::Python => uv(package, lock)?,
            Ecosystem::Ts => bun(package, lock)?,
        };
        Some(found.into_iter().collect())
    }

    /// The package as a package URL (<https://github.com/package-url/purl-spec>).
    pub(crate) fn purl(self, name: &str, version: &str) -> String {
        match self {
            Ecosystem::Python => format!("pkg:pypi/{}@{version}", normalise(name)),
            Ecosystem::Ts => format!("pkg:npm/{}@{version}", name.replace('@', "%40")),
        }
    }

    fn component(self, name: &str, version: &str) -> Component {
        let (name, version) = (name.to_string(), version.to_string());
        Component { purl: self.purl(&name, &version), name, version, license: None }
    }
}

/// One version of a package.
struct Locked {
    version: Option<String>,
    needs: Vec<String>,
}

/// uv.lock: `[[package]]` tables with `dependencies`. A name may have several versions, for several markers.
fn uv(package: &str, lock: &str) -> Option<BTreeSet<Component>> {
    let document: toml_edit::DocumentMut = lock.parse().ok()?;
    let mut packages: BTreeMap<String, Vec<Locked>> = BTreeMap::new();
    for table in document.get("package")?.as_array_of_tables()? {
        let text = |key: &str| table.get(key).and_then(|value| value.as_str()).map(str::to_string);
        let dependencies = table.get("dependencies").and_then(|value| value.as_array());
        let name =
            |value: &toml_edit::Value| value.as_inline_table()?.get("name")?.as_str().map(str::to_string);
        let needs = dependencies.into_iter().flatten().filter_map(name).collect();
        packages.entry(text("name")?).or_default().push(Locked { version: text("version"), needs });
    }
    let own = normalise(package);
    let mut waiting: Vec<String> = packages.keys().filter(|name| normalise(name) == own).cloned().collect();
    if waiting.is_empty() {
        return None;
    }
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for Locked { version, needs } in packages.get(&name).into_iter().flatten() {
            if normalise(&name) != own {
                found.insert(Ecosystem::Python.component(&name, version.as_deref().unwrap_or_default()));
            }
            waiting.extend(needs.iter().cloned());
        }
    }
    Some(found)
}

/// bun.lock: `packages` by name, and by `parent/name` where a package has its own version of another one.
fn bun(package: &str, lock: &str) -> Option<BTreeSet<Component>> {
    let document: Value = serde_json::from_str(&without_trailing_commas(lock)).ok()?;
    let packages = document["packages"].as_object()?;
    let mut workspaces = document["workspaces"].as_object()?.values();
    let own = workspaces.find(|workspace| workspace["name"] == package)?;
    let names = |value: &Value| -> Vec<String> {
        let kinds = ["dependencies", "optionalDependencies"];
        kinds.iter().filter_map(|kind| value[*kind].as_object()).flat_map(|o| o.keys().cloned()).collect()
    };
    let mut waiting: Vec<(String, String)> =
        names(own).into_iter().map(|name| (String::new(), name)).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some((parent, name)) = waiting.pop() {
        let nested = format!("{parent}/{name}");
        let key = if packages.contains_key(&nested) { nested } else { name };
        let Some(entry) = packages.get(&key).filter(|_| seen.insert(key.clone())) else { continue };
        // `["name@1.2.3", …, { dependencies }, "sha512-…"]`
        let id = entry[0].as_str()?;
        let (name, version) = id.rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
        found.insert(Ecosystem::Ts.component(name, version));
        let needs = entry.as_array()?.iter().find(|part| part.is_object()).map(&names).unwrap_or_default();
        waiting.extend(needs.into_iter().map(|need| (key.clone(), need)));
    }
    Some(found)
}

/// The JSON without commas before a closing bracket, outside of texts.
fn without_trailing_commas(text: &str) -> String {
    let (mut out, mut in_text, mut escaped) = (String::new(), false, false);
    for (at, c) in text.char_indices() {
        let next = || text[at + 1..].trim_start().chars().next();
        if c == ',' && !in_text && matches!(next(), Some('}' | ']')) {
            continue;
        }
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: Option<Vec<Component>>) -> Option<String> {
        let all: Vec<String> = found?.into_iter().map(|component| component.purl).collect();
        Some(all.join(" "))
    }

    #[test]
    fn only_what_users_get_is_listed() {
        let uv = "version = 1\n\n[[package]]\nname = \"app\"\nsource = { editable = \".\" }\n\
            dependencies = [{ name = \"a\" }, { name = \"a-b\", marker = \"x\" }]\n\n\
            [package.dev-dependencies]\ndev = [{ name = \"tool\" }]\n\n\
            [[package]]\nname = \"a\"\nversion = \"1\"\ndependencies = [{ name = \"a-b\" }]\n\n\
            [[package]]\nname = \"a-b\"\nversion = \"2\"\n\n[[package]]\nname = \"a-b\"\nversion = \"3\"\n\n\
            [[package]]\nname = \"tool\"\nversion = \"9\"\n";
        let bun = r#"{ "lockfileVersion": 1, "workspaces": { "": { "name": "@t/app",
            "dependencies": { "@s/a": "^1", "b": "1", }, "devDependencies": { "tool": "9" }, }, },
            "packages": { "@s/a": ["@s/a@1.0.0", "", { "dependencies": { "b": "2" } }, "sha512-,]"],
            "@s/a/b": ["b@2.0.0", "", {}, "x"], "b": ["b@1.0.0", "", {}, "x"],
            "tool": ["tool@9.0.0", "", {}, "x"], } }"#;
        for (ecosystem, package, lock, expected) in [
            (Ecosystem::Python, "App", uv, Some("pkg:pypi/a@1 pkg:pypi/a-b@2 pkg:pypi/a-b@3")),
            (Ecosystem::Python, "other", uv, None),
            (Ecosystem::Python, "app", "", None),
            (Ecosystem::Python, "app", "version = [", None),
            (Ecosystem::Ts, "@t/app", bun, Some("pkg:npm/%40s/a@1.0.0 pkg:npm/b@1.0.0 pkg:npm/b@2.0.0")),
            (Ecosystem::Ts, "other", bun, None),
            (Ecosystem::Ts, "@t/app", "{", None),
        ] {
            assert_eq!(shown(ecosystem.locked(package, lock)).as_deref(), expected, "{package}");
        }
    }

    #[test]
    fn commas_in_texts_stay() {
        for (text, expected) in
            [("[1,\n]", "[1\n]"), (r#"{"a,}": ",]",}"#, r#"{"a,}": ",]"}"#), (r#"["\",]",]"#, r#"["\",]"]"#)]
        {
            assert_eq!(without_trailing_commas(text), expected);
        }
    }
}
