//! Progress output: one line per step, with a spinner on a terminal and plain lines elsewhere. All of it goes
//! to stderr. A command prints its result to stdout with its own `println!`.

use super::secrets;
use crate::finding::{Finding, Level};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

mod fit;
pub(crate) mod report;

/// Use colours on stderr? Only on a terminal, and not if NO_COLOR (no-color.org) or TERM=dumb is set.
pub(crate) fn colours() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

pub(crate) fn terminal() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}

/// The width of the terminal on stderr. None if stderr is not a terminal or in CI, so that logs are complete.
fn columns() -> Option<usize> {
    if !terminal() {
        return None;
    }
    console::Term::stderr()
        .size_checked()
        .map(|(_, columns)| usize::from(columns))
        .filter(|columns| *columns > 0)
}

/// The width of the terminal on stdout. None if stdout is not a terminal.
fn columns_of_output() -> Option<usize> {
    let output = console::Term::stdout();
    output
        .is_term()
        .then(|| output.size_checked())
        .flatten()
        .map(|(_, columns)| usize::from(columns))
        .filter(|columns| *columns > 0)
}

/// A line of a report on stdout, shortened to the width of the terminal.
pub(crate) fn report_line(line: String) -> String {
    match columns_of_output() {
        Some(columns) => fit::shorten(&line, columns),
        None => line,
    }
}

pub(crate) fn paint(code: &str, text: &str) -> String {
    if colours() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
}
pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}
pub(crate) fn dim(text: &str) -> String {
    paint("2", text)
}
pub(crate) fn red(text: &str) -> String {
    paint("31", text)
}
pub(crate) fn green(text: &str) -> String {
    paint("32", text)
}
pub(crate) fn yellow(text: &str) -> String {
    paint("33", text)
}

/// How a step ended, with the text to show.
pub(crate) enum Outcome {
    Done(String),
    Skipped(String),
    Failed(String),
}

/// `1.4 s`, `2 min 05 s`.
pub(crate) fn duration(d: Duration) -> String {
    let s = d.as_secs();
    if s >= 60 { format!("{} min {:02} s", s / 60, s % 60) } else { format!("{:.1} s", d.as_secs_f64()) }
}

/// The line of a running step, which [`Line::end`] finishes.
pub(crate) struct Line {
    name: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

/// All spinners of this process. They share one drawer, so that parallel steps do not overwrite each other.
fn spinners() -> &'static MultiProgress {
    static SPINNERS: OnceLock<MultiProgress> = OnceLock::new();
    SPINNERS.get_or_init(MultiProgress::new)
}

/// The exit code that a shell shows for a program killed by SIGPIPE: 128 + 13.
const SIGPIPE_EXIT: i32 = 141;

/// A command's result, to standard output, with a line break at its end. Everything else goes to standard
/// error. Ends the program if the result cannot be written: quietly if the reader has closed the pipe, as
/// `| head` does.
pub(crate) fn print(result: impl std::fmt::Display) {
    let text = safe(&result.to_string());
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut output = std::io::stdout().lock();
    if let Err(error) = write!(output, "{text}{end}").and_then(|()| output.flush()) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(SIGPIPE_EXIT);
        }
        say(&format!("{} cannot write the result to standard output: {error}", red("error:")));
        std::process::exit(1);
    }
}

/// The columns of a line of a message. A longer one holds a value that nobody reads to its end.
const LONGEST_LINE: usize = 4000;

/// Prints to stderr, above running spinners. On a terminal, long lines are wrapped at words. A message that
/// cannot be written, on a full disk, does not end the work: the exit code still tells how it went.
pub(crate) fn say(text: &str) {
    let text = &fit::shorten_lines(&safe(text), LONGEST_LINE);
    let wrapped = columns().map(|columns| fit::wrap(text, columns, 4));
    let text = wrapped.as_deref().unwrap_or(text);
    let write = || {
        let _ = writeln!(std::io::stderr(), "{text}");
    };
    if terminal() { spinners().suspend(write) } else { write() }
}

/// What is printed: without tokens and passwords, and without control characters but those of colours. Commit
/// messages, manifests, indexes and git's `remote:` lines are other people's texts.
pub(crate) fn safe(text: &str) -> String {
    visible(&secrets::mask(text))
}

/// Does it change how a terminal or an editor shows what is around it? A control character, or one that turns
/// the direction of a text (Unicode, UAX #9, explicit formatting characters).
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Every control character but line breaks, tab and colour codes (ECMA-48, SGR) as U+FFFD.
fn visible(text: &str) -> String {
    if !text.contains(|c: char| is_control(c) && c != '\n' && c != '\t') {
        return text.to_string();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = rest.strip_prefix("\x1b[").and_then(|code| {
            let end = code.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
            code[end..].starts_with('m').then_some(2 + end + 1)
        });
        let length = colour.unwrap_or(c.len_utf8());
        match colour {
            None if rest.starts_with("\r\n") => out.push('\r'),
            None if is_control(c) && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out
}

pub(crate) fn begin(name: &str) -> Line {
    let spinner = terminal().then(|| {
        let bar = spinners().add(ProgressBar::new_spinner());
        bar.set_style(
            ProgressStyle::with_template("  {spinner} {msg} {elapsed}").expect("a constant template"),
        );
        bar.set_message(format!("{name:<12}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    Line { name: name.to_string(), started: Instant::now(), spinner }
}

impl Line {
    pub(crate) fn end(self, outcome: Outcome) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
        let took = duration(self.started.elapsed());
        let name = format!("{:<17}", self.name);
        // The width of the mark, the name and the spaces around them.
        let begin = 5 + name.chars().count();
        match outcome {
            Outcome::Done(text) => {
                // On a terminal a step is one line. The log and the JSON have the whole text.
                let text = columns().map_or_else(
                    || text.clone(),
                    |c| fit::shorten(&text, c.saturating_sub(begin + took.chars().count() + 3)),
                );
                say(&format!("  {} {} {text} {}", green("✓"), bold(&name), dim(&format!("({took})"))));
            }
            Outcome::Skipped(text) => {
                say(&format!("  {} {} {}", yellow("-"), bold(&name), dim(&text)));
            }
            Outcome::Failed(text) => {
                say(&format!("  {} {} {text} {}", red("✗"), bold(&name), dim(&format!("({took})"))))
            }
        }
    }
}

/// Prints a finding: the problem and its place first, then what to do.
pub(crate) fn finding(f: &Finding) {
    say(&finding_text(f));
}

/// The lines of a finding.
pub(crate) fn finding_text(f: &Finding) -> String {
    let level = match f.level {
        Level::Breaking => red("breaking"),
        Level::Error => red("error"),
        Level::Warning => yellow("warning"),
        Level::Info => dim("info"),
    };
    let app = f.app.as_ref().map(|a| format!(" {a}:")).unwrap_or_default();
    let place = f.place.as_ref().map(|p| dim(&format!(" ({p})"))).unwrap_or_default();
    // The place follows the sentence in the first line, not the difference below it.
    let (first, rest) = f
        .message
        .split_once('\n')
        .map_or((f.message.as_str(), String::new()), |(first, rest)| (first, format!("\n{rest}")));
    let (first, colon) = first.strip_suffix(':').map_or((first, ""), |first| (first, ":"));
    let mut text = format!("{level}[{}]:{app} {first}{place}{colon}{rest}", f.id);
    for line in f.help.iter().flat_map(|h| h.lines()) {
        text.push_str(&format!("\n  {} {line}", dim("→")));
    }
    text
}

/// The text without colour codes.
pub(crate) fn plain(text: &str) -> String {
    console::strip_ansi_codes(text).into_owned()
}

pub(crate) fn section(title: &str) {
    say(&bold(title));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_others_are_visible_and_colours_stay() {
        for (text, expected) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
            ("\x1b[2Jgone", "\u{fffd}[2Jgone"),
            ("a\rb\x07", "a\u{fffd}b\u{fffd}"),
            ("a\r\nb\r", "a\r\nb\u{fffd}"),
            ("a\u{202e}b\u{2066}c\u{2069}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
            ("\u{200f}\u{5d0}", "\u{200f}\u{5d0}"),
            ("\x1b]0;title\x07", "\u{fffd}]0;title\u{fffd}"),
            ("\x1b[", "\u{fffd}["),
            ("\u{9b}2J", "\u{fffd}2J"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }
}
