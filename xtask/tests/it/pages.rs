//! The release page and the downstream repositories, on both kinds of forge: a release that is interrupted,
//! resumed in a fresh clone, completed, and rolled back. About 25 s for each forge.

use crate::demo::World;
use crate::forge::server::{Dialect, Release, Repository};
use crate::forge::{Forge, TOKEN};
use crate::seen::masked;
use crate::support::{Output, run, sha256};
use camino::Utf8Path;
use expect_test::expect;
use serde_json::json;
use std::process::Command;

struct Pages {
    world: World,
    forge: Forge,
}

impl Pages {
    fn new(dialect: Dialect) -> Pages {
        let forge = Forge::start(dialect);
        let inputs = ["app", "version", "release"].map(str::to_string).to_vec();
        forge.with("team/template", |one| drop(one.workflows.insert("runtime.yml".into(), inputs)));
        Pages { world: World::of("python"), forge }
    }

    fn command(&self, dir: &Utf8Path) -> Command {
        let mut command = self.world.command(dir);
        command.env("XTASK_FORGE", &self.forge.api).env("XTASK_FORGE_TOKEN", TOKEN);
        command.env("DISPATCH_TOKEN", TOKEN).env("XTASK_DOWNSTREAM", "team/template runtime.yml");
        command
    }

    fn xtask_in(&self, dir: &Utf8Path, args: &[&str]) -> Output {
        let out = run(self.command(dir).args(args));
        assert!(!out.stderr.contains(TOKEN), "{out:?}");
        out
    }

    fn xtask(&self, args: &[&str]) -> Output {
        self.xtask_in(&self.world.repo.path, args)
    }

    /// The only page of the tag.
    fn page(&self, tag: &str) -> Release {
        self.forge.with("team/mono", |mono| {
            let pages: Vec<&Release> = mono.releases.iter().filter(|page| page.tag == tag).collect();
            assert_eq!(pages.len(), 1, "{tag}");
            pages[0].clone()
        })
    }

    fn asset(&self, name: &str, change: impl FnOnce(&mut crate::forge::server::Asset)) {
        self.forge.with("team/mono", |mono| {
            let mut assets = mono.releases.iter_mut().flat_map(|page| &mut page.assets);
            change(assets.find(|asset| asset.name == name).unwrap());
        });
    }

    fn told(&self) -> usize {
        self.forge.with("team/template", |one| one.dispatched.len())
    }
}

fn from_draft_to_rollback(dialect: Dialect) {
    let pages = Pages::new(dialect);
    let merged = |mono: &mut Repository, number: u64| {
        let commits = vec![[number.to_string().repeat(40), "fix: a".to_string()]];
        mono.merged.push((number, number.to_string().repeat(40), commits));
    };
    pages.forge.with("team/mono", |mono| {
        mono.pushes_tags = true;
        mono.milestones.push((5, "python v0.0.1".into(), "open".into()));
        merged(mono, 6);
    });
    pages
        .world
        .repo
        .write("Cargo.toml", "[workspace.metadata.xtask]\nreleased-comments = true\n[workspace]\n");
    pages.world.repo.commit("apps/python/README.md", "# One\n", "docs: describe it (#6)");
    pages.world.push();
    pages.xtask(&["release", "python", "--until", "page-draft"]).expect(0);
    let page = pages.page("python-v0.0.1");
    assert!(page.draft && !page.prerelease);
    assert_eq!(page.name, "python v0.0.1");
    assert!(page.body.contains("a server that says who it is"), "{}", page.body);
    let wheel = "demo_agent-0.0.1-py3-none-any.whl";
    let names: Vec<&str> = page.assets.iter().map(|asset| asset.name.as_str()).collect();
    let expected = [wheel, "demo_agent-0.0.1.tar.gz", "openapi.json", "sbom.cdx.json", "SHA256SUMS"];
    assert_eq!(names, expected, "{dialect:?}");
    let sums = String::from_utf8(page.assets[4].bytes.clone()).unwrap();
    for asset in &page.assets[..4] {
        assert!(sums.contains(&format!("{}  {}\n", sha256(&asset.bytes), asset.name)), "{sums}");
    }

    expect![[r#"
        exit code 0
        warning[branch-unprotected]: development is not protected: anybody who may push can push to it (development)
          → cargo xtask setup --forge
        warning[branch-unprotected]: main is not protected: anybody who may push can push to it (main)
          → cargo xtask setup --forge
        warning[tag-without-page]: python: no public release page for python-v0.0.1
          → git switch --detach python-v0.0.1 && cargo xtask release python
        warning[tag-without-package]: python: python-v0.0.1: tagged, but demo-agent has no such version on the index
          → git switch --detach python-v0.0.1 && cargo xtask release python
        nothing stops a release; 4 warnings above
    "#]]
    .assert_eq(&pages.xtask(&["audit"]).seen_findings());

    // A file of the draft with other bytes stops the release before it is published.
    let good = page.assets[0].bytes.clone();
    pages.asset(wheel, |asset| asset.bytes[40] ^= 1);
    expect![[r#"
        exit code 3
        error[page-differs]: demo_agent-0.0.1-py3-none-any.whl on the release page differs from the tag: sha256 SHA256 on the page, SHA256 in python-v0.0.1 (http://127.0.0.1:PORT/team/mono/releases/tag/python-v0.0.1)
          → delete that file on the page, then: cargo xtask release python
        error: 1 finding to fix first
    "#]]
    .assert_eq(&pages.xtask(&["release", "python"]).seen_findings());
    assert_eq!(pages.world.published().iter().filter(|name| name.contains("/pypi/")).count(), 0);
    pages.asset(wheel, |asset| asset.bytes = good);

    // An upload broke off, and a person edited the text. Another machine completes the release.
    pages.asset("openapi.json", |asset| (asset.bytes, asset.starter) = (Vec::new(), true));
    pages.forge.with("team/mono", |mono| {
        mono.releases[0].body = "edited by a person".into();
        // Gitea has handled the push of the tag after the first run had ended.
        mono.releases[0].draft = dialect == Dialect::Github;
    });
    let clone = pages.world.repo.world().join("clone");
    pages.world.repo.git(&["clone", "--quiet", &pages.world.servers.env["XTASK_REMOTE"], clone.as_str()]);
    let out = pages.xtask_in(&clone, &["release", "python"]);
    expect![[r#"
        exit code 0
          ✓ build             2 files from the release page, hashes as in the tag (TIME)
          ✓ milestone python v0.0.1 is closed
    "#]]
    .assert_eq(&out.seen_lines(&["✓ build", "milestone"]));
    assert!(out.stderr.contains(": 1 uploaded, 4 already there"), "{out:?}");
    assert!(out.stderr.contains("is public; shown as latest"), "{out:?}");
    let again = out.stderr.contains("Gitea had made it public with the tag, it is a draft again");
    assert_eq!(again, dialect == Dialect::Gitea, "{out:?}");
    // Its pull requests are the whole history.
    assert!(out.stderr.contains("- python-v0.0.1: no comments, because no release is before it"), "{out:?}");
    assert_eq!(pages.forge.with("team/mono", |mono| mono.comments.len()), 0, "{dialect:?}");
    let page = pages.page("python-v0.0.1");
    assert!(!page.draft && page.body == "edited by a person" && page.assets.len() == 5);
    let shown = |tag: &str| {
        let latest = pages.forge.with("team/mono", |mono| mono.latest_for(dialect).map(|p| p.tag.clone()));
        assert_eq!(latest.as_deref(), Some(tag), "{dialect:?}");
    };
    shown("python-v0.0.1");
    let (file, inputs) = pages.forge.with("team/template", |one| one.dispatched[0].clone());
    assert_eq!(
        (file.as_str(), &inputs["app"], &inputs["version"]),
        ("runtime.yml", &json!("python"), &json!("0.0.1"))
    );
    let notice: serde_json::Value = serde_json::from_str(inputs["release"].as_str().unwrap()).unwrap();
    assert_eq!((&notice["tag"], &notice["newest"]), (&json!("python-v0.0.1"), &json!(true)));
    assert_eq!(notice["files"].as_object().unwrap().len(), 2);
    assert_eq!(notice["index"], pages.world.servers.env["XTASK_PYPI"].as_str());
    pages.forge.state().writes.clear();
    let again = pages.xtask(&["release", "python"]);
    expect![[r#"
        exit code 4
          - page              http://127.0.0.1:PORT/team/mono/releases/tag/python-v0.0.1 is public
          - cascade           team/template told
    "#]]
    .assert_eq(&again.seen_lines(&["public", "template"]));
    assert_eq!(pages.forge.state().writes, [""; 0], "{dialect:?}: the second run wrote something");

    // Nobody can be told: warnings, and the next run tries the downstream repository again.
    let settings = pages.world.repo.read("apps/python/app.toml");
    let announce = "[release]\nannounce = [[\"sh\", \"-c\", \"echo no route to the list >&2; exit 7\"]]\n";
    assert!(settings.contains("[release]\n"), "{settings}");
    let settings = settings.replace("[release]\n", announce);
    pages.world.repo.commit("apps/python/app.toml", &settings, "fix: announce releases (#7)");
    pages.world.repo.commit("apps/python/README.md", "# Two\n", "fix: see (#8)");
    pages.world.repo.commit("apps/python/README.md", "# Three\n", "fix: an issue (#9)");
    pages.forge.with("team/mono", |mono| {
        [7, 8].into_iter().for_each(|number| merged(mono, number));
        mono.milestones.push((6, "python v0.0.2".into(), "open".into()));
    });
    pages.world.bump(&[]);
    pages.forge.fault("PATCH /milestones", 403);
    pages.forge.fault("POST /issues/7", 403);
    pages.forge.fault("POST /actions", 403);
    let mut command = pages.command(&pages.world.repo.path);
    let out = run(command.args(["release", "python"]).env_remove("XTASK_LOOPBACK_ONLY"));
    let expected = match dialect {
        Dialect::Github => expect![[r#"
            exit code 0
            warning[cascade-failed]: python: python-v0.0.2 is released, but team/template was not told: cannot start runtime.yml on main of team/template on the forge: the token in DISPATCH_TOKEN lacks a permission; it needs Actions and Contents: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/template/actions/workflows/runtime.yml/dispatches: 403 Forbidden: {"message":"the test's fault"}
              → tell it again: cargo xtask release python
              ✓ cascade           not told, see the warning: team/template (TIME)
            warning[milestone-open]: python: python-v0.0.2 is released, but its milestone stays open: cannot close the milestone on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: PATCH http://127.0.0.1:PORT/api/v3/repos/team/mono/milestones/6: 403 Forbidden: {"message":"the test's fault"}
              → close the milestone on http://127.0.0.1:PORT/team/mono/milestones
              ✓ commented on #8: released in python-v0.0.2
            warning[release-uncommented]: python: python-v0.0.2 is released, but there is no comment on #7: cannot comment on the pull request on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/issues/7/comments: 403 Forbidden: {"message":"the test's fault"}
              → comment on #7 yourself
            warning[announce-failed]: python: python-v0.0.2 is released, but not announced: `sh -c echo no route to the list >&2; exit 7`: exit status: 7
            no route to the list
              → correct [release] announce, and announce this release yourself
            ✓ python v0.0.2 is released and verified: python-v0.0.2
            Left to a person:
              [ ] tell downstream repositories again: cargo xtask release python
              [ ] close the milestone on http://127.0.0.1:PORT/team/mono/milestones: python v0.0.2
              [ ] comment on #7 yourself: python v0.0.2
              [ ] correct [release] announce, and announce this release yourself: python v0.0.2
        "#]],
        Dialect::Gitea => expect![[r#"
            exit code 0
            warning[cascade-failed]: python: python-v0.0.2 is released, but team/template was not told: cannot start runtime.yml on main of team/template on the forge: the token in DISPATCH_TOKEN lacks a permission; it needs the scope write:repository: POST http://127.0.0.1:PORT/api/v1/repos/team/template/actions/workflows/runtime.yml/dispatches: 403 Forbidden: {"message":"the test's fault"}
              → tell it again: cargo xtask release python
              ✓ cascade           not told, see the warning: team/template (TIME)
            warning[milestone-open]: python: python-v0.0.2 is released, but its milestone stays open: cannot close the milestone on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: PATCH http://127.0.0.1:PORT/api/v1/repos/team/mono/milestones/6: 403 Forbidden: {"message":"the test's fault"}
              → close the milestone on http://127.0.0.1:PORT/team/mono/milestones
              ✓ commented on #8: released in python-v0.0.2
            warning[release-uncommented]: python: python-v0.0.2 is released, but there is no comment on #7: cannot comment on the pull request on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/issues/7/comments: 403 Forbidden: {"message":"the test's fault"}
              → comment on #7 yourself
            warning[announce-failed]: python: python-v0.0.2 is released, but not announced: `sh -c echo no route to the list >&2; exit 7`: exit status: 7
            no route to the list
              → correct [release] announce, and announce this release yourself
            ✓ python v0.0.2 is released and verified: python-v0.0.2
            Left to a person:
              [ ] tell downstream repositories again: cargo xtask release python
              [ ] close the milestone on http://127.0.0.1:PORT/team/mono/milestones: python v0.0.2
              [ ] comment on #7 yourself: python v0.0.2
              [ ] correct [release] announce, and announce this release yourself: python v0.0.2
        "#]],
    };
    expected.assert_eq(&out.seen_findings());
    assert_eq!(pages.told(), 1);
    let out = pages.xtask(&["release", "python"]);
    expect![[r#"
        exit code 0
          ✓ cascade           team/template was told of python-v0.0.2, perhaps for the second time (TIME)
    "#]]
    .assert_eq(&out.seen_lines(&["template"]));
    assert_eq!(pages.told(), 2);
    shown("python-v0.0.2");

    // A run that completes the release again comments where there is no comment yet.
    let comments = || pages.forge.with("team/mono", |mono| mono.comments.clone());
    assert_eq!(comments().iter().map(|comment| comment.0).collect::<Vec<_>>(), [8], "{dialect:?}");
    pages.forge.with("team/mono", |mono| {
        mono.releases.iter_mut().filter(|page| page.tag == "python-v0.0.2").for_each(|page| page.draft = true)
    });
    let out = pages.xtask(&["release", "python"]);
    expect![[r#"
        exit code 0
          ✓ commented on #7, #8: released in python-v0.0.2
    "#]]
    .assert_eq(&out.seen_lines(&["commented"]));
    let comments = comments();
    assert_eq!(comments.iter().map(|comment| comment.0).collect::<Vec<_>>(), [8, 7], "{dialect:?}");
    let said = "<!-- xtask: released in python-v0.0.2 -->\nreleased in [python-v0.0.2](http://127.0.0.1:PORT";
    assert!(masked(&comments[1].2).starts_with(said), "{comments:?}");

    // Exit code 3: a person has to yank the version.
    let rollback = ["rollback", "python", "0.0.2", "--yes", "--reason", "it <loses> runs"];
    let marked = [(); 2].map(|()| pages.xtask(&rollback).seen_lines(&["is marked"]));
    expect![[r#"
        exit code 3
          ✓ page              http://127.0.0.1:PORT/team/mono/releases/tag/python-v0.0.2 is marked as withdrawn (TIME)
        exit code 3
          ✓ page      http://127.0.0.1:PORT/team/mono/releases/tag/python-v0.0.2 is marked as withdrawn
    "#]].assert_eq(&marked.concat());
    let page = pages.page("python-v0.0.2");
    assert!(
        page.prerelease && page.body.starts_with("> **Withdrawn**: it &lt;loses> runs\n"),
        "{}",
        page.body
    );
    assert_eq!(page.body.matches("Withdrawn").count(), 1);
    shown("python-v0.0.1");
}

/// What the forge says stops a release before its tag, all of it together, and a dry run shows it as a page.
#[test]
fn what_the_forge_says_stops_a_release_before_the_tag() {
    let mut seen = String::new();
    for dialect in [Dialect::Github, Dialect::Gitea] {
        let pages = Pages::new(dialect);
        let head = pages.world.repo.head();
        let text = |words: [&str; 4]| words.map(str::to_string);
        pages.forge.with("team/mono", |mono| {
            for (name, result) in [("lint", "failure"), ("docs", ""), ("test", "success")] {
                mono.checks.push(text([&head, name, result, "7"]));
                let state = if result.is_empty() { "pending" } else { result };
                if dialect == Dialect::Gitea {
                    mono.statuses.push(text([&head, &format!("ci / {name} (push)"), state, ""]));
                }
            }
            mono.statuses.push(text([&head, "xtask/plan", "failure", ""]));
            mono.labels.push("release-blocker".into());
            let labels = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
            mono.issues.push((3, "it loses runs".into(), labels(&["release-blocker"])));
            mono.issues.push((4, "a question".into(), labels(&[])));
        });
        pages.forge.fault("POST /releases", 403);
        let out = pages.xtask(&["release", "python", "--dry-run"]);
        seen.push_str(&masked(out.stdout.split("Published").next().unwrap()));
        seen.push_str(&out.seen_findings());
        assert!(pages.world.published().is_empty());

        // All is well: the release goes on.
        pages.forge.with("team/mono", |mono| {
            mono.checks.iter_mut().for_each(|check| check[2] = "success".into());
            mono.statuses.iter_mut().for_each(|status| status[2] = "success".into());
            mono.issues.retain(|(number, ..)| *number != 3);
        });
        pages.forge.fault("GET /issues", 403);
        seen.push_str(&pages.xtask(&["release", "python", "--dry-run"]).expect(0).seen_findings());
        seen.push_str(&pages.xtask(&["release", "python", "--until", "tag"]).seen_lines(&["CI:"]));
    }
    expect![[r#"
        python v0.0.1 at 1234567
          first release → 0.0.1: commits minor, manifest >= 0.0.1
        Checks
          [x] everything is committed, at the branch's newest commit
          [x] the version fits the changes since the last release
          [x] the changelog has a text for it
          [ ] CI: 1 of 3 checks passed
              ci-failed: CI failed for 1234567: lint (failure)
              ci-pending: CI is still running for 1234567: docs
              release-blocker: #3 stops releases: it loses runs
          [x] linters, formats and types
          [x] tests and coverage
          [x] spec and compat.json are up to date
          [x] the package is complete, and the index takes it
          [ ] logins are there, and accepted
              credentials: cannot write a release page on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/releases: 403 Forbidden: {"message":"the test's fault"}
          [x] pinned tools are installed
        exit code 3
        error[credentials]: python: cannot write a release page on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: POST http://127.0.0.1:PORT/api/v3/repos/team/mono/releases: 403 Forbidden: {"message":"the test's fault"}
        error[ci-failed]: python: CI failed for 1234567: lint (failure)
          → fix it, or run the job again if it failed by accident; then run the release again
        error[ci-pending]: python: CI is still running for 1234567: docs
          → wait until it has ended, then run the release again
        error[release-blocker]: python: #3 stops releases: it loses runs (https://forge.example/team/mono/issues/3)
          → close it, or remove the label release-blocker from it
        error: 4 findings to fix first
        exit code 0
        warning[forge-unread]: python: the forge could not be asked for open issues with the label release-blocker: cannot list the open issues on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs Contents, Pull requests, Issues and Commit statuses: read and write: GET http://127.0.0.1:PORT/api/v3/repos/team/mono/issues?…: 403 Forbidden: {"message":"the test's fault"}
          → look at the forge's page before the release
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools: 1 warning; CI: 3 of 3 checks passed (TIME)
          ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
        ✓ python v0.0.1 is ready: cargo xtask release python
        exit code 0
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: 3 of 3 checks passed, no open release-blocker (TIME)
        python v0.0.1 at 1234567
          first release → 0.0.1: commits minor, manifest >= 0.0.1
        Checks
          [x] everything is committed, at the branch's newest commit
          [x] the version fits the changes since the last release
          [x] the changelog has a text for it
          [ ] CI: 1 of 3 checks passed
              ci-failed: CI failed for 1234567: ci / lint (push) (failure)
              ci-pending: CI is still running for 1234567: ci / docs (push)
              release-blocker: #3 stops releases: it loses runs
          [x] linters, formats and types
          [x] tests and coverage
          [x] spec and compat.json are up to date
          [x] the package is complete, and the index takes it
          [ ] logins are there, and accepted
              credentials: cannot write a release page on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/releases: 403 Forbidden: {"message":"the test's fault"}
          [x] pinned tools are installed
        exit code 3
        error[credentials]: python: cannot write a release page on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: POST http://127.0.0.1:PORT/api/v1/repos/team/mono/releases: 403 Forbidden: {"message":"the test's fault"}
        error[ci-failed]: python: CI failed for 1234567: ci / lint (push) (failure)
          → fix it, or run the job again if it failed by accident; then run the release again
        error[ci-pending]: python: CI is still running for 1234567: ci / docs (push)
          → wait until it has ended, then run the release again
        error[release-blocker]: python: #3 stops releases: it loses runs (https://forge.example/team/mono/issues/3)
          → close it, or remove the label release-blocker from it
        error: 4 findings to fix first
        exit code 0
        warning[forge-unread]: python: the forge could not be asked for open issues with the label release-blocker: cannot list the open issues on the forge: the token in XTASK_FORGE_TOKEN lacks a permission; it needs the scopes write:repository and write:issue: GET http://127.0.0.1:PORT/api/v1/repos/team/mono/issues?…: 403 Forbidden: {"message":"the test's fault"}
          → look at the forge's page before the release
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools: 1 warning; CI: 3 of 3 checks passed (TIME)
          ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
        ✓ python v0.0.1 is ready: cargo xtask release python
        exit code 0
          ✓ preflight         tree, branch, plan, changelog, checks, credentials and tools are in order; CI: 3 of 3 checks passed, no open release-blocker (TIME)
    "#]].assert_eq(&seen);
}

#[test]
fn a_page_on_github_goes_from_draft_to_rollback() {
    from_draft_to_rollback(Dialect::Github);
}

#[test]
fn a_page_on_gitea_goes_from_draft_to_rollback() {
    from_draft_to_rollback(Dialect::Gitea);
}

/// The steps of the workflow for downstream repositories in the RUNBOOK, run in a template's folder.
#[test]
fn the_workflow_in_the_runbook_runs_the_gate_with_what_a_release_sends() {
    let pages = Pages::new(Dialect::Github);
    pages.xtask(&["release", "python"]).expect(0);
    let (_, inputs) = pages.forge.with("team/template", |one| one.dispatched.remove(0));
    let world = &pages.world;
    let runbook = include_str!("../../RUNBOOK.md");
    let workflow = runbook.split("```yaml\nname: runtime\n").nth(1).unwrap().split("```").next().unwrap();
    // What `forge/dispatch.rs` sends.
    for input in ["app", "version", "release"] {
        assert!(
            workflow.contains(&format!("      {input}: {{ type: string, required: true }}\n")),
            "{input}"
        );
    }
    let dir = world.repo.world().join("template");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("template.toml"), "package = \"demo-agent\"\necosystem = \"python\"\n").unwrap();
    // `cargo run … -- ARGS` runs the program under test.
    let bin = world.repo.world().join("cargo-bin");
    std::fs::create_dir(&bin).unwrap();
    let shim = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$PROGRAM\" \"$@\"\n";
    std::fs::write(bin.join("cargo"), shim).unwrap();
    run(world.repo.command("chmod", &dir).args(["+x", bin.join("cargo").as_str()])).expect(0);
    // One line for each step.
    let lines = workflow.replace("- run: |\n          ", "- run: ").replace("\\\n            ", "");
    let steps: Vec<&str> = lines.lines().filter_map(|line| line.trim().strip_prefix("- run: ")).collect();
    assert_eq!(steps.len(), 3);
    let mut last = None;
    for step in steps {
        let mut command = world.repo.command("sh", &dir);
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        // The index is in the input.
        command.envs(&world.servers.env).env_remove("XTASK_PYPI").env("PATH", path);
        command.env("VERSION", inputs["version"].as_str().unwrap());
        command.env("RELEASE", inputs["release"].as_str().unwrap());
        last = Some(run(command.env("PROGRAM", env!("CARGO_BIN_EXE_xtask")).args(["-ec", step])));
    }
    // The demo app has no compat.json, which the gate says.
    expect![[r#"
        exit code 3
        error[compat-missing]: demo-agent==0.0.1 contains no compat.json, so the plugins and channels it supports are not known (http://127.0.0.1:PORT/packages/demo_agent-0.0.1-py3-none-any.whl)
          → pin a release that has one, or give the file: --compat FILE
        error: 1 finding to fix first
    "#]].assert_eq(&last.unwrap().seen_findings());
}
