//! Addresses of a repository's pages. GitHub and Gitea use the same paths: `/compare/A...B` and
//! `/releases/tag/T`. Both pages also work for a tag that has no release yet.

/// The page that compares a tag with the previous one, or the release's page if there is no previous tag.
pub(super) fn address(repository: &str, previous: Option<&str>, tag: &str) -> String {
    let page = page(repository);
    match previous {
        Some(previous) => format!("{page}/compare/{previous}...{tag}"),
        None => format!("{page}/releases/tag/{tag}"),
    }
}

/// The repository's page. `repository` may also be a clone address such as `git@host:team/mono.git`.
fn page(repository: &str) -> String {
    let text = repository.trim().trim_end_matches('/');
    let text = text.strip_suffix(".git").unwrap_or(text);
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest.to_string()),
        // The port is the ssh server's, not the web server's.
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            ("https", format!("{}/{path}", host.split(':').next().unwrap_or(host)))
        }
        None if has_port(text) => ("https", text.to_string()),
        None => ("https", text.replacen(':', "/", 1)),
    };
    // The changelog is public, so a user or password in the address must not appear in it.
    let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}/{path}").trim_end_matches('/').to_string()
}

/// Is it `gitea.example:3000/team/mono`? In scp's form the path follows the colon instead of a port.
fn has_port(text: &str) -> bool {
    let port = text.split_once(':').and_then(|(_, rest)| rest.split_once('/')).map(|(port, _)| port);
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_a_repository_address_gives_the_page_address() {
        for (repository, expected) in [
            ("https://github.com/team/mono", "https://github.com/team/mono"),
            ("https://github.com/team/mono/", "https://github.com/team/mono"),
            ("https://github.com/team/mono.git", "https://github.com/team/mono"),
            ("http://gitea.example:3000/team/mono.git/", "http://gitea.example:3000/team/mono"),
            ("https://example.org/gitea/team/mono", "https://example.org/gitea/team/mono"),
            ("git@github.com:team/mono.git", "https://github.com/team/mono"),
            ("ssh://git@gitea.example:2222/team/mono.git", "https://gitea.example/team/mono"),
            ("git://gitea.example/team/mono", "https://gitea.example/team/mono"),
            ("https://user:secret@gitea.example/team/mono", "https://gitea.example/team/mono"),
            ("gitea.example/team/mono", "https://gitea.example/team/mono"),
            ("gitea.example:3000/team/mono", "https://gitea.example:3000/team/mono"),
            (" https://f/ ", "https://f"),
        ] {
            assert_eq!(
                address(repository, Some("a-v1.0.0"), "a-v1.1.0"),
                format!("{expected}/compare/a-v1.0.0...a-v1.1.0")
            );
            assert_eq!(
                address(repository, None, "a-v1.0.0-rc.1"),
                format!("{expected}/releases/tag/a-v1.0.0-rc.1")
            );
        }
    }

    proptest! {
        #![proptest_config(testing::config())]

        #[test]
        fn property_no_password_of_an_address_is_shown(
            host in "[a-z]{1,5}",
            path in "[a-z/.:@]{0,8}",
            password in "[A-Z]{3}[A-Z:.-]{0,5}",
            scheme in "(https|http|ssh|git)",
        ) {
            let shown = address(&format!("{scheme}://user:{password}@{host}/{path}"), None, "t");
            prop_assert!(!shown.contains(&password), "{}", shown);
            let _ = address(&format!("{path}{host}{scheme}:{path}"), None, "t");
        }
    }
}
