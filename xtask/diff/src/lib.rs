//! What changed between two versions, and whom it breaks: contracts (OpenAPI documents) and public APIs
//! (Python's, TypeScript's). Pure: values in, changes out; no file, process, network or clock. A crate of its
//! own, so that it stays so, and compiles while others still do.

pub mod change;
pub mod finding;
pub mod openapi;
pub mod python;
pub mod rule;
pub mod ts;
