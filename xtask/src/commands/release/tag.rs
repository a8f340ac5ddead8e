//! The release's annotated tag: its message, its parser, and the push, which succeeds for only one of two
//! racing runs.

use super::handover::{self, Breaks};
use super::{Release, State};
use crate::commands::plan;
use crate::ecosystem;
use crate::ecosystem::DistFile;
use crate::finding::{Finding, Level};
use crate::model::changelog;
use crate::model::ctx::Ctx;
use crate::sys::exit::Exit;
use crate::sys::git::Git;
use anyhow::{Context, Result};

/// A release tag with the trailers that this tool writes. A tag without them is never resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The id of the tag object, not of the commit.
    pub object: String,
    pub commit: String,
    pub source_commit: String,
    /// File name and sha256.
    pub dist: Vec<(String, String)>,
    /// `sha256:…` of the image index; None for an app without an image.
    pub image: Option<String>,
    /// The digest that the name of the base image resolved to.
    pub base: Option<String>,
    pub run_id: String,
}

/// What the remote has under a tag's name.
pub(crate) enum Found {
    Nothing,
    Ours(Tag),
    /// A tag that this tool did not create, at this commit.
    Foreign(String),
}

/// Looks up the tag `name` on the remote. Local tags are ignored: they do not prove that a push happened.
pub(crate) fn find(ctx: &Ctx, name: &str) -> Result<Found> {
    let reference = format!("refs/tags/{name}");
    let remote = &ctx.endpoints.remote;
    let listed = ctx
        .git
        .online(&["ls-remote", "--", remote, &reference, &format!("{reference}^{{}}")])
        .with_context(|| format!("cannot look up the tag {name} on the git remote {remote}"))?;
    let Some((object, _)) = listed.lines().find_map(|l| l.split_once('\t').filter(|(_, r)| *r == reference))
    else {
        return Ok(Found::Nothing);
    };
    if !ctx.git.ask(&["cat-file", "-e", object]).unwrap_or(false) {
        ctx.git.online(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--",
            remote,
            &format!("+{reference}:refs/xtask/tags/{name}"),
        ])?;
    }
    let text = String::from_utf8_lossy(&ctx.git.bytes(&["cat-file", "-p", object])?).into_owned();
    Ok(match parse(object, &text) {
        Some(tag) => Found::Ours(tag),
        None => Found::Foreign(ctx.git.commit(object).unwrap_or_else(|_| object.to_string())),
    })
}

/// Parses a tag object (`git cat-file -p`): headers, a blank line, and a message whose last paragraph
/// consists of trailers (git-interpret-trailers). None if it is not a tag of this tool.
pub(crate) fn parse(object: &str, text: &str) -> Option<Tag> {
    let (headers, message) = text.split_once("\n\n")?;
    let header =
        |name: &str| headers.lines().find_map(|l| l.strip_prefix(name).and_then(|l| l.strip_prefix(' ')));
    if header("type")? != "commit" {
        return None;
    }
    let last = message.trim_end().rsplit("\n\n").next()?;
    let trailers: Vec<(&str, &str)> = last.lines().map(|l| l.split_once(": ")).collect::<Option<_>>()?;
    let one = |key: &str| trailers.iter().find(|(k, _)| *k == key).map(|(_, v)| v.trim().to_string());
    let hash = |s: &str| s.len() == 64 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let mut dist = Vec::new();
    for (_, value) in trailers.iter().filter(|(k, _)| *k == "Dist-Sha256") {
        let (sha256, name) = value.split_once("  ").filter(|(sha, name)| hash(sha) && !name.is_empty())?;
        dist.push((name.to_string(), sha256.to_string()));
    }
    let tag = Tag {
        object: object.to_string(),
        commit: header("object")?.to_string(),
        source_commit: one("Source-Commit")?,
        dist,
        image: one("Image-Digest"),
        base: one("Image-Base"),
        run_id: one("Run-Id")?,
    };
    (!tag.dist.is_empty()).then_some(tag)
}

/// The tag's message: title, notes, trailers.
pub(crate) fn message(title: &str, notes: &str, trailers: &[(&str, String)]) -> String {
    let notes = notes.trim();
    let notes = if notes.is_empty() { String::new() } else { format!("\n{notes}\n") };
    let trailers: String = trailers.iter().map(|(k, v)| format!("{k}: {v}\n")).collect();
    format!("{title}\n{notes}\n{trailers}")
}

pub(crate) fn state(release: &Release) -> Result<State> {
    Ok(match release.tag() {
        Some(tag) => State::Done(format!(
            "{} at {} (run {})",
            release.tag_name,
            crate::sys::git::short(&tag.commit),
            tag.run_id
        )),
        None => State::Todo,
    })
}

/// The push, for a dry run.
pub(crate) fn preview(release: &Release) -> Vec<String> {
    let commit = crate::sys::git::short(&release.commit);
    let branch =
        release.branch.iter().map(|branch| format!("{commit}:refs/heads/{branch} ")).collect::<String>();
    let atomic = if branch.is_empty() { "" } else { "--atomic " };
    vec![format!(
        "git push {atomic}{} {branch}<tag object>:refs/tags/{}   at {commit}",
        release.ctx.endpoints.remote, release.tag_name
    )]
}

pub(crate) fn run(release: &Release) -> Result<String> {
    Ok(push(&[release])?.join(""))
}

/// Creates a tag for each release and pushes all of them in one atomic push. Returns a line of evidence for
/// each release.
pub(crate) fn push(releases: &[&Release]) -> Result<Vec<String>> {
    let Some(first) = releases.first() else { return Ok(Vec::new()) };
    let (ctx, run_id) = (first.ctx, super::run_id());
    let mut created = Vec::new();
    for release in releases {
        let text = message(&release.title(), &notes(release)?, &trailers(release, &run_id, breaks(release)?));
        // git-mktag and not git-tag: the name must not exist here before the remote has taken it.
        created.push((*release, mktag(&ctx.git, &release.commit, &release.tag_name, &text)?));
    }
    let mut refs: Vec<String> =
        created.iter().map(|(release, object)| format!("{object}:refs/tags/{}", release.tag_name)).collect();
    refs.extend(first.branch.iter().map(|branch| format!("{}:refs/heads/{branch}", first.commit)));
    let mut push = vec!["push", "--quiet", "--no-follow-tags", "--atomic", "--", &ctx.endpoints.remote];
    push.extend(refs.iter().map(String::as_str));
    let mut pushed = ctx.git.online(&push).map(drop);
    let mut seen = Vec::new();
    for (release, object) in created {
        seen.push(pushed_one(release, &object, &mut pushed, &run_id)?);
    }
    Ok(seen)
}

/// Checks the remote after the push, because the result of the push itself is not reliable: the connection
/// may have failed after the remote took the tag.
fn pushed_one(release: &Release, object: &str, pushed: &mut Result<()>, run_id: &str) -> Result<String> {
    let (ctx, name) = (release.ctx, &release.tag_name);
    match find(ctx, name)? {
        Found::Ours(tag) if tag.object == object => {
            keep(&ctx.git, name, object)?;
            release.tag.get_or_init(|| tag);
            Ok(format!("{name} at {} pushed (run {run_id})", crate::sys::git::short(&release.commit)))
        }
        Found::Ours(winner) => Err(Exit::Gate(vec![
            Finding::new(
                "lost-race",
                Level::Error,
                format!("another run pushed {name} first: run {}", winner.run_id),
            )
            .app(release.app.name())
            .help(format!(
                "wait until that run finishes; if it was interrupted: cargo xtask release {}",
                release.app.name()
            )),
        ])
        .into()),
        Found::Foreign(commit) => {
            Err(Exit::Gate(vec![taken(release.ctx, release.app.name(), name, &commit)]).into())
        }
        Found::Nothing => match std::mem::replace(pushed, Ok(())) {
            Err(e) => Err(e.context(format!("the remote did not accept the tag {name}"))),
            Ok(()) => anyhow::bail!("the remote accepted the tag {name}, but does not list it"),
        },
    }
}

/// The finding for a tag of this name that this tool did not create.
pub(crate) fn taken(ctx: &Ctx, app: &str, name: &str, commit: &str) -> Finding {
    let remote = &ctx.endpoints.remote;
    Finding::new(
        "tag-taken",
        Level::Error,
        format!(
            "the tag {name} already exists at {} and was not created by this tool",
            crate::sys::git::short(commit)
        ),
    )
    .app(app)
    .place(format!("refs/tags/{name}"))
    .help(format!(
        "release the next version: cargo xtask bump {app}\n\
         or, if nobody has used that tag: git push --delete {remote} refs/tags/{name}"
    ))
}

/// Creates the local copy of a tag that the remote has. A different local tag of the same name is not
/// overwritten: it may be somebody's work.
pub(crate) fn keep(git: &Git, name: &str, object: &str) -> Result<()> {
    let reference = format!("refs/tags/{name}");
    if git.read(&["rev-parse", "--verify", "--quiet", &reference]).is_err() {
        git.run(&["update-ref", "--create-reflog", &reference, object])?;
    }
    Ok(())
}

pub(crate) fn mktag(git: &Git, commit: &str, name: &str, message: &str) -> Result<String> {
    let tagger = match git.read(&["var", "GIT_COMMITTER_IDENT"]) {
        Ok(identity) => identity,
        // A CI runner has no git identity: use the committer of the released commit.
        Err(_) => git.read(&["show", "-s", "--format=%cn <%ce> %ct +0000", "--end-of-options", commit])?,
    };
    let text = format!("object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}");
    Ok(String::from_utf8_lossy(&git.pipe(&["mktag"], text.as_bytes())?).trim().to_string())
}

/// The release's section of CHANGELOG.md at the released commit. Empty if there is none.
pub(crate) fn notes(release: &Release) -> Result<String> {
    let text = release
        .ctx
        .git
        .read(&["cat-file", "blob", &format!("{}:CHANGELOG.md", release.commit)])
        .unwrap_or_default();
    Ok(changelog::notes(&text, &release.tag_name).unwrap_or_default())
}

/// The breaking changes since the last release.
pub(super) fn breaks(release: &Release) -> Result<Breaks> {
    if let Some(breaks) = handover::breaks(release)? {
        return Ok(breaks);
    }
    let plan = plan::release(release.ctx, release.app)?;
    let declared = plan.commits.iter().filter(|c| c.counts && c.breaking);
    let declared = declared.map(|c| one_line(&format!("{} ({})", c.subject, c.short()))).collect();
    let accepted = plan.accepted.iter().map(|a| {
        let what =
            if a.difference.what.is_empty() { String::new() } else { format!(" ({})", a.difference.what) };
        one_line(&format!("{}{what}: {}", a.difference.id, a.by.reason))
    });
    let mut breaks = Breaks { declared, accepted: accepted.collect() };
    breaks.declared.dedup();
    breaks.accepted.dedup();
    Ok(breaks)
}

/// Joins the words of `text` with single spaces. A trailer ends at the end of its line, and this text comes
/// from commits and settings: a line break in it could forge a trailer.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn trailers(release: &Release, run_id: &str, breaks: Breaks) -> Vec<(&'static str, String)> {
    let mut trailers = vec![("Source-Commit", release.source_commit.clone())];
    trailers.extend(
        release
            .dist()
            .iter()
            .map(|DistFile { name, sha256, .. }| ("Dist-Sha256", format!("{sha256}  {name}"))),
    );
    if let Some(image) = release.image() {
        trailers.push(("Image-Digest", image.digest.clone()));
        trailers.push(("Image-Base", image.base_digest.clone()));
    }
    trailers.extend(breaks.declared.iter().map(|text| ("Breaking-Change", one_line(text))));
    trailers.extend(breaks.accepted.iter().map(|text| ("Accepted-Break", one_line(text))));
    trailers.push(("Tool-Version", format!("xtask {}", env!("CARGO_PKG_VERSION"))));
    trailers.extend(
        ecosystem::tool_versions(release.app.settings.ecosystem)
            .into_iter()
            .map(|tool| ("Tool-Version", tool)),
    );
    trailers.push(("Run-Id", run_id.to_string()));
    trailers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing;
    use proptest::prelude::*;

    fn object(message: &str) -> String {
        format!(
            "object 1111111111111111111111111111111111111111\ntype commit\ntag python-v0.0.1\n\
             tagger A <a@b> 1 +0000\n\n{message}"
        )
    }

    #[test]
    fn a_written_tag_is_parsed_to_the_same_values() {
        let sha = "a".repeat(64);
        let trailers = [
            ("Source-Commit", "2222".to_string()),
            ("Dist-Sha256", format!("{sha}  a b-1.whl")),
            ("Image-Digest", "sha256:33".to_string()),
            ("Image-Base", "sha256:44".to_string()),
            ("Run-Id", "r1".to_string()),
        ];
        for notes in
            ["", "### Added\n\n- a thing\n\n# a heading that git tag would strip", "- one\n- key: value"]
        {
            let tag = parse("obj", &object(&message("python v0.0.1", notes, &trailers))).expect("ours");
            assert_eq!(tag.dist, [("a b-1.whl".to_string(), sha.clone())], "{notes}");
            assert_eq!(
                (tag.commit.len(), tag.source_commit.as_str(), tag.image.as_deref()),
                (40, "2222", Some("sha256:33"))
            );
        }
    }

    #[test]
    fn text_from_commits_and_settings_becomes_one_trailer_line_and_forges_no_trailer() {
        let sha = "a".repeat(64);
        for reason in [
            "plain",
            "two\nDist-Sha256: x",
            "a\r\n\r\nRun-Id: other",
            "\u{2028}Run-Id: other\u{85}",
            "",
            "::",
            "\t tabs \0",
        ] {
            let trailers = [
                ("Source-Commit", "2222".to_string()),
                ("Dist-Sha256", format!("{sha}  f")),
                ("Accepted-Break", one_line(&format!("class-renamed (p.A): {reason}"))),
                ("Run-Id", "r1".to_string()),
            ];
            let tag = parse("obj", &object(&message("python v0.0.1", "", &trailers))).expect("ours");
            assert_eq!((tag.dist.len(), tag.run_id.as_str()), (1, "r1"), "{reason:?}");
        }
    }

    #[test]
    fn a_foreign_or_malformed_tag_is_not_ours() {
        let sha = "a".repeat(64);
        for text in [
            String::new(),
            "object 1\ntype commit\n".to_string(),
            object("v0.0.1\n"),
            object("title\n\nRun-Id: x\n"),
            object("title\n\nSource-Commit: x\nRun-Id: y\n"),
            object("title\n\nSource-Commit: x\nDist-Sha256: short  f\nRun-Id: y\n"),
            object(&format!("title\n\nSource-Commit: x\nDist-Sha256: {sha}\nRun-Id: y\n")),
            object(&format!("title\n\nSource-Commit: x\nDist-Sha256: {sha}  f\nno trailer\nRun-Id: y\n")),
            object(&format!("title\n\nSource-Commit: x\nDist-Sha256: {sha}  f\nRun-Id: y\n"))
                .replace("type commit", "type tree"),
        ] {
            assert_eq!(parse("obj", &text), None, "{text}");
        }
    }

    const NOTES: &[&str] = &[
        "\n",
        "\n\n",
        "Run-Id: other",
        "Dist-Sha256: x",
        ": ",
        "- a",
        "# heading",
        "\r\n",
        " ",
        "é",
        "object ",
        "type tree",
        "\0",
    ];

    proptest! {
        #![proptest_config(testing::config())]

        #[test]
        fn property_no_notes_change_what_a_tag_says(notes in testing::text(NOTES)) {
            let sha = "a".repeat(64);
            let trailers = [
                ("Source-Commit", "2222".to_string()),
                ("Dist-Sha256", format!("{sha}  f")),
                ("Accepted-Break", one_line(&notes)),
                ("Run-Id", "r1".to_string()),
            ];
            let tag = parse("obj", &object(&message("python v0.0.1", &notes, &trailers))).expect("ours");
            prop_assert_eq!(tag.dist, [("f".to_string(), sha)]);
            prop_assert_eq!((tag.run_id.as_str(), tag.source_commit.as_str()), ("r1", "2222"));
            let _ = parse("obj", &notes);
            let _ = parse("obj", &object(&notes));
        }
    }
}
