//! The surfaces that the reader gives for the cases of `api diff`, recorded for the tests of the crate `diff`
//! (diff/src/python/cases.jsonl). They are recorded again by
//! `UPDATE_EXPECT=1 cargo test -p xtask --test it -- api_record::`, which takes about 20 seconds.

use crate::api::{FILES, PRELUDE};
use crate::api_cases::{self, Case};
use crate::support;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value, json};
use std::process::{Command, Stdio};

const READER: &str = "src/commands/api/python/reader";
const RECORDED: &str = "diff/src/python/cases.jsonl";

/// A hash of all that decides what is recorded: the cases and the reader.
fn source(root: &Utf8Path) -> String {
    let mut files: Vec<Utf8PathBuf> =
        root.join(READER).read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    files.retain(|file| file.extension() == Some("py"));
    files.sort();
    let mut all = PRELUDE.to_string();
    FILES.iter().for_each(|(_, text)| all.push_str(text));
    files.iter().for_each(|file| all.push_str(&std::fs::read_to_string(file).unwrap()));
    support::sha256(all.as_bytes())
}

#[test]
fn the_recorded_surfaces_are_those_of_the_cases() {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join(RECORDED);
    let now = json!({ "of": source(root) }).to_string();
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    if recorded.lines().next() == Some(now.as_str()) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_EXPECT").is_some(),
        "{RECORDED} is older than the cases or the reader; record it again: \
         UPDATE_EXPECT=1 cargo test -p xtask --test it -- api_record::"
    );
    let cases = api_cases::read(&FILES, "__init__.py");
    let reads = read(root, &cases);
    let mut text = now + "\n";
    for (i, case) in cases.iter().enumerate() {
        text.push_str(&line(i, case, &reads).to_string());
        text.push('\n');
    }
    std::fs::write(file, text).unwrap();
}

/// What the reader prints for all cases together.
fn read(root: &Utf8Path, cases: &[Case]) -> Value {
    let temp = tempfile::tempdir().unwrap();
    let side = |new: bool| {
        let dir = Utf8Path::from_path(temp.path()).unwrap().join(if new { "new" } else { "old" });
        for (i, case) in cases.iter().enumerate() {
            let folder = dir.join(format!("demo/case_{i}"));
            let own = case.files.iter().filter(|(is_new, ..)| *is_new == new);
            let empty = (new, "__init__.py".to_string(), String::new());
            for (_, name, text) in std::iter::once(&empty).chain(own) {
                let prelude = if name == "__init__.py" { PRELUDE } else { "" };
                std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
                std::fs::write(folder.join(name), format!("{prelude}{text}")).unwrap();
            }
        }
        std::fs::write(dir.join("demo/__init__.py"), "").unwrap();
        json!({ "root": dir, "public": ["demo"], "private": [], "requires": ">=3.11" })
    };
    let requests = json!([side(false), side(true)]).to_string();
    std::fs::write(temp.path().join("requests.json"), requests).unwrap();
    let tools = Utf8PathBuf::from(support::user_cache().into_string().unwrap()).join("tools");
    let griffe = tools.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let griffe = griffe.into_iter().find(|dir| dir.file_name().unwrap().starts_with("griffe-"));
    let output = Command::new(griffe.expect("cargo xtask setup installs griffe").join("bin/python"))
        .args(["-E", "-s", "-B", root.join(READER).join("surface.py").as_str()])
        .stdin(std::fs::File::open(temp.path().join("requests.json")).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The case with its part of each environment that reads it differently than the first one.
fn line(number: usize, case: &Case, reads: &Value) -> Value {
    let mut found: Vec<Value> = Vec::new();
    for read in reads.as_array().unwrap() {
        let [old, new] = [0, 1].map(|side| &read["surfaces"][side]);
        let one = json!([part(number, old, new), part(number, new, old)]);
        if found.first().is_none_or(|first| first["surfaces"] != one) {
            found.push(json!({ "where": read["where"], "surfaces": one }));
        }
    }
    json!({ "what": case.what, "expected": case.expected, "reads": found })
}

/// The names and objects of one case. What it only imports from outside counts if it is public on either
/// side.
fn part(number: usize, surface: &Value, other: &Value) -> Value {
    let case = format!("demo.case_{number}");
    let own =
        |path: &str| path.strip_prefix(&case).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let public = |path: &str| [surface, other].iter().any(|one| one["names"][path]["public"] == true);
    let names = surface["names"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, name)| own(path) && (public(path) || own(name["to"].as_str().unwrap())));
    let objects = surface["objects"].as_object().unwrap().iter().filter(|(path, _)| own(path));
    let slim = |map: &mut dyn Iterator<Item = (&String, &Value)>| -> Map<String, Value> {
        map.map(|(path, value)| (path.clone(), without_defaults(value))).collect()
    };
    let mut found = json!({ "names": slim(&mut { names }), "objects": slim(&mut { objects }) });
    let placed = surface["placed"].as_array().into_iter().flatten();
    let placed: Vec<&Value> = placed.filter(|path| own(path.as_str().unwrap())).collect();
    if !placed.is_empty() {
        found["placed"] = json!(placed);
    }
    found
}

/// Without what the types of `diff` fill in.
fn without_defaults(value: &Value) -> Value {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| {
                !empty(value) || ["required", "keyword_only", "hashable"].contains(&key.as_str())
            })
            .map(|(key, value)| (key.clone(), without_defaults(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_defaults).collect(),
        other => other.clone(),
    }
}
