//! What the index has already. A number is used once, yanked or not.

use crate::Ctx;
use crate::ecosystem::{Ecosystem, python};
use crate::finding::{Finding, Level};
use crate::plan::{Demands, Evidence, Line};
use crate::version;
use crate::workspace::App;
use semver::Version;

#[derive(Default)]
pub struct Published {
    pub versions: Vec<Version>,
    pub evidence: Vec<Evidence>,
    pub findings: Vec<Finding>,
}

/// Asks the index that is published to; on a hotfix line its highest number is that of the line. Where it can't be reached, a finding
/// says so and the tags have to do.
pub fn ask(ctx: &Ctx, app: &App) -> Published {
    let branch = ctx.git.branch().ok().flatten();
    let line = branch.and_then(|branch| Line::of_branch(&branch, app.name()));
    let index = match app.settings.ecosystem {
        Ecosystem::Python => &ctx.endpoints.pypi.simple,
    };
    match python::index::files(index, &app.settings.package) {
        Ok(files) => read(files.unwrap_or_default().into_iter().filter_map(|f| f.version), index, line),
        Err(error) => {
            let message = format!("the index could not be asked which versions are out: {error:#}");
            let finding = Finding::new("index-unreachable", Level::Warning, message)
                .app(app.name())
                .help("the number is chosen by the tags alone; the release asks the index again");
            Published { findings: vec![finding], ..Published::default() }
        }
    }
}

/// A version without a SemVer twin (a post-release, say) keeps its first three numbers from being used again.
fn read(names: impl Iterator<Item = String>, index: &str, line: Option<Line>) -> Published {
    let parsed = names.filter_map(|name| name.parse::<pep440_rs::Version>().ok());
    let versions: Vec<Version> = parsed.map(|v| version::from_pep440(&v.to_string()).unwrap_or_else(|_| version::floor(&v))).collect();
    let highest = versions.iter().filter(|v| line.is_none_or(|l| l.contains(v))).max().cloned();
    let evidence = highest.map(|v| Evidence { source: "index", demands: Demands::Above(v), why: format!("the highest on {index}") });
    Published { versions, evidence: evidence.into_iter().collect(), findings: Vec::new() }
}
