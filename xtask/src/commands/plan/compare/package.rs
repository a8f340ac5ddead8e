//! Compares the public API, that is what users of the package import, between the last release and HEAD: the
//! evidence source `api`.

use super::super::LastRelease;
use super::super::breaks::{Compared, Unread};
use super::{Entry, Exit, Level, Pair, Reach, Result, api, tools};
use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::model::version::Bump;
use crate::model::workspace::App;

pub(super) fn compare(
    ctx: &Ctx,
    app: &App,
    last: &LastRelease,
    trees: &Pair,
    requires: &[Option<String>; 2],
    reach: Reach,
) -> Result<Compared> {
    let compared = |found| Compared {
        source: "api",
        whom: "users",
        command: format!("cargo xtask api diff {}", app.name()),
        found,
    };
    // The tools' versions are part of the cache key: another version may read another API.
    let tools: Vec<String> =
        tools::TOOLS.iter().map(|tool| format!("{} {}", tool.name, tool.version)).collect();
    let public = [&app.settings.api.public[..], &app.settings.api.private].map(|names| names.join("\n"));
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let trees = [&trees.old, &trees.new].map(known).join("\0");
    let requires = requires.each_ref().map(known).join("\0");
    let entry = Entry::of(&[
        "api",
        app.name(),
        app.dir.as_str(),
        &public.join("\0"),
        &tools.join("\n"),
        &trees,
        &requires,
    ]);
    let tag = format!("refs/tags/{}", last.tag);
    let missing = if reach == Reach::Offline && entry.read().is_none() {
        api::missing(ctx, app, &[&tag, "HEAD"])?
    } else {
        None
    };
    if let Some((why, help)) = missing {
        let unread = Unread { id: "api-unread", level: Level::Warning, why, place: None, help };
        return Ok(compared(Err(unread)));
    }
    let found = match entry
        .or_found(|| Ok(api::between(ctx, app, &tag, "HEAD")?.changes.iter().map(difference).collect()))
    {
        Ok(found) => Ok(found),
        // Wrong settings are the user's to fix, so the error is passed on.
        Err(error) if error.is::<Exit>() => return Err(error),
        Err(error) => Err(unreadable(ctx, app, last, error)),
    };
    Ok(compared(found))
}

fn difference(change: &diff::change::Change) -> Difference {
    let demands = match change.level {
        Level::Breaking | Level::Error => Bump::Major,
        // SemVer 2.0.0, 7: new functionality, and what is marked as deprecated.
        Level::Info if change.id.ends_with("-added") || change.id == "deprecated" => Bump::Minor,
        Level::Warning | Level::Info => Bump::Patch,
    };
    let finding = change.finding();
    let place = finding.place.unwrap_or_default();
    Difference {
        id: change.id.clone(),
        demands,
        what: change.symbol.clone(),
        message: finding.message,
        place,
    }
}

/// Only a warning if the release is what cannot be read: it is published and cannot be fixed, so it must not
/// stop the next one. An error if HEAD cannot be read.
fn unreadable(ctx: &Ctx, app: &App, last: &LastRelease, error: anyhow::Error) -> Unread {
    let ours = api::between(ctx, app, "HEAD", "HEAD").is_err();
    let (level, help) = match ours {
        true => {
            // Not `api diff`: it fails also if only the release cannot be read.
            let check = format!("cargo xtask plan {}", app.name());
            (Level::Error, format!("correct and commit what the message names, then check it: {check}"))
        }
        false => (
            Level::Warning,
            "only the commits decide the version: declare breaking changes in them".to_string(),
        ),
    };
    let why = format!(
        "the API cannot be compared with {}, so breaking changes are not detected: {error:#}",
        last.tag
    );
    Unread { id: "api-unreadable", level, why, place: None, help }
}
