//! Users of an earlier release, tried with today's code: their tests as that release has them, in today's
//! environment.

use super::synced;
use crate::ecosystem::Prepared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::collections::BTreeSet;

/// `argv` in the app's folder of the other checkout `tree`, whose packages are taken out.
pub fn prepare(ctx: &Ctx, app: &App, tree: &Utf8Path, argv: &[String]) -> Result<Prepared> {
    let python = synced(ctx, app, &ctx.ws.root)?;
    let dir = tree.join(&app.dir);
    without_sources(app, &dir)?;
    let (program, args) = argv.split_first().context("an empty command")?;
    let bin = python.parent().context("python has a folder")?;
    let own = bin.join(program);
    let program = if own.exists() { own.into_string() } else { program.clone() };
    let venv = bin.parent().context("an environment has a folder")?.to_string();
    let path = format!("{bin}:{}", std::env::var("PATH").context("PATH is not set, or not UTF-8")?);
    Ok(Prepared { dir, program, args: args.to_vec(), env: vec![("PATH", path), ("VIRTUAL_ENV", venv)] })
}

/// The earlier release's own packages go: Python would take them from the current folder before those that
/// are installed.
fn without_sources(app: &App, dir: &Utf8Path) -> Result<()> {
    let then = std::fs::read_to_string(dir.join("app.toml")).unwrap_or_default();
    for package in packages(&app.settings.api.public, &then) {
        for folder in [dir.to_path_buf(), dir.join("src")] {
            for path in [folder.join(&package), folder.join(format!("{package}.py"))] {
                let gone =
                    if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
                match gone {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(e).with_context(|| format!("{path} can't be removed"));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// What they are called: as the public modules are today, and as the app.toml of then has them, which may be
/// in no form that we know.
fn packages(today: &[String], then: &str) -> BTreeSet<String> {
    let then: toml_edit::DocumentMut = then.parse().unwrap_or_default();
    let get =
        |table: &str, key: &str| then.get(table).and_then(|t| t.get(key)).and_then(|item| item.as_value());
    let public =
        get("api", "public").and_then(|v| v.as_array()).into_iter().flatten().filter_map(|v| v.as_str());
    let tops = today.iter().map(String::as_str).chain(public).filter_map(|module| module.split('.').next());
    // compat.json lies in the package that ships it.
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
    fn an_old_package_is_known_by_its_public_modules_of_then_and_now_and_by_what_it_ships() {
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
