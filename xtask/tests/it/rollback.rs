//! Rolling a release back: what it moves and withdraws, that a second run finds nothing left, and that plan,
//! release and audit then no longer count the version as out.

use crate::demo::World;
use crate::support::{PYPROJECT, Repo, run};
use camino::Utf8Path;
use expect_test::expect;
use std::io::{BufRead, BufReader, Write};
use std::sync::{Arc, Mutex};

const IMAGES: [(&str, &str); 2] = [("python", "example/demo-agent"), ("ts", "example/demo-agent-ts")];

/// The releases 0.0.1 and 0.0.2, both verified.
pub(crate) fn twice_released(app: &'static str) -> World {
    let world = World::of(app);
    world.xtask(&["release", app]).expect(0);
    release_a_fix(&world, app, "two");
    world
}

fn release_a_fix(world: &World, app: &str, what: &str) {
    world.repo.commit(
        &format!("apps/{app}/README.md"),
        &format!("# demo-agent, {what}\n"),
        &format!("fix({app}): {what}"),
    );
    world.bump(&[]);
    world.xtask(&["release", app]).expect(0);
}

pub(crate) fn image(app: &str) -> &'static str {
    IMAGES.iter().find(|(name, _)| *name == app).unwrap().1
}

#[test]
fn a_ts_release_is_deprecated_latest_moves_back_and_a_second_run_finds_nothing() {
    let world = twice_released("ts");
    let first = world.image(image("ts"), "v0.0.1");
    let second = world.image(image("ts"), "v0.0.2");
    let outside = world.outside();
    let dry = world.repo.untouched(|| world.xtask(&["rollback", "ts", "0.0.2", "--dry-run"]));
    expect![[r#"
        exit code 0
        Roll back ts v0.0.2
          → mark      push the tag withdrawn/ts-v0.0.2: plan, release and audit no longer count the version as out
          → image     move ghcr.io/example/demo-agent-ts:latest from v0.0.2 to v0.0.1 (sha256:SHA256)
          - image     ghcr.io/example/demo-agent-ts:v0.0.2 stays, for users who pin it
          → dist-tag  move @demo/agent@latest from 0.0.2 to 0.0.1
          → package   deprecate @demo/agent@0.0.2 on http://127.0.0.1:PORT: ts v0.0.2 was withdrawn
          → page      mark http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 as withdrawn: make it a pre-release, and add a notice
          - tag       the git tag ts-v0.0.2 stays
    "#]].assert_eq(&dry.seen());
    // Nobody can be asked.
    let asked = world.repo.untouched(|| world.xtask(&["rollback", "ts", "0.0.2"]));
    expect![[r#"
        exit code 2
        error: rollback asks before it changes anything, and there is no terminal to ask on; nothing was changed
          to skip the question: cargo xtask rollback ts 0.0.2 --yes
    "#]].assert_eq(&asked.seen_findings());
    // Without credentials nothing is done either.
    let mut command = world.command(&world.repo.path);
    let refused = run(command.args(["rollback", "ts", "0.0.2", "--yes"]).env_remove("NPM_TOKEN"));
    expect![[r#"
        exit code 3
        error[credentials]: ts: set NPM_TOKEN: it must be able to change the package
        error: 1 finding to fix first
    "#]]
    .assert_eq(&refused.seen_findings());
    assert_eq!(outside, world.outside());

    let done = world.xtask(&["rollback", "ts", "0.0.2", "--yes", "--reason", "it loses runs"]);
    expect![[r#"
        exit code 0
        Roll back ts v0.0.2
          → mark      push the tag withdrawn/ts-v0.0.2: plan, release and audit no longer count the version as out
          → image     move ghcr.io/example/demo-agent-ts:latest from v0.0.2 to v0.0.1 (sha256:SHA256)
          - image     ghcr.io/example/demo-agent-ts:v0.0.2 stays, for users who pin it
          → dist-tag  move @demo/agent@latest from 0.0.2 to 0.0.1
          → package   deprecate @demo/agent@0.0.2 on http://127.0.0.1:PORT: it loses runs
          → page      mark http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 as withdrawn: make it a pre-release, and add a notice
          - tag       the git tag ts-v0.0.2 stays
          ✓ mark              withdrawn/ts-v0.0.2 pushed (TIME)
          ✓ image             latest is v0.0.1 (sha256:SHA256) (TIME)
          ✓ dist-tag          @demo/agent@latest is 0.0.1 (TIME)
          ✓ package           @demo/agent@0.0.2 is deprecated (TIME)
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 is marked as withdrawn (TIME)
        ✓ ts v0.0.2 is rolled back
    "#]].assert_eq(&done.seen());
    assert_eq!(world.image(image("ts"), "latest"), first);
    assert_eq!(world.image(image("ts"), "v0.0.2"), second);
    assert_eq!(world.dist_tags("@demo/agent"), serde_json::json!({ "latest": "0.0.1" }));
    let package = world.packument("@demo/agent");
    assert_eq!(package["versions"]["0.0.2"]["deprecated"], "it loses runs");
    assert!(package["versions"]["0.0.1"]["deprecated"].is_null());

    let outside = world.outside();
    let again = world.repo.untouched(|| world.xtask(&["rollback", "ts", "0.0.2", "--yes"]));
    expect![[r#"
        exit code 4
        Roll back ts v0.0.2
          ✓ mark      withdrawn/ts-v0.0.2 is on the remote
          ✓ image     ghcr.io/example/demo-agent-ts:latest is not v0.0.2
          - image     ghcr.io/example/demo-agent-ts:v0.0.2 stays, for users who pin it
          ✓ dist-tag  @demo/agent@latest is 0.0.1
          ✓ package   @demo/agent@0.0.2 is withdrawn on http://127.0.0.1:PORT
          ✓ page      http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 is marked as withdrawn
          - tag       the git tag ts-v0.0.2 stays
        nothing to roll back: ts-v0.0.2 was rolled back
    "#]]
    .assert_eq(&again.seen());
    let json = world.xtask(&["rollback", "ts", "0.0.2", "--json"]).expect(4).json();
    let open = json["actions"].as_array().unwrap().iter().filter(|line| line["state"] == "todo").count();
    assert_eq!(open, 0, "{json}");
    // Neither a resumed release nor a release of the fix of an older version takes `latest` for 0.0.2.
    expect![[r#"
        exit code 4
        Release ts v0.0.2 at 1234567
          - tag               ts-v0.0.2 was rolled back (withdrawn/ts-v0.0.2)
        nothing left to release: ts-v0.0.2 was rolled back; to prepare 0.0.3: cargo xtask bump ts
    "#]]
    .assert_eq(&world.xtask(&["release", "ts"]).seen());
    assert_eq!(outside, world.outside());

    // The next release takes `latest` again, with a number above that of the withdrawn one.
    release_a_fix(&world, "ts", "three");
    assert_eq!(world.dist_tags("@demo/agent"), serde_json::json!({ "latest": "0.0.3" }));
    assert_eq!(world.image(image("ts"), "latest"), world.image(image("ts"), "v0.0.3"));
}

#[test]
fn a_rollback_that_was_interrupted_does_what_is_left() {
    let world = twice_released("ts");
    let outside = world.outside();
    // The container registry does not answer, so nothing is done at all.
    let mut command = world.command(&world.repo.path);
    let stopped = run(command.args(["rollback", "ts", "0.0.2", "--yes", "--registry", "127.0.0.1:1"]));
    assert_eq!(stopped.code, 1, "{}", stopped.stderr);
    assert_eq!(outside, world.outside());
    // The state after a run that ended just after its first action.
    world.repo.git(&["push", "--quiet", "origin", "HEAD:refs/tags/withdrawn/ts-v0.0.2"]);
    expect![[r#"
        exit code 0
        Roll back ts v0.0.2
          ✓ mark      withdrawn/ts-v0.0.2 is on the remote
          → image     move ghcr.io/example/demo-agent-ts:latest from v0.0.2 to v0.0.1 (sha256:SHA256)
          - image     ghcr.io/example/demo-agent-ts:v0.0.2 stays, for users who pin it
          → dist-tag  move @demo/agent@latest from 0.0.2 to 0.0.1
          → package   deprecate @demo/agent@0.0.2 on http://127.0.0.1:PORT: ts v0.0.2 was withdrawn
          → page      mark http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 as withdrawn: make it a pre-release, and add a notice
          - tag       the git tag ts-v0.0.2 stays
          ✓ image             latest is v0.0.1 (sha256:SHA256) (TIME)
          ✓ dist-tag          @demo/agent@latest is 0.0.1 (TIME)
          ✓ package           @demo/agent@0.0.2 is deprecated (TIME)
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/ts-v0.0.2 is marked as withdrawn (TIME)
        ✓ ts v0.0.2 is rolled back
    "#]]
    .assert_eq(&world.xtask(&["rollback", "ts", "0.0.2", "--yes"]).seen());
    assert_eq!(world.dist_tags("@demo/agent"), serde_json::json!({ "latest": "0.0.1" }));
}

#[test]
fn a_ts_release_is_unpublished_only_when_asked() {
    let world = twice_released("ts");
    world.xtask(&["rollback", "ts", "0.0.2", "--yes", "--unpublish"]).expect(0);
    let package = world.packument("@demo/agent");
    assert!(package["versions"]["0.0.2"].is_null(), "{package}");
    assert_eq!(package["dist-tags"], serde_json::json!({ "latest": "0.0.1" }));
    world.xtask(&["rollback", "ts", "0.0.2", "--yes", "--unpublish"]).expect(4);
    // What a rollback removed is not uploaded again.
    let gone = world.xtask(&["verify", "ts", "0.0.2"]);
    expect![[r#"
        exit code 1
        error: the tag names demo-agent-0.0.2.tgz with sha256 SHA256, but the index does not have it; ts-v0.0.2 was rolled back (withdrawn/ts-v0.0.2)
    "#]].assert_eq(&gone.seen_error());
    // npm would remove the whole package with its last version.
    let outside = world.outside();
    expect![[r#"
        exit code 2
        Roll back ts v0.0.1
        error: @demo/agent@0.0.1 cannot be unpublished: it is the only version, so npm would remove the whole package and block its name; without --unpublish it is deprecated
    "#]].assert_eq(&world.xtask(&["rollback", "ts", "0.0.1", "--yes", "--unpublish"]).seen());
    assert_eq!(outside, world.outside());
}

#[test]
fn a_python_release_is_marked_its_image_moved_back_and_the_page_for_yanking_named() {
    let world = twice_released("python");
    let first = world.image(image("python"), "v0.0.1");
    expect![[r#"
        exit code 3
        Roll back python v0.0.2
          → mark      push the tag withdrawn/python-v0.0.2: plan, release and audit no longer count the version as out
          → image     move ghcr.io/example/demo-agent:latest from v0.0.2 to v0.0.1 (sha256:SHA256)
          - image     ghcr.io/example/demo-agent:v0.0.2 stays, for users who pin it
          ! package   yank demo-agent 0.0.2: on the pages of 127.0.0.1:PORT (on PyPI it is https://pypi.org/manage/project/demo-agent/release/0.0.2/)
          → page      mark http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.2 as withdrawn: make it a pre-release, and add a notice
          - tag       the git tag python-v0.0.2 stays
          ✓ mark              withdrawn/python-v0.0.2 pushed (TIME)
          ✓ image             latest is v0.0.1 (sha256:SHA256) (TIME)
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.2 is marked as withdrawn (TIME)
        error[not-yanked]: python: a person has to yank demo-agent 0.0.2: on the pages of 127.0.0.1:PORT (on PyPI it is https://pypi.org/manage/project/demo-agent/release/0.0.2/)
          → after that, `cargo xtask rollback python 0.0.2` ends with exit code 4: nothing is left to do
        error: 1 finding to fix first
    "#]].assert_eq(&world.xtask(&["rollback", "python", "0.0.2", "--yes"]).seen());
    assert_eq!(world.image(image("python"), "latest"), first);
    // A resumed release does not move it forward again.
    world.xtask(&["release", "python"]).expect(4);
    assert_eq!(world.image(image("python"), "latest"), first);
    // A second run only says what is left; after the person's step it finds nothing.
    let outside = world.outside();
    expect![[r#"
        exit code 3
        Roll back python v0.0.2
          ✓ mark      withdrawn/python-v0.0.2 is on the remote
          ✓ image     ghcr.io/example/demo-agent:latest is not v0.0.2
          - image     ghcr.io/example/demo-agent:v0.0.2 stays, for users who pin it
          ! package   yank demo-agent 0.0.2: on the pages of 127.0.0.1:PORT (on PyPI it is https://pypi.org/manage/project/demo-agent/release/0.0.2/)
          ✓ page      http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.2 is marked as withdrawn
          - tag       the git tag python-v0.0.2 stays
        error[not-yanked]: python: a person has to yank demo-agent 0.0.2: on the pages of 127.0.0.1:PORT (on PyPI it is https://pypi.org/manage/project/demo-agent/release/0.0.2/)
          → after that, `cargo xtask rollback python 0.0.2` ends with exit code 4: nothing is left to do
        error: 1 finding to fix first
    "#]].assert_eq(&world.xtask(&["rollback", "python", "0.0.2", "--yes"]).seen());
    assert_eq!(outside, world.outside());
    for file in world.published().iter().filter(|file| file.contains("0.0.2")) {
        std::fs::remove_file(world.data.join("pypi/packages").join(file)).unwrap();
    }
    world.xtask(&["rollback", "python", "0.0.2"]).expect(4);
    // Of a version that was never released nothing is known.
    expect![[r#"
        exit code 1
        Roll back python v0.9.0
        error: 0.9.0 is not released: the tag python-v0.9.0 is not on WORLD/registries/remote.git
    "#]]
    .assert_eq(&world.xtask(&["rollback", "python", "0.9.0", "--yes"]).seen());
}

/// A repository whose only remote is a folder, with releases 0.0.1 and 0.1.0 of an app without an image.
fn tagged() -> Repo {
    let repo = Repo::new();
    let remote = repo.world().join("remote.git");
    repo.git(&["init", "--quiet", "--bare", remote.as_str()]);
    repo.git(&["remote", "add", "origin", remote.as_str()]);
    for version in ["0.0.1", "0.1.0"] {
        repo.change("feat(python): more");
        repo.commit(
            "apps/python/pyproject.toml",
            &PYPROJECT.replace("0.0.0", version),
            &format!("chore(release): python v{version}"),
        );
        repo.git(&["tag", &format!("python-v{version}")]);
    }
    repo.git(&["push", "--quiet", "--tags", "origin", "main", "main:development"]);
    repo
}

/// The package registry of a Gitea for the owner `me`: its Python index, and its API that deletes versions.
/// Returns its address, and the requests that it refused.
fn gitea(versions: &[&str]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let versions: Arc<Mutex<Vec<String>>> =
        Arc::new(Mutex::new(versions.iter().map(|v| v.to_string()).collect()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head: Vec<String> = BufReader::new(&stream)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let may = head.iter().any(|line| line.eq_ignore_ascii_case("authorization: token good"));
            let mut versions = versions.lock().unwrap();
            let words: Vec<&str> = head.first().map(|l| l.split(' ').collect()).unwrap_or_default();
            let path = words.get(1).copied().unwrap_or_default();
            let version = path.strip_prefix("/api/v1/packages/me/pypi/demo-agent/").unwrap_or_default();
            let (status, body) = match words.first() {
                Some(&"GET") if path == "/api/packages/me/pypi/simple/demo-agent/" => {
                    let links: String =
                        versions.iter().map(|v| format!("<a href=\"x\">demo_agent-{v}.tar.gz</a>")).collect();
                    (200, format!("<html><h1>Links for demo-agent</h1>{links}</html>"))
                }
                // An upload without a file tells whether the token is good.
                Some(&"POST") if head.iter().any(|l| l.ends_with("X190b2tlbl9fOmdvb2Q=")) => {
                    (400, String::new())
                }
                Some(&"DELETE") if may && versions.iter().any(|v| v == version) => {
                    versions.retain(|v| v != version);
                    (204, String::new())
                }
                Some(&"DELETE") if may => (404, String::new()),
                _ => (401, "no".to_string()),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    address
}

#[test]
fn a_package_in_the_registry_of_a_gitea_is_deleted() {
    let repo = tagged();
    let gitea = gitea(&["0.0.1", "0.1.0"]);
    let rollback = |args: &[&str], token: &str| {
        let simple = format!("{gitea}/api/packages/me/pypi/simple");
        let upload = format!("{gitea}/api/packages/me/pypi");
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.args(["rollback", "python"]).args(args);
        command.args(["--pypi", &simple, "--pypi-upload", &upload]).env("PYPI_TOKEN", token);
        run(&mut command)
    };
    expect![[r#"
        exit code 3
        error[credentials]: python: http://127.0.0.1:PORT/api/packages/me/pypi refuses the credentials in PYPI_TOKEN (HTTP 401)
        error: 1 finding to fix first
    "#]].assert_eq(&rollback(&["0.1.0", "--yes"], "bad").seen_findings());
    expect![[r#"
        exit code 0
        Roll back python v0.1.0
          → mark      push the tag withdrawn/python-v0.1.0: plan, release and audit no longer count the version as out
          → package   remove demo-agent@0.1.0 from http://127.0.0.1:PORT/api/packages/me/pypi/simple
          - page      the release page is not marked (it is not known whether forge.example is Gitea or GitHub; set forge = "gitea" or "github" in [workspace.metadata.xtask])
          - tag       the git tag python-v0.1.0 stays
          ✓ mark              withdrawn/python-v0.1.0 pushed (TIME)
          ✓ package           demo-agent@0.1.0 is removed (TIME)
        ✓ python v0.1.0 is rolled back
    "#]].assert_eq(&rollback(&["0.1.0", "--yes"], "good").seen());
    rollback(&["0.1.0"], "good").expect(4);
}

/// The answer of an index that is not understood stops a rollback before it does anything.
#[test]
fn an_answer_that_is_not_understood_stops_the_rollback() {
    let repo = tagged();
    let maintenance = crate::bump::serve("<html>maintenance</html>");
    let stopped =
        repo.untouched(|| repo.xtask(&["rollback", "python", "0.1.0", "--yes", "--pypi", &maintenance]));
    expect![[r#"
        exit code 1
        Roll back python v0.1.0
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (1/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (2/4)
            GET http://127.0.0.1:PORT/simple/demo-agent/: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629); retry in TIME (3/4)
        error: cannot read the index: the answer to GET http://127.0.0.1:PORT/simple/demo-agent/ is not an answer of a Python index, so its versions are unknown: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629)
    "#]].assert_eq(&stopped.seen());
    let remote = repo.git(&["ls-remote", "origin"]);
    assert!(!remote.contains("withdrawn"), "{remote}");
}

#[test]
fn plan_bump_and_audit_do_not_count_a_rolled_back_version_as_out() {
    let repo = tagged();
    repo.commit("README.md", "`pip install demo-agent==0.1.0`\n", "docs: how to install it");
    repo.xtask(&["audit", "python"]).expect(0);
    let index = crate::bump::serve(
        r#"<a href="a">demo_agent-0.0.1.tar.gz</a> <a href="b">demo_agent-0.1.0.tar.gz</a>"#,
    );
    repo.xtask(&["rollback", "python", "0.1.0", "--yes", "--pypi", &index]).expect(3);
    let marked = repo.git(&["log", "-1", "--format=%s", "withdrawn/python-v0.1.0"]);
    assert_eq!(marked, "chore(release): python v0.1.0");
    // Offline: the mark is in git.
    let plan = repo.xtask(&["plan", "python", "--json"]).expect(0).json();
    assert_eq!(plan["apps"][0]["last"]["version"], "0.0.1", "{plan}");
    // The feature of 0.1.0 is not out, and its number is taken.
    assert_eq!(plan["apps"][0]["next"], "0.2.0", "{plan}");
    assert_eq!(plan["findings"][0]["id"], "release-withdrawn", "{plan}");
    expect![[r#"
        exit code 0
        python  0.1.0  apps/python/pyproject.toml:3, last release 0.0.1
          ! install command  0.1.0  README.md:1
          ✓ tag              0.1.0  python-v0.1.0
        stderr:
        warning[version-withdrawn]: python: the install command shows 0.1.0, which was withdrawn; the last release is 0.0.1, and the manifest has 0.1.0 (README.md:1)
          → write 0.0.1 there
        nothing stops a release; 1 warning above
    "#]].assert_eq(&repo.xtask(&["audit", "python"]).seen());
    // Another clone learns it from the remote.
    let twin = repo.world().join("twin");
    repo.git(&["clone", "--quiet", repo.world().join("remote.git").as_str(), twin.as_str()]);
    let plan = repo.xtask_in(Utf8Path::new(&twin), &["plan", "python", "--json"]).expect(0).json();
    assert_eq!(plan["apps"][0]["last"]["version"], "0.0.1", "{plan}");
}

#[test]
fn a_rollback_refuses_a_reason_that_npm_would_take_for_a_flag() {
    let repo = tagged();
    for reason in ["--force", "two\nlines", " "] {
        let argument = format!("--reason={reason}");
        repo.untouched(|| repo.xtask(&["rollback", "python", "0.1.0", "--yes", &argument]).expect(2));
    }
}
