//! One module per command. LAYERS in tests/it/layers.rs lists which command may use which.

pub mod api;
pub mod audit;
pub mod build;
pub mod bump;
pub mod check;
pub mod ci;
pub mod compat;
pub mod image;
pub mod openapi;
pub mod plan;
pub mod promote;
pub mod rehearse;
pub mod release;
pub mod setup;
