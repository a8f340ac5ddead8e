//! Changelogs before and after an edit.

use super::*;
use crate::model::commits::{Commit, entries};
use crate::model::evidence::Difference;
use crate::model::version::Bump;
use crate::model::workspace::Acceptance;
use crate::sys::testing;
use expect_test::{Expect, expect};
use proptest::prelude::*;

const START: &str = "# Changelog\n\nHello.\n\n## [Unreleased]\n\n### ts\n\n- theirs\n\n### python\n\n\
    By hand.\n\n#### Fixed\n\n- also by hand\n\n## [ts-v0.1.0] - 2025-12-01\n\n### Added\n\n- x\n\n\
    [Unreleased]: https://f/compare/main...development\n[ts-v0.1.0]: https://f/releases/tag/ts-v0.1.0\n";

fn commits(messages: &[&str]) -> Vec<Entry> {
    let commit = |(i, m): (usize, &&str)| Commit {
        id: format!("{i:040}"),
        merge: false,
        message: m.to_string(),
        released: None,
    };
    entries(&messages.iter().enumerate().map(commit).collect::<Vec<_>>(), "python", &["python", "ts"])
}

/// The rename of the symbol `what`, accepted for this reason.
fn accepted(what: &str, reason: &str) -> Accepted {
    let difference = Difference {
        id: "class-renamed".into(),
        demands: Bump::Major,
        what: what.into(),
        message: format!("{what}: is now called B"),
        place: "a.py:1".into(),
    };
    let by = Acceptance {
        id: "class-renamed".into(),
        what: None,
        version: "0.0.2".parse().unwrap(),
        reason: reason.into(),
    };
    Accepted { by, difference }
}

fn bump(text: &str, tag: &str, replaces: &[&str], messages: &[&str]) -> String {
    bump_accepting(text, tag, replaces, messages, &[])
}

fn bump_accepting(
    text: &str,
    tag: &str,
    replaces: &[&str],
    messages: &[&str],
    accepted: &[Accepted],
) -> String {
    let replaces: Vec<String> = replaces.iter().map(|t| t.to_string()).collect();
    let release = ReleaseNotes {
        app: "python",
        tag,
        date: "2026-11-21",
        previous: Some("python-v0.0.1"),
        replaces: &replaces,
        commits: &commits(messages),
        accepted,
        repository: Some("https://f/"),
    };
    let once = super::release(text, &release);
    let again = super::release(&once, &ReleaseNotes { date: "2030-01-01", ..release });
    assert_eq!(once, again, "a second time, on another day, changes nothing");
    once
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(text);
}

#[test]
fn a_release_moves_its_part_of_unreleased_and_leaves_the_others() {
    let text = bump(
        START,
        "python-v0.0.2",
        &[],
        &["fix: second (#2)", "feat(api): first", "docs: no", "feat!: port\n\nBREAKING CHANGE: it is 80"],
    );
    check(
        &text,
        expect![[r#"
            # Changelog

            Hello.

            ## [Unreleased]

            ### ts

            - theirs

            ## [python-v0.0.2] - 2026-11-21

            By hand.

            ### Breaking

            - port
              it is 80

            ### Added

            - first

            ### Fixed

            - also by hand
            - second (#2)

            ## [ts-v0.1.0] - 2025-12-01

            ### Added

            - x

            [Unreleased]: https://f/compare/main...development
            [python-v0.0.2]: https://f/compare/python-v0.0.1...python-v0.0.2
            [ts-v0.1.0]: https://f/releases/tag/ts-v0.1.0
        "#]],
    );
}

#[test]
fn bumping_again_replaces_the_section_and_keeps_what_was_written_by_hand() {
    let first = bump(START, "python-v0.0.2", &[], &["fix: a"]);
    let edited = first
        .replace("- also by hand\n- a\n", "- also by hand\n- a\n- between\n")
        .replace("By hand.\n", "By hand, improved.\n");
    let text = bump(&edited, "python-v0.1.0", &["python-v0.0.2"], &["feat: b", "fix: a (#7)"]);
    check(
        notes(&text, "python-v0.1.0").as_deref().unwrap(),
        expect![[r#"
            By hand, improved.

            ### Added

            - b

            ### Fixed

            - also by hand
            - between
            - a (#7)"#]],
    );
    assert!(!text.contains("python-v0.0.2"), "{text}");
    // The links of other releases stay.
    let links = "[Unreleased]: https://f/compare/main...development\n\
        [python-v0.1.0]: https://f/compare/python-v0.0.1...python-v0.1.0\n\
        [ts-v0.1.0]: https://f/releases/tag/ts-v0.1.0\n";
    assert!(text.ends_with(links), "{text}");
    // The line of a reverted commit was generated, so it is removed.
    let text = bump(&text, "python-v0.1.0", &[], &["Revert \"feat: b\"", "feat: b", "fix: a (#7)"]);
    assert!(!text.contains("### Added\n\n- b"), "{text}");
}

#[test]
fn missing_sections_are_added_to_an_empty_or_foreign_changelog() {
    for (text, expected) in [
        (
            "",
            "- 2026-11-21\n\n### Fixed\n\n- a\n\n\
             [python-v0.0.2]: https://f/compare/python-v0.0.1...python-v0.0.2\n",
        ),
        (
            "# Changes",
            "# Changes\n\n## [Unreleased]\n\n## [python-v0.0.2] - 2026-11-21\n\n### Fixed\n\n- a\n\n\
             [python-v0.0.2]: https://f/compare/python-v0.0.1...python-v0.0.2",
        ),
        (
            "# C\n\n## 1.0\n\n- old\n",
            "# C\n\n## [Unreleased]\n\n## [python-v0.0.2] - 2026-11-21\n\n### Fixed\n\n- a\n\n## 1.0\n\n\
             - old\n\n[python-v0.0.2]:",
        ),
        (
            "# C\n## [Unreleased]\n### python\n- hand\n## 1.0\n- old\n",
            "# C\n## [Unreleased]\n\n## [python-v0.0.2] - 2026-11-21\n\n- hand\n\n### Fixed\n\n- a\n\n\
             ## 1.0\n- old\n",
        ),
    ] {
        let out = bump(text, "python-v0.0.2", &[], &["fix: a"]);
        assert!(out.contains(expected), "{text:?} became\n{out}");
    }
}

#[test]
fn line_endings_byte_order_mark_and_the_last_newline_are_kept() {
    for text in [
        START.to_string(),
        START.replace('\n', "\r\n"),
        format!("\u{feff}{START}"),
        START.trim_end().to_string(),
        START.replace('\n', "\r\n").trim_end().to_string(),
    ] {
        let out = bump(&text, "python-v0.0.2", &[], &["fix: a"]);
        assert_eq!(out.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        assert_eq!(out.ends_with('\n'), text.ends_with('\n'));
        assert_eq!(out.matches('\n').count() == out.matches("\r\n").count(), text.contains('\r'));
        let plain = |t: &str| t.trim_start_matches('\u{feff}').replace("\r\n", "\n").trim_end().to_string();
        assert_eq!(plain(&out), plain(&bump(START, "python-v0.0.2", &[], &["fix: a"])));
    }
}

#[test]
fn headings_in_code_and_comments_do_not_start_a_section() {
    let text = "# C\n\n<!--\n## [Unreleased]\n-->\n\n```\n## [python-v0.0.2] - x\n```\n\n## [Unreleased]\n\n\
                ### python\n\n- hand\n";
    let out = bump(text, "python-v0.0.2", &[], &[]);
    assert!(
        out.starts_with(
            "# C\n\n<!--\n## [Unreleased]\n-->\n\n```\n## [python-v0.0.2] - x\n```\n\n\
             ## [Unreleased]\n\n## [python-v0.0.2] - 2026-11-21\n\n- hand\n"
        ),
        "{out}"
    );
}

#[test]
fn notes_are_a_sections_text_without_heading_and_links() {
    let text = "# C\n\n## [Unreleased]\n\n## [python-v0.0.2] - 2026-11-21\n\nText.\n\n### Fixed\n\n\
                - a\n  ## not a heading\n\n## [python-v0.0.1]\n\n[python-v0.0.2]: x\n";
    assert_eq!(
        notes(text, "python-v0.0.2").as_deref(),
        Some("Text.\n\n### Fixed\n\n- a\n  ## not a heading")
    );
    assert_eq!(notes(text, "python-v0.0.1").as_deref(), Some(""));
    assert_eq!(notes(text, "python-v0.0.20"), None);
    assert_eq!(notes("", "python-v0.0.2"), None);
    assert_eq!(
        notes(&text.replace('\n', "\r\n"), "python-v0.0.2").as_deref(),
        Some("Text.\n\n### Fixed\n\n- a\n  ## not a heading")
    );
}

#[test]
fn the_first_release_links_to_its_tag_and_without_a_repository_there_is_no_link() {
    let release = ReleaseNotes {
        app: "python",
        tag: "python-v0.0.1",
        date: "2026-11-21",
        previous: None,
        replaces: &[],
        commits: &[],
        accepted: &[],
        repository: Some("https://f"),
    };
    assert!(
        super::release("", &release).ends_with("\n[python-v0.0.1]: https://f/releases/tag/python-v0.0.1\n")
    );
    assert!(
        super::release("", &ReleaseNotes { repository: None, ..release })
            .ends_with("## [python-v0.0.1] - 2026-11-21\n\n")
    );
}

#[test]
fn a_pre_release_copies_handwritten_text_and_its_release_moves_it() {
    let rc = bump(START, "python-v0.0.2-rc.1", &[], &["fix: a"]);
    let notes_of = |text: &str, tag: &str| notes(text, tag).unwrap();
    assert_eq!(notes_of(&rc, "python-v0.0.2-rc.1"), "By hand.\n\n### Fixed\n\n- also by hand\n- a");
    let text = bump(&rc, "python-v0.0.2", &[], &["fix: a"]);
    assert_eq!(notes_of(&text, "python-v0.0.2"), notes_of(&rc, "python-v0.0.2-rc.1"));
    let replaced = bump(&rc, "python-v0.0.2", &["python-v0.0.2-rc.1"], &["fix: a"]);
    assert_eq!(notes_of(&replaced, "python-v0.0.2"), notes_of(&text, "python-v0.0.2"));
    assert!(
        !notes_of(&text, "Unreleased").contains("hand") && notes_of(&rc, "Unreleased").contains("By hand.")
    );
}

#[test]
fn an_accepted_break_is_listed_with_its_reason_until_it_is_no_longer_accepted() {
    let messages = &["feat!: port\n\nBREAKING CHANGE: it is 80", "fix: a"];
    let both = [accepted("p.A", "nobody has it"), accepted("p.C", "two\n  lines ")];
    let text = bump_accepting(START, "python-v0.1.0", &[], messages, &both);
    check(
        notes(&text, "python-v0.1.0").as_deref().unwrap(),
        expect![[r#"
            By hand.

            ### Breaking

            - port
              it is 80
            - p.A: is now called B [class-renamed]
              accepted: nobody has it
            - p.C: is now called B [class-renamed]
              accepted: two lines

            ### Fixed

            - also by hand
            - a"#]],
    );
    // The first item is reworded by hand, and the second break is no longer accepted.
    let edited = text
        .replace("p.A: is now called B", "`p.A` has a better name, B")
        .replace("accepted: nobody has it", "accepted: nobody ever had it");
    let text = bump_accepting(&edited, "python-v0.1.0", &[], messages, &both[..1]);
    let notes = notes(&text, "python-v0.1.0").unwrap();
    assert!(
        notes.contains("- `p.A` has a better name, B [class-renamed]\n  accepted: nobody ever had it\n"),
        "{notes}"
    );
    assert!(!notes.contains("p.C") && notes.matches("p.A").count() == 1, "{notes}");
}

#[test]
fn an_accepted_break_is_not_confused_with_one_whose_name_starts_the_same() {
    let longer = [accepted("p.Base.run", "x"), accepted("p.BaseAdapter", "y")];
    let text = bump_accepting(START, "python-v0.1.0", &[], &[], &longer);
    let [run, adapter] = longer;
    let text = bump_accepting(&text, "python-v0.1.0", &[], &[], &[accepted("p.Base", "z"), run, adapter]);
    let notes = notes(&text, "python-v0.1.0").unwrap();
    for item in
        ["- p.Base: is now called B", "- p.Base.run: is now called B", "- p.BaseAdapter: is now called B"]
    {
        assert_eq!(notes.matches(item).count(), 1, "{item}: {notes}");
    }
}

#[test]
fn headings_in_code_are_text_of_the_part() {
    let text = START
        .replace("By hand.\n", "Before you start it:\n\n```sh\n### stop the old server\n#### Fixed\n```\n");
    let released = bump(&text, "python-v0.0.2", &[], &["fix: a"]);
    check(
        &notes(&released, "python-v0.0.2").expect("a section"),
        expect![[r#"
            Before you start it:

            ```sh
            ### stop the old server
            #### Fixed
            ```

            ### Fixed

            - also by hand
            - a"#]],
    );
    assert!(released.contains("## [Unreleased]\n\n### ts\n\n- theirs\n\n## ["), "{released}");
}

#[test]
fn html_in_a_subject_is_shown_and_not_written_again_by_the_next_bump() {
    let messages =
        ["feat: add <details> and `<Header />`", "fix!: drop List<int>\n\nBREAKING CHANGE: use <T>"];
    let once = bump(START, "python-v0.0.2", &[], &messages);
    check(
        &notes(&once, "python-v0.0.2").expect("a section"),
        expect![[r#"
            By hand.

            ### Breaking

            - drop List\<int>
              use \<T>

            ### Added

            - add \<details> and `<Header />`

            ### Fixed

            - also by hand"#]],
    );
    // An earlier version wrote the subject as it is.
    let earlier = once.replace("\\<", "<");
    assert_eq!(bump(&earlier, "python-v0.0.2", &[], &messages), once);
}

/// `bump` compares with a second run, which must find the note again.
#[test]
fn commits_with_the_same_description_have_one_item_in_each_group() {
    let text = bump("", "python-v0.0.2", &[], &["feat: a", "feat!: a\n\nBREAKING CHANGE: b", "feat: a"]);
    assert_eq!(
        notes(&text, "python-v0.0.2").as_deref(),
        Some("### Breaking\n\n- a\n  b\n\n### Added\n\n- a")
    );
}

const CHANGELOG: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    "# Changelog",
    "## [Unreleased]",
    "## [python-v0.0.1] - 2026-01-01",
    "## [python-v0.0.2]",
    "## [python-v0.0.2-rc.1]",
    "## 1.0",
    "### python",
    "### ts",
    "### Fixed",
    "#### Added",
    "- a",
    "- fix",
    "  more",
    "```",
    "<!--",
    "-->",
    "[python-v0.0.2]: https://f",
    "[Unreleased]: x",
    "\u{feff}",
    "é",
];

/// Short, so that some have the same description.
const SHORT_MESSAGE: &str = "(feat|fix|perf|docs)!?: [a-c#<*\\[-]{1,3} ?[a-c]?(\n\nBREAKING CHANGE: [a-c]+)?";

#[test]
fn a_section_that_stands_below_one_that_it_replaces_stays_in_its_place() {
    let text = "# Changelog\n\n## [Unreleased]\n\n\
        ## [python-v0.0.2-rc.1] - 2025-12-02\n\n### Added\n\n- x\n\n\
        ## [ts-v0.1.0] - 2025-12-01\n\n- y\n\n## [python-v0.0.2] - 2025-12-03\n\n### Fixed\n\n- z\n\n\
        ## [python-v0.0.1] - 2025-11-01\n\n- w\n";
    let new = bump(text, "python-v0.0.2", &["python-v0.0.2-rc.1"], &[]);
    let headings: Vec<&str> = new.lines().filter(|line| line.starts_with("## ")).collect();
    let expected = [
        "## [Unreleased]",
        "## [ts-v0.1.0] - 2025-12-01",
        "## [python-v0.0.2] - 2026-11-21",
        "## [python-v0.0.1] - 2025-11-01",
    ];
    assert_eq!(headings, expected);
}

#[test]
fn links_are_replaced_and_added_at_the_end() {
    let with = |links: &str| format!("# Changelog\n\n## [Unreleased]\n\n### python\n\n- a\n{links}");
    let end = |text: &str| {
        let new = bump(text, "python-v0.0.2", &[], &["feat: b"]);
        new.rsplit_once("- a\n").expect("the item").1.to_string()
    };
    let own = "[python-v0.0.2]: https://f/compare/python-v0.0.1...python-v0.0.2\n";
    // With another address, from before the repository moved.
    let moved = "\n[Unreleased]: https://old/x\n[python-v0.0.2]: https://old/y\n[ts-v0.1.0]: https://old/z\n";
    let expected = format!("\n[Unreleased]: https://old/x\n{own}[ts-v0.1.0]: https://old/z\n");
    assert!(end(&with(moved)).ends_with(&expected), "{}", end(&with(moved)));
    assert!(end(&with("")).ends_with(&format!("\n\n{own}")), "{}", end(&with("")));
    // Links of a section that becomes part of the release go to the end, without a gap between them.
    let inner = "- see [it]\n\n[it]: https://f/it\n\n## [ts-v0.1.0] - 2025-12-01\n\n- x\n\n\
        [ts-v0.1.0]: https://f/z\n";
    let expected = format!("\n\n{own}[ts-v0.1.0]: https://f/z\n[it]: https://f/it\n");
    assert!(end(&with(inner)).ends_with(&expected), "{}", end(&with(inner)));
}

#[test]
fn an_item_without_a_reason_is_no_accepted_break() {
    let text = "# Changelog\n\n## [Unreleased]\n\n### python\n\n#### Breaking\n\n- by hand [class-renamed]\n";
    let new = bump_accepting(text, "python-v0.0.2", &[], &[], &[accepted("demo.A", "nobody uses it")]);
    assert!(new.contains("- by hand [class-renamed]\n- demo.A: is now called B"), "{new}");
}

proptest! {
    #![proptest_config(testing::config())]

    /// `bump` compares the first result with a second one.
    #[test]
    fn property_a_release_twice_is_a_release_once(
        text in testing::text(CHANGELOG),
        messages in prop::collection::vec(SHORT_MESSAGE, 0..4),
        pre in any::<bool>(),
    ) {
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let tag = if pre { "python-v0.0.2-rc.1" } else { "python-v0.0.2" };
        let new = bump(&text, tag, &["python-v0.0.3"], &messages);
        prop_assert!(notes(&new, tag).is_some());
        let blank = text.trim_start_matches('\u{feff}').trim().is_empty();
        let has_mark = |text: &str| text.starts_with('\u{feff}');
        prop_assert!(blank || has_mark(&new) == has_mark(&text));
    }

    #[test]
    fn property_the_sections_of_other_releases_stay_as_they_are(text in testing::text(CHANGELOG)) {
        let new = bump(&text, "python-v0.0.2", &[], &["fix: new"]);
        for tag in ["python-v0.0.1", "1.0"] {
            if let Some(old) = notes(&text, tag) {
                let closing = markdown::closing(&old.lines().collect::<Vec<_>>());
                let closed = closing.map_or(old.clone(), |closing| format!("{old}\n{closing}"));
                prop_assert_eq!(notes(&new, tag), Some(closed));
            }
        }
    }
}

#[test]
fn a_page_begins_with_the_breaks_and_ends_with_the_comparison() {
    let changelog = "# Changelog\n\n## [a-v0.2.0] - 2026-01-01\n\nBy hand.\n\n### Added\n\n- x\n\n\
        ### Breaking\n\n- y\n  use z\n\n### Fixed\n\n- w\n\n## [a-v0.1.0] - 2026-01-01\n\n- first\n\n\
        [a-v0.2.0]: https://f/t/m/compare/a-v0.1.0...a-v0.2.0\n\
        [a-v0.1.0]: https://f/t/m/releases/tag/a-v0.1.0\n";
    for (tag, expected) in [
        (
            "a-v0.2.0",
            Some(
                "### Breaking\n\n- y\n  use z\n\nBy hand.\n\n### Added\n\n- x\n\n### Fixed\n\n- w\n\n\
                 **All changes**: [a-v0.1.0...a-v0.2.0](https://f/t/m/compare/a-v0.1.0...a-v0.2.0)",
            ),
        ),
        ("a-v0.1.0", Some("- first")),
        ("a-v0.3.0", None),
    ] {
        assert_eq!(page(changelog, tag).as_deref(), expected, "{tag}");
    }
    assert_eq!(page("", "a-v0.1.0"), None);
    let crlf = "## [a-v1.0.0]\r\n\r\n- x\r\n\r\n### Breaking\r\n- y\r\n";
    assert_eq!(page(crlf, "a-v1.0.0").as_deref(), Some("### Breaking\n- y\n\n- x"));
}

#[test]
fn a_code_block_that_is_left_open_hides_no_section() {
    let text = "# Changelog\n\n## [Unreleased]\n\n### python\n\n#### Fixed\n\n- one\n\n```sh\nrun it\n\n";
    let old = format!("{text}## [python-v0.0.1] - 2025-12-01\n\n- x\n");
    for tag in ["python-v0.0.2", "python-v0.0.2-rc.1"] {
        let once = bump(&old, tag, &[], &["feat: add it"]);
        let section = super::notes(&once, tag).unwrap();
        assert!(section.ends_with("```sh\nrun it\n```"), "{section}");
        assert!(super::notes(&once, "python-v0.0.1").is_some(), "{once}");
    }
}

/// A merge that keeps both sides of a conflict leaves headings twice.
#[test]
fn headings_that_occur_twice_are_all_read() {
    let text = "# Changelog\n\n## [Unreleased]\n\n### python\n\n- one\n\n### ts\n\n- theirs\n\n### python\n\n\
        - two\n\n#### Fixed\n\n- three\n\n## [Unreleased]\n\n### python\n\n- four\n\n\
        ## [python-v0.0.3] - 2026-01-02\n\n- five\n\n## [python-v0.0.3] - 2026-01-01\n\n- six\n";
    for tag in ["python-v0.0.2", "python-v0.0.2-rc.1"] {
        let new = bump(text, tag, &["python-v0.0.3"], &["fix: seven"]);
        let section = super::notes(&new, tag).unwrap();
        let expected = "- one\n\n- two\n\n- four\n\n- five\n\n- six\n\n### Fixed\n\n- three\n- seven";
        assert_eq!(section, expected, "{tag}");
        assert_eq!(super::notes(&new, "python-v0.0.3"), None, "{tag}");
        assert!(new.contains("### ts\n\n- theirs"), "{new}");
    }
}

#[test]
fn link_definitions_in_moved_text_become_links_of_the_document() {
    let text = "# Changelog\n\n## [Unreleased]\n\n### python\n\nBy hand, see [the guide].\n\n\
        [the guide]: https://g/ 'Guide'\n\n#### Fixed\n\n- one\n[see]: how it is done\n";
    let new = bump(text, "python-v0.0.2", &[], &["fix: two"]);
    let expected = "By hand, see [the guide].\n\n### Fixed\n\n- one\n[see]: how it is done\n- two";
    assert_eq!(super::notes(&new, "python-v0.0.2").unwrap(), expected);
    let links = "\n\n[python-v0.0.2]: https://f/compare/python-v0.0.1...python-v0.0.2\n\
        [the guide]: https://g/ 'Guide'\n";
    assert!(new.ends_with(links), "{new}");
    // A pre-release copies the text: the definition stays where it is.
    let new = bump(text, "python-v0.0.2-rc.1", &[], &[]);
    assert!(new.contains("see [the guide].\n\n[the guide]: https://g/ 'Guide'\n"), "{new}");
}
