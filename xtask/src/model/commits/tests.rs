//! Tables of commit messages, and how they count.

use super::*;
use crate::sys::testing;
use proptest::prelude::*;

fn commit(id: &str, message: &str) -> Commit {
    Commit { id: id.to_string(), merge: false, message: message.to_string(), released: None }
}

/// One line per entry: what it demands, its subject, and why.
fn read(messages: &[&str]) -> String {
    let commits: Vec<Commit> =
        messages.iter().enumerate().map(|(i, m)| commit(&format!("{i:07}aaaa"), m)).collect();
    let entries = entries(&commits, "python", &["python", "ts"]);
    let line = |e: &Entry| {
        format!(
            "{} | {} | {}{}",
            e.bump.word(),
            e.subject,
            e.why,
            if e.unread_break { " | UNREAD" } else { "" }
        )
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_subject_counts_by_its_type() {
    for (message, expected) in [
        ("feat: x", "minor"),
        ("fix: x", "patch"),
        ("perf: x", "patch"),
        ("FIX: x", "patch"),
        ("Feat(API)!: x", "major"),
        ("feat(python, ts): x", "minor"),
        ("docs: x", "none"),
        ("chore(release): python v0.0.2", "none"),
        ("refactor!: x", "major"),
        ("fix/lists: x", "none"),
        ("feat:x", "none"),
        ("feat : x", "none"),
        ("feat:", "none"),
        ("feat: ", "none"),
        ("feat(): x", "none"),
        ("feat(a: x", "none"),
        ("feature x", "none"),
        (": x", "none"),
        ("", "none"),
        ("fixup! feat: x", "none"),
        ("✨ feat: x", "none"),
        ("feat: ✨ x", "minor"),
        ("feat(scope with spaces): x", "minor"),
        ("feat!: x: y", "major"),
        ("Merge branch 'main' into dev", "none"),
        ("\n\n  feat: after empty lines", "minor"),
        ("\u{feff}feat: after a byte order mark", "minor"),
        ("feat: x\u{fffd}y", "minor"),
    ] {
        let entries = entries(&[commit("a", message)], "python", &["python"]);
        assert_eq!((entries.len(), entries[0].bump.word()), (1, expected), "{message:?}");
    }
}

#[test]
fn a_footer_anywhere_below_the_subject_declares_a_break() {
    for (message, expected) in [
        ("fix: x\n\nBREAKING CHANGE: y", "major"),
        ("fix: x\n\nBREAKING-CHANGE: y", "major"),
        ("fix: x\r\n\r\nBREAKING CHANGE: y\r\n", "major"),
        ("fix: x\n\nText.\n\nRefs: #1\nBREAKING CHANGE: y\n  more of it", "major"),
        ("fix: x\n\nText that ends.\nBREAKING CHANGE: y", "major"),
        ("docs: x\n\nBREAKING CHANGE: even so", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nSigned-off-by: A <a@b.c>", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nRefs: #1\n\nCo-authored-by: A <a@b.c>", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nand then some text", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nCloses #12", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nRefs #1, #2", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\nFixes https://example.org/1", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\n(cherry picked from commit 0123456789)", "major"),
        ("fix: x\n\nBREAKING CHANGE: y\n\n## Tested\n\nby hand", "major"),
        ("fix: x\n\nBREAKING CHANGE:\n\nthe port is 80", "major"),
        ("fix: x\n\nBREAKING CHANGE:\n\nRefs #1", "patch unread"),
        ("fix: x\n\n* add it\n\nBREAKING CHANGE: y", "major"),
        ("fix: x\n\n- add it\n- feat: that\n\nBREAKING CHANGE: y", "major"),
        ("fix: x (#1)\n\n* add it\n* and that\n\nBREAKING CHANGE: y\n\nCloses #12", "major"),
        ("fix: x (#1)\n\n* add it\n\n  BREAKING CHANGE: y", "patch unread"),
        ("fix: x\n\n* BREAKING CHANGE: y", "patch unread"),
        ("fix: x\n\n- breaking change: y", "patch unread"),
        ("fix: x\n\n> BREAKING CHANGE: y", "patch"),
        ("fix: x\n\n    BREAKING CHANGE: y", "patch unread"),
        ("fix: x\n\nRefs #1\n\nBREAKING CHANGE: y\n\nsecond paragraph", "major"),
        ("fix: x\n\nbreaking change: y", "patch unread"),
        ("fix: x\n\nBREAKING CHANGE:y", "patch unread"),
        ("fix: x\n\nBREAKING CHANGE:", "patch unread"),
        ("fix: x\n\nNo BREAKING CHANGE: here", "patch"),
        ("fix: x\n\n```\nBREAKING CHANGE: y\n```", "patch"),
        ("fix: x\n\n<!-- BREAKING CHANGE: y -->", "patch"),
        ("fix: x\n\nBREAKING CHANGE: y\n\n```\nhow to migrate\n```", "major"),
        ("what I did\n\nBREAKING CHANGE: y", "none unread"),
        ("fix: x\n\nBREAKING CHANGE y", "patch unread"),
        ("fix: x\n\nBREAKING CHANGE #12", "patch unread"),
        ("fix: x\n\nBREAKING CHANGES: y", "patch unread"),
        ("fix: x\n\n**BREAKING CHANGE**: y", "patch unread"),
        ("fix: x\n\n__Breaking changes:__ y", "patch unread"),
        ("fix: x\n\n## BREAKING CHANGE\n\ny", "patch unread"),
        ("fix: x\n\n## Breaking changes\n\nnone", "patch"),
        ("fix: x\n\nbreaking changes are listed elsewhere", "patch"),
        ("fix: x\n\n`BREAKING CHANGE: ` is read", "patch"),
        ("fix: x\n\nBREAKING CHANGELOG", "patch"),
        ("BREAKING CHANGE: y", "none unread"),
        ("feat!(api): y", "none unread"),
        ("feat(api)!:y", "none unread"),
        ("Feat ! : y", "none unread"),
        ("feature!: y", "major"),
        ("feature!(api): y", "none"),
        ("oh no!: y", "none"),
        ("feat(oh): y! z", "minor"),
        ("Revert \"feat!: x\"", "patch"),
        ("fix the tests!: at last", "none"),
        ("fix: x (#1)\n\n- feat!: y", "patch unread"),
        ("fix: x (#1)\n\n- feat: y!", "patch"),
        ("fix: x\n\nfeat(api)!: y", "patch unread"),
        ("Revert \"feat: x\"\n\nBREAKING CHANGE: y", "major"),
        ("Revert \"feat: x\" (#1)\n\nThis reverts commit 0123456.\n\nBREAKING CHANGE: y", "major"),
        ("Reapply \"feat: x\"\n\nBreaking change: y", "patch unread"),
    ] {
        let entries = entries(&[commit("a", message)], "python", &["python"]);
        let found =
            format!("{}{}", entries[0].bump.word(), if entries[0].unread_break { " unread" } else { "" });
        assert_eq!((entries.len(), found.as_str()), (1, expected), "{message:?}");
    }
    for (body, note) in [
        ("BREAKING CHANGE: the port\n  is 80 now\n\nRefs: #1", "the port is 80 now"),
        ("BREAKING CHANGE: the port\n\nis 80 now\n\nCloses #12\nnot this", "the port is 80 now"),
        ("BREAKING CHANGE: the port\n---------\nnot this", "the port"),
        ("BREAKING CHANGE: the port\n> not this\n```\nnor this\n```\nis 80", "the port is 80"),
        ("BREAKING CHANGE: one\nRefs #1\nBREAKING-CHANGE: two\nFixes https://example.org/x", "one two"),
        ("BREAKING CHANGE: the port\n(cherry picked from commit 0123456)", "the port"),
    ] {
        let noted = entries(&[commit("a", &format!("feat: x\n\n{body}"))], "python", &[]);
        assert_eq!(noted[0].note.as_deref(), Some(note), "{body:?}");
    }
}

#[test]
fn the_footer_below_a_bullet_that_is_not_a_commit_belongs_to_the_squash() {
    assert_eq!(
        read(&["feat: a (#1)\n\n* fix: b\n\n* wip\n\nBREAKING CHANGE: gone\n\n* fix: c"]),
        "major | feat: a (#1) | breaking\n\
         patch | fix: c | fix\n\
         patch | fix: b | fix"
    );
}

#[test]
fn a_squash_is_split_at_its_bullets_and_its_title_is_listed_once() {
    let body = "feat(ts): pin Bun (#12)\n\n* feat(ts): pin Bun\n\nlonger text\n* fix: users\n* wip\n\n\
                ```\n* feat!: in code\n```\n  * feat!: indented\n\n---------\n\nCo-authored-by: A <a@b.c>";
    assert_eq!(
        read(&[body]),
        "none | feat(ts): pin Bun (#12) | for ts, by its scope | UNREAD\n\
         patch | fix: users | fix"
    );
}

#[test]
fn a_footer_below_the_rule_belongs_to_the_squash_and_not_to_its_last_bullet() {
    assert_eq!(
        read(&["feat: a (#1)\n\n* fix: b\n\n---------\n\nBREAKING CHANGE: gone"]),
        "major | feat: a (#1) | breaking\npatch | fix: b | fix"
    );
}

#[test]
fn a_squash_is_split_at_the_messages_that_gitea_writes_one_below_the_other() {
    for (message, expected) in [
        (
            "docs: a (#1)\n\nmore of a\n\nfeat: b\n\nlonger text\n\nfix(ts)!: c\n\n---------\n\n\
             Co-authored-by: A <a@b.c>",
            "none | docs: a (#1) | docs releases nothing\n\
             none | fix(ts)!: c | for ts, by its scope\nminor | feat: b | feature",
        ),
        // The first message may be the title.
        ("feat: a (#1)\n\nfeat: a\n\nfix: b", "minor | feat: a (#1) | feature\npatch | fix: b | fix"),
        (
            "a (#1)\n\nfix: b\n\nBREAKING CHANGE: c\n\nfix: d",
            "none | a (#1) | not conventional\npatch | fix: d | fix\nmajor | fix: b | breaking",
        ),
        (
            "docs: a (#1)\n\nfix: b\n\n---------\n\nBREAKING CHANGE: c",
            "major | docs: a (#1) | breaking\npatch | fix: b | fix",
        ),
        // Prose, code, footers, other types, no paragraph of its own.
        ("docs: a (#1)\n\nFix: the parser", "none | docs: a (#1) | docs releases nothing"),
        ("docs: a (#1)\n\n```\n\nfeat: b\n\n```", "none | docs: a (#1) | docs releases nothing"),
        ("docs: a (#1)\n\nRefs: #1\n\nnote: b", "none | docs: a (#1) | docs releases nothing"),
        ("docs: a (#1)\n\nwhat it does:\nfeat: b", "none | docs: a (#1) | docs releases nothing"),
        // Bullets are another form, and other commits are no squashes.
        ("docs: a (#1)\n\n* wip\n\nfeat: b", "none | docs: a (#1) | docs releases nothing"),
        ("docs: a\n\nfeat: b", "none | docs: a | docs releases nothing"),
    ] {
        assert_eq!(read(&[message]), expected, "{message:?}");
    }
}

#[test]
fn the_highest_bump_is_the_largest_of_all_entries() {
    for (messages, expected) in [
        (&[][..], Bump::None),
        (&["docs: a"], Bump::None),
        (&["fix: a", "feat: b", "docs: c"], Bump::Minor),
        (&["fix: a", "feat!: b", "feat: c"], Bump::Major),
    ] {
        let commits: Vec<Commit> = messages.iter().map(|message| commit("a", message)).collect();
        assert_eq!(highest(&entries(&commits, "python", &[])), expected, "{messages:?}");
    }
}

#[test]
fn bullets_of_prose_and_links_are_not_listed_as_commits() {
    let body = "feat: a (#1)\n\n* https://example.org/pull/1\n* #12\n* [docs](https://example.org)\n\
                * fix: b\n\n  more\n* and so on\n\n  BREAKING CHANGE: y\n* @someone\n* BREAKING CHANGE: z";
    assert_eq!(read(&[body]), "minor | feat: a (#1) | feature | UNREAD\npatch | fix: b | fix");
    assert_eq!(
        read(&["feat(ts): a (#1)\n\n* wip\n* https://example.org"]),
        "none | feat(ts): a (#1) | for ts, by its scope"
    );
}

#[test]
fn an_override_replaces_the_message() {
    for (message, expected) in [
        ("wip (#1)\n\nBEGIN_COMMIT_OVERRIDE\nfix: b\nEND_COMMIT_OVERRIDE", "patch | fix: b | fix"),
        (
            "feat!: a (#1)\r\n\r\ntext\r\n\r\nBEGIN_COMMIT_OVERRIDE\r\nfeat: a\r\n\r\nfix: b\r\nchore: c\r\n\
             END_COMMIT_OVERRIDE\r\n\r\n* feat!: d",
            "minor | feat: a | feature\npatch | fix: b | fix\nnone | chore: c | chore releases nothing",
        ),
        (
            "x\n\nBEGIN_COMMIT_OVERRIDE\nfix: a\n\ntext\n\nBREAKING CHANGE: y\n\nRefs: #1\n\
             END_COMMIT_OVERRIDE",
            "major | fix: a | breaking",
        ),
        (
            "x\n\nBEGIN_COMMIT_OVERRIDE\nfeat(ts)!: a\n\nfix(python): b\nEND_COMMIT_OVERRIDE",
            "none | feat(ts)!: a | for ts, by its scope\npatch | fix(python): b | fix",
        ),
        (
            "x\n\nBEGIN_COMMIT_OVERRIDE\nfix: a (#1)\n\n* feat: b\nEND_COMMIT_OVERRIDE",
            "patch | fix: a (#1) | fix\nminor | feat: b | feature",
        ),
        ("fix: a\n\nBEGIN_COMMIT_OVERRIDE\nfeat!: never closed", "major | feat!: never closed | breaking"),
        ("fix: a\n\nBEGIN_COMMIT_OVERRIDE\n\nEND_COMMIT_OVERRIDE", "patch | fix: a | fix"),
        (
            "fix: a\n\n BEGIN_COMMIT_OVERRIDE \nfeat: b\n END_COMMIT_OVERRIDE \nfix: c",
            "minor | feat: b | feature",
        ),
        ("fix: a\n\nBEGIN_COMMIT_OVERRIDE\nwords\nEND_COMMIT_OVERRIDE", "none | words | not conventional"),
    ] {
        assert_eq!(read(&[message]), expected, "{message:?}");
        let whole = message.contains("OVERRIDE\n\nEND");
        assert_eq!(lists_commits(message), !whole, "{message:?}");
    }
}

#[test]
fn prose_may_name_the_lines_of_an_override() {
    for message in [
        "feat: read BEGIN_COMMIT_OVERRIDE blocks",
        "feat: a\n\nBetween BEGIN_COMMIT_OVERRIDE and END_COMMIT_OVERRIDE.",
        "feat: a\n\n`BEGIN_COMMIT_OVERRIDE`\nfix: b\n`END_COMMIT_OVERRIDE`",
    ] {
        assert_eq!(read(&[message]), format!("minor | {} | feature", message.lines().next().unwrap()));
        assert!(!lists_commits(message), "{message:?}");
    }
}

#[test]
fn a_pull_request_number_or_a_leading_bullet_list_makes_a_squash() {
    for (message, entries) in [
        ("fix: a\n\n* feat: b", 2),
        ("fix: a\n\n\n\n* feat: b\n* feat: c", 3),
        ("fix: a (#1)\n\ntext first\n\n* feat: b", 2),
        ("fix: a\n\ntext first\n\n* feat: b", 1),
        ("fix: a\n\n- feat: b", 1),
        ("fix: a (#1)\n\n- feat: b", 1),
        ("fix: a\n\n*feat: b", 1),
        ("fix: a (#x)\n\ntext\n* feat: b", 1),
        ("fix: a (#1) more\n\ntext\n* feat: b", 1),
        ("fix: a (#1)", 1),
        ("fix: a (#)\n\nt\n* feat: b", 1),
        ("fix: a (#1)\r\n\r\n* feat: b\r\n\r\n* feat: c\r\n", 3),
        ("fix: a (#1)\n\n```\n* feat: never closed", 2),
        ("fix: a (#1)\n\n<!--\n* feat: b\n-->", 1),
    ] {
        assert_eq!(read(&[message]).lines().count(), entries, "{message:?}");
    }
}

#[test]
fn a_bullet_with_another_apps_scope_counts_for_that_app_only() {
    let message = "release: promote (#3)\n\n* feat(ts)!: a\n* fix(python): b\n* feat(ts, python): c\n\
     * feat(api): d\n* perf(python/api): e";
    assert_eq!(
        read(&[message]),
        "none | release: promote (#3) | release releases nothing\n\
         patch | perf(python/api): e | faster\n\
         minor | feat(api): d | feature\n\
         minor | feat(ts, python): c | feature\n\
         patch | fix(python): b | fix\n\
         none | feat(ts)!: a | for ts, by its scope"
    );
    // A commit that is not in a list counts for every app whose files it changes.
    assert_eq!(read(&["fix(ts): a"]), "patch | fix(ts): a | fix");
}

#[test]
fn nested_squashes_are_read_from_flat_lists_and_indented_logs() {
    let github = "release: promote (#39)\n\n* feat: a (#38)\n\n* feat: one\n\n* fix: two\n\n---------\n\n\
                  Co-authored-by: A <a@b.c>\n\n* fix: b (#40)\n\nBREAKING CHANGE: gone";
    assert_eq!(
        read(&[github]),
        "none | release: promote (#39) | release releases nothing\n\
         major | fix: b (#40) | breaking\n\
         patch | fix: two | fix\n\
         minor | feat: one | feature\n\
         minor | feat: a (#38) | feature"
    );
    let git = "Squashed commit of the following:\n\n\
               commit 1111111111111111111111111111111111111111\nAuthor: A <a@b.c>\n\
               Date:   Thu Jan 1 00:00:00 2026\n\n    \
               fix: last (#2)\n    \n    * feat: inner\n    * fix: inner too\n\n\
               commit 2222222222222222222222222222222222222222\nMerge: 3333333 4444444\n\
               Author: A <a@b.c>\n\n    feat!: first\n    \n    BREAKING CHANGE: all\n";
    assert_eq!(
        read(&[git]),
        "none | Squashed commit of the following: | not conventional\n\
         patch | fix: last (#2) | fix\n\
         patch | fix: inner too | fix\n\
         minor | feat: inner | feature\n\
         major | feat!: first | breaking"
    );
    assert_eq!(read(&[&format!("chore: merge\n\n{git}")]).lines().count(), 5);
}

#[test]
fn a_revert_cancels_an_unreleased_commit() {
    for (messages, expected) in [
        (&["Revert \"feat: a\"\n\nThis reverts commit 0000001aaaa.", "feat: a"] as &[&str], "none none"),
        (&["Revert \"feat: a\"", "feat: a"], "none none"),
        (&["Revert \"feat: a (#1)\" (#2)", "feat: a (#1)"], "none none"),
        (&["revert: feat: a", "feat: a"], "none none"),
        (&["revert: a", "feat: a"], "none none"),
        (
            &["revert: let us never speak of it\n\nRefs: 0000001, 0000002aaaa", "feat: a", "fix: b"],
            "none none none",
        ),
        (&["revert: two\n\nRefs: 0000001, 9999999", "feat: a"], "patch none"),
        (&["Revert \"feat: a\"\n\nThis reverts commit 9999999999."], "patch"),
        // The id is that of a released commit with the same title.
        (&["Revert \"feat: a\"\n\nThis reverts commit 9999999999.", "feat: a"], "patch minor"),
        (&["revert: a\n\nRefs: 9999999", "feat: a"], "patch minor"),
        (&["Revert \"feat: a (#1)\" (#3)", "feat: a (#2)"], "patch minor"),
        (&["Revert \"feat: a (#1)\" (#3)", "feat: a (#2)", "feat: a (#1)"], "none minor none"),
        // GitHub names the pull request below the title.
        (&["Revert \"feat: a\" (#3)\n\nReverts team/mono#1", "feat: a (#2)"], "patch minor"),
        (&["Revert \"feat: a\" (#3)\n\nReverts #1\r", "feat: a (#2)", "feat: a (#1)"], "none minor none"),
        (&["Revert \"feat: a\" (#3)\n\nReverts team/mono#2", "feat: a"], "none none"),
        (&["Revert \"feat: a\" (#3)\n\nReverts what #1x", "feat: a (#2)"], "none none"),
        // A bullet's commit has another id than the squash.
        (
            &["x (#3)\n\n* feat: a\n* Revert \"feat: a\"\n\nThis reverts commit 9999999999.", "feat: a"],
            "none none none minor",
        ),
        (&["Revert \"feat: a\"", "fix: b"], "patch patch"),
        (&["Revert \"Revert \"feat: a\"\"", "Revert \"feat: a\"", "feat: a"], "none none minor"),
        (&["Reapply \"feat: a\"", "Revert \"feat: a\"", "feat: a"], "none none minor"),
        (&["feat: a", "Revert \"feat: a\"", "feat: a"], "minor none none"),
        (&["Revert \"feat: a\"", "Revert \"feat: a\"", "feat: a"], "none patch none"),
        (
            &["Revert \"feat: title (#1)\"", "feat: title (#1)\n\n* feat!: one\n* fix: two"],
            "none none none none",
        ),
        (&["x (#3)\n\n* feat: a\n* Revert \"feat: a\"\n* fix: b"], "none patch none none"),
        (&["Revert \"feat: a\" (#2)\n\n* Revert \"feat: a\"", "feat: a"], "none none"),
        (&["Revert \"docs: a\"", "docs: a"], "none none"),
        (&["revert!: feat: a", "feat: b"], "major minor"),
        (&["Revert the feature", "feat: a"], "none minor"),
    ] {
        let bumps: Vec<String> =
            read(messages).lines().map(|l| l.split(' ').next().unwrap().to_string()).collect();
        assert_eq!(bumps.join(" "), expected, "{messages:?}");
    }
}

#[test]
fn a_merged_back_hotfix_does_not_count_but_its_revert_does() {
    let released =
        Commit { released: Some("python-v0.2.1".into()), ..commit("0000001aaaa", "fix!: urgent (#4)") };
    let revert = commit("0000002aaaa", "Revert \"fix!: urgent (#4)\"\n\nThis reverts commit 0000001aaaa.");
    let found = entries(&[revert, released], "python", &["python"]);
    let bumps: Vec<_> = found.iter().map(|e| (e.bump.word(), e.why.as_str())).collect();
    assert_eq!(bumps, [("patch", "revert of something released"), ("none", "released in python-v0.2.1")]);
}

#[test]
fn only_the_subject_of_a_merge_is_read() {
    let merge = Commit {
        merge: true,
        ..commit("a", "Merge pull request #1 from x\n\n* feat: brought by its own commit")
    };
    let entries = entries(&[merge], "python", &["python"]);
    assert_eq!((entries.len(), entries[0].why.as_str()), (1, "not conventional"));
}

#[test]
fn a_body_of_a_hundred_thousand_bullets_is_read_to_its_end() {
    let body: String = (0..100_000).map(|i| format!("* fix: number {i}\n\n```\n* no\n```\n")).collect();
    assert_eq!(read(&[&format!("feat: many (#1)\n\n{body}")]).lines().count(), 100_001);
}

/// In a time that does not grow with the square of their number.
#[test]
fn tens_of_thousands_of_reverts_find_what_they_undo() {
    let fixes: String = (0..30_000).map(|i| format!("* fix: number {i}\n")).collect();
    let reverts: String = (0..30_000).map(|i| format!("* revert: fix: number {i}\n")).collect();
    let read = read(&[&format!("feat: many (#1)\n\n{fixes}{reverts}")]);
    let counted: Vec<&str> = read.lines().filter(|line| !line.contains("revert")).collect();
    assert_eq!((read.lines().count(), counted.len()), (60_001, 1), "{}", counted.join("\n"));
}

const MESSAGE: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "* ",
    "- ",
    "  ",
    "    ",
    "> ",
    "```",
    "~~~",
    "<!--",
    "-->",
    "---------",
    "feat: a",
    "fix(ts)!: b",
    "docs: c",
    "Revert \"feat: a\"",
    "revert: a",
    "This reverts commit 0000001aaaa.",
    "Refs: ",
    "Refs #1",
    "(#12)",
    "BREAKING CHANGE: ",
    "BREAKING-CHANGE:",
    "Closes ",
    "https://example.org",
    "commit 1234567",
    "Squashed commit of the following:",
    "BEGIN_COMMIT_OVERRIDE",
    "END_COMMIT_OVERRIDE",
    "\u{feff}",
    "\0",
    "\u{1b}[2J",
    "é",
    "\"",
];

#[test]
fn a_bullet_that_repeats_the_title_adds_what_it_declares() {
    for (message, expected) in [
        ("fix: x (#1)\n\n* fix: x\n\n  BREAKING CHANGE: y\n* docs: z", "major | fix: x (#1) | "),
        ("fix: x (#1)\n\n* fix: x\n* docs: z", "patch | fix: x (#1) | "),
        ("docs: x (#1)\n\n* docs: x\n* feat: z", "none | docs: x (#1) | "),
        ("fix: x (#1)\n\n* fix: x\n\n  breaking change: y\n* docs: z", "patch | fix: x (#1) | fix | UNREAD"),
    ] {
        let read = read(&[message]);
        assert!(read.starts_with(expected), "{read}");
        assert_eq!(read.lines().count(), 2, "{read}");
    }
    let noted =
        entries(&[commit("a", "fix: x (#1)\n\n* fix: x\n\n  BREAKING CHANGE: y\n* docs: z")], "python", &[]);
    assert_eq!((noted[0].breaking, noted[0].note.as_deref()), (true, Some("y")));
}

#[test]
fn a_note_ends_at_the_next_footer() {
    for (rest, note) in [
        ("Reviewed-by: me", "y"),
        ("Refs #1", "y"),
        ("see this: z", "y see this: z"),
        ("https://f/x", "y https://f/x"),
        ("see this https://f/x", "y see this https://f/x"),
        ("Fixes https://f/x", "y"),
    ] {
        let noted = entries(&[commit("a", &format!("feat: x\n\nBREAKING CHANGE: y\n{rest}"))], "python", &[]);
        assert_eq!(noted[0].note.as_deref(), Some(note), "{rest}");
    }
}

#[test]
fn the_text_of_a_bullet_loses_its_indentation() {
    let parts = message::split("feat: x (#1)\n\n* fix: y\n\n  One.\n\n    Code.\n* fix: z\n\n  One.\n Two.");
    let bodies: Vec<&str> = parts.iter().map(|part| part.body.trim_matches('\n')).collect();
    assert_eq!(bodies, ["", "  One.\n Two.", "One.\n\n  Code."]);
}

#[test]
fn the_log_that_git_writes_into_a_squash_is_a_list() {
    let log = "feat: x\n\nSquashed commit of the following:\n\ncommit 0123456\nAuthor: A\nDate:   now\n\n\
               \u{20}   fix: y\n\n    One.\n\n    Two.\n\ncommit 1234567\nAuthor: A\n\n    fix: z\n";
    let parts = message::split(log);
    let told: Vec<_> = parts.iter().map(|p| (p.subject.as_str(), p.body.trim(), p.listed)).collect();
    assert_eq!(told, [("feat: x", "", false), ("fix: y", "One.\n\nTwo.", true), ("fix: z", "", true)]);
    assert!(message::lists_commits(log) && !message::lists_commits("feat: x\n\nOne."));
}

#[test]
fn one_message_in_place_of_another_is_not_a_list() {
    let instead =
        |messages: &str| format!("feat: x (#1)\n\nBEGIN_COMMIT_OVERRIDE\n{messages}\nEND_COMMIT_OVERRIDE");
    let listed = |text: &str| message::split(&instead(text)).iter().map(|p| p.listed).collect::<Vec<_>>();
    assert_eq!(listed("fix: a"), [false]);
    assert_eq!(listed("fix: a\n\nfeat: b"), [true, true]);
}

proptest! {
    #![proptest_config(testing::config())]

    #[test]
    fn property_every_message_is_read_and_line_endings_do_not_matter(
        messages in prop::collection::vec(testing::text(MESSAGE), 1..4),
    ) {
        let read = |messages: &[String]| {
            let commits: Vec<Commit> =
                messages.iter().enumerate().map(|(i, m)| commit(&format!("{i:07}aaaa"), m)).collect();
            entries(&commits, "python", &["python", "ts"])
        };
        let found = read(&messages);
        prop_assert!(found.len() >= messages.len());
        for entry in &found {
            prop_assert_eq!(entry.counts, entry.bump > Bump::None);
            prop_assert!(!entry.breaking || entry.note.as_ref().is_some_and(|note| !note.is_empty()));
            prop_assert!(!(entry.breaking && entry.unread_break));
            let texts = [&entry.subject, &entry.description, entry.note.as_ref().unwrap_or(&entry.subject)];
            let hostile = |c: char| c.is_control() && !matches!(c, '\t' | '\r');
            prop_assert!(texts.iter().all(|text| !text.contains(hostile)));
        }
        let unix: Vec<String> = messages.iter().map(|m| m.replace("\r\n", "\n").replace('\r', "")).collect();
        let windows: Vec<String> = unix.iter().map(|m| m.replace('\n', "\r\n")).collect();
        prop_assert_eq!(read(&unix), read(&windows));
    }

    #[test]
    fn property_a_footer_is_read_wherever_it_is(
        before in prop::collection::vec("[a-zA-Z#:. -]{0,20}", 0..6),
        after in prop::collection::vec("[a-zA-Z#:. -]{0,20}", 0..6),
    ) {
        let (before, after) = (before.join("\n"), after.join("\n"));
        let message = format!("fix: x\n\n{before}\n\nBREAKING CHANGE: y\n\n{after}");
        let found = entries(&[commit("a", &message)], "python", &["python"]);
        prop_assert_eq!((found.len(), found[0].bump), (1, Bump::Major));
    }

    #[test]
    fn property_reverts_of_everything_leave_nothing(
        titles in prop::collection::vec("(feat|fix|docs): [a-c]", 1..6),
    ) {
        let id = |i: usize| format!("{i:07}aaaa");
        let commits: Vec<Commit> = titles.iter().enumerate().map(|(i, t)| commit(&id(i), t)).collect();
        let revert = |i: usize| {
            let message = format!("Revert \"{}\"\n\nThis reverts commit {}.", titles[i], id(i));
            commit(&format!("{i:07}bbbb"), &message)
        };
        let all: Vec<Commit> = (0..titles.len()).map(revert).chain(commits).collect();
        prop_assert_eq!(highest(&entries(&all, "python", &["python"])), Bump::None);
    }
}
