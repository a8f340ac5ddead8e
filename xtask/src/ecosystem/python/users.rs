//! Runs an earlier release's tests for users against the current code: the tests come from that release, the
//! environment from today.

use super::synced;
use crate::ecosystem::Prepared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::collections::BTreeSet;

/// Prepares `argv` to run in the app's folder of the earlier release's checkout `tree`. That release's own
/// packages are removed from it.
pub(crate) fn prepare(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
    let python = synced(ctx, app, &ctx.ws.root)?;
    let dir = tree.join(&app.dir);
    without_sources(app, &dir)?;
    let (program, args) = argv.split_first().context("the command has no words")?;
    let bin = python.parent().context("the path of the Python interpreter has no folder")?;
    let own = bin.join(program);
    let program = if own.exists() { own.into_string() } else { program.clone() };
    let venv = bin.parent().context("the path of the environment has no folder")?.to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").context("PATH is not set, or not UTF-8")?);
    Ok(Prepared { dir, program, args: args.to_vec(), env: vec![("PATH", path), ("VIRTUAL_ENV", venv)] })
}

/// Removes the earlier release's own packages. Python would import them from the current folder instead of
/// the installed ones.
fn without_sources(app: &App, dir: &Utf8Path) -> Result<()> {
    let then = std::fs::read_to_string(dir.join("app.toml")).unwrap_or_default();
    for package in packages(&app.settings.api.public, &then) {
        for folder in [dir.to_path_buf(), dir.join("src")] {
            for path in [folder.join(&package), folder.join(format!("{package}.py"))] {
                let gone =
                    if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                match gone {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(e).with_context(|| format!("cannot remove {path}"));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// The names of those packages: the top-level names of today's public modules and of those in `then`, the
/// earlier app.toml, which may have an unknown form.
fn packages(today: &[String], then: &str) -> BTreeSet<String> {
    let then: toml_edit::DocumentMut = then.parse().unwrap_or_default();
    let get =
        |table: &str, key: &str| then.get(table).and_then(|t| t.get(key)).and_then(|item| item.as_value());
    let public =
        get("api", "public").and_then(|v| v.as_array()).into_iter().flatten().filter_map(|v| v.as_str());
    let tops = today.iter().map(String::as_str).chain(public).filter_map(|module| module.split('.').next());
    // The first folder of compat.json's path is the package that contains it.
    let file = get("compat", "file").and_then(|v| v.as_str()).unwrap_or_default();
    let inside = Utf8Path::new(file.strip_prefix("src/").unwrap_or(file))
        .parent()
        .and_then(|folder| folder.components().next());
    let names = tops.chain(inside.map(|part| part.as_str())).map(str::to_string);
    names.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_come_from_public_modules_of_both_releases_and_from_the_path_of_compat_json() {
        for (today, then, expected) in [
            (&["new.api", "new"][..], "", &["new"][..]),
            (&["new"], "[api]\npublic = [\"old.api\", \"older\", 1]\n", &["new", "old", "older"]),
            (&[], "[compat]\nfile = \"src/old/data/compat.json\"\n", &["old"]),
            (&[], "[compat]\nfile = \"old/compat.json\"\n", &["old"]),
            (&[], "[compat]\nfile = \"compat.json\"\n[api]\npublic = \"x\"\n", &[]),
            (
                &[],
                "[api]\npublic = [\"../x\", \"\", \".\", \"/y\"]\n[compat]\nfile = \"../x/compat.json\"\n",
                &[],
            ),
            (&["new"], "no TOML at all", &["new"]),
        ] {
            let today: Vec<String> = today.iter().map(|name| name.to_string()).collect();
            assert_eq!(
                packages(&today, then).iter().map(String::as_str).collect::<Vec<_>>(),
                expected,
                "{then}"
            );
        }
    }
}
