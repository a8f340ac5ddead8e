//! Checks of a running server, and the cache of checks that passed before.

pub(crate) mod black_box;
pub(crate) mod passed;
pub(crate) mod probe;
