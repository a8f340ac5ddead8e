//! The plan of a rollback: from what the remote and the registries have to what is done, what stays, and what
//! only a person can do. Pure.

use super::found::{Found, Image, PageFound};
use crate::ecosystem::gitea::Package;
use crate::ecosystem::{Shown, Way};
use crate::model::workspace::App;
use semver::Version;

#[cfg(test)]
mod tests;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Mark { commit: String },
    MoveImage { to: Version, digest: String },
    DeleteImage(Package),
    MoveDistTag { to: Version },
    RemoveDistTag(String),
    Withdraw(Way),
    MarkPage { url: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Todo(Action),
    Done,
    /// It is left as it is on purpose.
    Stays,
    /// Only a person can do it.
    ByHand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub what: &'static str,
    pub state: State,
    pub text: String,
}

impl Line {
    pub(super) fn action(&self) -> Option<&Action> {
        if let State::Todo(action) = &self.state { Some(action) } else { None }
    }
}

impl Action {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Action::Mark { .. } => "mark",
            Action::MoveImage { .. } | Action::DeleteImage(_) => "image",
            Action::MoveDistTag { .. } | Action::RemoveDistTag(_) => "dist-tag",
            Action::Withdraw(_) => "package",
            Action::MarkPage { .. } => "page",
        }
    }

    pub(super) fn is_on_index(&self) -> bool {
        match self {
            Action::MoveDistTag { .. } | Action::RemoveDistTag(_) | Action::Withdraw(_) => true,
            Action::Mark { .. } | Action::MoveImage { .. } | Action::DeleteImage(_) => false,
            Action::MarkPage { .. } => false,
        }
    }

    /// The state after the action.
    pub(super) fn done(&self, app: &App, version: &Version) -> String {
        let package = format!("{}@{version}", app.settings.package);
        match self {
            Action::Mark { .. } => format!("{} pushed", app.mark(version)),
            Action::MoveImage { to, digest } => format!("latest is v{to} ({digest})"),
            Action::DeleteImage(tag) => format!("the image's tag {} is removed", tag.version()),
            Action::MoveDistTag { to } => format!("{}@latest is {to}", app.settings.package),
            Action::RemoveDistTag(tag) => format!("{}@{tag} is removed", app.settings.package),
            Action::Withdraw(Way::Deprecate) => format!("{package} is deprecated"),
            Action::Withdraw(_) => format!("{package} is removed"),
            Action::MarkPage { url } => format!("{url} is marked as withdrawn"),
        }
    }
}

/// In the order of execution. The mark comes first: from then on no run of `release` moves `latest` to the
/// version again.
pub(super) fn of(app: &App, version: &Version, reason: &str, found: &Found) -> Vec<Line> {
    let line = |what, state, text| Line { what, state, text };
    let mark = app.mark(version);
    let mut lines = vec![match found.marked {
        true => line("mark", State::Done, format!("{mark} is on the remote")),
        false => line(
            "mark",
            State::Todo(Action::Mark { commit: found.commit.clone() }),
            format!("push the tag {mark}: plan, release and audit no longer count the version as out"),
        ),
    }];
    lines.extend(found.image.iter().flat_map(|image| of_image(version, image)));
    lines.extend(dist_tags(app, version, found));
    lines.push(package(app, version, reason, found));
    lines.push(page(app, version, &found.page));
    lines.push(line("tag", State::Stays, format!("the git tag {} stays", app.tag(version))));
    lines
}

fn of_image(version: &Version, image: &Image) -> Vec<Line> {
    let name = &image.name;
    let line = |state, text| Line { what: "image", state, text };
    let Some(own) = &image.own else {
        return vec![line(State::Done, format!("the registry has no {name}:v{version}"))];
    };
    let latest = match (&image.newest, image.latest.as_ref() == Some(own)) {
        (_, false) => line(State::Done, format!("{name}:latest is not v{version}")),
        (None, true) => line(
            State::Stays,
            format!("{name}:latest stays at v{version}: there is no other release to move it to"),
        ),
        (Some((to, digest)), true) => line(
            State::Todo(Action::MoveImage { to: to.clone(), digest: digest.clone() }),
            format!("move {name}:latest from v{version} to v{to} ({digest})"),
        ),
    };
    let delete = |tag: &Package| {
        line(State::Todo(Action::DeleteImage(tag.clone())), format!("remove {name}:{}", tag.version()))
    };
    let own: Vec<Line> = match image.deletable.as_slice() {
        [] => vec![line(State::Stays, format!("{name}:v{version} stays, for users who pin it"))],
        tags => tags.iter().map(delete).collect(),
    };
    [vec![latest], own].concat()
}

/// The dist-tags that name the version. None of them is left.
fn dist_tags(app: &App, version: &Version, found: &Found) -> Vec<Line> {
    let package = &app.settings.package;
    let line = |state, text| Line { what: "dist-tag", state, text };
    let mine = |tag: &str| found.dist_tags.get(tag).is_some_and(|v| *v == version.to_string());
    let mut lines = Vec::new();
    if let Some(latest) = found.dist_tags.get("latest") {
        lines.push(match (&found.newest, mine("latest")) {
            (_, false) => line(State::Done, format!("{package}@latest is {latest}")),
            (Some(to), true) => line(
                State::Todo(Action::MoveDistTag { to: to.clone() }),
                format!("move {package}@latest from {version} to {to}"),
            ),
            (None, true) => line(
                State::Stays,
                format!("{package}@latest stays at {version}: there is no other release to move it to"),
            ),
        });
    }
    for tag in found.dist_tags.keys().filter(|tag| *tag != "latest" && mine(tag)) {
        let text = format!("remove {package}@{tag}, which names {version}");
        lines.push(line(State::Todo(Action::RemoveDistTag(tag.clone())), text));
    }
    lines
}

fn package(app: &App, version: &Version, reason: &str, found: &Found) -> Line {
    let (package, index) = (format!("{}@{version}", app.settings.package), &found.index);
    let line = |state, text| Line { what: "package", state, text };
    match (found.shown, &found.way) {
        (Shown::Absent, _) => line(State::Done, format!("{index} does not have {package}")),
        (Shown::Withdrawn, _) => line(State::Done, format!("{package} is withdrawn on {index}")),
        (Shown::Offered, Way::ByHand(page)) => {
            line(State::ByHand, format!("yank {} {version}: {page}", app.settings.package))
        }
        (Shown::Offered, way) => {
            let text = match way {
                Way::Deprecate => format!("deprecate {package} on {index}: {reason}"),
                _ => format!("remove {package} from {index}"),
            };
            line(State::Todo(Action::Withdraw(way.clone())), text)
        }
    }
}

fn page(app: &App, version: &Version, found: &PageFound) -> Line {
    let (state, text) = match found {
        PageFound::Unknown(reason) => (State::Stays, format!("the release page is not marked ({reason})")),
        PageFound::Absent => (State::Done, format!("the forge has no release page {}", app.tag(version))),
        PageFound::Marked(url) => (State::Done, format!("{url} is marked as withdrawn")),
        PageFound::Unmarked(url) => {
            let text = format!("mark {url} as withdrawn: make it a pre-release, and add a notice");
            (State::Todo(Action::MarkPage { url: url.clone() }), text)
        }
    };
    Line { what: "page", state, text }
}
