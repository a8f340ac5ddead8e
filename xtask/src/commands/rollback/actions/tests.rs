//! Tables: what is there, and what a rollback would do.

use super::*;
use crate::model::workspace::AppSettings;
use std::collections::BTreeMap;

fn app() -> App {
    let settings: AppSettings =
        toml_edit::de::from_str("name = \"a\"\necosystem = \"ts\"\npackage = \"p\"\n").expect("settings");
    App { dir: "apps/a".into(), settings }
}

fn v(text: &str) -> Version {
    text.parse().expect("a version")
}

/// 0.2.0 is out everywhere, and 0.1.0 before it.
fn out() -> Found {
    Found {
        commit: "1111111".into(),
        marked: false,
        index: "https://index".into(),
        shown: Shown::Offered,
        way: Way::Deprecate,
        dist_tags: tags(&[("latest", "0.2.0")]),
        newest: Some(v("0.1.0")),
        image: Some(Image {
            name: "r/i".into(),
            own: Some("sha256:2".into()),
            latest: Some("sha256:2".into()),
            newest: Some((v("0.1.0"), "sha256:1".into())),
            deletable: Vec::new(),
        }),
        page: PageFound::Unmarked("https://f/p".into()),
    }
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect()
}

fn text(found: &Found) -> String {
    let state = |line: &Line| match line.state {
        State::Todo(_) => "todo",
        State::Done => "done",
        State::Stays => "stays",
        State::ByHand => "hand",
    };
    let lines = of(&app(), &v("0.2.0"), "broken", found);
    lines.iter().map(|line| format!("{:<5} {}: {}\n", state(line), line.what, line.text)).collect()
}

#[test]
fn the_plan_of_a_version_that_is_out_everywhere() {
    expect_test::expect![[r#"
        todo  mark: push the tag withdrawn/a-v0.2.0: plan, release and audit no longer count the version as out
        todo  image: move r/i:latest from v0.2.0 to v0.1.0 (sha256:1)
        stays image: r/i:v0.2.0 stays, for users who pin it
        todo  dist-tag: move p@latest from 0.2.0 to 0.1.0
        todo  package: deprecate p@0.2.0 on https://index: broken
        todo  page: mark https://f/p as withdrawn: make it a pre-release, and add a notice
        stays tag: the git tag a-v0.2.0 stays
    "#]].assert_eq(&text(&out()));
}

/// The registry of a Gitea deletes the tags, after `latest` has moved.
#[test]
fn tags_of_an_image_that_can_be_deleted_are() {
    let tag = |tag| Package::at("http://g/api/packages/o/container", "container", "i", tag, "T");
    let deletable = ["sha-1111111", "v0.2.0"].into_iter().filter_map(tag).collect();
    let image = Image { deletable, ..out().image.expect("an image") };
    let found = Found { image: Some(image), ..out() };
    let text = text(&found);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("image:")).collect();
    assert_eq!(
        lines,
        [
            "todo  image: move r/i:latest from v0.2.0 to v0.1.0 (sha256:1)",
            "todo  image: remove r/i:sha-1111111",
            "todo  image: remove r/i:v0.2.0"
        ]
    );
}

#[test]
fn nothing_is_done_twice() {
    let image = Image { latest: Some("sha256:1".into()), ..out().image.expect("an image") };
    let found = Found {
        marked: true,
        shown: Shown::Withdrawn,
        dist_tags: tags(&[("latest", "0.1.0")]),
        image: Some(image),
        ..out()
    };
    expect_test::expect![[r#"
        done  mark: withdrawn/a-v0.2.0 is on the remote
        done  image: r/i:latest is not v0.2.0
        stays image: r/i:v0.2.0 stays, for users who pin it
        done  dist-tag: p@latest is 0.1.0
        done  package: p@0.2.0 is withdrawn on https://index
        todo  page: mark https://f/p as withdrawn: make it a pre-release, and add a notice
        stays tag: the git tag a-v0.2.0 stays
    "#]]
    .assert_eq(&text(&found));
}

#[test]
fn without_another_release_latest_stays_and_other_dist_tags_are_removed() {
    let image = Image { newest: None, ..out().image.expect("an image") };
    let dist_tags = tags(&[("latest", "0.2.0"), ("candidate", "0.2.0"), ("rc", "0.3.0-rc.1")]);
    let found = Found { newest: None, image: Some(image), dist_tags, ..out() };
    expect_test::expect![[r#"
        todo  mark: push the tag withdrawn/a-v0.2.0: plan, release and audit no longer count the version as out
        stays image: r/i:latest stays at v0.2.0: there is no other release to move it to
        stays image: r/i:v0.2.0 stays, for users who pin it
        stays dist-tag: p@latest stays at 0.2.0: there is no other release to move it to
        todo  dist-tag: remove p@candidate, which names 0.2.0
        todo  package: deprecate p@0.2.0 on https://index: broken
        todo  page: mark https://f/p as withdrawn: make it a pre-release, and add a notice
        stays tag: the git tag a-v0.2.0 stays
    "#]].assert_eq(&text(&found));
}

#[test]
fn what_only_a_person_can_do_is_named_with_its_page() {
    let way = Way::ByHand("https://pypi.org/manage/project/p/release/0.2.0/".into());
    let found = Found { way, dist_tags: tags(&[]), image: None, ..out() };
    expect_test::expect![[r#"
        todo  mark: push the tag withdrawn/a-v0.2.0: plan, release and audit no longer count the version as out
        hand  package: yank p 0.2.0: https://pypi.org/manage/project/p/release/0.2.0/
        todo  page: mark https://f/p as withdrawn: make it a pre-release, and add a notice
        stays tag: the git tag a-v0.2.0 stays
    "#]].assert_eq(&text(&found));
}

#[test]
fn a_version_that_never_reached_the_registries_only_gets_its_mark() {
    let image = Image { own: None, latest: None, ..out().image.expect("an image") };
    let dist_tags = tags(&[("latest", "0.1.0")]);
    let found = Found { shown: Shown::Absent, dist_tags, image: Some(image), ..out() };
    expect_test::expect![[r#"
        todo  mark: push the tag withdrawn/a-v0.2.0: plan, release and audit no longer count the version as out
        done  image: the registry has no r/i:v0.2.0
        done  dist-tag: p@latest is 0.1.0
        done  package: https://index does not have p@0.2.0
        todo  page: mark https://f/p as withdrawn: make it a pre-release, and add a notice
        stays tag: the git tag a-v0.2.0 stays
    "#]].assert_eq(&text(&found));
}
