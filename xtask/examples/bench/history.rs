//! Generates the history of a monorepo with any number of commits, by `git fast-import`, and keeps it for the
//! next run.

use super::git;
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fmt::Write;
use std::io::Write as _;
use std::process::Stdio;

/// The number of commits since the last release, and the number of releases.
const SINCE: usize = 40;
const RELEASES: usize = 50;
/// The number of files that commits change in turn.
const FILES: usize = 400;
/// Must be raised when the generated history changes, so that an old one is not reused.
const EDITION: u32 = 1;

/// Returns the repository with `size` commits below `folder`, and generates it if needed.
pub(crate) fn generated(folder: &Utf8Path, size: usize) -> Result<Utf8PathBuf> {
    let repo = folder.join(format!("plan-{EDITION}-{size}"));
    if repo.join(".complete").exists() {
        return Ok(repo);
    }
    if repo.exists() {
        std::fs::remove_dir_all(&repo)?;
    }
    std::fs::create_dir_all(&repo)?;
    run(&repo, &["init", "--quiet", "--initial-branch=main"], "")?;
    run(&repo, &["fast-import", "--quiet"], &stream(size))?;
    run(&repo, &["pack-refs", "--all"], "")?;
    run(&repo, &["reset", "--quiet", "--hard", "main"], "")?;
    std::fs::write(repo.join(".complete"), "")?;
    Ok(repo)
}

fn run(repo: &Utf8Path, args: &[&str], input: &str) -> Result<()> {
    let mut child = git(repo, args).stdin(Stdio::piped()).spawn().context("cannot start git")?;
    child.stdin.take().context("piped")?.write_all(input.as_bytes())?;
    let status = child.wait()?;
    if !status.success() {
        bail!("git {}: {status}", args.join(" "));
    }
    Ok(())
}

fn stream(size: usize) -> String {
    let mut out = String::new();
    let every = (size / RELEASES).max(1);
    let last = size.saturating_sub(SINCE).max(1);
    let mut minor = 0;
    for n in 1..=size {
        let message = message(n);
        let _ = writeln!(
            out,
            "commit refs/heads/main\nmark :{n}\ncommitter Dev <dev@example.org> {} +0000",
            1_600_000_000 + n * 600
        );
        data(&mut out, &message);
        if n == 1 {
            file(
                &mut out,
                "apps/python/app.toml",
                "name = \"python\"\necosystem = \"python\"\npackage = \"demo\"\n",
            );
        }
        let release = n == last || (n % every == 0 && n < last);
        if n == 1 || release {
            minor += usize::from(release);
            file(
                &mut out,
                "apps/python/pyproject.toml",
                &format!("[project]\nname = \"demo\"\nversion = \"0.{minor}.0\"\n"),
            );
        }
        file(&mut out, &path(n), &format!("{n}\n"));
        if release {
            let _ = writeln!(
                out,
                "tag python-v0.{minor}.0\nfrom :{n}\ntagger Dev <dev@example.org> {} +0000",
                1_600_000_000 + n * 600
            );
            data(&mut out, "notes\n");
            let _ = writeln!(out, "reset refs/tags/ts-v0.{minor}.0\nfrom :{n}\n");
        }
    }
    out
}

/// The file that commit `n` changes. Half of the commits change the app `python`.
fn path(n: usize) -> String {
    let file = (n * 7919) % FILES;
    match n % 4 {
        0 | 2 => format!("apps/python/src/demo/part{}/module{file}.py", file % 10),
        1 => format!("apps/ts/src/part{}/module{file}.ts", file % 10),
        _ => format!("docs/page{file}.md"),
    }
}

fn message(n: usize) -> String {
    let kind = ["feat", "fix", "docs", "chore", "test", "fix(api)"][n % 6];
    let body = if n.is_multiple_of(5) {
        "\n\nWhy it was needed, in a sentence or two that\nnobody reads twice.\n"
    } else {
        "\n"
    };
    format!("{kind}: change number {n} (#{n}){body}")
}

fn data(out: &mut String, text: &str) {
    let _ = writeln!(out, "data {}\n{text}", text.len());
}

fn file(out: &mut String, path: &str, text: &str) {
    let _ = writeln!(out, "M 100644 inline {path}");
    data(out, text);
}
