//! The installed servers and images of this repository: the contract, and the checks of `contract/` that need
//! more than the server. Not among the apps' own tests, because a rehearsal repeats those.

use crate::demo::World;
use crate::installed::{On, done, root, working_tree};
use crate::skip::{optional, skip};
use crate::support::{Repo, tool};
use std::process::Command;

/// Runs a program in the root of the repository. The exit code 77 means that this machine lacks something.
pub(crate) fn passes(command: &mut Command, lacking: impl Fn(&str)) {
    let output = command.current_dir(root()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        return lacking(told.trim());
    }
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
}

/// Starts a server, and runs a program of `contract/` with its address.
fn checked(server: Option<Vec<String>>, check: &[&str], lacking: impl Fn(&str)) {
    let (Some(server), Some(uv)) = (server, tool("uv")) else { return };
    let path = format!("{}:{}", uv.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("python3");
    command.arg("contract/serve.py").args(check).arg("--").args(server);
    passes(command.env("PATH", path), lacking);
}

/// 9 s.
#[test]
fn the_contract_holds_for_the_installed_python_server() {
    checked(On::Python.server(), &["python3", "contract"], skip);
}

/// 9 s.
#[test]
fn the_contract_holds_for_the_installed_typescript_server_on_bun() {
    checked(On::Bun.server(), &["python3", "contract"], skip);
}

/// 9 s.
#[test]
fn the_contract_holds_for_the_installed_typescript_server_on_node() {
    checked(On::Node.server(), &["python3", "contract"], skip);
}

/// Pushes the image to a registry on this machine, and starts it as users do.
fn image(app: &'static str) {
    if !Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success()) {
        return skip("docker does not answer");
    }
    let repo = Repo::named("clone");
    let commit = working_tree();
    repo.git(&["fetch", "--quiet", root().as_str(), "HEAD"]);
    repo.git(&["fetch", "--quiet", root().as_str(), &commit]);
    repo.git(&["reset", "--quiet", "--hard", &commit]);
    let world = World::around(repo, &[app]);
    let pushed = world.xtask(&["image", app, "--push"]).expect(0);
    let (_, name) = pushed.stdout.trim().split_once('/').unwrap();
    let image = format!("{}/{name}", world.servers.env["XTASK_REGISTRY"]);
    let start = ["docker", "run", "--rm", "--network", "host", "--env", "HOST", "--env", "PORT", &image];
    checked(Some(start.map(str::to_string).to_vec()), &["python3", "contract"], skip);
    done(Command::new("docker").args(["rmi", "--force", &image]));
}

/// 60 s.
#[test]
fn the_contract_holds_for_the_image_of_the_python_server() {
    image("python");
}

/// 60 s.
#[test]
fn the_contract_holds_for_the_image_of_the_typescript_server() {
    image("ts");
}

/// 4 s, in a real browser. `.ci/run` installs one on Debian.
fn page(on: On) {
    checked(on.server(), &["python3", "contract/page/check.py"], |reason| drop(optional(reason)));
}

#[test]
fn a_browser_talks_to_the_graphs_of_the_python_server() {
    page(On::Python);
}

#[test]
fn a_browser_talks_to_the_graphs_of_the_typescript_server() {
    page(On::Bun);
}

/// 50 s.
#[test]
fn generated_requests_to_the_python_server_are_answered_as_documented() {
    checked(On::Python.server(), &["contract/schemathesis.sh"], skip);
}

/// 60 s.
#[test]
fn generated_requests_to_the_typescript_server_are_answered_as_documented() {
    checked(On::Bun.server(), &["contract/schemathesis.sh"], skip);
}
