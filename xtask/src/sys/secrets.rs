//! Tokens in the environment: which children must not get them, and texts without them.

use super::url;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Variables that hold the right to publish: ours, and those of the tools that publish. A child gets one only
/// from the code that starts it.
pub(crate) const NAMES: [&str; 15] = [
    "PYPI_TOKEN",
    "TESTPYPI_TOKEN",
    "NPM_TOKEN",
    "REGISTRY_TOKEN",
    "XTASK_FORGE_TOKEN",
    "GITEA_TOKEN",
    "DISPATCH_TOKEN",
    "UV_PUBLISH_TOKEN",
    "UV_PUBLISH_PASSWORD",
    "TWINE_PASSWORD",
    "NODE_AUTH_TOKEN",
    "CARGO_REGISTRY_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RUNTIME_TOKEN",
];

/// A shorter value would hide ordinary words.
const SHORTEST: usize = 6;

/// The variable with the git remote, whose address may hold a password.
const REMOTE: &str = "XTASK_REMOTE";

/// Takes them out of the environment of a child that inherits ours.
pub(crate) fn withhold(command: &mut Command) -> &mut Command {
    if let Some((remote, (with, without))) =
        std::env::var(REMOTE).ok().and_then(|remote| Some((remote.clone(), url::login(&remote)?)))
    {
        command.env(REMOTE, remote.replacen(&with, &without, 1));
    }
    NAMES.iter().fold(command, |command, name| command.env_remove(name))
}

/// Tokens of ours that begin or end with white space: a line break of the file that they were copied from.
pub(crate) fn padded() -> impl Iterator<Item = &'static str> {
    NAMES[..7].iter().copied().filter(|name| std::env::var(name).is_ok_and(|value| value.trim() != value))
}

/// Secrets that are not in the environment: passwords of the git remote and of docker's configuration.
static FOUND: Mutex<Vec<Form>> = Mutex::new(Vec::new());

/// A text that is never printed, and whether it is a part of a word in base64.
#[derive(Clone, PartialEq)]
struct Form {
    text: String,
    encoded: bool,
}

/// From now on [`mask`] hides this value too.
pub(crate) fn hide(value: &str) {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    for form in forms(value) {
        if !found.contains(&form) {
            found.push(form);
        }
    }
}

/// The text with `***` for each token of the environment and each value of [`hide`], as it is or in base64,
/// and for passwords in addresses.
pub(crate) fn mask(text: &str) -> String {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    let of_environment = FORMS.get_or_init(|| {
        let values = NAMES
            .iter()
            .chain(&["GITHUB_TOKEN"])
            .filter(|name| !name.ends_with("_URL"))
            .filter_map(|name| std::env::var(name).ok());
        values.flat_map(|value| forms(&value)).collect()
    });
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let forms = of_environment.iter().chain(found.iter());
    without_passwords(&forms.fold(text.to_string(), |text, form| hidden(&text, form)))
}

/// The text with `***` for the form, or for each word of base64 that contains it.
fn hidden(text: &str, form: &Form) -> String {
    if !form.encoded || !text.contains(&form.text) {
        return text.replace(&form.text, "***");
    }
    let of_word = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(&form.text) {
        let (before, after) = (&rest[..at], &rest[at + form.text.len()..]);
        out.push_str(before.trim_end_matches(|c| c != '=' && of_word(c)));
        out.push_str("***");
        rest = after.trim_start_matches(of_word);
    }
    out + rest
}

/// How a token appears in what servers and tools print: itself, and in base64 as a part of a login
/// (RFC 7617). Base64 has three forms of the same bytes: it depends on how many bytes are before them.
fn forms(value: &str) -> Vec<Form> {
    let value = value.trim();
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let encoded = (0..3).map(|before| {
        let bytes = [&[0; 3][..before], value.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(&bytes);
        // Without the characters that depend on the bytes around it too.
        Form { text: text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_string(), encoded: true }
    });
    std::iter::once(Form { text: value.to_string(), encoded: false }).chain(encoded).collect()
}

/// `https://user:***@host` for every address with a password in it, and `https://***@host` for one with a
/// token.
fn without_passwords(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"`<>".contains(c)).unwrap_or(after.len());
        let login = after[..end].rfind('@').map_or("", |at| &after[..at]);
        let user = url::user_of(login);
        match user {
            token if url::is_token(token) => out.push_str("***"),
            _ if login.contains(':') => out.push_str(&format!("{user}:***")),
            _ => out.push_str(login),
        }
        rest = &after[login.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_masked() {
        for (text, expected) in [
            ("git push http://bot:PW@127.0.0.1:80/r.git", "git push http://bot:***@127.0.0.1:80/r.git"),
            ("'https://u:p@ss@h/x' and ssh://git@h/x", "'https://u:***@h/x' and ssh://git@h/x"),
            ("https://h/a@b:c https://h:1/@", "https://h/a@b:c https://h:1/@"),
            ("https://token@h", "https://token@h"),
            ("at https://ghp_A1@h/x, http://ghs_A1:x@h", "at https://***@h/x, http://***@h"),
            ("://", "://"),
            ("http://u:@h", "http://u:***@h"),
        ] {
            assert_eq!(without_passwords(text), expected, "{text}");
        }
    }

    #[test]
    fn a_token_is_hidden_as_it_is_and_as_a_login_of_any_user() {
        let (token, hidden_word) = ("pypi-secret", "***");
        assert!(forms("short").is_empty());
        for login in ["__token__:", "bot:", "a:", "ab:", ""] {
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{login}{token}"));
            for text in [format!("Basic {encoded}"), format!("Basic {token}")] {
                let masked =
                    forms(&format!(" {token}\n")).iter().fold(text, |text, form| hidden(&text, form));
                assert_eq!(masked, format!("Basic {hidden_word}"), "{login}");
            }
        }
        for (text, encoded, expected) in [
            ("nothing here", true, "nothing here"),
            ("a=secret=, secret", true, "a=***, ***"),
            ("/a/secret/b", false, "/a/***/b"),
        ] {
            assert_eq!(hidden(text, &Form { text: "secret".into(), encoded }), expected);
        }
    }
}
