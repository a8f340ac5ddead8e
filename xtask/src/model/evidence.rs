//! Changes that users can notice, in one form for all comparisons.

use crate::model::version::Bump;
use crate::model::workspace::Acceptance;
use serde::{Deserialize, Serialize};

/// One change since the last release that users can notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// The id of the rule that found it: `class-renamed`.
    pub id: String,
    /// The bump that it demands. Major: it can break users.
    pub demands: Bump,
    /// The symbol or operation that changed.
    pub what: String,
    pub message: String,
    pub place: String,
}

/// A break that `app.toml` accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub by: Acceptance,
    pub difference: Difference,
}
