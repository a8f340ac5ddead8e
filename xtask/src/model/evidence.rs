//! What was found to have changed for users, whichever comparison found it.

use crate::model::version::Bump;
use crate::model::workspace::Acceptance;
use serde::{Deserialize, Serialize};

/// One thing that users of the last release can notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The rule's: `class-renamed`.
    pub id: String,
    /// Major: it breaks somebody.
    pub demands: Bump,
    /// The symbol or operation.
    pub what: String,
    pub message: String,
    pub place: String,
}

/// A break that `app.toml` accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub by: Acceptance,
    pub difference: Difference,
}
