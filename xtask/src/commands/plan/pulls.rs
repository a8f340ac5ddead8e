//! Counts commits of a pull request that its squash commit does not mention: a forge that keeps only the
//! title loses a `feat` or a `!` of the branch. Both forges keep the branch's last commit as
//! `refs/pull/N/head`, but a clone has it only if it was fetched. Where the remote does not have that ref
//! either, the forge's API lists the commits.

use super::gitdir::GitDir;
use super::hotfix;
use super::repository::remote_name;
use super::walk::walk;
use crate::finding::{Finding, Level};
use crate::forge::{Forge, Merged};
use crate::model::commits;
use crate::model::commits::{Commit, Entry};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use anyhow::{Result, anyhow};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct Pulls {
    /// The numbers of the pull requests whose commits are not in this clone.
    pub unread: Vec<u64>,
    pub findings: Vec<Finding>,
}

/// Adds to `entries` the commits that demand more than the squash that contains them. `ask`: whether missing
/// commits may be fetched from the remote, and asked of the forge.
pub(super) fn add(
    ctx: &Ctx,
    app: &App,
    commits: &[Commit],
    entries: &mut Vec<Entry>,
    ask: bool,
) -> Result<Pulls> {
    let mut pulls = Pulls::default();
    let squashes: BTreeMap<u64, &Commit> =
        commits.iter().filter_map(|commit| Some((number(commit)?, commit))).collect();
    if squashes.is_empty() {
        return Ok(pulls);
    }
    let numbers: Vec<u64> = squashes.keys().copied().collect();
    let mut heads = here(ctx, &numbers)?;
    let mut merged: HashMap<u64, Option<Merged>> = HashMap::new();
    let missing = |heads: &HashMap<u64, String>| -> Vec<u64> {
        numbers.iter().copied().filter(|number| !heads.contains_key(number)).collect()
    };
    if ask && !missing(&heads).is_empty() && has_remote(ctx) {
        let mut why = match fetched(ctx, &missing(&heads)) {
            Ok(found) => {
                heads.extend(found);
                "the remote does not have them".to_string()
            }
            Err(error) => format!("{error:#}"),
        };
        for number in missing(&heads) {
            match of_forge(ctx, number) {
                Ok(found) => drop(merged.insert(number, found)),
                Err(error) => {
                    why += &format!("; {error:#}");
                    break;
                }
            }
        }
        let unknown: Vec<u64> = missing(&heads).into_iter().filter(|n| !merged.contains_key(n)).collect();
        if !unknown.is_empty() {
            pulls.findings.push(unreachable(app, &unknown, &why));
        }
    }
    for (number, squash) in squashes {
        let parent = format!("{}^", squash.id);
        let (brought, place) = match (heads.get(&number), merged.get(&number)) {
            (Some(head), _) => {
                (walk(&ctx.git, app, &[head, &format!("^{parent}")])?.commits, format!("git show {head}"))
            }
            (None, Some(Some(found))) => (commits_of(found), "the page of the pull request".to_string()),
            // The forge says that no pull request has this number.
            (None, Some(None)) => continue,
            (None, None) => {
                pulls.unread.push(number);
                continue;
            }
        };
        let Some(lost) = lost(ctx, app, squash, &brought, entries) else { continue };
        let same = match (heads.get(&number), merged.get(&number)) {
            (Some(head), _) => hotfix::same_change(&ctx.git, app, (&parent, &squash.id), (&parent, head))?,
            (None, found) => found.into_iter().flatten().any(|f| f.commit.as_ref() == Some(&squash.id)),
        };
        if same {
            insert(squash, lost, entries);
        } else {
            pulls.findings.push(differs(app, number, &place, &lost));
        }
    }
    Ok(pulls)
}

fn commits_of(merged: &Merged) -> Vec<Commit> {
    let commit = |(id, message): &(String, String)| Commit {
        id: id.clone(),
        merge: false,
        message: message.clone(),
        released: None,
    };
    merged.commits.iter().map(commit).collect()
}

/// What the forge's API says of the pull request. None if it has none of this number.
fn of_forge(ctx: &Ctx, number: u64) -> Result<Option<Merged>> {
    match Forge::connect(ctx)? {
        Ok(forge) => forge.merged(number),
        Err(reason) => Err(anyhow!("the forge was not asked: {reason}")),
    }
}

/// The number of the pull request that a squash commit came from: its subject ends in `(#12)`, and its body
/// lists no commits.
fn number(commit: &Commit) -> Option<u64> {
    if commit.merge || commit.released.is_some() || commits::lists_commits(&commit.message) {
        return None;
    }
    let subject = commit.message.trim_start().lines().next()?.trim_end();
    let title = commits::strip_reference(subject);
    subject[title.len()..].trim().strip_prefix("(#")?.strip_suffix(')')?.parse().ok()
}

/// The pull requests' heads in this clone, under the names that are usual for such refs.
fn here(ctx: &Ctx, numbers: &[u64]) -> Result<HashMap<u64, String>> {
    let remote = remote_name(ctx);
    let folders = [
        "refs/pull/".to_string(),
        format!("refs/remotes/{remote}/pull/"),
        format!("refs/remotes/{remote}/pr/"),
    ];
    let [pull, remote_pull, pr] = &folders;
    let names = |n: &u64| [format!("{pull}{n}/head"), format!("{remote_pull}{n}/head"), format!("{pr}{n}")];
    let all: Vec<String> = numbers.iter().flat_map(names).collect();
    let found = match GitDir::of(&ctx.git)?.exact(&folders, &all) {
        Some(found) => found,
        None => {
            let args = ["for-each-ref", "--format=%(refname) %(objectname)"]
                .into_iter()
                .chain(all.iter().map(String::as_str));
            let text = ctx.git.read(&args.collect::<Vec<_>>())?;
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .map(|(name, id)| (name.to_string(), id.to_string()))
                .collect()
        }
    };
    Ok(numbers
        .iter()
        .filter_map(|n| Some((*n, names(n).iter().find_map(|name| found.get(name))?.clone())))
        .collect())
}

fn has_remote(ctx: &Ctx) -> bool {
    let remote = ctx.endpoints.remote.as_str();
    remote_name(ctx) != remote
        || ctx.git.ask(&["config", "--get", &format!("remote.{remote}.url")]).unwrap_or(false)
}

/// Fetches the commits, but creates no ref.
fn fetched(ctx: &Ctx, numbers: &[u64]) -> Result<HashMap<u64, String>> {
    let names: Vec<String> = numbers.iter().map(|n| format!("refs/pull/{n}/head")).collect();
    let args: Vec<&str> = ["ls-remote", "--", &ctx.endpoints.remote]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let listing = ctx.git.online(&args)?;
    let found: HashMap<&str, &str> =
        listing.lines().filter_map(|line| line.split_once('\t')).map(|(id, name)| (name, id)).collect();
    let there: Vec<String> = names.iter().filter(|name| found.contains_key(name.as_str())).cloned().collect();
    if !there.is_empty() {
        ctx.git.fetch_objects(&ctx.endpoints.remote, &there)?;
    }
    Ok(numbers
        .iter()
        .zip(&names)
        .filter_map(|(n, name)| Some((*n, found.get(name.as_str())?.to_string())))
        .collect())
}

/// The commits of the pull request that demand more than any entry of the squash. None if there are none, or
/// if the squash was reverted since: then its commits do not count either.
fn lost(ctx: &Ctx, app: &App, squash: &Commit, brought: &[Commit], entries: &[Entry]) -> Option<Vec<Entry>> {
    let names: Vec<&str> = ctx.ws.names.iter().map(String::as_str).collect();
    let own: Vec<&Entry> = entries.iter().filter(|e| e.commit == squash.id).collect();
    let said = own.iter().map(|e| e.bump).max()?;
    let reverted = own.iter().any(|e| e.why.starts_with("reverted by"));
    let lost: Vec<Entry> = commits::entries(brought, app.name(), &names)
        .into_iter()
        .filter(|e| e.counts && e.bump > said)
        .collect();
    (!reverted && !lost.is_empty()).then_some(lost)
}

/// Inserts the lost commits after the entries of the squash.
fn insert(squash: &Commit, lost: Vec<Entry>, entries: &mut Vec<Entry>) {
    let Some(at) = entries.iter().rposition(|e| e.commit == squash.id) else { return };
    let lost = lost.into_iter().map(|entry| Entry { commit: squash.id.clone(), ..entry });
    entries.splice(at + 1..at + 1, lost);
}

fn differs(app: &App, number: u64, place: &str, lost: &[Entry]) -> Finding {
    let message = format!(
        "pull request #{number} contains {}, but its commits differ from the squash, so this does \
                 not count",
        subjects(lost)
    );
    let help = format!(
        "compare the squash with {place}; if it contains the change, \
         declare it in a commit that changes a file of the app"
    );
    Finding::new("pull-request-differs", Level::Warning, message).app(app.name()).help(help)
}

fn subjects(entries: &[Entry]) -> String {
    entries.iter().map(|e| format!("{:?}", e.subject)).collect::<Vec<_>>().join(", ")
}

fn unreachable(app: &App, numbers: &[u64], why: &str) -> Finding {
    let list: Vec<String> = numbers.iter().map(|n| format!("#{n}")).collect();
    let message = format!("the commits of pull requests {} could not be read: {why}", list.join(", "));
    Finding::new("pull-requests-unread", Level::Warning, message).app(app.name()).help(
        "the version is chosen from the squash commits only, and a `feat` or `!` of those pull requests may \
         be missing; run it again when the remote can be reached, or with a token for the forge",
    )
}
