//! A real Gitea in place of the rehearsal's own forge and remote: two repositories for one rehearsal. The
//! folder `remote.git` is then a mirror, which is fetched after each change on the Gitea. A Gitea that runs
//! already is used, or a Gitea program is started for the rehearsal.

use super::forge::PullRequest;
use super::servers::Server;
use crate::forge::{Draft, Forge};
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use crate::sys::ui;
use crate::sys::url::is_loopback;
use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use std::ops::Deref;

mod program;

/// The workflow of the downstream repository. No runner has the label, so nothing runs.
const RUNTIME: &str = "\
on: { workflow_dispatch: { inputs: { app: {}, version: {}, release: {} } } }
jobs: { told: { runs-on: nothing, steps: [{ run: 'true' }] } }
";

pub(crate) struct Gitea {
    pub forge: Repository,
    pub downstream: Repository,
    pub token: String,
    /// Git that knows the login for pushes, and the address that the login is for. It is in no file with a
    /// name.
    git: Git,
    url: String,
    /// The last field, because fields are dropped in this order: the repositories are deleted before.
    server: Option<Server>,
}

impl Gitea {
    /// `workflow`: the file of the downstream repository's workflow.
    pub(super) fn start(place: &Place, xtask: &Utf8Path, dir: &Utf8Path, workflow: &str) -> Result<Gitea> {
        match place {
            Place::Running { url, token } => Gitea::with(url, token, None, dir, workflow),
            Place::Program(program) => {
                let (server, token) = program::start(program, xtask, &dir.join("gitea"))?;
                let url = server.url.clone();
                Gitea::with(&url, &token, Some(server), dir, workflow)
            }
        }
    }

    fn with(url: &str, token: &str, server: Option<Server>, dir: &Utf8Path, workflow: &str) -> Result<Gitea> {
        let name = dir.file_name().unwrap_or_default();
        let create = |name: &str| Forge::create_on_gitea(url, token, name).map(Repository);
        let forge = create(&format!("rehearsal-{name}"))?;
        let downstream = create(&format!("rehearsal-{name}-downstream"))?;
        let (git, url) = Git::new(dir).with_remote(&with_login(&forge, token));
        let gitea = Gitea { forge, downstream, token: token.to_string(), git, url, server };
        // The runner is the rehearsal's own. Gitea's would have to be there, and a job that waits for it
        // stops a release.
        gitea.forge.change_settings(&json!({ "has_actions": false }))?;
        gitea.downstream.add_file(&format!(".gitea/workflows/{workflow}"), RUNTIME)?;
        Ok(gitea)
    }

    /// The address for a program that pushes: xtask takes the login out of it.
    pub(super) fn url_with_login(&self) -> String {
        with_login(&self.forge, &self.token)
    }

    /// The variables for a git that pushes.
    pub(super) fn login(&self) -> Vec<(String, String)> {
        self.git.login().into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// The address to clone from: with the user's name, without the token.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The address of a Gitea that was started for the rehearsal.
    pub(super) fn started(&self) -> Option<&str> {
        self.server.as_ref().map(|server| server.url.as_str())
    }

    /// Copies the mirror's refs to the Gitea.
    pub(super) fn fill(&self, mirror: &Git) -> Result<()> {
        let refs =
            ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*", "refs/rehearsal/*:refs/rehearsal/*"];
        let args = [["push", "--quiet", "--", self.url()].as_slice(), &refs].concat();
        self.git.at(&mirror.dir).online(&args).map(drop)
    }

    pub(super) fn fetch(&self, mirror: &Git) -> Result<()> {
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/pull/*:refs/pull/*"];
        let args = ["fetch", "--quiet", "--prune", "--no-tags", "--", self.url()];
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

pub(super) fn with_login(forge: &Forge, token: &str) -> String {
    format!("{}.git", forge.web()).replacen("://", &format!("://{}:{token}@", forge.owner()), 1)
}

/// A repository that is deleted at its end, also at the end of a start that failed.
pub(crate) struct Repository(pub(super) Forge);

impl Deref for Repository {
    type Target = Forge;

    fn deref(&self) -> &Forge {
        &self.0
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        if let Err(error) = self.delete_repository() {
            ui::say(&format!("{} {} is left: {error:#}", ui::yellow("note:"), self.web()));
        }
    }
}

/// Which Gitea to use.
pub(super) enum Place {
    Running { url: String, token: String },
    Program(Utf8PathBuf),
}

/// What the flag names: `gitea:http://127.0.0.1:3000`, or the program in `gitea:/usr/local/bin/gitea`. A
/// rehearsal writes to this machine only.
pub(super) fn place(given: &str) -> Result<Place> {
    read(given, std::env::var("GITEA_TOKEN").ok())
}

fn read(given: &str, token: Option<String>) -> Result<Place> {
    let usage = |why: &str| Exit::Usage(format!("--forge {given}: {why}"));
    let Some(named) = given.strip_prefix("gitea:").filter(|named| !named.is_empty()) else {
        return Err(usage("only a Gitea can be used, as in gitea:http://127.0.0.1:3000").into());
    };
    if !named.contains("://") {
        let program = Utf8Path::new(named).canonicalize_utf8().ok().filter(|path| path.is_file());
        return match program {
            Some(program) => Ok(Place::Program(program)),
            None => Err(usage("no such program; name the file of Gitea's program, or its address").into()),
        };
    }
    if !named.starts_with("http") || !is_loopback(named) {
        return Err(usage("only a Gitea on this machine, as in gitea:http://127.0.0.1:3000").into());
    }
    let token = token.filter(|token| !token.is_empty());
    let token =
        token.ok_or_else(|| Exit::Usage("--forge needs a token with all scopes: GITEA_TOKEN".into()))?;
    Ok(Place::Running { url: named.trim_end_matches('/').to_string(), token })
}

#[cfg(test)]
mod tests {
    use super::super::forge::server;
    use super::*;
    use std::sync::{Arc, Mutex};

    fn started(there: &[&str]) -> (Result<Gitea>, Arc<Mutex<server::State>>, tempfile::TempDir) {
        let (address, state) = server::start("the-forge-token", there).unwrap();
        let place = Place::Running { url: format!("http://{address}"), token: "the-forge-token".into() };
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap().join("one");
        std::fs::create_dir(&dir).unwrap();
        (Gitea::start(&place, "xtask".into(), &dir, "runtime.yml"), state, temp)
    }

    #[test]
    fn only_repositories_that_the_rehearsal_created_are_deleted() {
        let left = |state: &Mutex<server::State>| -> Vec<String> {
            state.lock().unwrap().repositories.keys().cloned().collect()
        };
        let (gitea, state, _temp) = started(&[]);
        let both = ["rehearsal/rehearsal-one", "rehearsal/rehearsal-one-downstream"];
        assert_eq!(left(&state), both);
        drop(gitea.unwrap());
        assert_eq!(left(&state), [""; 0]);
        // The second one cannot be created.
        let (gitea, state, _temp) = started(&both[1..]);
        let error = format!("{:#}", gitea.err().unwrap());
        assert!(error.contains("cannot create a repository on the forge"), "{error}");
        assert!(error.contains("409 Conflict"), "{error}");
        assert_eq!(left(&state), both[1..]);
    }

    #[test]
    fn the_token_is_in_no_file_and_in_no_variable_of_git() {
        let (gitea, _state, temp) = started(&[]);
        let gitea = gitea.unwrap();
        let files: Vec<_> = std::fs::read_dir(temp.path().join("one")).unwrap().collect();
        assert!(files.is_empty(), "{files:?}");
        let login = gitea.login();
        assert!(!login.is_empty() && !format!("{login:?}").contains("the-forge-token"), "{login:?}");
        let mirror = Git::new(Utf8Path::from_path(temp.path()).unwrap());
        mirror.run(&["init", "--quiet", "--bare"]).unwrap();
        let error = format!("{:#}", gitea.fill(&mirror).unwrap_err());
        assert!(error.contains("git push --quiet") && !error.contains("the-forge-token"), "{error}");
    }

    #[test]
    fn only_a_gitea_on_this_machine_with_a_token_is_used() {
        let token = || Some("t".to_string());
        for (given, token, expected) in [
            ("gitea:http://127.0.0.1:3000/", token(), Ok("http://127.0.0.1:3000")),
            ("gitea:http://localhost:3000/git", token(), Ok("http://localhost:3000/git")),
            ("gitea:https://git.example.org", token(), Err("on this machine")),
            ("github:http://127.0.0.1:3000", token(), Err("only a Gitea")),
            ("http://127.0.0.1:3000", token(), Err("only a Gitea")),
            ("gitea:", token(), Err("only a Gitea")),
            ("gitea:/no/such/program", token(), Err("no such program")),
            ("gitea:/", token(), Err("no such program")),
            ("gitea:ftp://127.0.0.1", token(), Err("on this machine")),
            ("gitea:/proc/self/exe", None, Ok("a program")),
            ("gitea:http://127.0.0.1:3000", Some(String::new()), Err("GITEA_TOKEN")),
            ("gitea:http://127.0.0.1:3000", None, Err("GITEA_TOKEN")),
        ] {
            let url = |place| match place {
                Place::Running { url, .. } => url,
                Place::Program(_) => "a program".to_string(),
            };
            match (read(given, token).map(url), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, expected) => panic!("{given}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
