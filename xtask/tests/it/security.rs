//! A security release by the commands of the RUNBOOK: nothing of the fix is public before its release.

use crate::demo::World;
use crate::support::{Output, run};

const RUNBOOK: &str = include_str!("../../RUNBOOK.md");

/// The commands of the section, block by block, for releases 0.0.1 and 0.0.2.
fn blocks() -> Vec<Vec<String>> {
    let section = RUNBOOK.split("\n## Security release\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let lines = |block: &str| -> Vec<String> {
        let lines = block.lines().map(|line| line.split(" #").next().unwrap().trim().to_string());
        lines
            .filter(|line| !line.is_empty())
            .map(|line| line.replace("0.1.1", "0.0.2").replace("0.1.0", "0.0.1"))
            .collect()
    };
    section.split("```sh").skip(1).map(|block| lines(block.split("```").next().unwrap())).collect()
}

fn type_in(world: &World, line: &str) -> Output {
    let (words, text) = line.split_once(" \"").map_or((line, None), |(words, text)| (words, Some(text)));
    let words: Vec<&str> = words.split(' ').chain(text.map(|text| text.trim_end_matches('"'))).collect();
    match words[..] {
        ["cargo", "xtask", ref args @ ..] => {
            let mut command = world.command(&world.repo.path);
            // Nobody can be asked here.
            command.args(args).args(args.contains(&"rollback").then_some("--yes"));
            run(&mut command)
        }
        _ => run(world.repo.command(words[0], &world.repo.path).args(&words[1..])),
    }
}

/// `rehearse` is left out: its own tests check that it changes nothing outside of its folder.
#[test]
fn nothing_of_a_security_fix_is_public_before_its_release() {
    const FIX: &str = "the-attack-that-is-fixed";
    let world = World::new();
    world.xtask(&["release", "python"]).expect(0);
    let private = world.repo.world().join("private.git");
    world.repo.git(&["init", "--quiet", "--bare", private.as_str()]);
    let before = world.outside();
    let blocks = blocks();
    let [prepare, publish] = &blocks[..] else { panic!("{blocks:#?}") };
    assert!(prepare.len() == 7 && publish.len() == 5, "{blocks:#?}");
    for line in prepare.iter().filter(|line| !line.contains("rehearse")) {
        if line.starts_with("git commit") {
            let file = "apps/python/src/demo_agent/__init__.py";
            world.repo.write(file, format!("{}\n# {FIX}\n", world.repo.read(file)));
        }
        let output = type_in(&world, &line.replace("PRIVATE-REMOTE", private.as_str())).expect(0);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(!text.contains(FIX), "{line}: {text}");
        if line.contains("--quiet") {
            assert!(text.contains("0.0.2") && !text.contains("unusual"), "{text}");
        }
    }
    let changelog = world.repo.read("CHANGELOG.md");
    assert!(changelog.contains("- handle unusual input") && !changelog.contains(FIX), "{changelog}");
    assert_eq!(before, world.outside(), "something is public");
    let names = |refs: String| refs.matches("hotfix/python-v0.0.1").count();
    assert_eq!(names(world.repo.git(&["ls-remote", private.as_str()])), 1);
    assert_eq!(names(world.repo.git(&["ls-remote", "origin"])), 0);

    for line in publish {
        let output = type_in(&world, line);
        // A person has to yank the old version from a Python index.
        assert_eq!(output.code, if line.contains("rollback") { 3 } else { 0 }, "{line}: {output:#?}");
        if line.contains("cargo xtask hotfix") {
            assert!(output.stdout.contains("git cherry-pick -x "), "{}", output.stdout);
        }
    }
    let latest = world.image("example/demo-agent", "latest");
    assert!(latest.is_some() && latest == world.image("example/demo-agent", "v0.0.2"));
    assert!(world.repo.git(&["ls-remote", "--tags", "origin"]).contains("withdrawn/python-v0.0.1"));
}
