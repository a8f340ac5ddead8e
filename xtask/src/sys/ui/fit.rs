//! Fits text to the width of a terminal: shortens it with `…`, or wraps it at words. Pure. A character takes
//! one column, a colour code takes none.

use console::{measure_text_width as width, truncate_str};

/// The text, shortened to this many columns, but at least 8.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    truncate_str(text, columns.max(8), "…").into_owned()
}

/// The text with every longer line shortened to this many columns.
pub(super) fn shorten_lines(text: &str, columns: usize) -> String {
    // A line has at least as many bytes as columns.
    if text.lines().all(|line| line.len() <= columns) {
        return text.to_string();
    }
    text.split('\n').map(|line| shorten(line, columns)).collect::<Vec<_>>().join("\n")
}

/// Wraps text at spaces. Each line after the first begins with `indent` spaces. A word that is longer than a
/// line is not split: it may be a path or a command to copy.
pub(super) fn wrap(text: &str, columns: usize, indent: usize) -> String {
    text.lines().map(|line| wrap_line(line, columns, indent)).collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, columns: usize, indent: usize) -> String {
    // A line that fits keeps its spaces, which may align columns.
    if width(line) <= columns {
        return line.to_string();
    }
    let own = line.len() - line.trim_start().len();
    let mut out = " ".repeat(own);
    let mut at = own;
    for word in line.split_whitespace() {
        let length = width(word);
        if at > own && at + 1 + length > columns {
            out += &format!("\n{}", " ".repeat(indent));
            at = indent;
        } else if at > own {
            out.push(' ');
            at += 1;
        }
        out += word;
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_lines_are_shortened() {
        for (text, expected) in [
            ("short\n\nand short\n", "short\n\nand short\n"),
            ("0123456789\n0123456789x\n", "0123456789\n012345678…\n"),
            ("", ""),
            ("ääääääääää", "ääääääääää"),
        ] {
            assert_eq!(shorten_lines(text, 10), expected, "{text:?}");
        }
    }

    #[test]
    fn text_is_shortened_to_the_columns() {
        for (text, columns, expected) in [
            ("abcdefghij", 10, "abcdefghij"),
            ("abcdefghijk", 10, "abcdefghi…"),
            ("äöüäöüäöüäö", 10, "äöüäöüäöü…"),
            ("abcdefghijk", 0, "abcdefg…"),
            ("", 10, ""),
            ("\x1b[1mabcdefghijk\x1b[0m", 10, "\x1b[1mabcdefghi…\x1b[0m"),
        ] {
            assert_eq!(shorten(text, columns), expected, "{text:?} in {columns}");
        }
    }

    #[test]
    fn lines_break_at_words() {
        for (text, columns, expected) in [
            ("one two three", 80, "one two three"),
            ("one two three", 9, "one two\n    three"),
            ("one two\nthree  four five", 10, "one two\nthree four\n    five"),
            ("aligned   stays", 80, "aligned   stays"),
            ("  indented words go on", 14, "  indented\n    words go\n    on"),
            ("a-word-that-is-longer-than-the-line x", 10, "a-word-that-is-longer-than-the-line\n    x"),
            ("\x1b[31merror\x1b[0m: x y", 8, "\x1b[31merror\x1b[0m: x\n    y"),
            ("", 10, ""),
            ("one two", 1, "one\n    two"),
        ] {
            assert_eq!(wrap(text, columns, 4), expected, "{text:?} in {columns}");
        }
    }
}
