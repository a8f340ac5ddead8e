//! How a list of changes is shown to a person, whatever was compared: the spec or the public API.

use crate::finding::Level;
use std::io::IsTerminal;

/// Colours where a person reads standard output itself; control characters of what is compared never reach a
/// terminal.
pub fn paint(colour: fn(&str) -> String, text: &str) -> String {
    if std::io::stdout().is_terminal() { colour(&plain(text)) } else { plain(text) }
}

pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// The last line of a report: `3 changes: 1 breaking, 2 info`. How many break is always said.
pub fn counted(levels: &[Level], words: &[(Level, &str)]) -> String {
    let count = |wanted: Level| levels.iter().filter(|level| **level == wanted).count();
    let said = words.iter().filter(|(level, _)| count(*level) > 0 || *level == Level::Breaking);
    let said: Vec<String> = said.map(|(level, word)| format!("{} {word}", count(*level))).collect();
    format!("{}: {}\n", plural(levels.len(), "change"), said.join(", "))
}

pub fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
}
