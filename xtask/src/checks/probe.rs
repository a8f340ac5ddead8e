//! Probes a running server: it must answer, report the version and commit that were built, and serve the
//! committed spec.

use crate::model::ctx::Ctx;
use crate::model::workspace::App;
use crate::sys::http::{Http, Request};
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use semver::Version;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The answers that the server must give.
pub(crate) struct Expect {
    /// The path that answers 200: `/health`.
    pub health: String,
    /// The version in `/info`, in the form of the app's language.
    pub version: String,
    /// The commit in `/info`: 40 hex digits.
    pub commit: String,
    /// The committed spec. None for an app without one.
    pub spec: Option<Value>,
    /// The committed compat.json, which `/info` serves under `compat`. None for an app without one.
    pub compat: Option<Value>,
}

/// The answers of a server of this release: its version and commit, and the spec and compat.json of that
/// commit.
pub(crate) fn expected(ctx: &Ctx, app: &App, version: &Version, commit: &str) -> Result<Expect> {
    let committed = |file: &Utf8Path| -> Result<Value> {
        let text = ctx.git.read(&["cat-file", "blob", &format!("{commit}:{}", app.dir.join(file))])?;
        serde_json::from_str(&text).with_context(|| format!("{file} in {commit} is not JSON"))
    };
    // A release from before [compat] was set has no compat.json. For a new release, the build checks that it
    // has one.
    let compat = match &app.settings.compat {
        Some(compat)
            if !ctx.git.read(&["ls-tree", commit, "--", app.dir.join(&compat.file).as_str()])?.is_empty() =>
        {
            Some(compat)
        }
        _ => None,
    };
    Ok(Expect {
        health: app.settings.spec.as_ref().map_or("/health", |spec| &spec.health).to_string(),
        version: app.settings.ecosystem.package_version(version)?,
        commit: commit.to_string(),
        spec: app.settings.spec.as_ref().map(|spec| committed(&spec.file)).transpose()?,
        compat: compat.map(|compat| committed(&compat.file)).transpose()?,
    })
}

/// Waits until `url` answers 200. `alive` returns an error with the server's last output if the server has
/// ended.
pub(crate) fn ready(url: &str, patience: Duration, alive: impl Fn() -> Result<()>) -> Result<()> {
    let http = Http::new()?;
    let request = Request::new("GET", url);
    let started = Instant::now();
    loop {
        let seen = match http.send_once(&request, url, true) {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => answer.error().to_string(),
            Err(error) => format!("{error:#}"),
        };
        alive()?;
        if started.elapsed() > patience {
            bail!("the server is not ready after {} s: {seen}", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Compares the health path, `/info` and `/openapi.json` with the expected answers. Returns a summary in one
/// line.
pub(crate) fn probe(base_url: &str, expect: &Expect) -> Result<String> {
    let http = Http::new()?;
    http.get(&format!("{base_url}{}", expect.health))?;
    let info = json(&http, &format!("{base_url}/info"))?;
    for (key, expected) in [("version", &expect.version), ("commit", &expect.commit)] {
        match info[key].as_str() {
            Some(found) if found == expected => {}
            Some(found) => bail!("{base_url}/info reports {key} {found:?}; expected {expected:?}"),
            None => bail!("{base_url}/info has no {key}: {info}"),
        }
    }
    let short = crate::sys::git::short(&expect.commit);
    let mut evidence = format!("{} 200, /info {} at {short}", expect.health, expect.version);
    if let Some(compat) = &expect.compat {
        if let Some(at) = first_difference(&info["compat"], compat, "/compat".to_string()) {
            bail!(
                "{base_url}/info does not serve the committed compat.json: they differ at {at}; \
                 run `cargo xtask compat --write`"
            );
        }
        evidence += ", compat.json as committed";
    }
    if let Some(spec) = &expect.spec {
        let served = json(&http, &format!("{base_url}/openapi.json"))?;
        if let Some(at) = first_difference(&served, spec, String::new()) {
            bail!(
                "{base_url}/openapi.json is not the committed spec: they differ at {at}; \
                 run `cargo xtask openapi generate`"
            );
        }
        let paths = spec["paths"].as_object().map(|p| p.len()).unwrap_or(0);
        evidence += &format!(", /openapi.json as committed ({paths} paths)");
    }
    Ok(evidence)
}

fn json(http: &Http, url: &str) -> Result<Value> {
    let bytes = http.get(url)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{url} did not answer with JSON"))
}

/// The JSON pointer (RFC 6901) of the first place where two documents differ, and the values there.
fn first_difference(served: &Value, committed: &Value, at: String) -> Option<String> {
    match (served, committed) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().find_map(|key| {
                let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (a.get(key), b.get(key)) {
                    (Some(x), Some(y)) => first_difference(x, y, place),
                    (None, _) => Some(format!("{place} (not served)")),
                    (_, None) => Some(format!("{place} (not committed)")),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (x, y))| first_difference(x, y, format!("{at}/{i}")))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!(
            "{} (served {}, committed {})",
            if at.is_empty() { "/" } else { &at },
            short(a),
            short(b)
        )),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(60).chain(['…']).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named_by_its_json_pointer() {
        for (served, committed, expected) in [
            (json!({"a": 1, "b": [1]}), json!({"b": [1], "a": 1}), None),
            (json!({"a": {"x/y~": 1}}), json!({"a": {"x/y~": 2}}), Some("/a/x~1y~0 (served 1, committed 2)")),
            (json!({}), json!({"a": 1}), Some("/a (not served)")),
            (json!({"a": 1}), json!({}), Some("/a (not committed)")),
            (json!([1, 2]), json!([1]), Some("/ (served [1,2], committed [1])")),
            (json!([1, {"k": null}]), json!([1, {"k": false}]), Some("/1/k (served null, committed false)")),
        ] {
            assert_eq!(first_difference(&served, &committed, String::new()).as_deref(), expected);
        }
    }
}
