//! Every finding of the RUNBOOK is in a snapshot as a person sees it. Here are also the findings that no
//! other test shows.

use crate::bump::serve;
use crate::demo::World;
use crate::docs;
use crate::lab::{Fault, Proxy, Request};
use crate::support::{APP_TOML, PYPROJECT, Repo, run, user_cache};
use expect_test::expect;
use regex_lite::Regex;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

#[test]
fn every_finding_of_the_runbook_is_in_a_snapshot() {
    let snapshot = Regex::new(r##"(?s)expect!\[\[r#"(.*?)"#\]\]"##).unwrap();
    let mut seen = String::new();
    for file in docs::tracked(&["xtask"], &["rs"]) {
        for found in snapshot.captures_iter(&docs::read(&file)) {
            seen.push_str(&found[1]);
        }
    }
    // A finding, or a break in a finding: `error[dirty-tree]: …`, `  [class-renamed] …`.
    let shows = |id: &str| {
        let levels = ["info", "warning", "error", "breaking"];
        levels.iter().any(|level| seen.contains(&format!("{level}[{id}]:")))
            || seen.contains(&format!("  [{id}] "))
    };
    let unseen: Vec<String> = docs::documented_findings().into_iter().filter(|id| !shows(id)).collect();
    assert!(unseen.is_empty(), "findings that no snapshot shows: {unseen:?}");
}

/// A repository with a bare remote, in which 0.1.0 is the manifest's version and not released.
fn pushed() -> Repo {
    let repo = Repo::new();
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "--quiet", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    repo.commit("apps/python/pyproject.toml", &PYPROJECT.replace("0.0.0", "0.1.0"), "feat: more");
    repo.git(&["push", "--quiet", "origin", "main"]);
    repo
}

#[test]
fn a_package_is_not_published_before_its_tag() {
    let repo = pushed();
    expect![[r#"
        exit code 3
        error[no-tag]: python: the tag python-v0.1.0 is not on origin: a release is only published after its tag
          → cargo xtask tag python
        error: 1 finding to fix first
    "#]].assert_eq(&repo.untouched(|| repo.xtask(&["publish", "python"])).seen());
}

#[test]
fn a_spec_that_the_code_does_not_print_is_shown_as_a_difference() {
    let repo = Repo::new();
    let spec = "[spec]\nfile = \"openapi.json\"\ngenerate = [\"python\", \"spec.py\"]\nserve = [\"true\"]\n";
    repo.write("apps/python/app.toml", format!("{APP_TOML}\n{spec}"));
    repo.write("apps/python/spec.py", "print('{\\n  \"openapi\": \"3.1.0\"\\n}')\n");
    repo.write("apps/python/openapi.json", "{\n  \"openapi\": \"3.0.0\"\n}\n");
    expect![[r#"
        exit code 3
          ✗ openapi-python    stale (TIME)
        error[spec-stale]: python: the committed spec does not match the code (apps/python/openapi.json)
        --- apps/python/openapi.json (committed)
        +++ apps/python/openapi.json (from the code)
        @@ -1,3 +1,3 @@
         {
        -  "openapi": "3.0.0"
        +  "openapi": "3.1.0"
         }
          → cargo xtask openapi generate python
        error: 1 finding to fix first
    "#]]
    .assert_eq(&repo.xtask(&["openapi", "check", "python"]).seen());
}

/// A released spec is not JSON; compat.json then names another version of the contract.
#[test]
fn a_plan_names_what_it_could_not_compare_and_another_contract() {
    let repo = Repo::new();
    let tables = "\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"true\"]\nserve = [\"true\"]\n\n\
                  [compat]\nfile = \"compat.json\"\ngenerate = [\"true\"]\n";
    let compat = |contract: &str| {
        serde_json::json!({
            "$schema": concat!(
                "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/",
                "main/contract/compat.schema.json"
            ),
            "schema": 1,
            "package": "demo-agent",
            "version": "0.1.0",
            "contract": { "version": contract, "spec": format!("sha256:{}", "0".repeat(64)) },
            "plugins": [],
            "channels": [],
        })
        .to_string()
    };
    repo.write("apps/python/app.toml", format!("{APP_TOML}{tables}"));
    repo.write("apps/python/compat.json", compat("1"));
    repo.write("apps/python/openapi.json", "{ not json");
    repo.commit("apps/python/pyproject.toml", &PYPROJECT.replace("0.0.0", "0.1.0"), "feat: promises");
    repo.git(&["tag", "python-v0.1.0"]);
    repo.write("apps/python/openapi.json", r#"{"openapi": "3.1.0", "info": {}, "paths": {}}"#);
    repo.commit("apps/python/compat.json", &compat("2"), "fix: another contract");
    expect![[r#"
        exit code 3
        warning[contract-unreadable]: python: the specs cannot be compared, so breaking changes for clients are not detected: python-v0.1.0:apps/python/openapi.json is not JSON: key must be a string at line 1 column 3 (apps/python/openapi.json)
          → only the commits decide the version: declare breaking changes in them
        breaking[undeclared-break]: python: breaks users of python-v0.1.0, and no commit declares it (apps/python/compat.json):
          [contract-version-changed] contract.version was 1 and is now 2
          → declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` (git commit --amend)
          → or, if that commit is already merged, declare it in a new commit that changes a file of apps/python
          → or revert it
          → or, if it breaks nobody, accept it in apps/python/app.toml: [[accept]] id = "contract-version-changed", what = "contract.version", version = the next one, reason = "…"
          → (cargo xtask bump python --confirm-breaking "why" writes that entry for every break)
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["plan", "python"]).seen_findings());
}

/// The lock file of today's app cannot be read, so the example plugin of the last release cannot be run.
#[test]
fn tests_of_the_last_release_that_cannot_run_are_a_finding() {
    let repo = Repo::new();
    let compat = "\n[spec]\nfile = \"openapi.json\"\ngenerate = [\"true\"]\nserve = [\"true\"]\n\n\
                  [compat]\nfile = \"compat.json\"\ngenerate = [\"true\"]\nusers = [\"python\", \"-V\"]\n";
    repo.commit("apps/python/app.toml", &format!("{APP_TOML}{compat}"), "feat: a plugin");
    repo.git(&["tag", "python-v0.0.0"]);
    repo.commit("apps/python/uv.lock", "not a lock file\n", "fix: a lock file");
    expect![[r#"
        exit code 3
          ✓ test-python       no tests: a fixture (TIME)
          ✗ users-python      could not run (TIME)
        error[users]: python: the last release's tests could not run: `CACHE/tools/uv/bin/uv sync --quiet --all-groups --frozen --python PYTHON --default-index https://pypi.org/simple`: exit code 2 (apps/python)
        error: Failed to parse `uv.lock`
          cause: TOML parse error at line 1, column 5
                   |
                 1 | not a lock file
                   |     ^
                 key with no value, expected `=`
        error: 1 finding to fix first
    "#]].assert_eq(&repo.xtask(&["test", "python"]).seen());
}

#[test]
fn an_audit_compares_the_changelog_and_ranges_with_the_manifest() {
    let repo = Repo::new();
    let section = |version: &str| format!("# Changelog\n\n## [python-v{version}] - 2026-01-01\n\n- more\n");
    repo.write("apps/python/pyproject.toml", PYPROJECT.replace("0.0.0", "0.2.0"));
    repo.write("examples/requirements.txt", "demo-agent>=0.1,<0.2\n");
    repo.commit("CHANGELOG.md", &section("0.1.0"), "feat: more");
    let behind = repo.xtask(&["audit"]).seen();
    repo.commit("CHANGELOG.md", &section("0.3.0"), "docs: what is coming");
    expect![[r#"
        exit code 0
        python  0.2.0  apps/python/pyproject.toml:3, not released yet
          ! pin        >=0.1,<0.2  examples/requirements.txt:1
          ! changelog  0.1.0       CHANGELOG.md:3
        stderr:
        warning[range-excludes]: python: the pin >=0.1,<0.2 excludes 0.2.0 (examples/requirements.txt:1)
          → include 0.2.0 in the range, or ignore this if the range is intended
        warning[changelog-behind]: python: the changelog has no section for 0.2.0; its newest of python is 0.1.0 (CHANGELOG.md:3)
          → cargo xtask bump python --version 0.2.0
        nothing stops a release; 2 warnings above
        exit code 3
        warning[range-excludes]: python: the pin >=0.1,<0.2 excludes 0.2.0 (examples/requirements.txt:1)
          → include 0.2.0 in the range, or ignore this if the range is intended
        error[changelog-ahead]: python: the changelog's newest section of python is 0.3.0, but the manifest has 0.2.0 (CHANGELOG.md:3)
          → cargo xtask bump python --version 0.3.0, or remove that section
        error: 1 finding to fix first
    "#]].assert_eq(&(behind + &repo.xtask(&["audit"]).seen_findings()));
}

/// The package is one that the index refuses, its name is taken, it has no lock file to look advisories up
/// for, and a tool is not in the cache and cannot be installed.
#[test]
fn preflight_reports_what_a_package_and_the_machine_lack() {
    let world = World::new();
    let manifest = world.repo.read("apps/python/pyproject.toml");
    let manifest = manifest
        .replace("license = \"MIT\"", "license = \"MIT\"\nclassifiers = [\"Private :: Do Not Upload\"]");
    world.repo.git(&["rm", "--quiet", "apps/python/uv.lock"]);
    world.repo.commit("apps/python/pyproject.toml", &manifest, "fix: a classifier");
    world.push();
    let index = serve(r#"<a href="a">demo_agent-0.0.0.tar.gz</a>"#);
    let cache = world.repo.world().join("cache");
    link_cache_without(&cache, "twine");
    let mut command = world.command(&world.repo.path);
    command.env("XTASK_CACHE", &cache).env("XTASK_PYPI", index).env_remove("XTASK_LOOPBACK_ONLY");
    let stopped = run(command.args(["release", "python", "--until", "preflight"]));
    expect![[r#"
        exit code 3
        error[tool-missing]: python: cannot write WORLD/cache/tools/.twine.lock: Is a directory (os error N)
          → cargo xtask setup
        warning[release-untagged]: python: demo-agent 0.0.0 is on the index, but there is no tag python-v0.0.0, so its commit is unknown: the next release is compared with no earlier release, and may break users of 0.0.0 unnoticed
          → git fetch --tags
          → or, if that tag does not exist: git tag python-v0.0.0 COMMIT, with the commit that 0.0.0 was built from
        error[not-publishable]: python: the index would refuse demo-agent (apps/python/pyproject.toml):
          PyPI refuses the classifier "Private :: Do Not Upload"
          → correct the manifest in a pull request
        warning[name-taken]: python: demo-agent is already on the index, but no release of it is tagged here: check its owner (http://127.0.0.1:PORT/simple)
        warning[advisories]: python: cannot look up advisories about the locked dependencies: `WORLD/cache/tools/uv/bin/uv audit --quiet --frozen --no-dev --preview-features audit-command`: exit code 1 (apps/python/uv.lock)
        error: Unable to find lockfile at `uv.lock`, but `--frozen` was provided. To create a lockfile, run `uv lock` or `uv sync` without the flag.
        error: 2 findings to fix first
    "#]].assert_eq(&stopped.seen_findings());
}

/// A cache with links to everything in the user's, except for one tool, for which there is a file that cannot
/// be replaced: a folder has the name of its lock.
fn link_cache_without(cache: &camino::Utf8Path, tool: &str) {
    let link = |from: &Path, to: &camino::Utf8Path, without: &[&str]| {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            if without.iter().any(|without| name.trim_start_matches('.').starts_with(without)) {
                if !name.starts_with('.') && name != "tools" {
                    std::fs::create_dir(to.join(format!(".{name}.lock"))).unwrap();
                }
                continue;
            }
            std::os::unix::fs::symlink(entry.unwrap().path(), to.join(name)).unwrap();
        }
    };
    let user = user_cache();
    link(Path::new(&user), cache, &["tools"]);
    link(&Path::new(&user).join("tools"), &cache.join("tools"), &[tool]);
}

/// A package that cannot be built, and uploads that the index refuses with PyPI's words.
#[test]
fn a_build_that_fails_and_an_upload_that_the_index_refuses_are_findings() {
    let mut world = World::new();
    let settings = world.repo.read("apps/python/app.toml");
    let upload = world.servers.env.get_mut("XTASK_TESTPYPI_UPLOAD").unwrap();
    let server = upload.trim_start_matches("http://").split('/').next().unwrap().to_string();
    let proxy = Proxy::before(&server);
    *upload = upload.replace(&server, &proxy.address);
    let uploads = Request { method: "POST", path: "/", kind: "multipart/form-data" };
    let mut seen = String::new();
    for words in [
        "Non-user identities cannot create new projects. This was probably caused by a mismatch.",
        "The user 'bot' isn't allowed to upload to project 'demo-agent'.",
    ] {
        proxy.fault(uploads, &[Fault::Answer(403, words)]);
        seen += &world.xtask(&["release", "python"]).seen_findings();
    }
    let build = settings.replace("[commands]", "[commands]\nbuild = [[\"ls\", \"missing\"]]");
    world.repo.commit("apps/python/app.toml", &build, "fix: another build");
    world.push();
    seen += &world.xtask(&["release", "python"]).seen_findings();
    expect![[r#"
        exit code 3
        error[trusted-publisher]: python: http://127.0.0.1:PORT/ did not accept demo_agent-0.0.1-py3-none-any.whl: the first release needs a pending publisher with exactly this package's name, or a token
        `CACHE/tools/uv/bin/uv publish --quiet --publish-url http://127.0.0.1:PORT/ --trusted-publishing never "WORLD/Pr\u{fc}fung #1; mit Raum/target/xtask/release/python-v0.0.1/dist/demo_agent-0.0.1-py3-none-any.whl"`: exit code 2
        error: Failed to publish `target/xtask/release/python-v0.0.1/dist/demo_agent-0.0.1-py3-none-any.whl` to `http://127.0.0.1:PORT/`
          cause: Server returned status code 403 Forbidden. Server says: Non-user identities cannot create new projects. This was probably caused by a mismatch.
          → correct it there, then go on: cargo xtask release python
        error: 1 finding to fix first
        exit code 3
        error[upload-refused]: python: http://127.0.0.1:PORT/ did not accept demo_agent-0.0.1-py3-none-any.whl: the name belongs to somebody else, or the token is for another project: check the owner there
        `CACHE/tools/uv/bin/uv publish --quiet --publish-url http://127.0.0.1:PORT/ --trusted-publishing never "WORLD/Pr\u{fc}fung #1; mit Raum/target/xtask/release/python-v0.0.1/dist/demo_agent-0.0.1-py3-none-any.whl"`: exit code 2
        error: Failed to publish `target/xtask/release/python-v0.0.1/dist/demo_agent-0.0.1-py3-none-any.whl` to `http://127.0.0.1:PORT/`
          cause: Server returned status code 403 Forbidden. Server says: The user 'bot' isn't allowed to upload to project 'demo-agent'.
          → correct it there, then go on: cargo xtask release python
        error: 1 finding to fix first
        exit code 3
        error[build-failed]: python: the package cannot be built; nothing of this release is public yet (apps/python):
        [commands] build: ls missing: `/usr/bin/env ls missing`: exit code 2
        ls: cannot access 'missing': No such file or directory
          → correct it in a pull request; this builds it alone: cargo xtask build python
        error: 1 finding to fix first
    "#]].assert_eq(&seen);
    assert!(world.published().is_empty());
}

/// TLS before a server on this machine: uv asks for a publisher's token by https only.
const TLS: &str = r#"
import asyncio, ssl, sys
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1])
async def pipe(source, target):
    while data := await source.read(65536):
        target.write(data)
    target.close()
async def serve(reader, writer):
    behind = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pipe(reader, behind[1]), pipe(behind[0], writer), return_exceptions=True)
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

struct Tls {
    python: Child,
    address: String,
    /// The machine's roots, and that of this server.
    roots: String,
}

impl Tls {
    fn before(world: &World, server: &str) -> Tls {
        let pem = world.repo.world().join("tls.pem");
        let mut openssl = world.repo.command("openssl", world.repo.world());
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]);
        // Without this bit it is a root, which no server may be.
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", pem.as_str()]);
        let made = openssl.args(["-out", "cert.pem"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let machine = std::env::var("SSL_CERT_FILE");
        let machine = machine.unwrap_or_else(|_| "/etc/ssl/certs/ca-certificates.crt".to_string());
        let own = std::fs::read_to_string(world.repo.world().join("cert.pem")).unwrap();
        let roots = world.repo.world().join("roots.pem");
        std::fs::write(&roots, std::fs::read_to_string(machine).unwrap_or_default() + &own).unwrap();
        let key = std::fs::read_to_string(&pem).unwrap();
        std::fs::write(&pem, key + &own).unwrap();
        let mut command = world.repo.command("python3", world.repo.world());
        command.args(["-c", TLS, pem.as_str(), server.split_once(':').unwrap().1]).stdout(Stdio::piped());
        let mut python = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(python.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Tls { python, address: format!("127.0.0.1:{}", port.trim()), roots: roots.into_string() }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.python.kill();
        let _ = self.python.wait();
    }
}

/// PyPI and GitHub's identity tokens as a job sees them. After the refusal the publisher is registered.
#[test]
fn a_job_that_pypi_does_not_know_is_a_finding_and_the_release_goes_on_when_it_does() {
    let world = World::new();
    world.xtask(&["release", "python", "--until", "page-draft"]).expect(0);
    let upload = &world.servers.env["XTASK_PYPI_UPLOAD"];
    let proxy = Proxy::before(upload.trim_start_matches("http://").split('/').next().unwrap());
    let tls = Tls::before(&world, &proxy.address);
    let request = |method, path| Request { method, path, kind: "" };
    // The claims of the identity: `{"sub":"repo:team/mono:environment:pypi"}`.
    let identity = "{\"value\": \"e30.eyJzdWIiOiJyZXBvOnRlYW0vbW9ubzplbnZpcm9ubWVudDpweXBpIn0.c2ln\"}";
    proxy.fault(request("GET", "/identity"), &[Fault::Answer(200, identity); 3]);
    proxy.fault(request("GET", "/_/oidc/audience"), &[Fault::Answer(200, "{\"audience\": \"pypi\"}"); 3]);
    let unknown = "{\"message\": \"Token request failed\", \"errors\": [{\"code\": \"invalid-publisher\", \
        \"description\": \"valid token, but no corresponding publisher\"}]}";
    let token = format!("{{\"success\": true, \"token\": \"{}\"}}", world.servers.env["PYPI_TOKEN"]);
    let token = Fault::Answer(200, token.leak());
    proxy.fault(request("POST", "/_/oidc/mint-token"), &[Fault::Answer(422, unknown), token, token]);
    let job = || {
        let mut command = world.command(&world.repo.path);
        command.args(["release", "python"]).env_remove("PYPI_TOKEN").env("GITHUB_ACTIONS", "true");
        command.env("XTASK_PYPI_UPLOAD", format!("https://{}/", tls.address));
        command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("https://{}/identity?job=1", tls.address));
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token-of-the-job").env("SSL_CERT_FILE", &tls.roots);
        run(&mut command)
    };
    let tag = || world.repo.git(&["ls-remote", "--tags", "origin"]);
    let before = (tag(), world.published());
    let refused = job();
    expect![[r#"
        exit code 3
        error[trusted-publisher]: python: https://127.0.0.1:PORT/ did not accept demo_agent-0.0.1-py3-none-any.whl: it does not know this job as a trusted publisher: compare owner, repository, workflow and environment with those on the index
        `CACHE/tools/uv/bin/uv publish --quiet --publish-url https://127.0.0.1:PORT/ --trusted-publishing always "WORLD/Pr\u{fc}fung #1; mit Raum/target/xtask/release/python-v0.0.1/dist/demo_agent-0.0.1-py3-none-any.whl"`: exit code 2
        error: Failed to obtain token for trusted publishing
          cause: Server returned error code 422 Unprocessable Entity, and the OIDC has an unexpected format.
                 Response: {"message": "Token request failed", "errors": [{"code": "invalid-publisher", "description": "valid token, but no corresponding publisher"}]}
          → correct it there, then go on: cargo xtask release python
        error: 1 finding to fix first
    "#]].assert_eq(&refused.seen_findings());
    assert!(!refused.stderr.contains("token-of-the-job"), "{}", refused.stderr);
    assert_eq!((tag(), world.published()), before);
    let seen = job().expect(0);
    assert_eq!((&tag(), world.published().len()), (&before.0, before.1.len() + 2), "{}", seen.stderr);
    assert_eq!(proxy.seen().iter().filter(|(name, _)| name == "POST /").count(), 2, "{:?}", proxy.seen());
}

/// Each time the tag names other bytes, or there is no tag but the registries have the version.
#[test]
fn bytes_that_differ_from_the_tag_or_have_no_tag_stop_the_release() {
    let world = World::new();
    world.xtask(&["release", "python", "--until", "tag"]).expect(0);
    let (repo, name, remote) = (&world.repo, "refs/tags/python-v0.0.1", world.servers.remote());
    let object = repo.git(&["rev-parse", name]);
    let tag = repo.git(&["cat-file", "tag", name]);
    let wheel = Regex::new(r"[0-9a-f]{64}(  demo_agent-0\.0\.1-py3-none-any\.whl)").unwrap();
    let other = wheel.replace(&tag, format!("{}$1", "0".repeat(64)));
    assert_ne!(other, tag);
    repo.write(".git/other", format!("{other}\n"));
    let other = repo.git(&["hash-object", "-t", "tag", "-w", ".git/other"]);
    // The remote lets nobody push another tag over one.
    let set = |object: &str| {
        repo.git(&["update-ref", name, object]);
        repo.git_in(remote, &["fetch", "--quiet", repo.path.as_str(), &format!("+{name}:{name}")]);
    };
    set(&other);
    expect![[r#"
        exit code 3
        error[build-differs]: python: the build differs from the tag python-v0.0.1: demo_agent-0.0.1-py3-none-any.whl has sha256 SHA256 there; the build produced sha256 SHA256
          → resume with the tools of the release: git switch --detach 1234567 && cargo xtask release python
          → if that builds other bytes too, release the next version: cargo xtask bump python --version 0.0.2
        error: 1 finding to fix first
    "#]].assert_eq(&world.xtask(&["release", "python"]).seen_findings());
    set(&object);
    world.xtask(&["release", "python", "--until", "image-push"]).expect(0);
    repo.git_in(remote, &["update-ref", "-d", name]);
    repo.git(&["update-ref", "-d", name]);
    expect![[r#"
        exit code 3
        error[version-published]: python: demo_agent-0.0.1-py3-none-any.whl is already on the index, but the tag python-v0.0.1 does not exist (http://127.0.0.1:PORT/)
          → release the next version: cargo xtask bump python --version 0.0.2
        error[image-differs]: python: v0.0.1 is already in the registry (sha256:SHA256), but the tag python-v0.0.1 does not exist (ghcr.io/example/demo-agent:v0.0.1)
          → release the next version: cargo xtask bump python --version 0.0.2
        error: 2 findings to fix first
    "#]].assert_eq(&world.xtask(&["release", "python"]).seen_findings());
}
