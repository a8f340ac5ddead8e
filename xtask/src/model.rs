//! The repository's data: settings, commits, versions and changelog. This layer reads the checkout and git
//! only.

pub(crate) mod affected;
pub(crate) mod breaking_label;
pub(crate) mod changelog;
pub(crate) mod commits;
pub(crate) mod ctx;
pub(crate) mod dry_run;
pub(crate) mod endpoints;
pub(crate) mod evidence;
pub(crate) mod language;
pub(crate) mod manifest;
pub(crate) mod markdown;
pub(crate) mod tags;
pub(crate) mod version;
pub(crate) mod workflow;
pub(crate) mod workspace;
