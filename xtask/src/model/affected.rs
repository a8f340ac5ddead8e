//! Finds out what changed since a commit, and where the checked-out branch started.

use crate::model::ctx::Ctx;
use crate::sys::{parallel, ui};
use anyhow::Result;

/// The paths that belong to xtask itself, and the contract, which is linted together with it.
const XTASK: [&str; 8] = [
    "xtask",
    "contract",
    "Cargo.lock",
    "Cargo.toml",
    "clippy.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

/// Does the repository contain xtask's sources? Always false in a rehearsal: the running xtask is used there,
/// so its sources are neither compiled nor checked.
pub(crate) fn has_xtask(ctx: &Ctx) -> bool {
    ctx.ws.root.join("xtask/Cargo.toml").exists() && !ctx.endpoints.loopback_only
}

/// Git pathspecs of the paths that belong to xtask itself.
pub(crate) fn xtask_pathspecs() -> Vec<String> {
    XTASK.iter().map(|path| format!(":(top,literal){path}")).collect()
}

/// Does anything that matches these pathspecs differ between `base` and HEAD?
pub(crate) fn committed_since(ctx: &Ctx, base: &str, pathspecs: &[String]) -> Result<bool> {
    Ok(!ctx.git.ask(&with(&["diff", "--quiet", base, "HEAD", "--"], pathspecs))?)
}

/// Does anything that matches these pathspecs differ between `base` and the checkout? An untracked file
/// counts as a change.
pub(crate) fn changed_since(ctx: &Ctx, base: &str, pathspecs: &[String]) -> Result<bool> {
    let (same, untracked) = parallel::both(
        || ctx.git.ask(&with(&["diff", "--quiet", base, "--"], pathspecs)),
        || ctx.git.read(&with(&["ls-files", "--others", "--exclude-standard", "--"], pathspecs)),
    );
    Ok(!same? || !untracked?.is_empty())
}

fn with<'a>(args: &[&'a str], pathspecs: &'a [String]) -> Vec<&'a str> {
    args.iter().copied().chain(pathspecs.iter().map(String::as_str)).collect()
}

/// The commit where the checked-out branch left the development branch. If that branch does not exist, main
/// is used instead and a note is printed.
pub(crate) fn branched_off(ctx: &Ctx) -> Result<Option<String>> {
    let (main, development) = (&ctx.ws.settings.main, &ctx.ws.settings.development);
    if let Some(point) = branch_point(ctx, development) {
        return Ok(Some(point));
    }
    let help = format!("create it once: git push {} {main}:{development}", ctx.endpoints.remote);
    let point = if main == development { None } else { branch_point(ctx, main) };
    let instead = if point.is_some() {
        format!("compared with {main}")
    } else {
        "everything counts as changed".to_string()
    };
    ui::say(&format!("{} there is no branch {development}: {instead}; {help}", ui::yellow("note:")));
    Ok(point)
}

/// The commit where HEAD left a branch of the remote. None if the branch is not known here, or if the two
/// have no commit in common.
pub(crate) fn branch_point(ctx: &Ctx, branch: &str) -> Option<String> {
    let mut names = vec![
        format!("refs/remotes/{}/{branch}", ctx.endpoints.remote),
        format!("refs/remotes/origin/{branch}"),
        format!("refs/heads/{branch}"),
    ];
    names.dedup();
    names.iter().find_map(|name| ctx.git.read(&["merge-base", "HEAD", name]).ok())
}
