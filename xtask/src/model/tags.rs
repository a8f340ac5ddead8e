//! The tags of an app on the remote: its releases (`python-v0.0.1`), and the marks of the releases that were
//! rolled back (`withdrawn/python-v0.0.1`).

use crate::model::ctx::Ctx;
use crate::model::version;
use crate::model::workspace::App;
use anyhow::Result;
use semver::Version;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tagged {
    /// Every release, pre-releases and withdrawn ones included; the highest first.
    pub versions: Vec<Version>,
    /// The versions that were rolled back.
    pub withdrawn: Vec<Version>,
}

impl Tagged {
    /// The releases that are no pre-releases and were not rolled back; the highest first.
    pub(crate) fn stable(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(|v| v.pre.is_empty() && !self.withdrawn.contains(v))
    }
}

/// Asks the remote.
pub(crate) fn on_remote(ctx: &Ctx, app: &App) -> Result<Tagged> {
    let start = app.tag_start();
    let release = format!("refs/tags/{start}");
    let mark = format!("refs/tags/withdrawn/{start}");
    let patterns = [format!("{release}*"), format!("{mark}*")];
    let remote = &ctx.endpoints.remote;
    let listed =
        ctx.git.online(&["ls-remote", "--tags", "--refs", "--", remote, &patterns[0], &patterns[1]])?;
    Ok(read(&listed, &release, &mark))
}

/// Reads the output of `git ls-remote`. A pattern of it matches at any `/`, so names are compared in full.
fn read(listed: &str, release: &str, mark: &str) -> Tagged {
    let names: Vec<&str> = listed.lines().filter_map(|l| Some(l.split_once('\t')?.1)).collect();
    let versions = |prefix: &str| -> Vec<Version> {
        names.iter().filter_map(|name| version::in_tag(name.strip_prefix(prefix)?)).collect()
    };
    let mut tagged = Tagged { versions: versions(release), withdrawn: versions(mark) };
    tagged.versions.sort_by(|a, b| b.cmp(a));
    tagged
}

/// The newest release that users should get without naming a version: no pre-release, not rolled back.
pub(crate) fn newest_stable(ctx: &Ctx, app: &App) -> Result<Option<Version>> {
    Ok(on_remote(ctx, app)?.stable().next().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_takes_its_release_out_of_the_stable_ones() {
        let listed = "1\trefs/tags/a-v0.1.0\n2\trefs/tags/a-v0.10.0\n3\trefs/tags/a-v0.2.0-rc.1\n\
                      4\trefs/tags/withdrawn/a-v0.10.0\n5\trefs/tags/a-v2\n6\trefs/tags/x/a-v9.0.0\n\
                      7\trefs/tags/a-v2-v3.0.0\n8\trefs/tags/a-v0.1.5+build.5\n";
        let tagged = read(listed, "refs/tags/a-v", "refs/tags/withdrawn/a-v");
        let texts = |versions: Vec<&Version>| versions.iter().map(|v| v.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(tagged.versions.iter().collect()), ["0.10.0", "0.2.0-rc.1", "0.1.5", "0.1.0"]);
        assert_eq!(texts(tagged.stable().collect()), ["0.1.5", "0.1.0"]);
        assert_eq!(read("", "a", "b"), Tagged::default());
    }
}
