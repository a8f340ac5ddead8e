//! Finds the repository's root and reads its settings: `[workspace.metadata.xtask]` and every `app.toml`.
//! Unknown keys are errors.

use crate::model::version;
use crate::sys::exit::Exit;
use anyhow::{Context, Result};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use semver::Version;
use serde::Deserialize;

mod earlier;
mod rehearsal;
mod settings;
mod tag_form;

pub(crate) use earlier::EarlierSettings;
pub(crate) use settings::{
    Acceptance, AppSettings, CommandsSettings, CompatSettings, Downstream, ForgeKind, ImageSettings,
    Settings, SpecSettings,
};

/// The characters of an app's name.
const LONGEST_NAME: usize = 64;

/// A folder with an `app.toml`, which is released on its own.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// The path from the root: `apps/python`.
    pub dir: Utf8PathBuf,
    pub settings: AppSettings,
}

impl App {
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }
    /// The path of its settings, from the root: `apps/python/app.toml`.
    pub(crate) fn file(&self) -> Utf8PathBuf {
        self.dir.join("app.toml")
    }
    /// `python-v0.0.1`, or the form that `[release] tag` names.
    pub(crate) fn tag(&self, version: &Version) -> String {
        format!("{}{version}", self.tag_start())
    }
    /// The text before the version in the app's tags: `python-v`.
    pub(crate) fn tag_start(&self) -> String {
        tag_form::start(&self.settings)
    }
    /// The version of a release, from its tag's name. None: another app's tag, or no release.
    pub(crate) fn version_in_tag(&self, tag: &str) -> Option<Version> {
        version::in_tag(tag.strip_prefix(self.tag_start().as_str())?)
    }
    /// The form in which a tag of another tool is read as a release of the version, for the settings.
    pub(crate) fn form_of_tag(&self, tag: &str, version: &Version) -> Option<String> {
        tag_form::of(self, tag, version)
    }
    /// `python-v0.0.1`, for names of branches. It does not depend on the form of the tags.
    pub(crate) fn in_branch(&self, version: &Version) -> String {
        format!("{}-v{version}", self.name())
    }
    /// `withdrawn/python-v0.0.1`, the tag with which `rollback` marks a version as withdrawn.
    pub(crate) fn mark(&self, version: &Version) -> String {
        format!("withdrawn/{}", self.tag(version))
    }
    /// Git pathspecs of everything that belongs to the app: its folder and its shared paths.
    pub(crate) fn pathspecs(&self) -> Vec<String> {
        let mut specs = vec![format!(":(top,literal){}", self.dir)];
        specs.extend(self.settings.release.shared.iter().map(|glob| format!(":(top,glob){glob}")));
        specs
    }
}

/// A checkout and its settings.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub root: Utf8PathBuf,
    pub settings: Settings,
    pub apps: Vec<App>,
    /// The names of all apps, including those that a rehearsal of some apps hides: a scope may still name a
    /// hidden app.
    pub names: Vec<String>,
}

impl Workspace {
    /// The workspace at `root`, or around the current folder.
    pub(crate) fn load(root: Option<&Utf8Path>) -> Result<Workspace> {
        let root = match root {
            Some(dir) => dir.canonicalize_utf8().with_context(|| format!("--root {dir}: no such folder"))?,
            None => find_root()?,
        };
        rehearsal::stay_in_its_folder(&root)?;
        refuse_below_top(&root)?;
        refuse_target_elsewhere(&root)?;
        let settings = read_settings(&root)?;
        let mut apps = Vec::new();
        let mut problems = Vec::new();
        for dir in app_folders(&root, &settings.apps)? {
            match read_app(&root, &dir) {
                Ok(app) => apps.push(app),
                Err(e) => problems.push(e.to_string()),
            }
        }
        for (i, app) in apps.iter().enumerate() {
            if let Some(twin) = apps[..i].iter().find(|a| a.name() == app.name()) {
                problems.push(format!(
                    "{}/app.toml: the name {:?} is taken by {}/app.toml",
                    app.dir,
                    app.name(),
                    twin.dir
                ));
            }
        }
        if problems.is_empty() {
            problems.extend(tag_form::conflict(&apps));
        }
        let names = apps.iter().map(|app| app.name().to_string()).collect();
        rehearsal::hide_other_apps(&mut apps);
        if problems.is_empty() {
            Ok(Workspace { root, settings, apps, names })
        } else {
            Err(Exit::Usage(problems.join("\n")).into())
        }
    }

    /// Does an app or a setting need this secret of the workflows? One with another name may be needed.
    pub(crate) fn needs_secret(&self, name: &str) -> bool {
        let mut apps = self.apps.iter().map(|app| &app.settings);
        match name {
            "PYPI_TOKEN" | "NPM_TOKEN" => apps.any(|app| app.ecosystem.token() == name),
            "TESTPYPI_TOKEN" => apps.any(|app| app.release.stage.is_some()),
            "REGISTRY_USER" | "REGISTRY_TOKEN" => apps.any(|app| app.image.is_some()),
            "DISPATCH_TOKEN" => !self.settings.downstream.is_empty(),
            "PROMOTE_TOKEN" => self.settings.auto_merge,
            _ => true,
        }
    }

    pub(crate) fn app(&self, name: &str) -> Result<&App> {
        self.apps.iter().find(|a| a.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.apps.iter().map(|a| a.name()).collect();
            let near = nearest(name, &names).map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
            let known = if names.is_empty() {
                "there are none".to_string()
            } else {
                format!("there are: {}", names.join(", "))
            };
            Exit::Usage(format!("no app {name:?} under {}/{} ({known}){near}", self.root, self.settings.apps))
                .into()
        })
    }

    /// The apps with these names, or all apps if `names` is empty.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<&App>> {
        if names.is_empty() {
            return Ok(self.apps.iter().collect());
        }
        names.iter().map(|n| self.app(n)).collect()
    }
}

/// The nearest folder upwards whose `Cargo.toml` has our table. The search ends at the git repository's top.
fn find_root() -> Result<Utf8PathBuf> {
    let here =
        Utf8PathBuf::try_from(std::env::current_dir()?).context("the current folder's path is not UTF-8")?;
    let ours = |dir: &&Utf8Path| {
        std::fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|t| t.contains("[workspace.metadata.xtask"))
    };
    here.ancestors()
        .find(|dir| ours(dir) || dir.join(".git").exists())
        .map(Utf8Path::to_path_buf)
        .ok_or_else(|| Exit::Usage(format!("{here} is not in a repository; name one with --root DIR")).into())
}

/// Git names files from its top, so it would find no file of an app whose path starts at another folder.
fn refuse_below_top(root: &Utf8Path) -> Result<()> {
    let top = root.ancestors().find(|dir| dir.join(".git").exists());
    match top.filter(|top| *top != root) {
        None => Ok(()),
        Some(top) => Err(Exit::Usage(format!(
            "{root} is not the top of its git repository, which is {top}: move Cargo.toml and the apps \
             there, or type `git init {root}` if this is a repository of its own"
        ))
        .into()),
    }
}

fn read_settings(root: &Utf8Path) -> Result<Settings> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct CargoToml {
        workspace: CargoWorkspace,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct CargoWorkspace {
        metadata: Metadata,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Metadata {
        xtask: Settings,
    }
    let path = root.join("Cargo.toml");
    if !path.exists() {
        let downstream = rehearsal::downstream().into_iter().collect();
        return Ok(Settings { downstream, ..Settings::default() });
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let cargo: CargoToml = parse(&text, "Cargo.toml")?;
    let mut settings = cargo.workspace.metadata.xtask;
    settings.apps = folder_of_apps(&settings.apps)?;
    for (key, branch) in [("main", &settings.main), ("development", &settings.development)] {
        if branch.is_empty()
            || branch.starts_with('-')
            || branch.contains(|c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c))
        {
            return Err(Exit::Usage(format!("Cargo.toml: {key} = {branch:?} is not a branch name")).into());
        }
    }
    settings.downstream.extend(rehearsal::downstream());
    match settings.downstream.iter().find_map(Downstream::problem) {
        Some(problem) => Err(Exit::Usage(format!("Cargo.toml: {problem}")).into()),
        None => Ok(settings),
    }
}

/// The folder without `.` components, as git names it. `.` itself becomes the empty path.
fn folder_of_apps(apps: &Utf8Path) -> Result<Utf8PathBuf> {
    let mut folder = Utf8PathBuf::new();
    for part in apps.components() {
        match part {
            Utf8Component::Normal(name) => folder.push(name),
            Utf8Component::CurDir => {}
            _ => {
                return Err(Exit::Usage(format!(
                    "Cargo.toml: apps = {:?} must be the path of a folder from the repository's top, \
                     such as apps = \"apps\"",
                    apps.as_str()
                ))
                .into());
            }
        }
    }
    Ok(folder)
}

fn app_folders(root: &Utf8Path, apps: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let pattern = format!("{}/*/app.toml", glob::Pattern::escape(root.join(apps).as_str()));
    let mut found = Vec::new();
    for file in glob::glob(&pattern)? {
        let file = Utf8PathBuf::try_from(file?).context("an app's path is not UTF-8")?;
        let name = file.parent().and_then(Utf8Path::file_name).context("an app's folder has a name")?;
        if name.contains(char::is_control) {
            let text = format!("{apps}/{name:?}: rename the folder: its name has a control character");
            return Err(Exit::Usage(text).into());
        }
        found.push(apps.join(name));
    }
    found.sort();
    Ok(found)
}

/// Git sees a link where a person sees a folder, so it would find no commit that changes the app.
fn refuse_link(root: &Utf8Path, dir: &Utf8Path) -> Result<()> {
    match dir.ancestors().find(|part| !part.as_str().is_empty() && root.join(part).is_symlink()) {
        None => Ok(()),
        Some(link) => Err(Exit::Usage(format!(
            "{link} is a link, and git does not look into links; move the folder here, or name its place: \
             apps = \"FOLDER\" in [workspace.metadata.xtask] of Cargo.toml"
        ))
        .into()),
    }
}

/// Refuses a `target` that is a link, because builds and releases write below it.
fn refuse_target_elsewhere(root: &Utf8Path) -> Result<()> {
    refuse_elsewhere(
        root,
        "target".into(),
        "remove the link (cargo's own files can be elsewhere: build.target-dir in ~/.cargo/config.toml)",
    )?;
    for folder in ["target/xtask", "target/rehearsal"] {
        refuse_elsewhere(root, folder.into(), "remove the link")?;
    }
    refuse_below(root, "target/xtask".into(), 3)
}

/// Like [`refuse_elsewhere`], for everything in the folder up to this depth.
fn refuse_below(root: &Utf8Path, folder: Utf8PathBuf, depth: usize) -> Result<()> {
    for entry in root.join(&folder).read_dir_utf8().into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            refuse_elsewhere(root, path, "remove the link")?;
        } else if kind.is_dir() && depth > 1 {
            refuse_below(root, path, depth - 1)?;
        }
    }
    Ok(())
}

/// Refuses a link that leads out of the repository, at a place where xtask or its tools write.
fn refuse_elsewhere(root: &Utf8Path, path: Utf8PathBuf, help: &str) -> Result<()> {
    let Ok(target) = root.join(&path).read_link_utf8() else { return Ok(()) };
    // Writing through a broken link creates the file that it names.
    let real = root.join(&path).canonicalize_utf8().unwrap_or(target);
    if real.starts_with(root.canonicalize_utf8()?) {
        return Ok(());
    }
    let message =
        format!("{path} is a link to {real}, which is outside the repository, so nothing is written there");
    Err(Exit::Usage(format!("{message}; {help}")).into())
}

fn read_app(root: &Utf8Path, dir: &Utf8Path) -> Result<App> {
    let file = dir.join("app.toml");
    refuse_link(root, dir)?;
    for folder in [".venv", "node_modules", "dist"] {
        refuse_elsewhere(root, dir.join(folder), "remove the link")?;
    }
    let text = std::fs::read_to_string(root.join(&file)).with_context(|| format!("cannot read {file}"))?;
    let mut settings: AppSettings = parse(&text, file.as_str())?;
    // A rehearsal without images hides the image settings from all of its jobs and steps.
    if std::env::var_os("XTASK_WITHOUT_IMAGE").is_some() {
        settings.image = None;
    }
    // The name becomes part of tags, branches and paths.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !settings.name.starts_with(|c: char| c.is_ascii_lowercase())
        || !settings.name.chars().all(plain)
        || settings.name == "xtask"
    {
        return Err(Exit::Usage(format!(
            "{file}: name = {:?}: an app's name must consist of lower-case letters, digits and dashes, \
             begin with a letter, and not be \"xtask\"",
            settings.name
        ))
        .into());
    }
    if settings.name.len() > LONGEST_NAME {
        return Err(Exit::Usage(format!(
            "{file}: name = \"{}…\": an app's name has at most {LONGEST_NAME} characters, \
             because it is part of tags and of file names",
            &settings.name[..LONGEST_NAME]
        ))
        .into());
    }
    if settings.package.starts_with('-') || settings.package.is_empty() {
        return Err(
            Exit::Usage(format!("{file}: package = {:?} is not a package name", settings.package)).into()
        );
    }
    if let Some(stage) = settings.release.stage.as_ref().filter(|_| !settings.ecosystem.has_staging_index()) {
        return Err(Exit::Usage(format!(
            "{file}: stage = {stage:?}: there is no staging index for this ecosystem; remove the key"
        ))
        .into());
    }
    if let Some(problem) = settings.compat.as_ref().and_then(|compat| compat.problem(settings.spec.as_ref()))
    {
        return Err(Exit::Usage(format!("{file}: [compat] {problem}")).into());
    }
    if let Some(problem) = tag_form::problem(&settings) {
        return Err(Exit::Usage(format!("{file}: {problem}")).into());
    }
    if let Some(problem) = settings.commands.problem() {
        return Err(Exit::Usage(format!("{file}: [commands] {problem}")).into());
    }
    if let Some(problem) = settings.release.problem() {
        return Err(Exit::Usage(format!("{file}: [release] {problem}")).into());
    }
    if let Some(problem) = settings.spec.as_ref().and_then(SpecSettings::problem) {
        return Err(Exit::Usage(format!("{file}: [spec] {problem}")).into());
    }
    if let Some(problem) = settings.accept.iter().find_map(Acceptance::problem) {
        return Err(Exit::Usage(format!("{file}: {problem}")).into());
    }
    for shared in &mut settings.release.shared {
        *shared = shared.trim_start_matches("./").to_string();
        if shared.starts_with('/') || shared.split('/').any(|folder| folder == "..") {
            return Err(Exit::Usage(format!(
                "{file}: shared = {shared:?} must be a path from the repository's top, such as \
                 \"contract/**\""
            ))
            .into());
        }
        if let Err(e) = glob::Pattern::new(shared) {
            return Err(Exit::Usage(format!("{file}: shared = {shared:?} is not a glob: {e}")).into());
        }
    }
    Ok(App { dir: dir.to_path_buf(), settings })
}

/// Checks that the text is a valid `app.toml`. The error names the file and the line.
pub(crate) fn check_settings(text: &str, file: &Utf8Path) -> Result<()> {
    parse::<AppSettings>(text, file.as_str()).map(drop)
}

/// Parses TOML. An error names the file, line and column, and suggests the nearest known key.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T> {
    toml_edit::de::from_str(text).map_err(|e| {
        let (line, column) = e.span().map(|s| position(text, s.start)).unwrap_or((1, 1));
        let message = e.message().to_string();
        Exit::Usage(format!("{file}:{line}:{column}: {message}{}", suggestion(&message))).into()
    })
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1)
}

/// Suggests a key from serde's message: unknown field `platform`, expected one of `name`, `base`,
/// `platforms`.
fn suggestion(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((unknown, known)) if message.starts_with("unknown") => {
            nearest(unknown, known).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The candidate with the smallest edit distance, if that is at most 1 + a third of its length.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let begins_otherwise = |c: &str| c.chars().next() != word.chars().next();
    candidates
        .iter()
        .map(|c| (edits(word, c), begins_otherwise(c), *c))
        .min()
        .filter(|(d, _, c)| *d <= 1 + c.len() / 3)
        .map(|(_, _, c)| c)
}

/// The Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_reported_with_its_line_and_a_suggestion() {
        let text = "name = \"python\"\necosystem = \"python\"\npackage = \"p\"\n[image]\nname = \"x\"\n\
                    base = \"y\"\nplatfroms = []\n";
        let error = parse::<AppSettings>(text, "apps/python/app.toml").unwrap_err().to_string();
        assert_eq!(
            error,
            "apps/python/app.toml:7:1: unknown field `platfroms`, \
             expected one of `name`, `base`, `platforms`, `extras`; did you mean `platforms`?"
        );
    }

    #[test]
    fn an_acceptance_needs_a_reason_and_the_version_of_a_release() {
        for (version, reason, expected) in [
            ("0.2.0", "nobody has it", None),
            ("0.2.0", "", Some("the reason is empty")),
            ("0.2.0", " \n", Some("the reason is empty")),
            ("0.2.0-rc.1", "x", Some("write \"0.2.0\"")),
            ("0.2.0+b", "x", Some("write \"0.2.0\"")),
        ] {
            let accept = Acceptance {
                id: "class-renamed".into(),
                what: None,
                version: version.parse().unwrap(),
                reason: reason.into(),
            };
            let problem = accept.problem();
            assert_eq!(problem.is_some(), expected.is_some(), "{version} {reason:?}");
            assert!(
                expected.is_none_or(|expected| problem.unwrap().contains(expected)),
                "{version} {reason:?}"
            );
        }
    }

    #[test]
    fn nearest_finds_typos_and_rejects_strangers() {
        for (word, expected) in [
            ("pyhton", Some("python")),
            ("ts", Some("ts")),
            ("typescript", None),
            ("", None),
            ("pythonn", Some("python")),
        ] {
            assert_eq!(nearest(word, &["python", "ts"]), expected, "{word}");
        }
        assert_eq!(nearest("nmae", &["image", "name"]), Some("name"));
    }
}
