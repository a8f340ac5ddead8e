//! Checks that the title of a pull request declares at least the bump that its commits declare. A squash
//! merge through Gitea's API keeps only the title and `(#N)`, and GitHub can be configured to do the same. A
//! bump that the title does not declare is then lost for the version and the changelog.

use super::event::{Keeps, Squash};
use crate::commands::plan;
use crate::finding::{Finding, Level};
use crate::model::commits::Commit;
use crate::model::ctx::Ctx;
use crate::model::version::Bump;
use crate::model::workspace::App;
use crate::model::{affected, commits};
use anyhow::Result;

/// One finding for all apps for which the title declares too small a bump.
pub(super) fn finding(ctx: &Ctx, base: &str, squash: &Squash) -> Result<Option<Finding>> {
    let Some(branch_point) = affected::branch_point(ctx, base) else { return Ok(None) };
    // The plan reads the commits of development from there, also after a squash into main. So a promotion has
    // no commits to check, and a hotfix only its own.
    let mut bounds = vec![format!("^{branch_point}")];
    if base != ctx.ws.settings.development {
        bounds.extend(
            affected::branch_point(ctx, &ctx.ws.settings.development).map(|commit| format!("^{commit}")),
        );
    }
    let range: Vec<&str> = std::iter::once("HEAD").chain(bounds.iter().map(String::as_str)).collect();
    let title = &squash.title;
    let kept = match &squash.keeps {
        Keeps::Commits { own_title: true } => return Ok(None),
        Keeps::Commits { .. } if several(ctx, &range)? => return Ok(None),
        Keeps::Commits { .. } | Keeps::Title => title.clone(),
        Keeps::Description(text) => format!("{title} (#1)\n\n{text}"),
    };
    let names: Vec<&str> = ctx.ws.names.iter().map(String::as_str).collect();
    let declared = |app: &App| {
        let squash = Commit { id: String::new(), merge: false, message: kept.clone(), released: None };
        commits::highest(&commits::entries(&[squash], app.name(), &names))
    };
    let mut weak: Vec<(&App, Bump, Bump)> = Vec::new();
    for app in &ctx.ws.apps {
        let brought = plan::commits(ctx, app, &range)?;
        let (demanded, kept) =
            (commits::highest(&commits::entries(&brought, app.name(), &names)), declared(app));
        if !brought.is_empty() && kept < demanded {
            weak.push((app, demanded, kept));
        }
    }
    let Some(&(_, highest, _)) = weak.iter().max_by_key(|(_, demanded, _)| *demanded) else {
        return Ok(None);
    };
    let which: Vec<String> = weak
        .iter()
        .map(|(app, demanded, kept)| format!("{} {}, not {}", app.name(), demanded.word(), kept.word()))
        .collect();
    let message = format!(
        "the title {title:?} declares less than the commits ({}), and a squash may keep only the title",
        which.join("; ")
    );
    let apps: Vec<&str> = weak.iter().map(|(app, ..)| app.name()).collect();
    let mut help = format!("set the title to: {}", enough(title, highest, &apps));
    if weak.iter().any(|(_, demanded, _)| *demanded != highest) || weak.len() < ctx.ws.apps.len() {
        help += "\nthe title's type applies to every app that the pull request changes; to bump fewer apps, \
                 open one pull request per app, or let the forge keep the commits in the squash's message";
    }
    Ok(Some(Finding::new("title-too-weak", Level::Error, message).help(help)))
}

fn several(ctx: &Ctx, range: &[&str]) -> Result<bool> {
    let args: Vec<&str> =
        ["rev-list", "--count", "--no-merges"].into_iter().chain(range.iter().copied()).collect();
    Ok(ctx.git.read(&args)?.trim() != "1")
}

/// The title with the same description, and with a type that declares the bump.
fn enough(title: &str, level: Bump, apps: &[&str]) -> String {
    let title = commits::strip_reference(title.trim());
    let (head, description) =
        title.split_once(": ").filter(|(head, _)| !head.contains(' ')).unwrap_or(("", title));
    let kind = head.split(['(', '!']).next().unwrap_or_default();
    let scope = head
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or_else(|| apps.join(","), |(scope, _)| scope.into());
    let kind = match level {
        Bump::Major if !kind.is_empty() => format!("{kind}({scope})!"),
        Bump::Major => format!("feat({scope})!"),
        Bump::Minor => format!("feat({scope})"),
        _ => format!("fix({scope})"),
    };
    format!("{kind}: {description}")
}
