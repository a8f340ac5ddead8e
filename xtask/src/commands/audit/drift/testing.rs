//! Helpers for the tests of `drift`.

use crate::model::workspace::AppSettings;

/// An app's settings with the image `ghcr.io/team/demo`.
pub(super) fn app(ecosystem: &str, package: &str) -> AppSettings {
    let image = "[image]\nname = \"ghcr.io/team/demo\"\nbase = \"b\"\nplatforms = []\n[spec]\n\
                 file = \"openapi.json\"\ngenerate = [\"x\"]\nserve = [\"x\"]\n";
    let text = format!("name = \"demo\"\necosystem = \"{ecosystem}\"\npackage = \"{package}\"\n{image}");
    toml_edit::de::from_str(&text).expect("settings")
}
