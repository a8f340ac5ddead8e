//! Logs in to a registry: answers its challenge (Basic, or Bearer with a token service) with the login from
//! the environment or docker's credentials.

use crate::sys::http::{Http, Request, basic};
use crate::sys::secrets;
use crate::sys::url::{escape, is_loopback, without_secrets};
use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use docker_credential::CredentialRetrievalError::{HelperFailure, NoCredentialConfigured};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde_json::Value;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// One `WWW-Authenticate` challenge (RFC 9110, section 11.6.1).
#[derive(Debug, PartialEq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

/// The registry, and the credentials for it.
pub(super) struct Client<'a> {
    pub http: &'a Http,
    pub host: &'a str,
    /// docker's `config.json`.
    pub config: Option<&'a Utf8Path>,
    /// User and password for this registry. They override docker's.
    pub login: Option<&'a (String, String)>,
    pub loopback_only: bool,
}

/// The environment variables with the login of the registry that images are pushed to.
pub(super) const LOGIN: [&str; 2] = ["REGISTRY_USER", "REGISTRY_TOKEN"];

/// User and password from [`LOGIN`]. None if neither is set. An empty variable counts as not set, because a
/// forge passes missing secrets as empty variables.
pub(super) fn login_from_environment() -> Result<Option<(String, String)>> {
    match LOGIN.map(|name| std::env::var(name).ok().filter(|value| !value.is_empty())) {
        [Some(user), Some(token)] => Ok(Some((user, token))),
        [None, None] => Ok(None),
        [user, _] => bail!(
            "{} is set, but {} is not: set both",
            LOGIN[usize::from(user.is_none())],
            LOGIN[usize::from(user.is_some())]
        ),
    }
}

fn how(host: &str) -> String {
    format!("set {} and {}, or run `docker login {host}`", LOGIN[0], LOGIN[1])
}

fn missing(host: &str) -> String {
    format!("not set up: {} and {}, the login for {host} (or run `docker login {host}`)", LOGIN[0], LOGIN[1])
}

/// `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
pub(super) fn docker_config() -> Option<Utf8PathBuf> {
    let from = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty()).map(Utf8PathBuf::from);
    Some(from("DOCKER_CONFIG").or_else(|| Some(from("HOME")?.join(".docker")))?.join("config.json"))
}

/// The Authorization header for `scopes` (as in `repository:owner/name:pull,push`). The error tells how to
/// log in.
pub(super) fn authorization(client: &Client, challenges: &[&str], scopes: &[String]) -> Result<String> {
    let host = client.host;
    let offered: Vec<Challenge> = challenges.iter().flat_map(|header| parse(header)).collect();
    let bearer = offered.iter().find(|c| matches!(c, Challenge::Bearer { .. }));
    match bearer.or(offered.first()) {
        Some(Challenge::Bearer { realm, service }) => {
            if !realm.starts_with("https://") && !is_loopback(realm) {
                bail!("{host} redirects logins to {}, which is not https: refused", without_secrets(realm));
            }
            if client.loopback_only && !is_loopback(realm) {
                bail!(
                    "{host} redirects logins to {}, which is not on this machine: refused",
                    without_secrets(realm)
                );
            }
            let token = token(client, realm, service.as_deref(), scopes)?;
            Ok(format!("Bearer {token}"))
        }
        Some(Challenge::Basic) => match credential(client)? {
            Some(DockerCredential::UsernamePassword(user, password)) => Ok(basic(&user, &password)),
            Some(DockerCredential::IdentityToken(_)) => {
                bail!(
                    "{host} requires user and password, but docker has only an identity token for it; {}",
                    how(host)
                )
            }
            None => bail!("{}", missing(host)),
        },
        None => bail!("{host} requires a login that is neither Basic nor Bearer: {challenges:?}"),
    }
}

/// Requests a token from the registry's token service (distribution's token specification). The request is
/// anonymous if there is no login.
fn token(client: &Client, realm: &str, service: Option<&str>, scopes: &[String]) -> Result<String> {
    let (http, host) = (client.http, client.host);
    let mut query: Vec<(&str, &str)> = service.iter().map(|s| ("service", *s)).collect();
    let credential = credential(client)?;
    let answer = match &credential {
        Some(DockerCredential::IdentityToken(refresh)) => {
            let scope = scopes.join(" ");
            query.extend([
                ("scope", scope.as_str()),
                ("client_id", "xtask"),
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.as_str()),
            ]);
            let form = encode(&query);
            http.send(
                &Request::new("POST", realm).body("application/x-www-form-urlencoded", form.as_bytes()),
            )?
        }
        other => {
            query.extend(scopes.iter().map(|s| ("scope", s.as_str())));
            let joint = if realm.contains('?') { '&' } else { '?' };
            let mut request = Request::new("GET", format!("{realm}{joint}{}", encode(&query)));
            if let Some(DockerCredential::UsernamePassword(user, password)) = other {
                request = request.header("Authorization", basic(user, password));
            }
            http.send(&request)?
        }
    };
    if matches!(answer.status, 401 | 403) {
        let error = answer.error();
        match credential {
            Some(_) => {
                bail!("{host} does not accept the configured login; {}\n{error}", how(host))
            }
            None => bail!("{}\n{error}", missing(host)),
        }
    }
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(&answer.success()?.bytes()?)
        .with_context(|| format!("{} did not answer with JSON", without_secrets(realm)))?;
    let token = answer
        .token
        .or(answer.access_token)
        .filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_graphic()))
        .with_context(|| format!("{} answered without a token", without_secrets(realm)))?;
    secrets::hide(&token);
    Ok(token)
}

/// The login for this host: the given one, or docker's, including its credential helpers.
fn credential(client: &Client) -> Result<Option<DockerCredential>> {
    let host = client.host;
    if let Some((user, password)) = client.login {
        secrets::hide(password);
        return Ok(Some(DockerCredential::UsernamePassword(user.clone(), password.clone())));
    }
    let server = if host == "docker.io" { "https://index.docker.io/v1/" } else { host };
    let Some(file) = client.config.filter(|file| file.exists()) else { return Ok(None) };
    let reader =
        std::io::BufReader::new(std::fs::File::open(file).with_context(|| format!("cannot read {file}"))?);
    match from_docker(reader, server) {
        Ok(DockerCredential::UsernamePassword(user, password)) if user.is_empty() && password.is_empty() => {
            Ok(None)
        }
        Ok(credential) => {
            let (DockerCredential::UsernamePassword(_, secret) | DockerCredential::IdentityToken(secret)) =
                &credential;
            secrets::hide(secret);
            Ok(Some(credential))
        }
        // A helper without a login for the host prints "credentials not found in native keychain" and exits
        // with 1.
        Err(HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => Ok(None),
        // The helper's output is not shown, because it may contain secrets.
        Err(HelperFailure { helper, .. }) => {
            bail!("{helper} could not read docker's login for {host}; run `docker login {host}`")
        }
        Err(NoCredentialConfigured) => Ok(None),
        Err(other) => bail!("{file} cannot be used to log in to {host}: {other}"),
    }
}

/// Docker's credential for a server, by the helper that its configuration names or from the file itself. The
/// helper is started here and not by the library, which would give it our whole environment.
fn from_docker(config: impl Read, server: &str) -> Result<DockerCredential, CredentialRetrievalError> {
    let mut config: Value =
        serde_json::from_reader(config).map_err(|_| CredentialRetrievalError::ConfigReadError)?;
    let named = |value: &Value| value.as_str().filter(|name| !name.is_empty()).map(str::to_string);
    let (of_server, of_all) = (named(&config["credHelpers"][server]), named(&config["credsStore"]));
    if let Some(helper) = of_server {
        return ask_helper(&helper, server);
    }
    if let Some(config) = config.as_object_mut() {
        config.remove("credHelpers");
        config.remove("credsStore");
    }
    match (docker_credential::get_credential_from_reader(config.to_string().as_bytes(), server), of_all) {
        (Err(NoCredentialConfigured), Some(helper)) => ask_helper(&helper, server),
        (other, _) => other,
    }
}

/// Runs `docker-credential-NAME get` (docker's documentation, "Credential helper protocol").
fn ask_helper(name: &str, server: &str) -> Result<DockerCredential, CredentialRetrievalError> {
    let helper = format!("docker-credential-{name}");
    let ask = || -> std::io::Result<std::process::Output> {
        let mut command = Command::new(&helper);
        let mut child = secrets::withhold(&mut command)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(server.as_bytes()))?;
        child.wait_with_output()
    };
    let output = ask().map_err(|_| CredentialRetrievalError::HelperCommunicationError)?;
    if !output.status.success() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        return Err(HelperFailure { helper, stdout: text(&output.stdout), stderr: text(&output.stderr) });
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| CredentialRetrievalError::MalformedHelperResponse)?;
    Ok(match answer.username.as_str() {
        "<token>" => DockerCredential::IdentityToken(answer.secret),
        _ => DockerCredential::UsernamePassword(answer.username, answer.secret),
    })
}

/// Encodes a query: `a=b&c=d`, with each name and value escaped.
pub(super) fn encode(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The Basic and Bearer challenges of one header. Others are skipped.
fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for part in split_outside_quotes(header) {
        // `Bearer realm="…"` begins a challenge; `service="…"` belongs to the challenge before it.
        let (scheme, parameter) = match part.split_once(char::is_whitespace) {
            Some((word, rest)) if !word.contains('=') => (Some(word), rest.trim()),
            _ if !part.contains('=') => (Some(part), ""),
            _ => (None, part),
        };
        if let Some(scheme) = scheme {
            found.push((scheme.to_ascii_lowercase(), Vec::new()));
        }
        if let (Some((_, parameters)), Some((name, value))) = (found.last_mut(), parameter.split_once('=')) {
            parameters.push((name.trim().to_ascii_lowercase(), unquote(value.trim())));
        }
    }
    let challenge = |(scheme, parameters): (String, Vec<(String, String)>)| {
        let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        match scheme.as_str() {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer { realm: get("realm")?, service: get("service") }),
            _ => None,
        }
    };
    found.into_iter().filter_map(challenge).collect()
}

/// Splits the text at commas that are outside quotes.
fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|p| !p.is_empty());
    parts
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_string() };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => text.extend(characters.next()),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_in_all_forms() {
        let bearer = |realm: &str, service: Option<&str>| Challenge::Bearer {
            realm: realm.into(),
            service: service.map(str::to_string),
        };
        for (header, expected) in [
            (r#"Basic realm="Registry""#, vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (
                r#"Bearer realm="https://h/token",service="h",scope="repository:a:pull,push""#,
                vec![bearer("https://h/token", Some("h"))],
            ),
            (r#"bearer  realm=https://h/t , service=h"#, vec![bearer("https://h/t", Some("h"))]),
            (
                r#"Negotiate, Bearer realm="x\"y", Basic realm="z, w""#,
                vec![bearer("x\"y", None), Challenge::Basic],
            ),
            (r#"Bearer service="no realm""#, vec![]),
            (r#"Bearer realm="never closed"#, vec![bearer("never closed", None)]),
            ("Digest qop=\"auth\"", vec![]),
            ("", vec![]),
            (",,,", vec![]),
            ("=", vec![]),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(
            encode(&[("scope", "repository:a/b:pull,push"), ("s", "ä &")]),
            "scope=repository%3Aa%2Fb%3Apull%2Cpush&s=%C3%A4%20%26"
        );
    }
}
