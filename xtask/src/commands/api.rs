//! `api diff APP [OLD [NEW]]`: lists the changes for users who import an app's package. Exit code 3 if one
//! breaks them. `plan` uses the result in plan/compare.

use crate::finding::{Finding, Level, to_json};
use crate::flags::{self, Format};
use crate::model::ctx::Ctx;
use crate::model::language::Ecosystem;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::ui::report::{Report, Row, counted, one_format, paint, plain, plural, written};
use crate::sys::{tools, ui};
use ::diff::change::Change;
use anyhow::Result;
use camino::Utf8PathBuf;
use serde_json::json;
use std::io::Write;

pub(crate) mod python;
pub(crate) mod ts;

/// `last` returns the tag of an app's last release.
pub(crate) fn command(
    ctx: &Ctx,
    command: &flags::Api,
    last: fn(&Ctx, &App) -> Result<Option<String>>,
) -> Result<()> {
    match command {
        flags::Api::Diff { app, old, new, format } => {
            one_format(ctx.json, *format)?;
            let app = ctx.ws.app(app)?;
            supported(app)?;
            let old = match old {
                Some(old) => Some(old.clone()),
                None => last(ctx, app)?,
            };
            diff(ctx, app, old.as_deref(), new, *format)
        }
    }
}

fn diff(ctx: &Ctx, app: &App, old: Option<&str>, new: &str, format: Format) -> Result<()> {
    let Some(old) = old else {
        if ctx.json {
            ui::print(to_json(&[]));
        } else {
            ui::print(format_args!("{} has no release yet: there is nothing to compare with", app.name()));
        }
        return Ok(());
    };
    let Compared { changes, guarded } = between(ctx, app, old, new)?;
    let findings: Vec<Finding> = changes.iter().map(|change| change.finding().app(app.name())).collect();
    if ctx.json {
        let mut document = to_json(&findings);
        for (change, finding) in changes.iter().zip(document["findings"].as_array_mut().into_iter().flatten())
        {
            finding["symbol"] = json!(change.symbol);
            finding["old"] = json!(change.was);
            finding["new"] = json!(change.is);
            finding["who"] = json!(change.whom);
        }
        document["guarded"] = guarded.into();
        ui::print(document);
    } else {
        let title = format!("Public API of {}: {old} and {new}", app.name());
        let text = match format {
            Format::Text => show(&changes) + &extent(&guarded),
            _ => written(&report(title, &changes), format).unwrap_or_default(),
        };
        // A closed pipe (`| head`) is not an error.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
    match findings.iter().filter(|finding| finding.stops()).count() {
        0 => Ok(()),
        // The findings are already printed.
        n => Err(Exit::Refused(format!("{} between {old} and {new}", plural(n, "breaking change"))).into()),
    }
}

fn supported(app: &App) -> Result<()> {
    if app.settings.api.public.is_empty() {
        let file = app.dir.join("app.toml");
        let (what, example) = match app.settings.ecosystem {
            Ecosystem::Python => ("module", "the_package"),
            Ecosystem::Ts => ("entry point", "."),
        };
        return Err(Exit::Usage(format!(
            "{file} names no public {what}; add [api] with public = [{example:?}]"
        ))
        .into());
    }
    Ok(())
}

/// Whether the app names a public API in `[api] public`.
pub(crate) fn guarded(app: &App) -> bool {
    !app.settings.api.public.is_empty()
}

/// The folders that the API may be read from, the narrowest first.
pub(crate) fn folders(app: &App) -> Vec<Utf8PathBuf> {
    match app.settings.ecosystem {
        Ecosystem::Python => vec![app.dir.join("src"), app.dir.clone()],
        Ecosystem::Ts => vec![app.dir.clone()],
    }
}

/// The manifest, if it is not in the narrowest of [`folders`] but decides what [`between`] finds.
pub(crate) fn manifest(app: &App) -> Option<Utf8PathBuf> {
    match app.settings.ecosystem {
        Ecosystem::Python => Some(app.dir.join(python::MANIFEST)),
        Ecosystem::Ts => None,
    }
}

/// What that manifest says at a revision about the versions of the language. None if it says nothing.
pub(crate) fn requires(ctx: &Ctx, app: &App, revision: &str) -> Option<String> {
    match app.settings.ecosystem {
        Ecosystem::Python => python::requires_python(ctx, app, revision),
        Ecosystem::Ts => None,
    }
}

/// The pinned tool that reads the API.
fn reader(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Python => "griffe",
        Ecosystem::Ts => "typescript",
    }
}

/// What must be downloaded before the API at these revisions can be read, and the command that does it. None
/// if nothing is missing.
pub(crate) fn missing(ctx: &Ctx, app: &App, revisions: &[&str]) -> Result<Option<(String, String)>> {
    let reader = reader(app.settings.ecosystem);
    if !tools::is_installed(reader) {
        return Ok(Some((
            format!("{reader}, which reads the API, is not installed yet"),
            "cargo xtask setup".into(),
        )));
    }
    for revision in revisions {
        let available = match app.settings.ecosystem {
            Ecosystem::Python => true,
            Ecosystem::Ts => ts::declarations::available(ctx, app, &ctx.git.commit(revision)?)?,
        };
        if !available {
            let why = format!(
                "the dependencies at {revision}, which the declarations need, are not in the cache yet"
            );
            return Ok(Some((why, format!("cargo xtask api diff {}", app.name()))));
        }
    }
    Ok(None)
}

/// The result of a comparison.
pub(crate) struct Compared {
    /// The changes for users, the most severe first.
    pub changes: Vec<Change>,
    /// The modules or entry points that were compared.
    pub guarded: Vec<String>,
}

/// Compares an app at two revisions.
pub(crate) fn between(ctx: &Ctx, app: &App, old: &str, new: &str) -> Result<Compared> {
    let (before, after) = (ctx.git.commit(old)?, ctx.git.commit(new)?);
    match app.settings.ecosystem {
        Ecosystem::Python => python::compared(ctx, app, &before, &after),
        Ecosystem::Ts => ts::compared(ctx, app, &before, &after),
    }
}

const NOTHING: &str = "no difference that a user of the package can notice";
const WORDS: &[(Level, &str)] =
    &[(Level::Breaking, "breaking"), (Level::Warning, "risky"), (Level::Info, "info")];

fn report(title: String, changes: &[Change]) -> Report<'_> {
    let rows = changes.iter().map(|change| {
        let values = match (&change.was, &change.is) {
            (Some(was), Some(is)) if was != is => format!("; was `{was}`, is `{is}`"),
            (Some(was), None) => format!("; was `{was}`"),
            _ => String::new(),
        };
        let whom = if change.whom.is_empty() { String::new() } else { format!("; breaks {}", change.whom) };
        let file =
            change.place.rsplit_once(':').and_then(|(file, line)| Some((file.into(), line.parse().ok()?)));
        Row {
            id: &change.id,
            level: change.level,
            fails: change.level >= Level::Error,
            subject: change.symbol.clone(),
            message: format!("{}{values}{whom}", change.message),
            place: change.where_(),
            file,
        }
    });
    Report { title, nothing: NOTHING, rows: rows.collect(), words: WORDS }
}

/// Groups the changes by symbol, the most severe first: its signatures, one line for each change, and the
/// counts at the end.
fn show(changes: &[Change]) -> String {
    if changes.is_empty() {
        return format!("{NOTHING}\n");
    }
    let mut text = String::new();
    let mut groups: Vec<Vec<&Change>> = Vec::new();
    for change in changes {
        match groups.iter_mut().find(|list| list[0].symbol == change.symbol) {
            Some(list) => list.push(change),
            None => groups.push(vec![change]),
        }
    }
    for list in groups {
        text.push_str(&format!("{}\n", paint(ui::bold, &list[0].symbol)));
        for (i, change) in list.iter().enumerate() {
            let same = i > 0 && (&list[i - 1].was, &list[i - 1].is) == (&change.was, &change.is);
            if change.was != change.is && !same {
                change
                    .was
                    .iter()
                    .for_each(|was| text.push_str(&format!("  {}\n", paint(ui::red, &format!("- {was}")))));
                change
                    .is
                    .iter()
                    .for_each(|is| text.push_str(&format!("  {}\n", paint(ui::green, &format!("+ {is}")))));
            }
            let whom =
                if change.whom.is_empty() { String::new() } else { format!("; breaks {}", change.whom) };
            let place = paint(ui::dim, &format!("[{}] {}", change.id, change.where_()));
            text.push_str(&format!("  {} {}{whom} {place}\n", level(change.level), plain(&change.message)));
        }
    }
    let levels: Vec<Level> = changes.iter().map(|change| change.level).collect();
    text + &counted(&levels, WORDS)
}

/// The parts of the API that were compared. A reader can see from it what was not.
fn extent(guarded: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = match guarded.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let shown = guarded.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    format!("compared: {shown}{more}\n")
}

fn level(level: Level) -> String {
    match level {
        Level::Breaking | Level::Error => paint(ui::red, "breaking"),
        Level::Warning => paint(ui::yellow, "risky   "),
        Level::Info => paint(ui::dim, "info    "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_installs_the_tools_that_read_the_api() {
        for ecosystem in [Ecosystem::Python, Ecosystem::Ts] {
            assert!(ecosystem.tools().contains(&reader(ecosystem)), "{ecosystem:?}");
        }
    }
}
