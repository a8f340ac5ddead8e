//! `plan` on real histories: where counting starts, what counts, and the number.

use crate::support::Repo;

fn plan(repo: &Repo) -> serde_json::Value {
    repo.xtask(&["plan", "python", "--json"]).json()["apps"][0].clone()
}

#[test]
fn the_first_release_takes_the_manifests_version_or_0_0_1() {
    let repo = Repo::new();
    let app = plan(&repo);
    assert_eq!((&app["last"], &app["next"], &app["pending"]), (&serde_json::Value::Null, &"0.0.1".into(), &false.into()));
    repo.commit("apps/python/pyproject.toml", "[project]\nversion = \"0.3.0\"\n", "chore: number");
    let app = plan(&repo);
    assert_eq!((&app["next"], &app["pending"]), (&"0.3.0".into(), &true.into()));
}
