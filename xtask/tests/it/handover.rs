//! A release in two jobs, with the commands of the workflows: one builds without secrets, and one publishes
//! only what the first has handed over. About 60 s.

use crate::demo::{World, files};
use crate::support::{Output, run, sha256};
use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;

/// The variables of a job that hold a secret.
const SECRETS: [&str; 5] =
    ["PYPI_TOKEN", "TESTPYPI_TOKEN", "NPM_TOKEN", "XTASK_FORGE_TOKEN", "DISPATCH_TOKEN"];
const EVENT: [(&str, &str); 2] = [("GITHUB_EVENT_NAME", "push"), ("GITHUB_REF", "refs/heads/main")];

struct Jobs {
    world: World,
}

impl Jobs {
    /// A fresh clone for a job.
    fn clone(&self, name: &str) -> Utf8PathBuf {
        let clone = self.world.repo.world().join(name);
        let remote = &self.world.servers.env["XTASK_REMOTE"];
        self.world.repo.git(&["clone", "--quiet", "--branch", "main", remote, clone.as_str()]);
        clone
    }

    /// The job `build`. Returns its output, too.
    fn build(&self, clone: &Utf8Path) -> (Output, String) {
        let output = clone.with_extension("output");
        let mut command = self.world.command(clone);
        command.args(["ci", "build"]).envs(EVENT).env("GITHUB_OUTPUT", &output);
        for name in SECRETS {
            command.env_remove(name);
        }
        let built = run(&mut command).expect(0);
        let passed_on = std::fs::read_to_string(&output).unwrap_or_default();
        (built, passed_on.lines().nth(1).unwrap_or_default().to_string())
    }

    /// The job `release`, with the files that are in its clone.
    fn publish(&self, clone: &Utf8Path, sha256: &str, more: &[&str]) -> Output {
        let mut command = self.world.command(clone);
        command.env("GITHUB_OUTPUT", clone.with_extension("output"));
        command.args(["ci", "release"]).args(more).envs(EVENT).env("XTASK_HANDED", sha256);
        run(&mut command)
    }
}

fn hand_over(from: &Utf8Path, to: &Utf8Path) -> Utf8PathBuf {
    let handed = to.join("target/handed");
    std::fs::create_dir_all(to.join("target")).unwrap();
    std::fs::rename(from.join("target/handed"), &handed).unwrap();
    handed
}

#[test]
fn one_job_builds_without_secrets_and_another_publishes_only_what_it_built() {
    let jobs = Jobs { world: World::new() };
    let (first, second) = (jobs.clone("build"), jobs.clone("release"));
    let outside = jobs.world.outside();
    let (built, hash) = jobs.build(&first);
    expect![[r#"
        exit code 0
        SHA256
        stderr:
        build: push to main at 1234567
        build-python
        Release python v0.0.1 at 1234567
          ✓ lint-python       uv lock (TIME)
          ✓ openapi-python    the committed spec matches the code (TIME)
          ✓ test-python       no tests: other tests look at it from outside (TIME)
          - users-python      no release yet, so there are no earlier tests to run
          ✓ preflight         tree, branch, plan, changelog, checks and tools are in order; CI and release-blocker issues not checked: not set up: XTASK_FORGE_TOKEN or GITEA_TOKEN (TIME)
          ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
          ✓ image             sha256:SHA256; ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ smoke             3 places show 0.0.1; /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME (TIME)
        ✓ python v0.0.1: 18 files in WORLD/build/target/handed, to be published
    "#]].assert_eq(&built.seen());
    let handed = hand_over(&first, &second);
    assert_eq!(sha256(&std::fs::read(handed.join("handed.json")).unwrap()), hash);

    // Each run reports all that is wrong, before anything is published.
    let (wheel, sdist) =
        ("python/dist/demo_agent-0.0.1-py3-none-any.whl", "python/dist/demo_agent-0.0.1.tar.gz");
    let good = [wheel, sdist, "handed.json"].map(|name| std::fs::read(handed.join(name)).unwrap());
    let restore = || {
        let files = [wheel, sdist, "handed.json"].into_iter().zip(&good);
        files.for_each(|(name, bytes)| std::fs::write(handed.join(name), bytes).unwrap());
    };
    // A new file, because the build may still have the old one under another name.
    std::fs::remove_file(handed.join(wheel)).unwrap();
    std::fs::write(handed.join(wheel), b"other bytes").unwrap();
    std::fs::remove_file(handed.join(sdist)).unwrap();
    std::fs::write(handed.join("python/dist/demo_agent-0.0.2.tar.gz"), b"more").unwrap();
    let tampered = jobs.publish(&second, &hash, &[]).seen_findings();
    std::fs::remove_file(handed.join("python/dist/demo_agent-0.0.2.tar.gz")).unwrap();
    restore();
    let other_run = jobs.publish(&second, &sha256(b"another list"), &[]).seen_findings();
    let text = String::from_utf8(good[2].clone()).unwrap();
    let text = text.replace(&jobs.world.repo.head(), &"1".repeat(40));
    std::fs::write(handed.join("handed.json"), &text).unwrap();
    let other_commit = jobs.publish(&second, &sha256(text.as_bytes()), &[]).seen_findings();
    restore();
    let nothing = jobs.publish(&second, "", &[]).seen_findings();
    expect![[r#"
        exit code 3
        error[files-differ]: the files are not those of the build job:
          python/dist/demo_agent-0.0.1-py3-none-any.whl has sha256 SHA256, expected SHA256
          python/dist/demo_agent-0.0.2.tar.gz is not in the list
          python/dist/demo_agent-0.0.1.tar.gz is missing
          → run the whole workflow again, so that the build job hands the files over once more
        error: 1 finding to fix first

        exit code 3
        error[files-differ]: the files are not those of the build job:
          handed.json has sha256 SHA256, but the build job wrote one with SHA256
          → run the whole workflow again, so that the build job hands the files over once more
        error: 1 finding to fix first

        exit code 3
        error[files-differ]: python: the build job handed over python v0.0.1 at 1234567, but this job releases python v0.0.1 at 1234567
          → run the whole workflow again, so that the build job hands the files over once more
        error: 1 finding to fix first

        exit code 3
        error[files-differ]: python: the build job handed over no files of python v0.0.1 at 1234567
          → run the whole workflow again, so that the build job hands the files over once more
        error: 1 finding to fix first
    "#]].assert_eq(&[tampered, other_run, other_commit, nothing].join("\n"));
    let mut command = jobs.world.command(&second);
    command.args(["ci", "release"]).envs(EVENT).env("XTASK_HANDED", &hash).env("PYPI_TOKEN", "");
    expect![[r#"
        exit code 3
        error[credentials]: python: not set up: PYPI_TOKEN, the login for http://127.0.0.1:PORT/
        error: 1 finding to fix first
    "#]]
    .assert_eq(&run(&mut command).seen_findings());
    assert_eq!(jobs.world.outside(), outside, "something was published");

    // Interrupted after the tag, and completed by the same two jobs in new clones.
    expect![[r#"
        exit code 1
        release: push to main at 1234567
        release-python
        Release python v0.0.1 at 1234567
          ✓ preflight         tree, branch, handed files, credentials and tools are in order; CI: nothing ran for 1234567, no open release-blocker (TIME)
          ✓ build             2 files from the build job, hashes as handed over (TIME)
          ✓ image             sha256:SHA256, from the build job (TIME)
          - smoke             passed in the build job
          ✓ stage             2 files uploaded, installed from there; image without a tag: layers: N uploaded, N mounted, N already there; N KiB sent; sha256:SHA256 (TIME)
          ✓ tag               python-v0.0.1 at 1234567 pushed (run local-RUN) (TIME)
        error: failed After tag on purpose (--fail-at)
    "#]].assert_eq(&jobs.publish(&second, &hash, &["--fail-at", "tag"]).seen());
    let (first, second) = (jobs.clone("build-again"), jobs.clone("release-again"));
    let (_, again) = jobs.build(&first);
    let handed = hand_over(&first, &second);
    expect![[r#"
        exit code 0
        release: push to main at 1234567
        release-python
        Release python v0.0.1 at 1234567
          ✓ preflight         resuming; credentials and tools are in order (TIME)
          ✓ build             2 files from the build job, hashes as handed over (TIME)
          - image             no remaining step needs the image
          - smoke             passed before the tag was created; the tag has the files' hashes
          - stage             passed before the tag was created
          - tag               python-v0.0.1 at 1234567 (run local-RUN)
          ✓ page-draft        draft http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1: 5 uploaded, 0 already there; Gitea had made it public with the tag, it is a draft again (TIME)
          ✓ publish           2 uploaded, 0 already there (TIME)
          ✓ image-push        sha256:SHA256 as v0.0.1 and sha-1234567; it was in the registry (TIME)
          ✓ verify            demo-agent==0.0.1 installed, sha256 as in the tag: demo_agent-0.0.1-py3-none-any.whl 1234567890ab…, demo_agent-0.0.1.tar.gz 1234567890ab…; installed package: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.1 is sha256:SHA256, as in the tag; pulled image: v0.0.1 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
          ✓ latest            latest is v0.0.1 (sha256:SHA256) (TIME)
          ✓ page              http://127.0.0.1:PORT/rehearsal/mono/releases/tag/python-v0.0.1 is public; shown as latest (TIME)
          ✓ cascade           rehearsal/downstream was told of python-v0.0.1 (TIME)
        ✓ python v0.0.1 is released and verified: python-v0.0.1
    "#]].assert_eq(&jobs.publish(&second, &again, &[]).expect(0).seen());
    assert!(!handed.exists(), "a cache of `target` would keep it");
    assert_eq!(jobs.world.published().len(), 2);
    let output = std::fs::read_to_string(second.with_extension("output")).unwrap();
    let released = output.lines().nth(1).expect("the list of what was released");
    let released = std::fs::read_to_string(second.join(released)).unwrap();
    let image = jobs.world.image("example/demo-agent", "v0.0.1").unwrap().replace("sha256:", "");
    assert!(released.contains(&format!("{image}  ghcr.io/example/demo-agent\n")), "{released}");
    assert!(released.contains("  demo_agent-0.0.1-py3-none-any.whl\n"), "{released}");

    // Nothing is left: the job `build` has nothing to hand over.
    let first = jobs.clone("build-nothing");
    let (built, hash) = jobs.build(&first);
    expect![[r#"
        exit code 0
          nothing left to release: python-v0.0.1 is released
    "#]]
    .assert_eq(&built.seen_lines(&["nothing left"]));
    assert_eq!(hash, "");
}

/// The build job of a resumed release has other tools, and makes other bytes.
#[test]
fn a_resumed_release_publishes_the_files_of_its_draft_and_the_image_of_its_tag() {
    let repo = files(&["python"]);
    let tools = repo.world().join("tools.txt");
    std::fs::write(&tools, "1").unwrap();
    let settings = repo.read("apps/python/app.toml");
    let build = format!("build = [[\"cp\", \"{tools}\", \"src/demo_agent/tools.txt\"]]\n");
    repo.write("apps/python/app.toml", settings + &build);
    let jobs = Jobs { world: World::filled(World::around(repo, &["python"])) };
    let two_jobs = |name: &str, more: &[&str]| {
        let (first, second) = (jobs.clone(&format!("build-{name}")), jobs.clone(&format!("release-{name}")));
        let (built, hash) = jobs.build(&first);
        hand_over(&first, &second);
        (built, jobs.publish(&second, &hash, more))
    };
    two_jobs("first", &["--fail-at", "page-draft"]).1.expect(1);
    std::fs::write(&tools, "2").unwrap();
    let (built, released) = two_jobs("again", &[]);
    expect![[r#"
        exit code 0
        warning[build-differs]: python: the build differs from the tag python-v0.0.1: demo_agent-0.0.1-py3-none-any.whl has sha256 SHA256 there; the build produced sha256 SHA256
          → nothing to do, if the draft of the release page has the files: the next job takes them
        warning[build-differs]: python: the build differs from the tag python-v0.0.1: demo_agent-0.0.1.tar.gz has sha256 SHA256 there; the build produced sha256 SHA256
          → nothing to do, if the draft of the release page has the files: the next job takes them
          ✓ build             demo_agent-0.0.1-py3-none-any.whl 1234567890ab, demo_agent-0.0.1.tar.gz 1234567890ab (TIME)
          - image             no remaining step needs the image
          - smoke             passed before the tag was created; the tag has the files' hashes
        ✓ python v0.0.1: 2 files in WORLD/build-again/target/handed, to be published
    "#]]
    .assert_eq(&built.seen_findings());
    expect![[r#"
        exit code 0
          ✓ build             2 files from the release page, hashes as in the tag (TIME)
    "#]]
    .assert_eq(&released.seen_lines(&["from the release page"]));
    assert!(released.stderr.contains("; it was in the registry"), "{released:?}");
}
