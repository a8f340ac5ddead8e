//! `api diff` of TypeScript packages: each rule and each non-rule on two real sets of declarations, with the
//! real compiler; the exports of package.json; places; the command's output; and a break in a `fix` commit.

use crate::api_cases::{self, Case};
use crate::support::{Repo, user_cache};
use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;
use serde_json::{Value, json};

const FILES: [(&str, &str); 5] = [
    ("names", include_str!("api_ts/names.txt")),
    ("functions", include_str!("api_ts/functions.txt")),
    ("types", include_str!("api_ts/types.txt")),
    ("classes", include_str!("api_ts/classes.txt")),
    ("packages", include_str!("api_ts/packages.txt")),
];

const APP_TOML: &str = "name = \"ts\"\necosystem = \"ts\"\npackage = \"demo-agent\"\n";

/// The TypeScript app with these guarded entry points, without dependencies, with its declarations in git.
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
            // `tsc` always writes a module; a CommonJS one is recognised by `export =`. Scripts say so.
            let end = if ["export =", "// script"].iter().any(|word| text.contains(word)) {
                ""
            } else {
                "export {};\n"
            };
            repo.write(&format!("{folder}/{file}"), format!("{text}{end}"));
        }
    }
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", if new { "fix: all" } else { "feat: all" }]);
}

#[test]
fn every_rule_and_every_non_rule_of_declarations_gives_the_expected_findings() {
    let cases = api_cases::read(&FILES, "index.d.ts");
    let public: Vec<String> = (0..cases.len()).map(|i| format!("./case_{i}")).collect();
    let exports =
        public.iter().map(|path| (path.clone(), json!({ "types": format!("{path}/index.d.ts") }))).collect();
    let repo = app(&public, &exports);
    write_side(&repo, &cases, false);
    repo.git(&["tag", "ts-v0.0.1"]);
    write_side(&repo, &cases, true);
    let document = repo.xtask(&["--json", "api", "diff", "ts"]).expect(3).json();
    document["findings"].as_array().expect("findings").iter().for_each(complete);
    api_cases::all_right(&cases, &document, |finding| {
        let rest = finding["place"].as_str()?.strip_prefix("apps/ts/case_")?;
        rest.split('/').next()?.parse().ok()
    });
}

/// Two commits of an app that guards `.` and `./b`, with these exports.
fn maps(before: &Value, after: &Value) -> Vec<String> {
    let repo = app(&[".".to_string(), "./b".to_string()], before);
    for file in ["index.d.ts", "b.d.ts"] {
        repo.write(&format!("apps/ts/{file}"), "export declare function f(): void;\n");
    }
    repo.write("apps/ts/c.d.ts", "export declare function f(): void;\nexport declare function g(): void;\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: exports"]);
    let manifest = repo.read("apps/ts/package.json").replace(&before.to_string(), &after.to_string());
    repo.commit("apps/ts/package.json", &manifest, "fix: exports");
    let document = repo.xtask(&["--json", "api", "diff", "ts", "HEAD~1"]).json();
    let list = document["findings"].as_array().expect("findings");
    list.iter()
        .map(|f| {
            format!("{} {}", f["level"].as_str().unwrap_or_default(), f["id"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn the_exports_of_a_package_are_part_of_its_api() {
    let index = json!({ "types": "./index.d.ts", "default": "./index.js" });
    let b = json!({ "types": "./b.d.ts", "import": "./b.js" });
    let both = json!({ "types": "./index.d.ts", "import": "./index.js", "require": "./index.cjs" });
    let (breaking, warning, info) = (
        |id: &str| format!("breaking {id}"),
        |id: &str| format!("warning {id}"),
        |id: &str| format!("info {id}"),
    );
    let cases: Vec<(&str, Value, Value, Vec<String>)> = vec![
        ("nothing", json!({ ".": index, "./b": b }), json!({ "./b": b, ".": index }), vec![]),
        (
            "an entry point is removed",
            json!({ ".": index, "./b": b }),
            json!({ ".": index }),
            vec![breaking("entry-removed")],
        ),
        (
            "is renamed",
            json!({ ".": index, "./b": b }),
            json!({ ".": index, "./bee": b }),
            vec![breaking("entry-renamed"), info("entry-added")],
        ),
        (
            "is blocked",
            json!({ ".": index, "./b": b }),
            json!({ ".": index, "./b": null }),
            vec![breaking("entry-removed")],
        ),
        (
            "an unguarded one is removed",
            json!({ ".": index, "./b": b, "./c": "./c.js" }),
            json!({ ".": index, "./b": b }),
            vec![warning("entry-maybe-removed")],
        ),
        (
            "one is added",
            json!({ ".": index, "./b": b }),
            json!({ ".": index, "./b": b, "./c": "./c.js" }),
            vec![info("entry-added")],
        ),
        (
            "`require` is removed",
            json!({ ".": both, "./b": b }),
            json!({ ".": { "types": "./index.d.ts", "import": "./index.js" }, "./b": b }),
            vec![breaking("condition-removed")],
        ),
        (
            "`import` becomes `default`",
            json!({ ".": both, "./b": b }),
            json!({ ".": { "types": "./index.d.ts", "require": "./index.cjs", "default": "./index.js" },
                "./b": b }),
            vec![],
        ),
        (
            "an unguarded condition is removed",
            json!({ ".": index, "./b": b, "./c": both }),
            json!({ ".": index, "./b": b, "./c": { "import": "./c.js" } }),
            vec![warning("condition-maybe-removed")],
        ),
        (
            "types inside a condition",
            json!({ ".": index, "./b": b }),
            json!({ ".": { "import": { "types": "./index.d.ts", "default": "./index.js" } }, "./b": b }),
            vec![warning("require-maybe-refused")],
        ),
        (
            "types beside the file",
            json!({ ".": index, "./b": b }),
            json!({ ".": "./index.js", "./b": b }),
            vec![],
        ),
        (
            "types are removed",
            json!({ ".": index, "./b": b }),
            json!({ ".": "./gone.js", "./b": b }),
            vec![breaking("types-removed")],
        ),
        (
            "a file with more",
            json!({ ".": index, "./b": b }),
            json!({ ".": index, "./b": { "types": "./c.d.ts", "import": "./b.js" } }),
            vec![info("function-added")],
        ),
    ];
    for (what, before, after, expected) in cases {
        assert_eq!(maps(&before, &after), expected, "{what}");
    }
}

/// Every finding says what it is about, what it was and is, and what to do.
fn complete(finding: &Value) {
    let filled = |key: &str| finding[key].as_str().is_some_and(|text| !text.is_empty());
    assert!(filled("symbol") && filled("help") && filled("place"), "{finding}");
    assert!(filled("old") || filled("new"), "{finding}");
    assert!(filled("who") || finding["level"] == "info", "{finding}");
}

/// The findings between two commits of an app, each as `level id symbol`. `files` are added before, and those
/// in `after` are written later; an empty text removes one.
fn between(
    public: &[&str],
    manifests: [&Value; 2],
    files: &[(&str, &str)],
    after: &[(&str, &str)],
) -> Vec<String> {
    let repo = Repo::new();
    repo.write("apps/ts/app.toml", format!("{APP_TOML}\n[api]\npublic = {public:?}\n"));
    for (changes, manifest, message) in
        [(files, manifests[0], "feat: all"), (after, manifests[1], "fix: all")]
    {
        repo.write("apps/ts/package.json", manifest.to_string());
        for (file, text) in changes {
            let path = format!("apps/ts/{file}");
            if text.is_empty() {
                std::fs::remove_file(repo.path.join(path)).expect("a file");
            } else {
                repo.write(&path, text);
            }
        }
        repo.git(&["add", "--all"]);
        repo.git(&["commit", "--quiet", "--message", message]);
    }
    let document = repo.xtask(&["--json", "api", "diff", "ts", "HEAD~1"]).json();
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_string();
    let list = document["findings"].as_array().unwrap_or_else(|| panic!("{document}"));
    let mut found: Vec<String> = list
        .iter()
        .map(|f| format!("{} {} {}", word(f, "level"), word(f, "id"), word(f, "symbol")))
        .collect();
    found.sort();
    found
}

const F: &str = "export declare function f(a: string): void;\n";
const LESS: &str = "export declare function f(): void;\n";

#[test]
fn subpaths_conditions_and_formats_of_exports_are_part_of_the_api() {
    let features = json!({ "types": "./features/*.d.ts", "default": "./features/*.js" });
    let old = json!({
        "name": "demo-agent", "version": "0.0.1", "type": "module", "engines": { "node": ">=18.2" },
        "exports": {
            "./dual": {
                "import": { "types": "./dual.d.ts", "default": "./dual.js" },
                "require": { "types": "./dual.d.cts", "default": "./dual.cjs" },
            },
            "./same": {
                "import": { "types": "./same.d.ts", "default": "./same.js" },
                "require": { "types": "./same.d.cts", "default": "./same.cjs" },
            },
            "./features/*": features,
            "./loose/*": "./loose/*.js",
            "./worker": { "types": "./f.d.ts", "workerd": "./worker.js", "default": "./f.js" },
            "./blocked": { "types": "./f.d.ts", "import": "./f.js", "require": "./f.cjs" },
            "./format": { "types": "./f.d.ts", "import": "./f.js", "require": "./f.cjs" },
            "./versions": { "types@>=99": "./none.d.ts", "types": "./f.d.ts", "default": "./f.js" },
        },
    });
    let mut new = old.clone();
    new["engines"]["node"] = json!(">=20");
    let exports = &mut new["exports"];
    exports["./features/hidden"] = Value::Null;
    exports["./worker"] = json!({ "types": "./f.d.ts", "default": "./f.js" });
    exports["./blocked"] = json!({ "types": "./f.d.ts", "require": null, "default": "./f.js" });
    exports["./format"] = json!({ "types": "./f.d.ts", "import": "./f.cjs", "require": "./f.js" });
    let files = [
        ("f.d.ts", F),
        ("dual.d.ts", F),
        ("dual.d.cts", F),
        ("same.d.ts", F),
        ("same.d.cts", F),
        ("features/a.d.ts", F),
        ("features/b.d.ts", F),
        ("features/hidden.d.ts", F),
        ("stray.d.ts", F),
        ("loose/a.js", "//"),
        ("loose/b.js", "//"),
    ];
    let after = [
        ("dual.d.cts", LESS),
        ("same.d.ts", LESS),
        ("same.d.cts", LESS),
        ("features/a.d.ts", LESS),
        ("features/b.d.ts", ""),
        ("features/c.d.ts", F),
        ("loose/a.js", ""),
        ("stray.d.ts", LESS),
    ];
    let public = ["./dual", "./same", "./features/*", "./worker", "./blocked", "./format", "./versions"];
    let expected = [
        "breaking became-commonjs ./format",
        "breaking became-es-module ./format",
        "breaking condition-removed ./blocked",
        "breaking entry-removed ./features/b",
        "breaking entry-removed ./features/hidden",
        "breaking parameter-removed ./dual#f",
        "breaking parameter-removed ./features/a#f",
        "breaking parameter-removed ./same#f",
        "info entry-added ./features/c",
        "warning condition-falls-back ./worker",
        "warning engines-raised .",
        "warning entry-maybe-removed ./loose/a",
    ];
    assert_eq!(between(&public, [&old, &new], &files, &after), expected);
}

#[test]
fn a_package_that_gains_or_loses_type_module_changes_the_format_of_its_files() {
    let exports = json!({
        ".": { "types": "./index.d.ts", "default": "./index.js" },
        "./fixed": { "types": "./index.d.ts", "import": "./fixed.mjs", "require": "./fixed.cjs" },
        "./nested": { "types": "./index.d.ts", "default": "./cjs/index.js" },
    });
    let plain = json!({ "name": "demo-agent", "version": "0.0.1", "exports": exports });
    let mut module = plain.clone();
    module["type"] = json!("module");
    let files = [("index.d.ts", F), ("cjs/package.json", "{ \"type\": \"commonjs\" }")];
    let public = [".", "./fixed", "./nested"];
    for (manifests, expected) in [
        ([&plain, &module], "breaking became-es-module ."),
        ([&module, &plain], "breaking became-commonjs ."),
    ] {
        assert_eq!(between(&public, manifests, &files, &[]), [expected]);
    }
}

#[test]
fn types_versions_lead_to_the_declarations_of_a_package_without_exports() {
    let manifest = json!({
        "name": "demo-agent", "version": "0.0.1", "main": "./index.js", "types": "./old/index.d.ts",
        "typesVersions": { "<4": { "*": ["none/*"] }, ">=4": { "old/*": ["ts4/*"], "*": ["ts4/*"] } },
    });
    let files = [("old/index.d.ts", F), ("ts4/index.d.ts", F), ("ts4/sub.d.ts", F)];
    let after = [("ts4/index.d.ts", LESS), ("ts4/sub.d.ts", LESS)];
    let found = between(&[".", "./sub"], [&manifest, &manifest], &files, &after);
    assert_eq!(found, ["breaking parameter-removed ./sub#f", "breaking parameter-removed f"]);
    // Only what another version of TypeScript reads.
    let found = between(&["."], [&manifest, &manifest], &files, &[("old/index.d.ts", LESS)]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn entry_points_are_found_in_every_form_that_packages_write() {
    let exports = |exports: Value| json!({ "name": "demo-agent", "exports": exports });
    let less = vec!["breaking parameter-removed f"];
    let beside = json!({ "name": "demo-agent", "main": "lib/a.js" });
    let folder = json!({ "name": "demo-agent", "main": "./lib" });
    let typings = json!({ "name": "demo-agent", "typings": "lib/a.d.ts" });
    let list = exports(json!({ ".": ["./none.js", { "worker": "./w.js", "default": "./lib/a.js" }] }));
    let blocked = exports(json!({ ".": { "node": { "worker": null }, "default": "./lib/a.js" } }));
    for (manifest, file) in [
        (&beside, "lib/a.d.ts"),
        (&folder, "lib/index.d.ts"),
        (&typings, "lib/a.d.ts"),
        (&list, "lib/a.d.ts"),
        (&blocked, "lib/a.d.ts"),
    ] {
        assert_eq!(between(&["."], [manifest; 2], &[(file, F)], &[(file, LESS)]), less, "{manifest}");
    }
    let plain = json!({ "name": "demo-agent" });
    for nested in [r#"{ "types": "in.d.ts" }"#, r#"{ "typings": "in.d.ts" }"#, r#"{ "main": "in.d.ts" }"#] {
        let files = [("sub/package.json", nested), ("sub/in.d.ts", F)];
        let found = between(&["./sub"], [&plain; 2], &files, &[("sub/in.d.ts", LESS)]);
        assert_eq!(found, ["breaking parameter-removed ./sub#f"], "{nested}");
    }
    // The whole folder is open: its files are no entry points.
    let open = exports(json!({ ".": "./a.js", "./*": "./*" }));
    let files = [("a.d.ts", F), ("b.js", "//")];
    assert_eq!(between(&["."], [&open; 2], &files, &[("b.js", "")]), Vec::<String>::new());
    // Both ways are gone; and one of both ways loses its own declarations.
    let both = json!({ "import": { "types": "./a.d.mts", "default": "./a.mjs" },
        "require": { "types": "./a.d.cts", "default": "./a.cjs" } });
    let neither = json!({ "types": "./a.d.mts", "worker": "./a.mjs" });
    let one = json!({ "types": "./a.d.mts", "import": "./a.mjs", "require": "./a.cjs" });
    let files = [("a.d.mts", F), ("a.d.cts", LESS)];
    let found = |new: &Value| between(&["."], [&exports(both.clone()), &exports(new.clone())], &files, &[]);
    let added = "breaking parameter-added-required f";
    assert_eq!(found(&neither), ["breaking condition-removed .", "breaking condition-removed .", added]);
    assert_eq!(found(&one), [added]);
}

#[test]
fn types_of_dependencies_are_known_by_their_packages() {
    let manifest = json!({ "types": "./index.d.ts", "dependencies": { "dep": "1" } });
    let dep = "export declare class Base { a: string }\nexport interface Options { b: string }\n";
    let dep = |index| [("node_modules/dep/index.d.ts", dep), ("index.d.ts", index)];
    let node = "declare interface Known { c: string }\n";
    let node = |index| [("node_modules/@types/node/index.d.ts", node), ("index.d.ts", index)];
    let base = "import { Base } from \"dep\";\nexport declare class A extends Base {}\n";
    let between = "import { Base } from \"dep\";\ndeclare class B extends Base {}\n\
                   export declare class A extends B {}\n";
    let shape = "export declare class A { a: string }\n";
    let import = "import { Options } from \"dep\";\nexport declare function f(a: Options): void;\n";
    let renamed = "import { Options as O } from \"dep\";\nexport declare function f(a: O): void;\n";
    let inline = "export declare function f(a: import(\"dep\").Options): void;\n";
    let own = "export declare function f(a: { b: number }): void;\n";
    let handed = "export { Base, Options } from \"dep\";\n";
    let less = "export { Base } from \"dep\";\n";
    let known = "export declare function f(a: Known): void;\n";
    let other = "export declare function f(a: { c: number }): void;\n";
    for (old, new, expected) in [
        (dep(base), dep(between), vec![]),
        (dep(base), dep(shape), vec!["base-removed A"]),
        (dep(import), dep(renamed), vec![]),
        (dep(import), dep(inline), vec![]),
        (dep(inline), dep(renamed), vec![]),
        (dep(import), dep(own), vec!["parameter-type-narrowed f"]),
        (dep(handed), dep(less), vec!["{kind}-removed Options"]),
        (node(known), node(other), vec!["parameter-type-narrowed f"]),
    ] {
        assert_eq!(read_files([&manifest; 2], [&old, &new]), expected, "{} {}", old[1].1, new[1].1);
    }
}

#[test]
fn the_first_global_names_of_a_package_are_additions() {
    let manifest = json!({ "types": "./index.d.ts" });
    let global = "declare global { var first: string; }\nexport {};\n";
    let found = read_files([&manifest; 2], [&[("index.d.ts", "export {};\n")], &[("index.d.ts", global)]]);
    assert_eq!(found, ["{kind}-added global.first"]);
}

#[test]
fn an_import_that_is_no_file_and_loses_its_types_is_a_warning() {
    let manifest = |imports: Value| {
        json!({ "name": "demo-agent", "version": "0.0.1", "imports": imports,
            "exports": { ".": { "types": "./index.d.ts", "default": "./index.js" } } })
    };
    let import = "import type { A } from \"#dep\";\nexport declare const a: A;\n";
    let files = [("index.d.ts", import), ("dep.d.ts", "export interface A { a: string }\n")];
    let manifests = [&manifest(json!({ "#dep": "./dep.d.ts" })), &manifest(json!({}))];
    assert_eq!(between(&["."], manifests, &files, &[]), ["warning dependency-types-missing #dep"]);
}

/// What our reader says of two manifests, each difference as `rule symbol`. Dependencies would have to be
/// installed for the command, and these packages do not exist.
fn read(manifests: [&Value; 2], index: &str) -> Vec<String> {
    read_files(manifests, [&[("index.d.ts", index)]; 2])
}

/// The same of the files of both versions.
fn read_files(manifests: [&Value; 2], files: [&[(&str, &str)]; 2]) -> Vec<String> {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let temp = Utf8Path::from_path(temp.path()).expect("UTF-8");
    for ((side, manifest), files) in ["old", "new"].into_iter().zip(manifests).zip(files) {
        let manifest = manifest.to_string();
        for (file, text) in files.iter().chain(&[("package.json", manifest.as_str())]) {
            let path = temp.join(side).join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
    }
    let request = json!({ "old": temp.join("old"), "new": temp.join("new"), "public": ["."] });
    std::fs::write(temp.join("request.json"), request.to_string()).expect("a file");
    let tools = Utf8PathBuf::from(user_cache().into_string().expect("UTF-8")).join("tools");
    let mut folders = tools.read_dir_utf8().expect("tools").map(|entry| entry.expect("a tool").into_path());
    let compiler = folders.find(|dir| dir.file_name().is_some_and(|name| name.starts_with("typescript-")));
    let reader = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/api/ts/reader/main.mjs");
    let output = std::process::Command::new("node")
        .args([reader, compiler.expect("typescript").join("node_modules/typescript")])
        .stdin(std::fs::File::open(temp.join("request.json")).expect("a file"))
        .output()
        .expect("node");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_string();
    let list = answer["differences"].as_array().expect("differences");
    list.iter().map(|one| format!("{} {}", word(one, "rule"), word(one, "symbol"))).collect()
}

fn extended(mut object: Value, more: &Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    object.as_object_mut().expect("an object").extend(more);
    object
}

#[test]
fn what_a_package_asks_of_those_who_install_it_is_part_of_its_api() {
    let manifest = |more: &Value| extended(json!({ "name": "@demo/agent", "types": "./index.d.ts" }), more);
    let react = |range: &str| json!({ "peerDependencies": { "react": range } });
    let meta = json!({ "react": { "optional": true } });
    let optional = json!({ "peerDependencies": { "react": "^18" }, "peerDependenciesMeta": meta });
    let nothing = || json!({});
    let engines = |range: &str| json!({ "engines": { "node": range } });
    let cases = [
        (nothing(), react("^18"), vec!["peer-required react"]),
        (optional.clone(), react("^18"), vec!["peer-required react"]),
        (nothing(), optional.clone(), vec![]),
        (react("^18"), optional, vec![]),
        (react("^17 || ^18"), react("^18"), vec!["peer-narrowed react"]),
        (react("^0.4 || ^0.5"), react("^0.5"), vec!["peer-narrowed react"]),
        (react("^18.0.0"), react(">=18.0.0 <19"), vec![]),
        (react("^18"), react("^18 || ^19"), vec![]),
        (react("^18"), react("latest"), vec![]),
        (nothing(), json!({ "os": ["linux", "darwin"] }), vec!["platform-refused os"]),
        (nothing(), json!({ "os": "!win32" }), vec!["platform-refused os"]),
        (json!({ "cpu": ["x64", "ppc64"] }), json!({ "cpu": ["x64"] }), vec!["platform-refused cpu"]),
        (json!({ "cpu": ["x64"] }), json!({ "cpu": ["any"] }), vec![]),
        (nothing(), json!({ "libc": ["glibc"] }), vec!["platform-refused libc"]),
        (json!({ "bin": "./a.js" }), json!({ "bin": { "agent": "./b.js" } }), vec![]),
        (json!({ "bin": "./a.js" }), nothing(), vec!["command-removed agent"]),
        (engines(">=18"), engines(">=18.0.0"), vec![]),
        (nothing(), engines(">=18"), vec!["engines-raised ."]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(read([&manifest(&old), &manifest(&new)], F), expected, "{old} {new}");
    }
}

#[test]
fn fields_that_bundlers_read_are_part_of_a_packages_api() {
    let manifest = |more: &Value| extended(json!({ "types": "./index.d.ts", "main": "./a.js" }), more);
    let browser = |value: Value| json!({ "browser": value });
    let effects = |value: Value| json!({ "sideEffects": value });
    let exports = |more: Value| {
        let mut all = more;
        all["exports"] = json!({ ".": { "types": "./index.d.ts", "default": "./a.js" } });
        all
    };
    let nothing = || json!({});
    let cases = [
        (browser(json!("b.js")), nothing(), vec!["field-removed browser"]),
        (browser(json!("b.js")), browser(json!("./c.js")), vec![]),
        (browser(json!("b.js")), json!({ "main": "./b.js" }), vec![]),
        (browser(json!("b.js")), json!({ "module": "./b.js" }), vec![]),
        (browser(json!("b.js")), browser(json!({ "a.js": "./c.js" })), vec![]),
        (browser(json!({ "./a.js": "./b.js" })), nothing(), vec!["field-removed browser"]),
        (
            browser(json!({ "./x.js": "./y.js", "fs": false, "z": "./z.js", "ws": false })),
            browser(json!({ "z": false, "ws": "./ws.js" })),
            vec![
                "field-removed browser[\"./x.js\"]",
                "field-removed browser[\"fs\"]",
                "field-removed browser[\"z\"]",
            ],
        ),
        (nothing(), browser(json!({ "fs": false })), vec![]),
        (json!({ "react-native": "./b.js" }), nothing(), vec!["field-removed react-native"]),
        (json!({ "module": "./b.js" }), nothing(), vec!["field-removed module"]),
        (json!({ "module": "./b.js" }), json!({ "module": "./c.js" }), vec![]),
        (json!({ "module": "./b/index.mjs" }), json!({ "main": "b" }), vec![]),
        (exports(nothing()), exports(json!({ "main": null })), vec!["field-removed main"]),
        (exports(nothing()), exports(json!({ "types": null })), vec!["field-removed types"]),
        (exports(nothing()), exports(json!({ "types": null, "typings": "index.d.ts" })), vec![]),
        (exports(nothing()), exports(json!({ "types": null, "main": "index.js" })), vec![]),
        (nothing(), effects(json!(false)), vec!["side-effects-dropped sideEffects"]),
        (nothing(), effects(json!(["*.css"])), vec!["side-effects-dropped sideEffects"]),
        (effects(json!(["a", "b"])), effects(json!(["b"])), vec!["side-effects-dropped sideEffects"]),
        (effects(json!(["a"])), effects(json!(["b", "a"])), vec![]),
        (effects(json!(["a"])), effects(json!(true)), vec![]),
        (effects(json!(false)), effects(json!(["a"])), vec![]),
        // Only the package itself can use these.
        (json!({ "imports": { "#a": "./a.js" } }), json!({ "imports": { "#a": "./b.js" } }), vec![]),
    ];
    for (old, new, expected) in cases {
        assert_eq!(read([&manifest(&old), &manifest(&new)], F), expected, "{old} {new}");
    }
}

#[test]
fn a_field_that_gives_a_file_is_compared_with_the_files_that_there_are() {
    let plain = json!({ "name": "demo-agent", "types": "./index.d.ts" });
    let with = |more: [(&str, Value); 1]| {
        let mut all = plain.clone();
        more.into_iter().for_each(|(key, value)| all[key] = value);
        all
    };
    let main = with([("main", json!("lib/a"))]);
    let browser = with([("browser", json!({ "./lib/a.js": "./lib/b.js" }))]);
    let folder = with([("main", json!("lib"))]);
    for (old, files, after, expected) in [
        (&main, vec!["lib/a.js"], vec![], vec!["breaking main-removed ."]),
        (&main, vec!["lib/a.js"], vec![("index.js", "//")], vec![]),
        (&main, vec![], vec![], vec![]),
        (&folder, vec!["lib/index.js"], vec![], vec!["breaking main-removed ."]),
        (&browser, vec!["lib/a.js"], vec![("lib/a.js", "")], vec![]),
        (&browser, vec!["lib/a.js"], vec![], vec!["warning field-removed browser[\"./lib/a.js\"]"]),
    ] {
        let mut all = vec![("index.d.ts", F)];
        all.extend(files.iter().map(|file| (*file, "//")));
        assert_eq!(between(&["."], [old, &plain], &all, &after), expected, "{old} {files:?} {after:?}");
    }
}

#[test]
fn a_dependency_that_declarations_import_is_installed_with_the_package() {
    let import = "import type { A } from \"@scope/dep/sub\";\nexport declare const a: A;\n";
    let manifest = |dependencies: Value| json!({ "types": "./index.d.ts", "dependencies": dependencies });
    for (old, new, expected) in [
        (json!({ "@scope/dep": "1" }), json!({}), vec!["dependency-removed @scope/dep"]),
        (json!({ "@types/scope__dep": "1" }), json!({}), vec!["dependency-removed @scope/dep"]),
        (json!({ "@types/scope__dep": "1" }), json!({ "@scope/dep": "1" }), vec![]),
        (json!({ "other": "1" }), json!({}), vec![]),
    ] {
        assert_eq!(read([&manifest(old), &manifest(new)], import), expected);
    }
}

#[test]
fn declarations_that_typescript_cannot_read_are_an_error_with_its_words() {
    let repo = single();
    repo.commit("apps/ts/index.d.ts", F, "feat: f");
    let broken =
        "export declare function f(): void;\nexport interface A { a: string;\n\nexport declare const b\n";
    repo.commit("apps/ts/index.d.ts", broken, "fix: a");
    let broken = repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen();
    // A release that is out stays as it is: the repair must be possible.
    repo.commit("apps/ts/index.d.ts", F, "fix: b");
    expect![[r#"
        exit code 1
        error: the declarations of ts at COMMIT cannot be compared, because TypeScript cannot read them:
        apps/ts/index.d.ts:4: ';' expected.
        apps/ts/index.d.ts:5: '}' expected.
        exit code 0
        index.d.ts
          - ';' expected.
          risky    the released declarations cannot be compared, because TypeScript cannot read them: ';' expected.; breaks its users [old-declarations-broken] apps/ts/index.d.ts:4
        1 change: 0 breaking, 1 risky
        compared: .
    "#]].assert_eq(&(broken + &repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen()));
}

#[test]
fn adding_exports_closes_the_other_files_of_a_package() {
    let repo = single();
    let manifest =
        json!({ "name": "demo-agent", "type": "module", "main": "index.js", "types": "index.d.ts" })
            .to_string();
    let after = repo.read("apps/ts/package.json");
    repo.write("apps/ts/index.d.ts", "export declare function f(): void;\n");
    repo.write("apps/ts/package.json", &manifest);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: a package"]);
    repo.commit("apps/ts/package.json", &after, "fix: exports");
    expect![[r#"
        exit code 0
        .
          - {"types":"./index.d.ts","default":"./index.js"}
          + {".":{"types":"./index.d.ts","default":"./index.js"}}
          risky    package.json now has `exports`, so no other file of the package can be imported; breaks importers of other files [exports-sealed] apps/ts/package.json:1
        1 change: 0 breaking, 1 risky
        compared: .
    "#]].assert_eq(&repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen());
}

#[test]
fn a_name_that_another_entry_point_still_exports_has_moved() {
    let repo = app(&[".".to_string(), "./b".to_string()], &json!({ ".": "./index.js", "./b": "./b.js" }));
    repo.write("apps/ts/f.d.ts", "export declare function f(): void;\n");
    repo.write("apps/ts/b.d.ts", "export { f } from \"./f.js\";\n");
    repo.commit(
        "apps/ts/index.d.ts",
        "export { f } from \"./f.js\";\nexport declare const a: string;\n",
        "feat: f",
    );
    repo.commit("apps/ts/index.d.ts", "export declare const a: string;\n", "fix: f");
    expect![[r#"
        exit code 3
        f
          - function f(): void
          breaking `f` can no longer be imported from here, but still from `./b`; breaks importers [function-moved] apps/ts/f.d.ts:1
        1 change: 1 breaking
        compared: ., ./b
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]].assert_eq(&repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen());
}

#[test]
fn every_rule_of_declarations_has_a_case() {
    api_cases::every_rule_is_tried(
        include_str!("../../diff/src/ts.rs"),
        &api_cases::read(&FILES, "index.d.ts"),
        // The rules of package.json's exports have their own tests.
        include_str!("api_ts.rs"),
    );
}

const SOURCE: &str = "\
/** What channel adapters implement. */
export interface Adapter {
  send(text: string): boolean;
}

export class RuntimeCapabilities {
  names: string[] = [];
}
";

/// A build script that copies declarations, in place of a compiler.
const BUILD: &str = "rm -rf dist && mkdir dist && cp built/* dist/";

/// A release with adapters; since then a `fix` commit renamed one symbol. Declarations are built, not
/// committed.
fn renamed_under_a_fix() -> Repo {
    let repo = single();
    let manifest = json!({
        "name": "demo-agent", "version": "0.0.1", "scripts": { "build": BUILD },
        "exports": { ".": { "types": "./dist/index.d.ts", "default": "./dist/index.js" } },
    });
    repo.write("apps/ts/package.json", manifest.to_string());
    let declarations = "export interface Adapter { send(text: string): boolean }\nexport declare class \
                        RuntimeCapabilities { names: string[] }\n";
    repo.write("apps/ts/built/index.d.ts", declarations);
    repo.write("apps/ts/.gitignore", "dist\nnode_modules\n");
    repo.write("apps/ts/src/index.ts", SOURCE);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: adapters"]);
    repo.git(&["tag", "ts-v0.0.1"]);
    repo.write(
        "apps/ts/built/index.d.ts",
        declarations.replace("RuntimeCapabilities", "AdapterCapabilities"),
    );
    repo.write("apps/ts/src/index.ts", SOURCE.replace("RuntimeCapabilities", "AdapterCapabilities"));
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "fix(ts): a better name"]);
    repo
}

#[test]
fn a_symbol_renamed_in_a_fix_commit_is_found_in_its_source_file() {
    let repo = renamed_under_a_fix();
    let output = repo.untouched(|| repo.xtask(&["api", "diff", "ts"]).expect(3));
    expect![[r#"
        exit code 3
        RuntimeCapabilities
          - class RuntimeCapabilities
          + class AdapterCapabilities
          breaking `RuntimeCapabilities` is now called `AdapterCapabilities`; breaks its users [class-renamed] apps/ts/src/index.ts:6
        1 change: 1 breaking
        compared: .
        stderr:
        error: 1 breaking change between ts-v0.0.1 and HEAD
    "#]].assert_eq(&output.seen());
}

#[test]
fn plan_and_check_stop_a_break_of_a_typescript_package_until_it_is_declared() {
    let repo = renamed_under_a_fix();
    let stopped = ["plan", "check"].map(|command| repo.xtask(&[command, "ts"]).seen_findings());
    repo.commit(
        "apps/ts/README.md",
        "# demo-agent\n",
        "feat!: adapters say what they can do by another name",
    );
    expect![[r#"
        exit code 3
        breaking[undeclared-break]: ts: breaks users of ts-v0.0.1, and no commit declares it (apps/ts/src/index.ts:6):
          [class-renamed] RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/ts
          → or revert it
          → or, if it breaks nobody, accept it in apps/ts/app.toml: [[accept]] id = "class-renamed", what = "RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump ts --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
        exit code 3
        error[test]: ts: apps/ts has no tests; add some, set the command that runs them (`[commands] test = [["program", …]]` in apps/ts/app.toml), or write there why the app may be released without tests: `[commands] no-tests = "WHY"` (apps/ts)
        breaking[undeclared-break]: ts: breaks users of ts-v0.0.1, and no commit declares it (apps/ts/src/index.ts:6):
          [class-renamed] RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/ts
          → or revert it
          → or, if it breaks nobody, accept it in apps/ts/app.toml: [[accept]] id = "class-renamed", what = "RuntimeCapabilities", version = the next one, reason = "…"
          → (cargo xtask bump ts --confirm-breaking "why" writes that entry for every break)
        error: 2 findings to fix first
        exit code 0
        ts  0.0.1 → 0.1.0  (major, but 0.y: minor)
          counts since ts-v0.0.1
            1234567  feat!    adapters say what they can do by another name  breaking
            1234567  fix(ts)  a better name
          evidence
            commits   major    feat!: adapters say what they can do by another name (1234567) and 1 more
            api       major    breaks users since ts-v0.0.1: RuntimeCapabilities: `RuntimeCapabilities` is now called `AdapterCapabilities`; was `class RuntimeCapabilities`, is `class AdapterCapabilities`; breaks its users; declared by feat!: adapters say what they can do by another name (1234567)
            tags      > 0.0.1  the highest tag
            index     ?        not asked: plan is offline; bump and release ask which numbers are taken
          next cargo xtask bump ts (or `cargo xtask promote`, which bumps)
    "#]].assert_eq(&(stopped.concat() + &repo.xtask(&["plan", "ts"]).seen()));
}

#[test]
fn a_failed_build_or_comparison_is_an_error_with_the_reason() {
    let repo = renamed_under_a_fix();
    repo.write("apps/ts/app.toml", format!("{APP_TOML}\n[api]\npublic = [\".\", \"./gone\"]\n"));
    let mut seen = repo.xtask(&["api", "diff", "ts"]).seen();
    repo.git(&["checkout", "--quiet", "apps/ts/app.toml"]);
    let manifest = repo.read("apps/ts/package.json");
    repo.commit(
        "apps/ts/package.json",
        &manifest.replace(BUILD, "echo no such compiler >&2; exit 9"),
        "fix: the build",
    );
    seen.push_str(&repo.xtask(&["api", "diff", "ts"]).seen());
    let text = manifest.replace(BUILD, "rm -rf dist && mkdir dist");
    repo.commit("apps/ts/package.json", &text, "fix: no declarations");
    seen.push_str(&repo.xtask(&["api", "diff", "ts", "HEAD"]).seen());
    expect![[r#"
        exit code 2
        error: apps/ts/app.toml: "./gone" of [api] public: package.json has no such entry point
        exit code 1
        error: the declarations of ts at COMMIT could not be built: `CACHE/tools/bun/node_modules/.bin/bun run --silent build`: exit code 9
        no such compiler
        exit code 2
        error: apps/ts/app.toml: "." of [api] public: no declarations (.d.ts) were built for it
    "#]].assert_eq(&seen);
}

#[test]
fn a_package_of_sources_is_compared_by_its_declarations() {
    let repo = app(&[".".to_string()], &json!({ ".": "./src/index.ts" }));
    repo.commit(
        "apps/ts/src/index.ts",
        "export function f(a?: string): void {\n  console.log(a);\n}\n",
        "feat: f",
    );
    repo.commit(
        "apps/ts/src/index.ts",
        "export function f(a?: string): void {\n  console.error(a);\n}\n",
        "fix: elsewhere",
    );
    let same = repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen();
    repo.commit("apps/ts/src/index.ts", "export function f(): void {\n  console.error();\n}\n", "fix: less");
    expect![[r#"
        exit code 0
        no difference that a user of the package can notice
        compared: .
        exit code 3
        f
          - function f(a?: string): void
          + function f(): void
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/ts/src/index.ts:1
        1 change: 1 breaking
        compared: .
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]]
    .assert_eq(&(same + &repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen()));
}

#[test]
fn the_types_of_sources_are_inferred_with_the_packages_own_options() {
    let manifest = json!({ "name": "demo-agent", "version": "0.0.1", "exports": "./src/index.ts" });
    let options = |more: Value| json!({ "compilerOptions": more }).to_string();
    let source =
        |result: &str| format!("export function f(list: string[], a?: string) {{\n  return {result};\n}}\n");
    let widened = || vec!["breaking return-type-widened f"];
    let nothing = Vec::new;
    for (settings, old, new, expected) in [
        (json!({}), "a ?? \"\"", "a", widened()),
        (json!({ "lib": ["es2023"] }), "a ?? \"\"", "a", widened()),
        (json!({ "strict": false }), "a ?? \"\"", "a", nothing()),
        (json!({ "strictNullChecks": false }), "a ?? \"\"", "a", nothing()),
        (json!({}), "list[0] ?? \"\"", "list[0]", nothing()),
        (json!({ "noUncheckedIndexedAccess": true }), "list[0] ?? \"\"", "list[0]", widened()),
        (json!({ "noUncheckedIndexedAccess": true }), "list[0]", "list[0] ?? \"\"", nothing()),
    ] {
        let (before, after, base) = (source(old), source(new), options(settings.clone()));
        let files = [
            ("src/index.ts", before.as_str()),
            ("base.json", &base),
            ("tsconfig.json", "{ \"extends\": \"./base.json\", /* our own */ }"),
        ];
        let found = between(&["."], [&manifest; 2], &files, &[("src/index.ts", &after)]);
        assert_eq!(found, expected, "{settings} {old} {new}");
    }
}

#[test]
fn findings_say_what_moved_to_a_base_and_what_is_known_everywhere_by_its_kind() {
    let repo = single();
    let old =
        "declare global { interface A { b: string; c(d: string): void } type E = string }\nexport {};\n";
    repo.commit("apps/ts/index.d.ts", old, "feat: all");
    let new = "interface Base { b: number; c(d: number): void }\n\
        declare global { interface A extends Base {} }\nexport {};\n";
    repo.commit("apps/ts/index.d.ts", new, "fix: all");
    expect![[r#"
        exit code 3
        global.A.b
          - b: string
          breaking it was `string`, now `inherited`; breaks readers and code that creates one [member-type-changed] apps/ts/index.d.ts:1
        global.A.c
          - c(d: string): void
          breaking it was `c(d: string): void`, now `inherited`; breaks readers and code that creates one [member-type-changed] apps/ts/index.d.ts:1
        global.E
          - type E = string
          breaking `E` was removed; breaks its users [type-removed] apps/ts/index.d.ts:1
        3 changes: 3 breaking
        compared: .
        stderr:
        error: 3 breaking changes between HEAD~1 and HEAD
    "#]].assert_eq(&repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen());
}

#[test]
fn imports_of_sources_mean_what_the_packages_own_options_say() {
    let manifest = json!({ "name": "demo-agent", "version": "0.0.1", "exports": "./src/index.ts" });
    let options = |more: Value| json!({ "compilerOptions": more }).to_string();
    let widened = || vec!["breaking member-type-widened Agent.name"];
    let index =
        "import type { Agent } from \"@own/agent\";\nexport const f = (): Agent => ({ name: \"a\" });\n";
    for (settings, folder, now, expected) in [
        (json!({ "paths": { "@own/*": ["./src/*"] } }), "src", "string | number", widened()),
        (json!({ "paths": { "@own/*": ["./src/*"] } }), "src", "string", Vec::new()),
        (json!({ "baseUrl": "./src" }), "src/@own", "string | number", widened()),
    ] {
        let source = |name: &str| format!("export interface Agent {{ name: {name} }}\n");
        let (file, before, after) =
            (format!("{folder}/agent.ts"), source("string"), source(now) + "// new\n");
        let (options, old) = (options(settings), before.as_str());
        let files = [("src/index.ts", index), (&file, old), ("tsconfig.json", &options)];
        let found = between(&["."], [&manifest; 2], &files, &[(&file, &after)]);
        assert_eq!(found, expected, "{options} {now}");
    }
}

#[test]
fn a_packages_own_install_scripts_are_not_run_without_its_sources() {
    let repo = crate::demo::files(&["ts"]);
    let manifest = repo.read("apps/ts/package.json");
    // A separate lock file, because installed dependencies are cached.
    repo.write("apps/ts/bun.lock", repo.read("apps/ts/bun.lock") + "// with scripts\n");
    let scripts =
        "  \"scripts\": { \"prepare\": \"cat src/index.js\", \"postinstall\": \"exit 9\" },\n  \"bin\"";
    repo.commit("apps/ts/package.json", &manifest.replacen("  \"bin\"", scripts, 1), "chore: hooks");
    repo.commit("apps/ts/README.md", "# demo\n", "fix: say less");
    repo.xtask(&["api", "diff", "ts", "HEAD~1"]).expect(0);
}

#[test]
fn the_first_commit_of_a_package_has_only_additions() {
    let repo = Repo::new();
    let before = repo.head();
    repo.write("apps/ts/app.toml", format!("{APP_TOML}\n[api]\npublic = [\".\"]\n"));
    repo.write("apps/ts/package.json", json!({ "name": "demo-agent", "exports": "./index.js" }).to_string());
    repo.write("apps/ts/index.d.ts", "export declare function f(): void;\n");
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: a package"]);
    expect![[r#"
        exit code 0
        .
          + "./index.js"
          info     the entry point `.` is new [entry-added] apps/ts/package.json:1
        1 change: 0 breaking, 1 info
        compared: .
    "#]]
    .assert_eq(&repo.xtask(&["api", "diff", "ts", &before]).seen());
}

#[test]
fn the_source_is_found_by_the_map_else_by_its_definitions() {
    let repo = single();
    // Line 1 comes from line 5, and column 5 of line 2 from line 3. Line 3 has no mapping.
    let map = json!({ "version": 3, "sources": ["first.ts"], "sourceRoot": "src",
        "mappings": "AAIA;C,GAFA;" });
    repo.write("apps/ts/index.d.ts.map", map.to_string());
    repo.write("apps/ts/src/first.ts", "// Made by a generator.\n");
    let source = "class Other {}\nexport class A {\n  b() {\n    const c = 1;\n  }\n  constructor() {}\n}\n";
    repo.write("apps/ts/src/index.ts", source);
    let text = |constructor: &str, b: &str, c: &str, end: &str| {
        let members = format!("    constructor({constructor});\n    b({b}): void;\n    c({c}): void;\n");
        format!("export declare class A {{\n{members}}}\n{end}")
    };
    let places = |end: &str| {
        repo.commit("apps/ts/index.d.ts", &text("a: string", "a: string", "a: string", end), "feat: A");
        repo.commit("apps/ts/index.d.ts", &text("", "", "", end), "fix: A");
        let document = repo.xtask(&["--json", "api", "diff", "ts", "HEAD~1"]).json();
        let list = document["findings"].as_array().expect("findings").clone();
        let word = |f: &Value, key: &str| f[key].as_str().unwrap_or_default().replace("apps/ts/", "");
        let mut all: Vec<String> =
            list.iter().map(|f| format!("{} {}", word(f, "symbol"), word(f, "place"))).collect();
        all.sort();
        all
    };
    let mapped = ["A.b src/index.ts:3", "A.c src/index.ts:2", "A.constructor src/first.ts:3"];
    assert_eq!(places("//# sourceMappingURL=index.d.ts.map"), mapped);
    let guessed = ["A.b src/index.ts:3", "A.c src/index.ts:2", "A.constructor src/index.ts:6"];
    assert_eq!(places(""), guessed);
    repo.write("apps/ts/index.d.ts.map", "no JSON");
    assert_eq!(places("//# sourceMappingURL=index.d.ts.map"), guessed);
    repo.write("apps/ts/index.d.ts.map", map.to_string().replace("first.ts", "gone.ts"));
    assert_eq!(places("//# sourceMappingURL=index.d.ts.map"), guessed);
}

#[test]
fn a_declaration_map_leads_to_the_source() {
    let repo = single();
    // `f` in line 1 comes from line 3 of src/first.ts: one mapping, source 0, two lines down (Source Map
    // revision 3).
    let map = json!({ "version": 3, "sources": ["src/first.ts"], "names": [], "mappings": "AAEA" });
    repo.write("apps/ts/index.d.ts.map", map.to_string());
    repo.write("apps/ts/src/first.ts", "\n\nexport function f(a: string) {}\n");
    repo.write(
        "apps/ts/index.d.ts",
        "export declare function f(a: string): void;\n//# sourceMappingURL=index.d.ts.map\n",
    );
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: f"]);
    let after = "export declare function f(): void;\n//# sourceMappingURL=index.d.ts.map\n";
    repo.commit("apps/ts/index.d.ts", after, "fix: f");
    expect![[r#"
        exit code 3
        f
          - function f(a: string): void
          + function f(): void
          breaking the parameter `a` was removed; breaks callers [parameter-removed] apps/ts/src/first.ts:3
        1 change: 1 breaking
        compared: .
        stderr:
        error: 1 breaking change between HEAD~1 and HEAD
    "#]]
    .assert_eq(&repo.xtask(&["api", "diff", "ts", "HEAD~1"]).seen());
}
