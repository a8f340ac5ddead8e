//! What every command needs.

use crate::model::endpoints::Endpoints;
use crate::model::workspace::Workspace;
use crate::sys::git::Git;

/// The checkout, its git, and where a command may read and write.
pub struct Ctx {
    pub ws: Workspace,
    pub git: Git,
    pub endpoints: Endpoints,
    pub json: bool,
}
