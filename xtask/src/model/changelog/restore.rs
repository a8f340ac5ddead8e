//! Adds the section of a release that was made elsewhere, such as a hotfix, to the changelog.

use super::document::Document;
use semver::Version;

/// The changelog `text` with the section that `from` has for the version: above the section of the next lower
/// version of the app. None if `text` has the section already, or `from` has none.
pub(crate) fn section(text: &str, from: &str, tag_start: &str, version: &Version) -> Option<String> {
    let tag = format!("{tag_start}{version}");
    let from = Document::parse(from);
    let wanted = from.section(&tag)?;
    let mut document = Document::parse(text);
    if document.section(&tag).is_some() {
        return None;
    }
    let of_app = |title: &str| title.strip_prefix(tag_start)?.parse::<Version>().ok();
    let sections = document.sections();
    let lower = sections.iter().find(|s| of_app(document.title(s)).is_some_and(|found| found < *version));
    let place = lower.map_or(document.links().start, |section| section.start);
    let mut new: Vec<String> = wanted.map(|at| from.line(at).to_string()).collect();
    while new.last().is_some_and(|line| line.trim().is_empty()) {
        new.pop();
    }
    new.extend(vec![String::new(); usize::from(place < document.lines.len())]);
    if place > 0 && !document.blank(place - 1) {
        new.insert(0, String::new());
    }
    document.splice(place..place, &new);
    add_link(&mut document, &from, &tag);
    Some(document.text())
}

/// Adds the section's comparison link, if `from` has one, above the links of lower versions.
fn add_link(document: &mut Document, from: &Document, tag: &str) {
    let link = |document: &Document, at: usize| document.line(at).starts_with(&format!("[{tag}]:"));
    let Some(at) = from.links().find(|&at| link(from, at)) else { return };
    let new = from.line(at).to_string();
    let links = document.links();
    if links.is_empty() {
        return;
    }
    let order: Vec<String> =
        document.sections().iter().map(|section| document.title(section).to_string()).collect();
    let below = order.iter().skip_while(|title| *title != tag).skip(1);
    let place = below
        .filter_map(|title| links.clone().find(|&at| document.line(at).starts_with(&format!("[{title}]:"))))
        .next()
        .unwrap_or(links.end);
    document.splice(place..place, &[new]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOTFIX: &str = "# Changelog\n\n## [Unreleased]\n\n## [a-v0.1.1] - 2026-02-02\n\n### Fixed\n\n\
                          - hot\n\n## [a-v0.1.0] - 2026-01-01\n\n- first\n\n\
                          [a-v0.1.1]: https://x/compare/a-v0.1.0...a-v0.1.1\n\
                          [a-v0.1.0]: https://x/a-v0.1.0\n";

    fn restored(text: &str) -> Option<String> {
        section(text, HOTFIX, "a-v", &Version::new(0, 1, 1))
    }

    #[test]
    fn a_section_comes_below_newer_ones_of_its_app() {
        let text = "# Changelog\n\n## [Unreleased]\n\n### a\n\n- by hand\n\n## [a-v0.2.0] - 2026-03-03\n\n\
                    - new\n\n## [b-v0.1.0] - 2026-01-15\n\n- other\n\n## [a-v0.1.0] - 2026-01-01\n\n\
                    - first\n\n[a-v0.2.0]: https://x/2\n[b-v0.1.0]: https://x/b\n[a-v0.1.0]: https://x/1\n";
        expect_test::expect![[r#"
            # Changelog

            ## [Unreleased]

            ### a

            - by hand

            ## [a-v0.2.0] - 2026-03-03

            - new

            ## [b-v0.1.0] - 2026-01-15

            - other

            ## [a-v0.1.1] - 2026-02-02

            ### Fixed

            - hot

            ## [a-v0.1.0] - 2026-01-01

            - first

            [a-v0.2.0]: https://x/2
            [b-v0.1.0]: https://x/b
            [a-v0.1.1]: https://x/compare/a-v0.1.0...a-v0.1.1
            [a-v0.1.0]: https://x/1
        "#]]
        .assert_eq(&restored(text).unwrap());
    }

    #[test]
    fn a_section_is_added_once_and_only_if_there_is_one() {
        let once = restored("# Changelog\n").unwrap();
        expect_test::expect![[r#"
            # Changelog

            ## [a-v0.1.1] - 2026-02-02

            ### Fixed

            - hot
        "#]]
        .assert_eq(&once);
        assert_eq!(restored(&once), None);
        assert_eq!(section("", HOTFIX, "a-v", &Version::new(0, 1, 2)), None);
        assert_eq!(section("", HOTFIX, "b-v", &Version::new(0, 1, 1)), None);
    }

    #[test]
    fn line_endings_and_a_missing_newline_at_the_end_stay() {
        let text = "# Changelog\r\n\r\n## [a-v0.1.0]\r\n\r\n- first";
        let new = restored(text).unwrap();
        assert!(new.ends_with("- first") && !new.replace("\r\n", "").contains('\n'), "{new:?}");
    }

    #[test]
    fn a_section_comes_first_in_a_text_that_begins_with_a_lower_one() {
        let new = restored("## [a-v0.1.0] - 2025-01-01\n\n- x\n").unwrap();
        assert!(new.starts_with("## [a-v0.1.1]"), "{new}");
        assert!(restored("").unwrap().starts_with("## [a-v0.1.1]"));
    }
}
