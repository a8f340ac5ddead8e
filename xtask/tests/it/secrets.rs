//! Tokens and passwords: which children see them, and that nothing prints them.

use crate::demo::World;
use crate::lab::{Fault, Proxy, Request, git_server};
use crate::support::{Repo, run, user_cache};
use crate::watched::{self, Process};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use expect_test::expect;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

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
fn a_secret_in_the_remotes_address_is_neither_an_argument_nor_printed() {
    let world = World::new();
    let (bin, record) = recording_git(&world);
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    // Nobody listens there.
    let password = "http://bot:SECRETPW@127.0.0.1:9/team/mono.git";
    // Forges take a token as the user.
    let token = "http://ghp_SECRETPW@127.0.0.1:9/team/mono.git";
    let mut seen = String::new();
    for (origin, remote) in [(password, "origin"), (password, password), (token, "origin"), (token, token)] {
        world.repo.git(&["remote", "set-url", "origin", origin]);
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
fn a_token_that_is_the_user_of_the_remotes_address_logs_in() {
    let world = World::new();
    let remote = Gate::before(&git_server(&world.data), "ghp_token1:", &[]);
    let address = format!("http://ghp_token1@{}/remote.git", remote.address);
    let mut command = world.command(&world.repo.path);
    let dry = run(command.args(["release", "python", "--dry-run"]).env("XTASK_REMOTE", address)).expect(0);
    assert!(!format!("{}{}", dry.stdout, dry.stderr).contains("ghp_token1"), "{dry:#?}");
    assert!(remote.passed.load(Ordering::Relaxed) > 0, "nobody logged in");
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
        let missing = format!("not set up: {token}, the login for");
        let gitea = release("GITEA_ACTIONS").expect(3);
        assert!(gitea.stderr.contains(&missing), "{gitea:#?}");
        let github = release("GITHUB_ACTIONS");
        assert!(!github.stderr.contains(&missing), "{github:#?}");
    }
}

#[test]
fn an_address_of_a_registry_with_a_password_is_refused_without_showing_it() {
    let repo = Repo::new();
    let addresses = ["PYPI", "PYPI_READ", "PYPI_UPLOAD", "TESTPYPI", "TESTPYPI_UPLOAD"];
    let mut seen = String::new();
    for name in addresses.iter().chain(&["NPM", "NPM_READ", "REGISTRY", "FORGE"]) {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.arg("plan").env(format!("XTASK_{name}"), "http://bot:pass-word-7@127.0.0.1:9/x");
        seen.push_str(&run(&mut command).seen());
    }
    expect![[r#"
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
        exit code 2
        error: --registry must be a host or host:port, without a path or a login; the login is read from REGISTRY_USER and REGISTRY_TOKEN
        exit code 2
        error: an address must not contain a user or password: put tokens into the environment (PYPI_TOKEN, TESTPYPI_TOKEN, NPM_TOKEN, XTASK_FORGE_TOKEN)
    "#]].assert_eq(&seen);
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

/// A gate before a server: it asks for a login, and shows the login of a request that it refuses. Counts the
/// requests with the right login.
struct Gate {
    address: String,
    passed: Arc<AtomicUsize>,
}

impl Gate {
    /// `open`: what requests without a login begin with.
    fn before(server: &str, login: &str, open: &'static [&'static str]) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let passed = Arc::new(AtomicUsize::new(0));
        let (server, count) = (server.to_string(), passed.clone());
        let expected = format!("Basic {}", STANDARD.encode(login));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, count, expected) = (server.clone(), count.clone(), expected.clone());
                std::thread::spawn(move || {
                    let _ = gate(&client, &server, &expected, open, &count);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Gate { address, passed }
    }
}

fn gate(
    mut client: &TcpStream,
    server: &str,
    expected: &str,
    open: &[&str],
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let login = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then_some(value)
    });
    if login == Some(expected) {
        count.fetch_add(1, Ordering::Relaxed);
    } else if login.is_some() || !open.iter().any(|start| head.starts_with(start)) {
        let body = format!("you sent: {}", login.unwrap_or("no login"));
        write!(
            client,
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"gate\"\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )?;
        // What is not read would reset the connection.
        client.shutdown(Shutdown::Write)?;
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        return std::io::copy(&mut client, &mut std::io::sink()).map(drop);
    }
    let mut upstream = TcpStream::connect(server)?;
    // The end of the connection is the end of the answer, so that each request comes through this function.
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    upstream.write_all(head.as_bytes())?;
    let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
    });
    std::io::copy(&mut upstream, &mut client).map(drop)
}

/// The addresses of a server in all variables, replaced by another one.
fn replace_server(world: &mut World, variable: &str, by: impl FnOnce(&str) -> String) {
    let url = world.servers.env[variable].clone();
    let server = url.trim_start_matches("http://").split('/').next().unwrap().to_string();
    let address = by(&server);
    world.servers.env.values_mut().for_each(|value| *value = value.replace(&server, &address));
}

/// May a process with these arguments have this token in its environment?
fn may_have(process: &Process, name: &str, world: &World) -> bool {
    let arguments = &process.arguments;
    let uploads = |address: &str| {
        arguments.contains("uv publish") && arguments.contains(world.servers.env[address].as_str())
    };
    match name {
        "PYPI_TOKEN" => uploads("XTASK_PYPI_UPLOAD"),
        "TESTPYPI_TOKEN" => uploads("XTASK_TESTPYPI_UPLOAD"),
        // npm gives its process a title: `npm publish FILE`.
        "NPM_TOKEN" => {
            arguments.starts_with("npm") || (arguments.contains("npm") && arguments.contains("--registry"))
        }
        _ => false,
    }
}

/// Releases of both apps, refused by registries that show the login and then complete, a promotion that the
/// forge refuses, and rollbacks. 70 s on two cores.
#[test]
fn no_output_file_argument_or_environment_of_a_release_has_a_secret() {
    const PASSWORD: &str = "p%40ss-of-the-remote";
    let started = SystemTime::now();
    let mut world = World::of_both();
    let (bin, record) = recording_git(&world);
    let hooked = world.repo.world().join("hooked");
    script_at(
        &world.repo.path.join(".git/hooks/pre-push"),
        &format!("#!/bin/sh\n{{ echo \"$*\"; env; }} >> '{hooked}'\n"),
    );
    // A remote and a container registry that ask for a login; indexes that show it when they refuse.
    let remote = Gate::before(&git_server(&world.data), "bot:p@ss-of-the-remote", &[]);
    // The path of a forge's repository.
    std::fs::create_dir(world.data.join("team")).unwrap();
    std::os::unix::fs::symlink("../remote.git", world.data.join("team/mono.git")).unwrap();
    let address = format!("http://bot:{PASSWORD}@{}/team/mono.git", remote.address);
    world.servers.env.insert("XTASK_REMOTE".into(), address.clone());
    let registry_login = "robot:password-of-the-registry";
    let mut registry = None;
    replace_server(&mut world, "XTASK_REGISTRY", |server| {
        let gate = Gate::before(server, registry_login, &["GET /v2/", "HEAD /v2/"]);
        let address = gate.address.clone();
        registry = Some(gate);
        address
    });
    let mut indexes = Vec::new();
    for (variable, method, kind) in
        [("XTASK_TESTPYPI_UPLOAD", "POST", "multipart/form-data"), ("XTASK_NPM", "PUT", "")]
    {
        replace_server(&mut world, variable, |server| {
            let proxy = Proxy::before(server);
            proxy.fault(Request { method, path: "/", kind }, &[Fault::Echo]);
            let address = proxy.address.clone();
            indexes.push(proxy);
            address
        });
    }
    let forge = Gate::before("127.0.0.1:9", "nobody:nobody", &[]);
    let mut secrets: Vec<(String, String)> = [
        ("REGISTRY_TOKEN", "password-of-the-registry"),
        ("GITEA_TOKEN", "token-of-gitea"),
        ("UV_PUBLISH_TOKEN", "token-of-uv-itself"),
        ("the remote's password", "p@ss-of-the-remote"),
        ("the remote's password, escaped", PASSWORD),
    ]
    .map(|(name, value)| (name.to_string(), value.to_string()))
    .to_vec();
    for name in ["PYPI_TOKEN", "TESTPYPI_TOKEN", "NPM_TOKEN", "XTASK_FORGE_TOKEN", "DISPATCH_TOKEN"] {
        secrets.push((name.to_string(), world.servers.env[name].clone()));
    }

    let (mut outputs, mut processes) = (String::new(), BTreeSet::new());
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let mut step = |args: &[&str], code: i32, named_remote: bool| {
        let mut command = world.command(&world.repo.path);
        command.args(args).env("PATH", &path).env("REGISTRY_USER", "robot");
        command.envs(secrets.iter().filter(|(name, _)| !name.contains(' ')).cloned());
        // A forge that refuses the token and repeats it.
        if args[0] == "promote" {
            command.env("XTASK_FORGE", format!("http://{}/api/v1", forge.address));
        }
        // Once by the variable, once by git's settings.
        if named_remote {
            command.env_remove("XTASK_REMOTE").env_remove("XTASK_LOOPBACK_ONLY");
        }
        let (output, seen) = watched::watch(&mut command);
        assert_eq!(output.code, code, "{args:?}: {output:#?}");
        outputs += &format!("{}{}", output.stdout, output.stderr);
        processes.extend(seen);
        output
    };
    let refused = step(&["release", "python"], 1, false);
    assert!(refused.stderr.contains("403") && refused.stderr.contains("***"), "{refused:#?}");
    let refused = step(&["release", "ts", "--json"], 1, false);
    assert!(refused.stderr.contains("403"), "{refused:#?}");
    world.repo.git(&["remote", "set-url", "origin", &address]);
    step(&["release", "--all", "--json"], 0, true);
    world.repo.commit("apps/ts/README.md", "# demo-agent, more\n", "fix(ts): more");
    let bare = world.data.join("remote.git");
    run(world.repo.command("git", &bare).args(["fetch", "--quiet", world.repo.path.as_str(), "HEAD"]));
    world.repo.git_in(&bare, &["update-ref", "refs/heads/development", "FETCH_HEAD"]);
    let refused = step(&["promote"], 1, true);
    assert!(refused.stderr.contains("401") && !refused.stderr.contains("token-of"), "{refused:#?}");
    step(&["rollback", "python", "0.0.1", "--yes", "--json"], 3, true);
    step(&["rollback", "ts", "0.0.1", "--yes"], 0, true);
    assert_eq!(indexes.iter().map(Proxy::left).sum::<usize>(), 0, "a fault was not met");
    for (what, gate) in [("remote", &remote), ("registry", registry.as_ref().unwrap())] {
        assert!(gate.passed.load(Ordering::Relaxed) > 5, "the {what} got no login");
    }

    // The watch sees what it has to see.
    let has = |program: &str| processes.iter().any(|process| process.arguments.contains(program));
    assert!(has("uv publish") && has("publish") && has("git-remote-http"), "not every program was seen");
    let recorded = std::fs::read_to_string(&record).unwrap();
    let hooked = std::fs::read_to_string(&hooked).unwrap();
    assert!(recorded.matches("\ngit ").count() > 50 && hooked.contains("PATH="));
    let mut shown = Vec::new();
    for (name, value) in &secrets {
        let forms = watched::forms(value);
        let inside = |text: &str| forms.iter().any(|form| text.contains(form.as_str()));
        for (what, text) in [("an output", &outputs), ("git", &recorded), ("a hook", &hooked)] {
            if inside(text) {
                let line = text.lines().find(|line| inside(line)).unwrap_or_default();
                shown.push(format!("{what} has {name}: {line}"));
            }
        }
        for process in &processes {
            if inside(&process.arguments) {
                shown.push(format!("an argument is {name}: {}", process.arguments));
            }
            if inside(&process.environment) && !may_have(process, name, &world) {
                shown.push(format!("{name} is in the environment of {}", process.arguments));
            }
        }
    }
    // Of the files only git's settings have a secret: the address that the user has put there.
    let texts: Vec<String> = secrets.iter().flat_map(|(_, value)| watched::forms(value)).collect();
    let cache = Utf8PathBuf::from(user_cache().into_string().unwrap());
    let places = [world.repo.path.clone(), world.data.join("remote.git"), cache];
    let beside = ["home", "tmp"].map(|name| world.repo.world().join(name));
    for place in places.iter().chain(&beside) {
        let files = watched::files_with(place, started, &texts);
        shown.extend(files.into_iter().filter(|file| !file.contains("/.git/config: ")));
    }
    assert!(shown.is_empty(), "{} secrets are shown:\n{}", shown.len(), shown.join("\n"));
}
