//! Reads the parts of an address (RFC 3986) that registries and indexes use. Pure.

/// `host:port` of an address, including the user if it names one.
pub(crate) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

/// `host:port` in lower case, without the user and without the default port of http or https.
pub(crate) fn host(url: &str) -> String {
    let host = authority(url).rsplit('@').next().unwrap_or("").to_ascii_lowercase();
    host.trim_end_matches(":443").trim_end_matches(":80").to_string()
}

/// `https://host:port` without the default port. Two addresses with the same origin may share credentials.
pub(crate) fn origin(url: &str) -> String {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let authority = authority(url).rsplit('@').next().unwrap_or("").to_ascii_lowercase();
    let default = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(default).unwrap_or(&authority))
}

/// The path with the query, from the first `/` after the host. `/` if the address has no path.
pub(crate) fn path(url: &str) -> &str {
    url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("/")
}

/// The address without user, password, query and fragment. Queries can contain upload states and signatures.
pub(crate) fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest[..path_at].rsplit('@').next().unwrap_or("");
    let path = rest[path_at..].split(['?', '#']).next().unwrap_or("");
    let cut = if rest[path_at..].contains('?') { "?…" } else { "" };
    format!("{scheme}://{authority}{path}{cut}")
}

/// Resolves `address` relative to the page `base`, in the forms that servers and index pages use. None if it
/// is not an http(s) address.
pub(crate) fn join(base: &str, address: &str) -> Option<String> {
    let (scheme, rest) = base.split_once("://")?;
    let authority = authority(base);
    if address.starts_with("http://") || address.starts_with("https://") {
        return Some(address.to_string());
    }
    if let Some(other) = address.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    if address.starts_with('/') {
        return Some(format!("{scheme}://{authority}{address}"));
    }
    if address.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':')) {
        return None;
    }
    let page = rest[authority.len()..].split(['?', '#']).next()?;
    let mut folders: Vec<&str> = page.trim_start_matches('/').split('/').collect();
    folders.pop();
    let mut below = address;
    while let Some(up) = below.strip_prefix("../") {
        folders.pop();
        below = up;
    }
    folders.push(below.trim_start_matches("./"));
    Some(format!("{scheme}://{authority}/{}", folders.join("/")))
}

/// Escapes all bytes except the unreserved characters of RFC 3986. The result is one segment of a path or one
/// value of a query.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                (b as char).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// The text of a segment or of a login, with its escaped bytes (RFC 3986).
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits
            .filter(|two| *first == b'%' && two.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An address with a secret, as git needs it, and the same without: `http://u:p@h/` and `http://u@h/`, up to
/// the host. A user that is a token is left out too. None for an address without a secret.
pub(crate) fn login(url: &str) -> Option<(String, String)> {
    let (scheme, _) = url.split_once("://")?;
    let authority = authority(url);
    let (login, host) = authority.rsplit_once('@')?;
    let without = match (user_of(login), login.contains(':')) {
        (user, _) if is_token(user) => format!("{scheme}://{host}/"),
        (user, true) => format!("{scheme}://{user}@{host}/"),
        (_, false) => return None,
    };
    Some((format!("{scheme}://{authority}/"), without))
}

pub(crate) fn user_of(login: &str) -> &str {
    login.split_once(':').map_or(login, |(user, _)| user)
}

/// Is the user of an address a token? Forges take one as the user, with any password. Tokens begin with a
/// word of their forge, or have at least 32 letters and digits (Gitea: 40); names of users have neither.
pub(crate) fn is_token(user: &str) -> bool {
    const BEGINNINGS: [&str; 8] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gitea_"];
    BEGINNINGS.iter().any(|beginning| user.starts_with(beginning))
        || user.len() >= 32 && user.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Is the address on this machine? Only literal hosts count: the owner of a name that resolves to loopback
/// can change it at any time.
pub(crate) fn is_loopback(url: &str) -> bool {
    let authority = authority(url);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => return v6.split(']').next() == Some("::1"),
        None => host.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_bytes_are_read_and_the_rest_stays() {
        for (text, expected) in [
            ("p%40ss", "p@ss"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%C3%BC", "ü"),
            ("%+1", "%+1"),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }

    #[test]
    fn only_literal_loopback_counts_as_this_machine() {
        for (url, expected) in [
            ("http://localhost:8080/simple", true),
            ("http://127.0.0.1:1/", true),
            ("http://127.8.8.8/", true),
            ("http://[::1]:99/x", true),
            ("https://pypi.org/simple", false),
            ("http://localhost.example.org/", false),
            ("http://127.0.0.1.example.org/", false),
            ("http://user@localhost/", true),
            ("http://localhost@example.org/", false),
            ("http://10.0.0.1/", false),
            ("origin", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (url, shown) in [
            ("https://user:secret@host:5000/v2/x", "https://host:5000/v2/x"),
            ("https://host/v2/uploads/1?_state=abc&digest=sha256:1", "https://host/v2/uploads/1?…"),
            ("http://host#frag", "http://host"),
            ("http://host?token=1", "http://host?…"),
            ("", "://"),
        ] {
            assert_eq!(without_secrets(url), shown, "{url}");
        }
    }

    #[test]
    fn an_address_is_read_relative_to_where_it_came_from() {
        for (base, address, expected) in [
            ("http://h:1/v2/a?x", "/v2/b?y=1", Some("http://h:1/v2/b?y=1")),
            ("http://h:1/v2/a?x", "b", Some("http://h:1/v2/b")),
            ("http://h", "b", Some("http://h/b")),
            ("https://h/v2/a", "//other/x", Some("https://other/x")),
            ("https://h/v2/a", "http://h/x", Some("http://h/x")),
            ("https://h/v2/a", "file:///etc/passwd", None),
            ("https://h/v2/a", "javascript:1", None),
            ("http://h/simple/a/", "../../files/a-1.whl#sha256=x", Some("http://h/files/a-1.whl#sha256=x")),
            ("http://h/simple/a/", "./a-1.whl", Some("http://h/simple/a/a-1.whl")),
            ("http://h/a", "../../../b", Some("http://h/b")),
            ("no address", "b", None),
        ] {
            assert_eq!(join(base, address).as_deref(), expected, "{base} {address}");
        }
    }

    #[test]
    fn a_password_is_split_off() {
        for (url, expected) in [
            ("http://bot:PW@h:80/r.git", Some(("http://bot:PW@h:80/", "http://bot@h:80/"))),
            ("https://u:p@ss@h/x", Some(("https://u:p@ss@h/", "https://u@h/"))),
            ("https://token@h/x", None),
            ("https://ghp_A1@h/x", Some(("https://ghp_A1@h/", "https://h/"))),
            ("https://ghs_A1:x-oauth-basic@h/x", Some(("https://ghs_A1:x-oauth-basic@h/", "https://h/"))),
            (
                "https://x-access-token:ghs_A1@h/",
                Some(("https://x-access-token:ghs_A1@h/", "https://x-access-token@h/")),
            ),
            (
                "http://0123456789abcdef0123456789abcdef01234567@h/x",
                Some(("http://0123456789abcdef0123456789abcdef01234567@h/", "http://h/")),
            ),
            ("https://a-person-with-a-very-long-name-2024@h/x", None),
            ("https://h/x:y@z", None),
            ("git@host:team/mono.git", None),
            ("origin", None),
        ] {
            let expected =
                expected.map(|(with, without): (&str, &str)| (with.to_string(), without.to_string()));
            assert_eq!(login(url), expected, "{url}");
        }
    }

    #[test]
    fn origins_ignore_case_default_ports_and_users() {
        for (a, b, same) in [
            ("https://Host/x", "https://host:443/y", true),
            ("http://host:80", "http://u@host/", true),
            ("http://host", "https://host", false),
            ("http://host:5000/", "http://host:5001/", false),
            ("http://host", "http://host.example.org", false),
        ] {
            assert_eq!(origin(a) == origin(b), same, "{a} {b}");
        }
    }

    #[test]
    fn a_host_has_no_user_and_no_default_port_and_a_path_has_its_query() {
        for (url, expected_host, expected_path) in [
            ("https://u:p@Host:443/v2/x?y#z", "host", "/v2/x?y#z"),
            ("http://h:5000", "h:5000", "/"),
            ("h:80/v2/", "h", "/"),
        ] {
            assert_eq!((host(url).as_str(), path(url)), (expected_host, expected_path), "{url}");
        }
    }
}
