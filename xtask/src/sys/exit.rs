//! The exit codes: 0 done, 1 failed, 2 usage, 3 a gate said no, 4 nothing to release.

use crate::finding::Finding;
use std::fmt;

/// An outcome that is not a failure of the program, carried up as an error so that `?` works.
#[derive(Debug)]
pub enum Exit {
    /// Bad arguments or settings: 2.
    Usage(String),
    /// A gate said no: 3.
    Gate(Vec<Finding>),
    /// A gate said no, and its findings are printed: 3.
    Refused(String),
    /// Nothing to release: 4.
    Nothing(String),
}

impl Exit {
    pub fn code(&self) -> u8 {
        match self {
            Exit::Usage(_) => 2,
            Exit::Gate(_) | Exit::Refused(_) => 3,
            Exit::Nothing(_) => 4,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Usage(text) | Exit::Refused(text) | Exit::Nothing(text) => f.write_str(text),
            Exit::Gate(findings) => {
                let stops = findings.iter().filter(|f| f.stops()).count();
                write!(f, "{stops} finding{} to settle first", if stops == 1 { "" } else { "s" })
            }
        }
    }
}

impl std::error::Error for Exit {}
