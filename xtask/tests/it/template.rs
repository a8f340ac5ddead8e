//! `compat --template`: the example templates against releases on real registries, and against a faulty
//! index.

use crate::bump::controls;
use crate::compat::promise;
use crate::demo::{World, copy};
use crate::seen::masked;
use crate::support::{Output, Repo, run, sha256};
use camino::{Utf8Path, Utf8PathBuf};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// The example template in a folder of its own, outside of any repository.
fn template(repo: &Repo, name: &str) -> Utf8PathBuf {
    let dir = repo.world().join("template");
    copy(&Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/template").join(name), &dir);
    dir
}

fn pin(dir: &Utf8Path, text: &str) {
    std::fs::write(dir.join(".runtime-version"), text).unwrap();
}

fn ids(output: &Output) -> Vec<String> {
    let findings = output.json()["findings"].clone();
    findings
        .as_array()
        .unwrap()
        .iter()
        .map(|f| format!("{} {}", f["level"].as_str().unwrap(), f["id"].as_str().unwrap()))
        .collect()
}

/// 0.0.1 without a compat.json and 0.1.0 with one are both on the registry. The gate runs in the template's
/// folder.
fn gates(app: &'static str, package: &str, expected: &Expect) {
    let world = World::of(app);
    world.xtask(&["release", app]).expect(0);
    promise(&world.repo, app);
    world.xtask(&["openapi", "generate"]).expect(0);
    world.repo.git(&["add", "--all"]);
    world.repo.git(&["commit", "--quiet", "--message", "feat: promises"]);
    world.bump(&[]);
    world.xtask(&["release", app, "--until", "publish"]).expect(0);
    // A published release without compat.json is verified as it is.
    world.xtask(&["verify", app, "0.0.1"]).expect(0);
    let dir = template(&world.repo, app);
    let gate = |args: &[&str]| {
        let mut command = world.command(&dir);
        run(command.args(["compat", "--template", "."]).args(args))
    };
    let outside = world.outside();
    let mut seen = gate(&[]).seen();
    // 0.2.0 is unknown. The newest is published but not verified yet, so npm's `latest` has not moved. 0.0.1
    // has no compat.json.
    for version in ["0.2.0", "0.0.1"] {
        pin(&dir, version);
        seen.push_str(&gate(&[]).seen());
    }

    pin(&dir, "another==0.1.0");
    let name = if app == "python" { "Demo_Agent" } else { package };
    let spec = format!("sha256:{}", "0".repeat(64));
    let text = format!(
        "package = {name:?}\necosystem = {app:?}\nspec = {spec:?}\n\
         plugins = [{{ name = \"a\", api-version = \"3\" }}, {{ name = \"b\", api-version = \"1\" }}]\n\
         channels = [{{ protocol = \"http\", version = \"2\" }}]\n"
    );
    std::fs::write(dir.join("template.toml"), text).unwrap();
    seen.push_str(&gate(&[]).seen());
    std::fs::write(dir.join("template.toml"), format!("package = \"demo-nobody\"\necosystem = {app:?}\n"))
        .unwrap();
    pin(&dir, "0.1.0");
    seen.push_str(&gate(&[]).seen());
    expected.assert_eq(&seen);

    // With an app's name, in the repository given by --root.
    std::fs::write(dir.join("template.toml"), format!("app = {app:?}\n")).unwrap();
    gate(&["--root", world.repo.path.as_str()]).expect(0);
    assert_eq!(outside, world.outside());
}

#[test]
fn a_template_is_checked_against_the_release_that_it_pins() {
    gates(
        "python",
        "demo-agent",
        &expect![[r#"
        exit code 0
          ✓ template demo-agent demo-agent==0.1.0 fits the template: plugins shout 2, whisper 1; channels http 1 (TIME)
        warning[plugin-deprecated]: the plugin whisper is written for apiVersion 1, which demo-agent==0.1.0 still supports but 9.0.0 removes (./template.toml: plugins[1])
          → move it before you pin 9.0.0; supported: 1, 2
        exit code 3
          ✗ template demo-agent demo-agent==0.2.0 does not fit the template (TIME)
        error[pin-unknown]: demo-agent==0.2.0 is not on http://127.0.0.1:PORT/simple (./.runtime-version)
          → pin the newest: echo 0.1.0 > ./.runtime-version
        error: 1 finding to fix first
        exit code 3
          ✗ template demo-agent demo-agent==0.0.1 does not fit the template (TIME)
        error[compat-missing]: demo-agent==0.0.1 contains no compat.json, so the plugins and channels it supports are not known (http://127.0.0.1:PORT/packages/demo_agent-0.0.1-py3-none-any.whl)
          → pin a release that has one, or give the file: --compat FILE
        error: 1 finding to fix first
        exit code 3
          ✗ template Demo_Agent Demo_Agent==0.1.0 does not fit the template (TIME)
        error[pin-other-package]: it pins another, but ./template.toml names Demo_Agent (./.runtime-version)
          → name the same package in both files
        error[plugin-unsupported]: the plugin a is written for apiVersion 3, which Demo_Agent==0.1.0 does not support (./template.toml: plugins[0])
          → move it to a supported version (1, 2), or pin another release
        warning[plugin-deprecated]: the plugin b is written for apiVersion 1, which Demo_Agent==0.1.0 still supports but 9.0.0 removes (./template.toml: plugins[1])
          → move it before you pin 9.0.0; supported: 1, 2
        error[channel-unsupported]: the template's channel uses http 2, which Demo_Agent==0.1.0 does not support (./template.toml: channels[0])
          → move it to a supported version (http 1), or pin another release
        error[spec-differs]: the template was built against the spec sha256:SHA256, but Demo_Agent==0.1.0 serves sha256:SHA256 (./template.toml: spec)
          → check the changes (cargo xtask openapi diff OLD NEW), then write the new hash into ./template.toml
        error: 4 findings to fix first
        exit code 3
          ✗ template demo-nobody demo-nobody==0.1.0 does not fit the template (TIME)
        error[package-unknown]: http://127.0.0.1:PORT/simple has no package demo-nobody (./template.toml)
          → fix the name, or the index's URL: XTASK_PYPI, XTASK_NPM
        error: 1 finding to fix first
    "#]],
    );
}

#[test]
fn a_ts_template_is_checked_against_the_release_that_it_pins() {
    gates(
        "ts",
        "@demo/agent",
        &expect![[r#"
        exit code 0
          ✓ template @demo/agent @demo/agent@0.1.0 fits the template: plugins shout 2; channels http 1 (TIME)
        exit code 3
          ✗ template @demo/agent @demo/agent@0.2.0 does not fit the template (TIME)
        error[pin-unknown]: @demo/agent@0.2.0 is not on http://127.0.0.1:PORT (./.runtime-version)
          → pin the newest: echo 0.0.1 > ./.runtime-version
        error: 1 finding to fix first
        exit code 3
          ✗ template @demo/agent @demo/agent@0.0.1 does not fit the template (TIME)
        error[compat-missing]: @demo/agent@0.0.1 contains no compat.json, so the plugins and channels it supports are not known (http://127.0.0.1:PORT/@demo/agent/-/agent-0.0.1.tgz)
          → pin a release that has one, or give the file: --compat FILE
        error: 1 finding to fix first
        exit code 3
          ✗ template @demo/agent @demo/agent@0.1.0 does not fit the template (TIME)
        error[pin-other-package]: it pins another, but ./template.toml names @demo/agent (./.runtime-version)
          → name the same package in both files
        error[plugin-unsupported]: the plugin a is written for apiVersion 3, which @demo/agent@0.1.0 does not support (./template.toml: plugins[0])
          → move it to a supported version (1, 2), or pin another release
        warning[plugin-deprecated]: the plugin b is written for apiVersion 1, which @demo/agent@0.1.0 still supports but 9.0.0 removes (./template.toml: plugins[1])
          → move it before you pin 9.0.0; supported: 1, 2
        error[channel-unsupported]: the template's channel uses http 2, which @demo/agent@0.1.0 does not support (./template.toml: channels[0])
          → move it to a supported version (http 1), or pin another release
        error[spec-differs]: the template was built against the spec sha256:SHA256, but @demo/agent@0.1.0 serves sha256:SHA256 (./template.toml: spec)
          → check the changes (cargo xtask openapi diff OLD NEW), then write the new hash into ./template.toml
        error: 4 findings to fix first
        exit code 3
          ✗ template demo-nobody demo-nobody@0.1.0 does not fit the template (TIME)
        error[package-unknown]: http://127.0.0.1:PORT has no package demo-nobody (./template.toml)
          → fix the name, or the index's URL: XTASK_PYPI, XTASK_NPM
        error: 1 finding to fix first
    "#]],
    );
}

#[test]
fn a_malformed_file_is_a_usage_error_that_shows_the_expected_form() {
    let repo = Repo::new();
    let dir = template(&repo, "python");
    // No index is asked, and no repository is needed.
    let gate = |args: &[&str]| repo.xtask_in(repo.world(), args);
    let mut said = String::new();
    for text in ["", "0.1.0\n0.2.0\n", "0.1.0 or newer", "--index-url=http://x", ">=0.1"] {
        pin(&dir, text);
        said.push_str(&gate(&["compat", "--template", "template"]).expect(2).seen());
    }
    expect![[r#"
        exit code 2
        error: template/.runtime-version is empty; a pin is one line with one version: 0.1.2, or package==0.1.2
        exit code 2
        error: template/.runtime-version has 2 lines; a pin is one line with one version: 0.1.2, or package==0.1.2
        exit code 2
        error: template/.runtime-version: "0.1.0 or newer" is not a pin; a pin is one line with one version: 0.1.2, or package==0.1.2
        exit code 2
        error: template/.runtime-version: "--index-url=http://x" is not a pin; a pin is one line with one version: 0.1.2, or package==0.1.2
        exit code 2
        error: template/.runtime-version: ">=0.1" is not a pin; a pin is one line with one version: 0.1.2, or package==0.1.2
    "#]].assert_eq(&said);
    std::fs::remove_file(dir.join(".runtime-version")).unwrap();
    expect![[r#"
        exit code 2
        error: there is no template/.runtime-version: it has one line with the version that the template pins
    "#]]
    .assert_eq(&gate(&["compat", "--template", "template"]).expect(2).seen());
    pin(&dir, "0.1.0");
    std::fs::write(dir.join("template.toml"), "package = \"x\"\necosystem = \"pyhton\"\n").unwrap();
    let refused = gate(&["compat", "--template", "template"]).expect(2).stderr;
    expect![[r#"
        error: template/template.toml:2:13: unknown variant `pyhton`, expected `python` or `ts`; did you mean `python`?
    "#]].assert_eq(&masked(&refused));
    std::fs::remove_file(dir.join("template.toml")).unwrap();
    expect![[r#"
        exit code 2
        error: there is no template/template.toml: it names the package that the template depends on, its plugins and its channels
    "#]].assert_eq(&gate(&["compat", "--template", "template"]).expect(2).seen());
    let mut said = String::new();
    for args in [
        &["compat", "--template", "nowhere"] as &[&str],
        &["compat", "--template", "--json"],
        &["compat", "--template", ".", "python"],
        &["compat", "--template", ".", "--write"],
        &["compat", "--compat", "x.json"],
        &["compat", "--dry-run"],
    ] {
        said.push_str(&gate(args).expect(2).seen());
    }
    expect![[r#"
        exit code 2
        error: --template nowhere: no such folder
        exit code 2
        error: a value is required for '--template <DIR>' but none was supplied

        For more information, try '--help'.
        exit code 2
        error: the argument '--template <DIR>' cannot be used with '[APP]...'

        Usage: cargo xtask compat --template <DIR> [APP]...

        For more information, try '--help'.
        exit code 2
        error: the argument '--template <DIR>' cannot be used with '--write'

        Usage: cargo xtask compat --template <DIR> [APP]...

        For more information, try '--help'.
        exit code 2
        error: the following required arguments were not provided:
          --template <DIR>

        Usage: cargo xtask compat --template <DIR> --compat <FILE> [APP]...

        For more information, try '--help'.
        exit code 2
        error: the following required arguments were not provided:
          --write

        Usage: cargo xtask compat --write --dry-run [APP]...

        For more information, try '--help'.
    "#]]
    .assert_eq(&said);
    std::fs::write(dir.join("template.toml"), "app = \"pyhton\"\n").unwrap();
    let refused = gate(&["compat", "--template", "template", "--root", "repo"]).expect(2).stderr;
    expect![[r#"
        error: no app "pyhton" under WORLD/repo/apps (there are: python); did you mean "python"?
    "#]]
    .assert_eq(&masked(&refused));
}

/// The compat.json of a release of demo-agent.
fn document(version: &str) -> Value {
    json!({
        "$schema": concat!(
            "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/",
            "main/contract/compat.schema.json"
        ),
        "schema": 1,
        "package": "demo-agent",
        "version": version,
        "contract": { "version": "1", "spec": format!("sha256:{}", "0".repeat(64)) },
        "plugins": [
            { "apiVersion": "1", "status": "removed", "removal": "0.1.0" },
            { "apiVersion": "2", "status": "supported", "removal": null },
        ],
        "channels": [{ "protocol": "http", "version": "1", "status": "removed", "removal": "0.1.0" }],
    })
}

#[test]
fn a_document_from_a_file_replaces_the_index() {
    let repo = Repo::new();
    let dir = template(&repo, "python");
    let gate = |text: &str| {
        std::fs::write(repo.world().join("given.json"), text).unwrap();
        repo.xtask_in(&dir, &["compat", "--template", ".", "--compat", "../given.json", "--json"])
    };
    assert_eq!(
        ids(&gate(&document("0.1.0").to_string()).expect(3)),
        ["error plugin-removed", "error channel-removed"]
    );
    assert_eq!(
        ids(&gate(&document("0.1.1").to_string()).expect(3)),
        ["error compat-other-version", "error plugin-removed", "error channel-removed"]
    );
    for text in ["", "{}", "[1]", &document("0.1.0").to_string().replace("\"schema\":1", "\"schema\":2")] {
        assert_eq!(ids(&gate(text).expect(3)), ["error compat-invalid"], "{text}");
    }
    let nothing =
        repo.xtask_in(&dir, &["compat", "--template", ".", "--compat", "nothing.json"]).expect(2).stderr;
    expect![[r#"
        error: --compat nothing.json cannot be read: No such file or directory (os error N)
    "#]]
    .assert_eq(&masked(&nothing));
}

/// Serves these paths until the test's process ends. Returns the URL.
fn serve(pages: impl FnOnce(&str) -> HashMap<String, (&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let pages = pages(&address);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().and_then(|l| l.split(' ').nth(1).map(str::to_string)).unwrap_or_default();
            lines.find(String::is_empty);
            let (status, kind, body) = match pages.get(&path) {
                Some((kind, body)) => ("200 OK", *kind, body.as_slice()),
                None => ("404 Not Found", "text/plain", b"" as &[u8]),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
                 \r\n",
                body.len()
            );
            let _ = stream.write_all(body);
        }
    });
    address
}

/// A tar.gz with this one file.
fn tarball(path: &str, text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn withdrawn_releases_and_wrong_hashes_on_the_index_are_distinguished() {
    let good = |version: &str| {
        tarball(&format!("demo_agent-{version}/src/demo_agent/compat.json"), &document(version).to_string())
    };
    let mut other = document("0.4.0");
    other["package"] = json!("another");
    let files = [
        ("0.1.0", good("0.1.0"), json!("it eats files"), true),
        ("0.2.0", good("0.2.0"), json!(false), false),
        ("0.3.0", tarball("demo_agent-0.3.0/compat.json", "{\"schema\": 1}"), json!(false), true),
        ("0.4.0", b"no archive".to_vec(), json!(false), true),
        ("0.5.0", tarball("demo_agent-0.5.0/compat.json", &other.to_string()), json!(false), true),
    ];
    let address = serve(|address| {
        let list: Vec<Value> = files
            .iter()
            .map(|(version, bytes, yanked, honest)| {
                let hash = sha256(if *honest { bytes } else { b"other bytes" });
                let name = format!("demo_agent-{version}.tar.gz");
                // The address is not the name: an index may serve from /files/7.
                json!({ "filename": name, "url": format!("{address}/files/{name}.whl"),
                    "hashes": { "sha256": hash }, "yanked": yanked })
            })
            .collect();
        let page = json!({ "meta": { "api-version": "1.0" }, "name": "demo-agent", "files": list })
            .to_string()
            .into_bytes();
        let mut pages = HashMap::from([(
            "/simple/demo-agent/".to_string(),
            ("application/vnd.pypi.simple.v1+json", page),
        )]);
        pages.extend(files.iter().map(|(v, bytes, ..)| {
            (format!("/files/demo_agent-{v}.tar.gz.whl"), ("application/gzip", bytes.clone()))
        }));
        pages
    });
    let repo = Repo::new();
    let dir = template(&repo, "python");
    let gate = |version: &str, args: &[&str]| {
        pin(&dir, version);
        run(repo
            .command(env!("CARGO_BIN_EXE_xtask"), &dir)
            .args(["compat", "--template", ".", "--pypi", &format!("{address}/simple")])
            .args(args))
    };
    assert_eq!(
        ids(&gate("0.1.0", &["--json"]).expect(3)),
        ["warning pin-yanked", "error plugin-removed", "error channel-removed"]
    );
    expect![[r#"
        exit code 3
          ✗ template demo-agent demo-agent==0.1.0 does not fit the template (TIME)
        warning[pin-yanked]: demo-agent==0.1.0 was withdrawn from http://127.0.0.1:PORT/simple (yanked) (./.runtime-version)
          → pin the newest: echo 0.5.0 > ./.runtime-version
        error[plugin-removed]: the plugin whisper is written for apiVersion 1, which was removed in 0.1.0: demo-agent==0.1.0 does not support it (./template.toml: plugins[1])
          → move it to a supported version (2), or pin another release
        error[channel-removed]: the template's channel uses http 1, which was removed in 0.1.0: demo-agent==0.1.0 does not support it (./template.toml: channels[0])
          → move it to a supported version (none), or pin another release
        error: 2 findings to fix first
    "#]].assert_eq(&gate("0.1.0", &[]).expect(3).seen());
    expect![[r#"
        exit code 3
        error[hash-differs]: http://127.0.0.1:PORT/simple lists demo-agent==0.2.0 with the hash SHA256, but serves a file with SHA256 (http://127.0.0.1:PORT/files/demo_agent-0.2.0.tar.gz.whl)
          → do not install it; tell the operators of the index
        error: 1 finding to fix first
        exit code 3
        error[compat-invalid]: the compat.json is not valid (demo-agent==0.3.0: demo_agent-0.3.0/compat.json):
          missing field `$schema` at line 1 column 13
          → pin another release, and tell the maintainers of this one
        error: 1 finding to fix first
        exit code 3
        error[compat-other-package]: the compat.json is of another, but the template depends on demo-agent (./template.toml)
        error[plugin-removed]: the plugin whisper is written for apiVersion 1, which was removed in 0.1.0: demo-agent==0.4.0 does not support it (./template.toml: plugins[1])
          → move it to a supported version (2), or pin another release
        error[channel-removed]: the template's channel uses http 1, which was removed in 0.1.0: demo-agent==0.4.0 does not support it (./template.toml: channels[0])
          → move it to a supported version (none), or pin another release
        error: 3 findings to fix first
    "#]]
        .assert_eq(&["0.2.0", "0.3.0", "0.5.0"].map(|version| gate(version, &[]).seen_findings()).concat());
    let broken = gate("0.4.0", &[]).expect(1).stderr;
    expect![[r#"
        error: demo_agent-0.4.0.tar.gz, from http://127.0.0.1:PORT/files/demo_agent-0.4.0.tar.gz.whl: cannot read WORLD/tmp/xtask-run/package.tar.gz: invalid gzip header
    "#]].assert_eq(&masked(&broken));
    let nobody = ["compat", "--template", ".", "--pypi", "http://127.0.0.1:1/simple"];
    let nobody = repo.xtask_in(&dir, &nobody).expect(1).stderr;
    expect![[r#"
        error: cannot read the index: GET http://127.0.0.1:1/simple/demo-agent/: io: Connection refused (os error N)
    "#]].assert_eq(&masked(&nobody));
}

/// Two indexes have different files under one name and version: the project's, and somebody else's, which is
/// no archive, so that reading it would fail.
#[test]
fn a_package_that_is_not_the_dispatched_release_is_refused_before_it_is_read() {
    let promises = document("0.1.0").to_string();
    let ours = tarball("demo_agent-0.1.0/compat.json", &promises);
    let index = |bytes: &[u8]| {
        serve(|address| {
            let name = "demo_agent-0.1.0.tar.gz";
            let url = format!("{address}/{name}");
            let file = json!({ "filename": name, "url": url, "hashes": { "sha256": sha256(bytes) } });
            let simple = json!({ "meta": { "api-version": "1.0" }, "name": "demo-agent", "files": [file] });
            let npm =
                json!({ "name": "@demo/agent", "versions": { "0.1.0": { "dist": { "tarball": url } } } });
            let page = |page: Value| page.to_string().into_bytes();
            HashMap::from([
                ("/simple/demo-agent/".into(), ("application/vnd.pypi.simple.v1+json", page(simple))),
                ("/@demo%2fagent".into(), ("application/json", page(npm))),
                (format!("/{name}"), ("application/gzip", bytes.to_vec())),
            ])
        })
    };
    let (right, wrong) = (index(&ours), index(b"somebody else's"));
    let simple = |index: &str| format!("{index}/simple");
    let sent = |index: Option<String>| {
        json!({ "app": "python", "version": "0.1.0", "package": "demo-agent", "index": index,
            "files": { "demo_agent-0.1.0.tar.gz": format!("sha256:{}", sha256(&ours)) },
            "compat": format!("sha256:{}", sha256(promises.as_bytes())), "newest": true })
    };
    let repo = Repo::new();
    let dir = template(&repo, "python");
    std::fs::write(dir.join("template.toml"), "package = \"demo-agent\"\necosystem = \"python\"\n").unwrap();
    pin(&dir, "0.1.0");
    let gate = |release: &Value, args: &[&str]| {
        std::fs::write(dir.join("release.json"), release.to_string()).unwrap();
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &dir);
        command.env_remove("XTASK_PYPI").env_remove("XTASK_NPM");
        run(command.args(["compat", "--template", ".", "--release", "release.json"]).args(args))
    };
    // The index of the release is asked; a flag overrides it. An older sender names no index.
    gate(&sent(Some(simple(&right))), &[]).expect(0);
    gate(&sent(Some(simple(&wrong))), &["--pypi", &simple(&right)]).expect(0);
    gate(&sent(None), &["--pypi", &simple(&right)]).expect(0);
    let mut seen = gate(&sent(None), &["--pypi", &simple(&wrong)]).seen_findings();
    seen.push_str(&gate(&sent(Some(simple(&wrong))), &[]).seen_findings());
    std::fs::write(dir.join("other.json"), document("0.1.0").to_string() + "\n").unwrap();
    seen.push_str(&gate(&sent(None), &["--compat", "other.json"]).seen_findings());
    let mut other = sent(Some(simple(&right)));
    other["version"] = json!("0.2.0");
    seen.push_str(&gate(&other, &[]).seen_error());
    other["files"] = json!({});
    seen.push_str(&gate(&other, &[]).seen_error());

    let ts = "package = \"@demo/agent\"\necosystem = \"ts\"\n";
    std::fs::write(dir.join("template.toml"), ts).unwrap();
    let mut npm = sent(Some(right.clone()));
    npm["package"] = json!("@demo/agent");
    // The registry of the release is asked: its file is read.
    seen.push_str(&gate(&npm, &[]).seen_findings());
    seen.push_str(&gate(&npm, &["--npm", &wrong]).seen_findings());
    expect![[r#"
        exit code 3
        error[release-differs]: demo-agent==0.1.0 on http://127.0.0.1:PORT/simple is not the release that --release names: the file has sha256:SHA256, the release has sha256:SHA256 (http://127.0.0.1:PORT/demo_agent-0.1.0.tar.gz)
          → do not install it; name the index that the release is on: --pypi URL
        error: 1 finding to fix first
        exit code 3
        error[release-differs]: demo-agent==0.1.0 on http://127.0.0.1:PORT/simple is not the release that --release names: the file has sha256:SHA256, the release has sha256:SHA256 (http://127.0.0.1:PORT/demo_agent-0.1.0.tar.gz)
          → do not install it; tell the operators of the index
        error: 1 finding to fix first
        exit code 3
        error[release-differs]: the compat.json is not the release's: its hash is sha256:SHA256, not sha256:SHA256 (other.json)
          → read the compat.json of the release: leave --compat out
        error: 1 finding to fix first
        exit code 2
        error: --release is of demo-agent 0.2.0, but the template pins demo-agent==0.1.0: write it into ./.runtime-version
        exit code 2
        error: --release release.json: it names no files, so the package cannot be verified; it must be the input `release`
        exit code 3
        error[compat-other-package]: the compat.json is of demo-agent, but the template depends on @demo/agent (./template.toml)
        error: 1 finding to fix first
        exit code 3
        error[release-differs]: @demo/agent@0.1.0 on http://127.0.0.1:PORT is not the release that --release names: the file has sha256:SHA256, the release has sha256:SHA256 (http://127.0.0.1:PORT/demo_agent-0.1.0.tar.gz)
          → do not install it; name the registry that the release is on: --npm URL
        error: 1 finding to fix first
    "#]].assert_eq(&seen);
}

/// In names of files on a Python index, and in addresses and reasons of an npm registry.
#[test]
fn control_characters_of_an_index_do_not_reach_the_terminal() {
    let odd = "\u{1b}[2J\u{7}\u{202e}";
    let address = serve(|address| {
        let names = [format!("demo_agent-0.1.0-py3{odd}-none-any.whl"), format!("demo_agent-0.0.9{odd}.zip")];
        let files = names.map(|name| json!({ "filename": name, "url": "/files/7", "hashes": {} }));
        let page = json!({ "meta": { "api-version": "1.0" }, "name": "demo-agent", "files": files });
        let dist = json!({ "tarball": format!("{address}/{odd}.tgz") });
        let document = json!({
            "name": "@demo/agent", "dist-tags": { "latest": format!("0.2.0{odd}") },
            "versions": { "0.1.0": { "dist": dist, "deprecated": format!("because{odd}") } },
        });
        let wrong = json!({ "name": "demo-agent", "versions": { format!("1.0.0{odd}"): { "dist": dist } } });
        let simple = "application/vnd.pypi.simple.v1+json";
        HashMap::from([
            ("/simple/demo-agent/".to_string(), (simple, page.to_string().into_bytes())),
            ("/files/7".to_string(), ("application/zip", b"no archive".to_vec())),
            ("/@demo%2fagent".to_string(), ("application/json", document.to_string().into_bytes())),
            ("/demo-agent".to_string(), ("application/json", wrong.to_string().into_bytes())),
        ])
    });
    let repo = Repo::new();
    let shown = |dir: &Utf8PathBuf| {
        pin(dir, "0.1.0");
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), dir);
        let address = ["--pypi", &format!("{address}/simple"), "--npm", &address];
        let output = run(command.args(["compat", "--template", "."]).args(address));
        for text in [&output.stdout, &output.stderr] {
            assert_eq!(controls(text), "", "{text:?}");
        }
        output.seen_error()
    };
    let python = shown(&template(&repo, "python"));
    let ts = template(&repo, "ts");
    let tarball = shown(&ts);
    let settings = std::fs::read_to_string(ts.join("template.toml")).unwrap();
    std::fs::write(ts.join("template.toml"), settings.replace("@demo/agent", "demo-agent")).unwrap();
    expect![[r#"
        exit code 1
        error: demo_agent-0.1.0-py3�[2J��-none-any.whl, from http://127.0.0.1:PORT/files/7: cannot read WORLD/tmp/xtask-run/package.whl: it is not a wheel that can be read: File is not a zip file
        exit code 1
        error: GET http://127.0.0.1:PORT/�[2J��.tgz: invalid uri character
        exit code 1
        error: cannot read the registry: the answer to GET http://127.0.0.1:PORT/demo-agent is not an answer of an npm registry for this package, so the package's versions are unknown: "1.0.0\u{1b}[2J\u{7}\u{202e}" is not a version (SemVer)
    "#]].assert_eq(&[python, tarball, shown(&ts)].concat());
}

/// A login page or a web server in front of a registry may hold anything in any file.
#[test]
fn a_package_document_of_another_content_type_is_not_read() {
    let page = json!({ "name": "@demo/agent", "versions": {} }).to_string().into_bytes();
    let address = serve(|_| HashMap::from([("/@demo%2fagent".to_string(), ("text/html", page))]));
    let repo = Repo::new();
    let dir = template(&repo, "ts");
    pin(&dir, "0.1.0");
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &dir);
    let refused = run(command.args(["compat", "--template", ".", "--npm", &address]));
    expect![[r#"
        exit code 1
        error: cannot read the registry: the answer to GET http://127.0.0.1:PORT/@demo%2fagent is not an answer of an npm registry for this package, so the package's versions are unknown: its content type is "text/html", not JSON
    "#]].assert_eq(&refused.seen_error());
}

#[test]
fn a_version_deprecated_on_npm_is_reported() {
    let mut promises = document("0.1.0");
    promises["package"] = json!("@demo/agent");
    promises["channels"][0] =
        json!({ "protocol": "http", "version": "1", "status": "deprecated", "removal": "9.0.0" });
    let bytes = tarball("package/compat.json", &promises.to_string());
    let address = serve(|address| {
        let dist = json!({ "tarball": format!("{address}/agent.tgz") });
        let page = json!({
            "name": "@demo/agent", "dist-tags": { "latest": "0.2.0" },
            "versions": { "0.1.0": { "dist": dist, "deprecated": "use 0.2.0" }, "0.2.0": { "dist": dist,
                "deprecated": false } },
        });
        HashMap::from([
            ("/@demo%2fagent".to_string(), ("application/json", page.to_string().into_bytes())),
            ("/agent.tgz".to_string(), ("application/gzip", bytes)),
        ])
    });
    let repo = Repo::new();
    let dir = template(&repo, "ts");
    let gate = |version: &str| {
        pin(&dir, version);
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &dir);
        run(command.args(["compat", "--template", ".", "--npm", &address])).seen_findings()
    };
    // The registry serves 0.1.0's file for 0.2.0.
    expect![[r#"
        exit code 0
        warning[pin-yanked]: @demo/agent@0.1.0 was withdrawn from http://127.0.0.1:PORT (deprecated: use 0.2.0) (./.runtime-version)
          → pin the newest: echo 0.2.0 > ./.runtime-version
        warning[channel-deprecated]: the template's channel uses http 1, which @demo/agent@0.1.0 still supports but 9.0.0 removes (./template.toml: channels[0])
          → move it before you pin 9.0.0; supported: http 1
        exit code 3
        error[compat-other-version]: the compat.json is of @demo/agent@0.1.0, but the template pins 0.2.0 (./.runtime-version)
        warning[channel-deprecated]: the template's channel uses http 1, which @demo/agent@0.1.0 still supports but 9.0.0 removes (./template.toml: channels[0])
          → move it before you pin 9.0.0; supported: http 1
        error: 1 finding to fix first
    "#]].assert_eq(&["0.1.0", "0.2.0"].map(gate).concat());
}
