//! The exit codes: 0 done, 1 failed, 2 usage, 3 a check failed, 4 nothing to do.

use crate::finding::Finding;
use std::fmt;

/// An outcome that ends the command but is not a failure of the program. It is an error so that `?` works.
#[derive(Debug)]
pub(crate) enum Exit {
    /// Bad arguments or settings: exit code 2.
    Usage(String),
    /// A gate failed, and its findings are not printed yet: exit code 3.
    Gate(Vec<Finding>),
    /// A gate failed, and its findings are already printed: exit code 3.
    Refused(String),
    /// Nothing to release, promote or roll back: exit code 4.
    Nothing(String),
}

impl Exit {
    pub(crate) fn code(&self) -> u8 {
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
                write!(f, "{stops} finding{} to fix first", if stops == 1 { "" } else { "s" })
            }
        }
    }
}

impl std::error::Error for Exit {}

/// The error, with what to type next on a line of its own, because `{error:#}` prints the cause last. The
/// findings of a gate have their own advice.
pub(crate) fn with_next(error: anyhow::Error, next: &str) -> anyhow::Error {
    match error.downcast::<Exit>() {
        Ok(exit) => exit.into(),
        Err(error) => anyhow::anyhow!("{error:#}\n  → {next}"),
    }
}
