//! Finds out where the forge's API is, which forge it is, and the repository's owner and name. Pure.

use crate::model::workspace::ForgeKind;
use crate::sys::url::host;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub kind: ForgeKind,
    /// The address of the API, without a trailing slash: `https://api.github.com`.
    pub api: String,
    pub owner: String,
    pub name: String,
}

/// The job of a forge that this process runs in. Gitea's runner sets GitHub's variables.
pub(super) struct Job {
    /// GITHUB_API_URL
    pub api: String,
    /// GITHUB_REPOSITORY: `owner/name`
    pub repository: String,
    pub gitea: bool,
}

/// Everything that can tell where the forge is: `api` decides first, then `job`, then the address of the
/// remote and of the page. `setting` names the kind of forge where the address does not tell it.
pub(super) struct Sources<'a> {
    /// The setting `forge`.
    pub setting: Option<ForgeKind>,
    /// XTASK_FORGE: the address of the API, or of the repository in it: `https://host/api/v1/repos/o/n`.
    pub api: Option<&'a str>,
    pub job: Option<Job>,
    /// The address of the git remote. A path if the remote is a folder.
    pub remote: &'a str,
    /// The setting `repository`: the address of the repository's page.
    pub page: Option<&'a str>,
}

/// The error is the reason why the place is not known.
pub(super) fn locate(sources: &Sources) -> Result<Place, String> {
    if let Some((api, repository)) = sources.api.and_then(|api| api.rsplit_once("/repos/")) {
        let (owner, name) = repository
            .trim_end_matches('/')
            .split_once('/')
            .filter(|(_, name)| !name.contains('/'))
            .ok_or_else(|| {
                format!("XTASK_FORGE ends with /repos/{repository}, not with /repos/OWNER/NAME")
            })?;
        let kind = of_api(api).or(sources.setting).ok_or_else(|| unknown(api))?;
        let (api, owner, name) = (api.to_string(), owner.to_string(), name.to_string());
        return Ok(Place { kind, api, owner, name });
    }
    if let (None, Some(Job { api, repository, gitea })) = (sources.api, &sources.job) {
        let kind = if *gitea { ForgeKind::Gitea } else { ForgeKind::Github };
        let (owner, name) = repository
            .split_once('/')
            .ok_or_else(|| format!("GITHUB_REPOSITORY is {repository:?}, not OWNER/NAME"))?;
        return Ok(Place {
            kind,
            api: api.trim_end_matches('/').to_string(),
            owner: owner.to_string(),
            name: name.to_string(),
        });
    }
    let page =
        [Some(sources.remote), sources.page].into_iter().flatten().find_map(parse).ok_or_else(|| {
            "neither the git remote nor the setting `repository` is the address of a forge".to_string()
        })?;
    let kind = sources.setting.or_else(|| of_api(sources.api?)).or_else(|| of_host(&page.base));
    let kind = kind.ok_or_else(|| unknown(&page.base))?;
    let api = sources.api.map(str::to_string).unwrap_or_else(|| match (kind, page.base.as_str()) {
        (ForgeKind::Github, "https://github.com") => "https://api.github.com".to_string(),
        (ForgeKind::Github, base) => format!("{base}/api/v3"),
        (ForgeKind::Gitea, base) => format!("{base}/api/v1"),
    });
    Ok(Place { kind, api: api.trim_end_matches('/').to_string(), owner: page.owner, name: page.name })
}

fn unknown(address: &str) -> String {
    format!(
        "it is not known whether {} is Gitea or GitHub; set forge = \"gitea\" or \"github\" in \
         [workspace.metadata.xtask]",
        host(address)
    )
}

/// The kind of forge whose API has this path.
fn of_api(api: &str) -> Option<ForgeKind> {
    match api.trim_end_matches('/').rsplit_once("/api/") {
        Some((_, "v1")) => Some(ForgeKind::Gitea),
        Some((_, "v3")) => Some(ForgeKind::Github),
        _ => of_host(api),
    }
}

fn of_host(url: &str) -> Option<ForgeKind> {
    match host(url).as_str() {
        "github.com" | "api.github.com" => Some(ForgeKind::Github),
        "gitea.com" | "codeberg.org" => Some(ForgeKind::Gitea),
        _ => None,
    }
}

/// A repository's page, in parts.
struct Page {
    /// The forge's own address: `https://host/sub/path`.
    base: String,
    owner: String,
    name: String,
}

/// Reads the address of a page or a git remote: `https://host/sub/owner/name.git`,
/// `ssh://git@host:22/owner/name.git` or `git@host:owner/name.git`. A forge that is reached by ssh has its
/// page at https on the standard port.
fn parse(address: &str) -> Option<Page> {
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let (scheme, rest) = match address.split_once("://") {
        Some(("http", rest)) => ("http", rest),
        Some(("https" | "ssh" | "git+ssh", rest)) => ("https", rest),
        Some(_) => return None,
        // `host:path`, as scp has it. A folder has a slash before the first colon, or no colon.
        None => {
            let (host, path) = address.split_once(':')?;
            if host.contains('/') {
                return None;
            }
            return page(&format!("https://{}", host.rsplit('@').next()?), path.trim_start_matches('/'));
        }
    };
    let (authority, path) = rest.split_once('/')?;
    let mut host = authority.rsplit('@').next()?;
    if !address.starts_with("http") {
        host = host.split(':').next()?;
    }
    page(&format!("{scheme}://{host}"), path)
}

fn page(base: &str, path: &str) -> Option<Page> {
    let (rest, name) = path.rsplit_once('/')?;
    let (sub, owner) = rest.rsplit_once('/').map_or(("", rest), |(sub, owner)| (sub, owner));
    if owner.is_empty() || name.is_empty() {
        return None;
    }
    let base = if sub.is_empty() { base.to_string() } else { format!("{base}/{sub}") };
    Some(Page { base, owner: owner.to_string(), name: name.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `KIND API OWNER/NAME`, or the reason.
    fn shown(sources: &Sources) -> String {
        match locate(sources) {
            Ok(Place { kind, api, owner, name }) => format!("{kind:?} {api} {owner}/{name}"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn the_address_of_the_remote_says_where_the_api_is() {
        let unknown = "it is not known whether host is Gitea or GitHub; \
             set forge = \"gitea\" or \"github\" in [workspace.metadata.xtask]";
        let gitea = Some(ForgeKind::Gitea);
        for (remote, setting, expected) in [
            ("https://github.com/team/mono", None, "Github https://api.github.com team/mono"),
            ("https://github.com/team/mono.git", None, "Github https://api.github.com team/mono"),
            ("https://bot:pw@github.com/team/mono.git/", None, "Github https://api.github.com team/mono"),
            ("git@github.com:team/mono.git", None, "Github https://api.github.com team/mono"),
            ("ssh://git@github.com:22/team/mono.git", None, "Github https://api.github.com team/mono"),
            ("https://host/team/mono", None, unknown),
            ("https://host/team/mono", gitea, "Gitea https://host/api/v1 team/mono"),
            ("http://host:3000/git/team/mono.git", gitea, "Gitea http://host:3000/git/api/v1 team/mono"),
            ("ssh://git@host:2222/team/mono.git", gitea, "Gitea https://host/api/v1 team/mono"),
            ("git@host:/team/mono", gitea, "Gitea https://host/api/v1 team/mono"),
            ("https://host/t/m", Some(ForgeKind::Github), "Github https://host/api/v3 t/m"),
            // A folder: the setting `repository` decides.
            ("../remote.git", None, "Github https://api.github.com page/mono"),
            ("/srv/git:x/remote.git", None, "Github https://api.github.com page/mono"),
            ("file:///srv/remote.git", None, "Github https://api.github.com page/mono"),
            ("https://host/mono", None, "Github https://api.github.com page/mono"),
            ("", None, "Github https://api.github.com page/mono"),
        ] {
            let page = Some("https://github.com/page/mono");
            assert_eq!(shown(&Sources { setting, api: None, job: None, remote, page }), expected, "{remote}");
        }
        let nothing = Sources { setting: None, api: None, job: None, remote: "x", page: None };
        assert!(locate(&nothing).unwrap_err().starts_with("neither the git remote"));
    }

    const NOT_A_REPOSITORY: &str = "XTASK_FORGE ends with /repos/o, not with /repos/OWNER/NAME";

    #[test]
    fn a_job_and_the_variable_decide_before_the_remote() {
        let job = |gitea| {
            let (api, repository) = ("http://host:3000/api/v1/".into(), "a/b".into());
            Some(Job { api, repository, gitea })
        };
        let sources =
            |api, job| Sources { setting: None, api, job, remote: "git@github.com:t/m", page: None };
        assert_eq!(shown(&sources(None, job(true))), "Gitea http://host:3000/api/v1 a/b");
        assert_eq!(shown(&sources(None, job(false))), "Github http://host:3000/api/v1 a/b");
        for (api, expected) in [
            ("http://127.0.0.1:1/api/v1/", "Gitea http://127.0.0.1:1/api/v1 t/m"),
            ("http://127.0.0.1:1/api/v3", "Github http://127.0.0.1:1/api/v3 t/m"),
            ("http://127.0.0.1:1", "Github http://127.0.0.1:1 t/m"),
            ("http://127.0.0.1:1/api/v1/repos/o/n", "Gitea http://127.0.0.1:1/api/v1 o/n"),
            ("https://api.github.com/repos/o/n/", "Github https://api.github.com o/n"),
            ("http://127.0.0.1:1/api/v1/repos/o", NOT_A_REPOSITORY),
        ] {
            assert_eq!(shown(&sources(Some(api), job(true))), expected, "{api}");
        }
        let mut wrong = job(true).unwrap();
        wrong.repository = "b".into();
        assert!(locate(&sources(None, Some(wrong))).unwrap_err().contains("not OWNER/NAME"));
    }
}
