//! Reads a template, that is a downstream repository that depends on a release: its pin (`.runtime-version`)
//! and its plugins and channels (`template.toml`). Malformed files are usage errors that show the expected
//! form. Pure.

use super::document;
use crate::model::language::Ecosystem;
use crate::model::language::python::normalise;
use crate::model::workspace;
use crate::sys::exit::Exit;
use anyhow::Result;
use camino::Utf8Path;
use semver::Version;
use serde::Deserialize;

/// `template.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Template {
    /// An app of the current repository, instead of the next two.
    pub app: Option<String>,
    pub package: Option<String>,
    pub ecosystem: Option<Ecosystem>,
    #[serde(default)]
    pub plugins: Vec<Plugin>,
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// The hash of the spec that it was built against, in compat.json's form `sha256:<64 hex digits>`.
    pub spec: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Plugin {
    pub name: String,
    pub api_version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Channel {
    pub protocol: String,
    pub version: String,
}

/// The package that the template depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub name: String,
    pub ecosystem: Ecosystem,
}

impl Package {
    pub(super) fn is(&self, name: &str) -> bool {
        match self.ecosystem {
            Ecosystem::Python => normalise(&self.name) == normalise(name),
            Ecosystem::Ts => self.name == name,
        }
    }

    /// Whether both spell the same version: `1.0` and `1.0.0` do in Python.
    pub(super) fn same_version(&self, a: &str, b: &str) -> bool {
        let parse = |text: &str| text.parse::<pep440_rs::Version>().ok();
        match self.ecosystem {
            Ecosystem::Python => a == b || (parse(a).is_some() && parse(a) == parse(b)),
            Ecosystem::Ts => a == b,
        }
    }

    /// The package and version as installers write them: `a==1.0.0`, `a@1.0.0`.
    pub(super) fn at(&self, version: &str) -> String {
        match self.ecosystem {
            Ecosystem::Python => format!("{}=={version}", self.name),
            Ecosystem::Ts => format!("{}@{version}", self.name),
        }
    }
}

/// `.runtime-version`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    /// None if the pin has only a version.
    pub package: Option<String>,
    pub version: String,
}

fn usage<T>(text: String) -> Result<T> {
    Err(Exit::Usage(text).into())
}

pub(super) fn read(text: &str, file: &Utf8Path) -> Result<Template> {
    let template: Template = workspace::parse(text, file.as_str())?;
    match (&template.app, &template.package, template.ecosystem) {
        (Some(_), None, None) | (None, Some(_), Some(_)) => {}
        (Some(_), _, _) => {
            return usage(format!(
                "{file}: `app` already determines the package and the ecosystem; remove those keys"
            ));
        }
        (None, _, _) => {
            return usage(format!("{file} names no package: set `package` and `ecosystem`, or `app`"));
        }
    }
    if template.package.as_ref().is_some_and(|name| !plain_name(name)) {
        return usage(format!(
            "{file}: package = {:?} is not a package name",
            template.package.unwrap_or_default()
        ));
    }
    if let Some(spec) = template.spec.as_ref().filter(|spec| !document::is_hash(spec)) {
        return usage(format!("{file}: spec = {spec:?} must be `sha256:` and 64 lower-case hex digits"));
    }
    Ok(template)
}

/// Whether the name may become part of a URL.
fn plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@/".contains(c);
    !name.is_empty() && !name.starts_with(['-', '.', '/']) && !name.contains("..") && name.chars().all(plain)
}

pub(super) fn read_pin(text: &str, ecosystem: Ecosystem, file: &Utf8Path) -> Result<Pin> {
    let line = text.trim_start_matches('\u{feff}').trim();
    let wanted = "a pin is one line with one version: 0.1.2, or package==0.1.2";
    if line.is_empty() {
        return usage(format!("{file} is empty; {wanted}"));
    }
    if line.contains('\n') {
        return usage(format!("{file} has {} lines; {wanted}", line.lines().count()));
    }
    if line.starts_with('-') || line.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return usage(format!("{file}: {line:?} is not a pin; {wanted}"));
    }
    let (package, version) = match line.split_once("==") {
        Some((package, version)) => (Some(package), version),
        None => (None, line),
    };
    let is_version = match ecosystem {
        Ecosystem::Python => version.parse::<pep440_rs::Version>().is_ok(),
        Ecosystem::Ts => Version::parse(version).is_ok(),
    };
    if package.is_some_and(|p| !plain_name(p)) || !is_version {
        return usage(format!("{file}: {line:?} is not a pin; {wanted}"));
    }
    Ok(Pin { package: package.map(str::to_string), version: version.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.map_or_else(|e| e.to_string(), |_| String::new())
    }

    #[test]
    fn a_pin_names_one_version_or_is_refused() {
        let pin = |package: Option<&str>, version: &str| {
            Some(Pin { package: package.map(str::to_string), version: version.to_string() })
        };
        for (text, python, ts) in [
            ("0.1.2\n", pin(None, "0.1.2"), pin(None, "0.1.2")),
            ("  0.1.2\r\n", pin(None, "0.1.2"), pin(None, "0.1.2")),
            ("\u{feff}0.1.2", pin(None, "0.1.2"), pin(None, "0.1.2")),
            ("a-b==0.1.2", pin(Some("a-b"), "0.1.2"), pin(Some("a-b"), "0.1.2")),
            ("@a/b==1.0.0-rc.1", pin(Some("@a/b"), "1.0.0-rc.1"), pin(Some("@a/b"), "1.0.0-rc.1")),
            ("0.1", pin(None, "0.1"), None),
            ("1.0.0rc1", pin(None, "1.0.0rc1"), None),
            ("", None, None),
            (" \n\n", None, None),
            ("0.1.2\n0.1.3\n", None, None),
            ("0.1.2 # the newest", None, None),
            ("a == 0.1.2", None, None),
            ("--version", None, None),
            ("-1", None, None),
            (">=0.1.2", None, None),
            ("^0.1.2", None, None),
            ("a~=0.1.2", None, None),
            ("a===0.1.2", None, None),
            ("a==0.1.*", None, None),
            ("a==", None, None),
            ("==0.1.2", None, None),
            ("../x==0.1.2", None, None),
            ("--index-url==0.1.2", None, None),
            ("latest", None, None),
            ("0.1.2\0", None, None),
        ] {
            for (ecosystem, expected) in [(Ecosystem::Python, python), (Ecosystem::Ts, ts)] {
                let read = read_pin(text, ecosystem, "t/.runtime-version".into());
                assert!(
                    read.is_ok()
                        || refusal(read_pin(text, ecosystem, "t/.runtime-version".into()))
                            .contains("t/.runtime-version")
                );
                assert_eq!(read.ok(), expected, "{text:?} {ecosystem:?}");
            }
        }
    }

    #[test]
    fn a_template_is_read_or_refused_with_the_line() {
        let hash = format!("package = \"a\"\necosystem = \"python\"\nspec = \"sha256:{}\"\n", "0".repeat(64));
        for (text, expected) in [
            ("package = \"a\"\necosystem = \"python\"\n", ""),
            (
                "app = \"python\"\nplugins = [{ name = \"x\", api-version = \"1\" }]\n\
                 channels = [{ protocol = \"http\", version = \"1\" }]\n",
                "",
            ),
            (&hash, ""),
            ("", "names no package"),
            ("package = \"a\"", "names no package"),
            ("ecosystem = \"ts\"", "names no package"),
            ("app = \"a\"\npackage = \"a\"", "remove those keys"),
            ("package = \"-a\"\necosystem = \"ts\"", "is not a package name"),
            ("package = \"../a\"\necosystem = \"ts\"", "is not a package name"),
            ("package = \"a b\"\necosystem = \"ts\"", "is not a package name"),
            ("package = \"a\"\necosystem = \"rust\"", "t/template.toml:2:13: unknown variant `rust`"),
            ("app = \"a\"\nplugin = []", "t/template.toml:2:1: unknown field `plugin`"),
            (
                "app = \"a\"\nplugins = [{ name = \"x\", api-version = 1 }]",
                "t/template.toml:2:40: invalid type: integer `1`, expected a string",
            ),
            ("app = \"a\"\nplugins = [{ name = \"x\" }]", "missing field `api-version`"),
            (
                "app = \"a\"\nchannels = [{ protocol = \"x\", version = \"1\", more = 1 }]",
                "unknown field `more`",
            ),
            ("app = \"a\"\nspec = \"abc\"", "must be `sha256:`"),
            ("app = ", "t/template.toml:1:"),
        ] {
            let said = refusal(read(text, "t/template.toml".into()));
            assert_eq!(said.is_empty(), expected.is_empty(), "{text}: {said}");
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn names_and_versions_are_compared_by_the_rules_of_the_ecosystem() {
        let python = Package { name: "Demo_Agent".into(), ecosystem: Ecosystem::Python };
        let ts = Package { name: "@demo/agent".into(), ecosystem: Ecosystem::Ts };
        assert!(python.is("demo.agent") && !python.is("demo"));
        assert!(ts.is("@demo/agent") && !ts.is("@Demo/agent"));
        for (a, b, in_python, in_ts) in [
            ("1.0", "1.0.0", true, false),
            ("1.0.0-rc.1", "1.0.0rc1", true, false),
            ("1.0.0", "1.0.0", true, true),
            ("1.0.0", "1.0.1", false, false),
            ("x", "x", true, true),
            ("x", "y", false, false),
        ] {
            assert_eq!((python.same_version(a, b), ts.same_version(a, b)), (in_python, in_ts), "{a} {b}");
        }
    }
}
