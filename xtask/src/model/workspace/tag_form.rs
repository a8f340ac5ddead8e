//! The form of an app's tags: `[release] tag`, by default `{app}-v{version}`. The version comes last, so the
//! text before it tells which tags are the app's. Pure.

use super::{App, AppSettings};
use crate::model::version;
use semver::Version;

const DEFAULT: &str = "{app}-v{version}";
const VERSION: &str = "{version}";

/// The text before the version in the app's tags: `python-v`.
pub(super) fn start(settings: &AppSettings) -> String {
    let form = settings.release.tag.as_deref().unwrap_or(DEFAULT);
    let start = form.strip_suffix(VERSION).unwrap_or(form);
    start.replace("{app}", &settings.name).replace("{package}", &settings.package)
}

/// The mistake in the app's form of tags. None if git accepts such tags, and their version can be read back.
pub(super) fn problem(settings: &AppSettings) -> Option<String> {
    let form = settings.release.tag.as_ref()?;
    let start = start(settings);
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+=@/".contains(c);
    let refused = |part: &str| part.starts_with('.') || part.ends_with(".lock");
    let why = if !form.ends_with(VERSION) {
        "the form must end with {version}, so that the version can be read back"
    } else if start.contains(['{', '}']) {
        "the placeholders are {app}, {package} and, once, {version}"
    } else if start.ends_with(|c: char| c.is_ascii_digit()) {
        "a digit before {version} would be read as a part of the version"
    } else if start.starts_with("withdrawn/") {
        "tags that begin with withdrawn/ are the marks of releases that were rolled back"
    } else if !start.chars().all(plain) {
        "a tag consists of letters, digits and . _ - + = @ /"
    } else if start.starts_with(['-', '/'])
        || start.contains("..")
        || start.contains("//")
        || start.split('/').any(refused)
    {
        "git accepts no such name (git-check-ref-format)"
    } else {
        return None;
    };
    Some(format!("[release] tag = {form:?}: {why}"))
}

/// The form in which this tag, of another tool, is read as a release of the version. None if no form does.
pub(super) fn of(app: &App, tag: &str, version: &Version) -> Option<String> {
    let start = tag.strip_suffix(&version.to_string())?;
    let names = [("{package}", &app.settings.package), ("{app}", &app.settings.name)];
    let named =
        names.iter().find_map(|(holder, name)| Some(format!("{holder}{}", start.strip_prefix(*name)?)));
    let form = format!("{}{VERSION}", named.unwrap_or(start.to_string()));
    let mut settings = app.settings.clone();
    settings.release.tag = Some(form.clone());
    problem(&settings).is_none().then_some(form)
}

/// Two apps for which the same tag could be read as a release.
pub(super) fn conflict(apps: &[App]) -> Option<String> {
    let reads_tags_of = |reader: &App, other: &App| {
        reader.name() != other.name()
            && other
                .tag_start()
                .strip_prefix(reader.tag_start().as_str())
                .is_some_and(|rest| version::in_tag(&format!("{rest}1.0.0")).is_some())
    };
    let pair = |reader| Some((reader, apps.iter().find(|other| reads_tags_of(reader, other))?));
    let (reader, other) = apps.iter().find_map(pair)?;
    Some(format!(
        "{}: a tag such as {}1.0.0 of {} would be read as a release of {} too; \
         set [release] tag = \"{{app}}-v{{version}}\" in one of them",
        other.file(),
        other.tag_start(),
        other.name(),
        reader.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::parse;

    fn app(name: &str, form: &str) -> App {
        let form = if form.is_empty() { String::new() } else { format!("[release]\ntag = {form:?}") };
        let text =
            format!("name = \"{name}\"\necosystem = \"python\"\npackage = \"@team/lang-chain\"\n{form}");
        App { dir: format!("apps/{name}").into(), settings: parse(&text, "app.toml").expect("valid") }
    }

    #[test]
    fn a_form_is_accepted_if_git_takes_it_and_the_version_can_be_read_back() {
        for (form, expected) in [
            ("", "aws-v1.0.0-rc.1"),
            ("{app}-v{version}", "aws-v1.0.0-rc.1"),
            ("{package}=={version}", "@team/lang-chain==1.0.0-rc.1"),
            ("{package}@{version}", "@team/lang-chain@1.0.0-rc.1"),
            ("{app}/v{version}", "aws/v1.0.0-rc.1"),
            ("v{version}", "v1.0.0-rc.1"),
            ("{version}", "1.0.0-rc.1"),
            ("rel.{app}_{version}", "rel.aws_1.0.0-rc.1"),
            ("{app}", "the form must end"),
            ("{version}-{app}", "the form must end"),
            ("v{version}+", "the form must end"),
            ("{version}{version}", "the placeholders"),
            ("{name}-{version}", "the placeholders"),
            ("{{app}}{version}", "the placeholders"),
            ("v1{version}", "a digit before"),
            ("withdrawn/{app}-v{version}", "tags that begin"),
            ("{app} v{version}", "a tag consists"),
            ("{app}:{version}", "a tag consists"),
            ("$(x){version}", "a tag consists"),
            ("é{version}", "a tag consists"),
            ("-v{version}", "git accepts no"),
            ("/{app}{version}", "git accepts no"),
            ("{app}..{version}", "git accepts no"),
            ("a//{version}", "git accepts no"),
            (".{app}/{version}", "git accepts no"),
            ("a/.b{version}", "git accepts no"),
            ("a.lock/{version}", "git accepts no"),
        ] {
            let app = app("aws", form);
            let version = "1.0.0-rc.1".parse().expect("a version");
            match problem(&app.settings) {
                Some(problem) => assert!(
                    problem.contains(&format!("}}\": {expected}"))
                        || problem.contains(&format!("\": {expected}")),
                    "{form}: {problem}"
                ),
                None => {
                    assert_eq!(app.tag(&version), expected);
                    assert_eq!(app.version_in_tag(expected), Some(version));
                    assert_eq!(app.version_in_tag(&format!("x{expected}")), None);
                }
            }
        }
    }

    #[test]
    fn the_form_of_a_tag_reads_that_tag() {
        for (tag, expected) in [
            ("@team/lang-chain==1.2.3", Some("{package}=={version}")),
            ("aws/v1.2.3", Some("{app}/v{version}")),
            ("old-aws-1.2.3", Some("old-aws-{version}")),
            ("v1.2.3", Some("v{version}")),
            ("1.2.3", Some("{version}")),
            ("aws2-1.2.3", Some("{app}2-{version}")),
            ("aws21.2.3", None),
            ("v1.2", None),
            ("aws:1.2.3", None),
        ] {
            let version = Version::new(1, 2, 3);
            let form = of(&app("aws", ""), tag, &version);
            assert_eq!(form.as_deref(), expected, "{tag}");
            if let Some(form) = form {
                assert_eq!(app("aws", &form).version_in_tag(tag), Some(version));
            }
        }
    }

    #[test]
    fn two_apps_must_not_read_each_others_tags() {
        for (one, two, conflicts) in [
            ("", "", false),
            ("v{version}", "", false),
            ("v{version}", "{app}@{version}", false),
            ("v{version}", "v{version}", true),
            ("{package}=={version}", "{package}=={version}", true),
            ("{version}", "{app}-{version}", false),
            ("v{version}", "v1.0.0-{version}", true),
            ("v1.0.0-rc.{version}", "v{version}", true),
            ("b-v{version}", "", true),
        ] {
            let found = conflict(&[app("a", one), app("b", two)]);
            assert_eq!(found.is_some(), conflicts, "{one} {two}: {found:?}");
        }
        assert_eq!(conflict(&[app("a", ""), app("a-v2", "")]), None);
    }
}
