//! A fault for the first use of the network in a step (`release --fault`). It stands for the server's answer
//! to a request of ours, or for the end of a program that uses the network (git, uv, npm).

use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkFault {
    Status(u16),
    Silent,
    Reset,
}

static NEXT: Mutex<Option<NetworkFault>> = Mutex::new(None);

/// Sets the fault of the next use, or none. Returns the one that was left.
pub(crate) fn set(fault: Option<NetworkFault>) -> Option<NetworkFault> {
    std::mem::replace(&mut NEXT.lock().unwrap_or_else(PoisonError::into_inner), fault)
}

impl NetworkFault {
    /// `503`, `silent` or `reset`.
    pub(crate) fn parse(text: &str) -> Option<NetworkFault> {
        match text {
            "silent" => Some(NetworkFault::Silent),
            "reset" => Some(NetworkFault::Reset),
            status => status.parse().ok().filter(|s| (400..600).contains(s)).map(NetworkFault::Status),
        }
    }

    /// What a program prints about it.
    pub(crate) fn words(self) -> String {
        match self {
            NetworkFault::Status(status) => format!("the server returned error: {status} (--fault)"),
            NetworkFault::Silent => "operation timed out (--fault)".to_string(),
            NetworkFault::Reset => "connection reset (--fault)".to_string(),
        }
    }

    /// What our own client reports.
    pub(crate) fn error(self) -> ureq::Error {
        match self {
            NetworkFault::Status(_) | NetworkFault::Silent => {
                ureq::Error::Timeout(ureq::Timeout::RecvResponse)
            }
            NetworkFault::Reset => ureq::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
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
            ("503", Some(NetworkFault::Status(503)), true),
            ("403", Some(NetworkFault::Status(403)), false),
            ("silent", Some(NetworkFault::Silent), true),
            ("reset", Some(NetworkFault::Reset), true),
            ("200", None, false),
            ("slow", None, false),
            ("", None, false),
        ] {
            assert_eq!(NetworkFault::parse(text), expected, "{text}");
            let words = NetworkFault::parse(text).map(NetworkFault::words).unwrap_or_default();
            assert_eq!(retry::temporary(&words).is_some(), passes, "{words}");
        }
    }
}
