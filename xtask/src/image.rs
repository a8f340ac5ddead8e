use crate::{Ctx, probe::Expect, workspace::App};
use anyhow::Result;
pub struct Built { pub digest: String, pub base_digest: String }
pub fn build_app(_: &Ctx, _: &App, _: &str, _: &semver::Version, _: &camino::Utf8Path, _: Option<&str>) -> Result<Built> { anyhow::bail!("x") }
pub fn probe_built(_: &Ctx, _: &App, _: &Built, _: &Expect) -> Result<String> { anyhow::bail!("x") }
pub fn probe_pulled(_: &Ctx, _: &App, _: &str, _: &Expect) -> Result<String> { anyhow::bail!("x") }
pub fn push(_: &Ctx, _: &App, _: &Built, _: &[String]) -> Result<String> { anyhow::bail!("x") }
pub fn remote_digest(_: &Ctx, _: &App, _: &str) -> Result<Option<String>> { anyhow::bail!("x") }
pub fn retag(_: &Ctx, _: &App, _: &str, _: &str) -> Result<()> { anyhow::bail!("x") }
pub fn can_push(_: &Ctx, _: &App) -> Result<()> { anyhow::bail!("x") }
pub fn sha_tag(c: &str) -> String { format!("sha-{}", &c[..7]) }
