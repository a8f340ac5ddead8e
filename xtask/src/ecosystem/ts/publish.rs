//! Uploads to an npm registry, by npm: its token in a private user configuration, never among arguments; a dist-tag that is not `latest`
//! until the release is verified.

use super::registry::CANDIDATE;
use crate::ecosystem::DistFile;
use crate::http::{Http, Request};
use crate::release::tag;
use crate::workspace::App;
use crate::{Ctx, child, tools};
use anyhow::{Context, Result};
use camino::Utf8Path;
use semver::Version;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use xshell::cmd;

pub const TOKEN: &str = "NPM_TOKEN";

fn token() -> Option<String> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty())
}

/// Is a forge ready to say who we are (npm's trusted publishing)?
fn trusted() -> bool {
    std::env::var_os("ACTIONS_ID_TOKEN_REQUEST_URL").is_some() && std::env::var_os("GITEA_ACTIONS").is_none()
}

/// npm with `args`, against this registry alone.
fn npm(ctx: &Ctx, app: &App, args: &[&str]) -> Result<String> {
    let temp = tempfile::tempdir()?;
    let dir = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    let registry = &ctx.endpoints.npm;
    let config = dir.join("npmrc");
    // npm puts the variable in; a project's .npmrc is not read when publishing, and none is in this folder.
    let text = format!("{}:_authToken=${{{TOKEN}}}\n", nerf_dart(registry));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&config)?;
    if token().is_some() {
        file.write_all(text.as_bytes())?;
    }
    let mut env = vec![("NPM_CONFIG_USERCONFIG".to_string(), config.to_string())];
    env.extend(token().map(|token| (TOKEN.to_string(), token)));
    if trusted() {
        // What npm needs to ask for an identity and to state where a package was built. GITHUB_TOKEN is not among it.
        let wanted = |name: &str| {
            name.starts_with("ACTIONS_ID_TOKEN_") || name.starts_with("RUNNER_") || (name.starts_with("GITHUB_") && name != "GITHUB_TOKEN")
        };
        env.extend(std::env::vars().filter(|(name, _)| wanted(name)));
    }
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let npm = tools::tool("npm")?;
    // A scope's own registry would win over --registry.
    let scoped = app.settings.package.split_once('/').map(|(scope, _)| format!("--{scope}:registry={registry}"));
    let sh = child::shell(dir)?;
    child::capture(cmd!(sh, "{npm} {args...} --registry {registry} {scoped...} --loglevel error"), &env)
}

/// The registry's address as npm's configuration has it in its keys: `//registry.npmjs.org/`.
fn nerf_dart(registry: &str) -> String {
    let rest = registry.split_once("://").map_or(registry, |(_, rest)| rest);
    format!("//{}/", rest.trim_end_matches('/'))
}

pub fn upload(ctx: &Ctx, app: &App, version: &Version, files: &[DistFile]) -> Result<()> {
    let newest = tag::highest_stable(ctx, app.name())?;
    let dist_tag = match dist_tag(version, newest.as_ref()) {
        // Trusted publishing can publish and nothing else, so nobody could move `latest` afterwards.
        tag if tag == CANDIDATE && token().is_none() => "latest".to_string(),
        tag => tag,
    };
    for file in files {
        let mut args = vec!["publish", file.path.as_str(), "--ignore-scripts", "--access", "public", "--tag", &dist_tag];
        if trusted() {
            args.push("--provenance");
        }
        npm(ctx, app, &args)?;
    }
    Ok(())
}

/// The name under which a version is published: never `latest`. A pre-release's is its kind, an older line's its line.
fn dist_tag(version: &Version, newest: Option<&Version>) -> String {
    if !version.pre.is_empty() {
        return version.pre.split('.').next().unwrap_or("next").to_string();
    }
    match newest {
        Some(newest) if newest > version => format!("release-{}.{}", version.major, version.minor),
        _ => CANDIDATE.to_string(),
    }
}

/// `latest` names the version, `candidate` nothing any more.
pub fn make_latest(ctx: &Ctx, app: &App, version: &Version) -> Result<()> {
    let package = &app.settings.package;
    npm(ctx, app, &["dist-tag", "add", &format!("{package}@{version}"), "latest"])?;
    // It may be gone already, or never have been.
    let _ = npm(ctx, app, &["dist-tag", "rm", package, CANDIDATE]);
    Ok(())
}

/// Why the registry would not take an upload: it is asked who we are.
pub fn credentials_problem(registry: &str) -> Option<String> {
    let Some(token) = token() else {
        return (!trusted()).then(|| format!("no credentials for {registry}: set {TOKEN} in the environment"));
    };
    let url = format!("{}/-/whoami", registry.trim_end_matches('/'));
    let request = Request::new("GET", &url).header("authorization", format!("Bearer {token}"));
    match Http::new().and_then(|http| http.send(&request)) {
        Ok(answer) if matches!(answer.status, 401 | 403) => Some(format!(
            "{registry} refuses the credentials in {TOKEN} (HTTP {}); granular tokens live for 90 days at most",
            answer.status
        )),
        // verdaccio says 200 and no name to whom it does not know; other registries have no such page.
        Ok(answer) if answer.status == 200 => {
            let unknown = nobody(&answer.bytes().unwrap_or_default());
            unknown.then(|| format!("{registry} refuses the credentials in {TOKEN}: it knows no user by them"))
        }
        Ok(_) => None,
        Err(e) => Some(format!("{registry} could not be asked: {e:#}")),
    }
}

/// An answer to `whoami` that names nobody.
fn nobody(answer: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(answer).is_ok_and(|said| said.is_object() && !said["username"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_published_as_latest() {
        for (version, newest, expected) in [
            ("1.0.0", None, "candidate"),
            ("1.0.0", Some("1.0.0"), "candidate"),
            ("1.0.1", Some("1.0.0"), "candidate"),
            ("1.0.1", Some("1.1.0"), "release-1.0"),
            ("0.9.10", Some("0.10.0"), "release-0.9"),
            ("2.0.0-rc.1", Some("1.0.0"), "rc"),
            ("2.0.0-alpha.3", None, "alpha"),
            ("1.0.1-beta.1", Some("1.1.0"), "beta"),
        ] {
            let parse = |v: &str| v.parse::<Version>().expect("a version");
            assert_eq!(dist_tag(&parse(version), newest.map(parse).as_ref()), expected, "{version} {newest:?}");
        }
    }

    #[test]
    fn who_has_no_name_is_nobody() {
        for (answer, expected) in
            [("{}", true), (r#"{"username": null}"#, true), (r#"{"username": "me"}"#, false), ("", false), ("<html>", false), ("[]", false)]
        {
            assert_eq!(nobody(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn a_registrys_key_has_no_scheme_and_one_slash() {
        for (url, expected) in [
            ("https://registry.npmjs.org", "//registry.npmjs.org/"),
            ("http://127.0.0.1:4873/", "//127.0.0.1:4873/"),
            ("https://git.example.org/api/packages/o/npm/", "//git.example.org/api/packages/o/npm/"),
        ] {
            assert_eq!(nerf_dart(url), expected);
        }
    }
}
