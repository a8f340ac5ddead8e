//! `bump` writes one commit, or nothing at all.

use crate::support::Repo;

#[test]
fn a_bump_is_one_commit_and_the_second_changes_nothing() {
    let repo = Repo::new();
    repo.change("fix: answer 405");
    let out = repo.xtask(&["bump", "python"]).expect(0);
    eprintln!("{}{}", out.stdout, out.stderr);
    eprintln!("{}", repo.git(&["show"]));
    let out = repo.untouched(|| repo.xtask(&["bump", "python"]).expect(0));
    eprintln!("{}{}", out.stdout, out.stderr);
    eprintln!("{}", repo.xtask(&["plan"]).stdout);
}
