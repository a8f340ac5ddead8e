//! Builds container images without a daemon, and writes them as an OCI layout: the base's layers and one
//! layer for each source, a config and a manifest for each platform, and one index. The same recipe gives the
//! same digest on every machine.

mod auth;
pub(crate) mod base;
pub(crate) mod debian;
mod layer;
pub(crate) mod push;
pub(crate) mod reference;
pub(crate) mod registry;
pub(crate) mod rootfs;
pub(crate) mod sbom;
pub(crate) mod seed;
pub(crate) mod spec;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod testing;
mod upload;

use crate::sys::parallel;
use anyhow::{Context, Result};
use base::Base;
use camino::Utf8Path;
use layer::Layer;
use reference::Reference;
use sbom::Component;
use spec::{Descriptor, History, Image, Index, Manifest, Platform};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use store::Store;

/// The user that the program runs as. It is numeric because an engine (and Kubernetes' runAsNonRoot) cannot
/// look up names.
pub(crate) const USER: &str = "10001:10001";
/// The port that a container listens on. An engine can publish it as any other port.
pub(crate) const PORT: u16 = 8000;

/// The folder for a volume. An engine gives an empty volume the permissions of this folder.
pub(crate) const DATA: &str = "data";

/// Adds [`DATA`] to an image. Everybody may write there, because who runs the image can choose another user.
pub(crate) fn data_folder(root: &Utf8Path) -> Result<()> {
    let folder = root.join(DATA);
    std::fs::create_dir(&folder)?;
    Ok(std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o1777))?)
}

/// The inputs of an image build. An ecosystem fills it in.
pub(crate) struct Recipe<'a> {
    /// The image's name on its real registry, without a tag.
    pub name: Reference,
    pub version: String,
    pub base: Base,
    pub platforms: Vec<Platform>,
    /// The commit's time, in seconds since 1970.
    pub created: i64,
    /// More `org.opencontainers.image.*` labels than those set here (created, version, title, base.*).
    pub labels: BTreeMap<String, String>,
    pub env: Vec<(String, String)>,
    pub entrypoint: Vec<String>,
    pub port: u16,
    /// The app's layers. Those that change least come first.
    pub layers: Vec<Source<'a>>,
}

/// The source of a layer.
pub(crate) struct Source<'a> {
    /// The name of the layer in the image's history: `dependencies`.
    pub what: &'static str,
    /// The cache key: a layer with the same key is reused. None: the layer is always built.
    pub key: Option<String>,
    pub fill: Fill<'a>,
}

/// Fills an empty folder, which is the image's root, and returns the packages in it.
pub(crate) type Fill<'a> = Box<dyn Fn(&Platform, &Utf8Path) -> Result<Vec<Component>> + Sync + 'a>;

/// An image in a folder (OCI layout), ready to run and to push.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub name: Reference,
    pub store: Store,
    /// `sha256:…` of the index, which a tag will name.
    pub digest: String,
    /// The digest of the base image's index. Empty for an image that was pulled.
    pub base_digest: String,
    index: Descriptor,
    pub platforms: Vec<PlatformImage>,
    /// The repository that the base was read from. On the same registry its layers can be mounted instead of
    /// uploaded.
    pub base: Option<Reference>,
}

/// One platform of an image.
#[derive(Clone, Debug)]
pub(crate) struct PlatformImage {
    pub platform: Platform,
    pub manifest: Descriptor,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    /// The manifest of the SBOM, which refers to this platform's manifest.
    pub sbom: Option<Descriptor>,
}

impl Built {
    pub(crate) fn config(&self, platform: &PlatformImage) -> Result<Image> {
        self.store.read(&platform.config.digest)
    }
}

/// Builds all platforms and writes the layout to `out`, which is replaced. Layers and the base are kept in
/// `cache`.
pub(crate) fn build(recipe: &Recipe, cache: &Store, out: &Utf8Path) -> Result<Built> {
    if out.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("cannot replace {out}"))?;
    }
    let store = Store::at(out)?;
    let created = crate::sys::date::rfc3339(recipe.created).context("the commit has an invalid time")?;
    let annotations = annotations(recipe, &created);
    let platforms = parallel::each(recipe.platforms.len(), &recipe.platforms, |platform| {
        build_one(recipe, platform, &created, &annotations, cache, &store)
            .with_context(|| format!("cannot build the image for {platform}"))
    })?;
    let manifests = platforms
        .iter()
        .map(|p| Descriptor { platform: Some(p.platform.clone()), ..p.manifest.clone() })
        .collect();
    let index = store.put(spec::INDEX, &spec::to_bytes(&Index::new(manifests, annotations)))?;
    let built = Built {
        name: recipe.name.clone(),
        store,
        digest: index.digest.clone(),
        base_digest: recipe.base.digest().to_string(),
        index,
        platforms,
        base: Some(recipe.base.from.clone()),
    };
    write_layout(&built)?;
    Ok(built)
}

/// An image that was built before, perhaps on another machine. The caller has checked its files.
pub(crate) fn open(
    layout: &Utf8Path,
    name: Reference,
    digest: &str,
    base_digest: &str,
    base: Option<Reference>,
) -> Result<Built> {
    let store = Store::at(layout)?;
    let path = layout.join("index.json");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    let listed: Index = spec::from_bytes(&bytes, path.as_str())?;
    let (index, sboms): (Vec<Descriptor>, Vec<Descriptor>) =
        listed.manifests.into_iter().partition(|one| one.artifact_type.is_none());
    let index = index.into_iter().find(|one| one.digest == digest);
    let index = index.with_context(|| format!("{path} does not name the image {digest}"))?;
    let document: Index = store.read(digest)?;
    let platforms = document.manifests.into_iter().map(|listed| {
        let manifest = Descriptor { platform: None, ..listed };
        let read: Manifest = store.read(&manifest.digest)?;
        let config: Image = store.read(&read.config.digest)?;
        let mut sbom = None;
        for one in &sboms {
            let subject = store.read::<Manifest>(&one.digest)?.subject;
            if subject.is_some_and(|subject| subject.digest == manifest.digest) {
                sbom = Some(one.clone());
            }
        }
        Ok(PlatformImage {
            platform: config.platform,
            manifest,
            config: read.config,
            layers: read.layers,
            sbom,
        })
    });
    let platforms = platforms.collect::<Result<_>>()?;
    let (digest, base_digest) = (digest.to_string(), base_digest.to_string());
    Ok(Built { name, store, digest, base_digest, index, platforms, base })
}

fn build_one(
    recipe: &Recipe,
    platform: &Platform,
    created: &str,
    annotations: &BTreeMap<String, String>,
    cache: &Store,
    store: &Store,
) -> Result<PlatformImage> {
    let part = recipe.base.fetch(platform, cache)?;
    let mut config = part.config;
    let mut layers = part.layers;
    let mut components = Vec::new();
    for source in &recipe.layers {
        let layer = source_layer(source, platform, cache, store)
            .with_context(|| format!("cannot build its layer {:?}", source.what))?;
        config.rootfs.diff_ids.push(layer.diff_id.clone());
        config.history.push(history(created, source.what, false));
        layers.push(Descriptor::new(spec::LAYER, layer.digest.clone(), layer.size));
        components.extend(layer.components);
    }
    for layer in &layers {
        store.link(cache, &layer.digest)?;
    }
    configure(&mut config, recipe, created, annotations);
    let config = store.put(spec::CONFIG, &spec::to_bytes(&config))?;
    let manifest = Manifest::new(config.clone(), layers.clone(), annotations.clone());
    let manifest = store.put(spec::MANIFEST, &spec::to_bytes(&manifest))?;
    let sbom = attach_sbom(recipe, platform, created, &manifest, components, store)?;
    Ok(PlatformImage { platform: platform.clone(), manifest, config, layers, sbom: Some(sbom) })
}

/// A layer with a key is kept in the cache. One without a key is never reused, so it is not cached.
fn source_layer(source: &Source, platform: &Platform, cache: &Store, store: &Store) -> Result<Layer> {
    let fill = |dir: &Utf8Path| (source.fill)(platform, dir);
    match &source.key {
        Some(key) => layer::cached(cache, &format!("{platform} {key}"), fill),
        None => layer::make(store, fill),
    }
}

/// Changes the base's config into the config of this image.
fn configure(config: &mut Image, recipe: &Recipe, created: &str, labels: &BTreeMap<String, String>) {
    config.created = Some(created.to_string());
    let run = &mut config.config;
    for (name, value) in &recipe.env {
        run.env.retain(|kept| kept.split('=').next() != Some(name));
        run.env.push(format!("{name}={value}"));
    }
    run.env.sort();
    run.user = USER.to_string();
    run.entrypoint = recipe.entrypoint.clone();
    run.cmd.clear();
    run.working_dir = "/".to_string();
    run.exposed_ports.insert(format!("{}/tcp", recipe.port), serde_json::json!({}));
    // The base's licence, source and description are not this image's. label-schema.org is what the OCI
    // annotations replaced.
    run.labels.retain(|key, _| {
        !key.starts_with("org.opencontainers.image.") && !key.starts_with("org.label-schema.")
    });
    run.labels.extend(labels.clone());
    config.history.push(history(created, "config", true));
}

fn history(created: &str, what: &str, empty_layer: bool) -> History {
    History {
        created: Some(created.to_string()),
        created_by: Some(format!("cargo xtask image: {what}")),
        comment: None,
        empty_layer,
    }
}

/// The annotations of the OCI image spec. They are written as labels (for engines) and as annotations (for
/// registries).
fn annotations(recipe: &Recipe, created: &str) -> BTreeMap<String, String> {
    let mut all = recipe.labels.clone();
    let title = recipe.name.repository.rsplit('/').next().unwrap_or_default().to_string();
    let base = &recipe.base.name;
    for (key, value) in [
        ("created", created.to_string()),
        ("version", recipe.version.clone()),
        ("title", title),
        ("base.name", Reference { digest: None, ..base.clone() }.to_string()),
        ("base.digest", recipe.base.digest().to_string()),
    ] {
        all.insert(format!("org.opencontainers.image.{key}"), value);
    }
    all
}

/// Writes the SBOM as an artifact whose subject is the platform's manifest.
fn attach_sbom(
    recipe: &Recipe,
    platform: &Platform,
    created: &str,
    subject: &Descriptor,
    mut components: Vec<Component>,
    store: &Store,
) -> Result<Descriptor> {
    components.sort();
    components.dedup();
    let about = sbom::Subject {
        name: &recipe.name.name(),
        version: &recipe.version,
        platform,
        digest: &subject.digest,
        base: &recipe.base.name.to_string(),
        created,
    };
    let list = store.put(sbom::MEDIA_TYPE, &sbom::cyclonedx(&about, &components))?;
    let created = BTreeMap::from([("org.opencontainers.image.created".to_string(), created.to_string())]);
    let mut manifest = Manifest::new(store.put(spec::EMPTY, b"{}")?, vec![list], created.clone());
    manifest.artifact_type = Some(sbom::MEDIA_TYPE.to_string());
    manifest.subject = Some(subject.clone());
    let mut descriptor = store.put(spec::MANIFEST, &spec::to_bytes(&manifest))?;
    descriptor.artifact_type = manifest.artifact_type;
    descriptor.annotations = created;
    Ok(descriptor)
}

/// Writes `oci-layout` and `index.json`, which make the folder an OCI layout that other tools can read.
fn write_layout(built: &Built) -> Result<()> {
    let dir = &built.store.dir;
    let sboms = built.platforms.iter().filter_map(|p| p.sbom.clone());
    let index = Index::new(std::iter::once(built.index.clone()).chain(sboms).collect(), BTreeMap::new());
    std::fs::write(dir.join("index.json"), spec::to_bytes(&index))
        .with_context(|| format!("cannot write to {dir}"))?;
    std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
        .with_context(|| format!("cannot write to {dir}"))
}

#[cfg(test)]
mod tests;
