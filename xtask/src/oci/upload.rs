//! Uploads blobs. A blob that the repository has is skipped, one of another repository is mounted if
//! possible, and others are sent in one request or in chunks. A failed chunk is resumed.

use super::registry::{Registry, push_scope};
use super::spec::Descriptor;
use crate::sys::http::{Request, Response};
use crate::sys::{http, retry, ui};
use anyhow::{Context, Result};
use camino::Utf8Path;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// ghcr.io takes 4 MiB in one chunked request and answers 416 to more.
const CHUNK: u64 = 4 << 20;
/// The largest chunk that a registry may require (`OCI-Chunk-Min-Length`).
const LARGEST_CHUNK: u64 = 128 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Existing,
    Mounted,
    Uploaded,
}

/// The address of an upload's next request, and the size of its chunks in bytes.
struct Session {
    url: String,
    chunk: u64,
}

enum Start {
    Mounted,
    Session(Session),
}

impl Registry {
    /// Uploads the blob unless the repository has it. `from`: another repository of this registry that
    /// probably has it.
    pub(crate) fn put_blob(
        &self,
        repository: &str,
        blob: &Descriptor,
        file: &Utf8Path,
        from: Option<&str>,
    ) -> Result<Sent> {
        self.may_write()?;
        if self.has_blob(repository, &blob.digest)? {
            return Ok(Sent::Existing);
        }
        let file = File::open(file).with_context(|| format!("cannot read {file}"))?;
        let mut from = from.filter(|other| *other != repository);
        let mut attempt = 1;
        loop {
            let outcome = match self.start(repository, Some(&blob.digest), from)? {
                Start::Mounted => return Ok(Sent::Mounted),
                Start::Session(session) => self.send_blob(repository, session, blob, &file),
            };
            let Err(error) = outcome else { return Ok(Sent::Uploaded) };
            if attempt == retry::TRIES || !is_worth_restarting(&error) {
                return Err(error)
                    .with_context(|| format!("cannot upload {} to {}/{repository}", blob.digest, self.host));
            }
            // The upload may be complete, with only the answer to the last request lost.
            if self.has_blob(repository, &blob.digest)? {
                return Ok(Sent::Uploaded);
            }
            say(&format!("the upload of {} starts again: {}", blob.digest, error.root_cause()));
            from = None;
            attempt += 1;
        }
    }

    /// Checks that we may push to the repository: starts an upload and cancels it.
    pub(crate) fn can_push(&self, repository: &str) -> Result<()> {
        self.may_write()?;
        if let Start::Session(session) = self.start(repository, None, None)? {
            // Errors are ignored: not every registry supports cancelling, and all remove unfinished uploads
            // later.
            let _ = self.call_by(&push_scope(repository, None), Request::new("DELETE", session.url), |r| {
                self.http.send_once(r, &r.url, true)
            });
        }
        Ok(())
    }

    fn start(&self, repository: &str, digest: Option<&str>, from: Option<&str>) -> Result<Start> {
        let mut url = self.url(repository, "blobs/uploads/");
        if let (Some(digest), Some(from)) = (digest, from) {
            url += &format!("?{}", super::auth::encode(&[("mount", digest), ("from", from)]));
        }
        let request = Request::new("POST", url).body("application/octet-stream", b"");
        let answer = self.call(&push_scope(repository, from), request)?.success()?;
        if answer.status == 201 && from.is_some() {
            return Ok(Start::Mounted);
        }
        let smallest = answer.header("OCI-Chunk-Min-Length").and_then(|v| v.parse().ok()).unwrap_or(0);
        Ok(Start::Session(Session {
            url: self.next(&answer)?,
            chunk: CHUNK.max(smallest).min(LARGEST_CHUNK),
        }))
    }

    fn send_blob(&self, repository: &str, session: Session, blob: &Descriptor, file: &File) -> Result<()> {
        let scopes = push_scope(repository, None);
        let (url, rest) = match blob.size <= session.chunk {
            true => (session.url, read(file, 0, blob.size)?),
            false => (self.send_chunks(&scopes, session, blob, file)?, Vec::new()),
        };
        let joint = if url.contains('?') { '&' } else { '?' };
        let request = Request::new("PUT", format!("{url}{joint}digest={}", blob.digest))
            .body("application/octet-stream", &rest);
        // Sent without retries: an upload that the registry has closed cannot be closed again, so a retry
        // must be a new upload.
        self.call_by(&scopes, request, |r| self.http.send_once(r, &r.url, true))?.success().map(drop)
    }

    /// Sends the blob in chunks. Returns the address that closes the upload.
    fn send_chunks(
        &self,
        scopes: &[String],
        mut session: Session,
        blob: &Descriptor,
        file: &File,
    ) -> Result<String> {
        let (mut offset, mut failures) = (0, 0);
        while offset < blob.size {
            let bytes = read(file, offset, session.chunk.min(blob.size - offset))?;
            let end = offset + bytes.len() as u64;
            let request = Request::new("PATCH", session.url.clone())
                .header("Content-Range", format!("{offset}-{}", end - 1))
                .body("application/octet-stream", &bytes);
            let error = match self
                .call_by(scopes, request, |r| self.http.send_once(r, &r.url, true))
                .and_then(Response::success)
            {
                Ok(answer) => {
                    session.url = self.next(&answer)?;
                    // A registry may accept fewer bytes than were sent, and reports that in `Range`.
                    offset = received(&answer).filter(|got| *got > offset && *got <= end).unwrap_or(end);
                    failures = 0;
                    continue;
                }
                Err(error) => error,
            };
            failures += 1;
            if failures == retry::TRIES
                || !(is_worth_restarting(&error) || http::status_of(&error) == Some(416))
            {
                return Err(error);
            }
            let pause = retry::pause(failures);
            say(&format!(
                "the upload of {} was interrupted after {offset} bytes: {}; it resumes in {:.1} s",
                blob.digest,
                error.root_cause(),
                pause.as_secs_f64()
            ));
            std::thread::sleep(pause);
            let answer = self.call(scopes, Request::new("GET", session.url.clone()))?.success()?;
            offset = received(&answer).unwrap_or(0).min(blob.size);
            if answer.header("Location").is_some() {
                session.url = self.next(&answer)?;
            }
        }
        Ok(session.url)
    }

    fn next(&self, answer: &Response) -> Result<String> {
        self.own(&answer.location()?)
    }
}

/// How many bytes the registry has, from `Range: 0-1023`, which gives the index of the last byte.
/// Distribution answers `0-0` if it has none.
fn received(answer: &Response) -> Option<u64> {
    let (_, last) = answer.header("Range")?.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    Some(if last == 0 { 0 } else { last + 1 })
}

fn read(file: &File, offset: u64, size: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(size)?];
    file.read_exact_at(&mut bytes, offset).context("the blob's file became shorter during the upload")?;
    Ok(bytes)
}

/// Can a new upload succeed after this error? After a broken connection, 5xx, or an upload that the registry
/// no longer knows.
fn is_worth_restarting(error: &anyhow::Error) -> bool {
    match http::status_of(error) {
        Some(status) => matches!(status, 400 | 404 | 408 | 416 | 429 | 500..),
        None => error.chain().any(|e| e.is::<ureq::Error>()),
    }
}

fn say(text: &str) {
    ui::say(&format!("    {}", ui::dim(text)));
}
