//! Checks of a running server, and the cache of checks that passed before.

pub mod black_box;
pub mod passed;
pub mod probe;
