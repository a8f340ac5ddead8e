//! The SBOM of an image: CycloneDX 1.6 JSON, with the same bytes for the same image.

use super::spec;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// A package in a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Component {
    pub name: String,
    pub version: String,
    /// <https://github.com/package-url/purl-spec>
    pub purl: String,
    /// The package's SPDX expression. None if it has none.
    pub license: Option<String>,
}

/// The image that the SBOM describes.
pub(crate) struct Subject<'a> {
    /// `ghcr.io/owner/name`
    pub name: &'a str,
    pub version: &'a str,
    pub platform: &'a spec::Platform,
    /// The digest of the platform's manifest.
    pub digest: &'a str,
    /// The base image's name with its digest.
    pub base: &'a str,
    /// The time in RFC 3339 form.
    pub created: &'a str,
}

pub(crate) fn cyclonedx(subject: &Subject, components: &[Component]) -> Vec<u8> {
    let base = json!({ "type": "container", "bom-ref": subject.base, "name": subject.base });
    let packages = components.iter().map(|c| {
        let mut package = json!({
            "type": "library",
            "bom-ref": c.purl,
            "name": c.name,
            "version": c.version,
            "purl": c.purl,
        });
        if let Some(expression) = &c.license {
            package["licenses"] = json!([{ "expression": expression }]);
        }
        package
    });
    let components: Vec<Value> = std::iter::once(base).chain(packages).collect();
    let reference = format!("{}@{}", subject.name, subject.digest);
    spec::to_bytes(&json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(&reference),
        "version": 1,
        "metadata": {
            "timestamp": subject.created,
            "component": {
                "type": "container",
                "bom-ref": reference,
                "name": subject.name,
                "version": subject.version,
                "properties": [{ "name": "platform", "value": subject.platform.to_string() }],
            },
        },
        "components": components,
    }))
}

/// `urn:uuid:…`, a version 8 UUID (RFC 9562) that is derived from the image's digest. A random one would make
/// builds differ.
fn serial_number(reference: &str) -> String {
    let hash = spec::digest(reference.as_bytes());
    let h = hash.trim_start_matches("sha256:");
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &h[..8], &h[8..12], &h[12..15], &h[15..18], &h[18..30])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sbom_lists_image_base_and_packages() {
        let platform = spec::Platform::parse("linux/amd64").unwrap();
        let subject = Subject {
            name: "h/n",
            version: "1.0.0",
            platform: &platform,
            digest: "sha256:1",
            base: "b@sha256:2",
            created: "2026-01-01T00:00:00Z",
        };
        let robyn = Component {
            name: "robyn".into(),
            version: "0.88".into(),
            purl: "pkg:pypi/robyn@0.88".into(),
            license: Some("BSD-2-Clause".into()),
        };
        let components = [robyn];
        let bytes = cyclonedx(&subject, &components);
        assert_eq!(bytes, cyclonedx(&subject, &components));
        let bom: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(bom["metadata"]["component"]["bom-ref"], "h/n@sha256:1");
        assert_eq!(bom["components"][0]["name"], "b@sha256:2");
        assert_eq!(bom["components"][1]["licenses"][0]["expression"], "BSD-2-Clause");
        let serial = bom["serialNumber"].as_str().unwrap();
        assert_eq!(serial.len(), "urn:uuid:".len() + 36);
        assert_eq!(&serial[23..24], "8");
    }
}
