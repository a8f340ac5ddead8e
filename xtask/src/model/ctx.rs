//! The context that every command gets.

use crate::model::endpoints::Endpoints;
use crate::model::workspace::Workspace;
use crate::sys::git::Git;

/// The checkout, its git, and the addresses that a command reads from and writes to.
pub(crate) struct Ctx {
    pub ws: Workspace,
    pub git: Git,
    pub endpoints: Endpoints,
    pub json: bool,
}
