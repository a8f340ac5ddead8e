//! The command line as clap types. Each command is implemented in the file of its name in `commands/`.

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 usage, 3 a check failed (see the findings), 4 nothing to do.
`help release` lists the steps of a release. xtask/RUNBOOK.md explains the addresses (XTASK_*
variables and their flags), the secrets and every finding.";

const NAME: &str = "cargo xtask";
/// The maximal width of the help, in columns.
const WIDTH: usize = 100;

/// Checks, versions, builds, publishes and verifies the apps of this repository.
#[derive(Parser)]
#[command(name = NAME, bin_name = NAME, max_term_width = WIDTH, after_help = AFTER_HELP)]
pub(crate) struct Flags {
    /// Work on the checkout in DIR, with its settings [default: the repository of the working folder]
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
    /// Reads the arguments of this process. Wrong arguments end the process with exit code 2. `steps` is
    /// appended to the help of `release`.
    pub(crate) fn read(steps: fn() -> String) -> Flags {
        let all = Flags::command();
        let with_steps = |release: clap::Command| release.after_long_help(steps());
        let named = std::env::args_os().nth(1).and_then(|name| all.find_subcommand(name).cloned());
        let command = match named {
            Some(named) if named.get_name() == "release" => only(&all, with_steps(named)),
            Some(named) => only(&all, named),
            None => all.mut_subcommand("release", with_steps),
        };
        let matches = command.get_matches();
        Flags::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// A command line with one subcommand only. clap copies every global flag into each subcommand, and for all
/// subcommands that takes a fifth as long as `plan` itself.
fn only(all: &clap::Command, named: clap::Command) -> clap::Command {
    clap::Command::new(NAME)
        .bin_name(NAME)
        .max_term_width(WIDTH)
        .args(all.get_arguments().cloned())
        .subcommand(named)
}

/// The servers that commands read from and write to. A flag overrides its environment variable, which
/// overrides the setting.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Endpoints")]
pub(crate) struct EndpointFlags {
    /// Git remote to fetch from and push to [default: origin]
    #[arg(long, global = true, env = "XTASK_REMOTE", hide = true, value_name = "NAME|URL")]
    pub remote: Option<String>,
    /// Python index (simple API) to install dependencies from [default: https://pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_PYPI_READ", hide = true, value_name = "URL")]
    pub pypi_read: Option<String>,
    /// Python index (simple API) to read releases from [default: https://pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_PYPI", hide = true, value_name = "URL")]
    pub pypi: Option<String>,
    /// URL to upload releases to [default: https://upload.pypi.org/legacy/]
    #[arg(long, global = true, env = "XTASK_PYPI_UPLOAD", hide = true, value_name = "URL")]
    pub pypi_upload: Option<String>,
    /// Staging index (simple API) to read releases from [default: https://test.pypi.org/simple]
    #[arg(long, global = true, env = "XTASK_TESTPYPI", hide = true, value_name = "URL")]
    pub testpypi: Option<String>,
    /// URL to upload staged files to [default: https://test.pypi.org/legacy/]
    #[arg(long, global = true, env = "XTASK_TESTPYPI_UPLOAD", hide = true, value_name = "URL")]
    pub testpypi_upload: Option<String>,
    /// npm registry to install dependencies from [default: https://registry.npmjs.org]
    #[arg(long, global = true, env = "XTASK_NPM_READ", hide = true, value_name = "URL")]
    pub npm_read: Option<String>,
    /// npm registry to publish releases to [default: https://registry.npmjs.org]
    #[arg(long, global = true, env = "XTASK_NPM", hide = true, value_name = "URL")]
    pub npm: Option<String>,
    /// Container registry to use instead of the host in every image name
    #[arg(long, global = true, env = "XTASK_REGISTRY", hide = true, value_name = "HOST[:PORT]")]
    pub registry: Option<String>,
    /// API of the forge that pull requests are opened on [default: that of the git remote]
    #[arg(long, global = true, env = "XTASK_FORGE", hide = true, value_name = "URL")]
    pub forge_api: Option<String>,
    /// Refuse every write to an endpoint that is not on this machine
    #[arg(
        long,
        global = true,
        env = "XTASK_LOOPBACK_ONLY",
        hide = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub loopback_only: bool,
}

// Only the subcommand that is typed gets its arguments: those of all take a tenth of the time of `plan`.
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Run the linters, format checks and type checks of the apps and of xtask
    Lint(Affected),
    /// Run the tests of the apps and of xtask, and measure the coverage
    Test(Affected),
    /// Run everything that a pull request must pass
    Check(Check),
    /// Compare the public interface of an app's package between two commits
    Api {
        #[command(subcommand)]
        command: Api,
    },
    /// Generate an app's OpenAPI spec, check the committed one, or compare two specs
    Openapi {
        #[command(subcommand)]
        command: Openapi,
    },
    /// Check or write compat.json, an app's guarantees for plugins and channel adapters; with --template:
    /// check that a release fits the downstream repository that pins it
    Compat(Compat),
    /// Show the next version of each app and the reasons for it; changes nothing in the checkout
    Plan(Plan),
    /// Find wrong versions, workflows that the forge does not run, and releases that are not complete
    Audit(Audit),
    /// Write the next version into manifest, lock file, changelog, spec and compat.json, in one commit
    Bump(Bump),
    /// Build the package files of a commit and check them
    Build(Build),
    /// Build the container image of a commit and probe its server
    Image(Image),
    /// Run a release up to the step `tag`: check, build, test, upload to staging, push the tag
    Tag(Step),
    /// Continue a release whose tag is on the remote, up to the upload to the package index
    Publish(Step),
    /// Release the version in the manifest, and verify the release; run it again to resume
    Release(Release),
    /// Install, pull and run what the registries serve, and compare it with the tag
    Verify(Verify),
    /// Create the branch for the next patch of a released version, and print the next commands
    Hotfix(Hotfix),
    /// Withdraw a released version: move `latest` back, deprecate or delete the version, and mark it
    Rollback(Rollback),
    /// Push the branch of the next pull request towards a release, and open the pull request
    Promote(Promote),
    /// Run whole releases on this machine only, from feature branch to verified artifacts
    Rehearse(Rehearse),
    /// Run a CI job for the apps that the event affects
    Ci(Ci),
    /// Install the pinned tools and the git hooks; with --forge: protect branches and more on the forge
    Setup(Setup),
    /// Run a git hook, as lefthook.yml does
    Hook {
        #[command(subcommand)]
        hook: Hook,
    },
    /// Start registries and a git remote for tests, print their environment, stop when stdin closes
    #[command(name = "__world", hide = true)]
    World { dir: Utf8PathBuf },
    /// Run a program, and kill it and all its descendants when stdin closes
    #[command(name = "__supervise", hide = true)]
    Supervise {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        argv: Vec<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Hook {
    /// Regenerate and stage what the staged files make stale, then run check --affected --quick --reuse
    PreCommit,
    /// Check a commit message by the rules of plan, and show what it counts as; writes nothing
    CommitMsg {
        /// The file with the message
        file: Utf8PathBuf,
    },
    /// Refuse merge commits and pushes to main and development, then run the quick checks; writes nothing
    PrePush,
}

#[derive(Args, Default)]
pub(crate) struct Affected {
    /// Apps to check [default: all, and xtask]
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Only apps changed since the branch forked from development, or since the commit in --since
    #[arg(long)]
    pub affected: bool,
    /// Skip checks that passed on this machine for identical files
    #[arg(long)]
    pub reuse: bool,
    /// The commit to compare with for --affected
    #[arg(long, value_name = "REF", requires = "affected")]
    pub since: Option<String>,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub affected: Affected,
    /// Only linters, specs and compat.json, fast enough for a git hook: skip the tests and the plan
    #[arg(long)]
    pub quick: bool,
    /// A label that the pull request will have; repeatable
    #[arg(long = "label", value_name = "NAME", conflicts_with = "quick")]
    pub labels: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum Api {
    /// Show what changed for code that imports the package; fail on breaking changes
    Diff {
        /// The app, by its name in app.toml
        app: String,
        /// The older commit [default: the last release]
        old: Option<String>,
        /// The newer commit
        #[arg(default_value = "HEAD")]
        new: String,
        /// How to write the changes
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// How a comparison writes the changes. `--json` is beside these, for every command.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Markdown,
    Html,
    Junit,
    /// Annotations of GitHub Actions
    Github,
}

#[derive(Subcommand)]
pub(crate) enum Openapi {
    /// Write the spec from the code
    Generate {
        /// Apps [default: all]
        #[arg(value_name = "APP")]
        apps: Vec<String>,
        /// Print the difference, write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Check that the committed spec matches the code; print the difference and fail if not
    Check {
        /// Apps [default: all]
        #[arg(value_name = "APP")]
        apps: Vec<String>,
    },
    /// Show what changed for clients between two specs; fail on breaking changes
    Diff {
        /// The old spec: a JSON or YAML file, `-` for standard input, or a committed spec: REF:APP or
        /// REF:PATH
        old: String,
        /// The new spec: a JSON or YAML file, `-` for standard input, or a committed spec: REF:APP or
        /// REF:PATH
        new: String,
        /// The least severe change that fails
        #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Breaking)]
        fail_on: FailOn,
        /// How to write the changes
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List the rules of `openapi diff` with their levels; `rules` in [spec] of app.toml changes levels
    Rules {
        /// Show the levels with the settings of this app
        app: Option<String>,
    },
}

/// The least severe change that fails a comparison.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailOn {
    Breaking,
    Warning,
}

#[derive(Args)]
pub(crate) struct Compat {
    /// Apps [default: all]
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Write compat.json from the code
    #[arg(long)]
    pub write: bool,
    /// With --write: print the difference, write nothing
    #[arg(long, requires = "write")]
    pub dry_run: bool,
    /// Check whether the release that a downstream repository pins fits its plugins and channels. DIR
    /// contains .runtime-version and template.toml
    #[arg(long, value_name = "DIR", conflicts_with_all = ["apps", "write"])]
    pub template: Option<Utf8PathBuf>,
    /// Read this compat.json instead of the one of the pinned release, and ask no registry
    #[arg(long, value_name = "FILE", requires = "template")]
    pub compat: Option<Utf8PathBuf>,
    /// JSON file of the release, as the workflow of a downstream repository gets it. It names the index; a
    /// package whose hash it does not list is refused
    #[arg(long, value_name = "FILE", requires = "template")]
    pub release: Option<Utf8PathBuf>,
}

#[derive(Args)]
pub(crate) struct Plan {
    /// Apps [default: all]
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// Show every commit instead of shortening long lists
    #[arg(long)]
    pub all: bool,
    /// Show only versions, without subjects of commits and changes: for public logs before a security release
    #[arg(long, conflicts_with = "all")]
    pub quiet: bool,
}

#[derive(Args)]
pub(crate) struct Audit {
    /// Apps [default: all]
    #[arg(value_name = "APP")]
    pub apps: Vec<String>,
    /// First fix what can be fixed: copy workflows into the folder that this forge reads, adapt them, and pin
    /// actions to commits
    #[arg(long)]
    pub fix: bool,
    /// With --fix: print what would be written, write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
}

#[derive(Args, Default)]
pub(crate) struct Bump {
    /// The app, by its name in app.toml
    pub app: String,
    /// Use this version (SemVer) instead of the planned one
    #[arg(long, value_name = "X.Y.Z", allow_hyphen_values = true)]
    pub version: Option<String>,
    /// Write a pre-release of the planned version
    #[arg(long, value_name = "alpha|beta|rc", conflicts_with = "version")]
    pub pre: Option<String>,
    /// Accept every break that no commit declares: record it in app.toml for the version of this bump
    #[arg(long, value_name = "REASON")]
    pub confirm_breaking: Option<String>,
    /// Print the diff and the commit message, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Build {
    /// The app, by its name in app.toml
    pub app: String,
    /// The commit to build
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub commit: String,
    /// Print what would be built, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Image {
    /// The app, by its name in app.toml
    pub app: String,
    /// The commit to build
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub commit: String,
    /// Push the image as sha-<7 hex>, and on the development branch also as `development`
    #[arg(long)]
    pub push: bool,
    /// Build and probe the image, and print what would be pushed
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Step {
    /// The app, by its name in app.toml
    pub app: String,
    /// Print each action on the remote and the registries instead of doing it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Release {
    /// Apps to release; required unless --all is given
    #[arg(value_name = "APP", required_unless_present = "all")]
    pub apps: Vec<String>,
    /// Every app whose version is not released yet
    #[arg(long, conflicts_with = "apps")]
    pub all: bool,
    /// Stop after this step, one of those listed below
    #[arg(long, value_name = "STEP")]
    pub until: Option<String>,
    /// Bump first, then push commit and tag together, for trunk-based repositories
    #[arg(long)]
    pub bump: bool,
    /// Run the local steps, then print each action on the remote and the registries instead of doing it
    #[arg(long)]
    pub dry_run: bool,
    /// Build without credentials: stop before `stage`, write the files for another job into DIR, and print
    /// the hash of their list
    #[arg(long, value_name = "DIR", conflicts_with_all = ["until", "bump", "dry_run", "files_from"])]
    pub files_to: Option<Utf8PathBuf>,
    /// Publish the files that another job wrote into DIR with --files-to, and build nothing
    #[arg(long, value_name = "DIR", requires = "sha256", conflicts_with_all = ["bump", "dry_run"])]
    pub files_from: Option<Utf8PathBuf>,
    /// The hash that the other job printed; pass an empty value if that job had nothing to build
    #[arg(long, value_name = "HASH", requires = "files_from")]
    pub sha256: Option<String>,
    #[command(flatten)]
    pub fault: Fault,
}

// Simulated faults, to test that a release can be resumed after an interruption. A doc comment would become
// the help of the commands that have them.
#[derive(Args, Default, Clone)]
pub(crate) struct Fault {
    /// For tests of resuming: fail before or after a step [default: after]
    #[arg(long, value_name = "STEP[:before|:after]", hide_short_help = true)]
    pub fail_at: Option<String>,
    /// For tests of resuming: kill this process before, after, or some time into a step, with SIGKILL, SIGINT
    /// or SIGTERM, or run it as if the disk were full [default: after the step, with SIGKILL]
    #[arg(long, value_name = "STEP[:before|:after|:350ms][:kill|:int|:term|:full]", hide_short_help = true)]
    pub kill_at: Option<String>,
    /// For tests of retries: the first use of the network in a step gets this answer: a status (4xx or 5xx),
    /// `silent` or `reset`
    #[arg(long, value_name = "STATUS@STEP", hide_short_help = true)]
    pub fault: Option<String>,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The app, by its name in app.toml
    pub app: String,
    /// The released version (SemVer) [default: the version in the manifest]
    pub version: Option<String>,
}

#[derive(Args)]
pub(crate) struct Hotfix {
    /// The app, by its name in app.toml
    pub app: String,
    /// The released version (SemVer) that gets a patch
    pub version: String,
    /// Copy the changelog sections of the patches released after VERSION into CHANGELOG.md of the branch
    /// that is checked out, and commit
    #[arg(long)]
    pub changelog: bool,
    /// Print what would be done, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Rollback {
    /// The app, by its name in app.toml
    pub app: String,
    /// The released version (SemVer)
    pub version: String,
    /// Why, in one line; npm shows it to everybody who installs the version
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Remove the version from npm instead of deprecating it; npm allows that for 72 hours
    #[arg(long)]
    pub unpublish: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Show what would be done, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Promote {
    /// Print what would be pushed, push nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args)]
pub(crate) struct Rehearse {
    /// Apps to release in the rehearsal; required unless --clean is given
    #[arg(value_name = "APP", required_unless_present = "clean")]
    pub apps: Vec<String>,
    /// Leave out a part of the rehearsal; repeatable
    #[arg(long, value_name = "PART")]
    pub without: Vec<Part>,
    /// Use a Gitea on this machine as remote and forge. gitea:URL uses a running Gitea (needs GITEA_TOKEN)
    /// and creates two repositories, which it deletes at the end. gitea:FILE starts this Gitea binary, and
    /// stops it at the end; the program act_runner or gitea-runner, if it is on PATH, runs the checks of one
    /// pull request
    #[arg(long, value_name = "gitea:URL|FILE", conflicts_with = "clean")]
    pub forge: Option<String>,
    /// Keep the folder of a successful rehearsal
    #[arg(long)]
    pub keep: bool,
    /// Remove the folders that earlier rehearsals left behind
    #[arg(long)]
    pub clean: bool,
    #[command(flatten)]
    pub fault: Fault,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Image,
    Hotfix,
}

#[derive(Args)]
pub(crate) struct Ci {
    /// The job to run: lint, test, openapi (also `validate-openapi`, its name in the workflows), image,
    /// promote (opens the next pull request towards a release), build (builds without secrets what release
    /// publishes), release, or comment (posts the lint job's summary on the pull request) [default: all but
    /// promote, build and comment]
    #[arg(value_name = "JOB")]
    pub job: Option<String>,
    /// The event, push or pull_request [default: read from the forge's environment]
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// The pushed branch, or the head branch of the pull request
    #[arg(long = "ref", value_name = "REF", requires = "event")]
    pub ref_: Option<String>,
    /// The base branch of the pull request
    #[arg(long, value_name = "BRANCH", requires = "event")]
    pub base: Option<String>,
    /// A label of the pull request, in addition to the labels that the forge reports; repeatable
    #[arg(long = "label", value_name = "NAME")]
    pub labels: Vec<String>,
    #[command(flatten)]
    pub fault: Fault,
}

#[derive(Args)]
pub(crate) struct Setup {
    /// Set up the repository on its forge instead: protected branches, squash only, labels, environment
    #[arg(long, conflicts_with = "system")]
    pub forge: bool,
    /// Also install docker.io with apt-get (needs root); --dry-run only lists it
    #[arg(long)]
    pub system: bool,
    /// With --forge: do not ask
    #[arg(long, requires = "forge")]
    pub yes: bool,
    /// Print what would be installed or set, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subcommand_parses_and_prints_the_same_with_or_without_the_other_subcommands() {
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
                let parsed = |command: clap::Command| {
                    let read = command
                        .try_get_matches_from(&line)
                        .and_then(|matches| Flags::from_arg_matches(&matches));
                    read.map(|flags| (flags.json, flags.endpoints.pypi)).map_err(|error| error.to_string())
                };
                assert_eq!(
                    parsed(only(&all, named.clone())),
                    parsed(all.clone()),
                    "{} {args:?}",
                    named.get_name()
                );
            }
        }
    }
}
