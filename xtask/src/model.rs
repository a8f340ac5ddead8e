//! What a repository is: its settings, its commits, its versions and its changelog, read from the checkout
//! and from git alone.

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
