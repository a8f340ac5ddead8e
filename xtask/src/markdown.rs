//! The little of Markdown that commit messages and changelogs need: which lines are code.

/// For each line: is it a fence or inside one (CommonMark 0.31, "Fenced code blocks")? A fence that nothing closes is text: a squash body
/// strings many messages together, and one stray fence must not swallow those after it.
pub fn code(lines: &[&str]) -> Vec<bool> {
    let mut code = vec![false; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        let end = fence(lines[at]).and_then(|open| lines[at + 1..].iter().position(|line| closes(line, open)).map(|n| at + 1 + n));
        match end {
            Some(end) => {
                code[at..=end].fill(true);
                at = end + 1;
            }
            None => at += 1,
        }
    }
    code
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
    fn fences_hide_what_is_between_them_and_stray_ones_hide_nothing() {
        for (text, expected) in [
            ("a\n```\nb\n```\nc", ".###."),
            ("~~~ rust\n```\n~~~\nx", "###."),
            ("````\n```\n````", "###"),
            ("```\nnever closed\n* feat: x", "..."),
            ("  ```sh\n  x\n  ```", "###"),
            ("``` a`b\nx\n```\ny\n```", "..###"),
            ("``\nx\n``", "..."),
            ("", "."),
        ] {
            let lines: Vec<&str> = text.split('\n').collect();
            let shown: String = code(&lines).iter().map(|c| if *c { '#' } else { '.' }).collect();
            assert_eq!(shown, expected, "{text:?}");
        }
    }
}
