//! The SBOM of a package: CycloneDX 1.6 JSON with the packages of its lock file. Users may get newer ones
//! within the ranges that the package declares; the image's own SBOM lists what is in the image.

use super::Release;
use crate::oci::spec::digest;
use crate::sys::date;
use anyhow::Result;
use serde_json::{Value, json};

/// Name and content. None without a lock file in the app's folder that is understood.
pub(super) fn of(release: &Release) -> Result<Option<(String, Vec<u8>)>> {
    let (ctx, app) = (release.ctx, release.app);
    let (ecosystem, package) = (app.settings.ecosystem, &app.settings.package);
    let lock = ecosystem.lock_files().iter().find_map(|name| {
        let text = release.committed(name).ok()?;
        Some((*name, ecosystem.locked(package, &String::from_utf8_lossy(&text))?))
    });
    let Some((lock, components)) = lock else { return Ok(None) };
    let version = ecosystem.package_version(&release.version)?;
    let purl = ecosystem.purl(package, &version);
    let packages: Vec<Value> = components
        .iter()
        .map(|c| {
            json!({
                "type": "library", "bom-ref": c.purl, "name": c.name, "version": c.version, "purl": c.purl,
            })
        })
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&format!("{purl} {}", release.commit)),
        "version": 1,
        "metadata": {
            "timestamp": date::rfc3339(ctx.git.commit_time(&release.commit)?)?,
            "component": {
                "type": "library", "bom-ref": purl, "name": package, "version": version, "purl": purl,
                "properties": [{ "name": "components from", "value": lock }],
            },
        },
        "components": packages,
    });
    Ok(Some(("sbom.cdx.json".to_string(), format!("{document:#}\n").into_bytes())))
}

/// A version 8 UUID (RFC 9562) that is derived from the package and its commit: the same bytes in each run.
fn serial_number(text: &str) -> String {
    let hash = digest(text.as_bytes());
    let h = hash.trim_start_matches("sha256:");
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &h[..8], &h[8..12], &h[12..15], &h[15..18], &h[18..30])
}
