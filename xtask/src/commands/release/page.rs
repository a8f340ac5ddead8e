//! The release page on the forge. `page-draft` creates a draft with the files before anything is published;
//! `page` makes it public after the verification. A resumed release takes its files from the page.

use super::{Release, State, latest, remote_moved, sbom};
use crate::ecosystem::DistFile;
use crate::finding::{Finding, Level};
use crate::forge::{Forge, NewPage, Page};
use crate::model::changelog;
use crate::model::workspace::ForgeKind;
use crate::sys::exit::Exit;
use crate::sys::hash::sha256;
use crate::sys::ui::report::plural;
use anyhow::{Context, Result};
use serde_json::json;

/// `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// The state of the draft: done once the page, draft or public, has every file.
pub(crate) fn draft_state(release: &Release) -> Result<State> {
    let forge = match Forge::connect(release.ctx)? {
        Ok(forge) => forge,
        Err(reason) => return Ok(State::Skip(reason)),
    };
    let page = forge.page(&release.tag_name)?;
    let (Some(page), true) = (page, release.tag().is_some()) else { return Ok(State::Todo) };
    let missing = missing(release, &page)?;
    if !missing.is_empty() {
        return Ok(State::Todo);
    }
    let what = if page.draft { "the draft has" } else { "the page has" };
    Ok(State::Done(format!("{what} {}", plural(page.assets.len(), "file"))))
}

/// The files that the page does not have exactly once and whole.
fn missing(release: &Release, page: &Page) -> Result<Vec<String>> {
    let extras = extras(release)?;
    let sums = sums(release, &extras);
    let dist = release.tag().map(|tag| tag.dist.as_slice()).unwrap_or_default();
    let wanted = dist.iter().map(|(name, _)| (name.as_str(), None)).chain(
        extras
            .iter()
            .map(|(name, bytes)| (name.as_str(), Some(bytes.len())))
            .chain([(SUMS, Some(sums.len()))]),
    );
    let is_there = |name: &str, size: Option<usize>| {
        let mut same = page.assets.iter().filter(|asset| asset.name == name);
        let first =
            same.next().filter(|asset| asset.is_whole() && size.is_none_or(|size| asset.size == size));
        first.is_some() && same.next().is_none()
    };
    Ok(wanted.filter(|(name, size)| !is_there(name, *size)).map(|(name, _)| name.to_string()).collect())
}

pub(crate) fn draft_preview(release: &Release) -> Vec<String> {
    let dist = release.dist().iter().map(|file| file.name.clone());
    let extras = extras(release).unwrap_or_default().into_iter().map(|(name, _)| name);
    let files: Vec<String> = dist.chain(extras).chain([SUMS.to_string()]).collect();
    vec![format!("create a draft of the release page {} with {}", release.tag_name, files.join(", "))]
}

pub(crate) fn draft_run(release: &Release) -> Result<String> {
    let forge = connected(release)?;
    let page = forge.draft_page(&NewPage {
        tag: &release.tag_name,
        commit: &release.commit,
        title: &release.title(),
        body: &body(release)?,
        prerelease: !release.version.pre.is_empty(),
    })?;
    let extras = extras(release)?;
    let mut files = Vec::new();
    for file in release.dist() {
        let bytes = std::fs::read(&file.path).with_context(|| format!("cannot read {}", file.path))?;
        files.push((file.name.clone(), bytes));
    }
    let sums = sums(release, &extras).into_bytes();
    files.extend(extras);
    files.push((SUMS.to_string(), sums));
    let mut uploaded = 0;
    for (name, bytes) in &files {
        uploaded += usize::from(forge.upload(&page, name, bytes)?);
    }
    let again = keep_draft(release, &forge)?;
    let what = if page.draft || again.is_some() { "draft" } else { "page" };
    let there = files.len() - uploaded;
    let seen = format!("{what} {}: {uploaded} uploaded, {there} already there", page.url);
    Ok([Some(seen), again].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Makes the page a draft again, if this run has to publish it and it is public already. Gitea handles the
/// push of a tag some time after it, and then makes the draft of that tag public.
fn keep_draft(release: &Release, forge: &Forge) -> Result<Option<String>> {
    if forge.kind() != ForgeKind::Gitea || !release.open.contains(&"page") {
        return Ok(None);
    }
    let Some(page) = forge.page(&release.tag_name)?.filter(|page| !page.draft) else { return Ok(None) };
    forge.edit_page(&page, &json!({ "draft": true }))?;
    Ok(Some("Gitea had made it public with the tag, it is a draft again".to_string()))
}

/// The same before the verification, for a Gitea that takes longer.
pub(super) fn still_draft(release: &Release) -> Result<()> {
    match Forge::connect(release.ctx)? {
        Ok(forge) => keep_draft(release, &forge).map(drop),
        Err(_) => Ok(()),
    }
}

pub(crate) fn state(release: &Release) -> Result<State> {
    let forge = match Forge::connect(release.ctx)? {
        Ok(forge) => forge,
        Err(reason) => return Ok(State::Skip(reason)),
    };
    // `latest` moves before. If it has not moved yet, it was not this step that made the page public.
    let early = forge.kind() == ForgeKind::Gitea && release.open.contains(&"latest");
    Ok(match forge.page(&release.tag_name)?.filter(|page| !page.draft && release.tag().is_some()) {
        Some(page) if !early => State::Done(format!("{} is public", page.url)),
        _ => State::Todo,
    })
}

pub(crate) fn preview(release: &Release) -> Vec<String> {
    vec![format!("publish the release page {}   after verification", release.tag_name)]
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let forge = connected(release)?;
    let page = forge
        .page(&release.tag_name)?
        .with_context(|| format!("the forge has no draft of the release page {}", release.tag_name))?;
    // A forge creates a missing tag for a page that becomes public.
    remote_moved::tag_is_there(release)?;
    let pre = !release.version.pre.is_empty();
    let newer = latest::newer_release(release)?;
    let mut change = json!({ "draft": false, "prerelease": pre });
    if forge.kind() == ForgeKind::Github {
        change["make_latest"] = if pre || newer.is_some() { "false" } else { "true" }.into();
    }
    let page = forge.edit_page(&page, &change)?;
    let latest = match (forge.kind(), &newer) {
        _ if pre => format!("{} is a pre-release", release.version),
        (_, None) => "shown as latest".to_string(),
        (ForgeKind::Github, Some(newer)) => format!("latest stays at the newer release {newer}"),
        (ForgeKind::Gitea, Some(newer)) => {
            format!("Gitea shows the newest page as latest, which is now this one, not {newer}")
        }
    };
    Ok(format!("{} is public; {latest}", page.url))
}

fn connected(release: &Release) -> Result<Forge> {
    Forge::connect(release.ctx)?.map_err(anyhow::Error::msg)
}

/// The text of the page: the changelog's section at the released commit.
fn body(release: &Release) -> Result<String> {
    let file = format!("{}:CHANGELOG.md", release.commit);
    let text = release.ctx.git.read(&["cat-file", "blob", &file]).unwrap_or_default();
    Ok(changelog::page(&text, &release.tag_name).unwrap_or_default())
}

/// The files beside the package: the spec, compat.json and the SBOM. They come from the released commit, so
/// every run makes the same bytes.
fn extras(release: &Release) -> Result<Vec<(String, Vec<u8>)>> {
    let settings = &release.app.settings;
    let committed =
        [settings.spec.as_ref().map(|spec| &spec.file), settings.compat.as_ref().map(|c| &c.file)];
    let mut files = Vec::new();
    for file in committed.into_iter().flatten() {
        let name = file.file_name().unwrap_or_default().to_string();
        files.push((name, release.committed(file.as_str())?));
    }
    files.extend(sbom::of(release)?);
    Ok(files)
}

/// The hashes of all files but itself, in the form of `sha256sum`.
fn sums(release: &Release, extras: &[(String, Vec<u8>)]) -> String {
    let dist: Vec<(String, String)> = match release.tag() {
        Some(tag) => tag.dist.clone(),
        None => release.dist().iter().map(|file| (file.name.clone(), file.sha256.clone())).collect(),
    };
    let extras = extras.iter().map(|(name, bytes)| (name.clone(), sha256(bytes)));
    let mut lines: Vec<String> =
        dist.into_iter().chain(extras).map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}

/// The package's files from the page, for a release that is resumed, perhaps on another machine. None if the
/// page does not have all of them. An error if a file there has another hash than the tag names.
pub(super) fn files(release: &Release) -> Result<Option<Vec<DistFile>>> {
    let Some(tag) = release.tag() else { return Ok(None) };
    let Ok(forge) = Forge::connect(release.ctx)? else { return Ok(None) };
    let Some(page) = forge.page(&release.tag_name)? else { return Ok(None) };
    let found: Option<Vec<_>> = tag
        .dist
        .iter()
        .map(|(name, sha256)| {
            let asset = page.assets.iter().find(|asset| asset.name == *name && asset.is_whole())?;
            Some((name, sha256, asset))
        })
        .collect();
    let Some(found) = found else { return Ok(None) };
    let out = release.work.join("dist");
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create the folder {out}"))?;
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for (name, wanted, asset) in found {
        let bytes = forge.download(asset)?;
        let has = sha256(&bytes);
        if has != *wanted {
            let message = format!(
                "{name} on the release page differs from the tag: sha256 {has} on the page, {wanted} in {}",
                release.tag_name
            );
            let help =
                format!("delete that file on the page, then: cargo xtask release {}", release.app.name());
            findings.push(Finding::new("page-differs", Level::Error, message).place(&page.url).help(help));
            continue;
        }
        let path = out.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {path}"))?;
        files.push(DistFile { path, name: name.clone(), sha256: has });
    }
    if findings.is_empty() { Ok(Some(files)) } else { Err(Exit::Gate(findings).into()) }
}
