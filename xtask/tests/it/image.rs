//! The command `image`, with a real container registry, and with a real docker if one is available.

use crate::demo::World;
use crate::skip::skip;
use crate::support::run;
use expect_test::expect;
use std::io::{Read, Write};
use std::process::Command;

const NAME: &str = "example/demo-agent";

#[test]
fn a_branch_pushes_the_tag_of_its_commit_and_development_also_its_name() {
    let world = World::new();
    let outside = world.outside();
    let only_built = world.xtask(&["image", "python"]).expect(0);
    let dry = world.xtask(&["image", "python", "--push", "--dry-run"]).expect(0);
    expect![[r#"
        exit code 0
        ghcr.io/example/demo-agent@sha256:SHA256
        stderr:
          ✓ build             demo_agent-0.0.1-py3-none-any.whl, demo_agent-0.0.1.tar.gz (TIME)
          ✓ image             sha256:SHA256 on sha256:SHA256 (TIME)
          ✓ probe             ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
        would push example/demo-agent:sha-1234567 to 127.0.0.1:PORT
    "#]].assert_eq(&dry.seen());
    assert_eq!(outside, world.outside(), "something was pushed");
    assert_eq!(only_built.stdout, dry.stdout);
    expect![[r#"
        exit code 0
        ghcr.io/example/demo-agent@sha256:SHA256
        stderr:
          ✓ build             demo_agent-0.0.1-py3-none-any.whl, demo_agent-0.0.1.tar.gz (TIME)
          ✓ image             sha256:SHA256 on sha256:SHA256 (TIME)
          ✓ probe             ENGINE: /health 200, /info 0.0.1 at 1234567, /openapi.json as committed (3 paths), stopped in TIME, linux/OTHER not run here, config checked (TIME)
    "#]].assert_eq(&only_built.seen());

    world.repo.git(&["switch", "--quiet", "--create", "feat/x"]);
    let pushed = world.xtask(&["image", "python", "--push"]).expect(0);
    let digest = pushed.stdout.trim().rsplit('@').next().unwrap().to_string();
    let sha = format!("sha-{}", &world.repo.head()[..7]);
    assert_eq!((world.image(NAME, &sha), world.image(NAME, "development")), (Some(digest), None));

    world.repo.git(&["switch", "--quiet", "--force-create", "development"]);
    world.repo.commit("apps/python/src/demo_agent/more.py", "MORE = 1\n", "feat: more");
    let pushed = world.xtask(&["image", "python", "--push"]).expect(0);
    // Only one module is new. The layers of the base images and the dependencies are the same; there are no
    // dependencies, so both platforms share one layer.
    assert!(pushed.stderr.contains("layers: 1 uploaded, 0 mounted, 3 already there"), "{}", pushed.stderr);
    let sha = format!("sha-{}", &world.repo.head()[..7]);
    assert!(world.image(NAME, "development").is_some());
    assert_eq!(world.image(NAME, &sha), world.image(NAME, "development"));
}

/// A registry that knows nobody. Each connection gets one answer.
fn that_wants_a_login() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"images\"\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    host
}

#[test]
fn a_job_without_the_login_says_so_before_it_builds() {
    let world = World::new();
    world.repo.git(&["switch", "--quiet", "--create", "feat/x"]);
    world.repo.commit("apps/python/README.md", "# changed\n", "fix: a readme");
    let mut command = world.command(&world.repo.path);
    command.args(["ci", "image", "--event", "push", "--ref", "feat/x"]);
    // A forge passes a missing secret as an empty variable.
    let login = ["REGISTRY_USER", "REGISTRY_TOKEN"].map(|name| (name, ""));
    let out = run(command.env("XTASK_REGISTRY", that_wants_a_login()).envs(login));
    expect![[r#"
        exit code 3
        image: push to feat/x at 1234567
        image-python
        error[credentials]: python: cannot push to the container registry: POST http://127.0.0.1:PORT/v2/example/demo-agent/blobs/uploads/: not set up: REGISTRY_USER and REGISTRY_TOKEN, the login for 127.0.0.1:PORT (or run `docker login 127.0.0.1:PORT`)
        error: 1 finding to fix first
    "#]].assert_eq(&out.seen());
}

#[test]
fn an_image_with_wrong_answers_is_not_pushed() {
    let world = World::new();
    let outside = world.outside();
    let spec = world.repo.read("apps/python/openapi.json").replace("demo-agent", "another");
    world.repo.commit("apps/python/openapi.json", &spec, "fix: a spec that nobody serves");
    expect![[r#"
        exit code 1
        error: http://127.0.0.1:PORT/openapi.json is not the committed spec: they differ at /info/title (served "demo-agent", committed "another"); run `cargo xtask openapi generate`
    "#]].assert_eq(&world.xtask(&["image", "python", "--push"]).seen_error());

    let server = world.repo.read("apps/python/src/demo_agent/__main__.py");
    world.repo.commit(
        "apps/python/src/demo_agent/__main__.py",
        "raise SystemExit('no such luck')\n",
        "fix: a server that ends",
    );
    let dead = world.xtask(&["image", "python", "--push"]).expect(1);
    assert!(dead.stderr.contains("no such luck"), "{}", dead.stderr);

    let deaf = server.replace("lambda *_: os._exit(0)", "signal.SIG_IGN");
    world.repo.write("apps/python/openapi.json", spec.replace("another", "demo-agent"));
    world.repo.commit("apps/python/src/demo_agent/__main__.py", &deaf, "fix: a server that never stops");
    let deaf = world.xtask(&["image", "python", "--push"]).expect(1);
    assert!(deaf.stderr.contains("SIGTERM"), "{}", deaf.stderr);
    assert_eq!(outside, world.outside(), "something was pushed");
}

#[test]
fn an_app_without_an_image_is_a_usage_error() {
    let world = crate::support::Repo::new();
    expect![[r#"
        exit code 2
        error: apps/python/app.toml has no [image]
    "#]]
    .assert_eq(&world.xtask(&["image", "python"]).seen());
}

#[test]
fn docker_pulls_and_runs_a_pushed_image() {
    let docker = |args: &[&str]| {
        let output = Command::new("docker").args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    if docker(&["version", "--format", "{{.Server.Version}}"]).is_none() {
        return skip("no docker daemon is available");
    }
    let world = World::new();
    world.xtask(&["image", "python", "--push"]).expect(0);
    let image = format!("{}/{NAME}:sha-{}", world.servers.env["XTASK_REGISTRY"], &world.repo.head()[..7]);
    docker(&["pull", "--quiet", &image]).expect("docker pulls from the registry");
    let with = ["run", "--detach", "--publish", "127.0.0.1::8000", "--volume", "/data", &image];
    let id = docker(&with).expect("docker runs it");
    let address = docker(&["port", &id, "8000"]).expect("a published port");
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    let ask = |path: &str| {
        agent
            .get(format!("http://{address}{path}"))
            .call()
            .ok()
            .and_then(|mut a| a.body_mut().read_to_string().ok())
    };
    let info = (0..600).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        ask("/info")
    });
    let write = "import os; open('/data/file', 'x').close(); print(os.stat('/data/file').st_uid)";
    let user = docker(&["exec", &id, "python", "-c", write]);
    docker(&["rm", "--force", "--volumes", &id]);
    docker(&["rmi", "--force", &image]);
    let info = info.expect("the container answers within 30 s");
    assert!(info.contains(&world.repo.head()) && info.contains("0.0.1"), "{info}");
    assert_eq!(user.as_deref(), Some("10001"));
}

/// In a user namespace that may have no further ones, and with an engine that does not answer.
#[test]
fn an_image_that_cannot_be_isolated_here_is_not_run_and_the_output_says_so() {
    let world = World::new();
    let none = "echo 0 > /proc/sys/user/max_user_namespaces";
    let inside = |program: &str| {
        let mut command = world.repo.command("unshare", &world.repo.path);
        command.args(["--user", "--map-root-user", "sh", "-c", &format!("{none} && {program}")]);
        command.envs(&world.servers.env).env("XTASK", env!("CARGO_BIN_EXE_xtask"));
        command.env("DOCKER_HOST", "unix:///nowhere").env("CONTAINER_HOST", "unix:///nowhere");
        command
    };
    if !inside("true").output().is_ok_and(|output| output.status.success()) {
        return skip("this machine has no user namespaces");
    }
    let built = run(&mut inside("\"$XTASK\" image python")).expect(0);
    let told = "NOT PROBED: neither docker nor podman answers, and no sandbox can be made here (";
    assert!(built.stderr.contains(told), "{}", built.stderr);
}
