//! The table of faults: every step of a release that talks to a server, and every fault that a server or the
//! way to it may have. A cell is good if the release goes on by itself, or if it stops with the command that
//! continues; and if afterwards each file is there once, with the hash that the tag names.

use crate::demo::World;
use crate::lab::{Fault, Proxy, git_server};
use crate::support::{Output, run};
use std::collections::BTreeMap;
use std::io::Write;

/// A step, and the request that the fault hits.
struct Place {
    step: &'static str,
    /// The variable with the server's address.
    server: &'static str,
    method: &'static str,
    /// A part of the path.
    path: &'static str,
    /// A part of its headers: of two requests to the same address only an upload is multipart.
    kind: &'static str,
    /// Is it also tried with answers that may stop the release? Each of these runs builds again.
    stops: bool,
}

const fn place(
    step: &'static str,
    server: &'static str,
    method: &'static str,
    path: &'static str,
    kind: &'static str,
    stops: bool,
) -> Place {
    Place { step, server, method, path, kind, stops }
}

const REMOTE: &str = "XTASK_REMOTE";
const PYPI: &str = "XTASK_PYPI";
const TESTPYPI: &str = "XTASK_TESTPYPI";
const REGISTRY: &str = "XTASK_REGISTRY";

/// In the header of an upload to a Python index, but not of preflight's question for the credentials.
const UPLOAD: &str = "multipart/form-data";

/// In the order of a release.
const PYTHON: &[Place] = &[
    place("ask the remote", REMOTE, "GET", "git-upload-pack", "", true),
    place("ask the index", PYPI, "GET", "/simple/", "", true),
    place("ask the registry", REGISTRY, "HEAD", "/manifests/v", "", true),
    place("stage, upload", TESTPYPI, "POST", "/", UPLOAD, false),
    place("stage, install", TESTPYPI, "GET", "/packages/", "", false),
    place("tag", REMOTE, "POST", "/git-receive-pack", "", true),
    place("publish", PYPI, "POST", "/", UPLOAD, true),
    place("image-push, blob", REGISTRY, "PUT", "/blobs/uploads/", "", false),
    place("image-push, manifest", REGISTRY, "PUT", "/manifests/v", "", true),
    place("verify, install", PYPI, "GET", "/packages/", "", false),
    place("verify, pull", REGISTRY, "GET", "/blobs/", "", false),
    place("latest", REGISTRY, "PUT", "/manifests/latest", "", true),
];

/// Faults that pass: the release goes on by itself. Those of a group hit the same request one after another,
/// because four tries are made.
const PASSING: &[&[Fault]] = &[
    &[Fault::Status(500), Fault::Status(502), Fault::Truncated],
    &[Fault::Status(503), Fault::Status(429), Fault::LostAnswer],
    &[Fault::Reset, Fault::Silent],
];

/// Answers that may stop the release.
const STOPPING: &[Fault] = &[Fault::Page, Fault::Redirect, Fault::Echo];

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
        Lab { world, app, proxies, remote, patch: 0, cells: Vec::new() }
    }

    fn release(&self, limits: &[(&str, &str)]) -> Output {
        let mut command = self.world.command(&self.world.repo.path);
        command.args(["release", self.app]).env(REMOTE, &self.remote).envs(limits.iter().copied());
        run(&mut command)
    }

    /// Releases the next version while each of these places has these faults, again and again until it is
    /// out. `passes`: the first run must get there.
    fn round(&mut self, places: &[&'static Place], faults: &[Fault], passes: bool, limits: &[(&str, &str)]) {
        self.patch += 1;
        if self.patch > 1 {
            let text = format!("# demo-agent, edition {}\n", self.patch);
            self.world.repo.commit(&format!("apps/{}/README.md", self.app), &text, "fix: say the edition");
            self.world.bump(&[]);
        }
        for place in places {
            self.proxies[place.server].fault(place.method, place.path, place.kind, faults);
        }
        let mut stopped = Vec::new();
        for tries in 0.. {
            let output = self.release(limits);
            for (name, value) in self.world.servers.env.iter().filter(|(n, _)| n.ends_with("_TOKEN")) {
                assert!(!output.stderr.contains(value), "{name} is shown: {}", output.stderr);
            }
            if output.code == 0 {
                break;
            }
            let all = format!("{faults:?}: {}\n{}", output.stderr, self.requests());
            assert!(!passes && tries < places.len() + 2, "the release did not go on by itself: {all}");
            assert!(
                output.stderr.contains(&format!("`cargo xtask release {}` continues", self.app)),
                "{all}"
            );
            stopped.push(self.hit(places).last().copied());
        }
        let hit = self.hit(places);
        for place in places {
            assert!(hit.contains(&place.step), "{}: no request came: {}", place.step, self.requests());
            let happened =
                if stopped.contains(&Some(place.step)) { "stops, and continues" } else { "recovers" };
            self.cells.extend(faults.iter().map(|fault| (place.step, format!("{fault:?}"), happened)));
        }
        // A wheel and an sdist.
        assert_eq!(self.world.published().len(), 2 * self.patch, "one copy of each file");
        self.proxies.values().for_each(Proxy::heal);
    }

    /// The steps whose faults have all been taken, in the order in which that happened.
    fn hit(&self, places: &[&'static Place]) -> Vec<&'static str> {
        let mut hit: Vec<_> = places
            .iter()
            .filter_map(|place| {
                let taken = self.proxies[place.server].taken(place.method, place.path)?;
                Some((taken, place.step))
            })
            .collect();
        hit.sort();
        hit.into_iter().map(|(_, step)| step).collect()
    }

    /// Every request, with its fault, for messages.
    fn requests(&self) -> String {
        self.proxies.iter().map(|(name, proxy)| format!("{name}: {:?}\n", proxy.seen())).collect()
    }
}

/// All cells of an app. The faults that pass are tried in parallel, each in a world of its own, because such
/// a release mostly waits between two tries.
fn survives(app: &'static str, places: &'static [Place]) -> Vec<Cell> {
    let every: Vec<&'static Place> = places.iter().collect();
    std::thread::scope(|scope| {
        let passing = PASSING.iter().map(|faults| {
            let every = &every;
            scope.spawn(move || {
                let mut lab = Lab::new(app, places);
                // Only the round that waits for it has a short limit: a busy machine is slow too.
                let silent: &[_] = &[("XTASK_SILENCE", "6")];
                let limits = if faults.contains(&Fault::Silent) { silent } else { &[] };
                lab.round(every, faults, true, limits);
                lab.cells
            })
        });
        let passing: Vec<_> = passing.collect();
        let mut lab = Lab::new(app, places);
        let some: Vec<&'static Place> = places.iter().filter(|place| place.stops).collect();
        for fault in STOPPING {
            lab.round(&some, &[*fault], false, &[]);
        }
        let index: Vec<&'static Place> =
            every.iter().copied().filter(|p| p.step == "ask the index").collect();
        lab.round(&index, &[Fault::Drip], false, &[("XTASK_LIMIT", "20")]);
        let cells = passing.into_iter().flat_map(|thread| thread.join().unwrap());
        cells.chain(lab.cells).collect()
    })
}

fn table(app: &'static str, places: &'static [Place], expected: usize) {
    let cells = survives(app, places);
    let line = |(step, fault, happened): &Cell| format!("{step:<22} {fault:<12} {happened}\n");
    let table: String = cells.iter().map(line).collect();
    let table = format!("{table}fault table, {app}: {} of {expected}\n", cells.len());
    // Past the capture of the test harness: the table is also shown if the test passes.
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    assert_eq!(cells.len(), expected);
}

#[test]
fn a_release_survives_every_fault_of_its_servers() {
    table("python", PYTHON, 118);
}

#[test]
fn a_fault_on_purpose_is_survived_or_stops_with_the_command_that_continues() {
    let world = World::new();
    let usage = world.xtask(&["release", "python", "--fault", "publish"]).expect(2);
    assert!(usage.stderr.contains("503@publish"), "{}", usage.stderr);
    let refused = world.xtask(&["release", "python", "--fault", "403@tag"]).expect(1);
    assert!(refused.stderr.contains("403"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`cargo xtask release python` continues"), "{}", refused.stderr);
    assert!(world.published().is_empty());
    let survived = world.xtask(&["release", "python", "--fault", "503@publish"]).expect(0);
    assert!(survived.stderr.contains("503 Service Unavailable; retry in 0.5 s (1/4)"), "{}", survived.stderr);
    assert_eq!(world.published().len(), 2);
}
