//! Checks all preconditions before the build, and reports all failures together.

use super::{Mode, Release, State, handover, readiness::Checked, tag};
use crate::commands::{check, image, plan};
use crate::ecosystem;
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::tags;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::{export, scratch, secrets, tools, ui};
use anyhow::{Context, Result};
use camino::Utf8Path;

mod forge;

pub(crate) fn state(_: &Release) -> Result<State> {
    Ok(State::Todo)
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let (findings, forge) = findings(release)?;
    release.checked.get_or_init(|| Checked { findings: findings.clone(), forge: forge.clone() });
    if findings.iter().any(Finding::stops) {
        return Err(Exit::Gate(findings).into());
    }
    findings.iter().for_each(ui::finding);
    let what = match release.mode {
        Mode::Build(_) if release.tag().is_some() => "resuming; tools",
        _ if release.tag().is_some() => "resuming; credentials and tools",
        Mode::Build(_) => "tree, branch, plan, changelog, checks and tools",
        Mode::Publish(_) => "tree, branch, handed files, credentials and tools",
        Mode::Alone => "tree, branch, plan, changelog, checks, credentials and tools",
    };
    let (Ok(forge) | Err(forge)) = forge;
    let forge = if forge.is_empty() { forge } else { format!("; {forge}") };
    Ok(match findings.len() {
        0 => format!("{what} are in order{forge}"),
        n => format!("{what}: {n} warning{}{forge}", if n == 1 { "" } else { "s" }),
    })
}

/// The findings, and what the forge said, or why it was not asked.
fn findings(release: &Release) -> Result<(Vec<Finding>, Result<String, String>)> {
    let mut seen = Ok(String::new());
    // A build job has no credentials, and a job that publishes what it built runs none of the app's code.
    let (publishes, builds) =
        (!matches!(release.mode, Mode::Build(_)), !matches!(release.mode, Mode::Publish(_)));
    let mut findings = if publishes { credentials(release) } else { Vec::new() };
    findings.extend(missing_tools(release));
    if release.needs_files()? {
        findings.extend(handover::missing(release));
    }
    if release.tag().is_none() {
        findings.extend(tree_and_branch(release)?);
        if builds {
            findings.extend(gates(release)?);
            findings.extend(refused(release)?);
            findings.extend(incomplete(release)?);
            findings.extend(name_on_index(release)?);
            findings.extend(advisories(release));
        }
        let (found, forge) = forge::findings(release)?;
        findings.extend(found);
        seen = forge;
        if builds {
            // The jobs of a squash on main check nothing, so the checks run here.
            findings.extend(check::app_findings(release.ctx, release.app)?);
        }
    }
    findings.iter_mut().for_each(|f| f.app = f.app.take().or(Some(release.app.name().to_string())));
    Ok((findings, seen))
}

/// Checks that everything is committed and that HEAD is the tip of the branch on the remote that the release
/// is made from. With `--bump`, HEAD may have more commits: they are pushed together with the tag.
fn tree_and_branch(release: &Release) -> Result<Vec<Finding>> {
    let (ctx, commit, ahead) = (release.ctx, release.commit.as_str(), release.branch.is_some());
    let mut findings = Vec::new();
    let dirty = ctx.git.dirty()?;
    if !dirty.is_empty() {
        let message = format!("{} not committed:\n  {}", files(dirty.len()), dirty.join("\n  "));
        findings
            .push(Finding::new("dirty-tree", Level::Error, message).help("commit or stash them: git status"));
    }
    let (main, remote) = (&branch(ctx, release.app)?, &ctx.endpoints.remote);
    match tip_on_remote(ctx, main)?.as_deref() {
        None => findings.push(
            Finding::new("no-main", Level::Error, format!("{remote} has no branch {main}"))
                .help(format!("git push {remote} HEAD:{main}")),
        ),
        Some(tip) if ahead && ctx.git.ask(&["merge-base", "--is-ancestor", tip, commit]).unwrap_or(false) => {
        }
        Some(tip) if tip != commit => {
            let branch = ctx.git.branch()?.unwrap_or_else(|| "a detached HEAD".to_string());
            let message = format!(
                "HEAD is {} on {branch}, but releases are made from {main}, which is {} on {remote}",
                crate::sys::git::short(commit),
                crate::sys::git::short(tip)
            );
            let newer = ctx.git.ask(&["merge-base", "--is-ancestor", commit, tip]).unwrap_or(true);
            let help = if newer && std::env::var_os("CI").is_some() {
                format!("nothing to do here: the job of {main}'s newest commit makes the release")
            } else {
                format!("git switch {main} && git pull")
            };
            findings.push(Finding::new("not-at-main", Level::Error, message).help(help));
        }
        Some(_) => {}
    }
    Ok(findings)
}

/// The branch that the app's release is made from: main, or the branch of a hotfix that is checked out.
pub(super) fn branch(ctx: &Ctx, app: &App) -> Result<String> {
    let hotfix = ctx.git.branch()?.filter(|name| plan::Line::of_branch(name, app.name()).is_some());
    Ok(hotfix.unwrap_or_else(|| ctx.ws.settings.main.clone()))
}

/// The newest commit of this branch on the remote. None if there is no such branch.
pub(crate) fn tip_on_remote(ctx: &Ctx, branch: &str) -> Result<Option<String>> {
    let reference = format!("refs/heads/{branch}");
    let listed = ctx.git.online(&["ls-remote", "--", &ctx.endpoints.remote, &reference])?;
    Ok(listed.split_whitespace().next().map(str::to_string))
}

fn files(n: usize) -> String {
    if n == 1 { "1 file is".to_string() } else { format!("{n} files are") }
}

/// The gates of the plan, and whether the changelog has a text for the release.
fn gates(release: &Release) -> Result<Vec<Finding>> {
    let app = release.app.name();
    let plan = plan::release(release.ctx, release.app)?;
    let mut findings = plan.findings.clone();
    if !plan.pending {
        let message = format!(
            "the version in the manifest, {}, is released already or was not set by a bump",
            release.version
        );
        findings
            .push(Finding::new("not-bumped", Level::Error, message).help(format!("cargo xtask bump {app}")));
    } else if tag::notes(release)?.trim().is_empty() {
        let message = format!("CHANGELOG.md has no text under [{}]", release.tag_name);
        // A bump of commits that need no release of their own (chore, docs) writes no entries.
        let help = format!(
            "describe the change for users under `## [Unreleased]`, `### {app}`, then: cargo xtask bump {app}"
        );
        findings
            .push(Finding::new("changelog-empty", Level::Error, message).place("CHANGELOG.md").help(help));
    }
    Ok(findings)
}

/// A finding with the reasons for which the index would refuse the upload. The commit shows them already, so
/// they are reported before the tag is pushed.
fn refused(release: &Release) -> Result<Option<Finding>> {
    let (ctx, app) = (release.ctx, release.app);
    let file = app.dir.join(app.settings.ecosystem.manifest());
    let manifest = ctx.git.read(&["cat-file", "blob", &format!("{}:{file}", release.commit)])?;
    let provenance = ecosystem::trusted_publishing();
    let reasons = app.settings.ecosystem.refused(&manifest, &app.settings.package, provenance)?;
    let message = format!("the index would refuse {}:\n  {}", app.settings.package, reasons.join("\n  "));
    let finding = Finding::new("not-publishable", Level::Error, message)
        .place(file)
        .help("correct the manifest in a pull request");
    Ok((!reasons.is_empty()).then_some(finding))
}

/// A finding with the sources whose content is not in the commit: a package would lack them without a word.
fn incomplete(release: &Release) -> Result<Option<Finding>> {
    let (ctx, app) = (release.ctx, release.app);
    let temp = scratch::folder()?;
    let tree = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    export::files(&ctx.git, &release.commit, &app.dir, tree)?;
    let missing = export::missing(&tree.join(&app.dir))?;
    let message = format!("a package cannot contain all sources:\n  {}", missing.join("\n  "));
    let finding = Finding::new("sources-incomplete", Level::Error, message).place(app.dir.as_str()).help(
        "commit the files themselves, or leave them out of packages: \
         a line `PATH export-ignore` in a committed .gitattributes",
    );
    Ok((!missing.is_empty()).then_some(finding))
}

/// Warns if the package exists on the index but no version of it is tagged here: it may belong to others.
fn name_on_index(release: &Release) -> Result<Option<Finding>> {
    let (ctx, app) = (release.ctx, release.app);
    if !tags::on_remote(ctx, app)?.versions.is_empty()
        || app.settings.ecosystem.published_versions(ctx, app)?.is_none()
    {
        return Ok(None);
    }
    let package = &app.settings.package;
    let message =
        format!("{package} is already on the index, but no release of it is tagged here: check its owner");
    Ok(Some(Finding::new("name-taken", Level::Warning, message).place(app.settings.ecosystem.index_url(ctx))))
}

/// Known advisories about the locked dependencies. They are a warning, because an update may do more harm
/// than waiting. A rehearsal skips this: it contacts no server outside this machine.
fn advisories(release: &Release) -> Option<Finding> {
    let (ctx, app) = (release.ctx, release.app);
    if ctx.endpoints.loopback_only {
        return None;
    }
    let message = match app.settings.ecosystem.advisories(ctx, app) {
        Ok(found) if found.is_empty() => return None,
        Ok(found) => format!("locked dependencies have known advisories\n{found}"),
        Err(e) => format!("cannot look up advisories about the locked dependencies: {e:#}"),
    };
    let lock = app.dir.join(app.settings.ecosystem.lock_file(&ctx.ws.root.join(&app.dir)));
    Some(Finding::new("advisories", Level::Warning, message).place(lock))
}

/// Credentials that are missing or refused, for the remaining steps.
fn credentials(release: &Release) -> Vec<Finding> {
    let (ctx, app) = (release.ctx, release.app);
    let mut problems = Vec::new();
    for (step, stage) in [("stage", true), ("publish", false)] {
        if release.open.contains(&step) && (!stage || app.settings.release.stage.is_some()) {
            problems.extend(app.settings.ecosystem.credentials_problem(ctx, app, stage));
        }
    }
    // `latest` can also be open because of npm's dist-tag alone.
    if app.settings.image.is_some()
        && ["image-push", "latest"].iter().any(|s| release.open.contains(s))
        && let Err(e) = image::can_push(ctx, app)
    {
        problems.push(format!("cannot push to the container registry: {e:#}"));
    }
    problems.extend(forge::cannot_write(release));
    problems.extend(secrets::padded().map(|name| {
        format!("{name} begins or ends with white space, which no server accepts: set it again without")
    }));
    problems.into_iter().map(|p| Finding::new("credentials", Level::Error, p)).collect()
}

fn missing_tools(release: &Release) -> Vec<Finding> {
    let missing = release.app.settings.ecosystem.tools().iter().filter_map(|name| tools::tool(name).err());
    missing
        .map(|e| Finding::new("tool-missing", Level::Error, format!("{e:#}")).help("cargo xtask setup"))
        .collect()
}
