//! The repository's data: settings, commits, versions and changelog. This layer reads the checkout and git
//! only.

pub mod affected;
pub mod changelog;
pub mod commits;
pub mod ctx;
pub mod dry_run;
pub mod endpoints;
pub mod evidence;
pub mod labels;
pub mod language;
pub mod manifest;
pub mod markdown;
pub mod tags;
pub mod version;
pub mod workspace;
