//! The cases of xtask/tests/it/api, on the surfaces that the reader gave for them: every rule is tested here
//! without the reader. `cases.jsonl` is recorded by xtask/tests/it/api_record.rs.

use super::diff;
use super::surface::Surface;
use crate::change::{Change, merged};
use expect_test::expect_file;
use serde::Deserialize;

const RECORDED: &str = include_str!("cases.jsonl");

#[derive(Deserialize)]
struct Case {
    what: String,
    /// `breaking class-removed`, sorted.
    expected: Vec<String>,
    reads: Vec<Read>,
}

/// Both versions in one environment.
#[derive(Deserialize)]
struct Read {
    #[serde(rename = "where")]
    place: String,
    surfaces: [Surface; 2],
}

fn cases() -> impl Iterator<Item = Case> {
    RECORDED.lines().skip(1).map(|line| serde_json::from_str(line).expect("a case"))
}

fn changes(case: &Case) -> Vec<Change> {
    let found = case.reads.iter().map(|r| (r.place.clone(), diff(&r.surfaces[0], &r.surfaces[1])));
    merged(found.collect())
}

#[test]
fn every_case_gives_the_expected_findings() {
    let mut wrong = Vec::new();
    for case in cases() {
        let mut said: Vec<String> =
            changes(&case).iter().map(|c| format!("{:?} {}", c.level, c.id).to_lowercase()).collect();
        said.sort();
        if said != case.expected {
            wrong.push(format!("{}\n  expected {:?}\n  found    {said:?}", case.what, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_told_in_these_words() {
    let mut told = String::new();
    for case in cases() {
        told.push_str(&format!("\n## {}\n", case.what));
        for change in changes(&case) {
            let finding = change.finding();
            let place = finding.place.unwrap_or_default();
            told.push_str(&format!("{} {}\n  {}\n", finding.id, place, finding.message));
        }
    }
    expect_file!["cases.told.txt"].assert_eq(&told);
}

#[test]
fn a_surface_differs_from_itself_in_nothing() {
    for case in cases() {
        for read in &case.reads {
            for surface in &read.surfaces {
                let found = diff(surface, surface);
                assert!(found.is_empty(), "{}: {found:?}", case.what);
            }
        }
    }
}
