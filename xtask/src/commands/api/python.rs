//! Reads the public API of a Python package at two commits: exports both trees and reads them with griffe, in
//! one process. The package is not imported.

use super::Compared;
use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::exit::Exit;
use crate::sys::{child, export, scratch, tools};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use diff::change::merged;
use diff::python::diff;
use diff::python::surface::{Is, Surface};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use xshell::cmd;

const READER: [(&str, &str); 13] = [
    ("surface.py", include_str!("python/reader/surface.py")),
    ("names.py", include_str!("python/reader/names.py")),
    ("stubs.py", include_str!("python/reader/stubs.py")),
    ("definitions.py", include_str!("python/reader/definitions.py")),
    ("classes.py", include_str!("python/reader/classes.py")),
    ("models.py", include_str!("python/reader/models.py")),
    ("made.py", include_str!("python/reader/made.py")),
    ("loader.py", include_str!("python/reader/loader.py")),
    ("exports.py", include_str!("python/reader/exports.py")),
    ("environments.py", include_str!("python/reader/environments.py")),
    ("lazy.py", include_str!("python/reader/lazy.py")),
    ("running.py", include_str!("python/reader/running.py")),
    ("conditions.py", include_str!("python/reader/conditions.py")),
];

/// The file with `requires-python`, in the app's folder.
pub(super) const MANIFEST: &str = "pyproject.toml";

/// Compares a package at two commits.
pub(crate) fn compared(ctx: &Ctx, app: &App, old: &str, new: &str) -> Result<Compared> {
    let read = read(ctx, app, &[old, new])?;
    let [before, after] = &read.first().context("griffe's reader returned nothing")?.surfaces;
    if let Some(lost) =
        public(app).into_iter().find(|module| [before, after].iter().all(|s| !s.names.contains_key(module)))
    {
        let file = app.dir.join("app.toml");
        return Err(Exit::Usage(format!(
            "{file}: [api] public names the module {lost}, which exists neither in {old} nor in {new}"
        ))
        .into());
    }
    let guarded: BTreeSet<&String> = [before, after].iter().flat_map(|surface| modules(surface)).collect();
    let guarded = guarded.into_iter().cloned().collect();
    let found = read.iter().map(|one| (one.place.clone(), diff(&one.surfaces[0], &one.surfaces[1])));
    Ok(Compared { changes: merged(found.collect()), guarded })
}

/// Both versions as an environment sees them: a version of Python, or a platform.
#[derive(Deserialize)]
struct Read {
    /// Empty for the first one.
    #[serde(rename = "where")]
    place: String,
    surfaces: [Surface; 2],
}

/// The guarded modules. A package of stubs alone, `x-stubs`, has the modules of `x` (PEP 561).
fn public(app: &App) -> Vec<String> {
    app.settings.api.public.iter().map(|name| name.replacen("-stubs", "", 1)).collect()
}

/// The modules of a surface.
fn modules(surface: &Surface) -> impl Iterator<Item = &String> {
    let is_module = |path: &String| matches!(&surface.objects.get(path).map(|o| &o.is), Some(Is::Module(_)));
    // A name of its package may hide a module; its file can still be imported.
    surface.names.keys().filter(move |path| is_module(path))
}

/// The public surfaces at both commits.
fn read(ctx: &Ctx, app: &App, commits: &[&str; 2]) -> Result<Vec<Read>> {
    let temp = scratch::folder()?;
    let temp = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let mut requests = Vec::new();
    let mut prefixes = Vec::new();
    let mut manifests = Vec::new();
    for (i, commit) in commits.iter().enumerate() {
        let tree = temp.join(i.to_string());
        let source = export(ctx, app, commit, &tree)?;
        requests.push(json!({
            "root": tree.join(&source),
            "public": public(app),
            "private": app.settings.api.private,
            "requires": requires_python(ctx, app, commit),
        }));
        manifests.push(manifest(ctx, app, commit));
        prefixes.push(source);
    }
    let reader = temp.join("reader");
    std::fs::create_dir(&reader)?;
    for (name, text) in READER {
        std::fs::write(reader.join(name), text)?;
    }
    let python = tools::tool("griffe")?.with_file_name("python");
    let requests = serde_json::to_string(&requests)?;
    let by = |python: &Utf8Path, packages: &[(&str, &str)]| -> Result<Vec<Read>> {
        let sh = child::shell(temp)?;
        let command = cmd!(sh, "{python} -s -B {reader}/surface.py").stdin(&requests);
        let text = child::capture(command, packages)?;
        serde_json::from_str(&text).context("cannot parse the output of griffe's reader")
    };
    let mut read = by(&python, &[])?;
    let readable = |read: &[Read]| read.iter().flat_map(|one| &one.surfaces).all(|s| s.problems.is_empty());
    if !readable(&read) {
        let packages = site_packages(&python)?;
        for newer in tools::newer_pythons() {
            let found = by(&newer, &[("PYTHONPATH", packages.as_str())])?;
            if readable(&found) {
                read = found;
                break;
            }
        }
    }
    for one in &mut read {
        for (surface, manifest) in one.surfaces.iter_mut().zip(&manifests) {
            let Some(manifest) = manifest else { continue };
            surface.scripts = listed(manifest, &["scripts", "gui-scripts"]);
            // Installers take `My_Extra` and `my-extra` for one.
            let one = |name: &String| name.to_lowercase().replace(['_', '.'], "-");
            surface.extras =
                listed(manifest, &["optional-dependencies"]).map(|all| all.iter().map(one).collect());
        }
        for ((surface, prefix), commit) in one.surfaces.iter_mut().zip(&prefixes).zip(commits) {
            if !surface.problems.is_empty() {
                let problems: Vec<String> =
                    surface.problems.iter().map(|p| format!("{prefix}/{p}")).collect();
                bail!(
                    "the API at {commit} cannot be read by {python}:\n{}\n\
                     if this is the syntax of a newer Python, put that Python on PATH: \
                     uv python install 3.14",
                    problems.join("\n")
                );
            }
            add_prefix(surface, prefix);
        }
    }
    Ok(read)
}

/// The packages of the environment that this Python is in.
fn site_packages(python: &Utf8Path) -> Result<Utf8PathBuf> {
    let environment = python.parent().and_then(Utf8Path::parent);
    let lib = environment.with_context(|| format!("{python} is not in a `bin` folder"))?.join("lib");
    let inside = lib.read_dir_utf8().with_context(|| format!("cannot read {lib}"))?;
    let found = inside.flatten().map(|entry| entry.path().join("site-packages")).find(|dir| dir.is_dir());
    found.with_context(|| format!("{lib} has no site-packages"))
}

/// The versions of Python that the package is for. None if its manifest does not say.
pub(super) fn requires_python(ctx: &Ctx, app: &App, commit: &str) -> Option<String> {
    Some(manifest(ctx, app, commit)?.get("project")?.get("requires-python")?.as_str()?.to_string())
}

fn manifest(ctx: &Ctx, app: &App, commit: &str) -> Option<toml_edit::DocumentMut> {
    let path = format!("{commit}:{}", app.dir.join(MANIFEST));
    ctx.git.read(&["cat-file", "blob", &path]).ok()?.parse().ok()
}

/// The names in these tables of `[project]`. None if the build backend adds some.
fn listed(manifest: &toml_edit::DocumentMut, tables: &[&str]) -> Option<BTreeSet<String>> {
    let project = manifest.get("project")?;
    let dynamic = project.get("dynamic").and_then(|list| list.as_array());
    let added = |one: &toml_edit::Value| one.as_str().is_some_and(|name| tables.contains(&name));
    if dynamic.is_some_and(|list| list.iter().any(added)) {
        return None;
    }
    let tables = tables.iter().filter_map(|table| project.get(table)?.as_table_like());
    Some(tables.flat_map(|table| table.iter().map(|(name, _)| name.to_string())).collect())
}

/// Exports the app's folder at that commit into `tree`. Returns the folder of its packages, from the root.
fn export(ctx: &Ctx, app: &App, commit: &str, tree: &Utf8Path) -> Result<Utf8PathBuf> {
    std::fs::create_dir(tree)?;
    let sources = app.dir.join("src");
    let has_sources = !ctx.git.read(&["ls-tree", commit, "--", sources.as_str()])?.is_empty();
    let folder = if has_sources { sources } else { app.dir.clone() };
    // A commit without the app has an empty surface.
    if !ctx.git.read(&["ls-tree", commit, "--", folder.as_str()])?.is_empty() {
        export::files(&ctx.git, commit, &folder, tree)?;
    }
    Ok(folder)
}

/// Makes the files' paths relative to the root of the repository.
fn add_prefix(surface: &mut Surface, prefix: &Utf8Path) {
    let full = |file: &mut String| *file = prefix.join(&*file).into_string();
    for object in surface.objects.values_mut() {
        full(&mut object.file);
        if let Is::Class(class) = &mut object.is {
            class.fields.iter_mut().for_each(|field| full(&mut field.file));
        }
    }
    surface.names.values_mut().filter_map(|name| name.file.as_mut()).for_each(full);
}
