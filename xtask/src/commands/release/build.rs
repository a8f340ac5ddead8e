//! Builds the package files from the released commit. A resumed release must build exactly the bytes that the
//! tag names: it takes them from the release page if they are there.

use super::handover::{self, Mode};
use super::{Release, State, page};
use crate::finding::{Finding, Level};
use crate::sys::exit::Exit;
use crate::sys::retry;
use crate::sys::ui::{self, report::plural};
use anyhow::Result;

pub(crate) fn state(release: &Release) -> Result<State> {
    Ok(match release.needs_files()? {
        true => State::Todo,
        false => State::Skip("no remaining step needs the files".to_string()),
    })
}

pub(crate) fn run(release: &Release) -> Result<String> {
    let out = release.work.join("dist");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    // Before those of the build job, which may have built other bytes.
    if let Some(files) = page::files(release)? {
        let files = release.dist.get_or_init(|| files);
        return Ok(format!("{} from the release page, hashes as in the tag", plural(files.len(), "file")));
    }
    if let Some(files) = handover::dist(release)? {
        let files = release.dist.get_or_init(|| files);
        same_as_tag(release)?;
        return Ok(format!("{} from the build job, hashes as handed over", plural(files.len(), "file")));
    }
    let built = release.app.settings.ecosystem.build(release.ctx, release.app, &release.commit, &out);
    let built = built.map_err(|error| match may_pass(&format!("{error:#}")) {
        true => error,
        false => Exit::Gate(vec![failed(release, &error)]).into(),
    })?;
    let built = release.dist.get_or_init(|| built);
    same_as_tag(release)?;
    let names: Vec<_> = built.iter().map(|f| format!("{} {}", f.name, &f.sha256[..12])).collect();
    Ok(names.join(", "))
}

/// Is it a failure of the network or of a full disk, which the same build may not have later?
fn may_pass(error: &str) -> bool {
    let full = ["No space left", "File too large", "Disk quota exceeded"];
    retry::temporary(error).is_some() || full.iter().any(|text| error.contains(text))
}

fn failed(release: &Release, error: &anyhow::Error) -> Finding {
    let (app, folder) = (release.app.name(), &release.app.dir);
    let alone = format!("correct it in a pull request; this builds it alone: cargo xtask build {app}");
    let (public, help) = match release.tag() {
        None => ("; nothing of this release is public yet", alone),
        Some(_) => ("", same_tools_help(release)),
    };
    let message = format!("the package cannot be built{public}:\n{error:#}");
    Finding::new("build-failed", Level::Error, message).app(app).place(folder.as_str()).help(help)
}

/// Fails if the release has its tag, and the tag names other bytes. A build job only warns: it has no token,
/// so it does not see the draft, from which the job that publishes takes the files.
fn same_as_tag(release: &Release) -> Result<()> {
    let dist = release.tag().map(|tag| tag.dist.as_slice()).unwrap_or_default();
    let differ: Vec<_> = dist.iter().filter_map(|(name, sha)| difference(name, sha, release)).collect();
    if differ.is_empty() {
        return Ok(());
    }
    if !matches!(release.mode, Mode::Build(_)) {
        return Err(Exit::Gate(differ).into());
    }
    for finding in differ {
        let help = "nothing to do, if the draft of the release page has the files: the next job takes them";
        ui::finding(&Finding { level: Level::Warning, ..finding }.help(help));
    }
    Ok(())
}

fn difference(name: &str, sha: &str, release: &Release) -> Option<Finding> {
    let built = release.dist().iter().find(|f| f.name == name);
    let result = match built {
        Some(file) if file.sha256 == sha => return None,
        Some(file) => format!("the build produced sha256 {}", file.sha256),
        None => "the build did not produce it".to_string(),
    };
    let message = format!(
        "the build differs from the tag {}: {name} has sha256 {sha} there; {result}",
        release.tag_name
    );
    let finding = Finding::new("build-differs", Level::Error, message).app(release.app.name());
    Some(finding.help(same_tools_help(release)))
}

/// The way on if a resumed release builds other bytes: the tag's checkout pins the tools that built it.
pub(super) fn same_tools_help(release: &Release) -> String {
    format!(
        "resume with the tools of the release: git switch --detach {} && cargo xtask release {}\n\
         if that builds other bytes too, {}",
        crate::sys::git::short(&release.commit),
        release.app.name(),
        release.next_version_help()
    )
}
