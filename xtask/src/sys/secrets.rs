//! Tokens in the environment: which children must not get them, and texts without them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::process::Command;
use std::sync::OnceLock;

/// Variables that hold the right to publish: ours, and those of the tools that publish. A child gets one only
/// from the code that starts it.
pub(crate) const NAMES: [&str; 14] = [
    "PYPI_TOKEN",
    "TESTPYPI_TOKEN",
    "NPM_TOKEN",
    "REGISTRY_TOKEN",
    "XTASK_FORGE_TOKEN",
    "GITEA_TOKEN",
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

/// Takes them out of the environment of a child that inherits ours.
pub(crate) fn withhold(command: &mut Command) -> &mut Command {
    NAMES.iter().fold(command, |command, name| command.env_remove(name))
}

/// Tokens of ours that begin or end with white space: a line break of the file that they were copied from.
pub(crate) fn padded() -> impl Iterator<Item = &'static str> {
    NAMES[..6].iter().copied().filter(|name| std::env::var(name).is_ok_and(|value| value.trim() != value))
}

/// The text with `***` for each token of the environment, as it is or in base64, and for passwords in
/// addresses.
pub(crate) fn mask(text: &str) -> String {
    static FORMS: OnceLock<Vec<String>> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        let user = std::env::var("REGISTRY_USER").unwrap_or_default();
        let values = NAMES
            .iter()
            .chain(&["GITHUB_TOKEN"])
            .filter(|name| !name.ends_with("_URL"))
            .filter_map(|name| std::env::var(name).ok());
        values.flat_map(|value| forms(&value, &user)).collect()
    });
    let masked = forms.iter().fold(text.to_string(), |text, form| text.replace(form.as_str(), "***"));
    without_passwords(&masked)
}

/// How a token appears in what servers and tools print: itself, and as the password of a login (RFC 7617).
fn forms(value: &str, user: &str) -> Vec<String> {
    let value = value.trim();
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let logins = ["__token__", user].map(|user| STANDARD.encode(format!("{user}:{value}")));
    [logins.to_vec(), vec![STANDARD.encode(value), value.to_string()]].concat()
}

/// `https://user:***@host` for every address with a password in it.
fn without_passwords(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"`<>".contains(c)).unwrap_or(after.len());
        let login = after[..end].rfind('@').map(|at| &after[..at]);
        match login.and_then(|login| login.split_once(':')) {
            Some((user, password)) => {
                out.push_str(&format!("{user}:***"));
                rest = &after[user.len() + 1 + password.len()..];
            }
            None => rest = after,
        }
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
            ("://", "://"),
            ("http://u:@h", "http://u:***@h"),
        ] {
            assert_eq!(without_passwords(text), expected, "{text}");
        }
    }

    #[test]
    fn a_token_is_known_as_it_is_and_as_a_login() {
        let all = forms(" pypi-secret\n", "bot");
        assert!(all.contains(&STANDARD.encode("__token__:pypi-secret")), "{all:?}");
        assert!(all.contains(&STANDARD.encode("bot:pypi-secret")), "{all:?}");
        assert!(forms("short", "bot").is_empty());
    }
}
