//! What PyPI refuses in a wheel's METADATA, and in its name. `twine check` looks at the description only.
//! Sources: packaging.python.org, "Core metadata specifications"; PEP 440, 639 and 753; PyPI's own limits are
//! in warehouse/forklift/metadata.py. Pure.

use std::collections::HashMap;

/// The first level of every classifier (pypi.org/classifiers), except for `Private`, which PyPI refuses.
const CLASSIFIERS: [&str; 10] = [
    "Development Status",
    "Environment",
    "Framework",
    "Intended Audience",
    "License",
    "Natural Language",
    "Operating System",
    "Programming Language",
    "Topic",
    "Typing",
];

/// PyPI's list of classifiers, from the package trove-classifiers, which PyPI itself uses.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Classifiers {
    valid: Vec<String>,
    /// Refused too, with what replaces them.
    deprecated: HashMap<String, Vec<String>>,
}

impl Classifiers {
    /// Prints the list as JSON.
    pub(super) const SCRIPT: &str = "import json, trove_classifiers as t; \
        print(json.dumps({'valid': sorted(t.classifiers), 'deprecated': t.deprecated_classifiers}))";

    fn refuses(&self, classifier: &str) -> Option<String> {
        if let Some(others) = self.deprecated.get(classifier) {
            return Some(match others.is_empty() {
                true => format!("the classifier {classifier:?} is deprecated: remove it"),
                false => format!("the classifier {classifier:?} is deprecated: use {}", others.join(", ")),
            });
        }
        (!self.valid.iter().any(|valid| valid == classifier)).then(|| unknown(classifier))
    }
}

fn unknown(classifier: &str) -> String {
    format!("{classifier:?} is not a classifier (pypi.org/classifiers)")
}

/// Does a METADATA have classifiers?
pub(super) fn has_classifiers(metadata: &str) -> bool {
    let mut headers = metadata.lines().take_while(|line| !line.is_empty());
    headers.any(|line| line.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("classifier:")))
}

/// Does a METADATA have a description? It follows the headers, or is one of them in old versions of the
/// format.
pub(super) fn has_readme(metadata: &str) -> bool {
    let (headers, below) = metadata.split_once("\n\n").unwrap_or((metadata, ""));
    !below.trim().is_empty() || headers.lines().any(|line| line.starts_with("Description:"))
}

/// The longest summary and the longest label of a project's address, in characters.
const SUMMARY: usize = 512;
const LABEL: usize = 32;

/// Why PyPI would refuse the wheel with this name and METADATA, one line each. Without the list of
/// classifiers only their first level is checked.
pub(super) fn refused(wheel: &str, metadata: &str, classifiers: Option<&Classifiers>) -> Vec<String> {
    let headers: Vec<(&str, &str)> = metadata
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':').map(|(name, value)| (name, value.trim())))
        .collect();
    let all = |name: &'static str| {
        headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    let mut reasons = Vec::new();
    if let Some(version) = all("Version").find(|version| version.contains('+')) {
        reasons.push(format!("{version} is a local version (PEP 440)"));
    }
    reasons.extend(all("Summary").filter(|text| text.chars().count() > SUMMARY).map(|text| {
        format!("the description has {} characters, at most {SUMMARY} are allowed", text.chars().count())
    }));
    reasons.extend(all("Description-Content-Type").filter_map(content_type));
    for classifier in all("Classifier") {
        let first = classifier.split(" :: ").next().unwrap_or_default();
        let refused = match classifiers {
            _ if !CLASSIFIERS.contains(&first) => Some(unknown(classifier)),
            Some(list) => list.refuses(classifier),
            None => None,
        };
        reasons.extend(refused);
    }
    if all("License-Expression").next().is_some() {
        let others = all("Classifier").filter(|classifier| classifier.starts_with("License ::"));
        reasons.extend(
            others.chain(all("License")).map(|other| {
                format!("the licence is given twice, as an expression and as {other:?} (PEP 639)")
            }),
        );
    }
    reasons.extend(all("Project-URL").filter_map(|pair| {
        let (label, url) = pair.split_once(',').unwrap_or((pair, ""));
        address(url.trim()).or_else(|| {
            (label.is_empty() || label.chars().count() > LABEL)
                .then(|| format!("the label {label:?} of an address must have 1 to {LABEL} characters"))
        })
    }));
    reasons.extend(all("Home-page").chain(all("Download-URL")).filter_map(address));
    reasons.extend(
        all("Requires-Dist")
            .filter(|requirement| is_direct(requirement))
            .map(|requirement| format!("the dependency {requirement:?} is a direct address (PEP 440)")),
    );
    // `name-version-python-abi-platform.whl` (PEP 427); PyPI accepts manylinux and musllinux (PEP 600, 656).
    let platform = wheel.trim_end_matches(".whl").rsplit('-').next().unwrap_or_default();
    if platform.split('.').any(|tag| tag.starts_with("linux_")) {
        reasons.push(format!("{wheel} is built for {platform}, which PyPI does not accept: use manylinux"));
    }
    reasons
}

fn content_type(value: &str) -> Option<String> {
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let known = ["text/plain", "text/x-rst", "text/markdown"].contains(&kind.as_str());
    let allowed = |part: &String| match part.split_once('=') {
        Some(("charset", charset)) => charset.trim_matches('"') == "utf-8",
        Some(("variant", variant)) => ["gfm", "commonmark"].contains(&variant.trim_matches('"')),
        _ => true,
    };
    (!known || !parts.all(|part| allowed(&part))).then(|| {
        format!("the README's content type {value:?} is not text/markdown, text/x-rst or text/plain in UTF-8")
    })
}

fn address(url: &str) -> Option<String> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let good = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/') && !url.contains(' '));
    (!good).then(|| format!("{url:?} is not an address that begins with https:// or http://"))
}

/// `name @ address ; marker` (PEP 508). A marker may contain an `@` in quotes.
fn is_direct(requirement: &str) -> bool {
    requirement.split(';').next().is_some_and(|named| named.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHEEL: &str = "demo-1.0-py3-none-any.whl";

    #[test]
    fn metadata_that_pypi_refuses_is_known_before_the_upload() {
        let long = format!("Summary: {}", "ž".repeat(513));
        let label = format!("Project-URL: {}, https://x.org", "l".repeat(33));
        for (header, expected) in [
            ("Version: 1.0", ""),
            ("Version: 1.0+local", "local version"),
            ("version: 1.0+local", "local version"),
            ("Summary: short", ""),
            (&long, "513 characters"),
            ("Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM", ""),
            ("Description-Content-Type: text/x-rst", ""),
            ("Description-Content-Type: text/html", "content type"),
            ("Description-Content-Type: text/markdown; variant=Original", "content type"),
            ("Description-Content-Type: text/plain; charset=latin-1", "content type"),
            ("Classifier: Programming Language :: Python :: 3", ""),
            ("Classifier: Typing :: Typed", ""),
            ("Classifier: Private :: Do Not Upload", "not a classifier"),
            ("Classifier: Programing Language :: Python", "not a classifier"),
            ("License-Expression: MIT", ""),
            ("License: MIT", ""),
            ("License-Expression: MIT\nLicense: MIT", "given twice"),
            ("License-Expression: MIT\nClassifier: License :: OSI Approved :: MIT License", "given twice"),
            ("Project-URL: Source, https://x.org/a,b", ""),
            (&label, "1 to 32"),
            ("Project-URL: , https://x.org", "1 to 32"),
            ("Project-URL: Source, git@x.org:a/b", "not an address"),
            ("Project-URL: Source", "not an address"),
            ("Home-page: x.org", "not an address"),
            ("Requires-Dist: six>=1 ; python_version == \"3@\"", ""),
            ("Requires-Dist: six @ https://x.org/six.whl", "direct address"),
            ("\nClassifier: in the description", ""),
        ] {
            let reasons =
                refused(WHEEL, &format!("Metadata-Version: 2.4\nName: demo\n{header}\n\nText\n"), None);
            match expected {
                "" => assert!(reasons.is_empty(), "{header}: {reasons:?}"),
                _ => assert!(reasons.len() == 1 && reasons[0].contains(expected), "{header}: {reasons:?}"),
            }
        }
    }

    #[test]
    fn the_readme_is_below_the_headers() {
        for (rest, expected) in [
            ("", false),
            ("\n", false),
            ("\n\n \n", false),
            ("\n\n# Demo\n", true),
            ("\nDescription: Demo\n", true),
            ("\nDescription-Content-Type: text/markdown\n\n", false),
        ] {
            assert_eq!(has_readme(&format!("Metadata-Version: 2.4\nName: demo{rest}")), expected, "{rest:?}");
        }
    }

    #[test]
    fn a_classifier_must_be_in_the_list_and_not_deprecated() {
        let list: Classifiers = serde_json::from_str(
            r#"{"valid": ["Typing :: Typed"], "deprecated": {"Natural Language :: Ukranian":
                ["Natural Language :: Ukrainian"], "Topic :: Old": []}}"#,
        )
        .unwrap();
        for (classifier, expected) in [
            ("Typing :: Typed", ""),
            ("Typing :: Tiped", "is not a classifier"),
            ("Private :: Do Not Upload", "is not a classifier"),
            ("Natural Language :: Ukranian", "deprecated: use Natural Language :: Ukrainian"),
            ("Topic :: Old", "deprecated: remove it"),
        ] {
            let metadata = format!("Name: demo\nClassifier: {classifier}\n\nText\n");
            assert!(has_classifiers(&metadata));
            let reasons = refused(WHEEL, &metadata, Some(&list));
            let good = if expected.is_empty() { reasons.is_empty() } else { reasons[0].contains(expected) };
            assert!(good && reasons.len() < 2, "{classifier}: {reasons:?}");
        }
        assert!(!has_classifiers("Name: ä\n\nClassifier: in the description"));
    }

    #[test]
    fn a_wheel_for_the_builders_own_linux_is_refused() {
        for (wheel, refuses) in [
            (WHEEL, false),
            ("demo-1.0-cp311-cp311-linux_x86_64.whl", true),
            ("demo-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", false),
            ("demo-1.0-cp311-cp311-musllinux_1_2_aarch64.whl", false),
            ("linux_demo-1.0-py3-none-any.whl", false),
        ] {
            assert_eq!(!refused(wheel, "Name: demo\n", None).is_empty(), refuses, "{wheel}");
        }
    }
}
