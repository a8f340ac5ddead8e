//! The root of the library that the fuzz targets in `xtask/fuzz` use: each function gives an input to one
//! parser or comparison and checks what must hold for every input. It is not a part of xtask: no module names
//! it, and only `xtask/fuzz/Cargo.toml` compiles it, from the same modules.

#![allow(dead_code, unused_imports, reason = "the commands are not compiled here")]

mod ecosystem;
mod flags;
mod forge;
mod model;
mod oci;
mod sys;

use diff::finding;
use model::changelog::{self, ReleaseNotes};
use model::commits::{self, Commit};
use model::version;
use oci::reference::Reference;
use serde_json::{Value, json};

/// Separates the texts of an input that has several.
const BETWEEN: char = '\u{1e}';

fn commits_of<'a>(messages: impl Iterator<Item = &'a str>) -> Vec<Commit> {
    let commit = |(i, message): (usize, &str)| Commit {
        id: format!("{i:040}"),
        merge: false,
        message: message.to_string(),
        released: None,
    };
    messages.enumerate().map(commit).collect()
}

/// Commit messages.
pub fn commits(text: &str) {
    let commits = commits_of(text.split(BETWEEN));
    let entries = commits::entries(&commits, "python", &["python", "ts"]);
    assert!(entries.len() >= commits.len());
    for entry in &entries {
        assert_eq!(entry.counts, entry.bump > version::Bump::None);
        assert!(!entry.breaking || entry.note.as_ref().is_some_and(|note| !note.is_empty()));
        let texts = [&entry.subject, &entry.description, entry.note.as_ref().unwrap_or(&entry.subject)];
        let hostile = |c: char| c.is_control() && !matches!(c, '\t' | '\r');
        assert!(texts.iter().all(|text| !text.contains(hostile)), "{texts:?}");
    }
}

/// A changelog, and commit messages of a release that is written into it twice.
pub fn changelog(text: &str) {
    let (changelog, messages) = text.split_once(BETWEEN).unwrap_or((text, ""));
    let commits = commits_of(messages.split(BETWEEN));
    let entries = commits::entries(&commits, "python", &["python", "ts"]);
    for tag in ["python-v0.0.2", "python-v0.0.2-rc.1"] {
        let release = ReleaseNotes {
            app: "python",
            tag,
            date: "2026-11-21",
            previous: Some("python-v0.0.1"),
            replaces: &["python-v0.0.3".to_string()],
            commits: &entries,
            accepted: &[],
            repository: Some("https://f/"),
        };
        let once = changelog::release(changelog, &release);
        let again = changelog::release(&once, &ReleaseNotes { date: "2030-01-01", ..release });
        assert_eq!(once, again, "a second time changes something");
        assert!(changelog::notes(&once, tag).is_some(), "the section is not found again: {once:?}");
    }
}

/// Version numbers of SemVer, of PEP 440, and in tags and other texts.
pub fn versions(text: &str) {
    if let Some((range, version)) = version::find(text) {
        let read = version::parse(&text[range.clone()]).or_else(|_| version::from_pep440(&text[range]));
        assert!(read.is_ok_and(|read| read == version), "{version}");
    }
    if let Some(version) = version::in_tag(text) {
        let core = text.split_once('+').map_or(text, |(core, _)| core);
        assert_eq!(version.to_string(), core, "a tag's version is written in one way");
    }
    for version in [version::parse(text), version::from_pep440(text)].into_iter().flatten() {
        if let Ok(twin) = version::to_pep440(&version) {
            assert_eq!(version::from_pep440(&twin).expect("what was written"), version);
        }
        for bump in [version::Bump::Patch, version::Bump::Minor, version::Bump::Major] {
            let next = version::next(&version, bump, version::ZeroBreaking::Minor);
            assert!(next >= version, "{next} after {version}");
        }
    }
}

/// A page of a Python index, as HTML and as JSON.
pub fn index(page: &str) {
    for kind in ["text/html", "application/vnd.pypi.simple.v1+json"] {
        let files = ecosystem::python::index::read(kind, page, "http://h/simple/demo/", "demo-agent");
        files.and_then(ecosystem::python::index::out).ok();
    }
}

/// The name of an image.
pub fn references(text: &str) {
    if let Ok(reference) = Reference::parse(text) {
        let printed = reference.to_string();
        assert_eq!(Reference::parse(&printed).expect("what was printed"), reference, "{printed}");
        assert!(!printed.contains(char::is_whitespace));
    }
}

/// One of the cases of the comparison of specs, and edits of both documents.
pub fn openapi(bytes: &[u8]) {
    let cases = CASES.with(|cases| cases.clone());
    let [a, b, edits @ ..] = bytes else { return };
    let case = &cases[usize::from(u16::from_le_bytes([*a, *b])) % cases.len()];
    let (one, two) = edits.split_at(edits.len() / 2);
    let (old, new) = (edited(&case.0, one), edited(&case.1, two));
    diff::openapi::diff(&old, &new, "2026-11-21");
    let same = diff::openapi::diff(&old, &old, "2026-11-21");
    assert!(same.iter().all(|change| change.level < finding::Level::Breaking), "{same:?}");
}

thread_local! {
    static CASES: std::rc::Rc<Vec<(Value, Value)>> = {
        let all = diff::openapi::cases::all().expect("the cases");
        all.iter().map(|case| (case.document(&case.old), case.document(&case.new))).collect::<Vec<_>>().into()
    };
}

/// The surface of a Python package that has something of everything, with edits.
pub fn python(bytes: &[u8]) {
    let base: Value = serde_json::from_str(include_str!("../fuzz/surface.json")).expect("JSON");
    let (one, two) = bytes.split_at(bytes.len() / 2);
    let (old, new) = (edited(&base, one), edited(&base, two));
    let read = |value: &Value| serde_json::from_value::<diff::python::surface::Surface>(value.clone());
    let (Ok(old), Ok(new)) = (read(&old), read(&new)) else { return };
    diff::python::diff(&old, &new);
    let same = diff::python::diff(&old, &old);
    assert!(same.is_empty(), "{same:?}");
}

/// The document after edits of three bytes each: which value, and what becomes of it.
fn edited(base: &Value, edits: &[u8]) -> Value {
    let mut document = base.clone();
    for edit in edits.chunks_exact(3).take(24) {
        let places = places(&document);
        let place = &places[usize::from(u16::from_le_bytes([edit[0], edit[1]])) % places.len()];
        let other = &places[usize::from(edit[2]) * 7 % places.len()];
        let other = document.pointer(other).cloned().unwrap_or_default();
        let small = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(-1),
            json!(1e300),
            json!(""),
            json!("\u{0}"),
            json!([]),
            json!({}),
            json!({ "$ref": "#" }),
            json!({ "$ref": "#/components/schemas/A" }),
            json!("string"),
            json!(["string", "null"]),
            json!("dict[str, list[int] | None]"),
            json!("a.b[c"),
        ];
        let new = small.get(usize::from(edit[2])).cloned().unwrap_or(other);
        match document.pointer_mut(place) {
            // A part of a text instead of the whole: types are texts.
            Some(Value::String(text)) if edit[2] > 230 => {
                let at = text.char_indices().map(|(at, _)| at).nth(usize::from(edit[2] - 230));
                text.truncate(at.unwrap_or(0));
            }
            Some(Value::Object(object)) if edit[2] > 200 => {
                let key = object.keys().nth(usize::from(edit[2]) % object.len().max(1)).cloned();
                key.map(|key| object.remove(&key));
            }
            Some(Value::Array(list)) if edit[2] > 200 => {
                list.push(new);
            }
            Some(value) if size(&new) < 400 => *value = new,
            _ => {}
        }
    }
    document
}

/// JSON pointers to every value in the document (RFC 6901).
fn places(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(k, v)| (k.replace('~', "~0").replace('/', "~1"), v)).collect()
        }
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        found.extend(places(child).into_iter().map(|place| format!("/{key}{place}")));
    }
    found
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(size).sum::<usize>(),
        Value::Array(list) => 1 + list.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}
