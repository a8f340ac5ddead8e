//! The whole command line, as types. What a command does lives in the file that carries its name.

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 a gate said no, 4 nothing to release.
`help release` explains the steps; xtask/RUNBOOK.md the endpoints (XTASK_* and their flags), secrets and failures.";

const NAME: &str = "cargo xtask";
/// Columns of help at the most.
const WIDTH: usize = 100;

/// From a commit to a verified release, for every app of this repository.
#[derive(Parser)]
#[command(name = NAME, bin_name = NAME, max_term_width = WIDTH, after_help = AFTER_HELP)]
pub struct Flags {
    /// Work on another checkout, with that checkout's own settings
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<Utf8PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub endpoints: EndpointFlags,
    #[command(subcommand)]
    pub command: Command,
}

impl Flags {
    /// Those of this process; it ends here where they are wrong. `steps` goes below the help of `release`.
    pub fn read(steps: String) -> Flags {
        let all = Flags::command().mut_subcommand("release", |release| release.after_long_help(steps));
        let named = std::env::args_os().nth(1).and_then(|name| all.find_subcommand(name).cloned());
        let command = match named {
            Some(named) => only(&all, named),
            None => all,
        };
        Flags::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// A command line with this subcommand alone: the others would each get a copy of every global flag, a fifth
/// of what `plan` does itself.
fn only(all: &clap::Command, named: clap::Command) -> clap::Command {
    clap::Command::new(NAME)
        .bin_name(NAME)
        .max_term_width(WIDTH)
        .args(all.get_arguments().cloned())
        .subcommand(named)
}

/// Where commands read from and write to: settings, then environment, then these flags.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Endpoints")]
pub struct EndpointFlags {
    /// Git remote that is fetched from and pushed to [default: origin]
    #[arg(long, global = true, env = "XTASK_REMOTE", hide = true, value_name = "NAME|URL")]
    pub remote: Option<String>,
    /// Python index that dependencies are read from [default: https://pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_PYPI_READ", hide = true, value_name = "URL")]
    pub pypi_read: Option<String>,
    /// Python index that releases appear on, a simple index [default: https://pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_PYPI", hide = true, value_name = "URL")]
    pub pypi: Option<String>,
    /// Where releases are uploaded to [default: https://upload.pypi.org/legacy/]
    #[arg(long, global = true, env = "XTASK_PYPI_UPLOAD", hide = true, value_name = "URL")]
    pub pypi_upload: Option<String>,
    /// Staging index, a simple index [default: https://test.pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_TESTPYPI", hide = true, value_name = "URL")]
    pub testpypi: Option<String>,
    /// Where staged files are uploaded to [default: https://test.pypi.org/legacy/]
    #[arg(long, global = true, env = "XTASK_TESTPYPI_UPLOAD", hide = true, value_name = "URL")]
    pub testpypi_upload: Option<String>,
    /// npm registry that dependencies are read from [default: https://registry.npmjs.org]
    #[arg(long, global = true, env = "XTASK_NPM_READ", hide = true, value_name = "URL")]
    pub npm_read: Option<String>,
    /// npm registry that releases are published to [default: https://registry.npmjs.org]
    #[arg(long, global = true, env = "XTASK_NPM", hide = true, value_name = "URL")]
    pub npm: Option<String>,
    /// Container registry that stands in for every host in image names
    #[arg(long, global = true, env = "XTASK_REGISTRY", hide = true, value_name = "HOST[:PORT]")]
    pub registry: Option<String>,
    /// Refuse every write to an endpoint that is not on this machine
    #[arg(long, global = true, env = "XTASK_LOOPBACK_ONLY", hide = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub loopback_only: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Linters, formatters and types of the apps and of xtask
    Lint(Affected),
    /// Tests with coverage of the apps and of xtask
    Test(Affected),
    /// Everything a pull request must pass
    Check(Check),
    /// The public interface of an app's package: what changed for its users
    Api {
        #[command(subcommand)]
        command: Api,
    },
    /// The spec: generate it from the code, check the committed one
    Openapi {
        #[command(subcommand)]
        command: Openapi,
    },
    /// What apps promise to plugins and channel adapters: check compat.json, write it, or hold a downstream
    /// template against a release
    Compat(Compat),
    /// The next version of each app, and why; writes nothing
    Plan(Plan),
    /// Every place that shows a version, and which are wrong; writes nothing
    Audit(Audit),
    /// Write the next version into manifest, lock file, changelog, spec and compat.json: one commit
    Bump(Bump),
    /// Build the files that are published, from a commit, and check them
    Build(Build),
    /// Build the container image, from a commit, and probe it
    Image(Image),
    /// Make the release's tag and push it
    Tag(Step),
    /// Upload what the release's tag names
    Publish(Step),
    /// Everything from the version in the manifest to a verified release; run again to resume
    Release(Release),
    /// Install, pull and run what the registries serve, and compare it with the tag
    Verify(Verify),
    /// Prepare the next pull request of the flow and push its branch
    Promote(Promote),
    /// A whole release, from feature branch to verified artifacts, on this machine alone
    Rehearse(Rehearse),
    /// What a forge's job runs, for the apps that the event affects
    Ci(Ci),
    /// Install the pinned tools and the git hooks
    Setup(Setup),
    /// Start registries and a remote for the tests, print their environment, end with standard input
    #[command(name = "__world", hide = true)]
    World { dir: Utf8PathBuf },
    /// Run a program and kill it with everything it started when standard input closes
    #[command(name = "__supervise", hide = true)]
    Supervise {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        argv: Vec<String>,
    },
}

#[derive(Args, Default)]
pub struct Affected {
    /// Apps; none: all of them, and xtask itself
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Only what changed since the branch left development (or --since)
    #[arg(long)]
    pub affected: bool,
    /// Take over what passed on this machine with the same files
    #[arg(long)]
    pub reuse: bool,
    /// The commit that --affected compares with
    #[arg(long, value_name = "REF", requires = "affected")]
    pub since: Option<String>,
}

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    pub affected: Affected,
    /// Linters and spec alone: what a hook has time for
    #[arg(long)]
    pub quick: bool,
    /// A label that the pull request will have; may be repeated
    #[arg(long = "label", value_name = "NAME", conflicts_with = "quick")]
    pub labels: Vec<String>,
}

#[derive(Subcommand)]
pub enum Api {
    /// What changed for those who import the package; fail where it breaks them
    Diff {
        app: String,
        /// The commit to compare with [default: the last release]
        old: Option<String>,
        #[arg(default_value = "HEAD")]
        new: String,
    },
}

#[derive(Subcommand)]
pub enum Openapi {
    /// Write the spec from the code
    Generate {
        #[arg(value_name = "APP")]
        apps: Vec<String>,
        /// Print the difference, write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Fail with the difference where the committed spec is stale
    Check {
        #[arg(value_name = "APP")]
        apps: Vec<String>,
    },
    /// What changed for clients between two specs; fail where it breaks them
    Diff {
        /// A JSON file, or a committed spec as REF:APP
        old: String,
        /// The same
        new: String,
    },
}

#[derive(Args)]
pub struct Compat {
    /// Apps; none: all of them
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Write compat.json from the code
    #[arg(long)]
    pub write: bool,
    /// Print the difference, write nothing
    #[arg(long, requires = "write")]
    pub dry_run: bool,
    /// A folder with .runtime-version and template.toml: does the release that it pins suit its plugins and
    /// channels?
    #[arg(long, value_name = "DIR", conflicts_with_all = ["apps", "write"])]
    pub template: Option<Utf8PathBuf>,
    /// This compat.json instead of the one in the pinned release, which is not asked for then
    #[arg(long, value_name = "FILE", requires = "template")]
    pub compat: Option<Utf8PathBuf>,
}

#[derive(Args)]
pub struct Plan {
    /// Apps; none: all of them
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Show every commit; without it, long lists are shortened
    #[arg(long)]
    pub all: bool,
}

#[derive(Args)]
pub struct Audit {
    /// Apps; none: all of them
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
}

#[derive(Args, Default)]
pub struct Bump {
    pub app: String,
    /// This version instead of the planned one (SemVer)
    #[arg(long, value_name = "X.Y.Z", allow_hyphen_values = true)]
    pub version: Option<String>,
    /// A pre-release of the planned version
    #[arg(long, value_name = "alpha|beta|rc", conflicts_with = "version")]
    pub pre: Option<String>,
    /// Accept in app.toml, for the version written, each break that no commit declares
    #[arg(long, value_name = "REASON")]
    pub confirm_breaking: Option<String>,
    /// Print the difference and the commit, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Build {
    pub app: String,
    /// The commit to build [default: HEAD]
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub commit: String,
    /// Print what would be built, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Image {
    pub app: String,
    /// The commit to build [default: HEAD]
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub commit: String,
    /// Push it as sha-<7 hex>, on the development branch also as `development`
    #[arg(long)]
    pub push: bool,
    /// Build and probe, print what would be pushed
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Step {
    pub app: String,
    /// Print each outward action, change nothing outside
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Release {
    #[arg(value_name = "APP", required_unless_present = "all")]
    pub apps: Vec<String>,
    /// Every app whose version is not released yet
    #[arg(long, conflicts_with = "apps")]
    pub all: bool,
    /// Stop after this step
    #[arg(long, value_name = "STEP")]
    pub until: Option<String>,
    /// For trunk-based repositories: bump first, then push commit and tag together
    #[arg(long)]
    pub bump: bool,
    /// The readiness report: everything up to the first outward step, then what would follow
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub fault: Fault,
}

/// Faults on purpose, to see a release finish all the same.
#[derive(Args, Default, Clone)]
pub struct Fault {
    /// Fail before or after a step
    #[arg(long, value_name = "STEP[:before|:after]", hide_short_help = true)]
    pub fail_at: Option<String>,
    /// Kill this process (SIGKILL) before or after a step
    #[arg(long, value_name = "STEP[:before|:after]", hide_short_help = true)]
    pub kill_at: Option<String>,
}

#[derive(Args)]
pub struct Verify {
    pub app: String,
    /// [default: the version in the manifest]
    pub version: Option<String>,
}

#[derive(Args)]
pub struct Promote {
    /// Say what would be pushed, push nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub struct Rehearse {
    #[arg(value_name = "APP", required_unless_present = "clean")]
    pub apps: Vec<String>,
    /// Leave a part out, and exit 0 all the same
    #[arg(long, value_name = "PART")]
    pub without: Vec<Part>,
    /// Keep the folder of a rehearsal that succeeded
    #[arg(long)]
    pub keep: bool,
    /// Remove what earlier rehearsals left behind
    #[arg(long)]
    pub clean: bool,
    #[command(flatten)]
    pub fault: Fault,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Image,
    Hotfix,
}

#[derive(Args)]
pub struct Ci {
    /// lint, test, openapi, image or release; none: all of them
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// push or pull_request, by hand [default: read from the forge's environment]
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// The branch that was pushed, or the pull request's head
    #[arg(long = "ref", value_name = "REF", requires = "event")]
    pub ref_: Option<String>,
    /// The branch that the pull request goes into
    #[arg(long, value_name = "BRANCH", requires = "event")]
    pub base: Option<String>,
    /// A label of the pull request, beside those that the forge names; may be repeated
    #[arg(long = "label", value_name = "NAME")]
    pub labels: Vec<String>,
    #[command(flatten)]
    pub fault: Fault,
}

#[derive(Args)]
pub struct Setup {
    /// Also install what only the system's package manager has, after saying what
    #[arg(long)]
    pub system: bool,
    /// Say what would be installed, install nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_and_says_the_same_without_the_others() {
        let all = Flags::command();
        assert!(all.get_subcommands().count() > 20);
        for named in all.get_subcommands() {
            for args in [
                &["--help"] as &[&str],
                &["-h"],
                &["--no-such-flag"],
                &["--root"],
                &["--json", "--pypi", "u", "a", "b", "c", "d"],
            ] {
                let line = [&["xtask", named.get_name()], args].concat();
                let said = |command: clap::Command| {
                    let read = command
                        .try_get_matches_from(&line)
                        .and_then(|matches| Flags::from_arg_matches(&matches));
                    read.map(|flags| (flags.json, flags.endpoints.pypi)).map_err(|error| error.to_string())
                };
                assert_eq!(
                    said(only(&all, named.clone())),
                    said(all.clone()),
                    "{} {args:?}",
                    named.get_name()
                );
            }
        }
    }
}
