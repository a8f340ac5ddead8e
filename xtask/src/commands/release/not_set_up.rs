//! Steps that need a release page on a forge. They are not implemented; they are in the table so that a
//! release shows that nothing does them.

use super::{Release, State};
use anyhow::{Result, bail};

pub(crate) fn state(_: &Release) -> Result<State> {
    Ok(State::Skip("not set up: no release forge in the settings".to_string()))
}

pub(crate) fn run(_: &Release) -> Result<String> {
    bail!("no release forge is set up")
}
