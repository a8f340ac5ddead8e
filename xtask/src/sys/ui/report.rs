//! Shows a list of changes in the spec or in the public API.

use crate::finding::Level;
use crate::flags::Format;
use crate::sys::exit::Exit;
use std::io::IsTerminal;

mod formats;

pub(crate) use formats::{Report, Row, written};

/// `--json` is one of the formats, so it cannot be combined with another.
pub(crate) fn one_format(json: bool, format: Format) -> Result<(), Exit> {
    match json && format != Format::Text {
        true => Err(Exit::Usage("--json cannot be used with --format".into())),
        false => Ok(()),
    }
}

/// Colours the text if stdout is a terminal. Control characters are replaced, because the text comes from the
/// compared files.
pub(crate) fn paint(colour: fn(&str) -> String, text: &str) -> String {
    if std::io::stdout().is_terminal() { colour(&plain(text)) } else { plain(text) }
}

pub(crate) fn plain(text: &str) -> String {
    text.replace(super::is_control, "\u{fffd}")
}

/// The last line of a report: `3 changes: 1 breaking, 2 info`. The number of breaking changes is always
/// shown.
pub(crate) fn counted(levels: &[Level], words: &[(Level, &str)]) -> String {
    let count = |wanted: Level| levels.iter().filter(|level| **level == wanted).count();
    let shown = words.iter().filter(|(level, _)| count(*level) > 0 || *level == Level::Breaking);
    let shown: Vec<String> = shown.map(|(level, word)| format!("{} {word}", count(*level))).collect();
    format!("{}: {}\n", plural(levels.len(), "change"), shown.join(", "))
}

pub(crate) fn plural(n: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if n == 1 => format!("{n} {what}"),
        Some(stem) => format!("{n} {stem}ies"),
        None => format!("{n} {what}s"),
    }
}
