//! A workflow file of a forge, read with the lines of its parts: triggers, jobs, secrets, and the names under
//! which the forge reports its jobs. Pure, but for `of`.

use crate::model::workspace::ForgeKind;
use anyhow::{Context, Result};
use camino::Utf8Path;
use node::Node;

pub(crate) mod node;

/// The folder that each forge reads.
pub(crate) fn folder(kind: ForgeKind) -> &'static str {
    match kind {
        ForgeKind::Github => ".github/workflows",
        ForgeKind::Gitea => ".gitea/workflows",
    }
}

pub(crate) struct Workflow {
    /// The file's name, without its folder.
    pub file: String,
    pub name: Option<String>,
    pub triggers: Vec<Trigger>,
    pub jobs: Vec<Job>,
    pub root: Node,
}

pub(crate) struct Trigger {
    pub event: String,
    pub line: usize,
    /// `branches`, `tags`, `types`, …
    pub filters: Node,
}

pub(crate) struct Job {
    pub id: String,
    /// The first and the last line.
    pub lines: (usize, usize),
    pub node: Node,
}

impl Trigger {
    /// The texts of a filter, such as `branches`, each with its line.
    pub(crate) fn filter(&self, name: &str) -> Vec<(&str, usize)> {
        self.filters.get(name).map(Node::texts).unwrap_or_default()
    }
}

impl Job {
    fn shown(&self) -> &str {
        self.node.get("name").and_then(Node::text).unwrap_or(&self.id)
    }

    pub(crate) fn needs(&self) -> Vec<(&str, usize)> {
        self.node.get("needs").map(Node::texts).unwrap_or_default()
    }

    pub(crate) fn steps(&self) -> &[Node] {
        self.node.get("steps").map(Node::items).unwrap_or_default()
    }
}

impl Workflow {
    /// What both forges demand of a workflow. The error is the reason for which it would not run, and the
    /// line.
    pub(crate) fn read(file: &str, text: &str) -> std::result::Result<Workflow, (String, usize)> {
        let root = node::parse(text)?;
        if root.entries().is_empty() {
            return Err(("it is not a mapping".to_string(), 1));
        }
        let Some((key, on)) = root.entry("on") else {
            return Err(("it has no `on`, so nothing starts it".to_string(), 1));
        };
        let trigger = |event: &str, line, filters: &Node| Trigger {
            event: event.to_string(),
            line,
            filters: filters.clone(),
        };
        let mut triggers: Vec<Trigger> =
            on.entries().iter().map(|(key, filters)| trigger(&key.text, key.line, filters)).collect();
        triggers.extend(on.texts().iter().map(|(event, line)| trigger(event, *line, &Node::default())));
        if triggers.is_empty() {
            return Err(("`on` names no event".to_string(), key.line));
        }
        let Some((key, all)) = root.entry("jobs").filter(|(_, jobs)| !jobs.entries().is_empty()) else {
            return Err(("it has no jobs".to_string(), 1));
        };
        let after = root.entries().iter().map(|(key, _)| key.line).find(|line| *line > key.line);
        let end = after.map_or(text.lines().count(), |line| line - 1);
        let mut jobs: Vec<Job> = Vec::new();
        for (key, node) in all.entries() {
            if node.get("runs-on").is_none() && node.get("uses").is_none() {
                return Err((format!("the job {} has no `runs-on`", key.text), key.line));
            }
            if let Some(last) = jobs.last_mut() {
                last.lines.1 = key.line - 1;
            }
            jobs.push(Job { id: key.text.clone(), lines: (key.line, end), node: node.clone() });
        }
        let name = root.get("name").and_then(Node::text).map(str::to_string);
        Ok(Workflow { file: file.to_string(), name, triggers, jobs, root })
    }

    pub(crate) fn trigger(&self, event: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.event == event)
    }

    /// Does a push of this branch start it? Filters of paths are not looked at.
    pub(crate) fn runs_on_push_of(&self, branch: &str) -> bool {
        let Some(push) = self.trigger("push") else { return false };
        let (only, not) = (push.filter("branches"), push.filter("branches-ignore"));
        let any = |patterns: &[(&str, usize)]| patterns.iter().any(|(one, _)| matches(one, branch));
        match (only.is_empty(), not.is_empty()) {
            // A filter of tags alone excludes branches.
            (true, true) => push.filters.get("tags").is_none(),
            (false, _) => any(&only),
            _ => !any(&not),
        }
    }

    /// The names of the checks that the forge reports for pull requests. A `*` is what is not known here:
    /// values of a matrix, jobs of another workflow.
    pub(crate) fn checks(&self, kind: ForgeKind) -> Vec<String> {
        let events = ["pull_request", "pull_request_target"].into_iter();
        events
            .filter(|event| self.trigger(event).is_some())
            .flat_map(|event| self.named(kind, event))
            .collect()
    }

    /// The names of the checks that pushes report for the jobs with a step that runs this command.
    pub(crate) fn checks_running(&self, kind: ForgeKind, command: &str) -> Vec<String> {
        let runs = |job: &Job| {
            let lines = job.steps().iter().filter_map(|step| step.get("run")?.text());
            lines.into_iter().any(|text| text.contains(command))
        };
        let jobs = self.jobs.iter().zip(self.named(kind, "push"));
        jobs.filter(|(job, _)| runs(job)).map(|(_, name)| name).collect()
    }

    /// The names of the jobs' checks, in the order of the jobs.
    fn named(&self, kind: ForgeKind, event: &str) -> Vec<String> {
        let names = self.jobs.iter().map(|job| {
            let mut shown = without_expressions(job.shown());
            if job.node.get("strategy").is_some_and(|strategy| strategy.get("matrix").is_some()) {
                shown += " (*)";
            }
            if job.node.get("uses").is_some() {
                shown += " / *";
            }
            shown
        });
        names
            .map(|job| match kind {
                ForgeKind::Github => job,
                ForgeKind::Gitea => {
                    format!("{} / {job} ({event})", self.name.as_deref().unwrap_or(&self.file))
                }
            })
            .collect()
    }
}

/// The workflows of the folder that the forge reads, with their texts.
pub(crate) fn of(root: &Utf8Path, kind: ForgeKind) -> Result<Vec<(Workflow, String)>> {
    let mut found = Vec::new();
    for entry in root.join(folder(kind)).read_dir_utf8().into_iter().flatten().flatten() {
        if !matches!(entry.path().extension(), Some("yml" | "yaml")) {
            continue;
        }
        let text =
            std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {}", entry.path()))?;
        // A file that no forge runs is a finding of `audit`.
        if let Ok(workflow) = Workflow::read(entry.file_name(), &text) {
            found.push((workflow, text));
        }
    }
    Ok(found)
}

/// Keys of a trigger that let it start for some pull requests only.
const PATHS: &[&str] = &["paths", "paths-ignore", "branches-ignore"];

impl Workflow {
    /// Does a push that changes these files start it? Only its filters of paths are looked at. None if a
    /// pattern has a form whose meaning is not certain here.
    pub(crate) fn runs_on_change_of(&self, changed: &[&str]) -> Option<bool> {
        let push = self.trigger("push")?;
        let (only, not) = (push.filter("paths"), push.filter("paths-ignore"));
        let certain = |pattern: &str| {
            !pattern.contains(['!', '?', '+', '[', '{', '\\'])
                && pattern.split('/').all(|part| part == "**" || !part.contains("**"))
        };
        if !only.iter().chain(&not).all(|(pattern, _)| certain(pattern)) {
            return None;
        }
        let any = |patterns: &[(&str, usize)], file: &str| patterns.iter().any(|(one, _)| matches(one, file));
        Some(match (only.is_empty(), not.is_empty()) {
            (true, true) => true,
            (false, _) => changed.iter().any(|file| any(&only, file)),
            _ => changed.iter().any(|file| !any(&not, file)),
        })
    }

    /// The checks that every pull request into this branch gets: those that can be required. A job with
    /// another `if` may be skipped, and the names of a matrix are not known.
    pub(crate) fn always_checks(&self, kind: ForgeKind, branch: &str) -> Vec<String> {
        let Some(trigger) = self.trigger("pull_request") else { return Vec::new() };
        let only = trigger.filter("branches");
        let other = !only.is_empty() && !only.iter().any(|(one, _)| matches(one, branch));
        if other || PATHS.iter().any(|key| trigger.filters.get(key).is_some()) {
            return Vec::new();
        }
        let jobs = self.jobs.iter().zip(self.named(kind, "pull_request"));
        let runs = |job: &Job| job.node.get("if").is_none_or(|on| on.text() == Some(NOT_ON_PUSH));
        let always = jobs.filter(|(job, name)| runs(job) && !name.contains('*'));
        always.map(|(_, name)| name).collect()
    }
}

/// The condition of a job that has nothing to do when a branch is pushed.
const NOT_ON_PUSH: &str = "github.event_name != 'push'";

/// Does a forge's pattern match the name? `*` is anything but a slash, `**` anything. A `!` excludes, which
/// is not looked at: then nothing matches.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
    // The crate knows `**` as a whole part of a path only.
    let pattern = pattern.strip_suffix("**").map_or(pattern.to_string(), |start| {
        if start.is_empty() || start.ends_with('/') { format!("{start}**/*") } else { pattern.to_string() }
    });
    pattern == name || glob::Pattern::new(&pattern).is_ok_and(|p| p.matches_with(name, options))
}

/// `build ${{ matrix.os }}` becomes `build *`.
fn without_expressions(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        out += before;
        out.push('*');
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// The names after `secrets.` in these lines, comments left out, each with its line.
pub(crate) fn secrets(text: &str, (first, last): (usize, usize)) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    for (line, code) in code_lines(text).filter(|(line, _)| (first..=last).contains(line)) {
        for (at, start) in ["secrets.", "secrets['"].iter().flat_map(|s| code.match_indices(s)) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || "_-.".contains(c)) || !code.contains("${{") {
                continue;
            }
            let rest = &code[at + start.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let name = rest[..end].to_uppercase();
            if !name.is_empty() && !found.iter().any(|(there, _)| *there == name) {
                found.push((name, line));
            }
        }
    }
    found
}

/// Each line with its number, without its comment.
pub(crate) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| {
        let comment = line.find(" #").or(line.starts_with('#').then_some(0));
        (at + 1, comment.map_or(line, |at| &line[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Workflow {
        Workflow::read("ci.yml", text).unwrap()
    }

    const JOBS: &str = "jobs:\n  a: { runs-on: x, steps: [] }\n";

    #[test]
    fn what_no_forge_runs_is_refused_with_its_line() {
        for (text, what, line) in [
            ("", "not a mapping", 1),
            ("- a\n", "not a mapping", 1),
            ("name: x\njobs: {}\n", "no `on`", 1),
            ("name: x\non:\njobs: { a: { runs-on: x } }\n", "`on` names no event", 2),
            ("on: push\n", "no jobs", 1),
            ("on: push\njobs:\n  a:\n    steps: []\n", "the job a has no `runs-on`", 3),
            ("on: push\n\tjobs: 1\n", "found a tab", 1),
        ] {
            let (error, at) = Workflow::read("ci.yml", text).err().expect(text);
            assert!(error.contains(what) && at == line, "{text}: {error} in line {at}");
        }
        assert_eq!(read(&format!("'on': [push, pull_request]\n{JOBS}")).triggers.len(), 2);
    }

    #[test]
    fn a_push_starts_what_its_filters_let_through() {
        for (on, branch, starts) in [
            ("on: push", "main", true),
            ("on: [pull_request]", "main", false),
            ("on: { push: { branches: [main] } }", "main", true),
            ("on: { push: { branches: [main] } }", "mainx", false),
            ("on: { push: { branches: ['**'] } }", "feat/x", true),
            ("on: { push: { branches: ['*'] } }", "feat/x", false),
            ("on: { push: { branches: ['feat/**'] } }", "feat/x/y", true),
            ("on: { push: { branches: [main, '!x'] } }", "main", true),
            ("on: { push: { branches-ignore: [main] } }", "main", false),
            ("on: { push: { branches-ignore: [dev] } }", "main", true),
            ("on: { push: { tags: ['v*'] } }", "main", false),
        ] {
            assert_eq!(read(&format!("{on}\n{JOBS}")).runs_on_push_of(branch), starts, "{on} {branch}");
        }
    }

    #[test]
    fn a_filter_of_paths_lets_the_changes_of_its_files_through() {
        for (push, changed, starts) in [
            ("push", vec!["a"], Some(true)),
            ("{ push: { paths: ['apps/**'] } }", vec!["apps/a/b.py", "x"], Some(true)),
            ("{ push: { paths: ['apps/**'] } }", vec!["x", "app/s"], Some(false)),
            ("{ push: { paths: ['*.md'] } }", vec!["docs/a.md"], Some(false)),
            ("{ push: { paths: ['**/*.md'] } }", vec!["docs/a.md"], Some(true)),
            ("{ push: { paths-ignore: ['docs/**', '*.md'] } }", vec!["docs/a", "README.md"], Some(false)),
            ("{ push: { paths-ignore: ['docs/**'] } }", vec!["docs/a", "b"], Some(true)),
            ("{ push: { paths: ['**.py'] } }", vec!["b"], None),
            ("{ push: { paths: ['a/**', '!a/b'] } }", vec!["a/c"], None),
            ("pull_request", vec!["a"], None),
        ] {
            let workflow = read(&format!("on: {push}\n{JOBS}"));
            assert_eq!(workflow.runs_on_change_of(&changed), starts, "{push} {changed:?}");
        }
    }

    #[test]
    fn checks_have_the_names_that_the_forge_reports() {
        let text = "name: ci\non: [pull_request, push]\njobs:\n  lint: { runs-on: x }\n  test:\n    name: \
                    tests on ${{ matrix.os }}\n    runs-on: x\n  many:\n    runs-on: x\n    \
                    strategy: { matrix: { os: [a] } }\n  other: { uses: ./.github/workflows/o.yml }\n";
        let github = ["lint", "tests on *", "many (*)", "other / *"];
        assert_eq!(read(text).checks(ForgeKind::Github), github);
        let gitea = read(&text.replace("name: ci\n", "")).checks(ForgeKind::Gitea);
        assert_eq!(gitea[..2], ["ci.yml / lint (pull_request)", "ci.yml / tests on * (pull_request)"]);
        assert_eq!(read(&format!("on: push\n{JOBS}")).checks(ForgeKind::Gitea), [""; 0]);
        assert_eq!(read(text).always_checks(ForgeKind::Github, "main"), ["lint"]);
        let text = "name: ci\non: push\njobs:\n  a: { runs-on: x, steps: [{ uses: b }] }\n  b: { runs-on: x, \
                    steps: [{ run: cargo xtask ci release }] }\n";
        assert_eq!(read(text).checks_running(ForgeKind::Gitea, "xtask ci release"), ["ci / b (push)"]);
        assert_eq!(read(text).checks_running(ForgeKind::Github, "xtask ci lint"), [""; 0]);
        for (condition, always) in [(NOT_ON_PUSH, 1), ("github.event_name == 'push'", 0), ("always()", 0)] {
            let text =
                format!("on: [pull_request, push]\njobs: {{ a: {{ runs-on: x, if: {condition:?} }} }}\n");
            assert_eq!(read(&text).always_checks(ForgeKind::Github, "main").len(), always, "{condition}");
        }
        for on in ["push", "{ pull_request: { paths: [x] } }", "{ pull_request: { branches: [dev] } }"] {
            let workflow = read(&format!("on: {on}\n{JOBS}"));
            assert_eq!(workflow.always_checks(ForgeKind::Github, "main"), [""; 0], "{on}");
        }
    }

    #[test]
    fn secrets_are_found_in_their_job_and_not_in_comments() {
        let text = "on: push\njobs:\n  a:\n    runs-on: x\n    env:\n      A: \
                    ${{ secrets.ONE || secrets.two }}\n\
                    # ${{ secrets.NOT }}\n      B: ${{ secrets['THREE'] }} # ${{ secrets.NOR }}\n  b:\n    \
                    runs-on: x\n    env: { C: '${{ secrets.ONE }}', D: my-secrets.x }\n\
                    name: ${{ secrets.L }}\n";
        let jobs = read(text).jobs;
        let names = |job: usize| secrets(text, jobs[job].lines);
        let one = |name: &str, line| (name.to_string(), line);
        assert_eq!(names(0), [one("ONE", 6), one("TWO", 6), one("THREE", 8)]);
        assert_eq!(names(1), [one("ONE", 11)]);
    }
}
