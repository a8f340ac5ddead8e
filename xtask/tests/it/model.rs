//! Compares `plan` with a small model: random walks over the two-branch flow with two apps, checked after
//! every step on development, on main and on the branch that `promote` creates. The model knows which changes
//! were released, but nothing about git.

use crate::support::{PYPROJECT, Repo, run};
use camino::Utf8PathBuf;
use std::collections::BTreeMap;

const APPS: [&str; 2] = ["x", "y"];

/// A pseudo-random sequence (xorshift64): the same seed gives the same walk on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// One act of the flow. A list of acts defines a walk completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// A pull request into development that changes these apps (one bit each). `level`: 0 docs, 1 fix, 2
    /// feat, 3 fix!. `form`: the form of the squash's message.
    Change { apps: u64, level: u64, form: u64 },
    /// Reverts the last unreleased change of development with `git revert`.
    Revert,
    /// Bumps to the versions that plan demands, squashes development into main, and releases the changes.
    Promote { form: u64 },
    /// A fix of one app on main, released immediately.
    Hotfix { app: u64 },
    /// Cherry-picks every hotfix that development lacks, with or without git's "cherry picked from" line.
    Back { named: bool },
}

fn walk(random: &mut Random, length: usize) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..length {
        acts.push(match random.below(10) {
            0..=4 => Act::Change { apps: 1 + random.below(3), level: random.below(4), form: random.below(6) },
            5 => Act::Revert,
            6 | 7 => Act::Promote { form: random.below(3) },
            8 => Act::Hotfix { app: random.below(2) },
            _ => Act::Back { named: random.below(2) == 0 },
        });
    }
    acts
}

/// The model's state of one app.
#[derive(Clone, Default)]
struct Known {
    released: (u64, u64, u64),
    /// The levels of unreleased changes on development.
    open: Vec<u64>,
}

struct World {
    repo: Repo,
    apps: BTreeMap<&'static str, Known>,
    /// Hotfixes of main that development does not have yet: the commit and its app.
    away: Vec<(String, &'static str)>,
    /// The last change of development, if it can be reverted: the commit, and its level for each app.
    last: Option<(String, Vec<(&'static str, u64)>)>,
    number: u64,
}

type Checked = Result<(), String>;

impl World {
    fn new() -> World {
        let repo = Repo::empty("repo");
        repo.write(
            "Cargo.toml",
            "[workspace.metadata.xtask]\nrepository = \"https://forge.example/team/mono\"\n",
        );
        let mut apps = BTreeMap::new();
        for app in APPS {
            let toml = format!(
                "name = \"{app}\"\necosystem = \"python\"\npackage = \"demo-{app}\"\n[release]\n\
                 shared = [\"shared/**\"]\n"
            );
            repo.write(&format!("apps/{app}/app.toml"), toml);
            repo.write(&format!("apps/{app}/pyproject.toml"), PYPROJECT.replace("0.0.0", "0.1.0"));
            apps.insert(app, Known { released: (0, 1, 0), open: Vec::new() });
        }
        repo.commit("README.md", "x\n", "feat: begin");
        for app in APPS {
            repo.git(&["tag", "-a", "-m", "notes", &format!("{app}-v0.1.0")]);
        }
        repo.git(&["branch", "development"]);
        repo.git(&["switch", "-q", "development"]);
        World { repo, apps, away: Vec::new(), last: None, number: 0 }
    }

    fn act(&mut self, act: Act) -> Checked {
        match act {
            Act::Change { apps, level, form } => self.change(apps, level, form),
            Act::Revert => self.revert(),
            Act::Promote { form } => return self.promote(form),
            Act::Hotfix { app } => self.hotfix(APPS[app as usize]),
            Act::Back { named } => self.back(named),
        }
        Ok(())
    }

    /// Each change has its own file, so nothing conflicts. A change of both apps uses a shared path every
    /// second time.
    fn change(&mut self, apps: u64, level: u64, form: u64) {
        self.number += 1;
        let touched: Vec<&str> =
            APPS.into_iter().enumerate().filter(|(i, _)| apps & (1 << i) != 0).map(|(_, app)| app).collect();
        if touched.len() == 2 && form.is_multiple_of(2) {
            self.repo.write(&format!("shared/{}", self.number), "x\n");
        } else {
            touched.iter().for_each(|app| self.repo.write(&format!("apps/{app}/src/{}", self.number), "x\n"));
        }
        let kind = ["docs", "fix", "feat", "fix!"][level as usize];
        let n = self.number;
        // `fix!` with a scope: `fix(x)!`.
        let scoped =
            |app: &str| format!("{}({app}){}", kind.trim_end_matches('!'), if level == 3 { "!" } else { "" });
        let message = match form {
            0 => format!("{kind}: change {n} (#{n})"),
            1 => format!(
                "chore: change {n} (#{n})\n\n* {kind}: part of {n}\n\n* wip\n\n---------\n\n\
                 Co-authored-by: A <a@example.org>"
            ),
            2 if level == 3 => format!("fix: change {n} (#{n})\n\nBREAKING CHANGE: gone\n\nCloses #{n}"),
            2 => format!("{kind}: change {n} (#{n})\n\n* add it\n* and test it"),
            3 => format!("{kind}: change {n}"),
            // The scope of each bullet names its app.
            4 if touched.len() == 2 => {
                format!("chore: change {n} (#{n})\n\n* {}: one part\n* docs(y): the other", scoped("x"))
            }
            4 => format!("{}: change {n} (#{n})", scoped(touched[0])),
            _ => format!("docs: a title that says too little (#{n})"),
        };
        let before = self.repo.head();
        self.commit(&message);
        // The forge keeps the branch, whose commits demand more than the squash.
        if form == 5 {
            let branch = ["commit-tree", "HEAD^{tree}", "-p", &before, "-m", &format!("{kind}: change {n}")];
            let branch = self.repo.git(&branch);
            self.repo.git(&["update-ref", &format!("refs/pull/{n}/head"), &branch]);
        }
        let of = |app: &str| if form == 4 && touched.len() == 2 && app == "y" { 0 } else { level };
        let levels: Vec<(&'static str, u64)> = touched.iter().map(|app| (*app, of(app))).collect();
        for (app, level) in &levels {
            self.apps.get_mut(app).unwrap().open.push(*level);
        }
        self.last = Some((self.repo.head(), levels));
    }

    fn commit(&self, message: &str) {
        self.repo.git(&["add", "--all"]);
        self.repo.git(&["commit", "--quiet", "--cleanup=verbatim", "--message", message]);
    }

    fn revert(&mut self) {
        let Some((commit, levels)) = self.last.take() else { return };
        self.repo.git(&["revert", "--no-edit", &commit]);
        for (app, level) in levels {
            let open = &mut self.apps.get_mut(app).unwrap().open;
            let at = open.iter().rposition(|l| *l == level).unwrap();
            open.remove(at);
        }
    }

    fn hotfix(&mut self, app: &'static str) {
        self.number += 1;
        let n = self.number;
        self.repo.git(&["switch", "-q", "main"]);
        let known = self.apps.get_mut(app).unwrap();
        known.released.2 += 1;
        let version = text(known.released);
        self.set_version(app, &version);
        self.repo.write(&format!("apps/{app}/src/{n}"), "hotfix\n");
        self.commit(&format!("fix({app}): hotfix {n} (#{n})"));
        self.tag(app, &version, &self.repo.head());
        self.away.push((self.repo.head(), app));
        self.repo.git(&["switch", "-q", "development"]);
    }

    /// The version's line stays development's, as a person would resolve the conflict; a higher version is
    /// taken.
    fn back(&mut self, named: bool) {
        self.last = None;
        for (commit, app) in std::mem::take(&mut self.away) {
            let file = format!("apps/{app}/pyproject.toml");
            let files = self.repo.git(&["diff-tree", "-r", "--no-commit-id", "--name-only", &commit]);
            for file in files.lines().filter(|f| **f != *file) {
                self.repo.git(&["checkout", "-q", &commit, "--", file]);
            }
            let released = self.repo.git(&["show", &format!("{commit}:{file}")]);
            if version_in(&self.repo.read(&file)) < version_in(&released) {
                self.repo.write(&file, released);
            }
            self.number += 1;
            let line =
                if named { format!("\n\n(cherry picked from commit {commit})") } else { String::new() };
            self.commit(&format!("fix({app}): bring the hotfix back (#{}){line}", self.number));
        }
    }

    fn promote(&mut self, form: u64) -> Checked {
        self.back(true);
        let mut raised = Vec::new();
        for app in APPS {
            if let Some(next) = self.expected(app) {
                self.set_version(app, &text(next));
                raised.push((app, next));
            }
        }
        if raised.is_empty() {
            return Ok(());
        }
        self.commit(&format!("chore(release): {} v{}", raised[0].0, text(raised[0].1)));
        let source = self.repo.head();
        self.check("after the bump")?;
        let log = self.repo.git(&["log", "--format=* %s", "main..development"]);
        let message = match form {
            0 => "chore(release): promote (#1)".to_string(),
            1 => format!("chore(release): promote (#1)\n\n{log}"),
            _ => "Promote to main (#1)".to_string(),
        };
        self.repo.git(&["switch", "-q", "main"]);
        self.repo.git(&["rm", "-rq", "."]);
        self.repo.git(&["checkout", "development", "--", "."]);
        self.commit(&message);
        self.repo.git(&["switch", "-q", "development"]);
        self.check("before the release")?;
        self.repo.git(&["switch", "-q", "main"]);
        for (app, next) in raised {
            self.tag(app, &text(next), &source);
            *self.apps.get_mut(app).unwrap() = Known { released: next, open: Vec::new() };
        }
        // Changes that release nothing are now in main too.
        self.apps.values_mut().for_each(|known| known.open.clear());
        self.last = None;
        self.repo.git(&["switch", "-q", "development"]);
        Ok(())
    }

    fn set_version(&self, app: &str, version: &str) {
        self.repo.write(&format!("apps/{app}/pyproject.toml"), PYPROJECT.replace("0.0.0", version));
    }

    fn tag(&self, app: &str, version: &str, source: &str) {
        let message = format!("{app} v{version}\n\nSource-Commit: {source}\n");
        self.repo.git(&["tag", "-a", "--cleanup=verbatim", "-m", &message, &format!("{app}-v{version}")]);
    }

    /// The next version according to the model: in 0.y a break is a minor bump. None: nothing to release.
    fn expected(&self, app: &str) -> Option<(u64, u64, u64)> {
        let known = &self.apps[app];
        let (major, minor, patch) = known.released;
        match known.open.iter().max() {
            None | Some(0) => None,
            Some(1) => Some((major, minor, patch + 1)),
            Some(_) => Some((major, minor + 1, 0)),
        }
    }

    /// Checks that plan agrees with the model on development and on a promotion's branch, and on main while
    /// it has development's content.
    fn check(&self, when: &str) -> Checked {
        let promotion =
            ["commit-tree", "development^{tree}", "-p", "development", "-p", "main", "-m", "chore: promote"];
        let promotion = self.away.is_empty().then(|| self.repo.git(&promotion));
        let same = self.repo.git(&["rev-parse", "development^{tree}"])
            == self.repo.git(&["rev-parse", "main^{tree}"]);
        let tips = [Some("development".to_string()), promotion, same.then(|| "main".to_string())];
        for tip in tips.into_iter().flatten() {
            let detach: &[&str] = if tip == "development" || tip == "main" { &[] } else { &["--detach"] };
            self.repo.git(&[&["switch", "-q"], detach, &[tip.as_str()]].concat());
            // Every second time as in a rehearsal of one app: the other one is hidden.
            let only = self.number % 2 == 1;
            let mut command = self.repo.command(env!("CARGO_BIN_EXE_xtask"), &self.repo.path);
            let output = run(command.args(["plan", "--json"]).envs(only.then_some(("XTASK_ONLY", "x"))));
            self.repo.git(&["switch", "-q", "development"]);
            if output.code != 0 && output.code != 4 {
                return Err(format!("{when}, on {tip}: exit code {}\n{}", output.code, output.stderr));
            }
            let document = output.json();
            for app in APPS.into_iter().filter(|app| !only || *app == "x") {
                let said = document["apps"].as_array().unwrap().iter().find(|a| a["app"] == app).unwrap();
                let (said, expected) =
                    (said["next"].as_str().map(str::to_string), self.expected(app).map(text));
                if said != expected {
                    return Err(format!(
                        "{when}, on {tip}: {app} should be {expected:?}, but plan gives {said:?}"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn text((major, minor, patch): (u64, u64, u64)) -> String {
    format!("{major}.{minor}.{patch}")
}

fn version_in(manifest: &str) -> semver::Version {
    let line = manifest.lines().find_map(|l| l.strip_prefix("version = \"")).expect("a version");
    line.split('"').next().unwrap().parse().expect("a version")
}

/// A description of the first step after which plan is wrong.
fn failure(acts: &[Act]) -> Option<String> {
    let mut world = World::new();
    for (at, act) in acts.iter().enumerate() {
        let checked = world.act(*act).and_then(|()| world.check(&format!("step {at}, {act:?}")));
        if let Err(error) = checked {
            // Kept for inspection if requested.
            if let Some(keep) = std::env::var_os("XTASK_MODEL_KEEP") {
                let to = Utf8PathBuf::try_from(std::path::PathBuf::from(keep)).expect("UTF-8");
                run(world.repo.command("cp", world.repo.world()).args([
                    "-r",
                    world.repo.path.as_str(),
                    to.as_str(),
                ]));
            }
            return Some(error);
        }
    }
    None
}

/// The shortest list of acts that still fails, found by removing one act after another.
fn shrink(mut acts: Vec<Act>) -> Vec<Act> {
    let mut at = 0;
    while at < acts.len() {
        let mut shorter = acts.clone();
        shorter.remove(at);
        if failure(&shorter).is_some() { (acts, at) = (shorter, 0) } else { at += 1 }
    }
    acts
}

/// Runs `XTASK_MODEL_WALKS` walks from the seed `XTASK_MODEL_SEED`; every test run uses the defaults.
#[test]
fn plan_agrees_with_a_model_over_random_walks_of_the_flow() {
    let set =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (walks, seed) = (set("XTASK_MODEL_WALKS", 60), set("XTASK_MODEL_SEED", 20_260_101));
    let scripts: Vec<Vec<Act>> = (0..walks).map(|n| walk(&mut Random(seed + n * 7919), 12)).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(acts) = scripts.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if failure(acts).is_some() {
                        failed.lock().unwrap().push(acts.clone());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if let Some(first) = failed.first() {
        let script = shrink(first.clone());
        let why = failure(&script).unwrap_or_default();
        panic!("{} of {walks} walks fail; the first, made short:\n{script:#?}\n{why}", failed.len());
    }
}
