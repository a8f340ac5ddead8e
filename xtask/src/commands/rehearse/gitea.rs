//! A real Gitea in place of the rehearsal's own forge and remote: two repositories for one rehearsal. The
//! folder `remote.git` is then a mirror, which is fetched after each change on the Gitea.

use super::forge::PullRequest;
use crate::forge::{Draft, Forge};
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use crate::sys::ui;
use crate::sys::url::is_loopback;
use anyhow::{Context, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use std::os::unix::fs::OpenOptionsExt;

/// The workflow of the downstream repository. No runner has the label, so nothing runs.
const RUNTIME: &str = "\
on: { workflow_dispatch: { inputs: { app: {}, version: {}, release: {} } } }
jobs: { told: { runs-on: nothing, steps: [{ run: 'true' }] } }
";

pub(crate) struct Gitea {
    pub forge: Forge,
    pub downstream: Forge,
    pub token: String,
    /// A configuration of git with the login for pushes.
    pub config: Utf8PathBuf,
}

impl Gitea {
    /// `workflow`: the file of the downstream repository's workflow.
    pub(super) fn start(place: &Place, dir: &Utf8Path, workflow: &str) -> Result<Gitea> {
        let Place { url, token } = place;
        let name = dir.file_name().unwrap_or_default();
        let forge = Forge::create_on_gitea(url, token, &format!("rehearsal-{name}"))?;
        let downstream = Forge::create_on_gitea(url, token, &format!("rehearsal-{name}-downstream"))?;
        let config = dir.join("gitea.gitconfig");
        let text = format!(
            "[user]\n\tname = Rehearsal\n\temail = rehearsal@localhost\n[init]\n\tdefaultBranch = main\n\
             [http \"{url}/\"]\n\textraHeader = Authorization: token {token}\n"
        );
        let mut file = std::fs::OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600).open(&config);
        let file = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        file.with_context(|| format!("cannot write {config}"))?;
        let gitea = Gitea { forge, downstream, token: token.clone(), config };
        // The runner is the rehearsal's own. Gitea's would have to be there, and a job that waits for it
        // stops a release.
        gitea.forge.change_settings(&json!({ "has_actions": false }))?;
        gitea.downstream.add_file(&format!(".gitea/workflows/{workflow}"), RUNTIME)?;
        Ok(gitea)
    }

    /// The address to clone from.
    pub(super) fn url(&self) -> String {
        format!("{}.git", self.forge.web())
    }

    /// Copies the mirror's refs to the Gitea.
    pub(super) fn fill(&self, mirror: &Git) -> Result<()> {
        let refs =
            ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*", "refs/rehearsal/*:refs/rehearsal/*"];
        let mut push = mirror.command();
        push.args(["push", "--quiet", "--", &self.url()]).args(refs).env("GIT_CONFIG_GLOBAL", &self.config);
        let output = push.output().context("cannot start git")?;
        anyhow::ensure!(
            output.status.success(),
            "cannot push to {}:\n{}",
            self.url(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
        Ok(())
    }

    pub(super) fn fetch(&self, mirror: &Git) -> Result<()> {
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/pull/*:refs/pull/*"];
        let args = ["fetch", "--quiet", "--prune", "--no-tags", "--", &self.url()];
        mirror.online(&[args.as_slice(), &refs].concat()).map(drop)
    }

    pub(super) fn open(&self, mirror: &Git, head: &str, base: &str, title: &str) -> Result<PullRequest> {
        self.fetch(mirror)?;
        let body = "A change for a rehearsal.";
        let (pull, _) = self.forge.pull_request(&Draft { head, base, title, body })?;
        self.fetch(mirror)?;
        Ok(PullRequest {
            number: u32::try_from(pull.number)?,
            title: title.to_string(),
            body: body.to_string(),
            head: head.to_string(),
            base: base.to_string(),
            commit: mirror.commit(&format!("refs/heads/{head}"))?,
        })
    }

    pub(super) fn squash(&self, mirror: &Git, pull: &PullRequest) -> Result<String> {
        let commit = self.forge.squash(pull.number.into())?;
        self.fetch(mirror)?;
        Ok(commit)
    }
}

impl Drop for Gitea {
    /// The folder of the rehearsal may be kept.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
        for forge in [&self.forge, &self.downstream] {
            if let Err(error) = forge.delete_repository() {
                ui::say(&format!("{} {} is left: {error:#}", ui::yellow("note:"), forge.web()));
            }
        }
    }
}

/// A Gitea and its token.
pub(super) struct Place {
    url: String,
    token: String,
}

/// What the flag names: `gitea:http://127.0.0.1:3000`. A rehearsal writes to this machine only.
pub(super) fn place(given: &str) -> Result<Place> {
    read(given, std::env::var("GITEA_TOKEN").ok())
}

fn read(given: &str, token: Option<String>) -> Result<Place> {
    let url = given.strip_prefix("gitea:").filter(|url| url.starts_with("http") && is_loopback(url));
    let url = url.ok_or_else(|| {
        Exit::Usage(format!(
            "--forge {given}: only a Gitea on this machine, as in gitea:http://127.0.0.1:3000"
        ))
    })?;
    let token = token.filter(|token| !token.is_empty());
    let token =
        token.ok_or_else(|| Exit::Usage("--forge needs a token with all scopes: GITEA_TOKEN".into()))?;
    Ok(Place { url: url.trim_end_matches('/').to_string(), token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gitea_on_this_machine_with_a_token_is_used() {
        let token = || Some("t".to_string());
        for (given, token, expected) in [
            ("gitea:http://127.0.0.1:3000/", token(), Ok("http://127.0.0.1:3000")),
            ("gitea:http://localhost:3000/git", token(), Ok("http://localhost:3000/git")),
            ("gitea:https://git.example.org", token(), Err("on this machine")),
            ("github:http://127.0.0.1:3000", token(), Err("on this machine")),
            ("http://127.0.0.1:3000", token(), Err("on this machine")),
            ("gitea:http://127.0.0.1:3000", Some(String::new()), Err("GITEA_TOKEN")),
            ("gitea:http://127.0.0.1:3000", None, Err("GITEA_TOKEN")),
        ] {
            match (read(given, token).map(|place| place.url), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, expected) => panic!("{given}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
