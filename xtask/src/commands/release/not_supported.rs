//! Steps that are not implemented yet: the release page on a forge, and the notification of downstream
//! repositories. They are in the table so that a release shows that nothing does them.

use super::{Release, State};
use anyhow::{Result, bail};

pub(crate) fn state(_: &Release) -> Result<State> {
    Ok(State::Skip("not supported yet".to_string()))
}

pub(crate) fn run(_: &Release) -> Result<String> {
    bail!("this step is not supported yet")
}
