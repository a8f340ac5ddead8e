//! Helpers for the tests of this folder: a real container registry on this machine, and a small base image in
//! it.

use super::registry::Registry;
use super::spec::{self, Descriptor, Image, Index, Manifest, Platform, RootFs, Run};
use super::store::Store;
use super::{layer, reference::Reference};
use crate::oci::debian;
use crate::sys::{child, serve};
use camino::{Utf8Path, Utf8PathBuf};
use std::collections::BTreeMap;
use std::process::Command;

/// A docker-registry with its own storage. It is stopped at the end of the test.
pub(crate) struct Local {
    pub host: String,
    pub port: u16,
    _server: serve::Server,
    pub dir: tempfile::TempDir,
}

/// User `user`, password `correct horse`.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n";

impl Local {
    pub(crate) fn start() -> Local {
        Local::with("")
    }

    /// A registry that requires user and password.
    pub(crate) fn with_login() -> Local {
        Local::with("auth: {htpasswd: {realm: test, path: FOLDER/htpasswd}}\n")
    }

    fn with(extra: &str) -> Local {
        let dir = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(dir.path()).unwrap();
        let port = child::free_port().unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '127.0.0.1:{port}', secret: s}}\n{}",
            extra.replace("FOLDER", folder.as_str())
        );
        std::fs::write(folder.join("config.yml"), config).unwrap();
        std::fs::write(folder.join("htpasswd"), HTPASSWD).unwrap();
        let mut command = Command::new(debian::docker_registry().unwrap());
        command.arg("serve").arg(folder.join("config.yml")).env_clear().env("OTEL_TRACES_EXPORTER", "none");
        // `/` answers without a login, but /v2/ requires one.
        let server = serve::start(command, port, "/", &folder.join("log")).unwrap();
        Local { host: format!("127.0.0.1:{port}"), port, _server: server, dir }
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::open(&self.host, true).unwrap()
    }

    /// The registry's folder.
    pub(crate) fn path(&self) -> Utf8PathBuf {
        Utf8PathBuf::try_from(self.dir.path().to_path_buf()).unwrap()
    }
}

pub(crate) fn store(dir: &tempfile::TempDir, name: &str) -> Store {
    Store::at(Utf8Path::from_path(dir.path()).unwrap().join(name)).unwrap()
}

pub(crate) fn platforms() -> Vec<Platform> {
    ["linux/amd64", "linux/arm64"].iter().map(|p| Platform::parse(p).unwrap()).collect()
}

/// Pushes a base image for two platforms with one file each. Returns its name, `docker.io/library/base:1`;
/// the test registry replaces docker.io.
pub(crate) fn push_base(registry: &Registry) -> Reference {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir, "base");
    let manifests = platforms()
        .into_iter()
        .map(|platform| {
            let layer = layer::make(&store, |root| {
                std::fs::create_dir_all(root.join("etc"))?;
                std::fs::write(root.join("etc/platform"), platform.to_string())?;
                Ok(Vec::new())
            })
            .unwrap();
            let config = Image {
                created: None,
                platform: platform.clone(),
                config: Run {
                    env: vec!["PATH=/bin".into(), "LANG=C".into()],
                    cmd: vec!["sh".into()],
                    labels: BTreeMap::from([
                        ("org.opencontainers.image.licenses".into(), "GPL-2.0-only".into()),
                        ("org.opencontainers.image.source".into(), "https://forge.example/base".into()),
                        ("org.opencontainers.image.url".into(), "https://base.example".into()),
                        ("org.opencontainers.image.description".into(), "The base".into()),
                        ("org.opencontainers.image.ref.name".into(), "base:1".into()),
                        ("org.label-schema.license".into(), "GPLv2".into()),
                        ("maintainer".into(), "somebody".into()),
                    ]),
                    ..Run::default()
                },
                rootfs: RootFs { kind: "layers".into(), diff_ids: vec![layer.diff_id.clone()] },
                history: Vec::new(),
            };
            let config = store.put(spec::CONFIG, &spec::to_bytes(&config)).unwrap();
            let layer = Descriptor::new(spec::LAYER, layer.digest, layer.size);
            for blob in [&config, &layer] {
                registry.put_blob("library/base", blob, &store.path(&blob.digest), None).unwrap();
            }
            let bytes = spec::to_bytes(&Manifest::new(config, vec![layer], BTreeMap::new()));
            registry.put_manifest("library/base", &spec::digest(&bytes), spec::MANIFEST, &bytes).unwrap();
            Descriptor { platform: Some(platform), ..Descriptor::of(spec::MANIFEST, &bytes) }
        })
        .collect();
    let bytes = spec::to_bytes(&Index::new(manifests, BTreeMap::new()));
    registry.put_manifest("library/base", "1", spec::INDEX, &bytes).unwrap();
    Reference::parse("base:1").unwrap()
}
