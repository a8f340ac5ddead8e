//! What others do while a release runs: the tag is deleted or replaced, main moves on, a file is lost on the
//! index, a second release starts in the same checkout.

use crate::demo::World;
use crate::seen::masked;
use crate::support::run;
use expect_test::expect;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

impl World {
    /// The release with a `git` that changes the remote when it is asked for the n-th time after the push of
    /// the tag: it runs `change` in the remote's folder.
    fn release_while(&self, n: u32, change: &str) -> crate::support::Output {
        let remote = self.servers.remote();
        // `asked` counts from the push of the tag on.
        let git = self.stand_in_for_git(&format!(
            "asked=$folder/asked\ncase \" $* \" in\n*' ls-remote '*)\n\
             if [ -e \"$asked\" ]; then\necho >> \"$asked\"\n\
             if [ $(wc -l < \"$asked\") = {n} ]; then (cd '{remote}' && {change}) fi\nfi;;\nesac\n\
             $git \"$@\"\ncode=$?\ncase \" $* \" in *' push '*) : > \"$asked\";; esac\nexit $code\n"
        ));
        let mut command = self.command(&self.repo.path);
        run(command.env("PATH", git).args(["release", "python"]))
    }

    /// A PATH with a `git` that runs this script. In it `$git` is the real one, `$folder` its own folder.
    fn stand_in_for_git(&self, script: &str) -> String {
        let folder = self.repo.world().join("bin");
        std::fs::create_dir_all(&folder).unwrap();
        let script = format!("#!/bin/sh\ngit='{}'\nfolder='{folder}'\n{script}", which("git"));
        std::fs::write(folder.join("git"), script).unwrap();
        std::fs::set_permissions(folder.join("git"), PermissionsExt::from_mode(0o755)).unwrap();
        format!("{folder}:{}", std::env::var("PATH").unwrap())
    }

    /// Makes the app's build run this command in the remote's folder, and pushes that.
    fn build_changes_remote(&self, change: &str) {
        let remote = self.servers.remote();
        let build = format!("[[\"sh\", \"-c\", \"cd '{remote}' && {change}\"]]");
        let settings = self.repo.read("apps/python/app.toml");
        let settings = settings.replace("[commands]\n", &format!("[commands]\nbuild = {build}\n"));
        self.repo.write("apps/python/app.toml", settings);
        self.repo.git(&["commit", "--quiet", "--all", "--message", "build: write to the remote"]);
    }
}

fn which(program: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_string()
}

#[test]
fn a_tag_that_is_deleted_before_the_upload_stops_it() {
    let world = World::new();
    // The first question after the push is about the push itself, the second comes before the upload.
    let stopped = world.release_while(2, "git update-ref -d refs/tags/python-v0.0.1");
    expect![[r#"
        exit code 3
        error[tag-gone]: python: the tag python-v0.0.1 was deleted on WORLD/registries/remote.git while the release ran (refs/tags/python-v0.0.1)
          → ask who did it; to go on with this release: git push WORLD/registries/remote.git COMMIT:refs/tags/python-v0.0.1
          → and then: cargo xtask release python
        error: 1 finding to fix first
    "#]].assert_eq(&stopped.seen_findings());
    assert_eq!(world.published(), [] as [&str; 0]);
    // The printed command restores the tag, and the release completes.
    let line = stopped.stderr.lines().find(|line| line.contains("git push ")).unwrap();
    let command = &line[line.find("git push ").unwrap()..];
    run(world.repo.command("sh", &world.repo.path).args(["-c", command])).expect(0);
    world.xtask(&["release", "python"]).expect(0);
}

#[test]
fn a_tag_that_is_deleted_or_replaced_before_the_end_is_said() {
    let mut seen = String::new();
    for change in
        ["git update-ref -d refs/tags/python-v0.0.1", "git update-ref refs/tags/python-v0.0.1 main~1"]
    {
        let world = World::new();
        let ended = world.release_while(3, change);
        seen.push_str(&ended.seen_lines(&["✓ latest"]));
        seen.push_str(&ended.seen_findings());
    }
    expect![[r#"
        exit code 3
          ✓ latest            latest is v0.0.1 (sha256:SHA256) (TIME)
        exit code 3
        error[tag-gone]: python: the tag python-v0.0.1 was deleted on WORLD/registries/remote.git while the release ran (refs/tags/python-v0.0.1)
          → ask who did it; to go on with this release: git push WORLD/registries/remote.git COMMIT:refs/tags/python-v0.0.1
          → and then: cargo xtask release python
        error: 1 finding to fix first
        exit code 3
          ✓ latest            latest is v0.0.1 (sha256:SHA256) (TIME)
        exit code 3
        error[tag-moved]: python: the tag python-v0.0.1 was replaced on WORLD/registries/remote.git while the release ran: it was at 1234567, now another tag is at 1234567 (refs/tags/python-v0.0.1)
          → ask who did it; to go on with this release: git push --force WORLD/registries/remote.git COMMIT:refs/tags/python-v0.0.1
          → and then: cargo xtask release python
        error: 1 finding to fix first
    "#]].assert_eq(&seen);
}

#[test]
fn a_release_goes_on_for_its_commit_when_main_moves_on() {
    let world = World::new();
    let newer = "git update-ref refs/heads/main $(git -c user.name=x -c user.email=x@y commit-tree -m newer \
                 -p main main^{tree})";
    world.build_changes_remote(newer);
    world.push();
    let released = world.xtask(&["release", "python"]).expect(0).stderr;
    let head = world.repo.head();
    assert!(released.contains(&format!("the release of commit {} continues", &head[..7])), "{released}");
    let tagged = world.repo.git_in(world.servers.remote(), &["rev-parse", "python-v0.0.1^{commit}"]);
    assert_eq!(tagged, head);
}

#[test]
fn a_job_of_an_older_commit_is_not_told_to_pull() {
    let world = World::new();
    world.repo.commit("README.md", "# newer\n", "docs: newer");
    world.push();
    world.repo.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    let refused = |ci: bool| {
        let mut command = world.command(&world.repo.path);
        if ci {
            command.env("CI", "true");
        }
        run(command.args(["release", "python", "--until", "preflight"])).seen_findings()
    };
    expect![[r#"
        exit code 3
        error[not-at-main]: python: HEAD is 1234567 on a detached HEAD, but releases are made from main, which is 1234567 on WORLD/registries/remote.git
          → git switch main && git pull
        error: 1 finding to fix first
        exit code 3
        error[not-at-main]: python: HEAD is 1234567 on a detached HEAD, but releases are made from main, which is 1234567 on WORLD/registries/remote.git
          → nothing to do here: the job of main's newest commit makes the release
        error: 1 finding to fix first
    "#]].assert_eq(&[false, true].map(refused).concat());
}

#[test]
fn a_bump_that_loses_against_a_push_to_main_is_made_again_by_the_printed_commands() {
    let world = World::new();
    std::fs::remove_file(world.servers.remote().join("hooks/update")).unwrap();
    let newer = "[ -e moved ] || { touch moved; git update-ref refs/heads/main $(git -c user.name=x \
                 -c user.email=x@y commit-tree -m 'docs: newer' -p main main^{tree}); }";
    world.build_changes_remote(newer);
    world.repo.git(&["push", "--quiet", "origin", "HEAD:main"]);
    world.repo.commit("apps/python/README.md", "# mine\n", "fix: mine, not pushed");
    let lost = world.xtask(&["release", "python", "--bump"]);
    expect![[r#"
        exit code 3
        error[main-moved]: python: main moved on to 1234567 on WORLD/registries/remote.git while the release ran, so the bump's commit 1234567 cannot be pushed
          → nothing was released; replace the bump's commit by one on top of main:
          → git reset --keep HEAD~1 && git pull --rebase WORLD/registries/remote.git main
          → cargo xtask release python --bump
        error: 1 finding to fix first
    "#]].assert_eq(&lost.seen_findings());
    assert_eq!(world.published(), [] as [&str; 0]);
    let commands: Vec<&str> =
        lost.stderr.lines().filter_map(|line| line.find("git reset").map(|at| &line[at..])).collect();
    run(world.repo.command("sh", &world.repo.path).args(["-c", &commands.join("\n")])).expect(0);
    world.xtask(&["release", "python", "--bump"]).expect(0);
    assert_eq!(
        world.repo.git(&["log", "--format=%s", "-3"]),
        "chore(release): python v0.0.1\nfix: mine, not pushed\ndocs: newer"
    );
}

#[test]
fn a_lost_file_is_uploaded_again_and_verified_again() {
    let world = World::new();
    world.xtask(&["release", "python"]).expect(0);
    std::fs::remove_file(world.data.join("pypi/packages/demo_agent-0.0.1.tar.gz")).unwrap();
    let again = world.xtask(&["release", "python"]);
    expect![[r#"
        exit code 0
          ✓ publish           1 uploaded, 1 already there (TIME)
          ✓ verify            demo-agent==0.0.1 installed, sha256 as in the tag: demo_agent-0.0.1-py3-none-any.whl 1234567890ab…, demo_agent-0.0.1.tar.gz 1234567890ab…; installed package: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME; image v0.0.1 is sha256:SHA256, as in the tag; pulled image: v0.0.1 pulled, sha256:SHA256: ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
    "#]].assert_eq(&again.seen_lines(&["✓ publish", "✓ verify"]));
    assert_eq!(world.published().len(), 2);
}

#[test]
fn a_second_release_in_a_checkout_says_who_runs_and_waits() {
    let world = World::new();
    let start = || {
        let mut command = world.command(&world.repo.path);
        command.args(["release", "python"]).stdin(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let processes = [start(), start()];
    let ids = processes.each_ref().map(|process| process.id());
    let outputs = processes.map(|process| process.wait_with_output().unwrap());
    let codes = outputs.each_ref().map(|output| output.status.code());
    let second = codes.iter().position(|code| *code == Some(4)).unwrap_or_else(|| panic!("{outputs:?}"));
    assert_eq!(codes[1 - second], Some(0), "{outputs:?}");
    let said = String::from_utf8_lossy(&outputs[second].stderr);
    let holder = format!("waiting for xtask release python (process {}, since 2", ids[1 - second]);
    assert!(said.contains(&holder), "{said}");
    assert!(said.contains("nothing left to release"), "{said}");
}

#[test]
fn control_characters_of_a_remotes_hook_do_not_reach_the_terminal() {
    let world = World::new();
    let hook = world.servers.remote().join("hooks/update");
    std::fs::write(&hook, "#!/bin/sh\nprintf 'not \\033[2Jtoday\\007, \\033]0;title\\007\\n' >&2\nexit 1\n")
        .unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let refused = world.xtask(&["release", "python", "--until", "tag"]).expect(1);
    assert!(refused.stderr.contains("today"), "{}", refused.stderr);
    for text in [&refused.stdout, &refused.stderr] {
        let raw: Vec<char> = text.chars().filter(|c| c.is_control() && !"\n\t".contains(*c)).collect();
        assert!(raw.is_empty(), "{raw:?} in {text:?}");
    }
}

/// Each push of a tag waits for the other one, so neither run sees the other's tag before.
#[test]
fn only_one_of_two_racing_releases_succeeds_and_the_other_names_it() {
    let world = World::new();
    let twin = world.repo.world().join("twin");
    world.repo.git(&["clone", "--quiet", &world.servers.env["XTASK_REMOTE"], twin.as_str()]);
    let path = world.stand_in_for_git(
        "case \" $* \" in *' push '*)\n\
         if mkdir \"$folder/first\"; then read -r met < \"$folder/met\"\n\
         elif mkdir \"$folder/second\"; then echo > \"$folder/met\"\nfi 2> /dev/null;;\nesac\n\
         exec $git \"$@\"\n",
    );
    let met = world.repo.world().join("bin/met");
    run(std::process::Command::new("mkfifo").arg(met)).expect(0);
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let runs = [&world.repo.path, &twin].map(|dir| {
            let mut command = world.command(dir);
            command.env("PATH", &path).args(["release", "python"]);
            scope.spawn(move || run(&mut command))
        });
        runs.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let mut codes: Vec<_> = outputs.iter().map(|o| o.code).collect();
    codes.sort();
    assert_eq!(codes, [0, 3], "{outputs:#?}");
    let loser = outputs.iter().find(|o| o.code == 3).unwrap();
    // How far it came before the tag differs.
    let refused = loser.stderr.find("error[").map(|at| masked(&loser.stderr[at..]));
    expect![[r#"
        error[lost-race]: python: another run pushed python-v0.0.1 first: run local-RUN
          → wait until that run finishes; if it was interrupted: cargo xtask release python
        error: 1 finding to fix first
    "#]]
    .assert_eq(&refused.expect("a finding"));
    assert_eq!(world.published().len(), 2);
}
