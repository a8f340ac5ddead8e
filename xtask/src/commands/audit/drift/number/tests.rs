//! Tables of spellings, placeholders and ranges.

use super::*;

#[test]
fn a_version_is_read_in_both_spellings() {
    for (text, expected) in [
        ("0.1.0", Some("0.1.0")),
        (" v0.1.0\r", Some("0.1.0")),
        ("V1.2.3", Some("1.2.3")),
        ("==0.1.0", Some("0.1.0")),
        ("0.1.0rc1", Some("0.1.0-rc.1")),
        ("0.1.0-rc.1", Some("0.1.0-rc.1")),
        ("0.1.0-rc1", Some("0.1.0-rc.1")),
        ("0.1.0-nightly", Some("0.1.0-nightly")),
        ("1.0a2", Some("1.0.0-alpha.2")),
        ("0.1", Some("0.1.0")),
        ("0.1.0.post1", None),
        ("0.1.0.dev1", None),
        ("1!0.1.0", None),
        ("very", None),
        ("v", None),
        ("", None),
        ("1.2.3.4", None),
        ("${VERSION}", None),
    ] {
        assert_eq!(read(text).map(|v| v.to_string()).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn a_version_needs_enough_numbers_and_a_known_spelling() {
    for (text, numbers, expected) in [
        ("0.1.0", 3, true),
        ("0.1", 3, false),
        ("0.1", 2, true),
        ("0.1.0.dev1", 3, true),
        ("0.1.0+local", 3, true),
        ("v0.1.0-rc.1", 3, true),
        ("0.1.0-slim", 3, true),
        ("2024-11-05", 1, false),
        ("3.11-slim", 3, false),
        ("0.1.0 beta", 3, false),
        ("{version}", 1, false),
        ("unknown", 1, false),
        ("1..2", 2, false),
    ] {
        assert_eq!(is_version(text, numbers), expected, "{text:?}");
    }
}

#[test]
fn placeholders_are_recognised() {
    for (text, expected) in [
        ("0.0.0", true),
        ("0.0.0+unknown", true),
        ("0.0.0.dev0", true),
        ("0", true),
        ("0.0.1", false),
        ("10.0.0", false),
        ("unknown", false),
    ] {
        assert_eq!(is_placeholder(text), expected, "{text:?}");
    }
}

#[test]
fn a_requirement_names_one_version_or_a_range() {
    use Ecosystem::{Python, Ts};
    let exact = |text: &str| Some(Wanted::Exact(text.to_string()));
    let range = |text: &str| Some(Wanted::Range(text.to_string()));
    for (spec, ecosystem, expected) in [
        ("==0.1.2", Python, exact("0.1.2")),
        ("=== 0.1.2", Python, exact("0.1.2")),
        ("0.1.2", Python, exact("0.1.2")),
        ("==0.1.*", Python, range("==0.1.*")),
        (">=0.1,<0.2", Python, range(">=0.1,<0.2")),
        ("^0.1", Python, range("^0.1")),
        ("*", Python, None),
        ("", Python, None),
        ("0.1.2", Ts, exact("0.1.2")),
        ("=0.1.2", Ts, exact("0.1.2")),
        ("v0.1.2", Ts, exact("0.1.2")),
        ("0.1", Ts, range("0.1")),
        ("0.1.x", Ts, range("0.1.x")),
        ("^0.1.2", Ts, range("^0.1.2")),
        ("latest", Ts, None),
        ("workspace:*", Ts, None),
        ("workspace:^", Ts, None),
        ("file:../ts", Ts, None),
        ("github:team/mono#v0.1.2", Ts, None),
    ] {
        assert_eq!(wanted(spec, ecosystem), expected, "{spec:?}");
    }
}

#[test]
fn ranges_include_versions_as_in_pip_and_npm() {
    use Ecosystem::{Python, Ts};
    for (spec, ecosystem, version, expected) in [
        (">=0.1,<0.2", Python, "0.1.9", Some(true)),
        (">=0.1,<0.2", Python, "0.2.0", Some(false)),
        ("~=0.1.0", Python, "0.1.17", Some(true)),
        ("~=0.1.0", Python, "0.2.0", Some(false)),
        ("~=0.1", Python, "0.9.0", Some(true)),
        ("==0.1.*", Python, "0.1.3", Some(true)),
        ("!=0.1.3", Python, "0.1.3", Some(false)),
        (">= 0.1", Python, "0.2.0-rc.1", Some(true)),
        (">=0.2", Python, "0.2.0-rc.1", Some(true)),
        ("^0.1.2", Python, "0.1.9", Some(true)),
        ("^0.1.2", Python, "0.2.0", Some(false)),
        ("~0.1.2", Python, "0.1.9", Some(true)),
        ("nonsense", Python, "0.1.0", None),
        ("^0.1.2", Ts, "0.1.9", Some(true)),
        ("^0.1.2", Ts, "0.2.0", Some(false)),
        ("^1.2.0", Ts, "1.9.0", Some(true)),
        ("~1.2.3", Ts, "1.3.0", Some(false)),
        (">=1.0.0 <2.0.0", Ts, "1.5.0", Some(true)),
        (">= 1.0.0 < 2.0.0", Ts, "2.0.0", Some(false)),
        ("1.0.0 - 1.9.9", Ts, "1.5.0", Some(true)),
        ("0.1.x || 0.3.x", Ts, "0.2.0", Some(false)),
        ("0.1.x || 0.3.x", Ts, "0.3.4", Some(true)),
        ("1.2", Ts, "1.2.9", Some(true)),
        ("1.2", Ts, "1.3.0", Some(false)),
        ("^0.2.0", Ts, "0.2.0-rc.1", Some(true)),
        ("npm:other@1.0.0", Ts, "1.0.0", None),
    ] {
        assert_eq!(includes(spec, &version.parse().expect(version), ecosystem), expected, "{spec} {version}");
    }
}
