//! api diff of TypeScript packages: each rule and each non-rule on two real sets of declarations, through the real compiler; what package.json
//! exports; places; the command's words; and the break that shipped as a fix.

use crate::support::Repo;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FILES: [(&str, &str); 5] = [
    ("names", include_str!("api_ts/names.txt")),
    ("functions", include_str!("api_ts/functions.txt")),
    ("types", include_str!("api_ts/types.txt")),
    ("classes", include_str!("api_ts/classes.txt")),
    ("packages", include_str!("api_ts/packages.txt")),
];

const APP_TOML: &str = "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n";

/// `## what`, then `level id` lines wherever they stand, then `--- old [file]` and `--- new [file]` with their text.
struct Case {
    what: String,
    expected: Vec<String>,
    files: Vec<(bool, String, String)>,
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (name, line) in FILES.iter().flat_map(|(name, text)| text.lines().map(move |line| (name, line))) {
        if let Some(what) = line.strip_prefix("## ") {
            cases.push(Case { what: format!("{name}: {what}"), expected: Vec::new(), files: Vec::new() });
            continue;
        }
        let case = cases.last_mut().expect("a file begins with a case");
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("---"), Some(side @ ("old" | "new")), file) => {
                case.files.push((side == "new", file.unwrap_or("index.d.ts").to_string(), String::new()));
            }
            (Some("breaking" | "warning" | "info"), Some(_), None) => case.expected.push(line.to_string()),
            _ => {
                if let Some((_, _, text)) = case.files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    cases.iter_mut().for_each(|case| case.expected.sort());
    cases
}

/// The TypeScript app with these entry points guarded: no dependencies, and its declarations in git.
fn app(public: &[String], exports: &Value) -> Repo {
    let repo = Repo::new();
    let manifest = json!({ "name": "demo-agent", "version": "0.0.1", "type": "module", "exports": exports });
    repo.write("apps/ts/app.toml", format!("{APP_TOML}\n[api]\npublic = {public:?}\n"));
    repo.write("apps/ts/package.json", manifest.to_string());
    repo
}

/// An app with one entry point.
fn single() -> Repo {
    app(&[".".to_string()], &json!({ ".": { "types": "./index.d.ts", "default": "./index.js" } }))
}

fn write_side(repo: &Repo, cases: &[Case], new: bool) {
    for (i, case) in cases.iter().enumerate() {
        let folder = format!("apps/ts/case_{i}");
        let _ = std::fs::remove_dir_all(repo.path.join(&folder));
        repo.write(&format!("{folder}/index.d.ts"), "export {};\n");
        for (_, file, text) in case.files.iter().filter(|(is_new, ..)| *is_new == new) {
            // What `tsc` writes is a module, whatever it exports; that of CommonJS says so itself.
            let end = if text.contains("export =") { "" } else { "export {};\n" };
            repo.write(&format!("{folder}/{file}"), format!("{text}{end}"));
        }
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", if new { "fix: all" } else { "feat: all" }]);
}

#[test]
fn every_rule_and_every_non_rule_of_declarations_says_what_it_should() {
    let cases = cases();
    let public: Vec<String> = (0..cases.len()).map(|i| format!("./case_{i}")).collect();
    let exports = public.iter().map(|path| (path.clone(), json!({ "types": format!("{path}/index.d.ts") }))).collect();
    let repo = app(&public, &exports);
    write_side(&repo, &cases, false);
    repo.git(&["tag", "ts-v0.0.1"]);
    write_side(&repo, &cases, true);
    let document = repo.xtask(&["--json", "api", "diff", "ts"]).expect(3).json();
    let mut found: BTreeMap<usize, Vec<&Value>> = BTreeMap::new();
    for finding in document["findings"].as_array().expect("findings") {
        let place = finding["place"].as_str().unwrap_or_default();
        let number = place.strip_prefix("apps/ts/case_").and_then(|rest| rest.split('/').next()).and_then(|n| n.parse().ok());
        found.entry(number.unwrap_or_else(|| panic!("of no case: {finding}"))).or_default().push(finding);
    }
    let word = |finding: &&Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    let mut wrong = String::new();
    for (i, case) in cases.iter().enumerate() {
        let list = found.remove(&i).unwrap_or_default();
        let mut said: Vec<String> = list.iter().map(|f| format!("{} {}", word(f, "level"), word(f, "id"))).collect();
        said.sort();
        if said != case.expected {
            let messages: String = list.iter().map(|f| format!("      {} ({})\n", word(f, "message"), word(f, "place"))).collect();
            wrong.push_str(&format!("{}\n  expected {:?}\n  found    {said:?}\n{messages}", case.what, case.expected));
        }
    }
    assert!(wrong.is_empty(), "of {} cases these are wrong:\n{wrong}", cases.len());
}
