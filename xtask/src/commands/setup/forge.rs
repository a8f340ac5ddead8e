//! `setup --forge`: makes the settings of the repository on its forge that a release relies on, and lists
//! what only a person can do. It shows its plan first, and a second run has nothing to do.

use crate::flags;
use crate::forge::{Forge, Protection};
use crate::model::breaking_label::BREAKING;
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workflow::{self, Workflow, secrets};
use crate::model::workspace::{ForgeKind, Settings};
use crate::sys::exit::Exit;
use crate::sys::{ask, ui};
use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The environment of the release job, on GitHub.
const ENVIRONMENT: &str = "release";
/// The labels that xtask reads, with their colours.
const LABELS: &[(&str, &str)] = &[(BREAKING, "b60205"), ("release-blocker", "d93f0b")];

/// What the forge has now.
struct Now {
    kind: ForgeKind,
    settings: Value,
    labels: Vec<String>,
    /// Each protected branch of the flow that exists, with its protection.
    branches: BTreeMap<String, Protection>,
    /// The branches of the environment. None without it.
    environment: Option<Vec<String>>,
}

#[derive(Debug, PartialEq)]
enum Change {
    Settings(Value),
    Label(&'static str, &'static str),
    Protect { branch: String, checks: Vec<String> },
    Environment,
    EnvironmentBranch(String),
}

impl Change {
    fn text(&self) -> String {
        match self {
            Change::Settings(change) => {
                let keys: Vec<&str> =
                    change.as_object().into_iter().flatten().map(|(k, _)| k.as_str()).collect();
                format!("squash merges only ({})", keys.join(", "))
            }
            Change::Label(name, _) => format!("label {name}"),
            Change::Protect { branch, checks } if checks.is_empty() => {
                format!("protect {branch}: pull requests only")
            }
            Change::Protect { branch, checks } => {
                format!("protect {branch}: pull requests only, with the checks {}", checks.join(", "))
            }
            Change::Environment => format!("environment {ENVIRONMENT}"),
            Change::EnvironmentBranch(branch) => {
                format!("limit the environment {ENVIRONMENT} to the branch {branch}")
            }
        }
    }
}

pub(super) fn setup(ctx: &Ctx, flags: &flags::Setup) -> Result<()> {
    let forge = match Forge::connect(ctx)? {
        Ok(forge) => forge,
        Err(reason) => return Err(Exit::Usage(format!("setup --forge: {reason}")).into()),
    };
    let workflows = workflow::of(&ctx.ws.root, forge.kind())?;
    let now = now(ctx, &forge)?;
    let checks = |branch: &str| -> Vec<String> {
        workflows.iter().flat_map(|(workflow, _)| workflow.always_checks(forge.kind(), branch)).collect()
    };
    let changes = changes(&now, &ctx.ws.settings, &checks);
    ui::section(&format!("Settings of {}", forge.web()));
    if changes.is_empty() {
        ui::say("  - everything that the forge's API allows is set");
    }
    changes.iter().for_each(|change| ui::say(&format!("  → {}", change.text())));
    for (branch, _) in now.branches.iter().filter(|(_, now)| **now == Protection::Unknown) {
        ui::say(&format!("  - the protection of {branch}: only an administrator's token sees and sets it"));
    }
    let failed = match changes.is_empty() || flags.dry_run {
        true => 0,
        false => {
            if !flags.yes {
                let question = format!("Change these settings of {}?", forge.web());
                ask::confirm("setup --forge", &question, "cargo xtask setup --forge --yes")?;
            }
            changes.iter().filter(|change| !made(&forge, &now, change)).count()
        }
    };
    let left = by_hand(ctx, &forge, &workflows)?;
    if !left.is_empty() {
        ui::section("What only a person can do");
        left.iter().for_each(|line| ui::say(&format!("  ! {line}")));
    }
    if failed > 0 {
        bail!("{failed} of {} settings were not made; the reasons are above", changes.len());
    }
    Ok(())
}

fn made(forge: &Forge, now: &Now, change: &Change) -> bool {
    let result = match change {
        Change::Settings(change) => forge.change_settings(change),
        Change::Label(name, colour) => forge.create_label(name, colour),
        Change::Protect { branch, checks } => {
            forge.protect(branch, checks, now.branches.get(branch).unwrap_or(&Protection::No))
        }
        Change::Environment => forge.create_environment(ENVIRONMENT),
        Change::EnvironmentBranch(branch) => forge.add_to_environment(ENVIRONMENT, branch),
    };
    match &result {
        Ok(()) => ui::say(&format!("  {} {}", ui::green("✓"), change.text())),
        Err(error) => ui::say(&format!("  {} {}: {error:#}", ui::red("✗"), change.text())),
    }
    result.is_ok()
}

fn now(ctx: &Ctx, forge: &Forge) -> Result<Now> {
    let listed = ctx.git.online(&["ls-remote", "--heads", "--", &ctx.endpoints.remote])?;
    let there: BTreeSet<&str> =
        listed.lines().filter_map(|l| Some(l.split_once("\trefs/heads/")?.1)).collect();
    let settings = &ctx.ws.settings;
    let mut branches = BTreeMap::new();
    for branch in [&settings.main, &settings.development] {
        if there.contains(branch.as_str()) {
            branches.insert(branch.clone(), forge.protection(branch)?);
        }
    }
    let environment = match forge.kind() {
        ForgeKind::Github => forge.environment(ENVIRONMENT)?,
        ForgeKind::Gitea => None,
    };
    Ok(Now {
        kind: forge.kind(),
        settings: forge.settings()?,
        labels: forge.labels()?,
        branches,
        environment,
    })
}

/// What differs from what a release relies on. Pure.
fn changes(now: &Now, settings: &Settings, checks: &impl Fn(&str) -> Vec<String>) -> Vec<Change> {
    let wanted = match now.kind {
        // The commits' messages decide the version, so the squash must keep them.
        ForgeKind::Github => json!({
            "allow_squash_merge": true,
            "allow_merge_commit": false,
            "allow_rebase_merge": false,
            "squash_merge_commit_title": "PR_TITLE",
            "squash_merge_commit_message": "COMMIT_MESSAGES",
        }),
        ForgeKind::Gitea => json!({
            "allow_squash_merge": true,
            "allow_merge_commits": false,
            "allow_rebase": false,
            "allow_rebase_explicit": false,
            "allow_fast_forward_only_merge": false,
            "default_merge_style": "squash",
        }),
    };
    let mut wanted = wanted.as_object().cloned().unwrap_or_default();
    if settings.auto_merge && now.kind == ForgeKind::Github {
        wanted.insert("allow_auto_merge".to_string(), true.into());
    }
    let mut differs: Map<String, Value> =
        wanted.into_iter().filter(|(key, value)| now.settings.get(key) != Some(value)).collect();
    let mut changes = Vec::new();
    if !differs.is_empty() {
        // Gitea ignores the others without it.
        if now.kind == ForgeKind::Gitea {
            differs.insert("has_pull_requests".to_string(), true.into());
        }
        changes.push(Change::Settings(Value::Object(differs)));
    }
    for (name, colour) in LABELS.iter().filter(|(name, _)| !now.labels.iter().any(|label| label == name)) {
        changes.push(Change::Label(name, colour));
    }
    for (branch, protection) in &now.branches {
        let mut wanted = checks(branch);
        match protection {
            Protection::Yes { required } => {
                if wanted.iter().all(|check| required.contains(check)) && no_bare_names(now.kind, required) {
                    continue;
                }
                // On Gitea a bare name matches nothing, and blocks every merge.
                let kept = required.iter().filter(|name| now.kind == ForgeKind::Github || is_full(name));
                let kept: Vec<String> = kept.filter(|name| !wanted.contains(name)).cloned().collect();
                wanted.extend(kept);
            }
            Protection::Unknown => continue,
            Protection::No => {}
        }
        changes.push(Change::Protect { branch: branch.clone(), checks: wanted });
    }
    if now.kind == ForgeKind::Github {
        let there = now.environment.as_deref();
        changes.extend(there.is_none().then_some(Change::Environment));
        for branch in [settings.main.as_str(), "hotfix/*"] {
            if !there.unwrap_or_default().iter().any(|one| one == branch) {
                changes.push(Change::EnvironmentBranch(branch.to_string()));
            }
        }
    }
    changes
}

fn no_bare_names(kind: ForgeKind, required: &[String]) -> bool {
    kind == ForgeKind::Github || required.iter().all(|name| is_full(name))
}

/// `ci / lint (pull_request)`, a pattern, or a status of another system, which has no spaces but a slash.
fn is_full(name: &str) -> bool {
    name.contains(['/', '*'])
}

/// Secrets, publishers, visibility: with what they need, and where.
fn by_hand(ctx: &Ctx, forge: &Forge, workflows: &[(Workflow, String)]) -> Result<Vec<String>> {
    let environments = BTreeSet::from([ENVIRONMENT.to_string()]);
    let set = forge.secrets(&environments)?;
    let mut lines = Vec::new();
    let page = match forge.kind() {
        ForgeKind::Github => format!("{}/settings/environments", forge.web()),
        ForgeKind::Gitea => format!("{}/settings/actions/secrets", forge.web()),
    };
    let mut named = BTreeSet::new();
    for (_, text) in workflows {
        named.extend(secrets(text, (1, usize::MAX)).into_iter().map(|(name, _)| name));
    }
    named.retain(|name| {
        !["GITHUB_TOKEN", "GITEA_TOKEN"].contains(&name.as_str()) && ctx.ws.needs_secret(name)
    });
    let of_gitea = ctx.ws.settings.registries.is_some();
    for name in &named {
        if set.as_ref().is_some_and(|set| set.contains(name)) {
            continue;
        }
        let state = if set.is_some() { "set the secret" } else { "the secret, if it is not set yet:" };
        lines.push(format!("{state} {name}, {}: {page}", scope(name, of_gitea)));
    }
    if forge.kind() == ForgeKind::Github {
        for app in &ctx.ws.apps {
            let package = &app.settings.package;
            let who = format!(
                "owner {}, repository {}, workflow ci.yml, environment {ENVIRONMENT}",
                forge.owner(),
                forge.name()
            );
            lines.push(match app.settings.ecosystem {
                Ecosystem::Python => format!(
                    "instead of PYPI_TOKEN: a trusted publisher of {package} ({who}): \
                     https://pypi.org/manage/project/{package}/settings/publishing/, or, before its first \
                     release, a pending one: https://pypi.org/manage/account/publishing/"
                ),
                Ecosystem::Ts => format!(
                    "instead of NPM_TOKEN, after the first release: a trusted publisher of {package} \
                     ({who}): \
                     https://www.npmjs.com/package/{package}/access"
                ),
            });
        }
        if ctx.ws.apps.iter().any(|app| app.settings.image.is_some()) {
            let page = format!("https://github.com/{}?tab=packages", forge.owner());
            lines.push(format!("after the first push: make the image's package public: {page}"));
        }
    }
    Ok(lines)
}

/// What a secret must be able to do. `of_gitea`: packages go to Gitea's own registries.
fn scope(name: &str, of_gitea: bool) -> &'static str {
    match name {
        "PYPI_TOKEN" | "NPM_TOKEN" | "REGISTRY_TOKEN" if of_gitea => "a personal token with write:package",
        "PYPI_TOKEN" => "a token of PyPI for this project",
        "TESTPYPI_TOKEN" => "a token of TestPyPI for this project",
        "NPM_TOKEN" => "a granular token of npm: packages, read and write",
        "DISPATCH_TOKEN" => "a personal token that may start the downstream repositories' workflows",
        "PROMOTE_TOKEN" => "a personal token that may push branches and open pull requests",
        "REGISTRY_USER" => "the user of REGISTRY_TOKEN",
        "REGISTRY_TOKEN" => "a personal token with write:package",
        _ => "which a workflow names",
    }
}
