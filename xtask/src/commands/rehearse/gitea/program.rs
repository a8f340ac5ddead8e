//! A Gitea program that a rehearsal starts: its configuration, its server and its administrator.

use crate::commands::rehearse::servers::Server;
use crate::sys::child;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use xshell::cmd;

const CONFIGURATION: &str = "app.ini";

/// Starts the program with everything that it writes in the new folder `data`. Returns the server and the
/// token of an administrator.
pub(super) fn start(program: &Utf8Path, xtask: &Utf8Path, data: &Utf8Path) -> Result<(Server, String)> {
    std::fs::create_dir(data).with_context(|| format!("cannot create the folder {data}"))?;
    let server = serve(program, xtask, data).with_context(|| format!("cannot start {program}"))?;
    let token = administrator(program, data)?;
    Ok((server, token))
}

fn serve(program: &Utf8Path, xtask: &Utf8Path, data: &Utf8Path) -> Result<Server> {
    let file = data.join(CONFIGURATION);
    let argv = |port: u16| -> Result<Vec<String>> {
        std::fs::write(&file, configuration(program, data, port))?;
        let work = ["--work-path", data.as_str(), "--config", file.as_str()];
        Ok([&[program.as_str(), "web"], work.as_slice()].concat().into_iter().map(str::to_string).collect())
    };
    Server::start(xtask, argv, "/api/healthz", data)
}

/// The configuration of a Gitea without a name in the network (docs.gitea.com, configuration cheat sheet).
/// A program without its templates inside finds them beside it.
fn configuration(program: &Utf8Path, data: &Utf8Path, port: u16) -> String {
    let assets = program.parent().unwrap_or(data);
    // Without the quotes a `#` or `;` would begin a comment.
    let quoted = |path: &str| format!("`{path}`");
    let (assets, database) = (quoted(assets.as_str()), quoted(&format!("{data}/gitea.db")));
    let repositories = quoted(&format!("{data}/repositories"));
    format!(
        "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n\
         [server]\nHTTP_ADDR = 127.0.0.1\nHTTP_PORT = {port}\nROOT_URL = http://127.0.0.1:{port}/\n\
         DISABLE_SSH = true\nOFFLINE_MODE = true\nSTATIC_ROOT_PATH = {assets}\n\
         [database]\nDB_TYPE = sqlite3\nPATH = {database}\n\
         [repository]\nROOT = {repositories}\n\
         [security]\nINSTALL_LOCK = true\n\
         [service]\nDISABLE_REGISTRATION = true\n\
         [cron]\nENABLED = false\n\
         [log]\nLEVEL = Warn\n"
    )
}

/// Creates an administrator. Returns its token with all scopes.
fn administrator(program: &Utf8Path, data: &Utf8Path) -> Result<String> {
    let file = data.join(CONFIGURATION);
    let sh = child::shell(data)?;
    let user = ["--username", "rehearsal", "--email", "rehearsal@example.org", "--random-password"];
    let create =
        ["--admin", "--access-token", "--access-token-scopes", "all", "--must-change-password=false"];
    let said = child::capture(
        cmd!(sh, "{program} admin user create {user...} {create...} --work-path {data} --config {file}"),
        &[],
    )
    .context("cannot create an administrator on the Gitea")?;
    match token(&said) {
        Some(token) => Ok(token.to_string()),
        None => bail!("{program} admin user create printed no token: its version is not known, 1.26 is"),
    }
}

/// The token is 40 hex digits.
fn token(said: &str) -> Option<&str> {
    said.split_whitespace().find(|word| word.len() == 40 && word.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_what_the_program_prints() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        let said = format!("New user 'a' has been created!\nAccess token was created... {hex}\n");
        assert_eq!(token(&said), Some(hex));
        for other in ["", "generated random password is 'abc'", &hex[1..], &hex.replace('0', "g")] {
            assert_eq!(token(other), None, "{other}");
        }
    }
}
