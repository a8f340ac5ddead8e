//! Compares two versions of an OpenAPI document or of a public API (Python, TypeScript): what changed, and
//! whom it breaks. Pure: values in, changes out, without files, processes, network or clock. A separate crate
//! keeps it pure, and it compiles in parallel with the dependencies of others.

pub mod change;
pub mod finding;
pub mod openapi;
pub mod python;
pub mod rule;
pub mod ts;
