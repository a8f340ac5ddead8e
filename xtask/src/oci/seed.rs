//! Builds a stand-in for a base image and pushes it to a registry on this machine under the base's own name.
//! It is used in every rehearsal, and where no base image can be pulled.

use super::layer;
use super::reference::Reference;
use super::registry::Registry;
use super::spec::{self, Descriptor, History, Image, Index, Manifest, Platform, RootFs, Run};
use super::store::Store;
use crate::oci::debian;
use crate::oci::debian::Base;
use crate::sys::parallel;
use anyhow::{Result, bail};
use camino::Utf8Path;
use std::collections::BTreeMap;
use xshell::cmd;

/// Builds a Debian image for each platform, with Python if the base has it, and pushes it to `host` under the
/// name of `base`. Returns the digest of its index.
pub(crate) fn seed_base(host: &str, base: &Reference, platforms: &[Platform]) -> Result<String> {
    let stand_in = stand_in(base)?;
    let store = Store::cache()?;
    let roots = parallel::each(platforms.len(), platforms, |platform| {
        if platform.os != "linux" {
            bail!("there is no stand-in base image for {platform}");
        }
        debian::base(stand_in, &platform.architecture)
    })?;
    let images = platforms.iter().zip(&roots).collect::<Vec<_>>();
    let manifests =
        parallel::each(images.len(), &images, |(platform, root)| write(&store, platform, root, stand_in))?;
    push(&store, &Registry::open(host, true)?, base, manifests)
}

/// The stand-in for a base image. An error unless the base is debian, or python in Debian's version.
fn stand_in(base: &Reference) -> Result<Base> {
    match base.repository.rsplit('/').next() {
        Some("debian") => Ok(Base::Slim),
        Some("python") => match super::base::python_of(base)? {
            version if version == debian::PYTHON => Ok(Base::Python),
            version => bail!("the stand-in for {base} has Python {}, not {version}", debian::PYTHON),
        },
        _ => bail!(
            "there is no stand-in for the base image {base}; only for debian and for python:{}",
            debian::PYTHON
        ),
    }
}

/// Writes the image for one platform to the store. Returns its manifest.
fn write(store: &Store, platform: &Platform, root: &Utf8Path, stand_in: Base) -> Result<Descriptor> {
    // The folder's path contains its kind, layout and architecture, and its contents never change, so it is
    // the key.
    let layer = layer::cached(store, &format!("base {root}"), |dir| {
        let sh = crate::sys::child::shell("/")?;
        crate::sys::child::capture(cmd!(sh, "cp -a {root}/. {dir}"), &[]).map(|_| Vec::new())
    })?;
    let config = Image {
        created: Some("1970-01-01T00:00:00Z".into()),
        platform: platform.clone(),
        config: Run {
            env: vec!["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin".into(), "LANG=C.UTF-8".into()],
            cmd: vec![if stand_in == Base::Python { "python" } else { "bash" }.into()],
            ..Run::default()
        },
        rootfs: RootFs { kind: "layers".into(), diff_ids: vec![layer.diff_id.clone()] },
        history: vec![History {
            created: None,
            created_by: Some("Debian's packages, unpacked by cargo xtask".into()),
            comment: None,
            empty_layer: false,
        }],
    };
    let config = store.put(spec::CONFIG, &spec::to_bytes(&config))?;
    let layer = Descriptor::new(spec::LAYER, layer.digest, layer.size);
    let manifest =
        store.put(spec::MANIFEST, &spec::to_bytes(&Manifest::new(config, vec![layer], BTreeMap::new())))?;
    Ok(Descriptor { platform: Some(platform.clone()), ..manifest })
}

fn push(store: &Store, registry: &Registry, base: &Reference, manifests: Vec<Descriptor>) -> Result<String> {
    let repository = &base.repository;
    for descriptor in &manifests {
        let manifest: Manifest = store.read(&descriptor.digest)?;
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            registry.put_blob(repository, blob, &store.path(&blob.digest), None)?;
        }
        registry.put_manifest(
            repository,
            &descriptor.digest,
            spec::MANIFEST,
            &store.bytes(&descriptor.digest)?,
        )?;
    }
    let index = spec::to_bytes(&Index::new(manifests, BTreeMap::new()));
    let digest = spec::digest(&index);
    registry.put_manifest(repository, &digest, spec::INDEX, &index)?;
    registry.put_manifest(repository, base.tag.as_deref().unwrap_or("latest"), spec::INDEX, &index)?;
    Ok(digest)
}
