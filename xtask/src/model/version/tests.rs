//! Tables of versions in both schemes, and of the next version.

use super::*;
use crate::sys::testing;
use proptest::prelude::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn semver_and_pep440_translate_both_ways_or_not_at_all() {
    for (semver, pep440) in [
        ("0.0.0", "0.0.0"),
        ("1.2.3", "1.2.3"),
        ("10.20.30", "10.20.30"),
        ("1.0.0-alpha.1", "1.0.0a1"),
        ("1.0.0-beta.0", "1.0.0b0"),
        ("1.0.0-rc.12", "1.0.0rc12"),
        ("0.0.1-rc.1", "0.0.1rc1"),
    ] {
        assert_eq!(to_pep440(&v(semver)).unwrap(), pep440);
        assert_eq!(from_pep440(pep440).unwrap(), v(semver));
    }
}

#[test]
fn other_spellings_of_pep440_are_read_in_normal_form() {
    for (pep440, semver) in [
        ("1", "1.0.0"),
        ("1.2", "1.2.0"),
        ("v1.2.3", "1.2.3"),
        ("1.0.0-rc.1", "1.0.0-rc.1"),
        ("1.0.0c1", "1.0.0-rc.1"),
        ("1.0.0.preview2", "1.0.0-rc.2"),
        ("1.0alpha", "1.0.0-alpha.0"),
        (" 1.0.0\n", "1.0.0"),
    ] {
        assert_eq!(from_pep440(pep440).unwrap(), v(semver), "{pep440}");
    }
}

#[test]
fn a_version_that_the_other_scheme_orders_differently_is_refused_with_the_reason() {
    for (pep440, reason) in [
        ("1.0.0.dev1", "dev-release"),
        ("1.0.0a1.dev2", "dev-release"),
        ("1.0.0.post1", "post-release"),
        ("1.0.0-1", "post-release"),
        ("1!1.0.0", "epoch"),
        ("1.0.0+local", "local"),
        ("1.2.3.4", "three numbers"),
        ("", "not a PEP 440"),
        ("latest", "not a PEP 440"),
    ] {
        let error = from_pep440(pep440).unwrap_err().to_string();
        assert!(error.contains(reason), "{pep440}: {error}");
    }
    for (semver, reason) in [
        ("1.0.0-dev.1", "no PEP 440 equivalent"),
        ("1.0.0-rc", "no PEP 440 equivalent"),
        ("1.0.0-rc1", "no PEP 440 equivalent"),
        ("1.0.0-rc.x", "no PEP 440 equivalent"),
        ("1.0.0-rc.1.2", "no PEP 440 equivalent"),
        ("1.0.0-alpha.beta", "no PEP 440 equivalent"),
        ("1.0.0-RC.1", "no PEP 440 equivalent"),
        ("1.0.0+build.5", "build metadata"),
        ("1.0", "not SemVer"),
        ("v1.0.0", "not SemVer"),
        ("01.0.0", "not SemVer"),
        ("1.0.0-rc.01", "not SemVer"),
        ("-1.0.0", "not SemVer"),
        ("", "not SemVer"),
    ] {
        let error = format!("{:#}", parse(semver).unwrap_err());
        assert!(error.contains(reason), "{semver}: {error}");
    }
}

#[test]
fn the_next_number_follows_the_policy() {
    use Bump::*;
    use ZeroBreaking as Z;
    for (from, bump, zero, expected) in [
        ("0.0.1", Patch, Z::Minor, "0.0.2"),
        ("0.0.1", Minor, Z::Minor, "0.1.0"),
        ("0.0.1", Major, Z::Minor, "0.1.0"),
        ("0.3.4", Major, Z::Minor, "0.4.0"),
        ("0.3.4", Major, Z::Major, "1.0.0"),
        ("1.2.3", Patch, Z::Minor, "1.2.4"),
        ("1.2.3", Minor, Z::Minor, "1.3.0"),
        ("1.2.3", Major, Z::Minor, "2.0.0"),
        ("1.2.3", None, Z::Minor, "1.2.3"),
        ("0.2.0-rc.1", Patch, Z::Minor, "0.2.0"),
        ("0.2.0-rc.1", Minor, Z::Minor, "0.2.0"),
        ("0.2.0-rc.1", Major, Z::Minor, "0.2.0"),
        ("0.2.1-rc.1", Minor, Z::Minor, "0.3.0"),
        ("1.0.0-rc.1", Major, Z::Minor, "1.0.0"),
        ("1.1.0-rc.1", Major, Z::Minor, "2.0.0"),
    ] {
        assert_eq!(next(&v(from), bump, zero), v(expected), "{from} {bump:?} {zero:?}");
    }
}

#[test]
fn pre_releases_count_up_within_their_channel_and_core() {
    let taken: Vec<Version> =
        ["0.1.0", "0.2.0-rc.1", "0.2.0-rc.10", "0.2.0-rc.2", "0.2.0-beta.7", "0.3.0-rc.99"].map(v).into();
    for (core, channel, expected) in [
        ("0.2.0", "rc", "0.2.0-rc.11"),
        ("0.2.0", "beta", "0.2.0-beta.8"),
        ("0.2.0", "alpha", "0.2.0-alpha.1"),
        ("0.2.1", "rc", "0.2.1-rc.1"),
        ("0.3.0-rc.99", "rc", "0.3.0-rc.100"),
    ] {
        assert_eq!(next_pre(&v(core), channel, &taken).unwrap(), v(expected), "{core} {channel}");
    }
    for channel in ["dev", "RC", "", "a", "post"] {
        assert!(next_pre(&v("1.0.0"), channel, &taken).is_err(), "{channel}");
    }
}

#[test]
fn a_version_is_found_in_a_file_of_any_kind() {
    for (text, expected) in [
        ("0.1.129\n", Some((0, "0.1.129"))),
        ("0.1.129", Some((0, "0.1.129"))),
        ("v0.0.2", Some((1, "0.0.2"))),
        ("appVersion: \"1.0.0-rc.1\"\n", Some((13, "1.0.0-rc.1"))),
        ("demo==1.0.0rc1\n", Some((6, "1.0.0-rc.1"))),
        ("image: x/y:v0.1.0-slim", Some((12, "0.1.0"))),
        ("apiVersion: v2\nversion: 0.3.0 # c", Some((24, "0.3.0"))),
        ("10.0.0.1 then 1.2.3", Some((14, "1.2.3"))),
        ("python 3.11 only", None),
        ("", None),
        ("é 1.2.3.", Some((3, "1.2.3"))),
    ] {
        let found = find(text).map(|(range, version)| (range.start, version));
        assert_eq!(found, expected.map(|(at, version)| (at, v(version))), "{text:?}");
    }
}

#[test]
fn the_highest_number_does_not_overflow() {
    let highest = Version::new(u64::MAX, u64::MAX, u64::MAX);
    for bump in [Bump::Patch, Bump::Minor, Bump::Major] {
        assert!(next(&highest, bump, ZeroBreaking::Minor) <= highest, "{bump:?}");
    }
    let taken: Version = format!("1.0.0-rc.{}", u64::MAX).parse().expect("SemVer");
    assert!(next_pre(&Version::new(1, 0, 0), "rc", [&taken]).is_ok());
}

fn any_version() -> impl Strategy<Value = Version> {
    let number = || prop_oneof![4 => 0..4u64, 1 => any::<u64>()];
    let pre = prop_oneof![
        Just(String::new()),
        ("(alpha|beta|rc)", number()).prop_map(|(c, n)| format!("-{c}.{n}"))
    ];
    (number(), number(), number(), pre).prop_map(|(a, b, c, pre)| v(&format!("{a}.{b}.{c}{pre}")))
}

const VERSION: &[&str] = &[
    "0",
    "1",
    "18446744073709551615",
    "18446744073709551616",
    ".",
    "-",
    "+",
    "v",
    "rc",
    "alpha",
    "a",
    "b",
    ".dev",
    ".post",
    "!",
    " ",
    "\n",
    "é",
];

#[test]
fn a_bump_leads_from_one_version_to_a_higher_one() {
    for (from, to, expected) in [
        ("1.2.3", "1.2.3", Bump::None),
        ("1.2.3", "1.1.9", Bump::None),
        ("1.2.3", "1.2.4", Bump::Patch),
        ("1.2.3-rc.1", "1.2.3", Bump::Patch),
        ("1.2.3", "1.3.0", Bump::Minor),
        ("1.2.3", "2.0.0", Bump::Major),
    ] {
        assert_eq!(Bump::between(&v(from), &v(to)), expected, "{from} {to}");
    }
}

#[test]
fn the_version_in_a_tag_has_no_build_metadata() {
    for (text, expected) in
        [("1.2.3", Some("1.2.3")), ("1.2.3-rc.1+build.5", Some("1.2.3-rc.1")), ("1.2", None)]
    {
        assert_eq!(in_tag(text).map(|version| version.to_string()).as_deref(), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(testing::config())]

    #[test]
    fn property_both_schemes_order_versions_alike(a in any_version(), b in any_version()) {
        let twin = |v: &Version| to_pep440(v).unwrap().parse::<pep440_rs::Version>().unwrap();
        prop_assert_eq!(a.cmp(&b), twin(&a).cmp(&twin(&b)));
        prop_assert_eq!(from_pep440(&to_pep440(&a).unwrap()).unwrap(), a.clone());
        prop_assert_eq!(parse(&a.to_string()).unwrap(), a);
    }

    #[test]
    fn property_the_next_version_is_higher_and_a_larger_bump_leads_further(a in any_version()) {
        prop_assume!([a.major, a.minor, a.patch].iter().all(|n| *n < u64::MAX));
        for zero in [ZeroBreaking::Minor, ZeroBreaking::Major] {
            let [none, patch, minor, major] =
                [Bump::None, Bump::Patch, Bump::Minor, Bump::Major].map(|bump| next(&a, bump, zero));
            prop_assert_eq!(&none, &a);
            prop_assert!(none < patch && patch <= minor && minor <= major);
            prop_assert!(major.pre.is_empty() && reaches(&major, &patch));
        }
    }

    #[test]
    fn property_a_pre_release_is_above_those_that_are_taken(
        taken in prop::collection::vec(any_version(), 0..6),
        channel in "(alpha|beta|rc)",
    ) {
        let Some(core) = taken.first().map(core) else { return Ok(()) };
        let new = next_pre(&core, &channel, &taken).unwrap();
        let same = |v: &&Version| super::core(v) == core && v.pre.starts_with(channel.as_str());
        let full = |v: &&Version| v.pre.ends_with(&u64::MAX.to_string());
        prop_assume!(!taken.iter().filter(same).any(|v| full(&v)));
        prop_assert!(taken.iter().filter(same).all(|v| *v < new));
    }

    #[test]
    fn property_every_text_is_a_version_or_an_error(text in testing::text(VERSION)) {
        if let Ok(version) = parse(&text) {
            prop_assert_eq!(version.to_string(), text.clone());
        }
        if let Ok(version) = from_pep440(&text) {
            prop_assert_eq!(from_pep440(&to_pep440(&version).unwrap()).unwrap(), version);
        }
        if let Some((range, version)) = find(&text) {
            let found = &text[range];
            prop_assert_eq!(parse(found).or_else(|_| from_pep440(found)).unwrap(), version);
        }
        if let Some(version) = in_tag(&text) {
            prop_assert!(version.build.is_empty());
        }
    }
}
