//! Every case of the rules and non-rules, and what holds for any document.

use super::cases;

#[test]
fn every_case_has_the_verdict_that_is_meant() {
    let mut wrong = Vec::new();
    for case in cases::all().unwrap() {
        let verdict = case.verdict();
        if verdict != case.expected() {
            wrong.push(format!("{}\n     got {verdict:?}\n  wanted {:?}", case.what, case.expected()));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
