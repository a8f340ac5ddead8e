//! One commit message: split where it is a squash, parsed by the conventional rules. Pure.

use crate::markdown;
use git_conventional::Commit as Conventional;

/// A message, or one bullet of a squash body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub subject: String,
    pub body: String,
    /// Stood in a list with others: its scope says which app it belongs to.
    pub listed: bool,
}

/// The heading that `git merge --squash` writes.
const GIT_SQUASH: &str = "Squashed commit of the following:";
/// What GitHub puts between the list of commits and the co-authors.
const GITHUB_RULE: &str = "---------";

/// The parts of a message, newest first; the message itself leads.
pub fn split(message: &str) -> Vec<Part> {
    let text = message.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let text = text.trim();
    let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
    let whole = |body: &str| Part { subject: subject.trim().to_string(), body: body.to_string(), listed: false };
    if let Some(at) = text.lines().position(|line| line.trim_end() == GIT_SQUASH) {
        let lines: Vec<&str> = text.lines().collect();
        let mut parts = vec![whole(&lines[1.min(at)..at].join("\n"))];
        parts.extend(split_git_log(&lines[at + 1..]));
        return parts;
    }
    if !is_squash(subject, body) {
        return vec![whole(body)];
    }
    let (own, bullets) = split_bullets(body);
    let mut parts = vec![Part { listed: !bullets.is_empty(), ..whole(&own) }];
    // Forges list the oldest first.
    parts.extend(bullets.into_iter().rev());
    parts
}

/// The subject ends in `(#12)`, or the body begins with a `* ` list.
fn is_squash(subject: &str, body: &str) -> bool {
    strip_reference(subject) != subject.trim_end() || body.trim_start_matches('\n').starts_with("* ")
}

/// `feat: x (#12)` without the pull request's number.
pub fn strip_reference(subject: &str) -> &str {
    let subject = subject.trim_end();
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match subject.rsplit_once("(#") {
        Some((head, tail)) if tail.strip_suffix(')').is_some_and(number) => head.trim_end(),
        _ => subject,
    }
}

/// The squash's own text, and its bullets: `* ` in column 0, outside code and comments.
fn split_bullets(body: &str) -> (String, Vec<Part>) {
    let lines: Vec<&str> = body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let mut own: Vec<&str> = Vec::new();
    let mut bullets: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut in_bullet = false;
    for (line, hidden) in lines.iter().zip(hidden) {
        match line.strip_prefix("* ").filter(|_| !hidden) {
            Some(subject) => {
                bullets.push((subject.trim(), Vec::new()));
                in_bullet = true;
            }
            None if line.trim_end() == GITHUB_RULE && !hidden => in_bullet = false,
            None => bullets.last_mut().filter(|_| in_bullet).map(|(_, body)| body).unwrap_or(&mut own).push(line),
        }
    }
    let part = |(subject, body): (&str, Vec<&str>)| Part { subject: subject.to_string(), body: dedent(&body), listed: true };
    (own.join("\n"), bullets.into_iter().map(part).collect())
}

/// A bullet's text may be indented below it, as Markdown has it.
fn dedent(lines: &[&str]) -> String {
    let indented = lines.iter().all(|line| line.trim().is_empty() || line.starts_with("  "));
    let strip = |line: &&str| if indented { line.get(2..).unwrap_or("").to_string() } else { line.to_string() };
    lines.iter().map(strip).collect::<Vec<_>>().join("\n")
}

/// What `git log` prints: `commit <id>`, headers, and the message indented by four; each message may be a squash itself.
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

/// What a part says by the conventional rules (conventionalcommits.org 1.0.0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// In small letters.
    pub kind: String,
    pub scopes: Vec<String>,
    pub description: String,
    /// Declared by `!` or a footer: what breaks, in its author's words.
    pub breaking: Option<String>,
}

/// None where the subject is not conventional.
pub fn parse(part: &Part) -> Option<Parsed> {
    let subject = part.subject.as_str();
    // The crate takes any white space after the colon, none included; the standard asks for a space.
    subject.split_once(':').filter(|(_, rest)| rest.starts_with(' '))?;
    let footer = breaking_footer(&part.body).unwrap_or_default();
    let message = if footer.is_empty() { subject.to_string() } else { format!("{subject}\n\n{footer}") };
    let commit = Conventional::parse(&message).ok()?;
    let scopes = commit.scope().map(|s| s.as_str().split([',', '/', '|', '&', ' '])).into_iter().flatten();
    Some(Parsed {
        kind: commit.type_().as_str().to_lowercase(),
        scopes: scopes.map(str::trim).filter(|s| !s.is_empty()).map(str::to_string).collect(),
        description: commit.description().trim().to_string(),
        breaking: commit.breaking_description().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
    })
}

fn is_breaking_footer(line: &str) -> bool {
    let value = line.strip_prefix("BREAKING CHANGE:").or_else(|| line.strip_prefix("BREAKING-CHANGE:"));
    value.is_some_and(|v| v.starts_with(' ') && !v.trim().is_empty())
}

/// The last paragraph from its `BREAKING CHANGE: ` on. Paragraphs of nothing but trailers after it are not the last: `git commit -s` and
/// forges add theirs with an empty line between. Code and comments are no text.
fn breaking_footer(body: &str) -> Option<String> {
    let lines: Vec<&str> = body.lines().collect();
    let hidden = markdown::hidden(&lines);
    let shown: Vec<&str> = lines.iter().zip(hidden).map(|(line, hidden)| if hidden { "" } else { line.trim_end() }).collect();
    let mut paragraphs: Vec<&[&str]> = shown.split(|line| line.is_empty()).filter(|p| !p.is_empty()).collect();
    while paragraphs.len() > 1 && paragraphs.last().is_some_and(|p| p.iter().all(|line| is_trailer(line))) {
        paragraphs.pop();
    }
    let last = paragraphs.last()?;
    let from = last.iter().position(|line| is_breaking_footer(line))?;
    Some(last[from..].join("\n"))
}

fn is_trailer(line: &str) -> bool {
    let token = |t: &str| !t.is_empty() && t != "BREAKING-CHANGE" && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    line.split_once(": ").is_some_and(|(t, _)| token(t)) || line == GITHUB_RULE
}

/// Does it speak of a break in a way that the rules do not read: another place, other letters, no space?
pub fn mentions_break(part: &Part) -> bool {
    let lines: Vec<&str> = part.body.lines().collect();
    let hidden = markdown::hidden(&lines);
    lines.iter().zip(hidden).any(|(line, hidden)| {
        let start: String = line.trim_start_matches(['*', ' ']).chars().take(16).collect::<String>().to_lowercase();
        !hidden && (start.starts_with("breaking change:") || start.starts_with("breaking-change:"))
    })
}
