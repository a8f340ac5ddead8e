//! Reads a package's files from a Python index: the simple API as JSON (PEP 691) or HTML (PEP 503), whichever
//! the server supports.

use crate::ecosystem::IndexVersion;
use crate::model::endpoints::PythonIndex;
use crate::model::language::python::normalise;
use crate::model::version;
use crate::sys::http::{Http, Request};
use crate::sys::{http, url};
use anyhow::{Context, Result, bail};
use semver::Version;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[cfg(test)]
mod tests;

/// A file as the index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexFile {
    pub name: String,
    /// The PEP 440 version in the file's name. None if the name does not have this package's form.
    pub version: Option<String>,
    /// 64 hex digits.
    pub sha256: Option<String>,
    pub yanked: bool,
    pub url: String,
}

const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// The package's files on the index. None if the index does not know the package.
pub(crate) fn files(index: &PythonIndex, package: &str) -> Result<Option<Vec<IndexFile>>> {
    let url = format!("{}/{}/", index.simple.trim_end_matches('/'), normalise(package));
    let login = index.login().map(|login| http::basic(login.user, &login.token));
    let request = Request::new("GET", &url).header("accept", ACCEPT).login(login);
    let answered = Http::new()?.ask(&request, |answer| {
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.success()?;
        let content_type = answer.header("content-type").unwrap_or_default().to_lowercase();
        let text = String::from_utf8_lossy(&answer.bytes()?).into_owned();
        read(&content_type, &text, &url, package).map(Some).with_context(|| {
            format!("the answer to GET {url} is not an answer of a Python index, so its versions are unknown")
        })
    });
    answered.context("cannot read the index")
}

/// The files of an index's page. An error for everything that is not such a page: a maintenance page must not
/// pass for an index without files.
pub(crate) fn read(content_type: &str, text: &str, url: &str, package: &str) -> Result<Vec<IndexFile>> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/vnd.pypi.simple.v1+json" | "application/json" => {
            from_json(text, url, package).context("not what PEP 691 describes")
        }
        "application/vnd.pypi.simple.v1+html" | "text/html" => {
            let files = from_html(text, url, package);
            let lower = text.to_lowercase();
            if lower.contains("<html") && !lower.contains("</html") {
                bail!("the page ends before </html>");
            }
            // PEP 629's version, PEP 503's file names, or the heading that indexes give an empty page.
            let is_index = lower.contains("pypi:repository-version")
                || files.iter().any(|file| file.version.is_some())
                || lower.contains("links for ");
            if !is_index {
                bail!(
                    "a web page without a file of {package} and without a mark of an index (PEP 503, PEP 629)"
                );
            }
            Ok(files)
        }
        other => bail!("its content type is {other:?}, not JSON or HTML"),
    }
}

/// Every version of the package, yanked or not. None if the index does not know the package. A version
/// without a SemVer equivalent, such as a post-release, is listed by its first three numbers, so that they
/// are not used again.
pub(crate) fn versions(index: &PythonIndex, package: &str) -> Result<Option<Vec<IndexVersion>>> {
    files(index, package)?.map(out).transpose()
}

/// Files are yanked one by one. A version is withdrawn when all of its files are yanked.
pub(crate) fn out(files: Vec<IndexFile>) -> Result<Vec<IndexVersion>> {
    let mut found: BTreeMap<Version, Option<bool>> = BTreeMap::new();
    for file in files {
        let Some(text) = file.version else { continue };
        let version: pep440_rs::Version = match text.parse() {
            Ok(version) => version,
            // Versions from before PEP 440, which pip ignores too.
            Err(_) if text.chars().any(|c| c.is_ascii_alphabetic()) => continue,
            Err(error) => bail!("{} has a version that cannot be compared: {error}", file.name),
        };
        match version::from_pep440(&version.to_string()) {
            Ok(twin) => {
                let withdrawn = found.entry(twin).or_default();
                *withdrawn = Some(file.yanked && withdrawn.unwrap_or(true));
            }
            Err(_) => drop(found.entry(version::floor(&version)).or_default()),
        }
    }
    Ok(found
        .into_iter()
        .map(|(version, withdrawn)| IndexVersion { version, withdrawn: withdrawn == Some(true) })
        .collect())
}

fn from_json(text: &str, base: &str, package: &str) -> Result<Vec<IndexFile>> {
    #[derive(Deserialize)]
    struct Page {
        meta: Meta,
        name: String,
        files: Vec<File>,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "api-version")]
        version: String,
    }
    #[derive(Deserialize)]
    struct File {
        filename: String,
        url: String,
        #[serde(default)]
        hashes: HashMap<String, String>,
        /// false, true, or the reason as a string.
        #[serde(default)]
        yanked: serde_json::Value,
    }
    let page: Page = serde_json::from_str(text)?;
    if !page.meta.version.starts_with("1.") || normalise(&page.name) != normalise(package) {
        bail!("a page of {} with API version {}", page.name, page.meta.version);
    }
    let file = |f: File| IndexFile {
        version: version(&f.filename, package),
        sha256: f.hashes.get("sha256").map(|h| h.to_lowercase()),
        yanked: !matches!(f.yanked, serde_json::Value::Null | serde_json::Value::Bool(false)),
        url: url::join(base, &f.url).unwrap_or(f.url),
        name: f.filename,
    };
    Ok(page.files.into_iter().map(file).collect())
}

/// Reads every `<a href="…#sha256=…" data-yanked="…">name</a>`.
fn from_html(text: &str, base: &str, package: &str) -> Vec<IndexFile> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some(at) = find_tag(rest) {
        rest = &rest[at..];
        let Some(end) = tag_end(rest) else { break };
        let (tag, after) = rest.split_at(end);
        let name = unescape(after.trim_start_matches('>').split('<').next().unwrap_or("").trim());
        rest = after;
        let Some(href) = attribute(tag, "href") else { continue };
        let (address, fragment) = href.split_once('#').unwrap_or((&href, ""));
        files.push(IndexFile {
            version: version(&name, package),
            sha256: fragment.split('&').find_map(|f| f.strip_prefix("sha256=")).map(|h| h.to_lowercase()),
            yanked: attribute(tag, "data-yanked").is_some(),
            url: url::join(base, address).unwrap_or_else(|| address.to_string()),
            name,
        });
    }
    files
}

/// The position of the next `<a `.
fn find_tag(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).find(|&i| {
        bytes[i] == b'<' && bytes[i + 1].eq_ignore_ascii_case(&b'a') && bytes[i + 2].is_ascii_whitespace()
    })
}

/// The position of the tag's `>`, skipping those inside quotes as in `data-requires-python=">=3.11"`.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| match (quote, c) {
        (None, '>') => Some(at),
        (None, '"' | '\'') => {
            quote = Some(c);
            None
        }
        (Some(open), c) if c == open => {
            quote = None;
            None
        }
        _ => None,
    })
}

/// An attribute's value: empty if it has no value, None if the tag does not have the attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag.get(2..)?.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('=') {
            None => ("", after),
            Some(value) => {
                let value = value.trim_start();
                match value.chars().next().filter(|c| *c == '"' || *c == '\'') {
                    Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
                    None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
                }
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(unescape(value));
        }
        rest = next.trim_start();
        if key.is_empty() && rest.len() == after.len() {
            break;
        }
    }
    None
}

fn unescape(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_string(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// The version in a file's name: the second part of a wheel's name (PEP 427), the part after the last dash of
/// an sdist's name (PEP 625).
fn version(name: &str, package: &str) -> Option<String> {
    let (project, version) = match name.strip_suffix(".whl") {
        Some(stem) => {
            let mut parts = stem.split('-');
            (parts.next()?, parts.next()?)
        }
        None => {
            [".tar.gz", ".zip", ".tar.bz2"].iter().find_map(|end| name.strip_suffix(end))?.rsplit_once('-')?
        }
    };
    (normalise(project) == normalise(package)).then(|| version.to_string())
}
