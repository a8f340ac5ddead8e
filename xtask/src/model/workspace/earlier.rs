//! Reads the `app.toml` of an earlier commit. Unknown keys are ignored, because it may belong to another
//! version of xtask.

use camino::Utf8PathBuf;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EarlierSettings {
    pub spec: Option<Spec>,
    pub compat: Option<Compat>,
    pub api: Api,
    pub commands: Commands,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Spec {
    pub file: Utf8PathBuf,
    pub contract: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Compat {
    pub file: Utf8PathBuf,
    pub users: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Api {
    pub public: Vec<String>,
    pub private: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Commands {
    pub build: Vec<Vec<String>>,
}

impl EarlierSettings {
    /// None if the text is not TOML, or if a known key has another type.
    pub(crate) fn read(text: &str) -> Option<EarlierSettings> {
        toml_edit::de::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_of_an_earlier_app_toml_are_ignored() {
        let text = "name = \"x\"\nunknown = 1\n[spec]\nfile = \"x\"\ncontract = [\"a\"]\n\
                    [compat]\nfile = \"y\"\nusers = [\"b\", \"c\"]\nold = true\n\
                    [commands]\nbuild = [[\"make\", \"all\"]]\nold = 3\n";
        let read = EarlierSettings::read(text).expect("read");
        let list = |words: &[&str]| words.iter().map(|w| w.to_string()).collect::<Vec<_>>();
        assert_eq!(read.spec.expect("spec").contract, Some(list(&["a"])));
        assert_eq!(read.compat.expect("compat").users, Some(list(&["b", "c"])));
        assert_eq!(read.commands.build, [list(&["make", "all"])]);
        let read = EarlierSettings::read("name = \"x\"").expect("read");
        assert!(
            read.spec.is_none()
                && read.compat.is_none()
                && read.api.public.is_empty()
                && read.commands.build.is_empty()
        );
        for text in ["[spec", "spec = 1", "[commands]\nbuild = \"make\"", "[api]\npublic = 1"] {
            assert!(EarlierSettings::read(text).is_none(), "{text}");
        }
    }
}
