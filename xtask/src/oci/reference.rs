//! Parses and prints names of images: `docker.io/library/python:3.11-slim@sha256:…`. Pure.

use crate::sys::exit::Exit;
use anyhow::Result;
use std::fmt;

/// An image's name as in the OCI distribution spec and in docker. Parsing adds docker's defaults: the host
/// `docker.io` and the folder `library/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `ghcr.io`, `localhost:5000`.
    pub host: String,
    /// `owner/name`.
    pub repository: String,
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl Reference {
    pub(crate) fn parse(text: &str) -> Result<Reference> {
        parse(text).map_err(|why| Exit::Usage(format!("{text:?} is not an image name: {why}")).into())
    }

    /// The same image on the registry `registry`, if one is given.
    pub(crate) fn on(mut self, registry: Option<&str>) -> Reference {
        if let Some(host) = registry {
            self.host = host.to_string();
        }
        self
    }

    /// Without tag and digest: `ghcr.io/owner/name`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// The digest or tag to request the manifest by: the digest if it is known, otherwise the tag or
    /// `latest`.
    pub(crate) fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_string())),
        Some(_) => return Err("the digest is not sha256: and 64 hex digits"),
        None => (text, None),
    };
    // A colon after the last slash begins a tag. A colon before it begins a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_string())),
        _ => (rest, None),
    };
    if tag.as_deref().is_some_and(|t| !is_tag(t)) {
        return Err("a tag has up to 128 letters, digits, `_`, `.`, `-`, and does not begin with `.` or `-`");
    }
    let (host, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':', '[']) || first == "localhost" => (first, rest),
        _ => ("docker.io", name),
    };
    let host = if host == "index.docker.io" { "docker.io" } else { host };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Err("the host contains invalid characters");
    }
    let repository =
        if host == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_string() };
    if !repository.split('/').all(is_component) {
        return Err(
            "each part of the path must have lower-case letters and digits, separated by `.`, `_` or dashes",
        );
    }
    if repository.len() > 255 {
        return Err("the path is longer than 255 characters");
    }
    Ok(Reference { host: host.to_string(), repository, tag, digest })
}

pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (OCI distribution spec).
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (OCI distribution spec).
fn is_component(part: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(alnum)
        && part.ends_with(alnum)
        && part
            .split(alnum)
            .all(|between| matches!(between, "" | "." | "_" | "__") || between.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing;
    use proptest::prelude::*;

    #[test]
    fn names_are_parsed_as_docker_does() {
        let d = format!("sha256:{}", "a".repeat(64));
        for (text, expected) in [
            ("python", "docker.io/library/python"),
            ("python:3.11-slim", "docker.io/library/python:3.11-slim"),
            ("owner/name", "docker.io/owner/name"),
            ("index.docker.io/library/x", "docker.io/library/x"),
            ("ghcr.io/o/n:v1", "ghcr.io/o/n:v1"),
            ("localhost/n", "localhost/n"),
            ("localhost:5000/o/n", "localhost:5000/o/n"),
            ("localhost:5000/o/n:5000", "localhost:5000/o/n:5000"),
            ("[::1]:5000/o/n:t", "[::1]:5000/o/n:t"),
            ("x-y/a---b__c.d:T_1.x", "docker.io/x-y/a---b__c.d:T_1.x"),
            (&format!("ghcr.io/o/n:v1@{d}"), &format!("ghcr.io/o/n:v1@{d}")),
            (&format!("n@{d}"), &format!("docker.io/library/n@{d}")),
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn an_invalid_name_is_refused_with_a_reason() {
        for text in [
            "",
            ":",
            "a:",
            "/a",
            "a/",
            "a//b",
            "A/b",
            "a b",
            "a..b",
            "-a",
            "a_-b",
            "a@sha256:12",
            "a@md5:x",
            "a:.x",
            "a:-x",
            "ghcr.io/",
            "h:1:2/x?y",
            "a\nb",
        ] {
            let error = Reference::parse(text).unwrap_err().to_string();
            assert!(error.contains("is not an image name"), "{text}: {error}");
        }
    }

    #[test]
    fn another_registry_replaces_only_the_host() {
        let moved = Reference::parse("python:3.11").unwrap().on(Some("localhost:5000"));
        assert_eq!(moved.to_string(), "localhost:5000/library/python:3.11");
        assert_eq!(moved.version(), "3.11");
        assert_eq!(Reference::parse("ghcr.io/o/n").unwrap().on(None).version(), "latest");
    }

    const REFERENCE: &[&str] = &[
        "/",
        ":",
        "@",
        ".",
        "-",
        "_",
        "__",
        "localhost",
        "ghcr.io",
        "docker.io",
        "5000",
        "[::1]",
        "latest",
        "sha256:",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "A",
        " ",
        "\n",
    ];

    proptest! {
        #![proptest_config(testing::config())]

        #[test]
        fn property_a_printed_reference_is_parsed_to_the_same(text in testing::text(REFERENCE)) {
            if let Ok(reference) = Reference::parse(&text) {
                let printed = reference.to_string();
                prop_assert_eq!(&Reference::parse(&printed).unwrap(), &reference, "{}", printed);
                prop_assert!(!printed.contains(char::is_whitespace));
            }
        }
    }
}
