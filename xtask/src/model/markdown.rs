//! Finds the lines of a Markdown text that are code or comments, for commit messages and changelogs.

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

#[cfg(test)]
mod tests {
    use super::*;

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
