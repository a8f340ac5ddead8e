//! What is asked of a running server, and what passed before.

pub mod black_box;
pub mod passed;
pub mod probe;
