//! Random texts for property tests.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// The same cases in each run, so that a change is never blamed for another's fault. To search by hand:
/// `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=7 cargo test -p xtask --bin xtask property`.
pub(crate) fn config() -> Config {
    let config = Config { failure_persistence: None, ..Config::default() };
    match config.rng_seed {
        RngSeed::Random => Config { rng_seed: RngSeed::Fixed(1), ..config },
        RngSeed::Fixed(_) => config,
    }
}

/// Texts of these pieces, which mean something to the parser that is tested, mixed with any characters.
pub(crate) fn text(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(pieces).prop_map(str::to_string),
        2 => "[a-z0-9]{1,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
