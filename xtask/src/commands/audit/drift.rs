//! Compares an app's manifest, the source of its version, with every other place that shows a version of the
//! app. Reads the tracked files in the working tree and the tags. Writes nothing and does not ask the index.

use crate::commands::plan;
use crate::finding::{Finding, Level};
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::model::{manifest, version};
use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use files::File;
use judge::Facts;
pub(super) use judge::Verdict;
use number::Wanted;
use owner::Owners;
use place::{Kind, Shown};
use semver::Version;
use serde::Serialize;
use tags::Tags;

mod constants;
mod docs;
mod files;
mod fix;
mod formats;
mod judge;
mod locks;
mod names;
mod number;
mod owner;
mod place;
mod read;
mod tags;
#[cfg(test)]
mod testing;

/// The places and findings of one app.
#[derive(Debug, Serialize)]
pub(super) struct AppDrift {
    pub app: String,
    /// `file:line` of the manifest's version, which the other places repeat.
    pub source: String,
    /// None if the manifest cannot be read.
    pub version: Option<Version>,
    /// The highest tag.
    pub released: Option<Version>,
    pub places: Vec<Place>,
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub(super) struct Place {
    /// `file:line`, or a tag.
    pub place: String,
    pub kind: Kind,
    /// The version as it is spelled there.
    pub shows: String,
    pub verdict: Verdict,
}

/// Finds the places of the given apps, in one pass over the files for all apps.
pub(super) fn drift(ctx: &Ctx, apps: &[&App]) -> Result<Vec<AppDrift>> {
    let every: Vec<&App> = ctx.ws.apps.iter().collect();
    if every.is_empty() {
        return Ok(Vec::new());
    }
    let files = files::candidates(&ctx.git, &ctx.ws.root, &every)?;
    let tags = tags::read(&ctx.git, &every)?;
    let branch = ctx.git.branch()?;
    let facts: Vec<Facts> = every.iter().map(|app| facts(ctx, app, &tags, branch.as_deref())).collect();
    let owners = Owners::new(&ctx.ws.root, &every, &files);
    apps.iter()
        .filter_map(|app| facts.iter().find(|f| f.app.name() == app.name()))
        .map(|own| of_app(ctx, own, apps, &facts, &owners, &files))
        .collect()
}

fn facts<'a>(ctx: &Ctx, app: &'a App, tags: &Tags, branch: Option<&'a str>) -> Facts<'a> {
    let line = branch.and_then(|b| plan::Line::of_branch(b, app.name()));
    let mut versions = tags.released(app.name());
    versions.retain(|v| line.is_none_or(|line| line.contains(v)));
    versions.sort();
    let flow = [&ctx.ws.settings.main, &ctx.ws.settings.development];
    let manifest = manifest::read(&ctx.ws.root, app).map_err(|e| format!("{e:#}"));
    let withdrawn = tags.withdrawn(app.name());
    let on_flow = branch.is_some_and(|b| flow.iter().any(|f| *f == b));
    Facts { app, manifest, tagged: versions, withdrawn, on_flow }
}

fn of_app<'a>(
    ctx: &Ctx,
    own: &Facts<'a>,
    selected: &[&App],
    every: &[Facts],
    owners: &Owners<'a>,
    files: &[File],
) -> Result<AppDrift> {
    let app = own.app;
    let file = app.dir.join(app.settings.ecosystem.manifest());
    let mut drift = AppDrift {
        app: app.name().to_string(),
        source: file.to_string(),
        version: None,
        released: own.released().cloned(),
        places: Vec::new(),
        findings: Vec::new(),
    };
    let version = match &own.manifest {
        Ok(version) => version,
        Err(why) => {
            let why = why.strip_prefix(&format!("{file}: ")).unwrap_or(why);
            drift.findings.push(
                Finding::new("manifest-unreadable", Level::Error, why).app(app.name()).place(file.as_str()),
            );
            return Ok(drift);
        }
    };
    drift.version = Some(version.clone());
    drift.source = format!("{file}:{}", source_line(ctx, app)?);
    let Declared { pins, missing } = declared(ctx, app)?;
    drift.findings.extend(missing);
    for (file, shown) in &pins {
        drift.add(own, &[own], file, shown, true);
    }
    for file in files {
        let (who, mut found) = read::shown(file, app, owners);
        let declared = |f: &Shown| {
            pins.iter().any(|(pin, d)| {
                pin.path == file.path && d.span.start < f.span.end && f.span.start < d.span.end
            })
        };
        found.retain(|f| !declared(f));
        found.sort_by_key(|f| (f.span.start, f.kind));
        found.dedup_by_key(|f| f.span.clone());
        let facts: Vec<&Facts> = every.iter().filter(|f| who.contains(&f.app.name())).collect();
        // A place that may mean several apps is reported only for the first of them.
        let reports = facts
            .iter()
            .find(|f| selected.iter().any(|app| app.name() == f.app.name()))
            .is_none_or(|f| f.app.name() == app.name());
        for shown in found {
            drift.add(own, &facts, file, &shown, reports);
        }
    }
    drift.add_changelogs(ctx, own);
    drift.add_tag(own, &file);
    Ok(drift)
}

/// The line of the manifest that holds the version. Found by writing another version: the first changed byte
/// is there.
fn source_line(ctx: &Ctx, app: &App) -> Result<usize> {
    let text = manifest::text(&ctx.ws.root, &app.dir.join(app.settings.ecosystem.manifest()))?;
    let other = app.settings.ecosystem.set_version(&text, &Version::new(u64::MAX, 0, 0))?;
    let same = text.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    Ok(place::line_of(&text, same))
}

#[derive(Default)]
struct Declared {
    pins: Vec<(File, Shown)>,
    missing: Vec<Finding>,
}

/// The app's declared pins. The first version in each file is the one that `bump` writes.
fn declared(ctx: &Ctx, app: &App) -> Result<Declared> {
    let mut declared = Declared::default();
    for path in manifest::pin_files(app)? {
        let say = |what: &str| {
            Finding::new("pin-missing", Level::Error, format!("{path} is a declared pin, but {what}"))
                .app(app.name())
                .place(path.as_str())
                .help(format!(
                    "write the version into it, or remove it from pins in {}/app.toml, [release]",
                    app.dir
                ))
        };
        // The pin may be a symbolic link: `bump` writes its target.
        let target = ctx.ws.root.join(&path).canonicalize_utf8().unwrap_or_else(|_| path.clone());
        match files::read(&ctx.ws.root, &target) {
            None => declared.missing.push(say("it is not a text file in the working tree")),
            Some(file) => match version::find(&file.text) {
                None => declared.missing.push(say("it contains no version")),
                Some((span, _)) => {
                    let shown = Shown {
                        kind: Kind::DeclaredPin,
                        wanted: Wanted::Exact(file.text[span.clone()].to_string()),
                        span,
                    };
                    declared.pins.push((File { path, ..file }, shown));
                }
            },
        }
    }
    Ok(declared)
}

impl AppDrift {
    fn add(&mut self, own: &Facts, who: &[&Facts], file: &File, shown: &Shown, reports: bool) {
        let Some((verdict, finding)) = judge::judge(own, who, file, shown) else { return };
        let place = format!("{}:{}", file.path, place::line_of(&file.text, shown.span.start));
        let shows = match &shown.wanted {
            Wanted::Exact(text) | Wanted::Range(text) => text.clone(),
        };
        self.findings.extend(finding.filter(|_| reports).map(|f| f.app(&self.app).place(&place)));
        self.places.push(Place { place, kind: shown.kind, shows, verdict });
    }

    /// Adds the repository's changelog and the one in the app's own folder.
    fn add_changelogs(&mut self, ctx: &Ctx, own: &Facts) {
        for (path, in_folder) in
            [(Utf8PathBuf::from("CHANGELOG.md"), false), (own.app.dir.join("CHANGELOG.md"), true)]
        {
            let Some(file) = files::read(&ctx.ws.root, &path) else { continue };
            let Some((shown, newest)) = docs::newest_section(&file.text, &own.app.tag_start(), in_folder)
            else {
                continue;
            };
            let place = format!("{path}:{}", place::line_of(&file.text, shown.span.start));
            let (verdict, finding) = judge::changelog(own, &newest);
            self.findings.extend(finding.map(|f| f.app(&self.app).place(&place)));
            self.places.push(Place { place, kind: shown.kind, shows: newest.to_string(), verdict });
        }
    }

    fn add_tag(&mut self, own: &Facts, manifest: &Utf8Path) {
        if let (Some((verdict, finding)), Some(highest)) = (judge::tag(own, manifest), own.highest()) {
            self.findings.extend(finding);
            self.places.push(Place {
                place: own.app.tag(highest),
                kind: Kind::Tag,
                shows: highest.to_string(),
                verdict,
            });
        }
    }
}
