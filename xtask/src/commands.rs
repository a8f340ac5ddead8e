//! One module per command. LAYERS in tests/it/layers.rs lists which command may use which.

pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod build;
pub(crate) mod bump;
pub(crate) mod check;
pub(crate) mod ci;
pub(crate) mod compat;
pub(crate) mod hook;
pub(crate) mod hotfix;
pub(crate) mod image;
pub(crate) mod openapi;
pub(crate) mod plan;
pub(crate) mod promote;
pub(crate) mod rehearse;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod setup;
