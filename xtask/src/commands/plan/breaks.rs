//! Turns the differences that users notice into evidence and findings: which version they demand, and which
//! breaks stop the plan. The same rules apply to the spec, compat.json and the public API. Pure.

use super::LastRelease;
use super::decide::{Demands, Evidence};
use crate::finding::{Finding, Level};
use crate::model::commits::Entry;
use crate::model::evidence::{Accepted, Difference};
use crate::model::version::Bump;
use crate::model::workspace::{Acceptance, App};

#[cfg(test)]
mod tests;

/// How many breaks a finding lists.
const SHOWN: usize = 20;

/// The differences that one source found.
pub(super) struct Compared {
    pub source: &'static str,
    /// Who is affected: clients, users.
    pub whom: &'static str,
    /// The command that shows every difference.
    pub command: String,
    pub found: Result<Vec<Difference>, Unread>,
}

/// Why a source could not be compared.
pub(super) struct Unread {
    pub id: &'static str,
    pub level: Level,
    pub why: String,
    pub place: Option<String>,
    pub help: String,
}

#[derive(Debug, Default)]
pub(super) struct Judged {
    pub evidence: Vec<Evidence>,
    pub findings: Vec<Finding>,
    pub accepted: Vec<Accepted>,
    /// Breaks that neither a commit declares nor `app.toml` accepts.
    pub undeclared: Vec<Difference>,
    /// Everything that was found, with its source.
    pub differences: Vec<(&'static str, Difference)>,
}

/// `declared` is a commit since `last` that declares a breaking change: it covers every break.
pub(super) fn judge(
    app: &App,
    last: &LastRelease,
    declared: Option<&Entry>,
    compared: &[Compared],
) -> Judged {
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
        judged.differences.extend(found.iter().map(|found| (source.source, found.clone())));
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

/// The evidence row of the differences that `app.toml` does not accept.
fn open_evidence(
    source: &Compared,
    last: &LastRelease,
    declared: Option<&Entry>,
    open: &[&Difference],
) -> Evidence {
    let demands = open.iter().map(|d| d.demands).max().unwrap_or_default();
    let severest: Vec<&&Difference> = open.iter().filter(|d| d.demands == demands).collect();
    let Some(first) = severest.first() else {
        let why = format!("nothing changed for {} since {}", source.whom, last.tag);
        return evidence(source, Demands::Level(Bump::None), why);
    };
    let what = match demands {
        Bump::Major => format!("breaks {}", source.whom),
        Bump::Minor => "changed".to_string(),
        Bump::Patch | Bump::None => "changed in ways that may break somebody".to_string(),
    };
    let more = if severest.len() > 1 { format!(", and {} more", severest.len() - 1) } else { String::new() };
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

fn undeclared(app: &App, last: &LastRelease, breaks: &[Difference], commands: &[&str]) -> Option<Finding> {
    let first = breaks.first()?;
    // A single break is the finding's own place, which is printed with the finding.
    let alone = breaks.len() == 1;
    let place = |d: &Difference| if alone { String::new() } else { format!(" ({})", d.place) };
    let mut lines: Vec<String> =
        breaks.iter().take(SHOWN).map(|d| format!("[{}] {}{}", d.id, d.message, place(d))).collect();
    if breaks.len() > SHOWN {
        lines.push(format!("and {} more: {}", breaks.len() - SHOWN, commands.join(" ; ")));
    }
    let message =
        format!("breaks users of {}, and no commit declares it:\n  {}", last.tag, lines.join("\n  "));
    let accept = format!(
        "[[accept]] id = {:?}, what = {:?}, version = the next one, reason = \"…\"",
        first.id, first.what
    );
    let help = format!(
        "declare it: `!` after the type of the commit that breaks, or a footer `BREAKING CHANGE: what to do` \
         (git commit --amend)\n\
         or, if that commit is already merged, declare it in a new commit that changes a file of {dir}\n\
         or revert it\n\
         or, if it breaks nobody, accept it in {dir}/app.toml: {accept}\n\
         (cargo xtask bump {app} --confirm-breaking \"why\" writes that entry for every break)",
        dir = app.dir,
        app = app.name()
    );
    let place = if alone { first.place.as_str() } else { app.dir.as_str() };
    let finding = Finding::new("undeclared-break", Level::Breaking, message).app(app.name());
    Some(finding.place(place).help(help))
}

/// An acceptance for a version that is already released has no effect.
fn stale(app: &App, last: &LastRelease) -> Vec<Finding> {
    let stale = app.settings.accept.iter().filter(|a| a.version <= last.version);
    stale
        .map(|a| {
            let message = format!(
                "the [[accept]] of {} for {} has no effect: {} is already released",
                a.id, a.version, last.version
            );
            Finding::new("acceptance-stale", Level::Warning, message)
                .app(app.name())
                .place(app.dir.join("app.toml"))
                .help("remove that [[accept]]")
        })
        .collect()
}
