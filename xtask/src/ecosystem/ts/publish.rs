//! Uploads to an npm registry with npm. The token is in a private user configuration, never in an argument.
//! The dist-tag is not `latest` until the release is verified.

use super::registry::{CANDIDATE, TOKEN, token};
use crate::ecosystem::DistFile;
use crate::ecosystem::{no_token, on_github, trusted_publishing};
use crate::model::ctx::Ctx;
use crate::model::tags;
use crate::model::workspace::App;
use crate::sys::http::{Http, Request};
use crate::sys::{child, retry, scratch, tools};
use anyhow::{Context, Result};
use camino::Utf8Path;
use semver::Version;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use xshell::cmd;

/// Like [`npm`], for commands that may be repeated.
pub(crate) fn npm_again(ctx: &Ctx, app: &App, args: &[&str]) -> Result<String> {
    let what = format!("npm {}", args.first().unwrap_or(&""));
    retry::again(&what, || npm(ctx, app, args), |error| retry::temporary(&error.to_string()))
}

/// Runs npm with `args` against the publishing registry only.
pub(crate) fn npm(ctx: &Ctx, app: &App, args: &[&str]) -> Result<String> {
    let temp = scratch::folder()?;
    let dir = Utf8Path::from_path(temp.path()).context("the temporary folder's path is not UTF-8")?;
    // If the address has a path, npm finds its token only with a trailing slash (npm 11, Gitea 1.26).
    let registry = format!("{}/", ctx.endpoints.npm);
    let config = dir.join("npmrc");
    // npm expands the variable. It does not read a project's .npmrc when publishing, and this folder has
    // none.
    let text = format!("{}:_authToken=${{{TOKEN}}}\n", nerf_dart(&registry));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&config)?;
    if token().is_some() {
        file.write_all(text.as_bytes())?;
    }
    let mut env = vec![
        ("NPM_CONFIG_USERCONFIG".to_string(), config.to_string()),
        // The callers try again: npm would repeat an upload without asking whether it has arrived.
        ("NPM_CONFIG_FETCH_RETRIES".to_string(), "0".to_string()),
    ];
    env.extend(token().map(|token| (TOKEN.to_string(), token)));
    if trusted_publishing() {
        // The variables that npm needs to request an identity token and to write the provenance. GITHUB_TOKEN
        // is not one of them.
        let wanted = |name: &str| {
            name.starts_with("ACTIONS_ID_TOKEN_")
                || name.starts_with("RUNNER_")
                || (name.starts_with("GITHUB_") && name != "GITHUB_TOKEN")
        };
        env.extend(std::env::vars().filter(|(name, _)| wanted(name)));
    }
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let npm = tools::tool("npm")?;
    // A registry that is configured for the scope would override --registry.
    let scoped =
        app.settings.package.split_once('/').map(|(scope, _)| format!("--{scope}:registry={registry}"));
    let sh = child::shell(dir)?;
    child::capture_upload(
        cmd!(sh, "{npm} {args...} --registry {registry} {scoped...} --loglevel error"),
        &env,
    )
    .map_err(|error| match error.to_string() {
        text if text.contains(TRACE) => anyhow::Error::msg(without_trace(&text)),
        _ => error,
    })
}

/// npm ends the report of a connection's error with a stack trace and the fields of an object.
const TRACE: &str = "npm error     at ";

/// Leaves out what says nothing to users, and hides the line that does.
fn without_trace(text: &str) -> String {
    let noise = |line: &&str| {
        line.strip_prefix("npm error")
            .is_some_and(|rest| rest.starts_with("   ") || [" }", ""].contains(&rest))
    };
    text.lines().filter(|line| !noise(line)).collect::<Vec<_>>().join("\n")
}

/// The registry's address in the form of npm's configuration keys: `//registry.npmjs.org/`.
fn nerf_dart(registry: &str) -> String {
    let rest = registry.split_once("://").map_or(registry, |(_, rest)| rest);
    format!("//{}/", rest.trim_end_matches('/'))
}

/// Uploads a tarball. One attempt: see `Ecosystem::publish`.
pub(crate) fn upload(ctx: &Ctx, app: &App, version: &Version, file: &DistFile) -> Result<()> {
    let newest = tags::newest_stable(ctx, app)?;
    let dist_tag = match dist_tag(version, newest.as_ref()) {
        // Trusted publishing can only publish, so `latest` could not be moved afterwards.
        tag if tag == CANDIDATE && token().is_none() => "latest".to_string(),
        tag => tag,
    };
    let limit = retry::upload(std::fs::metadata(&file.path)?.len()).as_millis();
    let limit = format!("--fetch-timeout={limit}");
    let mut args =
        vec!["publish", file.path.as_str(), "--ignore-scripts", "--access", "public", "--tag", &dist_tag];
    args.push(&limit);
    if trusted_publishing() {
        args.push("--provenance");
    }
    npm(ctx, app, &args).map(drop)
}

/// The dist-tag that a version is published with, which is never `latest`: the channel of a pre-release
/// (`rc`), `release-X.Y` for a version below `newest`, otherwise `candidate`.
fn dist_tag(version: &Version, newest: Option<&Version>) -> String {
    if !version.pre.is_empty() {
        return version.pre.split('.').next().unwrap_or("next").to_string();
    }
    match newest {
        Some(newest) if newest > version => format!("release-{}.{}", version.major, version.minor),
        _ => CANDIDATE.to_string(),
    }
}

/// Moves the dist-tag `latest` to the version, and removes `candidate`.
pub(crate) fn make_latest(ctx: &Ctx, app: &App, version: &Version) -> Result<()> {
    let package = &app.settings.package;
    npm_again(ctx, app, &["dist-tag", "add", &format!("{package}@{version}"), "latest"])?;
    match npm_again(ctx, app, &["dist-tag", "rm", package, CANDIDATE]) {
        // Removed before: by an earlier run, or by a request whose answer was lost.
        Err(error) if error.to_string().contains("is not a dist-tag on") => Ok(()),
        removed => removed.map(drop),
    }
}

/// The reason why the registry would refuse an upload. The check asks the registry for the token's user.
pub(crate) fn credentials_problem(registry: &str, package: &str) -> Option<String> {
    let Some(token) = token() else {
        return (!trusted_publishing()).then(|| no_token(registry, TOKEN, on_github()));
    };
    match accepted(registry, package, &token) {
        Ok(Answer::Accepted) => None,
        Ok(Answer::Refused(why)) => Some(format!("{registry} refuses the credentials in {TOKEN}: {why}")),
        Ok(Answer::Unknown) => Some(format!(
            "cannot check whether {registry} accepts {TOKEN}: it has no /-/whoami, and it gives the same \
             answer to a wrong token; publish to a registry that checks tokens"
        )),
        Err(e) => Some(format!("cannot check the credentials at {registry}: {e:#}")),
    }
}

enum Answer {
    Accepted,
    Refused(String),
    Unknown,
}

fn accepted(registry: &str, package: &str, token: &str) -> Result<Answer> {
    let http = Http::new()?;
    let ask = |url: &str, token: &str| {
        http.send(&Request::new("GET", url).header("authorization", format!("Bearer {token}")))
    };
    let refused =
        |status: u16| format!("HTTP {status}; granular tokens of npmjs.com expire after at most 90 days");
    let answer = ask(&format!("{registry}/-/whoami"), token)?;
    match answer.status {
        401 | 403 => Ok(Answer::Refused(refused(answer.status))),
        // verdaccio answers 200 without a name if it does not know the token.
        200 => Ok(match names_no_user(&answer.bytes()?) {
            true => Answer::Refused("no user has this token".into()),
            false => Answer::Accepted,
        }),
        404 | 405 | 501 => {
            // Gitea (1.26) has no such page, but answers 401 on every page if it does not know the token.
            let page = format!("{registry}/{}", package.replace('/', "%2f"));
            match ask(&page, token)?.status {
                status @ (401 | 403) => Ok(Answer::Refused(refused(status))),
                200 | 404
                    if matches!(ask(&page, "xtask-asks-whether-tokens-are-checked")?.status, 401 | 403) =>
                {
                    Ok(Answer::Accepted)
                }
                200 | 404 => Ok(Answer::Unknown),
                _ => Err(ask(&page, token)?.error().into()),
            }
        }
        _ => Err(answer.error().into()),
    }
}

/// Is this an answer to `whoami` without a user name?
fn names_no_user(answer: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(answer)
        .is_ok_and(|answer| answer.is_object() && !answer["username"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_trace_of_npm_is_left_out() {
        let text = [
            "`npm publish`: exit code 1",
            "npm error code ECONNREFUSED",
            "npm error FetchError: request to http://h/x failed",
            "npm error     at emit (node:events:524:28)",
            "npm error     at queues:83:21) {",
            "npm error   code: 'ECONNREFUSED',",
            "npm error }",
            "npm error",
            "npm error 404  'a@1' is not in this registry.",
            "npm error A complete log is in: /x",
        ]
        .join("\n");
        expect_test::expect![[r#"
            `npm publish`: exit code 1
            npm error code ECONNREFUSED
            npm error FetchError: request to http://h/x failed
            npm error 404  'a@1' is not in this registry.
            npm error A complete log is in: /x"#]]
        .assert_eq(&without_trace(&text));
    }

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
            assert_eq!(
                dist_tag(&parse(version), newest.map(parse).as_ref()),
                expected,
                "{version} {newest:?}"
            );
        }
    }

    /// Starts a registry that answers each request with the status and body for its path and token.
    fn registry(answers: impl Fn(&str, &str) -> (u16, &'static str) + Send + 'static) -> String {
        use std::io::{BufRead, BufReader};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let lines: Vec<String> = BufReader::new(&stream)
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
                let token = lines.iter().find_map(|line| {
                    line.to_lowercase().strip_prefix("authorization: bearer ").map(str::to_string)
                });
                let (status, body) = answers(path, &token.unwrap_or_default());
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        format!("http://{address}/api/packages/o/npm")
    }

    #[test]
    fn a_token_is_accepted_only_if_the_registry_refuses_a_wrong_one() {
        let check = |registry: &str, token: &str| match accepted(registry, "@o/p", token) {
            Ok(Answer::Accepted) => "accepted".to_string(),
            Ok(Answer::Refused(why)) => format!("refused: {}", why.split(';').next().unwrap_or_default()),
            Ok(Answer::Unknown) => "unknown".to_string(),
            Err(e) => format!("error: {e:#}"),
        };
        // Gitea 1.26: no whoami, and 401 on every page for a token that it does not know.
        let gitea = |found: u16| {
            registry(move |path, token| match (path.ends_with("/-/whoami"), token) {
                (true, _) => (404, "404 page not found"),
                (false, "good") if path.ends_with("/npm/@o%2fp") => (found, "{}"),
                _ => (401, "Failed to authenticate user"),
            })
        };
        for found in [200, 404] {
            let address = gitea(found);
            assert_eq!(
                (check(&address, "good").as_str(), check(&address, "bad").as_str()),
                ("accepted", "refused: HTTP 401")
            );
        }
        let careless = registry(|path, _| if path.ends_with("whoami") { (404, "") } else { (200, "{}") });
        assert_eq!(check(&careless, "good"), "unknown");
        let npm =
            registry(|_, token| if token == "good" { (200, r#"{"username": "me"}"#) } else { (401, "") });
        assert_eq!(
            (check(&npm, "good").as_str(), check(&npm, "bad").as_str()),
            ("accepted", "refused: HTTP 401")
        );
        let verdaccio =
            registry(|_, token| if token == "good" { (200, r#"{"username": "me"}"#) } else { (200, "{}") });
        assert_eq!(
            (check(&verdaccio, "good").as_str(), check(&verdaccio, "bad").as_str()),
            ("accepted", "refused: no user has this token")
        );
        let odd = registry(|_, _| (418, "a teapot"));
        assert!(check(&odd, "good").starts_with("error: ") && check(&odd, "good").contains("418"));
    }

    #[test]
    fn an_answer_to_whoami_without_a_user_name_is_recognised() {
        for (answer, expected) in [
            ("{}", true),
            (r#"{"username": null}"#, true),
            (r#"{"username": "me"}"#, false),
            ("", false),
            ("<html>", false),
            ("[]", false),
        ] {
            assert_eq!(names_no_user(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn a_registrys_key_has_no_scheme_and_one_trailing_slash() {
        for (url, expected) in [
            ("https://registry.npmjs.org", "//registry.npmjs.org/"),
            ("http://127.0.0.1:4873/", "//127.0.0.1:4873/"),
            ("https://git.example.org/api/packages/o/npm/", "//git.example.org/api/packages/o/npm/"),
        ] {
            assert_eq!(nerf_dart(url), expected);
        }
    }
}
