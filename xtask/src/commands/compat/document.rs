//! Reads compat.json by the same rules as contract/compat.schema.json, and answers whether it supports a
//! plugin or a channel. Pure.

use crate::model::version;
use semver::Version;
use serde::Deserialize;
use std::fmt;

/// The only schema so far. A document with another one needs a newer xtask.
pub(crate) const SCHEMA: u64 = 1;
pub(crate) const SCHEMA_URL: &str =
    "https://raw.githubusercontent.com/l4b4r4b4b4/fractal-agents-runtime/main/contract/compat.schema.json";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(rename = "$schema")]
    pub schema_url: String,
    pub schema: u64,
    pub package: String,
    /// In the manifest's spelling: PEP 440 in Python.
    pub version: String,
    pub contract: Contract,
    pub plugins: Vec<PluginApi>,
    pub channels: Vec<Channel>,
}

/// The HTTP contract that the release serves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    pub version: String,
    /// `sha256:<64 hex digits>` of the committed spec.
    pub spec: String,
}

/// A version of the interface that plugins are written for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PluginApi {
    pub api_version: String,
    pub status: Status,
    #[serde(deserialize_with = "Option::deserialize")]
    pub removal: Option<String>,
}

/// A version of a protocol that channel adapters use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channel {
    pub protocol: String,
    pub version: String,
    pub status: Status,
    #[serde(deserialize_with = "Option::deserialize")]
    pub removal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Supported,
    /// Works until the version in `removal`.
    Deprecated,
    /// Removed in the version in `removal`.
    Removed,
}

/// Whether a document supports a version of the plugin API or of a channel, with the version in `removal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support<'a> {
    Supported,
    Deprecated(&'a str),
    Removed(&'a str),
    /// The document does not mention it.
    Unknown,
}

/// The document, or a list of all problems with it.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Vec<String>> {
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|e| vec![format!("not JSON: {e}")])?;
    // First, because the rest of a document with another schema cannot be judged.
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(SCHEMA) | None => {}
        Some(other) => {
            return Err(vec![format!(
                "its schema is {other}, but this program only reads schema {SCHEMA}: use a newer xtask"
            )]);
        }
    }
    // From the text, because the value above has lost duplicate keys, which are an error.
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
            format!("contract.spec: {:?} must be `sha256:` and 64 lower-case hex digits", self.contract.spec),
        );
        for (i, plugin) in self.plugins.iter().enumerate() {
            let at = format!("plugins[{i}]");
            must(
                number(&plugin.api_version),
                format!("{at}.apiVersion: {:?} is not a whole number", plugin.api_version),
            );
            must(
                !self.plugins[..i].iter().any(|p| p.api_version == plugin.api_version),
                format!("{at}: {:?} is listed twice", plugin.api_version),
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
                format!("{at}: {} {} is listed twice", channel.protocol, channel.version),
            );
            must(
                removal_fits(channel.status, channel.removal.as_deref()),
                removal_problem(&at, channel.status, channel.removal.as_deref()),
            );
        }
        problems
    }

    /// Whether plugins for this apiVersion are supported.
    pub(crate) fn plugin(&self, api_version: &str) -> Support<'_> {
        support(
            self.plugins
                .iter()
                .find(|p| p.api_version == api_version)
                .map(|p| (p.status, p.removal.as_deref())),
        )
    }

    /// Whether adapters for this version of the protocol are supported.
    pub(crate) fn channel(&self, protocol: &str, version: &str) -> Support<'_> {
        let channel = self.channels.iter().find(|c| c.protocol == protocol && c.version == version);
        support(channel.map(|c| (c.status, c.removal.as_deref())))
    }

    /// The supported plugin API versions, for messages.
    pub(crate) fn plugin_versions(&self) -> String {
        let alive = self.plugins.iter().filter(|p| p.status != Status::Removed);
        listed(alive.map(|p| p.api_version.clone()))
    }

    /// The supported protocols with their versions, for messages.
    pub(crate) fn channel_versions(&self) -> String {
        let alive = self.channels.iter().filter(|c| c.status != Status::Removed);
        listed(alive.map(|c| format!("{} {}", c.protocol, c.version)))
    }

    pub(crate) fn summary(&self) -> String {
        format!("plugins {}; channels {}", self.plugin_versions(), self.channel_versions())
    }

    /// A message for each deprecated entry whose removal is this version or an earlier one.
    pub(crate) fn overdue(&self) -> impl Iterator<Item = String> + '_ {
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
            reached.then(|| format!("{what} is deprecated, and its removal is {removal}"))
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

fn support(entry: Option<(Status, Option<&str>)>) -> Support<'_> {
    match entry {
        None => Support::Unknown,
        Some((Status::Supported, _)) => Support::Supported,
        Some((Status::Deprecated, removal)) => Support::Deprecated(removal.unwrap_or("a later version")),
        Some((Status::Removed, removal)) => Support::Removed(removal.unwrap_or("an earlier version")),
    }
}

/// Reads both spellings, `1.0.0-rc.1` and `1.0.0rc1`.
fn semver(text: &str) -> Option<Version> {
    Version::parse(text).ok().or_else(|| version::from_pep440(text).ok())
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+-".contains(c))
}

/// Whether the text is a whole number above 0 without leading zeros: 1, 2, 10.
fn number(text: &str) -> bool {
    !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `sha256:` and 64 lower-case hex digits.
pub(crate) fn is_hash(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hex))
}

/// A supported entry has no removal. Any other has one, and it is a release, not a pre-release.
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
        None => format!("{at}.removal: null, but a {status} entry needs the version of its removal"),
        Some(removal) if status == Status::Supported => {
            format!("{at}.removal: {removal:?}, but it must be null for a supported entry")
        }
        Some(removal) => format!("{at}.removal: {removal:?} is not X.Y.Z"),
    }
}

#[cfg(test)]
mod tests;
