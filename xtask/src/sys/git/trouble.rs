//! Advice for errors that the state of the repository causes, not our command. Git translates its messages,
//! so only what it never translates is looked for: commands and paths. Pure.

/// What to do about git's message, or None. `exists` tells whether there is a file of this path.
pub(super) fn advice(message: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    if message.contains("safe.directory") {
        return Some(
            "another user owns this folder, so git does not run there: type the command above if you trust \
             its files, or make them yours with chown"
                .to_string(),
        );
    }
    let lock = message.split('\'').find(|quoted| quoted.ends_with(".lock") && exists(quoted))?;
    Some(locked(lock))
}

/// What to do about the lock file of another git command.
pub(super) fn locked(file: &str) -> String {
    format!(
        "another git command is running in this repository, or one was killed and left its lock file\n\
         wait until it has ended; if none is running, type: rm '{file}'"
    )
}

/// The remote to use if nobody names one: `origin`, or the only one, or the one of the checked-out branch.
pub(super) fn remote(names: &[&str], of_branch: impl FnOnce() -> Option<String>) -> String {
    match names {
        [only] => only.to_string(),
        _ if names.contains(&"origin") => "origin".to_string(),
        _ => of_branch().filter(|name| names.contains(&name.as_str())).unwrap_or("origin".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_recognised_in_every_language() {
        let owner = "fatal: Zweifelhafte Eigentumsverhältnisse in '/r'\n\n\tgit config --global --add \
                     safe.directory /r";
        let index = "fatal: Konnte '/r/.git/index.lock' nicht erstellen: Die Datei existiert bereits";
        let branch = "error: cannot lock ref 'refs/heads/x': Unable to create '/r/.git/refs/heads/x.lock': y";
        for (message, exists, expected) in [
            (owner, false, Some("another user owns this folder")),
            (index, true, Some("rm '/r/.git/index.lock'")),
            // For example: the file system is read-only.
            (index, false, None),
            (branch, true, Some("rm '/r/.git/refs/heads/x.lock'")),
            ("fatal: pathspec 'uv.lock' did not match any files", false, None),
            ("", true, None),
        ] {
            let advice = advice(message, |_| exists);
            assert_eq!(advice.is_some(), expected.is_some(), "{message}: {advice:?}");
            assert!(expected.is_none_or(|words| advice.unwrap().contains(words)), "{message}");
        }
    }

    #[test]
    fn the_remote_is_found_under_another_name() {
        for (names, of_branch, expected) in [
            (&[] as &[&str], None, "origin"),
            (&["upstream"], None, "upstream"),
            (&["fork", "origin"], Some("fork"), "origin"),
            (&["fork", "upstream"], Some("upstream"), "upstream"),
            (&["fork", "upstream"], Some("."), "origin"),
            (&["fork", "upstream"], None, "origin"),
        ] {
            assert_eq!(remote(names, || of_branch.map(str::to_string)), expected, "{names:?}");
        }
    }
}
