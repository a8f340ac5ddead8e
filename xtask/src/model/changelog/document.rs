//! A changelog as lines with their endings, split at its headings. Lines that no edit touches keep every
//! byte.

use crate::model::markdown;
use std::ops::Range;

pub(super) struct Document {
    bom: bool,
    eol: &'static str,
    final_newline: bool,
    /// Each with its own line ending; the last may lack one.
    pub lines: Vec<String>,
}

impl Document {
    pub(super) fn parse(text: &str) -> Document {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Document {
            bom: rest.len() != text.len(),
            eol: if rest.contains("\r\n") { "\r\n" } else { "\n" },
            final_newline: rest.is_empty() || rest.ends_with('\n'),
            lines: rest.split_inclusive('\n').map(str::to_string).collect(),
        }
    }

    pub(super) fn text(mut self) -> String {
        // A last line without an ending may have been moved up by an edit.
        let last = self.lines.len().saturating_sub(1);
        for line in self.lines[..last].iter_mut().filter(|l| !l.ends_with('\n')) {
            line.push_str(self.eol);
        }
        let mut text = self.lines.concat();
        if !self.final_newline {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
        }
        if self.bom { format!("\u{feff}{text}") } else { text }
    }

    /// Line `at` without its ending.
    pub(super) fn line(&self, at: usize) -> &str {
        self.lines[at].trim_end_matches(['\n', '\r'])
    }

    pub(super) fn blank(&self, at: usize) -> bool {
        self.lines[at].trim().is_empty()
    }

    /// Replaces lines; the new ones get the document's own line ending.
    pub(super) fn splice(&mut self, range: Range<usize>, new: &[String]) {
        let eol = self.eol;
        self.lines.splice(range, new.iter().map(|line| format!("{line}{eol}")));
    }

    /// The `## ` sections: each from its heading to the next one, or to the links at the end.
    pub(super) fn sections(&self) -> Vec<Range<usize>> {
        let end = self.links().start;
        let hidden = self.hidden();
        let starts: Vec<usize> =
            (0..end).filter(|&at| !hidden[at] && self.lines[at].starts_with("## ")).collect();
        let ends = starts.iter().skip(1).copied().chain([end]);
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    /// Closes the code blocks and comments that a section leaves open, at the section's end. Open ones count
    /// as text, but a second one, in text that is moved or copied, would close the first and hide what is
    /// between.
    pub(super) fn close_blocks(&mut self) {
        let sections = self.sections();
        let start = sections.first().map_or(self.links().start, |section| section.start);
        for section in std::iter::once(0..start).chain(sections).collect::<Vec<_>>().into_iter().rev() {
            let lines: Vec<&str> = self.lines[section.clone()].iter().map(|line| line.trim_end()).collect();
            if let Some(closing) = markdown::closing(&lines) {
                let blank = section.clone().rev().take_while(|at| self.blank(*at)).count();
                self.splice(section.end - blank..section.end - blank, &[closing]);
            }
        }
    }

    /// For each line: is it part of a code block or a comment?
    pub(super) fn hidden(&self) -> Vec<bool> {
        let lines: Vec<&str> = self.lines.iter().map(|l| l.trim_end()).collect();
        markdown::hidden(&lines)
    }

    /// A section's title: the text between the brackets of `## [python-v0.0.2] - 2026-11-21`, or the
    /// heading's first word.
    pub(super) fn title(&self, section: &Range<usize>) -> &str {
        let heading = self.line(section.start).trim_start_matches('#').trim();
        match heading.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((title, _)) => title,
            None => heading.split_whitespace().next().unwrap_or(""),
        }
    }

    pub(super) fn section(&self, title: &str) -> Option<Range<usize>> {
        self.all(title).next()
    }

    /// The sections with this title, in any case of its letters.
    pub(super) fn all(&self, title: &str) -> impl Iterator<Item = Range<usize>> {
        self.sections().into_iter().filter(move |s| self.title(s).eq_ignore_ascii_case(title))
    }

    /// The `[name]: address` lines that end the document.
    pub(super) fn links(&self) -> Range<usize> {
        let blank = |line: &str| line.trim().is_empty();
        let tail = self.lines.iter().rev().take_while(|l| is_link(l) || blank(l)).count();
        let start = self.lines.len() - tail;
        let leading = self.lines[start..].iter().take_while(|l| blank(l)).count();
        start + leading..self.lines.len()
    }
}

/// Is the line a link reference definition (CommonMark 0.31, 4.7) on one line?
pub(super) fn is_link(line: &str) -> bool {
    let Some((_, definition)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]:")) else {
        return false;
    };
    let mut words = definition.trim().splitn(2, char::is_whitespace);
    let (address, title) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    !address.is_empty() && (title.is_empty() || title.trim_start().starts_with(['"', '\'', '(']))
}
