//! Builds whole images, pushes them to a real registry and pulls them back.

use super::push::pull;
use super::registry::Registry;
use super::testing::{Local, platforms, push_base, store};
use super::*;
use expect_test::expect;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Bench {
    local: Local,
    registry: Registry,
    base: Reference,
    temp: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let local = Local::start();
        let registry = local.registry();
        let base = push_base(&registry);
        Bench { local, registry, base, temp: tempfile::tempdir().unwrap() }
    }

    fn recipe<'a>(&self, app: &'a str, filled: &'a AtomicUsize) -> Recipe<'a> {
        let write = |dir: &Utf8Path, name: &str, text: &str| -> Result<()> {
            std::fs::create_dir_all(dir.join("app"))?;
            Ok(std::fs::write(dir.join("app").join(name), text)?)
        };
        Recipe {
            name: Reference::parse("ghcr.io/owner/demo").unwrap(),
            version: "1.2.3".into(),
            base: base::resolve(&self.base, None, Some(&self.local.host)).unwrap(),
            platforms: platforms(),
            created: 1_767_225_600,
            labels: BTreeMap::from([("org.opencontainers.image.revision".to_string(), "abc".to_string())]),
            env: vec![("LANG".into(), "C.UTF-8".into()), ("PORT".into(), "8000".into())],
            entrypoint: vec!["python".into(), "-m".into(), "demo".into()],
            port: PORT,
            layers: vec![
                Source {
                    what: "dependencies",
                    key: Some("deps 1".into()),
                    fill: Box::new(move |platform, dir| {
                        filled.fetch_add(1, Ordering::SeqCst);
                        write(dir, "deps", &platform.to_string())?;
                        Ok(vec![Component {
                            name: "dep".into(),
                            version: "1".into(),
                            purl: "pkg:pypi/dep@1".into(),
                            license: None,
                        }])
                    }),
                },
                Source {
                    what: "app",
                    key: None,
                    fill: Box::new(move |_, dir| write(dir, "main", app).map(|_| vec![])),
                },
            ],
        }
    }

    fn build(&self, app: &str, cache: &str) -> (Built, usize) {
        let filled = AtomicUsize::new(0);
        let out = Utf8Path::from_path(self.temp.path()).unwrap().join(format!("out-{cache}"));
        let built = build(&self.recipe(app, &filled), &store(&self.temp, cache), &out).unwrap();
        (built, filled.load(Ordering::SeqCst))
    }
}

#[test]
fn the_same_recipe_gives_the_same_digest_with_and_without_a_cache() {
    let bench = Bench::new();
    let (first, filled) = bench.build("one", "a");
    assert_eq!(filled, 2, "one layer per platform");
    let (again, filled) = bench.build("one", "a");
    assert_eq!((again.digest.as_str(), filled), (first.digest.as_str(), 0));
    let (elsewhere, filled) = bench.build("one", "b");
    assert_eq!((elsewhere.digest.as_str(), filled), (first.digest.as_str(), 2));
    assert_ne!(bench.build("two", "a").0.digest, first.digest);
}

#[test]
fn after_one_changed_line_only_the_app_layer_is_uploaded() {
    let bench = Bench::new();
    let (first, _) = bench.build("one", "a");
    let report = first.push(&bench.registry, &["sha-1111111"]).unwrap();
    // Uploaded: two dependency layers, and one app layer for both platforms. The base's layers are mounted.
    assert_eq!(
        (report.layers_uploaded, report.layers_mounted, report.layers_existing),
        (3, 2, 0),
        "{report}"
    );
    let (second, _) = bench.build("two", "a");
    let report = second.push(&bench.registry, &["sha-2222222", "development"]).unwrap();
    assert_eq!(
        (report.layers_uploaded, report.layers_mounted, report.layers_existing),
        (1, 0, 4),
        "{report}"
    );
    assert!(report.bytes_uploaded < 10_000, "{report}");
    let report = second.push(&bench.registry, &["latest"]).unwrap();
    assert_eq!((report.layers_uploaded, report.bytes_uploaded), (0, 0), "{report}");
    let tags: Vec<String> = bench
        .registry
        .tags("owner/demo")
        .unwrap()
        .into_iter()
        .filter(|t| !t.starts_with("sha256-"))
        .collect();
    assert_eq!(tags, ["development", "latest", "sha-1111111", "sha-2222222"]);
    assert_eq!(bench.registry.digest("owner/demo", "sha-1111111").unwrap(), Some(first.digest.clone()));
    push::retag(&bench.registry, "owner/demo", &first.digest, "latest").unwrap();
    assert_eq!(bench.registry.digest("owner/demo", "latest").unwrap(), Some(first.digest));
    let error =
        push::retag(&bench.registry, "owner/demo", &spec::digest(b""), "latest").unwrap_err().to_string();
    assert!(error.contains("so it cannot be tagged latest"), "{error}");
}

#[test]
fn a_pulled_image_is_the_one_that_was_built() {
    let bench = Bench::new();
    let (built, _) = bench.build("one", "a");
    built.push(&bench.registry, &["v1"]).unwrap();
    let out = Utf8Path::from_path(bench.temp.path()).unwrap().join("pulled");
    let reference = Reference::parse(&format!("{}/owner/demo:v1", bench.local.host)).unwrap();
    let pulled = pull(&bench.registry, &reference, &out).unwrap();
    assert_eq!(pulled.digest, built.digest);
    // Every blob that the layout's index leads to is in the store with the right digest.
    let index: Index = spec::from_bytes(&std::fs::read(out.join("index.json")).unwrap(), "index").unwrap();
    let images: Index = pulled.store.read(&index.manifests[0].digest).unwrap();
    for manifest in &images.manifests {
        let manifest: Manifest = pulled.store.read(&manifest.digest).unwrap();
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            assert!(pulled.store.has(&blob.digest, blob.size).unwrap());
        }
    }
    let missing = Reference::parse(&format!("{}/owner/demo:v2", bench.local.host)).unwrap();
    let error = pull(&bench.registry, &missing, &out).unwrap_err().to_string();
    assert_eq!(error, format!("there is no image {}/owner/demo:v2", bench.local.host));
}

#[test]
fn configs_and_manifests_name_the_base_and_the_commit() {
    let bench = Bench::new();
    let (built, _) = bench.build("one", "a");
    let index: Value = built.store.read(&built.digest).unwrap();
    assert_eq!(index["annotations"]["org.opencontainers.image.created"], "2026-01-01T00:00:00Z");
    assert_eq!(index["annotations"]["org.opencontainers.image.base.name"], "docker.io/library/base:1");
    assert_eq!(index["annotations"]["org.opencontainers.image.base.digest"], built.base_digest);
    let names: Vec<String> = built.platforms.iter().map(|p| p.platform.to_string()).collect();
    assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    for part in &built.platforms {
        let config: Value = built.store.read(&part.config.digest).unwrap();
        assert_eq!(config["architecture"], part.platform.architecture);
        assert_eq!(config["created"], "2026-01-01T00:00:00Z");
        assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 3);
        let run = &config["config"];
        assert_eq!(run["User"], "10001:10001");
        assert_eq!(run["Env"], json!(["LANG=C.UTF-8", "PATH=/bin", "PORT=8000"]));
        assert_eq!(run["Entrypoint"], json!(["python", "-m", "demo"]));
        assert_eq!(run["Cmd"], Value::Null);
        assert_eq!(run["ExposedPorts"], json!({"8000/tcp": {}}));
    }
}

#[test]
fn labels_of_the_base_do_not_describe_the_image() {
    let bench = Bench::new();
    let (built, _) = bench.build("one", "a");
    let labels = |part: &PlatformImage| {
        let config: Value = built.store.read(&part.config.digest).unwrap();
        let labels = config["config"]["Labels"].as_object().unwrap().clone();
        let lines: Vec<String> = labels.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        lines.concat().replace(built.base_digest.as_str(), "sha256:…")
    };
    let [amd64, arm64] = &built.platforms[..] else { panic!("{} platforms", built.platforms.len()) };
    assert_eq!(labels(amd64), labels(arm64));
    expect![[r#"
        maintainer = "somebody"
        org.opencontainers.image.base.digest = "sha256:…"
        org.opencontainers.image.base.name = "docker.io/library/base:1"
        org.opencontainers.image.created = "2026-01-01T00:00:00Z"
        org.opencontainers.image.revision = "abc"
        org.opencontainers.image.title = "demo"
        org.opencontainers.image.version = "1.2.3"
    "#]]
    .assert_eq(&labels(amd64));
}

#[test]
fn the_sbom_is_found_through_its_image() {
    let bench = Bench::new();
    let (built, _) = bench.build("one", "a");
    built.push(&bench.registry, &["v1"]).unwrap();
    built.push(&bench.registry, &["v1"]).unwrap();
    for part in &built.platforms {
        // docker-registry 2.8 has no referrers API, so the fallback tag of the spec is used.
        let (_, bytes) =
            bench.registry.manifest("owner/demo", &part.manifest.digest.replace(':', "-")).unwrap().unwrap();
        let referrers: Index = spec::from_bytes(&bytes, "referrers").unwrap();
        let [referrer] = &referrers.manifests[..] else { panic!("{referrers:?}") };
        assert_eq!(referrer.artifact_type.as_deref(), Some(sbom::MEDIA_TYPE));
        let (_, bytes) = bench.registry.manifest("owner/demo", &referrer.digest).unwrap().unwrap();
        let manifest: Manifest = spec::from_bytes(&bytes, "sbom").unwrap();
        assert_eq!(manifest.subject.unwrap().digest, part.manifest.digest);
        let into = store(&bench.temp, "sbom");
        bench.registry.fetch("owner/demo", &manifest.layers[0], &into).unwrap();
        let list: Value = into.read(&manifest.layers[0].digest).unwrap();
        let names: Vec<&str> =
            list["components"].as_array().unwrap().iter().filter_map(|c| c["name"].as_str()).collect();
        assert_eq!(names, [format!("docker.io/library/base:1@{}", built.base_digest).as_str(), "dep"]);
    }
}

#[test]
fn a_base_without_the_platform_is_refused_with_its_platforms() {
    let bench = Bench::new();
    let filled = AtomicUsize::new(0);
    let mut recipe = bench.recipe("one", &filled);
    recipe.platforms = vec![Platform::parse("linux/riscv64").unwrap()];
    let out = Utf8Path::from_path(bench.temp.path()).unwrap().join("out");
    let error = format!("{:#}", build(&recipe, &store(&bench.temp, "a"), &out).unwrap_err());
    assert!(error.contains("has no linux/riscv64, only linux/amd64, linux/arm64"), "{error}");
    let missing = Reference::parse("base:2").unwrap();
    let error = format!("{:#}", base::resolve(&missing, None, Some(&bench.local.host)).unwrap_err());
    assert!(error.contains("there is no base image"), "{error}");
}

/// docker-registry loses a blob for a moment in about one of ten such rounds.
#[test]
fn two_pushes_of_an_image_at_the_same_time_both_succeed() {
    let bench = Bench::new();
    let (mut built, _) = bench.build("one", "a");
    for round in 0..20 {
        built.name.repository = format!("owner/demo-{round}");
        let start = std::sync::Barrier::new(2);
        let push = || {
            start.wait();
            built.push(&bench.local.registry(), &["v1"]).unwrap();
        };
        std::thread::scope(|scope| {
            scope.spawn(push);
            scope.spawn(push);
        });
    }
}
