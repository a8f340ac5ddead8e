//! Benchmarks, each against the cost that cannot be avoided: `cargo run -p xtask --example bench -- plan`. It
//! prints figures and never fails because of them.

#![expect(clippy::print_stdout, reason = "this example prints only figures")]

use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod api;
mod history;
mod openapi;

const RUNS: usize = 25;

/// Sizes of the generated histories, in commits.
const COMMITS: [usize; 3] = [1000, 10_000, 100_000];

fn main() -> Result<()> {
    let mut what: Vec<String> = std::env::args().skip(1).collect();
    if what.is_empty() {
        what.push("plan".to_string());
    }
    for name in what {
        match name.as_str() {
            "plan" => plan(&COMMITS)?,
            "build" => build()?,
            "rehearse" => rehearse()?,
            "openapi" => openapi::openapi()?,
            "api" => api::api()?,
            // `bench 1000`: `plan` on a history with 1000 commits.
            size => plan(&[size.parse().with_context(|| {
                format!("no benchmark {size:?}: plan, build, rehearse, openapi, api or a number")
            })?])?,
        }
    }
    Ok(())
}

/// The repository's root.
fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// Compares a warm `plan` with the three git calls that it needs at least: the app's tags, whether the last
/// one is an ancestor of HEAD, and the log since.
fn plan(sizes: &[usize]) -> Result<()> {
    println!("plan: {RUNS} warm runs each, min / median / max in ms");
    println!("{:>9}  {:>22}  {:>22}  {:>6}", "commits", "three git calls", "cargo xtask plan", "ratio");
    for &size in sizes {
        let repo = history::generated(&root().join("target/bench"), size)?;
        let xtask = xtask(&["plan", "python", "--root", repo.as_str()])?;
        let tag = text(git(
            &repo,
            &[
                "for-each-ref",
                "--sort=-v:refname",
                "--count=1",
                "--format=%(refname:short)",
                "refs/tags/python-v*",
            ],
        ))?;
        let range = format!("{tag}..HEAD");
        let calls: [&[&str]; 3] = [
            &["for-each-ref", "--format=%(refname) %(objectname)", "refs/tags/python-v*"],
            &["merge-base", "--is-ancestor", &tag, "HEAD"],
            &["log", "--format=%H%n%B", &range, "--", "apps/python"],
        ];
        let mut lazy = Vec::new();
        let mut ours = Vec::new();
        // Alternate, so that other load on the machine slows both.
        for run in 0..=RUNS {
            let a = calls.iter().map(|args| time(git(&repo, args), &[0])).sum::<Result<Duration>>()?;
            let b = time(copy(&xtask), &[0])?;
            // The first run warms the caches.
            if run > 0 {
                lazy.push(a);
                ours.push(b);
            }
        }
        let (lazy, ours) = (Figures::of(lazy), Figures::of(ours));
        println!("{size:>9}  {lazy:>22}  {ours:>22}  {:>5.2}x", ours.median / lazy.median);
    }
    Ok(())
}

struct Figures {
    min: f64,
    median: f64,
    max: f64,
}

impl Figures {
    fn of(mut runs: Vec<Duration>) -> Figures {
        runs.sort();
        let ms = |d: &Duration| d.as_secs_f64() * 1000.0;
        Figures { min: ms(&runs[0]), median: ms(&runs[runs.len() / 2]), max: ms(&runs[runs.len() - 1]) }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{:.1} / {:.1} / {:.1}", self.min, self.median, self.max))
    }
}

/// Compares a cold build of xtask on two cores with a cold build of only its dependencies, which shows how
/// fast this machine is.
fn build() -> Result<()> {
    let temp = tempfile::tempdir()?;
    let bare = Utf8Path::from_path(temp.path()).context("TMPDIR is not UTF-8")?;
    std::fs::create_dir(bare.join("src"))?;
    std::fs::write(bare.join("src/main.rs"), "fn main() {}\n")?;
    std::fs::write(bare.join("Cargo.toml"), only_dependencies(root())?)?;
    std::fs::copy(root().join("Cargo.lock"), bare.join("Cargo.lock"))?;
    let cold = |dir: &Utf8Path| -> Result<Duration> {
        let target = tempfile::tempdir()?;
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let args = ["build", "--quiet", "--offline", "--package", "xtask", "--jobs", "2"];
        command.current_dir(dir).args(args).env("CARGO_TARGET_DIR", target.path());
        time(command, &[0])
    };
    let (dependencies, whole) = (cold(bare)?, cold(root())?);
    let ratio = whole.as_secs_f64() / dependencies.as_secs_f64();
    println!(
        "cold build, two jobs: xtask {}, only its dependencies {}, {ratio:.2}x",
        seconds(whole),
        seconds(dependencies)
    );
    Ok(())
}

/// A manifest with the dependencies and profiles of xtask.
fn only_dependencies(root: &Utf8Path) -> Result<String> {
    let read = |file: &str| -> Result<toml_edit::DocumentMut> {
        let path = root.join(file);
        Ok(std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?.parse()?)
    };
    let (mut manifest, workspace) = (read("xtask/Cargo.toml")?, read("Cargo.toml")?);
    let dependencies =
        manifest["dependencies"].as_table_mut().context("xtask/Cargo.toml has no [dependencies]")?;
    dependencies.retain(|_, item| item.get("path").is_none());
    if let Some(profile) = workspace.get("profile") {
        manifest["profile"] = profile.clone();
    }
    manifest["workspace"] = toml_edit::table();
    Ok(manifest.to_string())
}

/// Runs two rehearsals. The first may install tools; the second has them already. A rehearsal itself prints
/// where its time was spent.
fn rehearse() -> Result<()> {
    for which in ["first", "second"] {
        let mut command = copy(&xtask(&["rehearse", "python"])?);
        command.current_dir(root());
        let started = Instant::now();
        let status = command.status().context("cannot start the rehearsal")?;
        if !status.success() {
            bail!("the {which} rehearsal failed: {status}");
        }
        println!("{which} rehearsal: {}", seconds(started.elapsed()));
    }
    Ok(())
}

/// The xtask program of the same build as this example.
fn xtask(args: &[&str]) -> Result<Command> {
    let here = std::env::current_exe()?;
    let program =
        here.ancestors().nth(2).context("this example is not in target/debug/examples")?.join("xtask");
    if !program.exists() {
        bail!("{} is missing: cargo build -p xtask", program.display());
    }
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    Ok(command)
}

fn git(repo: &Utf8Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(repo).args(args);
    command
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn copy(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args()).stdin(Stdio::null());
    copy
}

/// The time that a command takes. Its output is read and dropped. An error if it ends with an exit code that
/// is not in `codes`.
fn time(mut command: Command, codes: &[i32]) -> Result<Duration> {
    let started = Instant::now();
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.code().is_some_and(|code| codes.contains(&code)) {
        bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(started.elapsed())
}

fn text(mut command: Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&command.output()?.stdout).trim().to_string())
}
