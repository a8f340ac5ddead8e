//! Splits the message of a squash commit into its parts, and parses each by Conventional Commits. Pure.

use crate::model::markdown;
use git_conventional::Commit as Conventional;

/// A message, or one commit that the body of a squash commit lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub subject: String,
    pub body: String,
    /// Part of a list with others, so its scope decides which app it belongs to.
    pub listed: bool,
}

/// The heading that `git merge --squash` writes.
const GIT_SQUASH: &str = "Squashed commit of the following:";
/// The line that GitHub writes between the list of commits and the co-authors.
const GITHUB_RULE: &str = "---------";

/// The lines between which a pull request's description gives the messages that count instead of its own, as
/// release-please reads them. Each is alone on its line: prose may name them.
const OVERRIDE: (&str, &str) = ("BEGIN_COMMIT_OVERRIDE", "END_COMMIT_OVERRIDE");
/// The usual types. They begin a message of an override.
pub(crate) const TYPES: &[&str] =
    &["feat", "fix", "docs", "style", "refactor", "perf", "test", "build", "ci", "chore", "revert"];

/// The parts of a message: first the message itself, then its listed commits, newest first.
pub(super) fn split(message: &str) -> Vec<Part> {
    let text = message.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    if let Some(text) = overridden(&text) {
        let mut parts: Vec<Part> = messages(&text).iter().flat_map(|message| split(message)).collect();
        let listed = parts.len() > 1;
        parts.iter_mut().for_each(|part| part.listed |= listed);
        return parts;
    }
    let text = text.trim();
    let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
    let whole =
        |body: &str| Part { subject: subject.trim().to_string(), body: body.to_string(), listed: false };
    if let Some(at) = text.lines().position(|line| line.trim_end() == GIT_SQUASH) {
        let lines: Vec<&str> = text.lines().collect();
        let mut parts = vec![whole(&lines[1.min(at)..at].join("\n"))];
        parts.extend(split_git_log(&lines[at..]));
        return parts;
    }
    if !is_squash(subject, body) {
        return vec![whole(body)];
    }
    let squash = strip_reference(subject) != subject.trim_end();
    let (mut own, mut commits, listed) = split_bullets(body);
    if squash && !listed {
        (own, commits) = split_paragraphs(body);
    }
    // If no bullet is a conventional commit, the list is prose: the message is one part with all its footers.
    if commits.is_empty() {
        return vec![Part { listed: squash && listed, ..whole(body) }];
    }
    let mut parts = vec![Part { listed: true, ..whole(&own) }];
    // Forges list the oldest commit first.
    parts.extend(commits.into_iter().rev());
    parts
}

/// The text of an override. It ends with the message if its last line is missing.
fn overridden(message: &str) -> Option<String> {
    let lines = message.lines().skip_while(|line| line.trim() != OVERRIDE.0).skip(1);
    let text = lines.take_while(|line| line.trim() != OVERRIDE.1).collect::<Vec<_>>().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_string())
}

/// The messages of an override: each begins with a line that is a conventional subject of a usual type. Other
/// types may be footers, such as `Refs: #1`.
fn messages(text: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in text.lines() {
        let part = Part { subject: line.to_string(), body: String::new(), listed: false };
        let begins = parse(&part).is_some_and(|parsed| TYPES.contains(&parsed.kind.as_str()));
        match messages.last_mut() {
            Some(last) if !begins => *last += &format!("\n{line}"),
            _ => messages.push(line.to_string()),
        }
    }
    messages
}

/// Is the message that of a squash commit that lists its commits, or that replaces them?
pub(crate) fn lists_commits(message: &str) -> bool {
    overridden(message).is_some() || split(message).len() > 1
}

/// Does the subject end in `(#12)`, or does the body begin with a `* ` list?
fn is_squash(subject: &str, body: &str) -> bool {
    strip_reference(subject) != subject.trim_end() || body.trim_start_matches('\n').starts_with("* ")
}

/// `feat: x (#12)` without the pull request's number.
pub(crate) fn strip_reference(subject: &str) -> &str {
    let subject = subject.trim_end();
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match subject.rsplit_once("(#") {
        Some((head, tail)) if tail.strip_suffix(')').is_some_and(number) => head.trim_end(),
        _ => subject,
    }
}

/// The squash commit's own text, its commits, and whether it has bullets at all: lines that begin with `* `,
/// outside code and comments.
fn split_bullets(body: &str) -> (String, Vec<Part>, bool) {
    let lines: Vec<&str> = body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let mut own: Vec<&str> = Vec::new();
    let mut bullets: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut in_bullet = false;
    for (&line, hidden) in lines.iter().zip(hidden) {
        match line.starts_with("* ") && !hidden {
            true => {
                bullets.push((line, Vec::new()));
                in_bullet = true;
            }
            false if line.trim_end() == GITHUB_RULE && !hidden => in_bullet = false,
            false => {
                bullets.last_mut().filter(|_| in_bullet).map(|(_, body)| body).unwrap_or(&mut own).push(line)
            }
        }
    }
    let listed = !bullets.is_empty();
    let mut parts: Vec<Part> = Vec::new();
    for (line, body) in bullets {
        let subject = line[2..].trim();
        let part = Part { subject: subject.to_string(), body: dedent(&body), listed: true };
        match is_conventional(&part) {
            true => parts.push(part),
            // A bullet that is not a commit, such as a link to a pull request, is text of the squash commit,
            // and so are the lines below it, footers included.
            false => own.extend(std::iter::once(line).chain(body)),
        }
    }
    (own.join("\n"), parts, listed)
}

/// The squash commit's own text, and its commits as Gitea before 1.26 lists them: their messages, one below
/// the other. Each begins with a paragraph whose first line is a subject of a usual type, in lower case:
/// `Fix: y` is prose.
fn split_paragraphs(body: &str) -> (String, Vec<Part>) {
    let lines: Vec<&str> = body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let mut own: Vec<&str> = Vec::new();
    let mut messages: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut in_message = false;
    for (index, (&line, hidden)) in lines.iter().zip(hidden).enumerate() {
        let begins = (index == 0 || lines[index - 1].trim().is_empty()) && !hidden && is_usual(line);
        in_message = begins || (in_message && (hidden || line.trim_end() != GITHUB_RULE));
        match messages.last_mut() {
            _ if begins => messages.push((line.trim(), Vec::new())),
            Some((_, text)) if in_message => text.push(line),
            _ => own.push(line),
        }
    }
    let part = |(subject, text): (&str, Vec<&str>)| Part {
        subject: subject.to_string(),
        body: text.join("\n"),
        listed: true,
    };
    (own.join("\n"), messages.into_iter().map(part).collect())
}

/// Is the line a conventional subject of a usual type, in lower case?
fn is_usual(line: &str) -> bool {
    let part = Part { subject: line.to_string(), body: String::new(), listed: false };
    parse_conventional(&part)
        .is_some_and(|parsed| TYPES.contains(&parsed.kind.as_str()) && line.starts_with(parsed.kind.as_str()))
}

fn is_conventional(part: &Part) -> bool {
    parse(part).is_some()
}

/// Removes the indentation of a bullet's text, which Markdown allows.
fn dedent(lines: &[&str]) -> String {
    let indented = lines.iter().all(|line| line.trim().is_empty() || line.starts_with("  "));
    let strip =
        |line: &&str| if indented { line.get(2..).unwrap_or("").to_string() } else { line.to_string() };
    lines.iter().map(strip).collect::<Vec<_>>().join("\n")
}

/// Splits the output of `git log`: `commit <id>`, headers, and the message indented by four spaces. Each
/// message may be that of a squash commit.
fn split_git_log(lines: &[&str]) -> Vec<Part> {
    let mut messages: Vec<Vec<&str>> = Vec::new();
    for line in lines {
        match line.strip_prefix("    ") {
            _ if line.starts_with("commit ") => messages.push(Vec::new()),
            Some(text) => messages.last_mut().into_iter().for_each(|m| m.push(text)),
            None if line.trim().is_empty() => messages.last_mut().into_iter().for_each(|m| m.push("")),
            None => {}
        }
    }
    let listed = |part: Part| Part { listed: true, ..part };
    messages.iter().flat_map(|m| split(&m.join("\n"))).filter(|p| !p.subject.is_empty()).map(listed).collect()
}

/// A part, parsed by Conventional Commits 1.0.0 (conventionalcommits.org).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The type, in lower case.
    pub kind: String,
    pub scopes: Vec<String>,
    pub description: String,
    /// What breaks, as the author describes it. None unless `!` or a footer declares a break.
    pub breaking: Option<String>,
}

/// None if the subject is neither a conventional commit nor a revert as git writes it.
pub(super) fn parse(part: &Part) -> Option<Parsed> {
    parse_conventional(part).or_else(|| parse_revert(part))
}

/// Reads `Revert "feat: x"` and `Reapply "feat: x"`, which git writes, as a commit of the type `revert`.
fn parse_revert(part: &Part) -> Option<Parsed> {
    let subject = strip_reference(&part.subject);
    quoted(subject, "Revert ").or_else(|| quoted(subject, "Reapply "))?;
    Some(Parsed {
        kind: "revert".into(),
        scopes: Vec::new(),
        description: subject.to_string(),
        breaking: breaking_note(&part.body),
    })
}

/// The `x` of `Revert "x"`, for the word `Revert `.
pub(super) fn quoted<'a>(subject: &'a str, word: &str) -> Option<&'a str> {
    subject.strip_prefix(word)?.strip_prefix('"')?.strip_suffix('"')
}

fn parse_conventional(part: &Part) -> Option<Parsed> {
    let subject = part.subject.as_str();
    // The crate accepts any white space after the colon, or none. Conventional Commits requires a space.
    subject.split_once(':').filter(|(_, rest)| rest.starts_with(' '))?;
    let commit = Conventional::parse(subject).ok()?;
    let scopes = commit.scope().map(|s| s.as_str().split([',', '/', '|', '&', ' '])).into_iter().flatten();
    Some(Parsed {
        kind: commit.type_().as_str().to_lowercase(),
        scopes: scopes.map(str::trim).filter(|s| !s.is_empty()).map(str::to_string).collect(),
        description: commit.description().trim().to_string(),
        breaking: breaking_note(&part.body).or_else(|| commit.breaking_description().map(markdown::one_line)),
    })
}

/// The text of the `BREAKING CHANGE: ` footers, anywhere below the subject. By Conventional Commits 1.0.0 a
/// footer's value continues over empty lines until the next token. Code, comments and quoted lines are
/// skipped. None if no footer has text.
fn breaking_note(body: &str) -> Option<String> {
    let lines: Vec<&str> = body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let mut note: Vec<&str> = Vec::new();
    let mut in_footer = false;
    for (line, _) in lines.iter().zip(hidden).filter(|(line, hidden)| !hidden && !line.starts_with('>')) {
        match breaking_value(line) {
            Some(value) => {
                note.push(value);
                in_footer = true;
            }
            None => in_footer &= !ends_footer(line),
        }
        if in_footer && breaking_value(line).is_none() {
            note.push(line);
        }
    }
    Some(markdown::one_line(&note.join(" "))).filter(|text| !text.is_empty())
}

/// The text after the token, if the line begins with it. It may be empty because the text can begin on the
/// next line: git removes white space at the end of a line.
fn breaking_value(line: &str) -> Option<&str> {
    let value = line.strip_prefix("BREAKING CHANGE:").or_else(|| line.strip_prefix("BREAKING-CHANGE:"))?;
    (value.is_empty() || value.starts_with(' ')).then_some(value)
}

/// Does the line end a footer? Another footer does: a token with `: ` or ` #` (Conventional Commits 1.0.0,
/// 8). So do lines of other forms that forges, git and people write below a message: an issue's address,
/// `(cherry picked from commit …)`, a heading, the line before the co-authors.
fn ends_footer(line: &str) -> bool {
    let token = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let footer = |separator: &str| line.split_once(separator).is_some_and(|(t, _)| token(t));
    let address = line
        .split_once(" http")
        .is_some_and(|(t, rest)| token(t) && (rest.starts_with("s://") || rest.starts_with("://")));
    let heading = line.trim_start_matches('#').starts_with(' ') && line.starts_with('#');
    footer(": ")
        || footer(" #")
        || address
        || heading
        || line.starts_with("(cherry picked from commit ")
        || line.trim_end() == GITHUB_RULE
}

/// Does the part mention a break in a form that Conventional Commits does not recognise: in a bullet or a
/// heading, in lower case, without a colon and a space, or by a `!` that is not part of a subject?
pub(super) fn mentions_break(part: &Part) -> bool {
    let lines: Vec<&str> = part.body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let mentioned = |line: &str| {
        let text = line.trim_start_matches(|c: char| c.is_whitespace() || "*-+_#".contains(c));
        mentions_token(text) || marks_type(text)
    };
    mentioned(&part.subject) || lines.iter().zip(hidden).any(|(line, hidden)| !hidden && mentioned(line))
}

/// `BREAKING CHANGE`, also in the plural. In lower case only with a colon, because it is also prose.
fn mentions_token(text: &str) -> bool {
    if !text.starts_with(['B', 'b']) {
        return false;
    }
    let lower = text.to_lowercase();
    let token = ["breaking change", "breaking-change"].iter().find_map(|token| lower.strip_prefix(token));
    let Some(rest) = token.map(|rest| rest.strip_prefix('s').unwrap_or(rest)) else { return false };
    let word_ends = !rest.starts_with(char::is_alphanumeric);
    let capitals = text.starts_with("BREAKING CHANGE") || text.starts_with("BREAKING-CHANGE");
    rest.trim_start_matches(['*', '_', ' ']).starts_with(':') || (capitals && word_ends)
}

/// Does the text begin with a usual type that has a `!`, such as `feat!(api): x` or `fix(api)!:x`?
fn marks_type(text: &str) -> bool {
    let head = text.split_once(':').map_or("", |(head, _)| head);
    let (kind, rest) = head.split_at(head.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(head.len()));
    let marked = rest.trim_start().starts_with(['!', '(']) && rest.contains('!');
    marked && TYPES.contains(&kind.to_lowercase().as_str())
}
