//! Reads a spec: JSON or YAML; a file, standard input, or committed; with the other files of the repository
//! that it refers to. Those become parts of one document, because the comparison knows only references
//! within a document. Nothing is fetched, and nothing outside of the repository is read.

use super::yaml;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use ::diff::openapi::{FILES, recognise};
use anyhow::{Context, Result, anyhow, bail};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde_json::{Map, Value};

/// A spec with all its files.
pub(super) struct Spec {
    pub document: Value,
    /// The main file is the first.
    pub files: Vec<File>,
    /// Are the paths relative to the repository's root?
    pub inside: bool,
}

pub(super) struct File {
    /// From the repository's root, or from the folder of a spec outside of the repository.
    pub path: Utf8PathBuf,
    pub text: String,
    pub yaml: bool,
}

/// Where the files are read from.
enum Place<'c> {
    /// The repository's root, or the folder of a spec outside of the repository, with links resolved.
    Folder(Utf8PathBuf),
    Commit(&'c Ctx, String),
}

/// How many files one spec may have.
const MOST: usize = 1000;

pub(super) fn spec(ctx: &Ctx, source: &str) -> Result<Spec> {
    let (place, path, text) = main_file(ctx, source)?;
    let name = if source == "-" { "the spec on standard input" } else { source };
    let (document, file) = parsed(path, text).map_err(|what| anyhow!("{name} {what}"))?;
    recognise(&document).map_err(|what| anyhow!("{name} cannot be compared: {what}"))?;
    let (document, files) = with_others(&place, document, file)?;
    let inside = match &place {
        Place::Folder(top) => *top == ctx.ws.root.canonicalize_utf8()?,
        Place::Commit(..) => true,
    };
    Ok(Spec { document, files, inside })
}

fn main_file<'c>(ctx: &'c Ctx, source: &str) -> Result<(Place<'c>, Utf8PathBuf, String)> {
    let root = || ctx.ws.root.canonicalize_utf8().context("the repository's folder cannot be resolved");
    if source == "-" {
        let text =
            std::io::read_to_string(std::io::stdin()).context("cannot read the spec from standard input")?;
        // References are relative to the current folder.
        let here = Utf8PathBuf::try_from(std::env::current_dir()?)?.canonicalize_utf8()?;
        let (top, folder) = below(root()?, &here);
        return Ok((Place::Folder(top), folder.join("-"), text));
    }
    if Utf8Path::new(source).is_file() {
        let text = std::fs::read_to_string(source).with_context(|| format!("{source} could not be read"))?;
        let path = Utf8Path::new(source).canonicalize_utf8()?;
        let (folder, name) = path.parent().zip(path.file_name()).context("the file's path has no folder")?;
        let (top, folder) = below(root()?, folder);
        return Ok((Place::Folder(top), folder.join(name), text));
    }
    let Some((revision, name)) =
        source.rsplit_once(':').filter(|(rev, name)| !rev.is_empty() && !name.is_empty())
    else {
        return Err(Exit::Usage(format!(
            "there is no file {source}; give a file, or a committed spec as REF:APP (main:python) or REF:PATH"
        ))
        .into());
    };
    let path = if name.contains(['/', '.']) { Utf8PathBuf::from(name) } else { spec_of(ctx, name)? };
    let place = Place::Commit(ctx, ctx.git.commit(revision)?);
    let text = place.read(&path).with_context(|| format!("{path} is not in {revision}"))?;
    Ok((place, path, text))
}

/// The root and the path from there; outside of the repository the folder itself.
fn below(root: Utf8PathBuf, folder: &Utf8Path) -> (Utf8PathBuf, Utf8PathBuf) {
    match folder.strip_prefix(&root) {
        Ok(path) => (root.clone(), path.to_path_buf()),
        Err(_) => (folder.to_path_buf(), Utf8PathBuf::new()),
    }
}

fn spec_of(ctx: &Ctx, app: &str) -> Result<Utf8PathBuf> {
    let app = ctx.ws.app(app)?;
    let Some(spec) = &app.settings.spec else {
        bail!("{} has no spec: there is no [spec] in its app.toml", app.name())
    };
    Ok(app.dir.join(&spec.file))
}

impl Place<'_> {
    fn read(&self, path: &Utf8Path) -> Result<String> {
        match self {
            Place::Commit(ctx, commit) => ctx.git.read(&["cat-file", "blob", &format!("{commit}:{path}")]),
            Place::Folder(top) => {
                let real = top.join(path).canonicalize_utf8()?;
                if !real.starts_with(top) || !real.is_file() {
                    bail!("{path} is not a file of {top}");
                }
                Ok(std::fs::read_to_string(real)?)
            }
        }
    }
}

/// The error continues a sentence that begins with the file's name.
fn parsed(path: Utf8PathBuf, text: String) -> Result<(Value, File), String> {
    let body = text.trim_start_matches('\u{feff}');
    let ending = path.extension().unwrap_or_default().to_lowercase();
    let braced = body.trim_start().starts_with(['{', '[']);
    let yaml = match ending.as_str() {
        "yaml" | "yml" => true,
        "json" => false,
        _ => !braced,
    };
    // `Value`'s own parser is compiled in serde_json, which is optimised; a parser instantiated here would
    // not be. JSON is read by it even from a YAML file, because it is faster.
    let json = if yaml && !braced { None } else { Some(body.parse::<Value>()) };
    let document = match json {
        Some(Ok(document)) => document,
        Some(Err(error)) if !yaml => return Err(format!("is not JSON: {error}")),
        _ => yaml::parse(body).map_err(|what| format!("is not YAML: {what}"))?,
    };
    Ok((document, File { path, text, yaml }))
}

/// Adds the files that it refers to, and makes the references point to them. References that lead to no
/// file of the repository stay, and the comparison reports them.
fn with_others(place: &Place, mut document: Value, main: File) -> Result<(Value, Vec<File>)> {
    let mut files = vec![main];
    if !names_files(&files[0].text) {
        return Ok((document, files));
    }
    let mut parts: Vec<Option<Value>> = vec![None];
    let root = files[0].path.clone();
    link(&mut document, &root, &mut |path| find(place, path, &mut files, &mut parts))?;
    let mut linked = Map::new();
    let mut next = 1;
    while next < files.len() {
        let here = files[next].path.clone();
        let mut part = parts[next].take().unwrap_or_default();
        link(&mut part, &here, &mut |path| find(place, path, &mut files, &mut parts))?;
        linked.insert(here.into_string(), part);
        next += 1;
    }
    document[FILES] = Value::Object(linked);
    Ok((document, files))
}

/// Whether a reference leads out of the text: `"$ref": "other.yaml"`. Walking a large document to find none
/// would take as long as comparing it.
fn names_files(text: &str) -> bool {
    // One character is searched for by optimised code of the standard library, a word is not.
    text.match_indices('$').any(|(at, _)| {
        let Some(rest) = text[at..].strip_prefix("$ref") else { return false };
        let mut rest = rest.as_bytes();
        while let [b'"' | b'\'' | b':' | b' ' | b'\t' | b'\r' | b'\n', tail @ ..] = rest {
            rest = tail;
        }
        rest.first() != Some(&b'#')
    })
}

/// Reads a file once. None if there is no such file: then nobody knows what is there.
fn find(
    place: &Place,
    path: &Utf8Path,
    files: &mut Vec<File>,
    parts: &mut Vec<Option<Value>>,
) -> Result<Option<usize>> {
    if let Some(known) = files.iter().position(|file| file.path == path) {
        return Ok(Some(known));
    }
    let Ok(text) = place.read(path) else { return Ok(None) };
    if files.len() == MOST {
        bail!("{} refers to more than {MOST} files", files[0].path);
    }
    let (part, file) = parsed(path.to_path_buf(), text).map_err(|what| anyhow!("{path} {what}"))?;
    files.push(file);
    parts.push(Some(part));
    Ok(Some(files.len() - 1))
}

/// Rewrites the references of one file. `find` gives the number of a file, 0 for the main one.
fn link(
    value: &mut Value,
    here: &Utf8Path,
    find: &mut dyn FnMut(&Utf8Path) -> Result<Option<usize>>,
) -> Result<()> {
    match value {
        Value::Array(list) => list.iter_mut().try_for_each(|value| link(value, here, find)),
        Value::Object(map) => map.iter_mut().try_for_each(|(key, value)| match value {
            Value::String(reference) if key == "$ref" => {
                if let Some(linked) = linked(reference, here, find)? {
                    *reference = linked;
                }
                Ok(())
            }
            _ => link(value, here, find),
        }),
        _ => Ok(()),
    }
}

fn linked(
    reference: &str,
    here: &Utf8Path,
    find: &mut dyn FnMut(&Utf8Path) -> Result<Option<usize>>,
) -> Result<Option<String>> {
    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let pointer = fragment.is_empty() || fragment.starts_with('/');
    // `https:`, `urn:`, and anchors, which are not pointers.
    if !pointer || file.contains(':') {
        return Ok(None);
    }
    let Some(path) = joined(here, file) else { return Ok(None) };
    Ok(find(&path)?.map(|number| match number {
        0 => format!("#{fragment}"),
        _ => {
            let name = path.as_str().replace('~', "~0").replace('/', "~1").replace('%', "%25");
            format!("#/{FILES}/{name}{fragment}")
        }
    }))
}

/// The path that a reference in the file `here` names. None if it is outside.
fn joined(here: &Utf8Path, file: &str) -> Option<Utf8PathBuf> {
    if file.is_empty() {
        return Some(here.to_path_buf());
    }
    let mut path = here.parent().unwrap_or(Utf8Path::new("")).to_path_buf();
    for part in Utf8Path::new(file).components() {
        match part {
            Utf8Component::Normal(name) => path.push(name),
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                path.file_name()?;
                path.pop();
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    Some(path)
}
