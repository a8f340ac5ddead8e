//! A fault for the first use of the network in a step (`release --fault`). It stands for the server's answer
//! to a request of ours, or for the end of a program that uses the network (git, uv, npm).

use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    Status(u16),
    Silent,
    Reset,
}

static NEXT: Mutex<Option<Injected>> = Mutex::new(None);

/// Sets the fault of the next use, or none. Returns the one that was left.
pub(crate) fn set(fault: Option<Injected>) -> Option<Injected> {
    std::mem::replace(&mut NEXT.lock().unwrap_or_else(PoisonError::into_inner), fault)
}

impl Injected {
    /// `503`, `silent` or `reset`.
    pub(crate) fn parse(text: &str) -> Option<Injected> {
        match text {
            "silent" => Some(Injected::Silent),
            "reset" => Some(Injected::Reset),
            status => status.parse().ok().filter(|s| (400..600).contains(s)).map(Injected::Status),
        }
    }

    /// What a program prints about it.
    pub(crate) fn words(self) -> String {
        match self {
            Injected::Status(status) => format!("the server returned error: {status} (--fault)"),
            Injected::Silent => "operation timed out (--fault)".to_string(),
            Injected::Reset => "connection reset (--fault)".to_string(),
        }
    }

    /// What our own client reports.
    pub(crate) fn error(self) -> ureq::Error {
        match self {
            Injected::Status(_) | Injected::Silent => ureq::Error::Timeout(ureq::Timeout::RecvResponse),
            Injected::Reset => ureq::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::retry;

    #[test]
    fn a_fault_is_a_status_or_a_kind_and_passes_as_in_a_program() {
        for (text, expected, passes) in [
            ("503", Some(Injected::Status(503)), true),
            ("403", Some(Injected::Status(403)), false),
            ("silent", Some(Injected::Silent), true),
            ("reset", Some(Injected::Reset), true),
            ("200", None, false),
            ("slow", None, false),
            ("", None, false),
        ] {
            assert_eq!(Injected::parse(text), expected, "{text}");
            let words = Injected::parse(text).map(Injected::words).unwrap_or_default();
            assert_eq!(retry::temporary(&words).is_some(), passes, "{words}");
        }
    }
}
