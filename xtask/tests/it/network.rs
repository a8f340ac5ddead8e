//! The table of faults: every step of a release that talks to a server, and every fault that a server or the
//! way to it may have. A cell is good if the release goes on by itself, or if it stops with the command that
//! continues; and if afterwards the release is complete and each file is there once, with the hash that the
//! tag names.

use crate::demo::World;
use crate::docs;
use crate::kills::lacks;
use crate::lab::{Fault, Proxy, Request, git_server};
use crate::skip::skip;
use crate::support::{Output, Repo, run};
use expect_test::expect;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

/// A step, and the request that the fault hits.
struct Place {
    step: &'static str,
    /// The variable with the server's address.
    server: &'static str,
    request: Request,
    /// The fault hits only what comes after such a request.
    after: Option<Request>,
}

/// `kind`: a part of the headers. Of two requests to the same address only an upload is multipart, and npm
/// names its command.
const fn place(
    step: &'static str,
    server: &'static str,
    method: &'static str,
    path: &'static str,
    kind: &'static str,
) -> Place {
    Place { step, server, request: request(method, path, kind), after: None }
}

/// Asks a server for what it has just accepted.
const fn shown(step: &'static str, server: &'static str, request: Request, upload: Request) -> Place {
    Place { step, server, request, after: Some(upload) }
}

const fn request(method: &'static str, path: &'static str, kind: &'static str) -> Request {
    Request { method, path, kind }
}

const REMOTE: &str = "XTASK_REMOTE";
const PYPI: &str = "XTASK_PYPI";
const TESTPYPI: &str = "XTASK_TESTPYPI";
const NPM: &str = "XTASK_NPM";
const REGISTRY: &str = "XTASK_REGISTRY";

/// In the header of an upload to a Python index, but not of preflight's question for the credentials.
const UPLOAD: &str = "multipart/form-data";

/// In the header of xtask's own requests.
const OURS: &str = "user-agent: xtask/";

/// In the order of a release.
const PYTHON: &[Place] = &[
    place("ask the remote", REMOTE, "GET", "git-upload-pack", ""),
    place("ask the index", PYPI, "GET", "/simple/", ""),
    place("ask the registry", REGISTRY, "HEAD", "/manifests/v", ""),
    place("stage, upload", TESTPYPI, "POST", "/", UPLOAD),
    place("stage, install", TESTPYPI, "GET", "/packages/", ""),
    place("stage, blob", REGISTRY, "PUT", "/blobs/uploads/", ""),
    place("tag", REMOTE, "POST", "/git-receive-pack", ""),
    place("publish", PYPI, "POST", "/", UPLOAD),
    place("image-push, manifest", REGISTRY, "PUT", "/manifests/v", ""),
    place("verify, install", PYPI, "GET", "/packages/", ""),
    place("verify, pull", REGISTRY, "GET", "/blobs/", ""),
    place("latest", REGISTRY, "PUT", "/manifests/latest", ""),
];

const TO_INDEX: Request = request("POST", "/", UPLOAD);
const TO_REGISTRY: Request = request("PUT", "/manifests/v", "");

/// What a cache before the server may answer with its state before the upload, each to one client.
const PYTHON_SHOWN: &[Place] = &[
    shown("stage, list", TESTPYPI, request("GET", "/simple/", OURS), TO_INDEX),
    shown("stage, find", TESTPYPI, request("GET", "/simple/", "User-Agent: uv/"), TO_INDEX),
    shown("publish, list", PYPI, request("GET", "/simple/", OURS), TO_INDEX),
    shown("image-push, list", REGISTRY, request("HEAD", "/manifests/v", ""), TO_REGISTRY),
    shown("verify, find", PYPI, request("GET", "/simple/", "User-Agent: pip/"), TO_INDEX),
];

/// The package's document in an npm registry: `/@demo%2fagent`.
const DOCUMENT: &str = "%2f";
const TS: &[Place] = &[
    place("ask the remote", REMOTE, "GET", "git-upload-pack", ""),
    place("ask the index", NPM, "GET", DOCUMENT, OURS),
    place("ask the registry", REGISTRY, "HEAD", "/manifests/v", ""),
    place("check the token", NPM, "GET", "/-/whoami", ""),
    place("stage, blob", REGISTRY, "PUT", "/blobs/uploads/", ""),
    place("tag", REMOTE, "POST", "/git-receive-pack", ""),
    place("publish, look", NPM, "GET", DOCUMENT, "npm-command: publish"),
    place("publish", NPM, "PUT", DOCUMENT, "npm-command: publish"),
    place("publish, list", NPM, "GET", "/-/agent-", OURS),
    place("image-push, manifest", REGISTRY, "PUT", "/manifests/v", ""),
    place("verify, look", NPM, "GET", DOCUMENT, "npm-command: pack"),
    place("verify, download", NPM, "GET", "/-/agent-", "npm-command: pack"),
    place("verify, pull", REGISTRY, "GET", "/blobs/", ""),
    place("latest, look", NPM, "GET", "/dist-tags", ""),
    place("latest, npm", NPM, "PUT", "/dist-tags/latest", ""),
    place("latest, candidate", NPM, "DELETE", "/dist-tags/candidate", ""),
    place("latest", REGISTRY, "PUT", "/manifests/latest", ""),
];

const TO_NPM: Request = request("PUT", DOCUMENT, "npm-command: publish");

const TS_SHOWN: &[Place] = &[
    shown("publish, list", NPM, request("GET", DOCUMENT, OURS), TO_NPM),
    shown("image-push, list", REGISTRY, request("HEAD", "/manifests/v", ""), TO_REGISTRY),
    shown("verify, find", NPM, request("GET", DOCUMENT, "npm-command: pack"), TO_NPM),
];

/// One release while all of these steps have all of these faults.
struct Round {
    /// Empty: all.
    steps: &'static [&'static str],
    /// They hit the same request one after another, at most three, because four tries are made.
    faults: &'static [Fault],
    /// Does the first run get there by itself? If not, each step may stop it once.
    passes: bool,
    limits: &'static [(&'static str, &'static str)],
}

const fn passes(steps: &'static [&'static str], faults: &'static [Fault]) -> Round {
    Round { steps, faults, passes: true, limits: &[] }
}

/// Each run that is stopped builds again, so only some steps are tried.
const fn stops(steps: &'static [&'static str], faults: &'static [Fault]) -> Round {
    Round { steps, faults, passes: false, limits: &[] }
}

struct Table {
    app: &'static str,
    places: &'static [Place],
    /// The rounds of a list share a world, and the lists run in parallel: a release with faults mostly waits
    /// between two tries.
    rounds: &'static [&'static [Round]],
    shown: &'static [Place],
    /// The first request of a client that asks what was published, whichever client it is.
    index: &'static Place,
    cells: usize,
}

/// npm starts slowly, and its limits include that.
const TEN_SECONDS: &[(&str, &str)] = &[("XTASK_SILENCE", "10")];

const STOPPED: &[&str] = &[
    "ask the remote",
    "ask the index",
    "ask the registry",
    "tag",
    "publish",
    "image-push, manifest",
    "latest",
];

const FOR_PYTHON: Table = Table {
    app: "python",
    places: PYTHON,
    rounds: &[
        &[passes(&[], &[Fault::Status(500), Fault::Status(502), Fault::Truncated])],
        &[passes(&[], &[Fault::Status(503), Fault::Status(429), Fault::LostAnswer])],
        // Only the rounds that wait for it have a short limit: a busy machine is slow too.
        &[Round { limits: &[("XTASK_SILENCE", "6")], ..passes(&[], &[Fault::Reset, Fault::Silent]) }],
        &[
            // It passes for success, so what was uploaded is waited for.
            Round { limits: TEN_SECONDS, ..stops(STOPPED, &[Fault::Page]) },
            stops(STOPPED, &[Fault::Redirect]),
            stops(STOPPED, &[Fault::Echo]),
            Round { limits: &[("XTASK_LIMIT", "20")], ..stops(&["ask the index"], &[Fault::Drip]) },
        ],
    ],
    shown: PYTHON_SHOWN,
    index: &shown("publish, list", PYPI, request("GET", "/simple/", ""), TO_INDEX),
    cells: 125,
};

/// The steps that use the npm registry. What a release does with the git remote and the container registry
/// does not depend on the language: these get one group of faults, the first. Without "latest, look": it and
/// "latest, npm" are requests of one command, which is tried four times.
const USE_NPM: &[&str] = &[
    "ask the index",
    "check the token",
    "publish, look",
    "publish",
    "publish, list",
    "verify, look",
    "verify, download",
    "latest, npm",
    "latest, candidate",
];
const OTHERS: &[&str] = &[
    "ask the remote",
    "ask the registry",
    "stage, blob",
    "tag",
    "image-push, manifest",
    "verify, pull",
    "latest",
];

/// Each step once, and each group of faults once: npm takes a second for each request.
const SHORT_FOR_TS: Table = Table {
    app: "ts",
    places: TS,
    rounds: &[
        &[passes(USE_NPM, &[Fault::Status(503)]), passes(OTHERS, &[Fault::Status(503)])],
        &[
            passes(&["publish", "verify, look"], &[Fault::Reset, Fault::Truncated]),
            // It passes for success, so what was uploaded is waited for.
            Round { limits: TEN_SECONDS, ..stops(&["publish", "latest, npm"], &[Fault::Page]) },
        ],
    ],
    shown: &[],
    index: FOR_TS.index,
    cells: 22,
};

const FOR_TS: Table = Table {
    app: "ts",
    places: TS,
    rounds: &[
        &[
            passes(USE_NPM, &[Fault::Status(500), Fault::Status(502), Fault::Truncated]),
            passes(OTHERS, &[Fault::Status(500), Fault::Status(502), Fault::Truncated]),
        ],
        &[passes(USE_NPM, &[Fault::Status(503), Fault::Status(429), Fault::LostAnswer])],
        &[
            passes(USE_NPM, &[Fault::Reset]),
            Round {
                limits: TEN_SECONDS,
                ..passes(&["publish", "verify, download", "latest, look"], &[Fault::Silent])
            },
            // npm reads it as long as a byte comes: only the overall limit ends that.
            Round { limits: &[("XTASK_LIMIT", "30")], ..passes(&["verify, look"], &[Fault::Drip]) },
        ],
        &[
            Round {
                limits: TEN_SECONDS,
                ..stops(&["ask the index", "publish", "latest, npm"], &[Fault::Page])
            },
            stops(&["publish", "verify, download", "latest, candidate"], &[Fault::Redirect]),
            stops(&["ask the index", "publish", "latest, npm"], &[Fault::Echo]),
        ],
    ],
    shown: TS_SHOWN,
    index: &shown("publish, list", NPM, request("GET", DOCUMENT, ""), TO_NPM),
    cells: 102,
};

/// Step, fault, and what happened.
type Cell = (&'static str, String, &'static str);

/// A world whose servers are all behind proxies, with its git remote over HTTP.
struct Lab {
    world: World,
    app: &'static str,
    proxies: BTreeMap<&'static str, Proxy>,
    remote: String,
    patch: usize,
    cells: Vec<Cell>,
    /// Ends of releases whose message has no row in the RUNBOOK.
    unexplained: Vec<String>,
}

impl Lab {
    fn new(app: &'static str, places: &'static [Place]) -> Lab {
        let mut world = World::of(app);
        let git = Proxy::before(&git_server(world.data.as_path()));
        let remote = format!("http://{}/remote.git", git.address);
        let mut proxies = BTreeMap::from([(REMOTE, git)]);
        for place in places {
            proxies.entry(place.server).or_insert_with(|| {
                let url = world.servers.env[place.server].clone();
                let server = url.trim_start_matches("http://").split('/').next().unwrap().to_string();
                let proxy = Proxy::before(&server);
                for value in world.servers.env.values_mut() {
                    *value = value.replace(&server, &proxy.address);
                }
                proxy
            });
        }
        let mut lab =
            Lab { world, app, proxies, remote, patch: 0, cells: Vec::new(), unexplained: Vec::new() };
        if app == "ts" {
            // The first version of a package gets `latest` from npm itself.
            lab.bump();
            lab.released(&[], &[], true, &[]);
        }
        lab
    }

    fn release(&self, limits: &[(&str, &str)]) -> Output {
        let mut command = self.world.command(&self.world.repo.path);
        command.args(["release", self.app]).env(REMOTE, &self.remote).envs(limits.iter().copied());
        let output = run(&mut command);
        for (name, value) in self.world.servers.env.iter().filter(|(n, _)| n.ends_with("_TOKEN")) {
            assert!(!output.stderr.contains(value), "{name} is shown: {}", output.stderr);
        }
        output
    }

    /// Prepares the next version.
    fn bump(&mut self) {
        self.patch += 1;
        if self.patch > 1 {
            let text = format!("# demo-agent, edition {}\n", self.patch);
            self.world.repo.commit(&format!("apps/{}/README.md", self.app), &text, "fix: say the edition");
            self.world.bump(&[]);
        }
    }

    fn fault(&self, place: &Place, faults: &[Fault]) {
        self.proxies[place.server].fault_after(place.after, place.request, faults);
    }

    /// Releases the next version while each of these places has these faults, again and again until it is
    /// out.
    fn round(&mut self, places: &[&'static Place], round: &Round) {
        self.bump();
        self.released(places, round.faults, round.passes, round.limits);
    }

    /// `passes`: the first run must get there.
    fn released(
        &mut self,
        places: &[&'static Place],
        faults: &[Fault],
        passes: bool,
        limits: &[(&str, &str)],
    ) {
        for place in places {
            self.fault(place, faults);
        }
        let mut stopped = Vec::new();
        for tries in 0.. {
            let output = self.release(limits);
            if output.code == 0 {
                break;
            }
            let all = format!("{faults:?}: {}\n{}", output.stderr, self.requests());
            assert!(!passes && tries < places.len() + 2, "the release did not go on by itself: {all}");
            let on = format!("`cargo xtask release {}` continues", self.app);
            assert!(output.stderr.contains(&on), "{all}");
            let end = output.stderr.lines().rev().take(12).collect::<Vec<_>>();
            let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
            if !docs::explains(&end) {
                self.unexplained.push(format!("{faults:?}: {end}"));
            }
            stopped.push(self.hit(places).last().copied());
        }
        let hit = self.hit(places);
        for place in places {
            assert!(hit.contains(&place.step), "{}: no request came: {}", place.step, self.requests());
            let happened =
                if stopped.contains(&Some(place.step)) { "stops, and continues" } else { "recovers" };
            let mut names: Vec<String> = faults.iter().map(|fault| format!("{fault:?}")).collect();
            names.dedup();
            self.cells.extend(names.into_iter().map(|name| (place.step, name, happened)));
        }
        self.complete();
    }

    /// The release is complete, with one copy of each file.
    fn complete(&self) {
        let lacks = lacks(&self.world, self.app, &format!("0.0.{}", self.patch));
        assert!(lacks.is_empty(), "{lacks:?}: {}", self.requests());
        // A wheel and an sdist.
        let files = if self.app == "python" { 2 } else { 1 };
        assert_eq!(self.world.published().len(), files * self.patch, "one copy of each file");
        self.proxies.values().for_each(Proxy::heal);
    }

    /// The steps whose faults have all been taken, in the order in which that happened.
    fn hit(&self, places: &[&'static Place]) -> Vec<&'static str> {
        let mut hit: Vec<_> = places
            .iter()
            .filter_map(|place| Some((self.proxies[place.server].taken(&place.request)?, place.step)))
            .collect();
        hit.sort();
        hit.into_iter().map(|(_, step)| step).collect()
    }

    /// Every request, with its fault, for messages.
    fn requests(&self) -> String {
        let short = |(request, fault): (String, Option<Fault>)| {
            format!("  {} {fault:?}\n", request.chars().take(80).collect::<String>())
        };
        let last = |proxy: &Proxy| {
            let seen = proxy.seen();
            let skipped = seen.len().saturating_sub(30);
            seen.into_iter().skip(skipped).map(short).collect::<String>()
        };
        self.proxies.iter().map(|(name, proxy)| format!("{name}:\n{}", last(proxy))).collect()
    }

    /// How many requests with this method and this text in their path the server got.
    fn count(&self, server: &str, method: &str, path: &str) -> usize {
        let seen = self.proxies[server].seen();
        seen.iter().filter(|(name, _)| name.starts_with(method) && name.contains(path)).count()
    }

    /// Servers whose answers come from a cache for a while: they are waited for, and nothing is uploaded or
    /// tagged again.
    fn stale(&mut self, table: &'static Table) {
        self.bump();
        let places: Vec<&'static Place> = table.shown.iter().collect();
        self.released(&places, &[Fault::Stale; 3], true, &[]);
        // The index has the file, but says neither that it accepted it nor that it has it.
        self.bump();
        let publish = table.places.iter().find(|place| place.step == "publish").unwrap();
        let list = table.shown.iter().find(|place| place.step == "publish, list").unwrap();
        self.fault(publish, &[Fault::LostAnswer]);
        self.released(&[list], &[Fault::Stale; 3], true, &[]);
        self.cells.last_mut().unwrap().1 = "LostAnswer, Stale".into();
        // Past the limit.
        self.bump();
        let pushes = self.count(REMOTE, "POST", "/git-receive-pack");
        self.fault(table.index, &[Fault::Stale; 999]);
        let limits = [("XTASK_SILENCE", "6")];
        for _ in 0..2 {
            let stopped = self.release(&limits);
            assert_eq!(stopped.code, 1, "{}", stopped.stderr);
            for text in ["it may show an older state", "does not list", "continues"] {
                assert!(stopped.stderr.contains(text), "{text} is missing in {}", stopped.stderr);
            }
        }
        self.proxies.values().for_each(Proxy::heal);
        let continued = self.release(&[]);
        assert_eq!(continued.code, 0, "{}", continued.stderr);
        assert_eq!(self.count(REMOTE, "POST", "/git-receive-pack"), pushes + 1, "{}", self.requests());
        self.complete();
        self.cells.push((table.index.step, "Stale for long".into(), "stops, and continues"));
    }
}

/// All cells of an app, each list of rounds in a world of its own.
fn survives(table: &'static Table) -> Vec<Cell> {
    std::thread::scope(|scope| {
        let stale = (!table.shown.is_empty()).then(|| {
            scope.spawn(|| {
                let mut lab = Lab::new(table.app, table.places);
                lab.stale(table);
                lab.cells
            })
        });
        let walks = table.rounds.iter().map(|rounds| {
            scope.spawn(move || {
                let mut lab = Lab::new(table.app, table.places);
                for round in *rounds {
                    let wanted = |place: &&Place| round.steps.is_empty() || round.steps.contains(&place.step);
                    let places: Vec<&'static Place> = table.places.iter().filter(wanted).collect();
                    lab.round(&places, round);
                }
                let texts = lab.unexplained.join("\n\n");
                assert!(texts.is_empty(), "messages without a row in xtask/RUNBOOK.md:\n{texts}");
                lab.cells
            })
        });
        let walks: Vec<_> = walks.collect();
        walks.into_iter().chain(stale).flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn show(table: &'static Table) {
    let cells = survives(table);
    let line = |(step, fault, happened): &Cell| format!("{step:<22} {fault:<17} {happened}\n");
    let lines: String = cells.iter().map(line).collect();
    let lines = format!("{lines}fault table, {}: {} of {}\n", table.app, cells.len(), table.cells);
    // Past the capture of the test harness: the table is also shown if the test passes.
    std::io::stderr().write_all(lines.as_bytes()).unwrap();
    assert_eq!(cells.len(), table.cells);
}

#[test]
fn a_python_release_survives_every_fault_of_its_servers() {
    show(&FOR_PYTHON);
}

/// The whole table takes 4 minutes: XTASK_FAULTS=all runs it.
#[test]
fn a_ts_release_survives_every_fault_of_its_servers() {
    match std::env::var("XTASK_FAULTS").as_deref() {
        Ok("all") => show(&FOR_TS),
        _ => show(&SHORT_FOR_TS),
    }
}

#[test]
fn a_fault_on_purpose_is_survived_or_stops_with_the_command_that_continues() {
    let world = World::new();
    let usage = world.xtask(&["release", "python", "--fault", "publish"]);
    expect![[r#"
        exit code 2
        error: "publish" is not STATUS@STEP, with a status of 400 to 599, silent or reset: 503@publish
    "#]]
    .assert_eq(&usage.seen_error());
    let refused = world.xtask(&["release", "python", "--fault", "403@tag"]);
    expect![[r#"
        exit code 1
        error: step tag of python-v0.0.1 failed: git ls-remote -- WORLD/registries/remote.git refs/heads/main failed in WORLD/Prüfung #1; mit Raum:
        the server returned error: 403 (--fault)
          → `cargo xtask release python` continues
    "#]].assert_eq(&refused.seen_error());
    assert!(world.published().is_empty());
    let survived = world.xtask(&["release", "python", "--fault", "503@publish"]);
    expect![[r#"
        exit code 0
            GET http://127.0.0.1:PORT/simple/demo-agent/: 503 Service Unavailable; retry in TIME (1/4)
    "#]]
    .assert_eq(&survived.seen_lines(&["retry in"]));
    assert_eq!(world.published().len(), 2);
}

/// The first two questions are what of the release is there already, the third one which versions there are.
#[test]
fn an_index_that_stops_answering_in_preflight_stops_the_release_before_the_tag() {
    let mut world = World::new();
    world.xtask(&["release", "python"]).expect(0);
    world.repo.commit("apps/python/next.py", "", "feat: next");
    world.bump(&[]);
    let index = world.servers.env.get_mut(PYPI).unwrap();
    let server = index.trim_start_matches("http://").split('/').next().unwrap().to_string();
    let proxy = Proxy::before(&server);
    *index = index.replace(&server, &proxy.address);
    let question = request("GET", "/simple/demo-agent", OURS);
    let faults = [Fault::Stale, Fault::Page, Fault::Page, Fault::Page, Fault::Page];
    proxy.fault_after(Some(question), question, &faults);
    let stopped = world.xtask(&["release", "python"]);
    expect![[r#"
        exit code 1
        error: step preflight of python-v0.1.0 failed: the index could not be asked which versions it has: cannot read the index: the answer to GET http://127.0.0.1:PORT/simple/demo-agent/ is not an answer of a Python index, so its versions are unknown: a web page without a file of demo-agent and without a mark of an index (PEP 503, PEP 629)
          → `cargo xtask release python` continues
    "#]].assert_eq(&stopped.seen_findings());
    assert!(!world.repo.git(&["ls-remote", "--tags", "origin"]).contains("python-v0.1.0"));
}

#[test]
fn an_index_that_asks_for_a_long_pause_is_not_asked_again_and_the_pause_is_told() {
    let mut world = World::new();
    // In front of uploads only.
    let upload = world.servers.env.get_mut("XTASK_TESTPYPI_UPLOAD").unwrap();
    let server = upload.trim_start_matches("http://").split('/').next().unwrap().to_string();
    let proxy = Proxy::before(&server);
    *upload = upload.replace(&server, &proxy.address);
    proxy.fault(request("POST", "/", UPLOAD), &[Fault::Busy]);
    // xtask's own question, because uv does not pass on the header.
    proxy.fault(request("GET", "/", OURS), &[Fault::Busy]);
    let refused = world.xtask(&["release", "python"]).expect(1);
    assert!(refused.stderr.contains("the server asks to wait 3600 s"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("retry in"), "{}", refused.stderr);
    assert_eq!(proxy.left(), 0);
    world.xtask(&["release", "python"]).expect(0);
}

#[test]
fn a_git_remote_that_asks_for_a_pause_gets_it_or_the_pause_is_told() {
    let world = World::new();
    let proxy = Proxy::before(&git_server(world.data.as_path()));
    let remote = format!("http://{}/remote.git", proxy.address);
    let release = || {
        let mut command = world.command(&world.repo.path);
        run(command.args(["release", "python", "--until", "tag"]).env(REMOTE, &remote))
    };
    let everything = request("GET", "/remote.git", "");
    proxy.fault(everything, &[Fault::Busy]);
    let refused = release().expect(1);
    let told = "the server asks to wait 3600 s, Retry-After; xtask waits at most 30 s";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert!(!refused.stderr.contains("retry in"), "{}", refused.stderr);
    // The push fails after the server was asked for its refs.
    proxy.fault(request("POST", "git-receive-pack", ""), &[Fault::Moment]);
    let waited = release().expect(0);
    let told = "git push: the server asks to wait 1 s, Retry-After; retry in 1.0 s (1/4)";
    assert!(waited.stderr.contains(told), "{}", waited.stderr);
    assert_eq!(proxy.left(), 0);
}

#[test]
fn ssh_gives_up_a_git_server_that_says_nothing() {
    let repo = Repo::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = format!("ssh://git@{}/mono.git", listener.local_addr().unwrap());
    let asked = |env: &[(&str, &str)]| {
        let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
        command.args(["verify", "python", "0.0.1"]).env("XTASK_REMOTE", &remote);
        run(command.env("XTASK_SILENCE", "1").envs(env.iter().copied())).expect(1).stderr
    };
    if std::process::Command::new("ssh").arg("-V").output().is_err() {
        return skip("there is no ssh");
    }
    // It accepts the connection and is silent before ssh knows the server.
    let silent = asked(&[]);
    assert!(silent.contains("timed out") && silent.contains("retry in 0.5 s (1/4)"), "{silent}");
    assert!(silent.contains(": waiting for an answer, at most 1200 s"), "{silent}");
    // A server that is silent later needs an sshd: here only what ssh is told.
    let folder = |name: &str| repo.world().join(name);
    for name in ["bin", "mine"] {
        std::fs::create_dir(folder(name)).unwrap();
        let program = folder(name).join("ssh");
        std::fs::write(&program, "#!/bin/sh\necho \"$0 $*\" >&2\nexit 255\n").unwrap();
        std::fs::set_permissions(program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder("bin"), std::env::var("PATH").unwrap());
    let mine = format!("'{}/ssh'", folder("mine"));
    let told = asked(&[("PATH", &path), ("XTASK_SILENCE", "60")]);
    let options = "bin/ssh -o ConnectTimeout=60 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 ";
    assert!(told.contains(options), "{told}");
    let own = asked(&[("PATH", &path), ("GIT_SSH_COMMAND", &mine)]);
    assert!(own.contains("mine/ssh ") && !own.contains("ServerAlive"), "{own}");
    repo.git(&["config", "core.sshCommand", &mine]);
    let own = asked(&[("PATH", &path)]);
    assert!(own.contains("mine/ssh ") && !own.contains("ServerAlive"), "{own}");
}
