//! Decides which app a file belongs to, or which apps it may mean by its content, its folder or its name.

use super::files::{self, File};
use super::formats;
use super::names;
use crate::model::manifest;
use crate::model::workspace::App;
use camino::{Utf8Path, Utf8PathBuf};
use std::cell::RefCell;
use std::collections::HashMap;

pub(super) struct Owners<'a> {
    root: &'a Utf8Path,
    apps: &'a [&'a App],
    files: &'a [File],
    /// Cache: for a folder, the apps that files below it name.
    named: RefCell<HashMap<Utf8PathBuf, Vec<&'a str>>>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(root: &'a Utf8Path, apps: &'a [&'a App], files: &'a [File]) -> Owners<'a> {
        Owners { root, apps, files, named: RefCell::default() }
    }

    pub(super) fn apps(&self) -> usize {
        self.apps.len()
    }

    /// The path relative to the app's folder, if the file is the app's own: it is in that folder and not in
    /// another package below it, or on a `shared` path that only this app has.
    pub(super) fn own(&self, path: &Utf8Path, app: &App) -> Option<Utf8PathBuf> {
        let Ok(inside) = path.strip_prefix(&app.dir) else {
            return (self.sharing(path) == [app.name()]).then(|| path.to_path_buf());
        };
        let below = inside.ancestors().skip(1).filter(|dir| !dir.as_str().is_empty());
        let package = |dir: &Utf8Path| {
            let dir = self.root.join(&app.dir).join(dir);
            ["pyproject.toml", "package.json", "Cargo.toml", "go.mod"]
                .iter()
                .any(|manifest| dir.join(manifest).is_file())
        };
        (!below.into_iter().any(package)).then(|| inside.to_path_buf())
    }

    fn sharing(&self, path: &Utf8Path) -> Vec<&'a str> {
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let shares = |app: &&&App| {
            let patterns =
                app.settings.release.shared.iter().filter_map(|shared| glob::Pattern::new(shared).ok());
            patterns.into_iter().any(|pattern| pattern.matches_with(path.as_str(), options))
        };
        self.apps.iter().filter(shares).map(|app| app.name()).collect()
    }

    /// The apps that a version file, a chart, a citation or a container file may mean. The first rule that
    /// matches decides: the app that declares it as a pin; the app whose folder contains it; the apps that it
    /// names (a container file also by the folders it copies); the apps that files in its folder name; the
    /// apps whose package shares a word with a version file's name; for CITATION.cff the repository's only
    /// app.
    pub(super) fn of(&self, file: &File) -> Vec<&'a str> {
        let pick = |means: &dyn Fn(&App) -> bool| -> Vec<&'a str> {
            self.apps.iter().filter(|app| means(app)).map(|app| app.name()).collect()
        };
        let folder = file.path.parent().unwrap_or(Utf8Path::new(""));
        let name = file.path.file_name().unwrap_or_default();
        let pinned = |app: &App| manifest::pin_files(app).is_ok_and(|pins| pins.contains(&file.path));
        let mut who = pick(&pinned);
        if who.is_empty() {
            who = pick(&|app| self.own(&file.path, app).is_some());
        }
        if who.is_empty() && !self.apps.iter().any(|app| file.path.starts_with(&app.dir)) {
            who = pick(&|app| names::names(&file.text, &app.settings));
            if who.is_empty() && files::is_container_file(name) {
                return pick(&|app| file.text.contains(&format!("{}/", app.dir)));
            }
            if who.is_empty() && !folder.as_str().is_empty() {
                who = self.named_below(folder);
            }
            if who.is_empty() && formats::is_version_file(name) {
                who = pick(&|app| formats::shares_a_word(name, &app.settings.package));
            }
            if who.is_empty() && name == "CITATION.cff" && self.apps.len() == 1 {
                who = pick(&|_| true);
            }
        }
        who
    }

    fn named_below(&self, folder: &Utf8Path) -> Vec<&'a str> {
        if let Some(known) = self.named.borrow().get(folder) {
            return known.clone();
        }
        let below: Vec<&File> = self.files.iter().filter(|f| f.path.starts_with(folder)).collect();
        let named = self.apps.iter().filter(|app| below.iter().any(|f| names::names(&f.text, &app.settings)));
        let named: Vec<&'a str> = named.map(|app| app.name()).collect();
        self.named.borrow_mut().insert(folder.to_path_buf(), named.clone());
        named
    }
}
