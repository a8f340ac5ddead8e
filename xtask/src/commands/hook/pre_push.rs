//! The pre-push hook: refuses pushes that would only be refused later, or that lose commits for `plan`, then
//! checks what changed. It writes nothing.

use crate::commands::check;
use crate::finding::{Finding, Level};
use crate::flags::{Affected, Check};
use crate::model::ctx::Ctx;
use crate::model::workspace::Settings;
use crate::sys::exit::Exit;
use anyhow::{Context, Result, bail};
use std::io::{IsTerminal, Read};

/// One line that git writes to the hook: `<local ref> <local object> <remote ref> <remote object>`
/// (githooks(5), pre-push). An object of zeros does not exist.
#[derive(Debug, PartialEq, Eq)]
struct Pushed<'a> {
    local: &'a str,
    branch: &'a str,
    remote: &'a str,
}

pub(super) fn run(ctx: &Ctx) -> Result<()> {
    let mut text = String::new();
    let mut stdin = std::io::stdin();
    if !stdin.is_terminal() {
        stdin.read_to_string(&mut text).context("cannot read what git pushes")?;
    }
    let pushed = branches(&text)?;
    let mut findings: Vec<Finding> = pushed
        .iter()
        .filter_map(|pushed| protected(&ctx.ws.settings, &ctx.endpoints.remote, pushed))
        .collect();
    for pushed in pushed.iter().filter(|pushed| !missing(pushed.local)) {
        findings.extend(merges(ctx, pushed)?);
    }
    if !findings.is_empty() {
        return Err(Exit::Gate(findings).into());
    }
    // Nothing to check if only tags are pushed or branches deleted. Without git's lines, a person runs it.
    if !text.is_empty() && pushed.iter().all(|pushed| missing(pushed.local)) {
        return Ok(());
    }
    let affected = Affected { affected: true, reuse: true, ..Affected::default() };
    check::check(ctx, &Check { affected, quick: true, labels: Vec::new() })
}

fn missing(object: &str) -> bool {
    object.bytes().all(|b| b == b'0')
}

/// The branches among the pushed refs.
fn branches(text: &str) -> Result<Vec<Pushed<'_>>> {
    let mut pushed = Vec::new();
    for line in text.lines() {
        let object = |id: &str| id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let parts = line.split(' ').collect::<Vec<_>>();
        let [_, local, name, remote] = parts[..] else {
            bail!("cannot read git's line about the push: {line:?}")
        };
        if !object(local) || !object(remote) {
            bail!("git's line about the push has no two commit ids: {line:?}");
        }
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            pushed.push(Pushed { local, branch, remote });
        }
    }
    Ok(pushed)
}

/// A finding if the push changes or deletes a branch that only pull requests change. Creating it is allowed.
/// With one branch for everything, `release --bump` pushes to it.
fn protected(settings: &Settings, to: &str, pushed: &Pushed) -> Option<Finding> {
    let Pushed { branch, remote, .. } = pushed;
    let ours =
        !settings.one_branch() && [&settings.main, &settings.development].iter().any(|name| name == branch);
    if !ours || missing(remote) {
        return None;
    }
    let message = format!("{branch} is changed by pull requests only");
    let help = format!(
        "git switch --create NAME && git push --set-upstream {to} NAME, then open a pull request into {}; \
         to work on one branch, give main and development the same name in Cargo.toml",
        settings.development
    );
    Some(Finding::new("push-protected", Level::Error, message).help(help))
}

/// A finding if commits that are new on the remote are merges: the squash of a pull request would list the
/// merged commits a second time.
fn merges(ctx: &Ctx, pushed: &Pushed) -> Result<Option<Finding>> {
    let mut args = vec!["log", "--merges", "--format=%h %s", pushed.local, "--not", "--remotes"];
    // A branch that was fetched by address has no remote-tracking ref.
    if ctx.git.ask(&["cat-file", "-e", pushed.remote]).unwrap_or(false) {
        args.push(pushed.remote);
    }
    let listed = ctx.git.read(&args)?;
    if listed.is_empty() {
        return Ok(None);
    }
    let message = format!("{} has merge commits:\n  {}", pushed.branch, listed.replace('\n', "\n  "));
    let help = format!("git rebase {}/{}", ctx.endpoints.remote, ctx.ws.settings.development);
    Ok(Some(Finding::new("push-merge", Level::Error, message).help(help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "1111111111111111111111111111111111111111";
    const OLD: &str = "2222222222222222222222222222222222222222";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn only_existing_branches_of_the_settings_are_protected() {
        let two = Settings { main: "main".into(), development: "dev".into(), ..Settings::default() };
        let one = Settings { main: "main".into(), development: "main".into(), ..Settings::default() };
        for (settings, branch, local, remote, refused) in [
            (&two, "main", NEW, OLD, true),
            (&two, "dev", NEW, OLD, true),
            (&two, "main", ZERO, OLD, true),
            (&two, "main", NEW, ZERO, false),
            (&two, "feat/main", NEW, OLD, false),
            (&two, "Main", NEW, OLD, false),
            (&one, "main", NEW, OLD, false),
        ] {
            let pushed = Pushed { local, branch, remote };
            assert_eq!(protected(settings, "origin", &pushed).is_some(), refused, "{pushed:?}");
        }
    }

    #[test]
    fn gits_lines_are_read() {
        let text =
            format!("refs/heads/a {NEW} refs/heads/feat/b {OLD}\nrefs/tags/t {NEW} refs/tags/t {ZERO}\n");
        let read = branches(&text).unwrap();
        assert_eq!(read, [Pushed { local: NEW, branch: "feat/b", remote: OLD }]);
        assert_eq!(branches("").unwrap(), []);
        assert!(branches("refs/heads/a b").is_err());
        assert!(branches(&format!("refs/heads/a --output=x refs/heads/a {OLD}")).is_err());
    }
}
