//! Pins actions to commits: `a/b@v4` becomes `a/b@COMMIT # v4.3.1`. The repository of each action is asked
//! for its tags and branches; the edits are pure.

use super::forges::pinned;
use crate::model::ctx::Ctx;
use crate::model::workflow::node::{self, Node};
use crate::sys::git::short;
use crate::sys::ui::{self, report::plural};
use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};

/// The host of an action that is named without one. Gitea has the same default.
const HOST: &str = "https://github.com";

/// An action of another repository, as `uses` names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Action<'a> {
    /// The address of its repository.
    repository: String,
    /// A tag or a branch.
    reference: &'a str,
}

impl Action<'_> {
    /// None for an action that is pinned or local, for an image, and without a reference.
    fn read(uses: &str) -> Option<Action<'_>> {
        let (path, reference) = uses.rsplit_once('@').filter(|_| !pinned(uses))?;
        let (host, path) = match path.split_once("://") {
            Some(("https", rest)) => {
                rest.split_once('/').map(|(host, path)| (format!("https://{host}"), path))?
            }
            Some(_) => return None,
            None => (HOST.to_string(), path),
        };
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (owner, name) = (parts.next()?, parts.next()?);
        Some(Action { repository: format!("{host}/{owner}/{name}"), reference })
    }
}

/// Does a repository know the commit of this action?
pub(super) fn can_be_asked(uses: &str) -> bool {
    Action::read(uses).is_some()
}

/// A commit, and the version that the comment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    commit: String,
    version: String,
}

/// The pins of all actions in these files that `uses` names by a tag or branch. Asks each repository once.
/// An action that cannot be resolved is an error, so that no file is changed by half.
pub(super) fn pins<'a>(ctx: &Ctx, texts: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, Pin>> {
    let used: BTreeSet<String> = texts.flat_map(used).map(|(uses, _)| uses).collect();
    let actions: Vec<(&String, Action)> =
        used.iter().filter_map(|uses| Some((uses, Action::read(uses)?))).collect();
    let repositories: BTreeSet<&str> = actions.iter().map(|(_, action)| action.repository.as_str()).collect();
    if repositories.is_empty() {
        return Ok(BTreeMap::new());
    }
    let count = plural(repositories.len(), "repository");
    ui::say(&format!("  - commits of actions: asking {count} for tags and branches"));
    let (mut pins, mut failed) = (BTreeMap::new(), Vec::new());
    for repository in repositories {
        let listed = ctx.git.online(&["ls-remote", "--", repository]);
        for (uses, action) in actions.iter().filter(|(_, action)| action.repository == repository) {
            match listed.as_ref().map(|listed| resolve(listed, action.reference)) {
                Ok(Some(pin)) => drop(pins.insert((*uses).clone(), pin)),
                Ok(None) => failed.push(format!(
                    "{uses}: {repository} has no tag or branch {}; write one that it has",
                    action.reference
                )),
                Err(error) => failed.push(format!("{uses}: {error:#}")),
            }
        }
    }
    if !failed.is_empty() {
        bail!("actions cannot be pinned, and nothing was written:\n{}", failed.join("\n"));
    }
    Ok(pins)
}

/// What `git ls-remote` says of a tag or branch. The version is the most exact tag of the same commit.
fn resolve(listed: &str, reference: &str) -> Option<Pin> {
    let mut refs: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, name) in listed.lines().filter_map(|line| line.split_once('\t')) {
        // `^{}` is the commit of an annotated tag, and follows the tag.
        refs.insert(name.strip_suffix("^{}").unwrap_or(name), id);
    }
    let named = |folder: &str| refs.get(format!("refs/{folder}/{reference}").as_str());
    let commit = *named("tags").or_else(|| named("heads"))?;
    let tags = refs.iter().filter(|(_, id)| **id == commit);
    let tags = tags.filter_map(|(name, _)| name.strip_prefix("refs/tags/"));
    let exact = tags.filter_map(|tag| Some((numbers(tag)?, tag))).max_by_key(|(n, _)| (n.len(), n.clone()));
    let version = exact.map_or(reference, |(_, tag)| tag);
    Some(Pin { commit: commit.to_string(), version: version.to_string() })
}

/// The numbers of a version such as `v4.3.1`.
fn numbers(tag: &str) -> Option<Vec<u64>> {
    tag.strip_prefix('v').unwrap_or(tag).split('.').map(|part| part.parse().ok()).collect()
}

/// Every `uses` of a workflow or of an action's file, with its line.
fn used(text: &str) -> Vec<(String, usize)> {
    let Ok(root) = node::parse(text) else { return Vec::new() };
    let jobs = root.get("jobs").map(Node::entries).unwrap_or_default().iter().map(|(_, job)| job);
    let mut found = Vec::new();
    for part in jobs.chain(root.get("runs")) {
        let steps = part.get("steps").map(Node::items).unwrap_or_default();
        let uses = std::iter::once(part).chain(steps).filter_map(|node| node.get("uses"));
        found.extend(uses.filter_map(|uses| Some((uses.text()?.to_string(), uses.line))));
    }
    found
}

/// The text with these actions pinned, and what was changed. Comments stay.
pub(super) fn edited(text: &str, pins: &BTreeMap<String, Pin>) -> (String, Vec<String>) {
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let mut changes = BTreeSet::new();
    for (uses, at) in used(text) {
        let Some(pin) = pins.get(&uses) else { continue };
        let Some(line) = lines.get_mut(at - 1).filter(|line| line.contains(&uses)) else { continue };
        let path = uses.rsplit_once('@').map_or(uses.as_str(), |(path, _)| path);
        let code = line.replacen(&uses, &format!("{path}@{}", pin.commit), 1);
        // No name of an action contains ` #`, which begins a comment.
        *line = match code.split_once(" #") {
            Some((code, comment)) => {
                format!("{} # {}; {}", code.trim_end(), pin.version, comment.trim_start())
            }
            None => format!("{} # {}", code.trim_end(), pin.version),
        };
        changes.insert(format!("{uses} is {} ({})", pin.version, short(&pin.commit)));
    }
    (lines.into_iter().map(|line| line + "\n").collect(), changes.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_in_a_repository() {
        for (uses, expected) in [
            ("a/b@v4", Some(("https://github.com/a/b", "v4"))),
            ("a/b/sub/folder@release/v1", Some(("https://github.com/a/b", "release/v1"))),
            ("a/b/.github/workflows/x.yml@main", Some(("https://github.com/a/b", "main"))),
            ("https://gitea.example/a/b@v4", Some(("https://gitea.example/a/b", "v4"))),
            ("a/b@34e114876b0b11c390a56381ad16ebd13914f8d5", None),
            ("a@v4", None),
            ("a/b", None),
            ("./local", None),
            ("docker://x@v1", None),
            ("docker://x:1", None),
        ] {
            let found = Action::read(uses);
            let found = found.as_ref().map(|action| (action.repository.as_str(), action.reference));
            assert_eq!(found, expected, "{uses}");
        }
    }

    #[test]
    fn the_most_exact_tag_of_the_commit_is_the_version() {
        let listed = "1\tHEAD\n1\trefs/heads/main\n2\trefs/heads/v3\n3\trefs/tags/v4\n3\trefs/tags/v4.3\n\
                      9\trefs/tags/v4.3.1\n3\trefs/tags/v4.3.1^{}\n3\trefs/tags/v4.3.0\n3\trefs/tags/zz\n\
                      4\trefs/tags/main-v1\n";
        for (reference, expected) in [
            ("v4", Some(("3", "v4.3.1"))),
            ("v4.3.1", Some(("3", "v4.3.1"))),
            ("v3", Some(("2", "v3"))),
            ("main", Some(("1", "main"))),
            ("main-v1", Some(("4", "main-v1"))),
            ("v5", None),
            ("HEAD", None),
        ] {
            let found = resolve(listed, reference);
            let found = found.as_ref().map(|pin| (pin.commit.as_str(), pin.version.as_str()));
            assert_eq!(found, expected, "{reference}");
        }
    }

    #[test]
    fn only_the_reference_and_the_comment_change() {
        let pins: BTreeMap<String, Pin> = ["a/b@v4", "c/d/e@main"]
            .map(|uses| (uses.to_string(), Pin { commit: "c0ffee1234".into(), version: "v4.1".into() }))
            .into();
        for (from, to) in [
            ("    steps:\n      - uses: a/b@v4\n", "    steps:\n      - uses: a/b@c0ffee1234 # v4.1\n"),
            (
                "    steps:\n      - uses: \"a/b@v4\"   # why\n        with: { a: 'a/b@v4' }\n",
                "    steps:\n      - uses: \"a/b@c0ffee1234\" # v4.1; why\n        with: { a: 'a/b@v4' }\n",
            ),
            ("    steps: [{ uses: a/b@v4 }]\n", "    steps: [{ uses: a/b@c0ffee1234 }] # v4.1\n"),
            ("    uses: c/d/e@main\n", "    uses: c/d/e@c0ffee1234 # v4.1\n"),
            ("    steps:\n      - run: echo a/b@v4\n", "    steps:\n      - run: echo a/b@v4\n"),
            ("    steps:\n      - uses: x/y@v4\n", "    steps:\n      - uses: x/y@v4\n"),
        ] {
            let [from, to] = [from, to].map(|text| format!("on: push\njobs:\n  a:\n{text}"));
            assert_eq!(edited(&from, &pins).0, to, "{from}");
            assert_eq!(edited(&to, &pins).0, to, "again: {from}");
        }
        let action = "runs:\n  using: composite\n  steps:\n    - uses: a/b@v4\n";
        let (text, changes) = edited(action, &pins);
        assert_eq!(text, action.replace("@v4", "@c0ffee1234 # v4.1"));
        assert_eq!(changes, ["a/b@v4 is v4.1 (c0ffee1)"]);
    }
}
