//! Tests with a real docker-registry, and with servers that give wrong answers.

use super::super::testing::{Local, store};
use super::super::upload::Sent;
use super::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Incompressible bytes, the same in every run.
fn bytes(size: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

/// Adds a blob of this size to a store.
fn blob(store: &Store, size: usize) -> Descriptor {
    store.put("application/octet-stream", &bytes(size)).unwrap()
}

#[test]
fn pushed_blobs_and_manifests_can_be_read_back() {
    let (local, temp) = (Local::start(), tempfile::tempdir().unwrap());
    let (registry, from, to) = (local.registry(), store(&temp, "from"), store(&temp, "to"));
    registry.can_push("a/b").unwrap();
    assert_eq!(registry.tags("a/b").unwrap(), Vec::<String>::new());
    assert_eq!(registry.digest("a/b", "v1").unwrap(), None);
    assert!(registry.manifest("a/b", "v1").unwrap().is_none());
    // An empty blob, one that is sent in one request, and one in three chunks.
    for size in [0, 1000, 9 << 20] {
        let blob = blob(&from, size);
        assert_eq!(registry.put_blob("a/b", &blob, &from.path(&blob.digest), None).unwrap(), Sent::Uploaded);
        assert_eq!(registry.put_blob("a/b", &blob, &from.path(&blob.digest), None).unwrap(), Sent::Existing);
        registry.fetch("a/b", &blob, &to).unwrap();
        assert_eq!(to.bytes(&blob.digest).unwrap(), from.bytes(&blob.digest).unwrap());
    }
    let config = blob(&from, 1000);
    let manifest = spec::to_bytes(&spec::Manifest::new(config, vec![], Default::default()));
    for tag in ["v1", "b", "a"] {
        registry.put_manifest("a/b", tag, spec::MANIFEST, &manifest).unwrap();
    }
    assert_eq!(registry.digest("a/b", "v1").unwrap(), Some(spec::digest(&manifest)));
    assert_eq!(registry.manifest("a/b", "v1").unwrap().unwrap().1, manifest);
    assert_eq!(registry.tags("a/b").unwrap(), ["a", "b", "v1"]);
}

#[test]
fn a_blob_of_another_repository_is_mounted_instead_of_uploaded() {
    let (local, temp) = (Local::start(), tempfile::tempdir().unwrap());
    let (registry, from) = (local.registry(), store(&temp, "from"));
    let blob = blob(&from, 5000);
    let file = from.path(&blob.digest);
    registry.put_blob("library/base", &blob, &file, None).unwrap();
    assert_eq!(registry.put_blob("a/b", &blob, &file, Some("library/base")).unwrap(), Sent::Mounted);
    // If the other repository does not have the blob, it is uploaded.
    assert_eq!(registry.put_blob("c/d", &blob, &file, Some("no/such")).unwrap(), Sent::Uploaded);
}

/// A proxy to the port `to` that breaks connections. `cut` gives the number of bytes from the client after
/// which the n-th connection breaks.
fn broken_wire(to: u16, cut: impl Fn(usize) -> Option<u64> + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broken = Arc::new(AtomicUsize::new(0));
    let count = broken.clone();
    std::thread::spawn(move || {
        for (n, client) in listener.incoming().enumerate() {
            let Ok(client) = client else { return };
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let limit = cut(n);
            let (mut client_in, mut server_out) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let count = count.clone();
            std::thread::spawn(move || {
                let passed =
                    std::io::copy(&mut (&mut client_in).take(limit.unwrap_or(u64::MAX)), &mut server_out)
                        .unwrap_or(0);
                if Some(passed) == limit {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = client_in.shutdown(Shutdown::Both);
                }
                let _ = server_out.shutdown(Shutdown::Both);
            });
            let (mut client_out, mut server_in) = (client, server);
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut server_in, &mut client_out);
                let _ = client_out.shutdown(Shutdown::Both);
            });
        }
    });
    (port, broken)
}

#[test]
fn an_upload_survives_connections_that_break_inside_a_chunk() {
    let (local, temp) = (Local::start(), tempfile::tempdir().unwrap());
    let from = store(&temp, "from");
    let blob = blob(&from, 13 << 20);
    // The first two connections break: in the first chunk, and in the second.
    let (port, broken) =
        broken_wire(local.port, |n| [Some(1 << 20), Some(5 << 20)].get(n).copied().flatten());
    let through = Registry::open(&format!("127.0.0.1:{port}"), true).unwrap();
    assert_eq!(through.put_blob("a/b", &blob, &from.path(&blob.digest), None).unwrap(), Sent::Uploaded);
    assert_eq!(broken.load(Ordering::SeqCst), 2);
    assert!(local.registry().has_blob("a/b", &blob.digest).unwrap());
}

/// docker's config.json with a login for this host.
fn login(local: &Local, host: &str, user: &str, password: &str) -> Utf8PathBuf {
    use base64::Engine;
    let file = local.path().join("config.json");
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    std::fs::write(&file, format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)).unwrap();
    file
}

#[test]
fn a_registry_that_requires_a_login_gets_dockers() {
    let local = Local::with_login();
    let open = |file: Option<Utf8PathBuf>| Registry { docker_config: file, ..local.registry() };
    open(Some(login(&local, &local.host, "user", "correct horse"))).can_push("a/b").unwrap();

    let error =
        format!("{:#}", open(Some(login(&local, &local.host, "user", "wrong"))).can_push("a/b").unwrap_err());
    assert!(
        error.contains("refuses this login") && error.contains(&format!("docker login {}", local.host)),
        "{error}"
    );
    assert!(!error.contains("wrong"), "{error}");

    for none in [
        None,
        Some(local.path().join("missing.json")),
        Some(login(&local, "other.example", "user", "correct horse")),
    ] {
        let error = format!("{:#}", open(none).can_push("a/b").unwrap_err());
        assert!(error.contains("not set up: REGISTRY_USER and REGISTRY_TOKEN, the login for"), "{error}");
    }
    let broken = local.path().join("broken.json");
    std::fs::write(&broken, "{").unwrap();
    let error = format!("{:#}", open(Some(broken)).can_push("a/b").unwrap_err());
    assert!(error.contains("broken.json cannot be used"), "{error}");
}

/// A proxy that requires a Bearer token, issues it for the right password, and forwards all other requests.
fn token_front(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            let log = log.clone();
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                let answer = |status: &str, extra: &str, body: &str| {
                    format!(
                        "HTTP/1.1 {status}\r\nConnection: close\r\n{extra}Content-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                };
                let lower = text.to_ascii_lowercase();
                if text.starts_with("GET /token?") {
                    log.lock().unwrap().push(text.lines().next().unwrap().to_string());
                    // user:correct horse
                    let known = text.contains("Basic dXNlcjpjb3JyZWN0IGhvcnNl");
                    let body = if known { r#"{"token": "good"}"# } else { r#"{"details": "unknown user"}"# };
                    let _ = client.write_all(
                        answer(if known { "200 OK" } else { "401 Unauthorized" }, "", body).as_bytes(),
                    );
                } else if !lower.contains("authorization: bearer good") {
                    let challenge = format!(
                        "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",\
                         service=\"front\",scope=\"x\"\r\n"
                    );
                    let _ = client.write_all(answer("401 Unauthorized", &challenge, "").as_bytes());
                } else {
                    let mut server = TcpStream::connect(("127.0.0.1", to)).unwrap();
                    // One request per connection, so that each is checked.
                    server
                        .write_all(text.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())
                        .unwrap();
                    let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    std::thread::spawn(move || std::io::copy(&mut up, &mut down));
                    let _ = std::io::copy(&mut server, &mut client);
                }
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    (port, asked)
}

#[test]
fn a_token_is_requested_once_for_each_scope() {
    let (local, temp) = (Local::start(), tempfile::tempdir().unwrap());
    let from = store(&temp, "from");
    let (port, asked) = token_front(local.port);
    let host = format!("127.0.0.1:{port}");
    let open =
        |file: Utf8PathBuf| Registry { docker_config: Some(file), ..Registry::open(&host, true).unwrap() };
    let registry = open(login(&local, &host, "user", "correct horse"));
    for size in [1000, 2000] {
        let blob = blob(&from, size);
        assert_eq!(registry.put_blob("a/b", &blob, &from.path(&blob.digest), None).unwrap(), Sent::Uploaded);
    }
    let asked = asked.lock().unwrap().clone();
    let scope =
        |actions: &str| format!("GET /token?service=front&scope=repository%3Aa%2Fb%3A{actions} HTTP/1.1");
    assert_eq!(asked, [scope("pull"), scope("pull%2Cpush")]);

    // A login from the environment overrides docker's.
    let given = |password: &str| Some(("user".to_string(), password.to_string()));
    let with = |login| Registry { login, ..open(super::super::auth::docker_config().unwrap_or_default()) };
    with(given("correct horse")).can_push("a/b").unwrap();
    assert!(with(given("wrong")).can_push("a/b").is_err());
    let error = format!("{:#}", open(login(&local, &host, "user", "wrong")).can_push("a/b").unwrap_err());
    assert!(
        error.contains("does not accept the configured login") && error.contains("unknown user"),
        "{error}"
    );
}

/// A server that gives every request the same answer.
fn canned(answer: &str) -> Registry {
    answering(std::iter::repeat(answer.to_string()))
}

/// A server that gives each request the next answer.
fn answering(answers: impl Iterator<Item = String> + Send + 'static) -> Registry {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let name = host.clone();
    std::thread::spawn(move || {
        for (client, answer) in listener.incoming().zip(answers) {
            let Ok(mut client) = client else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let _ = client.write_all(answer.replace("HOST", &name).as_bytes());
        }
    });
    Registry { docker_config: None, ..Registry::open(&host, true).unwrap() }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn answers_that_violate_the_spec_are_errors_with_a_reason() {
    let wrong = format!("Docker-Content-Digest: sha256:{}\r\n", "0".repeat(64));
    let manifest = |a: String| format!("{:#}", canned(&a).manifest("a/b", "v1").err().unwrap());
    let upload = |a: String| format!("{:#}", canned(&a).can_push("a/b").err().unwrap());
    for (error, expected) in [
        (
            manifest(answer("200 OK", "", "<html>welcome</html>")),
            "does not have the form of the OCI spec; it begins with \"<html>welcome",
        ),
        (manifest(answer("200 OK", &wrong, "{}")), "expected sha256:000"),
        (manifest(answer("418 Teapot", "", "short and stout")), "418 I'm a teapot: short and stout"),
        (manifest(answer("401 No", "", "")), "neither Basic nor Bearer"),
        (
            manifest(answer("401 No", "WWW-Authenticate: Bearer realm=\"http://token.example/\"\r\n", "")),
            "is not https: refused",
        ),
        (
            manifest(answer("401 No", "WWW-Authenticate: Bearer realm=\"https://token.example/\"\r\n", "")),
            "not on this machine: refused",
        ),
        (
            manifest(answer("401 No", "WWW-Authenticate: Bearer realm=\"http://HOST/token\"\r\n", "")),
            "not set up: REGISTRY_USER and REGISTRY_TOKEN",
        ),
        (upload(answer("202 Accepted", "", "")), "202 without a Location"),
        (
            upload(answer("202 Accepted", "Location: https://elsewhere.example/x\r\n", "")),
            "redirects the upload to another host, elsewhere.example: refused",
        ),
        (
            upload(answer("307 There", "Location: https://elsewhere.example/x\r\n", "")),
            "redirected to https://elsewhere.example",
        ),
        (
            upload(answer("403 Forbidden", "", "{\"errors\":[{\"code\":\"DENIED\"}]}")),
            "403 Forbidden: {\"errors\":[{\"code\":\"DENIED\"}]}",
        ),
    ] {
        assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
    }
}

#[test]
fn a_manifest_is_put_again_if_the_registry_does_not_know_a_blob() {
    let refusal =
        |code: &str| answer("400 Bad Request", "", &format!("{{\"errors\":[{{\"code\":\"{code}\"}}]}}"));
    let put = |answers: [String; 2]| {
        answering(answers.into_iter())
            .put_manifest("a/b", "v1", spec::MANIFEST, b"{}")
            .map_err(|e| e.to_string())
    };
    let created = || answer("201 Created", "", "");
    assert_eq!(put([refusal("MANIFEST_BLOB_UNKNOWN"), created()]), Ok(false));
    let error = put([refusal("MANIFEST_INVALID"), created()]).unwrap_err();
    assert!(error.contains("400 Bad Request"), "{error}");
}

#[test]
fn a_blob_with_other_bytes_than_its_digest_is_not_kept() {
    let temp = tempfile::tempdir().unwrap();
    let to = store(&temp, "to");
    let wanted = Descriptor::of("x", b"right");
    for body in ["wrong", "shorter", "r"] {
        let registry = canned(&answer("200 OK", "", body));
        let error = format!("{:#}", registry.fetch("a/b", &wanted, &to).unwrap_err());
        assert!(error.contains("expected 5 with sha256:"), "{error}");
        assert!(!to.has(&wanted.digest, wanted.size).unwrap());
    }
}

#[test]
fn a_rehearsal_never_writes_to_another_machine() {
    let registry = Registry::open("ghcr.io", true).unwrap();
    let error = registry.can_push("a/b").unwrap_err().to_string();
    assert_eq!(error, "a rehearsal writes to this machine only; refused: container registry ghcr.io");
    assert!(registry.put_manifest("a/b", "v1", spec::MANIFEST, b"{}").is_err());
}
