//! Pushes images to registries and pulls them. Tags are written last, so that a tag never names an incomplete
//! image.

use super::reference::Reference;
use super::registry::Registry;
use super::spec::{self, Descriptor, Image, Index, Manifest};
use super::store::Store;
use super::upload::Sent;
use super::{Built, PlatformImage};
use crate::sys::parallel;
use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use std::fmt;

/// The result of a push. A second push of the same image uploads nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub layers_uploaded: usize,
    pub layers_mounted: usize,
    pub layers_existing: usize,
    /// The size of the uploaded blobs: layers, configs and SBOMs.
    pub bytes_uploaded: u64,
    pub digest: String,
}

impl fmt::Display for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pushed { layers_uploaded, layers_mounted, layers_existing, bytes_uploaded, digest } = self;
        let kib = bytes_uploaded.div_ceil(1024);
        write!(
            f,
            "layers: {layers_uploaded} uploaded, {layers_mounted} mounted, {layers_existing} already there; \
             {kib} KiB sent; {digest}"
        )
    }
}

impl Built {
    /// Pushes blobs, manifests, index, SBOMs and then `tags` to the repository of this name on `registry`.
    pub(crate) fn push(&self, registry: &Registry, tags: &[&str]) -> Result<Pushed> {
        for tag in tags {
            if !super::reference::is_tag(tag) {
                bail!("{tag:?} is not a tag");
            }
        }
        let repository = &self.name.repository;
        let mut report = self.push_blobs(registry)?;
        for part in &self.platforms {
            self.put(registry, &part.manifest)?;
        }
        self.put(registry, &self.index)?;
        for part in &self.platforms {
            if let Some(sbom) = &part.sbom
                && !self.put(registry, sbom)?
            {
                refer(registry, repository, &part.manifest.digest, sbom)?;
            }
        }
        let bytes = self.store.bytes(&self.index.digest)?;
        for tag in tags {
            registry.put_manifest(repository, tag, &self.index.media_type, &bytes)?;
        }
        report.digest = self.index.digest.clone();
        Ok(report)
    }

    fn push_blobs(&self, registry: &Registry) -> Result<Pushed> {
        let mut layers: Vec<&Descriptor> = Vec::new();
        let mut others: Vec<Descriptor> = Vec::new();
        for part in &self.platforms {
            layers.extend(&part.layers);
            others.push(part.config.clone());
            if let Some(sbom) = &part.sbom {
                let manifest: Manifest = self.store.read(&sbom.digest)?;
                others.push(manifest.config);
                others.extend(manifest.layers);
            }
        }
        let unique = |blobs: &mut Vec<&Descriptor>| {
            let mut seen = std::collections::HashSet::new();
            blobs.retain(|b| seen.insert(b.digest.clone()));
        };
        let mut others: Vec<&Descriptor> = others.iter().collect();
        unique(&mut layers);
        unique(&mut others);
        let from =
            self.base.as_ref().filter(|base| base.host == registry.host).map(|base| base.repository.as_str());
        let send = |blob: &&Descriptor, from: Option<&str>| {
            let sent =
                registry.put_blob(&self.name.repository, blob, &self.store.path(&blob.digest), from)?;
            Ok((sent, blob.size))
        };
        let sent = parallel::each(4, &layers, |blob| send(blob, from))?;
        let small = parallel::each(4, &others, |blob| send(blob, None))?;
        let count = |what: Sent| sent.iter().filter(|(s, _)| *s == what).count();
        Ok(Pushed {
            layers_uploaded: count(Sent::Uploaded),
            layers_mounted: count(Sent::Mounted),
            layers_existing: count(Sent::Existing),
            bytes_uploaded: sent
                .iter()
                .chain(&small)
                .filter(|(s, _)| *s == Sent::Uploaded)
                .map(|(_, size)| size)
                .sum(),
            digest: String::new(),
        })
    }

    /// Puts a manifest of the layout under its digest.
    fn put(&self, registry: &Registry, manifest: &Descriptor) -> Result<bool> {
        let bytes = self.store.bytes(&manifest.digest)?;
        registry.put_manifest(&self.name.repository, &manifest.digest, &manifest.media_type, &bytes)
    }
}

/// Adds `referrer` to the list of manifests that refer to `subject`. A registry without the referrers API
/// keeps that list under the tag `sha256-<hex>` (OCI distribution spec, "Referrers Tag Schema").
fn refer(registry: &Registry, repository: &str, subject: &str, referrer: &Descriptor) -> Result<()> {
    let tag = subject.replace(':', "-");
    let mut index = match registry.manifest(repository, &tag)? {
        Some((_, bytes)) => spec::from_bytes(&bytes, &format!("the referrers of {subject}"))?,
        None => Index::new(Vec::new(), Default::default()),
    };
    if index.manifests.iter().any(|m| m.digest == referrer.digest) {
        return Ok(());
    }
    index.manifests.push(referrer.clone());
    registry.put_manifest(repository, &tag, spec::INDEX, &spec::to_bytes(&index)).map(drop)
}

/// Adds a tag to an image. An error if the registry does not have the digest.
pub(crate) fn retag(registry: &Registry, repository: &str, digest: &str, tag: &str) -> Result<()> {
    let (descriptor, bytes) = registry.manifest(repository, digest)?.with_context(|| {
        format!("{}/{repository} has no image {digest}, so it cannot be tagged {tag}", registry.host)
    })?;
    registry.put_manifest(repository, tag, &descriptor.media_type, &bytes).map(drop)
}

/// Downloads an image as a user does, into a new layout at `out`. Every blob is checked against its digest.
pub(crate) fn pull(registry: &Registry, reference: &Reference, out: &Utf8Path) -> Result<Built> {
    if out.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("cannot replace {out}"))?;
    }
    let store = Store::at(out)?;
    let repository = &reference.repository;
    let (index, bytes) = registry
        .manifest(repository, reference.version())?
        .with_context(|| format!("there is no image {reference}"))?;
    if !index.is_index() {
        bail!("{reference} is an image for one platform ({}); expected an index", index.media_type);
    }
    store.put(&index.media_type, &bytes)?;
    let document: Index = spec::from_bytes(&bytes, &reference.to_string())?;
    let platforms =
        parallel::each(2, &document.manifests, |manifest| pull_one(registry, repository, manifest, &store))?;
    let name = Reference { tag: None, digest: None, ..reference.clone() };
    let built = Built {
        name,
        store,
        digest: index.digest.clone(),
        base_digest: String::new(),
        index,
        platforms,
        base: None,
    };
    super::write_layout(&built)?;
    Ok(built)
}

fn pull_one(
    registry: &Registry,
    repository: &str,
    manifest: &Descriptor,
    store: &Store,
) -> Result<PlatformImage> {
    let (descriptor, bytes) = registry.manifest(repository, &manifest.digest)?.with_context(|| {
        format!("{}/{repository} has no manifest {}, but its index lists it", registry.host, manifest.digest)
    })?;
    store.put(&descriptor.media_type, &bytes)?;
    let document: Manifest = spec::from_bytes(&bytes, &manifest.digest)?;
    registry.fetch(repository, &document.config, store)?;
    parallel::each(4, &document.layers, |layer| registry.fetch(repository, layer, store))?;
    let config: Image = store.read(&document.config.digest)?;
    Ok(PlatformImage {
        platform: config.platform,
        manifest: descriptor,
        config: document.config,
        layers: document.layers,
        sbom: None,
    })
}
