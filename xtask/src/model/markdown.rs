//! Reads and writes the Markdown of commit messages and changelogs: finds the lines that are code or
//! comments, joins lines, and escapes HTML.

/// For each line: is it part of a fenced code block or of an HTML comment (CommonMark 0.31, 4.5 and 4.6)? An
/// unclosed block counts as text: the body of a squash commit contains many messages, and a stray fence in
/// one must not hide those after it.
pub(crate) fn hidden(lines: &[&str]) -> Vec<bool> {
    let mut hidden = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        match end_of_block(lines, at) {
            Some(end) => {
                hidden[at..=end].fill(true);
                at = end + 1;
            }
            None => at += 1,
        }
    }
    hidden
}

/// The line that closes the code block or comment that the lines leave open.
pub(crate) fn closing(lines: &[&str]) -> Option<String> {
    let hidden = hidden(lines);
    (0..lines.len()).filter(|at| !hidden[*at]).find_map(|at| {
        let comment = || lines[at].trim_start().starts_with("<!--").then(|| "-->".to_string());
        fence(lines[at]).map(|(mark, length)| mark.to_string().repeat(length)).or_else(comment)
    })
}

/// The last line of the block that begins here.
fn end_of_block(lines: &[&str], at: usize) -> Option<usize> {
    let ends: Box<dyn Fn(&str) -> bool> = if let Some(open) = fence(lines[at]) {
        Box::new(move |line| closes(line, open))
    } else if let Some(rest) = lines[at].trim_start().strip_prefix("<!--") {
        if rest.contains("-->") {
            return Some(at);
        }
        Box::new(|line| line.contains("-->"))
    } else {
        return None;
    };
    lines[at + 1..].iter().position(|line| ends(line)).map(|n| at + 1 + n)
}

/// The fence that a line opens: its character and length.
fn fence(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| *c == '`' || *c == '~')?;
    let length = line.chars().take_while(|c| *c == mark).count();
    let info = &line[length..];
    (length >= 3 && (mark == '~' || !info.contains('`'))).then_some((mark, length))
}

fn closes(line: &str, (mark, length): (char, usize)) -> bool {
    let line = line.trim();
    line.len() >= length && line.chars().all(|c| c == mark)
}

/// The text with `\<` for each `<` that would begin HTML (CommonMark 0.31, 6.6), so that a reader sees it.
/// Code spans, addresses in angle brackets, and escapes stay as they are.
pub(crate) fn escape_html(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '<', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes()[0] {
            b'`' => code_span(rest),
            b'\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {
                if begins_html(&rest[1..]) {
                    out.push('\\');
                }
                1
            }
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out + rest
}

/// The line with `\` before a fence that would open a code block.
pub(crate) fn escape_fence(line: &str) -> String {
    match fence(line) {
        Some(_) => format!("\\{}", line.trim_start()),
        None => line.to_string(),
    }
}

/// The opposite of [`escape_html`].
pub(crate) fn without_escapes(text: &str) -> String {
    text.replace("\\<", "<")
}

/// The length of the code span at the start of the text. Of its backticks alone if nothing closes it.
fn code_span(text: &str) -> usize {
    let length = text.len() - text.trim_start_matches('`').len();
    let mut rest = &text[length..];
    while let Some(at) = rest.find('`') {
        rest = &rest[at..];
        let run = rest.len() - rest.trim_start_matches('`').len();
        rest = &rest[run..];
        if run == length {
            return text.len() - rest.len();
        }
    }
    length
}

/// Does HTML begin with a `<` before this text? `<https://…>` is an address.
fn begins_html(after: &str) -> bool {
    let scheme = after.split_once(':').map(|(scheme, _)| scheme);
    let address = scheme.is_some_and(|s| s.len() > 1 && s.chars().all(|c| c.is_ascii_alphanumeric()));
    !address && after.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c))
}

/// The line, counted from 1, at which git left the first of two versions to choose from: `<<<<<<<`, `=======`
/// and `>>>>>>>` follow each other.
pub(crate) fn conflict(text: &str) -> Option<usize> {
    let find = |from: usize, mark: &str| {
        text.lines().enumerate().skip(from).find(|(_, line)| {
            line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    };
    let (start, _) = find(0, "<<<<<<<")?;
    let (middle, _) = find(start + 1, "=======")?;
    find(middle + 1, ">>>>>>>").map(|_| start + 1)
}

/// The text on one line, with one space between its words.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_outside_code() {
        for (text, expected) in [
            ("add <details> and <Header />", "add \\<details> and \\<Header />"),
            ("`<a>` <b> ``x ` <c>`` </d>", "`<a>` \\<b> ``x ` <c>`` \\</d>"),
            ("an open ` and <b>", "an open ` and \\<b>"),
            ("a < b, a <= b, 1<2, <3", "a < b, a <= b, 1<2, <3"),
            ("<https://example.org/> <mailto:a@b> <T>", "<https://example.org/> <mailto:a@b> \\<T>"),
            ("Dict<str, List<int>>", "Dict\\<str, List\\<int>>"),
            ("<!-- gone --> <?x ?>", "\\<!-- gone --> \\<?x ?>"),
            ("\\<b> \\", "\\<b> \\"),
            ("ž<b>", "ž\\<b>"),
            ("", ""),
        ] {
            let escaped = escape_html(text);
            assert_eq!(escaped, expected, "{text}");
            assert_eq!(escape_html(&escaped), escaped, "{text}: once is enough");
        }
    }

    #[test]
    fn the_marks_of_a_conflict_are_found() {
        for (text, expected) in [
            ("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", Some(2)),
            ("<<<<<<<\r\n=======\r\n>>>>>>>\r\n", Some(1)),
            ("<<<<<<< HEAD\nb\n||||||| 1\nc\n=======\n>>>>>>> x", Some(1)),
            ("A title\n=======\n", None),
            ("<<<<<<< HEAD\n", None),
            ("text <<<<<<< HEAD\n=======\n>>>>>>>\n", None),
            ("<<<<<<<< eight\n=======\n>>>>>>>\n", None),
            ("", None),
        ] {
            assert_eq!(conflict(text), expected, "{text:?}");
        }
    }

    #[test]
    fn fences_and_comments_hide_their_contents_and_unclosed_ones_hide_nothing() {
        for (text, expected) in [
            ("a\n```\nb\n```\nc", ".###."),
            ("~~~ rust\n```\n~~~\nx", "###."),
            ("````\n```\n````", "###"),
            ("```\nnever closed\n* feat: x", "..."),
            ("  ```sh\n  x\n  ```", "###"),
            ("``` a`b\nx\n```\ny\n```", "..###"),
            ("``\nx\n``", "..."),
            ("<!-- a -->\nb", "#."),
            ("<!--\n## [x]\n-->\nb", "###."),
            ("<!-- never closed\n## [x]", ".."),
            ("a `<!--` b\nc\n-->", "..."),
            ("<!--\n```\n-->\n```\n", "###.."),
            ("", "."),
        ] {
            let lines: Vec<&str> = text.split('\n').collect();
            let shown: String = hidden(&lines).iter().map(|h| if *h { '#' } else { '.' }).collect();
            assert_eq!(shown, expected, "{text:?}");
        }
    }
}
