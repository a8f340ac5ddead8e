//! The base image: resolves its tag to a digest once, and then reads the manifest, config and layers for each
//! platform.

use super::reference::Reference;
use super::registry::Registry;
use super::spec::{self, Descriptor, Image, Index, Manifest, Platform};
use super::store::Store;
use crate::sys::exit::Exit;
use crate::sys::parallel;
use anyhow::{Context, Result, bail};

/// A base image pinned by digest.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// The name in the settings, with the digest: `docker.io/library/python:3.11-slim-bookworm@sha256:…`.
    pub name: Reference,
    /// The name that it is read from: the same, or on the registry that replaces it.
    pub from: Reference,
    descriptor: Descriptor,
    bytes: Vec<u8>,
}

/// The part of a base image for one platform. Its layers are in the store.
pub(crate) struct Part {
    pub config: Image,
    pub layers: Vec<Descriptor>,
}

/// Resolves `name` to the digest `pinned`, or else to the one that the registry has now. `registry` replaces
/// the host of the name.
pub(crate) fn resolve(name: &Reference, pinned: Option<&str>, registry: Option<&str>) -> Result<Base> {
    let mut name = name.clone();
    if let Some(digest) = pinned {
        name.digest = Some(digest.to_string());
    }
    let from = name.clone().on(registry);
    let (descriptor, bytes) = Registry::of(&from, false)?
        .manifest(&from.repository, from.version())
        .with_context(|| format!("cannot read the base image {from}"))?
        .with_context(|| format!("there is no base image {from}"))?;
    name.digest = Some(descriptor.digest.clone());
    Ok(Base { from: Reference { digest: name.digest.clone(), ..from }, name, descriptor, bytes })
}

impl Base {
    pub(crate) fn digest(&self) -> &str {
        &self.descriptor.digest
    }

    /// Downloads the config and layers for this platform, unless the store has them.
    pub(crate) fn fetch(&self, platform: &Platform, store: &Store) -> Result<Part> {
        let registry = Registry::of(&self.from, false)?;
        let repository = &self.from.repository;
        let bytes =
            if self.descriptor.is_index() { self.manifest(&registry, platform)? } else { self.bytes.clone() };
        let manifest: Manifest =
            spec::from_bytes(&bytes, &format!("the manifest of {} for {platform}", self.from))?;
        registry.fetch(repository, &manifest.config, store)?;
        let config: Image = spec::from_bytes(
            &store.bytes(&manifest.config.digest)?,
            &format!("the config of {} for {platform}", self.from),
        )?;
        if !platform.matches(&config.platform) {
            bail!(
                "the base image {} is for {}, not for {platform}; \
                 change [image] base or platforms in app.toml",
                self.from,
                config.platform
            );
        }
        if config.rootfs.diff_ids.len() != manifest.layers.len() {
            bail!(
                "the base image {} has {} layers, but its config lists {}",
                self.from,
                manifest.layers.len(),
                config.rootfs.diff_ids.len()
            );
        }
        let layers = manifest.layers.iter().map(oci_layer).collect::<Result<Vec<_>>>()?;
        parallel::each(4, &layers, |layer| registry.fetch(repository, layer, store))?;
        Ok(Part { config, layers })
    }

    fn manifest(&self, registry: &Registry, platform: &Platform) -> Result<Vec<u8>> {
        let index: Index = spec::from_bytes(&self.bytes, &format!("the index of {}", self.from))?;
        let found = index.manifests.iter().find(|m| m.platform.as_ref().is_some_and(|p| platform.matches(p)));
        let found = found.with_context(|| {
            let has: Vec<String> = index
                .manifests
                .iter()
                .filter_map(|m| m.platform.as_ref())
                .map(Platform::to_string)
                .filter(|p| !p.contains("unknown"))
                .collect();
            format!(
                "the base image {} has no {platform}, only {}; change [image] base or platforms in app.toml",
                self.from,
                has.join(", ")
            )
        })?;
        let manifest = registry.manifest(&self.from.repository, &found.digest)?;
        Ok(manifest
            .with_context(|| {
                format!(
                    "{} lists the manifest {}, but the registry does not have it",
                    self.from, found.digest
                )
            })?
            .1)
    }
}

/// A layer with its OCI media type. Docker's schema 2 has other names for the same bytes.
fn oci_layer(layer: &Descriptor) -> Result<Descriptor> {
    let media_type = match layer.media_type.as_str() {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" | spec::LAYER => spec::LAYER,
        "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => {
            "application/vnd.oci.image.layer.v1.tar"
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" => "application/vnd.oci.image.layer.v1.tar+zstd",
        other => bail!("the base image has a layer of the type {other}, which is not supported"),
    };
    Ok(Descriptor::new(media_type, layer.digest.clone(), layer.size))
}

/// The Python version of a base image, read from its tag: wheels are selected for it without running the
/// image.
pub(crate) fn python_of(base: &Reference) -> Result<String> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let tag = base.tag.as_deref().unwrap_or_default().split('-').next().unwrap_or_default();
    match tag.split('.').collect::<Vec<_>>()[..] {
        [major, minor, ..] if number(major) && number(minor) => Ok(format!("{major}.{minor}")),
        _ => Err(Exit::Usage(format!(
            "[image] base = \"{base}\": its tag must begin with Python's version, \
             as in python:3.11-slim-bookworm"
        ))
        .into()),
    }
}
