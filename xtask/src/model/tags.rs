//! The version tags of an app: `python-v0.0.1`.

use crate::model::ctx::Ctx;
use anyhow::Result;
use semver::Version;

/// The highest version that the remote has a tag for, pre-releases excluded.
pub(crate) fn highest_stable(ctx: &Ctx, app: &str) -> Result<Option<Version>> {
    let prefix = format!("refs/tags/{app}-v");
    let listed = ctx.git.online(&[
        "ls-remote",
        "--tags",
        "--refs",
        "--",
        &ctx.endpoints.remote,
        &format!("{prefix}*"),
    ])?;
    Ok(listed
        .lines()
        .filter_map(|l| l.split_once('\t')?.1.strip_prefix(&prefix)?.parse::<Version>().ok())
        .filter(|v| v.pre.is_empty())
        .max())
}
