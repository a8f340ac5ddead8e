//! Questions on the terminal.

use super::exit::Exit;
use super::ui;
use anyhow::{Context, Result};
use std::io::IsTerminal;

/// Asks on the terminal before `who`, a command, changes anything. `command` does the same without the
/// question, and the error names it where there is no terminal.
pub(crate) fn confirm(who: &str, question: &str, command: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let message = format!(
            "{who} asks before it changes anything, and there is no terminal to ask on; nothing was \
             changed\n  to skip the question: {command}"
        );
        return Err(Exit::Usage(message).into());
    }
    ui::say(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer from the terminal")?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Exit::Refused("not confirmed: nothing was changed".into()).into()),
    }
}
