//! Tokens and passwords: which children see them, and that nothing prints them.

use crate::demo::World;
use crate::support::run;
use camino::{Utf8Path, Utf8PathBuf};
use std::os::unix::fs::PermissionsExt;

/// A `git` that goes first in PATH and records its arguments and its environment.
fn recording_git(world: &World) -> (Utf8PathBuf, Utf8PathBuf) {
    let (bin, record) = (world.repo.world().join("recording"), world.repo.world().join("record"));
    std::fs::create_dir(&bin).unwrap();
    let git = which::which("git").unwrap();
    let script =
        format!("#!/bin/sh\n{{ echo \"git $*\"; env; }} >> '{record}'\nexec '{}' \"$@\"\n", git.display());
    script_at(&bin.join("git"), &script);
    (bin, record)
}

fn script_at(path: &Utf8Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn neither_git_nor_a_hook_sees_a_token_and_nothing_prints_one() {
    let world = World::new();
    let (bin, record) = recording_git(&world);
    let hooked = world.repo.world().join("hooked");
    script_at(&world.repo.path.join(".git/hooks/pre-push"), &format!("#!/bin/sh\nenv >> '{hooked}'\n"));
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let released =
        run(world.command(&world.repo.path).args(["release", "python"]).env("PATH", path)).expect(0);
    let (git, hook) = (std::fs::read_to_string(&record).unwrap(), std::fs::read_to_string(&hooked).unwrap());
    assert!(git.matches("\ngit ").count() > 10 && hook.contains("PATH="), "{git}");
    for name in ["PYPI_TOKEN", "TESTPYPI_TOKEN"] {
        let token = world.servers.env[name].clone();
        for (what, text) in [("git", &git), ("the hook", &hook)] {
            assert!(!text.contains(&format!("{name}=")) && !text.contains(&token), "{what} sees {name}");
        }
        assert!(!released.stdout.contains(&token) && !released.stderr.contains(&token), "{released:#?}");
    }
}

#[test]
fn a_password_in_the_remotes_address_is_neither_an_argument_nor_printed() {
    let world = World::new();
    let (bin, record) = recording_git(&world);
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    // Nobody listens there.
    let address = "http://bot:SECRETPW@127.0.0.1:9/team/mono.git";
    world.repo.git(&["remote", "set-url", "origin", address]);
    let mut seen = String::new();
    for remote in ["origin", address] {
        for args in
            [&["release", "python", "--dry-run"] as &[&str], &["promote", "--dry-run"], &["verify", "python"]]
        {
            let output = run(world
                .command(&world.repo.path)
                .args(args)
                .env("PATH", &path)
                .env("XTASK_REMOTE", remote));
            assert_ne!(output.code, 0, "{output:#?}");
            seen += &format!("{}{}", output.stdout, output.stderr);
        }
    }
    assert!(!seen.contains("SECRETPW"), "{seen}");
    assert!(seen.contains("bot:***@127.0.0.1:9") || seen.contains("bot@127.0.0.1:9"), "{seen}");
    let record = std::fs::read_to_string(&record).unwrap();
    let arguments: Vec<&str> = record.lines().filter(|line| line.starts_with("git ")).collect();
    assert!(!arguments.iter().any(|line| line.contains("SECRETPW")), "{arguments:#?}");
}

#[test]
fn an_identity_token_of_gitea_does_not_replace_an_index_token() {
    let world = World::of_both();
    for (app, token) in [("python", "PYPI_TOKEN"), ("ts", "NPM_TOKEN")] {
        let release = |forge: &str| {
            let mut command = world.command(&world.repo.path);
            command.args(["release", app, "--dry-run"]).env_remove(token);
            run(command.envs([("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:9/"), (forge, "true")]))
        };
        let missing = format!("set {token} in the environment");
        let gitea = release("GITEA_ACTIONS").expect(3);
        assert!(gitea.stderr.contains(&missing), "{gitea:#?}");
        let github = release("GITHUB_ACTIONS");
        assert!(!github.stderr.contains(&missing), "{github:#?}");
    }
}

#[test]
fn a_token_with_a_line_break_is_told_before_the_tag() {
    let world = World::new();
    let mut command = world.command(&world.repo.path);
    command
        .args(["release", "python", "--dry-run"])
        .env("PYPI_TOKEN", format!("{}\n", world.servers.env["PYPI_TOKEN"]));
    let output = run(&mut command).expect(3);
    assert!(
        output.stderr.contains("error[credentials]: python: PYPI_TOKEN begins or ends with white space"),
        "{output:#?}"
    );
}
