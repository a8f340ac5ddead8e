//! Faults of the network: a release survives them, or stops with the command that continues.

use crate::demo::World;

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
