//! Uploads to a Python index, and lists the files that it already has.

use super::index;
use crate::ecosystem::{DistFile, PublishedFile, no_token, on_github, trusted_publishing};
use crate::model::ctx::Ctx;
use crate::model::endpoints::PythonIndex;
use crate::model::language::python;
use crate::model::workspace::App;
use crate::sys::http::{Http, Request};
use crate::sys::{child, http, retry, scratch, tools};
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use semver::Version;
use xshell::cmd;

/// The SHA-256 of no bytes.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The index's files of that version, found by their names, which PEP 427 and PEP 625 define.
pub(crate) fn published(app: &App, index: &PythonIndex, version: &Version) -> Result<Vec<PublishedFile>> {
    let package = &app.settings.package;
    // Some indexes list a file while it is uploaded, as after an upload that was interrupted.
    let what = format!("all of {package} {version} on the index");
    let whole = retry::until_shown(&what, || {
        let files = listed(app, index, version)?;
        Ok((!files.iter().any(|file| file.sha256.as_deref() == Some(EMPTY))).then_some(files))
    });
    whole?.with_context(|| {
        format!(
            "a file of {package} {version} is empty on the index, and was so for {} s: its upload was \
             interrupted; delete the file on the index",
            retry::patience().as_secs()
        )
    })
}

fn listed(app: &App, index: &PythonIndex, version: &Version) -> Result<Vec<PublishedFile>> {
    let version = app.settings.ecosystem.package_version(version)?;
    let name = python::normalise(&app.settings.package).replace('-', "_");
    let wheel = format!("{name}-{version}-");
    let sdist = format!("{name}-{version}.tar.gz");
    let files = index::files(index, &app.settings.package)?.unwrap_or_default();
    let ours = files
        .into_iter()
        .filter(|f| f.name == sdist || (f.name.starts_with(&wheel) && f.name.ends_with(".whl")));
    Ok(ours.map(|f| PublishedFile { name: f.name, sha256: f.sha256 }).collect())
}

/// Uploads a file with uv, with the token or as a trusted publisher. One attempt: see `Ecosystem::publish`.
pub(crate) fn upload(ctx: &Ctx, index: &PythonIndex, file: &DistFile) -> Result<()> {
    let (uv, url, path) = (tools::uv()?, &index.upload, &file.path);
    let limit = retry::upload(std::fs::metadata(path)?.len()).as_secs().to_string();
    let limit = ("UV_UPLOAD_HTTP_TIMEOUT", limit.as_str());
    let sh = child::shell(&ctx.ws.root)?;
    let token = std::env::var(index.token).unwrap_or_default();
    if !token.is_empty() {
        let cmd = cmd!(sh, "{uv} publish --quiet --publish-url {url} --trusted-publishing never {path}");
        return child::capture_upload(cmd, &[limit, ("UV_PUBLISH_TOKEN", &token)]).map(drop);
    }
    // Trusted publishing: uv itself requests an identity token from the forge.
    let forge = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_ACTIONS"];
    let env: Vec<(&str, String)> =
        forge.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?))).collect();
    let mut env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let temp = scratch::folder()?;
    let dir = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    // Sigstore's log is public: a rehearsal signs nothing.
    let paths = match ctx.endpoints.loopback_only {
        true => vec![path.clone()],
        false => signed(file, dir, &env)?,
    };
    env.push(limit);
    child::capture_upload(
        cmd!(sh, "{uv} publish --quiet --publish-url {url} --trusted-publishing always {paths...}"),
        &env,
    )
    .map(drop)
}

/// Signs the file with the job's identity, below `dir`. Returns the copy of the file and its attestation
/// (PEP 740), which uv uploads together. An index takes attestations from trusted publishers only.
fn signed(file: &DistFile, dir: &Utf8Path, env: &[(&str, &str)]) -> Result<Vec<Utf8PathBuf>> {
    let (sign, path) = (tools::tool("pypi-attestations")?, dir.join(&file.name));
    std::fs::copy(&file.path, &path).with_context(|| format!("cannot write {path}"))?;
    let sh = child::shell(dir)?;
    child::capture_online(cmd!(sh, "{sign} sign {path}"), env)
        .with_context(|| format!("cannot sign {} with Sigstore", file.name))?;
    let attestation = Utf8PathBuf::from(format!("{path}.publish.attestation"));
    Ok(vec![path, attestation])
}

/// What PyPI says of an upload that it refuses, the id of the finding, and what to do. Each has a row in the
/// RUNBOOK.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "invalid-publisher",
        "trusted-publisher",
        "it does not know this job as a trusted publisher: compare owner, repository, workflow and \
         environment with those on the index",
    ),
    (
        "invalid-pending-publisher",
        "trusted-publisher",
        "it does not know this job as a pending publisher: compare owner, repository, workflow and \
         environment with those on the index",
    ),
    (
        "Non-user identities cannot create new projects",
        "trusted-publisher",
        "the first release needs a pending publisher with exactly this package's name, or a token",
    ),
    (
        "allowed to upload to project",
        "upload-refused",
        "the name belongs to somebody else, or the token is for another project: check the owner there",
    ),
];

/// The id of the finding about an upload that the index refused, and what to do, if its words are known.
pub(crate) fn refusal(output: &str) -> Option<(&'static str, &'static str)> {
    REFUSALS.iter().find(|(words, ..)| output.contains(words)).map(|(_, id, advice)| (*id, *advice))
}

/// The reason why the index would refuse an upload. The check sends an upload without a file: an index that
/// accepts the token answers 400, one that does not answers 401 or 403.
pub(crate) fn credentials_problem(index: &PythonIndex) -> Option<String> {
    let Some(token) = std::env::var(index.token).ok().filter(|t| !t.is_empty()) else {
        return (!trusted_publishing()).then(|| no_token(&index.upload, index.token, on_github()));
    };
    let form = b":action=file_upload&protocol_version=1";
    let request =
        Request::new("POST", &index.upload).header("authorization", http::basic("__token__", &token));
    match Http::new().and_then(|http| http.send(&request.body("application/x-www-form-urlencoded", form))) {
        Ok(answer) if matches!(answer.status, 401 | 403) => Some(format!(
            "{} refuses the credentials in {} (HTTP {})",
            index.upload, index.token, answer.status
        )),
        Ok(answer) if retry::is_temporary(answer.status) => {
            Some(format!("cannot check the credentials: {}", answer.error()))
        }
        Ok(_) => None,
        Err(e) => Some(format!("cannot check the credentials at {}: {e:#}", index.upload)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// The pinned uv pairs a file with its attestation only if it is given both.
    #[test]
    fn uv_uploads_an_attestation_beside_its_file() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap();
        let wheel = dir.join("a-1.0-py3-none-any.whl");
        let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w')\n\
                      about = 'Metadata-Version: 2.1\\nName: a\\nVersion: 1.0\\n'\n\
                      z.writestr('a-1.0.dist-info/METADATA', about)\n\
                      z.writestr('a-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\n')\nz.close()\n";
        let (sh, python, uv) = (child::shell(dir).unwrap(), tools::python().unwrap(), tools::uv().unwrap());
        child::capture(cmd!(sh, "{python} -c {script} {wheel}"), &[]).unwrap();
        let attestation = format!("{wheel}.publish.attestation");
        std::fs::write(&attestation, "{\"signed\":\"by us\"}").unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/legacy/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut got, mut part) = (Vec::new(), [0; 4096]);
            // The end of the form.
            while !got.windows(4).rev().take(16).any(|end| end == b"--\r\n") {
                let n = stream.read(&mut part).unwrap();
                assert!(n > 0, "the upload ended early");
                got.extend(&part[..n]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            String::from_utf8_lossy(&got).into_owned()
        });
        let publish = cmd!(sh, "{uv} publish --quiet --publish-url {url} --trusted-publishing never");
        let publish = publish.args([wheel.as_str(), attestation.as_str()]);
        child::capture_upload(publish, &[("UV_PUBLISH_TOKEN", "token")]).unwrap();
        let got = server.join().unwrap();
        assert!(got.contains("name=\"attestations\"") && got.contains("[{\"signed\":\"by us\"}]"), "{got}");
    }

    #[test]
    fn what_pypi_refuses_has_advice_and_a_row_in_the_runbook() {
        let runbook = include_str!("../../../RUNBOOK.md");
        for (words, id, _) in REFUSALS {
            for text in [words, id] {
                assert!(runbook.contains(&format!("`{text}`")), "{text} has no row in the RUNBOOK");
            }
        }
        for (output, expected) in [
            (
                "Failed to obtain token for trusted publishing\n  cause: Server returned error code 422, is \
                 trusted publishing correctly configured?\nResponse: {\"errors\":[{\"code\":\
                 \"invalid-publisher\"}]}",
                "as a trusted publisher",
            ),
            ("{\"errors\":[{\"code\":\"invalid-pending-publisher\"}]}", "as a pending publisher"),
            (
                "400 Non-user identities cannot create new projects. This was probably",
                "pending publisher with",
            ),
            ("403 The user 'bot' isn't allowed to upload to project 'demo'.", "belongs to somebody else"),
            ("400 File already exists", ""),
            ("", ""),
        ] {
            let (_, advice) = refusal(output).unwrap_or_default();
            assert!(
                advice.contains(expected) && advice.is_empty() == expected.is_empty(),
                "{output}: {advice}"
            );
        }
    }
}
