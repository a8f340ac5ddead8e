//! From what changed for users, whoever has found it, to what it demands and what stops: one set of rules for
//! the contract and the API. Pure.

use super::Release;
use super::number::{Demands, Evidence};
use crate::finding::{Finding, Level};
use crate::model::commits::Entry;
use crate::model::evidence::{Accepted, Difference};
use crate::model::version::Bump;
use crate::model::workspace::{Acceptance, App};

#[cfg(test)]
mod tests;

/// So many breaks are enough to see what is meant.
const SHOWN: usize = 20;

/// What one source has to say.
pub struct Compared {
    pub source: &'static str,
    /// Who is broken: clients, users.
    pub whom: &'static str,
    /// What shows every difference.
    pub command: String,
    pub found: Result<Vec<Difference>, Unread>,
}

/// Why a source has nothing to say.
pub struct Unread {
    pub id: &'static str,
    pub level: Level,
    pub why: String,
    pub place: Option<String>,
    pub help: String,
}

#[derive(Debug, Default)]
pub struct Judged {
    pub evidence: Vec<Evidence>,
    pub findings: Vec<Finding>,
    pub accepted: Vec<Accepted>,
    /// Breaks that neither a commit declares nor `app.toml` accepts.
    pub undeclared: Vec<Difference>,
}

/// `declared` is a commit since `last` that says it breaks: it speaks for every break.
pub fn judge(app: &App, last: &Release, declared: Option<&Entry>, compared: &[Compared]) -> Judged {
    let mut judged = Judged { findings: stale(app, last), ..Judged::default() };
    let mut commands = Vec::new();
    for source in compared {
        let found = match &source.found {
            Ok(found) => found,
            Err(unread) => {
                judged.evidence.push(evidence(
                    source,
                    Demands::Level(Bump::None),
                    format!("not compared: {}; {}", first_line(&unread.why), unread.help),
                ));
                judged.findings.push(finding_of(app, unread));
                continue;
            }
        };
        let (accepted, open): (Vec<_>, Vec<_>) = found
            .iter()
            .map(|d| (app.settings.accepts(&d.id, &d.what, &last.version), d))
            .partition(|(by, _)| by.is_some());
        let open: Vec<&Difference> = open.into_iter().map(|(_, difference)| difference).collect();
        if !open.is_empty() || found.is_empty() {
            judged.evidence.push(open_evidence(source, last, declared, &open));
        }
        let mut told: Vec<&Acceptance> = Vec::new();
        for (by, difference) in accepted {
            let Some(by) = by else { continue };
            if !told.iter().any(|one| std::ptr::eq(*one, by)) {
                told.push(by);
                let why = format!("accepted for {}: {} [{}]", by.version, by.reason, by.id);
                judged.evidence.push(evidence(source, Demands::Version(by.version.clone()), why));
            }
            if difference.demands == Bump::Major {
                judged.accepted.push(Accepted { by: by.clone(), difference: difference.clone() });
            }
        }
        let breaks: Vec<Difference> =
            open.into_iter().filter(|d| d.demands == Bump::Major).cloned().collect();
        if declared.is_none() && !breaks.is_empty() {
            commands.push(source.command.as_str());
            judged.undeclared.extend(breaks);
        }
    }
    judged.findings.extend(undeclared(app, last, &judged.undeclared, &commands));
    judged
}

fn evidence(source: &Compared, demands: Demands, why: String) -> Evidence {
    Evidence { source: source.source, demands, why }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches(':')
}

/// The row of what nobody has accepted.
fn open_evidence(
    source: &Compared,
    last: &Release,
    declared: Option<&Entry>,
    open: &[&Difference],
) -> Evidence {
    let demands = open.iter().map(|d| d.demands).max().unwrap_or_default();
    let gravest: Vec<&&Difference> = open.iter().filter(|d| d.demands == demands).collect();
    let Some(first) = gravest.first() else {
        let why = format!("nothing changed for {} since {}", source.whom, last.tag);
        return evidence(source, Demands::Level(Bump::None), why);
    };
    let what = match demands {
        Bump::Major => format!("breaks {}", source.whom),
        Bump::Minor => "changed".to_string(),
        Bump::Patch | Bump::None => "changed in ways that break nobody for certain".to_string(),
    };
    let more = if gravest.len() > 1 { format!(", and {} more", gravest.len() - 1) } else { String::new() };
    let declared = declared.filter(|_| demands == Bump::Major);
    let declared = declared
        .map(|commit| format!("; declared by {} ({})", commit.subject, commit.short()))
        .unwrap_or_default();
    evidence(
        source,
        Demands::Level(demands),
        format!("{what} since {}: {}{more}{declared}", last.tag, first.message),
    )
}

fn finding_of(app: &App, unread: &Unread) -> Finding {
    let finding =
        Finding::new(unread.id, unread.level, unread.why.clone()).app(app.name()).help(unread.help.clone());
    match &unread.place {
        Some(place) => finding.place(place),
        None => finding,
    }
}

fn undeclared(app: &App, last: &Release, breaks: &[Difference], commands: &[&str]) -> Option<Finding> {
    let first = breaks.first()?;
    // The finding's own place is printed behind it.
    let alone = breaks.len() == 1;
    let place = |d: &Difference| if alone { String::new() } else { format!(" ({})", d.place) };
    let mut lines: Vec<String> =
        breaks.iter().take(SHOWN).map(|d| format!("[{}] {}{}", d.id, d.message, place(d))).collect();
    if breaks.len() > SHOWN {
        lines.push(format!("and {} more: {}", breaks.len() - SHOWN, commands.join(" ; ")));
    }
    let message =
        format!("breaks those who use {}, and no commit declares it:\n  {}", last.tag, lines.join("\n  "));
    let accept = format!(
        "[[accept]] id = {:?}, what = {:?}, version = the next one, reason = \"…\"",
        first.id, first.what
    );
    Some(Finding::new("undeclared-break", Level::Breaking, message).app(app.name()).place(if alone { first.place.as_str() } else { app.dir.as_str() }).help(format!(
        "declare it: `!` after the type of the commit that does it, or a footer `BREAKING CHANGE: what to do` (git commit --amend)\nor, where that commit is merged already, declare it in a new one that touches {}\nor revert it\nor, if it breaks nobody, accept it in {}/app.toml: {accept}\n(cargo xtask bump {} --confirm-breaking \"why\" writes that for every one)",
        app.dir, app.dir, app.name()
    )))
}

/// What was accepted for a release that is out means nothing any more.
fn stale(app: &App, last: &Release) -> Vec<Finding> {
    let stale = app.settings.accept.iter().filter(|a| a.version <= last.version);
    stale
        .map(|a| {
            let message = format!(
                "{} was accepted for {}, and {} is released: {}",
                a.id, a.version, last.version, a.reason
            );
            Finding::new("acceptance-stale", Level::Warning, message)
                .app(app.name())
                .place(app.dir.join("app.toml"))
                .help("take that [[accept]] out")
        })
        .collect()
}
