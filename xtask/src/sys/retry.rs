//! How long xtask waits for the network, how often it tries again, and that it says so.

use super::ui;
use anyhow::Result;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

pub(crate) const TRIES: u32 = 4;
/// The longest `Retry-After` that is waited for.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A slower upload, in bytes per second, is given up.
const SLOWEST_UPLOAD: u64 = 50 << 10;

/// How long the other side may send nothing (`XTASK_SILENCE`, seconds).
pub(crate) fn silence() -> Duration {
    seconds("XTASK_SILENCE", 60)
}

/// How long one request, or one program that uses the network, may take in all (`XTASK_LIMIT`, seconds).
/// Large wheels over a slow connection take minutes.
pub(crate) fn overall() -> Duration {
    seconds("XTASK_LIMIT", 20 * 60)
}

/// How long the upload of `size` bytes may take. uv and npm show no progress and have one limit for sending
/// the file and for the answer.
pub(crate) fn upload(size: u64) -> Duration {
    (silence() + Duration::from_secs(size / SLOWEST_UPLOAD)).min(overall())
}

fn seconds(variable: &str, default: u64) -> Duration {
    let set = std::env::var(variable).ok().and_then(|value| value.parse().ok()).filter(|s| *s > 0);
    Duration::from_secs(set.unwrap_or(default))
}

/// The pause before the next attempt: 0.5, 1, 2 … seconds.
pub(crate) fn pause(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(7))
}

/// Is it a status after which the same request may succeed a moment later?
pub(crate) fn is_temporary(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Says why `what` failed and when it is tried again, and waits.
pub(crate) fn wait(what: &str, why: &str, attempt: u32, pause: Duration) {
    let text = format!("{what}: {why}; retry in {:.1} s ({attempt}/{TRIES})", pause.as_secs_f64());
    ui::say(&format!("    {}", ui::dim(&text)));
    std::thread::sleep(pause);
}

/// The pause that a server asks for, as the context of an error.
#[derive(Debug)]
pub(crate) struct Asked(pub Duration);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server asks to wait {} s, Retry-After", self.0.as_secs())?;
        match self.0 > LONGEST_PAUSE {
            true => write!(f, "; xtask waits at most {} s", LONGEST_PAUSE.as_secs()),
            false => Ok(()),
        }
    }
}

/// Runs `work` until it succeeds, at most [`TRIES`] times. `temporary` returns the reason of a temporary
/// failure, and None for any other.
pub(crate) fn again<T>(
    what: &str,
    mut work: impl FnMut() -> Result<T>,
    temporary: impl Fn(&anyhow::Error) -> Option<String>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        let outcome = work();
        let Err(error) = &outcome else { return outcome };
        let asked = error.downcast_ref::<Asked>();
        let why = match asked {
            Some(Asked(pause)) => (*pause <= LONGEST_PAUSE).then(|| Asked(*pause).to_string()),
            None => temporary(error),
        };
        let Some(why) = why.filter(|_| attempt < TRIES) else { return outcome };
        wait(what, &why, attempt, asked.map_or(pause(attempt), |asked| asked.0));
        attempt += 1;
    }
}

/// How long a server may go on showing the state from before an upload: answers may come from a cache.
pub(crate) fn patience() -> Duration {
    2 * silence()
}

/// Runs `look` until it returns something, at most for [`patience`]. None: the server still shows the state
/// from before the upload. `what` is waited for, for the message.
pub(crate) fn until_shown<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let (started, limit) = (Instant::now(), patience());
    for attempt in 1.. {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if attempt == 1 {
            let text = format!("{what}: not shown yet; asking again for at most {} s", limit.as_secs());
            ui::say(&format!("    {}", ui::dim(&text)));
        }
        if started.elapsed() > limit {
            break;
        }
        std::thread::sleep(pause(attempt.min(5)));
    }
    Ok(None)
}

/// What to do if [`until_shown`] found nothing.
pub(crate) fn still_stale() -> String {
    format!(
        "it may show an older state, from a cache: waited for {} s; wait a few minutes and run the same \
         command again",
        patience().as_secs()
    )
}

/// Is it the answer of an index to an upload that it has already?
pub(crate) fn is_there_already(output: &str) -> bool {
    THERE.iter().any(|text| output.contains(text))
}

/// The words of pypi.org and pypiserver, of any index that answers 409 to uv, of npm, and of verdaccio and
/// Gitea to npm.
const THERE: &[&str] = &[
    "File already exists",
    "status code 409",
    "cannot publish over the previously published",
    "npm error code E409",
];

/// Is it what a program says of a version that the index does not show?
pub(crate) fn is_not_shown(output: &str) -> bool {
    NOT_SHOWN.iter().any(|text| output.contains(text))
}

/// The words of pip, uv and npm.
const NOT_SHOWN: &[&str] = &[
    "No matching distribution found",
    "there is no version of",
    "was not found in the package registry",
    "npm error code ETARGET",
    "npm error code E404",
];

/// Says that `what` is waited for, once, if this is not dropped earlier.
pub(crate) struct Waiting {
    _ended: Sender<()>,
}

/// How long to wait before [`Waiting`] says so: longer than a common answer takes.
const QUIET: Duration = Duration::from_secs(10);

pub(crate) fn waiting(what: &str, limit: Duration) -> Waiting {
    let (ended, waits) = channel::<()>();
    let quiet = QUIET.min(silence() / 2);
    let text = format!("{what}: waiting for an answer, at most {} s", limit.as_secs());
    std::thread::spawn(move || {
        if let Err(RecvTimeoutError::Timeout) = waits.recv_timeout(quiet) {
            ui::say(&format!("    {}", ui::dim(&text)));
        }
    });
    Waiting { _ended: ended }
}

/// The reason in a program's output if it failed for one that another try may not have: a status, or a
/// connection that broke. Git, uv and npm pass on the texts of their HTTP clients, which nobody translates.
pub(crate) fn temporary(output: &str) -> Option<String> {
    let markers = [
        "status code ",
        "returned error: ",
        "npm error code E",
        "npm error ",
        "HTTP ",
        "HTTP error ",
        " error (",
    ];
    let status = markers.iter().find_map(|marker| {
        output.match_indices(marker).find_map(|(at, _)| {
            let digits: String =
                output[at + marker.len()..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u16>().ok().filter(|status| (400..600).contains(status))
        })
    });
    match status {
        Some(status) => is_temporary(status).then(|| format!("the server answered {status}")),
        None => BROKEN.iter().find(|text| output.contains(**text)).map(|text| text.trim().to_string()),
    }
}

/// Did the program fail because a server asked to come back later? It may have said when, which uv and npm do
/// not pass on.
pub(crate) fn is_busy(output: &str) -> bool {
    temporary(output).is_some_and(|why| why.ends_with(" 429") || why.ends_with(" 503"))
}

/// The reason of a download that ended before the whole file was there. None for a request without an answer,
/// which was tried again already.
pub(crate) fn interrupted(error: &anyhow::Error) -> Option<String> {
    if error.downcast_ref::<ureq::Error>().is_some() {
        return None;
    }
    error.chain().find_map(|e| e.downcast_ref::<std::io::Error>()).map(ToString::to_string)
}

/// What curl (git), reqwest (uv) and Node (npm) say of a connection that broke or that was silent.
const BROKEN: &[&str] = &[
    "Operation too slow",
    "Connection reset",
    "connection reset",
    "Connection timed out",
    "Connection closed",
    "connection closed",
    "Empty reply from server",
    "Recv failure",
    "Send failure",
    "transfer closed",
    "unexpected disconnect",
    "hung up unexpectedly",
    "early EOF",
    "operation timed out",
    "did not end within",
    "transferred nothing for",
    // ssh's word for a server that has stopped answering.
    "not responding",
    "broken pipe",
    "Broken pipe",
    "network timeout",
    "Response timeout",
    "ECONNRESET",
    "ETIMEDOUT",
    "EPIPE",
    "socket hang up",
    "Premature close",
    "Invalid response body",
    "end of file before message length",
    "unexpected EOF",
    "IncompleteMessage",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_tried_again_after_a_temporary_failure_only() {
        for (output, expected) in [
            ("fatal: unable to access 'http://h/': The requested URL returned error: 503", Some("503")),
            ("fatal: unable to access 'http://h/': The requested URL returned error: 403", None),
            ("error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", Some("502")),
            ("cause: Server returned status code 500 Internal Server Error. Server says: no", Some("500")),
            ("cause: Server returned status code 400 Bad Request. Server says: 503", None),
            ("cause: error sending request for url (http://h/)\n cause: operation timed out", Some("timed")),
            ("npm error code E500\nnpm error 500 X - PUT http://h/x", Some("500")),
            ("npm error code E403\nnpm error 403 no - PUT http://h/x", None),
            ("npm error code E409\nnpm error 409 Conflict - PUT http://h/x", None),
            ("ERROR: HTTP error 429 while getting http://h/packages/x.whl", Some("429")),
            ("HTTP status client error (404 Not Found) for url (http://h/x)", None),
            ("HTTP status server error (503 Service Unavailable) for url (http://h/x)", Some("503")),
            ("npm error code ECONNRESET\nnpm error network aborted", Some("ECONNRESET")),
            ("npm error code FETCH_ERROR\nnpm error network timeout at: http://h/x", Some("timeout")),
            ("npm error Response timeout while trying to fetch http://h/x (over 9ms)", Some("timeout")),
            ("Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds", Some("too slow")),
            ("fatal: '/no/such' does not appear to be a git repository", None),
            ("fatal: unable to access 'http://h/': Could not resolve host: h", None),
            ("! [rejected] main -> main (stale info)", None),
            ("", None),
        ] {
            let found = temporary(output);
            assert_eq!(found.is_some(), expected.is_some(), "{output}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{output}");
        }
    }

    #[test]
    fn a_version_that_the_index_does_not_show_and_a_file_that_it_has_are_recognised() {
        for (output, there, not_shown) in [
            ("ERROR: No matching distribution found for demo-agent==0.0.2", false, true),
            ("Because there is no version of demo-agent==0.0.2 and you require it", false, true),
            ("Because demo-agent was not found in the package registry and you require it", false, true),
            ("npm error code ETARGET\nnpm error notarget No matching version found for a@2", false, true),
            ("npm error code E404\nnpm error 404 Not Found - GET http://h/a", false, true),
            ("npm error code E403\nnpm error 403 Forbidden - GET http://h/a", false, false),
            ("cause: Server returned status code 409 Conflict. Server says: no", true, false),
            (
                "cause: Server returned status code 400 Bad Request. Server says: File already exists",
                true,
                false,
            ),
            ("npm error You cannot publish over the previously published versions: 0.0.2.", true, false),
            ("npm error code E409\nnpm error 409 Conflict - PUT http://h/a", true, false),
            ("cause: Server returned status code 400 Bad Request. Server says: no", false, false),
        ] {
            assert_eq!((is_there_already(output), is_not_shown(output)), (there, not_shown), "{output}");
        }
    }

    #[test]
    fn work_is_repeated_while_its_failure_is_temporary_and_at_most_four_times() {
        let run = |temporary: bool, good_at: u32| {
            let mut tries = 0;
            let outcome = again(
                "work",
                || {
                    tries += 1;
                    if tries >= good_at { Ok(()) } else { anyhow::bail!("503") }
                },
                |_| temporary.then(|| "503".to_string()).filter(|_| good_at < 3),
            );
            (outcome.is_ok(), tries)
        };
        assert_eq!(run(true, 1), (true, 1));
        assert_eq!(run(true, 2), (true, 2));
        assert_eq!(run(false, 2), (false, 1));
    }
}
