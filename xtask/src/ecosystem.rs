//! How an app's language lints, tests, packs and publishes: the same few functions for each, one file a language.

use serde::Deserialize;

pub mod python;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    Python,
}
