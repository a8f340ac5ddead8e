//! Shows the changes of a comparison as Markdown, HTML, JUnit's XML, or annotations of GitHub Actions. All
//! texts come from the compared files, so each format escapes them.

use super::{counted, plain};
use crate::finding::Level;
use crate::flags::Format;

/// The result of a comparison.
pub(crate) struct Report<'r> {
    /// What was compared: `OpenAPI: main:python and HEAD:python`.
    pub title: String,
    /// The sentence for no change.
    pub nothing: &'static str,
    pub rows: Vec<Row<'r>>,
    /// The words for the levels, as in the text.
    pub words: &'static [(Level, &'static str)],
}

/// One change.
pub(crate) struct Row<'r> {
    pub id: &'r str,
    pub level: Level,
    /// Whether the command fails because of it.
    pub fails: bool,
    /// The operation or symbol.
    pub subject: String,
    pub message: String,
    /// The pointer or place that the text shows.
    pub place: String,
    /// File and line in the new version.
    pub file: Option<(String, usize)>,
}

/// None for text, which each command writes itself.
pub(crate) fn written(report: &Report, format: Format) -> Option<String> {
    match format {
        Format::Text => None,
        Format::Markdown => Some(markdown(report)),
        Format::Html => Some(html(report)),
        Format::Junit => Some(junit(report)),
        Format::Github => Some(github(report)),
    }
}

fn summary(report: &Report) -> String {
    match report.rows[..] {
        [] => report.nothing.to_string(),
        _ => {
            let levels: Vec<Level> = report.rows.iter().map(|row| row.level).collect();
            counted(&levels, report.words).trim_end().to_string()
        }
    }
}

fn word(report: &Report, level: Level) -> &'static str {
    report.words.iter().find(|(one, _)| *one == level).map_or("breaking", |(_, word)| word)
}

/// `file:line`, or the pointer if the file is unknown.
fn place(row: &Row) -> String {
    row.file.as_ref().map_or_else(|| row.place.clone(), |(file, line)| format!("{file}:{line}"))
}

fn markdown(report: &Report) -> String {
    let mut text = format!("## {}\n\n{}\n", marked(&report.title), marked(&summary(report)));
    if !report.rows.is_empty() {
        text.push_str("\n| level | where | change | rule | place |\n|---|---|---|---|---|\n");
    }
    for row in &report.rows {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            word(report, row.level),
            marked(&row.subject),
            marked(&row.message),
            marked(row.id),
            marked(&place(row))
        ));
    }
    text
}

/// Plain text in Markdown: no HTML, no formatting, no end of a table's cell, no link, and nobody is notified.
fn marked(text: &str) -> String {
    let mut escaped = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => escaped.extend(['\\', c]),
            // A zero-width space ends what would become a mention or a link.
            '@' => escaped.push_str("@\u{200b}"),
            '/' if escaped.ends_with(":") => escaped.push_str("\u{200b}/"),
            _ => escaped.push(c),
        }
    }
    escaped.replace("www.", "www\u{200b}.")
}

fn html(report: &Report) -> String {
    let title = tagged(&report.title);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>body {{ font-family: sans-serif }} td, th {{ text-align: left; padding: 0.2em 0.6em }} \
         .breaking, .error {{ color: #b00 }} .warning {{ color: #850 }}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p>{}</p>\n",
        tagged(&summary(report))
    );
    if !report.rows.is_empty() {
        text.push_str(
            "<table>\n<tr><th>level</th><th>where</th><th>change</th><th>rule</th><th>place</th></tr>\n",
        );
        for row in &report.rows {
            text.push_str(&format!(
                "<tr class=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td>\
                 <td>{}</td></tr>\n",
                level(row.level),
                word(report, row.level),
                tagged(&row.subject),
                tagged(&row.message),
                tagged(row.id),
                tagged(&place(row))
            ));
        }
        text.push_str("</table>\n");
    }
    text + "</body>\n</html>\n"
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Breaking => "breaking",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}

/// Plain text in HTML and XML, also in an attribute. XML allows two characters in no form.
fn tagged(text: &str) -> String {
    let plain = plain(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let entities = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    entities.iter().fold(plain, |text, (raw, entity)| text.replace(raw, entity))
}

/// One test case for each change. No change is one that passes: a report without cases counts as broken.
fn junit(report: &Report) -> String {
    let failures = report.rows.iter().filter(|row| row.fails).count();
    let title = tagged(&report.title);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
         <testsuite name=\"{title}\" tests=\"{}\" failures=\"{failures}\">\n",
        report.rows.len().max(1)
    );
    if report.rows.is_empty() {
        text.push_str(&format!("<testcase classname=\"{title}\" name=\"{}\"/>\n", report.nothing));
    }
    for row in &report.rows {
        let (subject, id, place) = (tagged(&row.subject), tagged(row.id), tagged(&place(row)));
        let message = tagged(&row.message);
        let level = word(report, row.level);
        text.push_str(&format!("<testcase classname=\"{subject}\" name=\"{id} {place}\">"));
        text.push_str(&match row.fails {
            true => format!("<failure type=\"{level}\" message=\"{message}\">{subject}: {message}</failure>"),
            false => format!("<system-out>{level}: {message}</system-out>"),
        });
        text.push_str("</testcase>\n");
    }
    text + "</testsuite>\n</testsuites>\n"
}

/// Workflow commands: GitHub shows them beside the lines of a pull request.
fn github(report: &Report) -> String {
    let data = |text: &str| plain(text).replace('%', "%25");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for row in &report.rows {
        let command = match row.level {
            _ if row.fails => "error",
            Level::Breaking | Level::Error | Level::Warning => "warning",
            Level::Info => "notice",
        };
        let file = row
            .file
            .as_ref()
            .map_or_else(String::new, |(file, line)| format!("file={},line={line},", property(file)));
        let title = property(row.id);
        let message = data(&format!("{}: {}", row.subject, row.message));
        text.push_str(&format!("::{command} {file}title={title}::{message}\n"));
    }
    // A line that begins with a command would be one.
    text + data(&summary(report)).trim_start_matches(':') + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str =
        "</td></failure>]]>\"'><script>&lt; | `x` **b** [a](http://e.org) @all 50%\r\n::error::x";

    fn report() -> Report<'static> {
        let row = Row {
            id: "type-changed",
            level: Level::Breaking,
            fails: true,
            subject: NASTY.to_string(),
            message: NASTY.to_string(),
            place: NASTY.to_string(),
            file: Some((NASTY.to_string(), 3)),
        };
        Report {
            title: NASTY.into(),
            nothing: "nothing",
            rows: vec![row],
            words: &[(Level::Breaking, "breaking")],
        }
    }

    #[test]
    fn what_comes_from_a_spec_stays_text_in_every_format() {
        let of = |format| written(&report(), format).unwrap();
        for format in [Format::Markdown, Format::Html, Format::Junit] {
            let text = of(format);
            for bad in ["<script", "</td></f", "&lt; |", "\r", "]]>\"", "@all", "http://"] {
                let allowed = format != Format::Markdown && ["@all", "http://"].contains(&bad);
                assert!(allowed || !text.contains(bad), "{bad} in\n{text}");
            }
        }
        let markdown = of(Format::Markdown);
        assert_eq!(markdown.lines().count(), 7, "{markdown}");
        assert!(markdown.contains(r"\| \`x\` \*\*b\*\* \[a\]("), "{markdown}");
        for line in markdown.lines().skip(4) {
            let bars = line.replace(r"\|", "").matches('|').count();
            assert_eq!(bars, 6, "{line}");
        }
        let github = of(Format::Github);
        assert_eq!(github.lines().count(), 2, "{github}");
        let (head, message) = github.split_once("title=type-changed::").unwrap();
        assert_eq!((head.matches(',').count(), head.matches("::").count()), (2, 1), "{head}");
        assert!(message.contains("50%25"), "{message}");
    }
}
