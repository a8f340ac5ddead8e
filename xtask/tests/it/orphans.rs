//! A release that is ended leaves no process behind, whatever its child waits for, and no temporary folder
//! longer than until the next start.

use crate::demo::World;
use crate::lab::{Fault, Proxy, Request, git_server};
use crate::supervise::{all_gone, descendants};
use crate::support::Repo;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Replaces the address of the server in every variable by that of a proxy.
pub(crate) fn proxied(world: &mut World, variable: &str) -> Proxy {
    let url = world.servers.env[variable].clone();
    let server = url.trim_start_matches("http://").split('/').next().unwrap().to_string();
    let proxy = Proxy::before(&server);
    for value in world.servers.env.values_mut() {
        *value = value.replace(&server, &proxy.address);
    }
    proxy
}

/// Starts a release, waits until a request is silent, ends the release with the signal, and checks that all
/// of its processes end and that the next command removes its temporary folders.
fn leaves_nothing(world: &World, app: &str, proxy: &Proxy, wanted: &Wanted) {
    for signal in wanted.signals {
        proxy.fault(wanted.request, &[Fault::Silent]);
        let mut command = world.repo.interruptible();
        command.envs(&world.servers.env).args(["release", app]).stderr(Stdio::piped());
        let mut release = command.spawn().unwrap();
        let started = Instant::now();
        while proxy.left() > 0 {
            assert!(
                release.try_wait().unwrap().is_none(),
                "it ended before {} was silent",
                wanted.request.path
            );
            assert!(
                started.elapsed() < Duration::from_secs(120),
                "{}: {:?}",
                wanted.request.path,
                proxy.seen()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let processes = descendants(release.id() as i32);
        assert!(!processes.is_empty(), "nothing runs while {} is silent", wanted.request.path);
        kill_process(Pid::from_child(&release), *signal).unwrap();
        release.wait().unwrap();
        all_gone(&processes);
    }
    world.xtask(&["release", app, "--dry-run"]);
    let left: Vec<_> = world.repo.world().join("tmp").read_dir_utf8().unwrap().flatten().collect();
    let left: Vec<_> = left.iter().filter(|entry| entry.file_name().starts_with("xtask-run-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The request that gets no answer.
struct Wanted {
    request: Request,
    signals: &'static [Signal],
}

const ALL: &[Signal] = &[Signal::KILL, Signal::TERM, Signal::INT];

fn silent(app: &'static str, variable: &str, wanted: &Wanted) {
    let mut world = World::of(app);
    if variable == "XTASK_REMOTE" {
        let address = git_server(world.data.as_path());
        world.servers.env.insert(variable.into(), format!("http://{address}/remote.git"));
    }
    let proxy = proxied(&mut world, variable);
    leaves_nothing(&world, app, &proxy, wanted);
}

#[test]
fn an_upload_to_the_staging_index_ends_with_the_release() {
    // Preflight's question whether the credentials are accepted is a POST too.
    let kind = "multipart/form-data";
    let wanted = Wanted { request: Request { method: "POST", path: "/", kind }, signals: ALL };
    silent("python", "XTASK_TESTPYPI_UPLOAD", &wanted);
}

#[test]
fn an_installation_from_the_staging_index_ends_with_the_release() {
    // The step is not repeated once the files are there.
    let signals = &[Signal::KILL];
    let wanted = Wanted { request: Request { method: "GET", path: "/packages/", kind: "" }, signals };
    silent("python", "XTASK_TESTPYPI_UPLOAD", &wanted);
}

#[test]
fn a_push_over_http_ends_with_the_release() {
    let request = Request { method: "POST", path: "/git-receive-pack", kind: "" };
    let wanted = Wanted { request, signals: ALL };
    silent("python", "XTASK_REMOTE", &wanted);
}

#[test]
fn npm_publish_ends_with_the_release() {
    let wanted = Wanted { request: Request { method: "PUT", path: "/@demo", kind: "" }, signals: ALL };
    silent("ts", "XTASK_NPM", &wanted);
}

/// Gitea's runner kills the process of a cancelled job, and takes no other job before its output is closed.
#[test]
fn a_killed_job_leaves_no_process() {
    let repo = Repo::new();
    repo.git(&["switch", "--quiet", "--create", "feat/x"]);
    let settings = repo.read("apps/python/app.toml");
    let settings = settings.replace("no-tests = \"a fixture\"", "test = [[\"sleep\", \"600\"]]");
    repo.commit("apps/python/app.toml", &settings, "fix: wait");
    let mut command = repo.interruptible();
    command.args(["ci", "test", "--event", "pull_request", "--base", "main"]);
    let mut job = command.process_group(0).spawn().unwrap();
    let started = Instant::now();
    let mut processes = BTreeSet::new();
    let sleeps = |process: &i32| {
        std::fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "sleep")
    };
    while !processes.iter().any(sleeps) {
        assert!(job.try_wait().unwrap().is_none(), "it ended before the test began");
        assert!(started.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(10));
        processes = descendants(job.id() as i32);
    }
    kill_process(Pid::from_child(&job), Signal::KILL).unwrap();
    job.wait().unwrap();
    all_gone(&processes);
}
