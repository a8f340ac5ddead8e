//! The kill matrix: a release is struck before, during or after a step, and resumed in a fresh clone. Then
//! every file is published once, with the hashes in the tag. The table is printed at the end.
//!
//! By default one fault for each step and moment, in one app; in both apps for the tag and the uploads. The
//! moment before a local step is that after the one before. XTASK_KILLS=all runs every combination. A full
//! disk is simulated: from the fault on, no file of xtask and its children can grow (RLIMIT_FSIZE 0).

use crate::demo::World;
use crate::lab::{Fault, Request, git_server};
use crate::orphans::proxied;
use crate::rollback::{image, twice_released};
use crate::support::{Output, run, sha256};
use camino::Utf8PathBuf;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const STEPS: [&str; 12] = [
    "preflight",
    "build",
    "smoke",
    "image",
    "verify",
    "stage",
    "tag",
    "page-draft",
    "publish",
    "image-push",
    "latest",
    "page",
];
/// From here on, the steps change something outside.
const OUTWARD: usize = 5;
/// The steps that are struck in both apps.
const IN_BOTH: [&str; 3] = ["tag", "publish", "image-push"];
const MOMENTS: [&str; 3] = ["before", "during", "after"];
const FAULTS: [&str; 4] = ["kill", "int", "term", "full"];
const APPS: [&str; 2] = ["python", "ts"];

#[derive(Clone, Copy, Debug, PartialEq)]
struct Case {
    step: &'static str,
    moment: usize,
    fault: usize,
}

/// The cases of an app.
fn cases(app: usize, all: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (s, step) in STEPS.into_iter().enumerate() {
        // The demo app in TypeScript has no staging index: npm has none.
        if APPS[app] == "ts" && step == "stage" {
            continue;
        }
        for moment in 0..MOMENTS.len() {
            let both = IN_BOTH.contains(&step);
            let chosen = if both { s + 2 * moment + app } else { s + moment } % FAULTS.len();
            let turn = if step == "stage" { 0 } else { (s + moment) % APPS.len() };
            let ours = (both || turn == app) && (s >= OUTWARD || moment > 0);
            let faults = (0..FAULTS.len()).filter(|fault| all || (ours && *fault == chosen));
            cases.extend(faults.map(|fault| Case { step, moment, fault }));
        }
    }
    cases
}

#[test]
fn the_default_matrix_strikes_every_step_and_the_tag_and_the_uploads_with_every_fault() {
    let both = [cases(0, false), cases(1, false)].concat();
    for (s, step) in STEPS.into_iter().enumerate() {
        let ours = || both.iter().filter(|case| case.step == step);
        let first = if s < OUTWARD { 1 } else { 0 };
        assert!((first..3).all(|moment| ours().any(|case| case.moment == moment)), "{step}: {both:?}");
        let faults = (0..4).filter(|fault| ours().any(|case| case.fault == *fault)).count();
        let expected = if IN_BOTH.contains(&step) { 4 } else { 3 - first };
        assert_eq!(faults, expected, "{step}: {both:?}");
    }
    assert_eq!((both.len(), cases(0, true).len() + cases(1, true).len()), (40, 276));
}

/// How long each step took, from the progress lines.
fn durations(release: &str) -> BTreeMap<String, f64> {
    let line = regex_lite::Regex::new(r"(?m)^  ✓ ([a-z-]+) .*\(([0-9.]+) s\)$").unwrap();
    let found = line.captures_iter(release).map(|found| found.extract::<2>().1);
    found.map(|[step, seconds]| (step.to_string(), seconds.parse().unwrap())).collect()
}

/// What the release of the tag lacks. Empty if it is complete.
pub(crate) fn lacks(world: &World, app: &str, version: &str) -> Vec<String> {
    let tag = world.repo.git_in(world.servers.remote(), &["cat-file", "-p", &format!("{app}-v{version}")]);
    let trailers = |key: &'static str| tag.lines().filter_map(move |line| line.strip_prefix(key));
    let mut lacks = Vec::new();
    for file in trailers("Dist-Sha256: ") {
        let hash = &file[..64];
        let copies =
            index_files(world).iter().filter(|path| sha256(&std::fs::read(path).unwrap()) == hash).count();
        if copies != 1 {
            lacks.push(format!("{copies} copies of {file}"));
        }
    }
    let image = if app == "python" { "example/demo-agent" } else { "example/demo-agent-ts" };
    let digest = trailers("Image-Digest: ").next().map(str::to_string);
    for name in [&format!("v{version}"), "latest"] {
        if world.image(image, name) != digest {
            lacks.push(format!("the image {name} is not {digest:?}"));
        }
    }
    let page = world.page(&format!("{app}-v{version}"));
    // Package, spec, SBOM and hashes.
    let names: Vec<&str> =
        page["assets"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    let files = if app == "python" { 5 } else { 4 };
    if page["draft"] != false || names.len() != files {
        lacks.push(format!("the release page is {page}"));
    }
    if app == "ts" && world.dist_tags("@demo/agent")["latest"] != version {
        lacks.push(format!("{version} is not @latest"));
    }
    lacks
}

/// The files of every release on the index that users install from.
fn index_files(world: &World) -> Vec<Utf8PathBuf> {
    let paths = world.outside().into_iter().filter_map(|line| Some(line.split_once(" bytes ")?.1.into()));
    let package = |path: &Utf8PathBuf| {
        let (text, name) = (path.as_str(), path.file_name().unwrap_or_default());
        (text.contains("/pypi/") && (name.ends_with(".whl") || name.ends_with(".tar.gz")))
            || (text.contains("/npm/") && name.ends_with(".tgz"))
    };
    paths.filter(package).collect()
}

/// The release with the fault, with SIGXFSZ ignored, so that a write to a "full disk" fails and does not
/// kill.
fn struck(world: &World, app: &str, point: &str) -> Output {
    let mut command = world.repo.command("env", &world.repo.path);
    command.envs(&world.servers.env).arg("--ignore-signal=XFSZ");
    let release = world.repo.interruptible();
    command.arg(release.get_program()).args(release.get_args());
    run(command.args(["release", app, "--kill-at", point]))
}

/// Strikes a release, resumes it in a fresh clone, and returns what is wrong then, and how both runs ended.
fn strike(
    world: &World,
    app: &str,
    version: &str,
    case: Case,
    took: &BTreeMap<String, f64>,
) -> (Vec<String>, String) {
    let Case { step, moment, fault } = case;
    let part = 0.2 * (fault + 1) as f64;
    let delay = format!("{:.0}ms", took.get(step).unwrap_or(&0.0) * part * 1000.0);
    let moment = if MOMENTS[moment] == "during" { &delay } else { MOMENTS[moment] };
    let before = index_files(world).len();
    let hit = struck(world, app, &format!("{step}:{moment}:{}", FAULTS[fault]));
    let mut wrong = Vec::new();
    let expected: &[i32] = if FAULTS[fault] == "full" { &[0, 1] } else { &[-1] };
    if !expected.contains(&hit.code) || hit.stderr.contains("panicked") {
        wrong.push(format!("the struck release ended with {hit:#?}"));
    }
    let clone = world.repo.world().join("clone");
    world.repo.git(&["clone", "--quiet", &world.servers.env["XTASK_REMOTE"], clone.as_str()]);
    let resumed = run(world.command(&clone).args(["release", app]));
    std::fs::remove_dir_all(&clone).unwrap();
    if ![0, 4].contains(&resumed.code) {
        wrong.push(format!("the resumed release ended with {resumed:#?}"));
    } else {
        wrong.extend(lacks(world, app, version));
    }
    let new = index_files(world).len() - before;
    if new != if app == "python" { 2 } else { 1 } {
        wrong.push(format!("{new} new files are on the index"));
    }
    let end = if hit.code == -1 { "killed".to_string() } else { format!("exit {}", hit.code) };
    (wrong, format!("{moment:>7} {:<5} {end:<7} resumed: exit {}", FAULTS[fault], resumed.code))
}

/// Runs these cases of an app in one world, one version each, and prints the table.
fn matrix(app: usize, cases: &[Case]) {
    let world = World::of(APPS[app]);
    let app = APPS[app];
    let took = durations(&world.xtask(&["release", app]).expect(0).stderr);
    let (mut table, mut failed) = (String::new(), 0);
    for (patch, case) in (2..).zip(cases) {
        let text = format!("# demo-agent, edition {patch}\n");
        world.repo.commit(&format!("apps/{app}/README.md"), &text, "fix: say the edition");
        world.bump(&[]);
        let (wrong, row) = strike(&world, app, &format!("0.0.{patch}"), *case, &took);
        failed += usize::from(!wrong.is_empty());
        let mark = if wrong.is_empty() { "ok" } else { "WRONG" };
        let mut row = format!("{app:<6} {:<10} {row}  {mark}\n", case.step);
        wrong.iter().for_each(|line| row += &format!("    {line}\n"));
        // All combinations take long: each row is shown at once.
        if std::env::var_os("XTASK_KILLS").is_some() {
            std::io::stderr().write_all(row.as_bytes()).unwrap();
        }
        table += &row;
    }
    table += &format!("kill matrix, {app}: {} of {}\n", cases.len() - failed, cases.len());
    // Past the capture of the test harness: the table is also shown if the test passes.
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    assert_eq!(failed, 0);
}

/// Half of the app's cases: the two halves run in parallel.
fn half(app: usize, second: bool) {
    let all = std::env::var("XTASK_KILLS").as_deref() == Ok("all");
    let cases = cases(app, all);
    let (first, rest) = cases.split_at(cases.len() / 2);
    matrix(app, if second { rest } else { first });
}

#[test]
fn a_struck_python_release_completes_in_a_fresh_clone_part_1() {
    half(0, false);
}

#[test]
fn a_struck_python_release_completes_in_a_fresh_clone_part_2() {
    half(0, true);
}

#[test]
fn a_struck_ts_release_completes_in_a_fresh_clone_part_1() {
    half(1, false);
}

#[test]
fn a_struck_ts_release_completes_in_a_fresh_clone_part_2() {
    half(1, true);
}

#[test]
fn a_rollback_that_is_killed_before_and_after_each_change_is_complete_in_the_end() {
    let mut world = twice_released("ts");
    let first = world.image(image("ts"), "v0.0.1");
    let address = git_server(world.data.as_path());
    world.servers.env.insert("XTASK_REMOTE".into(), format!("http://{address}/remote.git"));
    let [remote, registry, npm] =
        ["XTASK_REMOTE", "XTASK_REGISTRY", "XTASK_NPM"].map(|variable| proxied(&mut world, variable));
    let changes = [
        ("mark", &remote, Request { method: "POST", path: "/git-receive-pack", kind: "" }),
        ("image", &registry, Request { method: "PUT", path: "/manifests/latest", kind: "" }),
        ("dist-tag", &npm, Request { method: "PUT", path: "/dist-tags/latest", kind: "" }),
        ("package", &npm, Request { method: "PUT", path: "%2f", kind: "npm-command: deprecate" }),
    ];
    for (step, proxy, request) in changes {
        // The server has not seen the request; the server has done what it asks for.
        for fault in [Fault::Silent, Fault::Unanswered] {
            let handled = proxy.handled() + usize::from(fault == Fault::Unanswered);
            proxy.fault(request, &[fault]);
            let mut command = world.command(&world.repo.path);
            command.args(["rollback", "ts", "0.0.2", "--yes"]).stderr(Stdio::null());
            let mut rollback = command.spawn().unwrap();
            let started = Instant::now();
            while proxy.left() > 0 || proxy.handled() < handled {
                assert!(rollback.try_wait().unwrap().is_none(), "{step} {fault:?}: it ended before");
                assert!(started.elapsed() < Duration::from_secs(120), "{step} {fault:?}: {:?}", proxy.seen());
                std::thread::sleep(Duration::from_millis(10));
            }
            rollback.kill().unwrap();
            rollback.wait().unwrap();
        }
    }
    let rest = world.xtask(&["rollback", "ts", "0.0.2", "--yes"]).expect(0).stderr;
    let left: Vec<&str> = rest.lines().filter_map(|line| line.strip_prefix("  → ")).collect();
    assert!(left.len() == 1 && left[0].starts_with("page "), "only the page is left: {rest}");
    let outside = world.outside();
    let done = world.xtask(&["rollback", "ts", "0.0.2", "--yes"]).expect(4);
    assert!(done.stderr.contains("ts-v0.0.2 was rolled back"), "{}", done.stderr);
    assert_eq!(outside, world.outside());
    assert!(world.repo.git_in(&world.data.join("remote.git"), &["tag"]).contains("withdrawn/ts-v0.0.2"));
    assert_eq!(world.image(image("ts"), "latest"), first);
    assert_eq!(world.dist_tags("@demo/agent"), serde_json::json!({ "latest": "0.0.1" }));
    assert!(world.packument("@demo/agent")["versions"]["0.0.2"]["deprecated"].is_string());
}
