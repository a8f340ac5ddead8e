//! The pause that an HTTP remote asks for (`Retry-After`). Git does not print it, but its trace has the
//! headers of each answer (git(1), GIT_TRACE_CURL).

use super::login::place;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

/// A file without a name, which ends with xtask.
pub(super) struct Trace {
    file: File,
}

impl Trace {
    /// None where the system has no `/proc`, and if the user lets git write a trace elsewhere.
    pub(super) fn new() -> Option<Trace> {
        let file = tempfile::tempfile().ok()?;
        let can = std::env::var_os(VARIABLE).is_none() && std::path::Path::new(&place(&file)).exists();
        can.then_some(Trace { file })
    }

    /// The variables for git.
    pub(super) fn environment(&self) -> [(&'static str, String); 2] {
        [(VARIABLE, place(&self.file)), ("GIT_TRACE_CURL_NO_DATA", "1".to_string())]
    }

    pub(super) fn retry_after(mut self) -> Option<Duration> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0)).ok()?;
        self.file.read_to_end(&mut text).ok()?;
        retry_after(&String::from_utf8_lossy(&text))
    }
}

const VARIABLE: &str = "GIT_TRACE_CURL";

/// The last pause that an answer asks for, in seconds. RFC 9110 also allows a date.
fn retry_after(trace: &str) -> Option<Duration> {
    let header = |line: &str| {
        let (name, value) = line.split_once("<= Recv header: ")?.1.split_once(':')?;
        let seconds = value.trim().parse().ok()?;
        name.eq_ignore_ascii_case("retry-after").then(|| Duration::from_secs(seconds))
    };
    trace.lines().rev().find_map(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_read_from_the_headers_of_answers() {
        for (trace, expected) in [
            ("06:14:35.1 http.c:756 <= Recv header: Retry-After: 3600\n", Some(3600)),
            ("06:14:35.1 http.c:756 <= Recv header: retry-after:7\r\n", Some(7)),
            ("<= Recv header: Retry-After: 1\n<= Recv header: Retry-After: 2\n", Some(2)),
            ("=> Send header: Retry-After: 3600\n", None),
            ("<= Recv header: Retry-After: Sat, 28 Nov 2026 06:00:00 GMT\n", None),
            ("<= Recv header: X-Retry-After: 5\n", None),
            ("", None),
        ] {
            assert_eq!(retry_after(trace), expected.map(Duration::from_secs), "{trace}");
        }
    }
}
