//! The servers of this repository as users have them: the wheel and the tarball that `cargo xtask build`
//! makes of the working tree, installed in folders below `target/tmp` once for each state of the app.

use crate::support::{Output, run, tool};
use camino::{Utf8Path, Utf8PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What an installed server runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Python,
    Bun,
    Node,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl On {
    pub(crate) fn app(self) -> &'static str {
        if self == On::Python { "python" } else { "ts" }
    }

    /// The folder in which the package is installed. None: this machine has not set up what that needs.
    pub(crate) fn folder(self) -> Option<Utf8PathBuf> {
        // Tests that run at the same time install only once.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (app, uv) = (self.app(), tool("uv")?);
        let commit = working_tree();
        let tree = git(&["rev-parse", &format!("{commit}:apps/{app}")]);
        let installed = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed");
        let folder = installed.join(format!("{app}-{tree}"));
        if folder.join("complete").exists() {
            return Some(folder);
        }
        for old in glob::glob(&format!("{installed}/{app}-*")).unwrap() {
            std::fs::remove_dir_all(old.unwrap()).unwrap();
        }
        std::fs::create_dir_all(&folder).unwrap();
        if app == "python" {
            with_uv(&uv, &folder, &commit)
        } else {
            with_npm(&folder, &commit)
        }
        std::fs::write(folder.join("complete"), "").unwrap();
        Some(folder)
    }

    /// The command of the installed server. None: it can't run here.
    pub(crate) fn server(self) -> Option<Vec<String>> {
        let folder = self.folder()?;
        let modules = folder.join("node_modules");
        let command = match self {
            On::Python => vec![folder.join("bin/fractal-agents-runtime")],
            On::Bun => {
                let bun = Utf8PathBuf::try_from(tool("bun")?).unwrap();
                vec![bun, modules.join("@l4b4r4b4b4/fractal-agents-runtime/dist/cli.js")]
            }
            On::Node => vec![modules.join(".bin/fractal-agents-runtime")],
        };
        Some(command.into_iter().map(Utf8PathBuf::into_string).collect())
    }

    /// The same with the graph `steps`, which the tests of restarts need.
    pub(crate) fn steps(self) -> Option<Vec<String>> {
        let tests = root().join("apps").join(self.app()).join("tests");
        let graphs = if self == On::Python {
            tests.join("steps.json")
        } else {
            // Where the graph finds the server's own packages.
            let (folder, bun) = (self.folder()?, tool("bun")?);
            let mut build = Command::new(bun);
            build.args(["build", "--target=node", "--packages=external", "--outfile"]);
            done(build.arg(folder.join("steps.js")).arg(tests.join("steps.ts")));
            let file = folder.join("steps.json");
            std::fs::write(&file, r#"{ "graphs": { "steps": "./steps.js:graph" } }"#).unwrap();
            file
        };
        Some([self.server()?, ["serve".into(), "--config".into(), graphs.into_string()].to_vec()].concat())
    }
}

/// The wheel with all extras in a virtual environment.
fn with_uv(uv: &std::path::Path, folder: &Utf8Path, commit: &str) {
    let wheel = built("python", commit, ".whl");
    done(Command::new(uv).args(["venv", "--quiet", "--python", "3.11", folder.as_str()]));
    let python = folder.join("bin/python");
    let install = ["pip", "install", "--quiet", "--python", python.as_str()];
    // Relative: in a path, uv reads ` #` as a comment and `;` as a marker.
    let package = format!("./{}[chat,mcp,postgresql,sqlite]", wheel.file_name().unwrap());
    done(Command::new(uv).args(install).arg(package).current_dir(wheel.parent().unwrap()));
}

/// The tarball with all optional packages, in the versions of the app's own tests.
fn with_npm(folder: &Utf8Path, commit: &str) {
    let tarball = built("ts", commit, ".tgz");
    let app = root().join("apps/ts");
    let manifest = std::fs::read_to_string(app.join("package.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let optional = manifest["peerDependenciesMeta"].as_object().unwrap().keys();
    let version = |name: &String| manifest["devDependencies"][name].as_str().unwrap().to_string();
    let optional = optional.map(|name| format!("{name}@{}", version(name)));
    std::fs::write(folder.join("package.json"), r#"{ "private": true, "type": "module" }"#).unwrap();
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--prefer-offline",
    ]);
    done(npm.arg(tarball).args(optional).current_dir(folder));
    // Compiling it takes a minute, so that is done once, in the app.
    let sqlite = folder.join("node_modules/better-sqlite3");
    let compiled = app.join("node_modules/better-sqlite3");
    if compiled.join("build").exists() {
        std::fs::remove_dir_all(&sqlite).unwrap();
        done(Command::new("cp").args(["--recursive", "--dereference"]).args([compiled, sqlite]));
    }
}

/// Builds an app's package of a commit. Returns the path of the file with this end.
fn built(app: &str, commit: &str, end: &str) -> Utf8PathBuf {
    let mut build = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = done(build.args(["build", app, "--json", "--commit", commit])).json();
    let mut paths = output["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    root().join(paths.find(|path| path.ends_with(end)).unwrap())
}

/// A commit of the working tree, with what is not committed. No branch has it.
pub(crate) fn working_tree() -> String {
    let folder = tempfile::tempdir().unwrap();
    let index = ("GIT_INDEX_FILE", folder.path().join("index"));
    let with = |args: &[&str]| done(git_command(args).envs([index.clone()])).stdout.trim().to_string();
    with(&["add", "--all"]);
    let tree = with(&["write-tree"]);
    if tree == git(&["rev-parse", "HEAD^{tree}"]) {
        return git(&["rev-parse", "HEAD"]);
    }
    git(&["commit-tree", "-p", "HEAD", "-m", "the working tree", &tree])
}

fn git(args: &[&str]) -> String {
    done(&mut git_command(args)).stdout.trim().to_string()
}

fn git_command(args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Tests", "-c", "user.email=tests@example.org"]).args(args);
    command
}

/// Runs a program that must succeed, in the root of the repository unless it has another folder.
pub(crate) fn done(command: &mut Command) -> Output {
    if command.get_current_dir().is_none() {
        command.current_dir(root());
    }
    let output = run(command);
    assert_eq!(output.code, 0, "{command:?}: {output:#?}");
    output
}
