//! Tests that run images.

use super::{engine, run};
use crate::checks::probe::{Expect, probe};
use crate::oci::reference::Reference;
use crate::oci::store::Store;
use crate::oci::testing::{Local, platforms};
use crate::oci::{PORT, Recipe, Source, base, build, seed};
use crate::skip;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// A server that answers as the apps do, and checks the working folder, the user and the environment that the
/// image's config declares.
const SERVER: &str = r#"
import http.server, json, os, signal, sys
assert os.getuid() != 0 and os.getcwd() == "/", (os.getuid(), os.getcwd())
assert os.environ["GREETING"] == "hello", os.environ
open("/tmp/scratch", "w").close()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        info = {"version": "1.2.3", "commit": "abc", "greeting": os.environ["GREETING"]}
        answers = {"/health": {}, "/info": info, "/openapi.json": {"paths": {"/health": {}}}}
        body = json.dumps(answers.get(self.path)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[test]
fn an_image_on_debians_python_runs_and_answers() {
    let Some(engine) = engine::choose().unwrap() else {
        return skip::skip("this machine cannot run an image");
    };
    let local = Local::start();
    let base = Reference::parse("docker.io/library/python:3.11-slim-bookworm").unwrap();
    let digest = seed::seed_base(&local.host, &base, &platforms()).unwrap();
    assert_eq!(digest, seed::seed_base(&local.host, &base, &platforms()).unwrap());
    let temp = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        name: Reference::parse("ghcr.io/owner/demo").unwrap(),
        version: "1.2.3".into(),
        base: base::resolve(&base, Some(&digest), Some(&local.host)).unwrap(),
        platforms: platforms(),
        created: 0,
        labels: BTreeMap::new(),
        env: vec![
            ("PYTHONPATH".into(), "/app".into()),
            ("GREETING".into(), "hello".into()),
            ("HOST".into(), "0.0.0.0".into()),
            ("PORT".into(), PORT.to_string()),
        ],
        entrypoint: vec!["python".into(), "-m".into(), "server".into()],
        port: PORT,
        layers: vec![Source {
            what: "app",
            key: None,
            fill: Box::new(|_, dir| {
                std::fs::create_dir(dir.join("app"))?;
                std::fs::write(dir.join("app/server.py"), SERVER)?;
                Ok(vec![])
            }),
        }],
    };
    let out = Utf8Path::from_path(temp.path()).unwrap().join("out");
    let built = build(&recipe, &Store::cache().unwrap(), &out).unwrap();
    let part = run::of_this_machine(&built).expect("this machine's platform is one of both");
    let running = run::start_by(engine, &built, part, "/health").unwrap();
    let expect = |version: &str, spec: Value| Expect {
        health: "/health".into(),
        version: version.into(),
        commit: "abc".into(),
        spec: Some(spec),
        compat: None,
    };
    let good = json!({"paths": {"/health": {}}});
    assert_eq!(
        probe(&running.base_url, &expect("1.2.3", good.clone())).unwrap(),
        "/health 200, /info 1.2.3 at abc, /openapi.json as committed (1 paths)"
    );
    let error = probe(&running.base_url, &expect("1.2.4", good)).unwrap_err().to_string();
    assert!(error.contains(r#"reports version "1.2.3"; expected "1.2.4""#), "{error}");
    let error = probe(&running.base_url, &expect("1.2.3", json!({"paths": {}}))).unwrap_err().to_string();
    assert!(error.contains("differ at /paths/~1health (not committed)"), "{error}");
    assert!(running.stop().unwrap().as_secs() < 5);
}

/// A server that tries what a hostile image would try: to leave its root file system, to read the environment
/// of other processes, to gain rights, and to reach the network. It serves the results as `/report`.
const HOSTILE: &str = r#"
import http.server, json, os, signal, socket, sys
found = {"uid": os.getuid(), "pid": os.getpid(), "environment": sorted(os.environ)}
def tried(name, what):
    try:
        found[name] = str(what())
    except Exception as error:
        found[name] = type(error).__name__
def escape():
    os.makedirs("/tmp/jail", exist_ok=True)
    os.chroot("/tmp/jail")
    for _ in range(64): os.chdir("..")
    os.chroot(".")
    return os.listdir("/")
tried("processes", lambda: sorted(p for p in os.listdir("/proc") if p.isdigit()))
tried("parent", lambda: open(f"/proc/{os.getppid()}/environ").read())
tried("escape", escape)
tried("root", lambda: os.setuid(0))
tried("capabilities", lambda: [l for l in open("/proc/self/status") if l.startswith("CapEff")][0].split()[1])
tried("written", lambda: open("/etc/written", "w"))
tried("changed", lambda: open(os.__file__, "a"))
tried("scratch", lambda: open("/var/tmp/scratch", "w").close())
tried("network", lambda: socket.create_connection(("127.0.0.1", int(os.environ["OUTSIDE"])), 2))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[test]
fn a_hostile_image_finds_no_way_out_of_the_sandbox() {
    if !engine::isolates() {
        return skip::skip("this machine does not allow user namespaces for a sandbox");
    }
    let is_root = rustix::process::geteuid().is_root();
    let (local, temp, host) = (Local::start(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let base = Reference::parse("docker.io/library/python:3.11-slim-bookworm").unwrap();
    let digest = seed::seed_base(&local.host, &base, &platforms()).unwrap();
    let outside = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let marker = host.path().join("marker").display().to_string();
    let fill = |dir: &Utf8Path, links: &[&str]| {
        std::fs::create_dir_all(dir.join("usr/lib/python3.11"))?;
        // Runs at every start of Python, also when it only compiles.
        let customize = format!("import os\nif os.getuid() == 0: open({marker:?}, 'w')\n");
        std::fs::write(dir.join("usr/lib/python3.11/sitecustomize.py"), customize)?;
        std::fs::write(dir.join("hostile.py"), HOSTILE)?;
        // Whoever splits these names into lines makes /usr writable.
        for folder in ["a", "a\rusr", "a\u{2028}usr"] {
            std::fs::create_dir(dir.join(folder))?;
            std::fs::set_permissions(dir.join(folder), Permissions::from_mode(0o1777))?;
        }
        links.iter().try_for_each(|link| std::os::unix::fs::symlink(host.path(), dir.join(link)))?;
        Ok(vec![])
    };
    let start = |links: &'static [&'static str]| {
        let recipe = Recipe {
            name: Reference::parse("ghcr.io/owner/hostile").unwrap(),
            version: "1.2.3".into(),
            base: base::resolve(&base, Some(&digest), Some(&local.host)).unwrap(),
            platforms: platforms(),
            created: 0,
            labels: BTreeMap::new(),
            env: vec![("OUTSIDE".into(), outside.local_addr().unwrap().port().to_string())],
            entrypoint: vec!["python".into(), "/hostile.py".into()],
            port: PORT,
            layers: vec![Source { what: "app", key: None, fill: Box::new(move |_, dir| fill(dir, links)) }],
        };
        let out = Utf8PathBuf::try_from(temp.path().join(links.join("-"))).unwrap();
        let built = build(&recipe, &Store::cache().unwrap(), &out.join("image")).unwrap();
        let part = run::of_this_machine(&built).expect("this machine's platform is one of both");
        run::start_by(engine::Engine::Sandbox, &built, part, "/health")
    };
    for link in [&["tmp"], &["dev"], &["proc"]] {
        let refused = format!("{:#}", start(link).map(drop).unwrap_err());
        assert!(refused.contains(&format!("/{} of the image is a link", link[0])), "{refused}");
    }
    let running = start(&["etc", "copy", "xtask-copy"]).unwrap();
    let report = ureq::get(format!("{}/report", running.base_url))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let found: Value = serde_json::from_str(&report).unwrap();
    running.stop().unwrap();
    assert_ne!(found["uid"], 0, "{found}");
    assert_eq!((&found["pid"], &found["processes"]), (&json!(1), &json!("['1']")), "{found}");
    for (what, answer) in [
        ("parent", "FileNotFoundError"),
        ("escape", "PermissionError"),
        ("root", "OSError"),
        ("capabilities", "0000000000000000"),
        ("network", "ConnectionRefusedError"),
        ("scratch", "None"),
    ] {
        assert_eq!(found[what], answer, "{what} in {found}");
    }
    assert!(
        found["written"] != "None" && std::fs::read_dir(host.path()).unwrap().next().is_none(),
        "{found}"
    );
    // Other images share this file. As root, the program runs as another user.
    let refused = if is_root { "PermissionError" } else { "OSError" };
    assert_eq!(found["changed"], refused, "{found}");
    let inherited = found["environment"].to_string();
    assert!(!inherited.contains("CARGO") && !inherited.contains("HOME"), "{found}");
}
