//! Edits of a workflow file so that a forge runs it: one edit after the other, each on the text, so that
//! comments and order stay. Pure.

use super::forges;
use super::rules::{Facts, dead_branches, publishes_by_oidc};
use crate::model::workflow::node::Node;
use crate::model::workflow::{Trigger, Workflow};
use crate::model::workspace::ForgeKind;

/// More edits than any file needs.
const MOST: usize = 200;

/// The text as this forge runs it, and what was changed.
pub(super) fn ported(text: &str, facts: &Facts) -> (String, Vec<String>) {
    let (mut text, mut changes) = (text.to_string(), Vec::new());
    for _ in 0..MOST {
        let Some((edited, change)) = edit(&text, facts) else { break };
        // An edit whose result cannot be parsed is not made.
        if Workflow::read("", &edited).is_err() || edited == text {
            break;
        }
        text = edited;
        changes.push(change);
    }
    changes.dedup();
    (text, changes)
}

/// The first edit that is needed.
fn edit(text: &str, facts: &Facts) -> Option<(String, String)> {
    let workflow = Workflow::read("", text).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    triggers(&lines, &workflow, facts)
        .or_else(|| (facts.kind == ForgeKind::Gitea).then(|| for_gitea(&lines, &workflow)).flatten())
}

fn triggers(lines: &[&str], workflow: &Workflow, facts: &Facts) -> Option<(String, String)> {
    let others = workflow.triggers.len() > 1;
    for trigger in &workflow.triggers {
        let (event, line) = (&trigger.event, trigger.line);
        let drop = || Some((without(lines, line, event)?, format!("`{event}` removed")));
        if others && forges::never(facts.kind, trigger).is_some() {
            return drop();
        }
        let dead = dead_branches(trigger, facts);
        let Some((branch, at)) = dead.first() else { continue };
        let change = format!("branch {branch} of `{event}` removed");
        if dead.len() < trigger.filter("branches").len() {
            return Some((without(lines, *at, branch)?, change));
        }
        if !trigger.filter("tags").is_empty() {
            return Some((without(lines, key_line(trigger)?, "branches")?, change));
        }
        if others {
            return drop();
        }
    }
    None
}

fn key_line(trigger: &Trigger) -> Option<usize> {
    trigger.filters.entry("branches").map(|(key, _)| key.line)
}

fn for_gitea(lines: &[&str], workflow: &Workflow) -> Option<(String, String)> {
    for job in &workflow.jobs {
        if let Some((key, _)) = job.node.entry("environment") {
            return Some((without(lines, key.line, "environment")?, "`environment` removed".to_string()));
        }
        for step in job.steps() {
            let uses = step.get("uses").and_then(Node::text).unwrap_or_default();
            if forges::only_signs(uses) {
                let text = joined(lines, block(lines, step.line), &[]);
                return Some((text, format!("the step {} removed", forges::action(uses))));
            }
            if publishes_by_oidc(step) {
                return Some((with_password(lines, step)?, "PyPI: the secret PYPI_TOKEN".to_string()));
            }
            if let Some((key, _)) = step.entry("run") {
                let (first, last) = block(lines, key.line);
                let script = lines[first - 1..last].join("\n");
                let edited = ["${{ github.ref_name }}", "${{github.ref_name}}", "${GITHUB_REF_NAME}"]
                    .iter()
                    .fold(script.clone(), |script, name| script.replace(name, "${GITHUB_REF#refs/*/}"))
                    .replace("$GITHUB_REF_NAME", "${GITHUB_REF#refs/*/}");
                if edited != script {
                    let text = joined(lines, (first, last), &[&edited]);
                    return Some((text, "github.ref_name: ${GITHUB_REF#refs/*/}".to_string()));
                }
            }
        }
    }
    let line = *forges::oidc(workflow).first()?;
    let nodes = std::iter::once(&workflow.root).chain(workflow.jobs.iter().map(|job| &job.node));
    let permissions = nodes.filter_map(|node| node.get("permissions"));
    let found =
        permissions.into_iter().find(|node| node.entry("id-token").is_some_and(|(k, _)| k.line == line));
    // Without any permission the job could not even check out the repository.
    let text = if found?.entries().len() == 1 {
        let own = lines[line - 1].replace("id-token: write", "contents: read");
        joined(lines, (line, line), &[&own])
    } else {
        without(lines, line, "id-token")?
    };
    Some((text, "`id-token` removed".to_string()))
}

fn with_password(lines: &[&str], step: &Node) -> Option<String> {
    const PASSWORD: &str = "password: ${{ secrets.PYPI_TOKEN }}";
    let Some((key, with)) = step.entry("with") else {
        let (uses, _) = step.entry("uses")?;
        let own = lines[uses.line - 1];
        // `- uses:` has its key after the dash.
        let indent = " ".repeat(own.find("uses")?);
        let added = [own.to_string(), format!("{indent}with:"), format!("{indent}  {PASSWORD}")];
        return Some(joined(lines, (uses.line, uses.line), &[&added.join("\n")]));
    };
    let own = lines[key.line - 1];
    if let Some((before, after)) = own.split_once('{') {
        // A brace would end the mapping.
        let quoted = PASSWORD.replace("${{", "\"${{") + "\"";
        let edited = format!("{before}{{ {quoted},{after}");
        return Some(joined(lines, (key.line, key.line), &[&edited]));
    }
    let (first, _) = with.entries().first()?;
    let indent = " ".repeat(depth(lines[first.line - 1]));
    Some(joined(lines, (key.line, key.line), &[own, &format!("{indent}{PASSWORD}")]))
}

/// Without the key or list item of this name in this line, and what is below it.
fn without(lines: &[&str], line: usize, name: &str) -> Option<String> {
    let own = lines.get(line - 1)?;
    let start = own.trim_start().trim_start_matches("- ").trim_start_matches(['"', '\'']);
    let alone = start.strip_prefix(name).is_some_and(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.is_empty() || rest.starts_with([':', ' '])
    });
    if alone {
        return Some(joined(lines, block(lines, line), &[]));
    }
    let edited = without_item(own, name)?;
    Some(joined(lines, (line, line), &[&edited]))
}

/// Without the item of a list or mapping within the line: `[main, gone]`, `{ a: 1, b: 2 }`. Only an item that
/// is no list or mapping itself.
fn without_item(line: &str, name: &str) -> Option<String> {
    let is_it = |item: &str| {
        let key = item.split(':').next().unwrap_or(item).trim().trim_matches(['"', '\'']);
        key == name
    };
    for (open, _) in line.match_indices(['[', '{']) {
        let rest = &line[open + 1..];
        let end = rest.find([']', '}', '[', '{'])?;
        let items: Vec<&str> = rest[..end].split(',').collect();
        if rest[end..].starts_with(['[', '{']) || !items.iter().any(|item| is_it(item)) {
            continue;
        }
        let left: Vec<&str> = items.into_iter().filter(|item| !is_it(item)).map(str::trim).collect();
        let space = if rest.starts_with(' ') { " " } else { "" };
        return Some(format!("{}{space}{}{space}{}", &line[..=open], left.join(", "), &rest[end..]));
    }
    None
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The first and last line of what begins in this line: all that follows with more indentation.
fn block(lines: &[&str], line: usize) -> (usize, usize) {
    let own = depth(lines[line - 1]);
    let blank = |text: &&str| text.trim().is_empty();
    let below = lines[line..].iter().take_while(|text| blank(text) || depth(text) > own);
    let all: Vec<&str> = below.copied().collect();
    let trailing = all.iter().rev().take_while(|text| blank(text)).count();
    (line, line + all.len() - trailing)
}

/// The lines with these replaced.
fn joined(lines: &[&str], (first, last): (usize, usize), new: &[&str]) -> String {
    let all = lines[..first - 1].iter().chain(new).chain(&lines[last..]);
    all.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(text: &str, kind: ForgeKind) -> String {
        let branches = Some(["main", "dev"].map(str::to_string).into());
        ported(text, &Facts { kind, branches, secrets: None }).0
    }

    #[test]
    fn each_edit_leaves_the_rest_as_it_was() {
        let tail = "jobs:\n  a:\n    runs-on: x # here\n";
        let on = |from: &str, to: &str| (format!("{from}\n{tail}"), format!("{to}\n{tail}"));
        let job = |from: &str, to: &str| (format!("on: push\n{tail}{from}"), format!("on: push\n{tail}{to}"));
        let secret = "${{ secrets.PYPI_TOKEN }}";
        for (from, to) in [
            on("on:\n  push: # all\n  merge_group:\n  # more", "on:\n  push: # all\n  # more"),
            on("on:\n  merge_group:\n    types: [x]\n  push:", "on:\n  push:"),
            on("on: [push, merge_group]", "on: [push]"),
            on("on: [merge_group, push]", "on: [push]"),
            on("on: { push: { branches: [main, gone] } }", "on: { push: { branches: [main] } }"),
            on(
                "on:\n  push:\n    branches:\n      - main\n      - \"gone\"\n",
                "on:\n  push:\n    branches:\n      - main\n",
            ),
            on("on:\n  push:\n    branches: [gone]\n    tags: ['v*']", "on:\n  push:\n    tags: ['v*']"),
            on("on:\n  push:\n    branches: [gone]\n  pull_request:", "on:\n  pull_request:"),
            // The only one: what it should be is not known.
            on("on: { push: { branches: [gone] } }", "on: { push: { branches: [gone] } }"),
            on("on: merge_group", "on: merge_group"),
            job("    environment:\n      name: x\n    if: y\n", "    if: y\n"),
            job(
                "    permissions:\n      id-token: write\n      contents: read\n",
                "    permissions:\n      contents: read\n",
            ),
            job("    permissions:\n      id-token: write\n", "    permissions:\n      contents: read\n"),
            job(
                "    permissions: { id-token: write, contents: read }\n",
                "    permissions: { contents: read }\n",
            ),
            job(
                "    steps:\n      - run: |\n          echo ${{ github.ref_name }}\
                 \n          x $GITHUB_REF_NAME\n",
                "    steps:\n      - run: |\n          echo ${GITHUB_REF#refs/*/}\n          x \
                 ${GITHUB_REF#refs/*/}\n",
            ),
            job(
                "    steps:\n      - uses: pypa/gh-action-pypi-publish@x # y\n      - run: z\n",
                &format!(
                    "    steps:\n      - uses: pypa/gh-action-pypi-publish@x # y\n        with:\n          \
                     password: {secret}\n      - run: z\n"
                ),
            ),
            job(
                "    steps:\n      - name: n\n        uses: pypa/gh-action-pypi-publish@x\
                 \n        with:\n          \
                 packages-dir: d\n",
                &format!(
                    "    steps:\n      - name: n\n        uses: pypa/gh-action-pypi-publish@x\
                     \n        with:\n          \
                     password: {secret}\n          packages-dir: d\n"
                ),
            ),
            job(
                "    steps:\n      - uses: pypa/gh-action-pypi-publish@x\
                 \n        with: { packages-dir: d }\n",
                &format!(
                    "    steps:\n      - uses: pypa/gh-action-pypi-publish@x\
                     \n        with: {{ password: \"{secret}\", \
                     packages-dir: d }}\n"
                ),
            ),
            job(
                "    steps:\n      - name: sign\n        uses: actions/attest@x\
                 \n        with: { a: b }\n      - run: z\n",
                "    steps:\n      - run: z\n",
            ),
        ] {
            assert_eq!(port(&from, ForgeKind::Gitea), to, "{from}");
            assert_eq!(port(&to, ForgeKind::Gitea), to, "again: {from}");
        }
        let kept = format!("on: [push, merge_group]\n{tail}    environment: x\n");
        assert_eq!(port(&kept, ForgeKind::Github), kept);
    }
}
