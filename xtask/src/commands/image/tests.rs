//! An image that really runs.

use super::{engine, run};
use crate::checks::probe::{Expect, probe};
use crate::oci::reference::Reference;
use crate::oci::store::Store;
use crate::oci::testing::{Local, platforms};
use crate::oci::{PORT, Recipe, Source, base, build, seed};
use camino::Utf8Path;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[path = "../../../tests/it/skip.rs"]
mod skip;

/// Answers as our apps do, and counts on the working folder, the user and the environment that the config
/// promises.
const SERVER: &str = r#"
import http.server, json, os, signal, sys
assert os.getuid() != 0 and os.getcwd() == "/" and os.environ["GREETING"] == "hello", (os.getuid(), os.getcwd())
open("/tmp/scratch", "w").close()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        info = {"version": "1.2.3", "commit": "abc", "greeting": os.environ["GREETING"]}
        body = json.dumps({"/health": {}, "/info": info, "/openapi.json": {"paths": {"/health": {}}}}.get(self.path)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[test]
fn an_image_on_debians_python_runs_and_answers() {
    if let Err(reason) = engine::choose() {
        return skip::skip(&reason.to_string());
    }
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
    let running = run::start(&built, "/health").unwrap().expect("this machine's platform is one of both");
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
    assert!(error.contains(r#"says version "1.2.3", expected was "1.2.4""#), "{error}");
    let error = probe(&running.base_url, &expect("1.2.3", json!({"paths": {}}))).unwrap_err().to_string();
    assert!(error.contains("differ at /paths/~1health (not committed)"), "{error}");
    assert!(running.stop().unwrap().as_secs() < 5);
}
