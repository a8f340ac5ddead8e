//! The document itself: its shape, by the same rules as contract/compat.schema.json, and what it says of a
//! plugin or a channel. Pure.

use crate::model::version;
use semver::Version;
use serde::Deserialize;
use std::fmt;

/// The only schema so far; a document with another was made for another program.
pub const SCHEMA: u64 = 1;
pub const SCHEMA_URL: &str =
    "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/contract/compat.schema.json";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    #[serde(rename = "$schema")]
    pub schema_url: String,
    pub schema: u64,
    pub package: String,
    /// As the manifest writes it: PEP 440 in Python.
    pub version: String,
    pub contract: Contract,
    pub plugins: Vec<PluginApi>,
    pub channels: Vec<Channel>,
}

/// The HTTP contract that the release serves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub version: String,
    /// `sha256:<64 hex digits>` of the committed spec.
    pub spec: String,
}

/// A version of the interface that plugins are written for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PluginApi {
    pub api_version: String,
    pub status: Status,
    #[serde(deserialize_with = "Option::deserialize")]
    pub removal: Option<String>,
}

/// A version of a protocol that channel adapters speak.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub protocol: String,
    pub version: String,
    pub status: Status,
    #[serde(deserialize_with = "Option::deserialize")]
    pub removal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Supported,
    /// Works until the version in `removal`.
    Deprecated,
    /// Works no more, since the version in `removal`.
    Removed,
}

/// What a document says of a plugin's or a channel's version; `removal` where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise<'a> {
    Supported,
    Deprecated(&'a str),
    Removed(&'a str),
    /// It is not in the document at all.
    Unknown,
}

/// The document, or everything that is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Document, Vec<String>> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| vec![format!("not JSON: {e}")])?;
    // Said before anything else: the rest of another schema is not known here.
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(SCHEMA) | None => {}
        Some(other) => {
            return Err(vec![format!(
                "its schema is {other}, this program knows {SCHEMA}: take a newer one"
            )]);
        }
    }
    // From the text: the value above has lost keys that stand twice.
    let document: Document = serde_json::from_slice(bytes).map_err(|e| vec![e.to_string()])?;
    let problems = document.problems();
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

impl Document {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut must = |good: bool, problem: String| {
            if !good {
                problems.push(problem);
            }
        };
        must(self.schema_url == SCHEMA_URL, format!("$schema: {:?} is not {SCHEMA_URL}", self.schema_url));
        must(!self.package.is_empty(), "package: empty".to_string());
        must(is_version(&self.version), format!("version: {:?} is not a version", self.version));
        must(
            number(&self.contract.version),
            format!("contract.version: {:?} is not a whole number", self.contract.version),
        );
        must(
            is_hash(&self.contract.spec),
            format!("contract.spec: {:?} is not sha256: with 64 small hex digits", self.contract.spec),
        );
        for (i, plugin) in self.plugins.iter().enumerate() {
            let at = format!("plugins[{i}]");
            must(
                number(&plugin.api_version),
                format!("{at}.apiVersion: {:?} is not a whole number", plugin.api_version),
            );
            must(
                !self.plugins[..i].iter().any(|p| p.api_version == plugin.api_version),
                format!("{at}: {:?} stands twice", plugin.api_version),
            );
            must(
                removal_fits(plugin.status, plugin.removal.as_deref()),
                removal_problem(&at, plugin.status, plugin.removal.as_deref()),
            );
        }
        for (i, channel) in self.channels.iter().enumerate() {
            let at = format!("channels[{i}]");
            must(!channel.protocol.is_empty(), format!("{at}.protocol: empty"));
            must(
                number(&channel.version),
                format!("{at}.version: {:?} is not a whole number", channel.version),
            );
            let twin = |c: &Channel| (&c.protocol, &c.version) == (&channel.protocol, &channel.version);
            must(
                !self.channels[..i].iter().any(twin),
                format!("{at}: {} {} stands twice", channel.protocol, channel.version),
            );
            must(
                removal_fits(channel.status, channel.removal.as_deref()),
                removal_problem(&at, channel.status, channel.removal.as_deref()),
            );
        }
        problems
    }

    /// What is promised to plugins of this version.
    pub fn plugin(&self, api_version: &str) -> Promise<'_> {
        promise(
            self.plugins
                .iter()
                .find(|p| p.api_version == api_version)
                .map(|p| (p.status, p.removal.as_deref())),
        )
    }

    /// What is promised to adapters that speak this protocol.
    pub fn channel(&self, protocol: &str, version: &str) -> Promise<'_> {
        let channel = self.channels.iter().find(|c| c.protocol == protocol && c.version == version);
        promise(channel.map(|c| (c.status, c.removal.as_deref())))
    }

    /// The versions for which plugins may be written, for people.
    pub fn plugin_versions(&self) -> String {
        let alive = self.plugins.iter().filter(|p| p.status != Status::Removed);
        listed(alive.map(|p| p.api_version.clone()))
    }

    /// The protocols that adapters may speak, for people.
    pub fn channel_versions(&self) -> String {
        let alive = self.channels.iter().filter(|c| c.status != Status::Removed);
        listed(alive.map(|c| format!("{} {}", c.protocol, c.version)))
    }

    pub fn summary(&self) -> String {
        format!("plugins {}; channels {}", self.plugin_versions(), self.channel_versions())
    }

    /// Each deprecated thing that should be gone by this very version.
    pub fn overdue(&self) -> impl Iterator<Item = String> + '_ {
        let here = semver(&self.version);
        let plugins = self
            .plugins
            .iter()
            .map(|p| (p.status, p.removal.as_deref(), format!("plugin apiVersion {}", p.api_version)));
        let channels = self
            .channels
            .iter()
            .map(|c| (c.status, c.removal.as_deref(), format!("channel {} {}", c.protocol, c.version)));
        plugins.chain(channels).filter_map(move |(status, removal, what)| {
            let removal = removal.filter(|_| status == Status::Deprecated)?;
            let reached = Version::parse(removal).ok()? <= *here.as_ref()?;
            reached.then(|| format!("{what} is deprecated with its removal in {removal}"))
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Supported => "supported",
            Status::Deprecated => "deprecated",
            Status::Removed => "removed",
        })
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

fn promise(entry: Option<(Status, Option<&str>)>) -> Promise<'_> {
    match entry {
        None => Promise::Unknown,
        Some((Status::Supported, _)) => Promise::Supported,
        Some((Status::Deprecated, removal)) => Promise::Deprecated(removal.unwrap_or("a later version")),
        Some((Status::Removed, removal)) => Promise::Removed(removal.unwrap_or("an earlier version")),
    }
}

/// In either spelling, `1.0.0-rc.1` and `1.0.0rc1`.
fn semver(text: &str) -> Option<Version> {
    Version::parse(text).ok().or_else(|| version::from_pep440(text).ok())
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
}

/// 1, 2, 10: as a text, without leading zeros.
fn number(text: &str) -> bool {
    !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `sha256:` and 64 small hex digits.
pub fn is_hash(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hex))
}

/// What is supported has no removal, everything else has one, and it is a release.
fn removal_fits(status: Status, removal: Option<&str>) -> bool {
    match removal {
        None => status == Status::Supported,
        Some(removal) => {
            status != Status::Supported
                && Version::parse(removal).is_ok_and(|v| v.pre.is_empty() && v.build.is_empty())
        }
    }
}

fn removal_problem(at: &str, status: Status, removal: Option<&str>) -> String {
    match removal {
        None => format!("{at}.removal: null, but what is {status} names the version of its removal"),
        Some(removal) if status == Status::Supported => {
            format!("{at}.removal: {removal:?}, but it is supported: null")
        }
        Some(removal) => format!("{at}.removal: {removal:?} is not X.Y.Z"),
    }
}

#[cfg(test)]
mod tests;
