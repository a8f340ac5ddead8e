//! Workflows that the forge does not run, or not as they are written: what the rules need is read and asked
//! here, and `--fix` writes what can be fixed.

use crate::finding::{Finding, Level};
use crate::forge::{Forge, Protection};
use crate::model::ctx::Ctx;
use crate::model::workflow::node::Node;
use crate::model::workflow::{Workflow, folder};
use crate::model::workspace::ForgeKind;
use crate::sys::{files, git, secrets, ui};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use rules::{FIX, Facts};
use std::collections::BTreeSet;

mod forges;
mod pin;
mod port;
mod rules;

/// The actions of this repository, without the ending.
const ACTIONS: &str = ".github/actions/*/action";
const BOTH: [ForgeKind; 2] = [ForgeKind::Github, ForgeKind::Gitea];

/// A workflow file, and what this repository's forge does with it.
struct File {
    path: Utf8PathBuf,
    text: String,
    /// The forge whose rules hold for it.
    kind: ForgeKind,
    /// In a folder that the forge does not read, and missing in the one that it reads.
    dead: bool,
}

impl File {
    fn name(&self) -> &str {
        self.path.file_name().unwrap_or_default()
    }

    fn workflow(&self) -> Option<Workflow> {
        Workflow::read(self.name(), &self.text).ok()
    }
}

pub(super) fn findings(ctx: &Ctx, forge: Option<&Forge>) -> Result<Vec<Finding>> {
    let files = files(ctx)?;
    let mut found = Vec::new();
    for kind in BOTH {
        let mine: Vec<&File> = files.iter().filter(|file| file.kind == kind).collect();
        if mine.is_empty() {
            continue;
        }
        let facts = facts(ctx, forge, kind, &mine)?;
        for file in mine {
            found.extend(file.dead.then(|| dead(ctx, file)));
            found.extend(rules::findings(file.path.as_str(), &file.text, &facts));
        }
    }
    for path in yaml_files(&ctx.ws.root, ACTIONS)? {
        found.extend(action(ctx, &path, Forge::kind_of(ctx).unwrap_or(ForgeKind::Github))?);
    }
    if let Some(forge) = forge {
        found.extend(not_run(ctx, forge, &files)?);
        found.extend(checks(ctx, forge, &files)?);
    }
    Ok(found)
}

/// A file that `fix` may write.
struct Edit {
    target: Utf8PathBuf,
    /// The dead workflow that it is written from.
    from: Option<Utf8PathBuf>,
    text: String,
    changes: Vec<String>,
}

impl Edit {
    fn shown(&self) -> String {
        let from = self.from.as_ref().map(|path| format!(", from {path}")).unwrap_or_default();
        let changes = match self.changes.as_slice() {
            [] => String::new(),
            changes => format!(": {}", changes.join(", ")),
        };
        format!("{}{from}{changes}", self.target)
    }
}

/// Writes the workflows that this forge does not run so that it does, and pins the actions of all. Returns
/// what was changed.
pub(super) fn fix(ctx: &Ctx, dry_run: bool) -> Result<Vec<String>> {
    let root = &ctx.ws.root;
    let mut edits = Vec::new();
    for file in files(ctx)? {
        let facts = facts(ctx, None, file.kind, &[&file])?;
        let (text, changes) = port::ported(&file.text, &facts);
        let target = Utf8Path::new(folder(file.kind)).join(file.name());
        edits.push(match file.dead {
            true => Edit { target, from: Some(file.path), text, changes },
            false => Edit { target: file.path, from: None, text, changes },
        });
    }
    for target in yaml_files(root, ACTIONS)? {
        edits.push(Edit { text: text(root, &target)?, target, from: None, changes: Vec::new() });
    }
    let pins = pin::pins(ctx, edits.iter().map(|edit| edit.text.as_str()))?;
    for edit in &mut edits {
        let (text, changes) = pin::edited(&edit.text, &pins);
        edit.text = text;
        edit.changes.extend(changes);
    }
    edits.retain(|edit| edit.from.is_some() || !edit.changes.is_empty());
    for Edit { target, text, .. } in edits.iter().filter(|_| !dry_run) {
        root.join(target).parent().map(std::fs::create_dir_all).transpose()?;
        files::write_atomic(&root.join(files::inside(root, target)?), text.as_bytes())?;
    }
    Ok(edits.iter().map(Edit::shown).collect())
}

fn text(root: &Utf8Path, path: &Utf8Path) -> Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}

/// The workflow files of the working tree. On Gitea `.github/workflows` is read only where there is no
/// workflow in its own folder (1.26).
fn files(ctx: &Ctx) -> Result<Vec<File>> {
    let all = |kind| yaml_files(&ctx.ws.root, &format!("{}/*", folder(kind)));
    let [github, gitea] = [all(ForgeKind::Github)?, all(ForgeKind::Gitea)?];
    let forge = Forge::kind_of(ctx);
    let read = match forge {
        Some(ForgeKind::Gitea) if gitea.is_empty() => ForgeKind::Github,
        Some(kind) => kind,
        None => ForgeKind::Github,
    };
    let mut files = Vec::new();
    for (folder, paths, others) in [(ForgeKind::Github, &github, &gitea), (ForgeKind::Gitea, &gitea, &github)]
    {
        for path in paths {
            let twin = others.iter().any(|other| other.file_name() == path.file_name());
            let elsewhere = forge.is_some() && folder != read;
            let text = text(&ctx.ws.root, path)?;
            // For a mirror on the other forge.
            if elsewhere && (twin || only_elsewhere(&text, folder)) {
                continue;
            }
            files.push(File { path: path.clone(), text, kind: forge.unwrap_or(folder), dead: elsewhere });
        }
    }
    Ok(files)
}

/// Does a comment say that the workflow is for a mirror? `# xtask: only on GitHub`
fn only_elsewhere(text: &str, kind: ForgeKind) -> bool {
    let mark = format!("# xtask: only on {}", kind.name());
    text.lines().any(|line| line.trim() == mark)
}

/// Paths relative to the root, sorted.
fn yaml_files(root: &Utf8Path, pattern: &str) -> Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    for ending in ["yml", "yaml"] {
        let pattern = format!("{}/{pattern}.{ending}", glob::Pattern::escape(root.as_str()));
        for path in glob::glob(&pattern)?.filter_map(Result::ok).filter(|path| path.is_file()) {
            let path = Utf8PathBuf::try_from(path).context("a workflow's path is not UTF-8")?;
            found.push(path.strip_prefix(root).map(Utf8Path::to_path_buf).unwrap_or(path));
        }
    }
    found.sort();
    Ok(found)
}

fn facts(ctx: &Ctx, forge: Option<&Forge>, kind: ForgeKind, files: &[&File]) -> Result<Facts> {
    let workflows: Vec<Workflow> = files.iter().filter_map(|file| file.workflow()).collect();
    let filtered = |workflow: &Workflow| workflow.triggers.iter().any(|t| !t.filter("branches").is_empty());
    let branches = if workflows.iter().any(filtered) { branches(ctx) } else { None };
    let mut set = match forge {
        Some(forge) => forge.secrets(&environments(&workflows))?,
        None => None,
    };
    // Nobody has to set what no app needs.
    if let Some(set) = &mut set {
        let names = secrets::NAMES.iter().chain(&["REGISTRY_USER", "PROMOTE_TOKEN"]);
        let unneeded = names.filter(|name| !ctx.ws.needs_secret(name));
        set.extend(unneeded.map(|name| name.to_string()));
    }
    Ok(Facts { kind, branches, secrets: set })
}

/// The branches on the remote. None if there is no remote, or it does not answer.
fn branches(ctx: &Ctx) -> Option<BTreeSet<String>> {
    let remote = &ctx.endpoints.remote;
    let known = ctx.git.read(&["config", "--get", &format!("remote.{remote}.url")]).is_ok();
    if !known && !remote.contains(['/', ':']) {
        return None;
    }
    let listed = match ctx.git.online(&["ls-remote", "--heads", "--", remote]) {
        Ok(listed) => listed,
        Err(error) => {
            ui::say(&format!("  - branches of workflows: not checked: {error:#}"));
            return None;
        }
    };
    let names = listed.lines().filter_map(|line| line.split_once("\trefs/heads/"));
    let names: BTreeSet<String> = names.map(|(_, name)| name.to_string()).collect();
    (!names.is_empty()).then_some(names)
}

fn environments(workflows: &[Workflow]) -> BTreeSet<String> {
    let jobs = workflows.iter().flat_map(|workflow| &workflow.jobs);
    let named = jobs.filter_map(|job| job.node.get("environment"));
    named
        .filter_map(|node| node.text().or_else(|| node.get("name").and_then(Node::text)))
        .map(str::to_string)
        .collect()
}

fn dead(ctx: &Ctx, file: &File) -> Finding {
    let (forge, read) = (file.kind.name(), folder(file.kind));
    // Gitea stopped to read the other folder when its own got a first file.
    let since = match file.kind {
        ForgeKind::Gitea => read,
        ForgeKind::Github => file.path.as_str(),
    };
    let added = ["log", "--reverse", "--diff-filter=A", "--format=%as", "--", since];
    let days = ctx.git.read(&added).unwrap_or_default();
    let since = days.lines().next().map(|day| format!(" since {day}")).unwrap_or_default();
    let message = format!("{forge} does not run this workflow{since}: it reads {read} only");
    let other = match file.kind {
        ForgeKind::Gitea => "GitHub",
        ForgeKind::Github => "Gitea",
    };
    let help = format!(
        "{FIX}, which writes {read}/{}; or delete it; or, if a mirror runs it, write in it: \
         # xtask: only on {other}",
        file.name()
    );
    Finding::new("workflow-dead", Level::Error, message).place(file.path.as_str()).help(help)
}

/// Unpinned actions in an action of this repository.
fn action(ctx: &Ctx, path: &Utf8Path, kind: ForgeKind) -> Result<Vec<Finding>> {
    let text = text(&ctx.ws.root, path)?;
    let Ok(root) = crate::model::workflow::node::parse(&text) else { return Ok(Vec::new()) };
    let steps = root.get("runs").and_then(|runs| runs.get("steps")).map(Node::items).unwrap_or_default();
    let facts = Facts { kind, branches: None, secrets: None };
    let found = rules::actions(&Node::default(), steps, &facts).into_iter();
    Ok(found.map(|(line, finding)| finding.place(format!("{path}:{line}"))).collect())
}

/// Workflows that the newest commit of main or development should have started, and did not.
fn not_run(ctx: &Ctx, forge: &Forge, files: &[File]) -> Result<Vec<Finding>> {
    let settings = &ctx.ws.settings;
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    for branch in BTreeSet::from([&settings.main, &settings.development]) {
        let reference = format!("refs/heads/{branch}");
        let listed = ctx.git.online(&["ls-remote", "--", &ctx.endpoints.remote, &reference])?;
        let Some(tip) = listed.split_whitespace().next() else { continue };
        // A commit that asks for no run.
        let message = ctx.git.read(&["show", "--no-patch", "--format=%B", tip]).unwrap_or_default();
        if ["[skip ci]", "[ci skip]", "[no ci]"].iter().any(|word| message.contains(word)) {
            continue;
        }
        let Some(runs) = forge.runs(Some(tip))? else { return Ok(found) };
        // The push may have had more commits. What the newest one changed is in it for certain.
        let diff = ["show", "--first-parent", "--no-renames", "--name-only", "--format=", "-z", tip];
        let changed = ctx.git.read(&diff).unwrap_or_default();
        let changed: Vec<&str> = changed.split('\0').filter(|file| !file.is_empty()).collect();
        for file in files.iter().filter(|file| !file.dead) {
            let Some(workflow) = file.workflow().filter(|workflow| workflow.runs_on_push_of(branch)) else {
                continue;
            };
            let filtered = workflow.runs_on_change_of(&changed) != Some(true);
            if filtered || runs.iter().any(|run| run.file() == file.name()) || !named.insert(&file.path) {
                continue;
            }
            let last = forge.newest_run(file.name())?;
            let last = match last.as_ref().map(|run| run.day()) {
                Some(Some(day)) => format!("its last run was on {day}"),
                Some(None) => "its last run has not begun".to_string(),
                None => "it has never run".to_string(),
            };
            let message = format!(
                "{} was pushed to {branch}, and did not start this workflow: {last}",
                git::short(tip)
            );
            let help = match forge.kind() {
                ForgeKind::Github => {
                    "see whether Actions and this workflow are enabled: gh workflow list --all"
                }
                ForgeKind::Gitea => "see whether Actions are enabled for the repository: Settings, Units",
            };
            let finding = Finding::new("workflow-not-run", Level::Error, message);
            found.push(finding.place(file.path.as_str()).help(help));
        }
    }
    Ok(found)
}

/// Branches without protection, and required checks that no workflow reports.
fn checks(ctx: &Ctx, forge: &Forge, files: &[File]) -> Result<Vec<Finding>> {
    let kind = forge.kind();
    let workflows: Vec<Workflow> =
        files.iter().filter(|file| !file.dead).filter_map(File::workflow).collect();
    let workflows: Vec<&Workflow> = workflows.iter().collect();
    let settings = &ctx.ws.settings;
    let mut found = Vec::new();
    for branch in BTreeSet::from([&settings.main, &settings.development]) {
        match forge.protection(branch)? {
            Protection::Unknown => {}
            Protection::No => {
                let message = format!("{branch} is not protected: anybody who may push can push to it");
                let finding = Finding::new("branch-unprotected", Level::Warning, message);
                found.push(finding.place(branch.as_str()).help("cargo xtask setup --forge"));
            }
            Protection::Yes { required } => {
                let reported = if required.is_empty() { Vec::new() } else { reported(ctx, forge, branch)? };
                for (name, meant) in rules::never_reported(&required, &workflows, &reported, kind) {
                    let message = format!(
                        "{branch} requires the check {name:?}, which nothing reports: nothing can be merged"
                    );
                    let help = match meant {
                        Some(meant) => format!("require {meant:?} instead: cargo xtask setup --forge"),
                        None => "cargo xtask setup --forge, or remove it in the branch's protection".into(),
                    };
                    let finding = Finding::new("check-never-reports", Level::Error, message);
                    found.push(finding.place(branch.as_str()).help(help));
                }
            }
        }
    }
    Ok(found)
}

/// The checks that were reported on the newest commit of the branch.
fn reported(ctx: &Ctx, forge: &Forge, branch: &str) -> Result<Vec<String>> {
    let reference = format!("refs/heads/{branch}");
    let listed = ctx.git.online(&["ls-remote", "--", &ctx.endpoints.remote, &reference])?;
    let Some(tip) = listed.split_whitespace().next() else { return Ok(Vec::new()) };
    Ok(forge.statuses(tip)?.into_iter().map(|status| status.context).collect())
}
