//! Chooses the reader of a file by its name and its owner. Pure except for `Owners`.

use super::files::{self, File, Form};
use super::owner::Owners;
use super::place::{Kind, Shown};
use super::{constants, docs, fix, formats, locks};
use crate::model::workspace::App;

/// The versions of the app that a file shows, and the apps that it may mean.
pub(super) fn shown<'a>(file: &File, app: &'a App, owners: &Owners<'a>) -> (Vec<&'a str>, Vec<Shown>) {
    let (name, settings) = (file.path.file_name().unwrap_or_default(), &app.settings);
    let only = vec![app.name()];
    let own = owners.own(&file.path, app);
    if fix::is_own_spec(app, &file.path) || (own.is_some() && is_spec(name)) {
        return (only, formats::spec(&file.text).into_iter().collect());
    }
    let special = match name {
        "Chart.yaml" => formats::yaml_key(&file.text, "appVersion", Kind::Chart),
        "CITATION.cff" => formats::yaml_key(&file.text, "version", Kind::Citation),
        _ if formats::is_version_file(name) => formats::bare_version(&file.text),
        _ => None,
    };
    if let Some(mut special) = special {
        if own.is_some() && special.kind == Kind::Pin {
            special.kind = Kind::Constant;
        }
        let who = owners.of(file);
        let mine = who.contains(&app.name());
        return (who, mine.then_some(special).into_iter().collect());
    }
    let mut found = Vec::new();
    match files::form(&file.path) {
        Form::Lock => found = locks::read(name, &file.text, settings),
        Form::History => {}
        Form::Docs => {
            found = docs::installs(&file.text, settings);
            let about = own.is_some()
                || (owners.apps() == 1 && file.path.parent().is_some_and(|p| p.as_str().is_empty()));
            found.extend(docs::badges(&file.text, settings, about));
        }
        Form::Settings(comment) => {
            found.extend(formats::compat(&file.text, settings).filter(|_| name == "compat.json"));
            found.extend(formats::requirements(&file.text, settings, comment));
            found.extend(own.iter().flat_map(|path| constants::read(path, &file.text, settings)));
            if own.is_none() && files::is_container_file(name) && owners.of(file) == only {
                found.extend(constants::container(&file.text, settings));
            }
        }
        Form::Code => {
            found = own.iter().flat_map(|path| constants::read(path, &file.text, settings)).collect()
        }
    }
    (only, found)
}

fn is_spec(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let form = name.ends_with(".json") || name.ends_with(".yaml") || name.ends_with(".yml");
    form && (stem.starts_with("openapi") || stem.starts_with("swagger"))
}
