//! Which files and modules an app's settings guard, now and at the last release. Removing a guard is reported
//! as a break, because later breaks would go unnoticed.

use super::super::LastRelease;
use super::super::breaks::{Compared, Unread};
use crate::finding::Level;
use crate::model::ctx::Ctx;
use crate::model::evidence::Difference;
use crate::model::language::Ecosystem;
use crate::model::version::Bump;
use crate::model::workspace::{App, EarlierSettings};
use camino::Utf8PathBuf;

/// Paths are from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guards {
    pub spec: Option<Utf8PathBuf>,
    pub compat: Option<Utf8PathBuf>,
    /// `[api] public`
    pub public: Vec<String>,
    /// `[api] private`
    pub private: Vec<String>,
}

impl Guards {
    pub(super) fn now(app: &App) -> Guards {
        let settings = &app.settings;
        Guards {
            spec: settings.spec.as_ref().map(|spec| app.dir.join(&spec.file)),
            compat: settings.compat.as_ref().map(|compat| app.dir.join(&compat.file)),
            public: settings.api.public.clone(),
            private: settings.api.private.clone(),
        }
    }

    /// The guards in the tag's `app.toml`, or today's if it cannot be read: a published release cannot be
    /// fixed. None if the tag has no such file.
    pub(super) fn then(ctx: &Ctx, app: &App, last: &LastRelease) -> Option<Guards> {
        let file = format!("refs/tags/{}:{}", last.tag, app.file());
        let text = ctx.git.read(&["cat-file", "blob", &file]).ok()?;
        Some(Guards::read(&text, app).unwrap_or_else(|| Guards::now(app)))
    }

    fn read(text: &str, app: &App) -> Option<Guards> {
        let then = EarlierSettings::read(text)?;
        let file = |file: Utf8PathBuf| app.dir.join(file);
        Some(Guards {
            spec: then.spec.map(|spec| file(spec.file)),
            compat: then.compat.map(|compat| file(compat.file)),
            public: then.api.public,
            private: then.api.private,
        })
    }
}

/// If the tag does not have the app's folder, the app was elsewhere then, and the commits of that folder are
/// not read. None if the folder exists.
pub(super) fn moved(ctx: &Ctx, app: &App, last: &LastRelease) -> Option<Compared> {
    let folder = format!("refs/tags/{}:{}", last.tag, app.dir);
    if ctx.git.ask(&["cat-file", "-e", &folder]).unwrap_or(false) {
        return None;
    }
    let unread = Unread {
        id: "release-moved",
        // A published release cannot be fixed, so it must not stop the next one.
        level: Level::Warning,
        why: format!(
            "{} has no folder {}: commits to the app's earlier folder do not count, and breaking changes are \
             not detected",
            last.tag, app.dir
        ),
        place: Some(app.file().into_string()),
        help: "declare what is missing in a commit that changes a file of the new folder".into(),
    };
    Some(Compared {
        source: "settings",
        whom: "users",
        command: format!("git show {}:{}", last.tag, app.dir),
        found: Err(unread),
    })
}

/// Names that `[api] public` had at the last release and no longer has, whether the module is gone or only
/// unguarded, and names that are new in `[api] private`. None if there are none.
pub(super) fn dropped(app: &App, last: &LastRelease, then: &Guards) -> Option<Compared> {
    let among =
        |names: &[String], name: &str| names.iter().any(|one| covers(one, name, app.settings.ecosystem));
    let difference = |name: &String, how: String| Difference {
        id: "guard-removed".into(),
        demands: Bump::Major,
        what: name.clone(),
        message: format!("{name} {how}, so later breaks of it would not be detected"),
        place: app.file().into_string(),
    };
    let now = &app.settings.api;
    let gone = then
        .public
        .iter()
        .filter(|name| !among(&now.public, name))
        .map(|name| difference(name, format!("was in [api] public in {} and no longer is", last.tag)));
    let hidden = now
        .private
        .iter()
        .filter(|name| among(&then.public, name) && !among(&then.private, name))
        .map(|name| difference(name, format!("is in [api] private and was guarded in {}", last.tag)));
    let found: Vec<Difference> = gone.chain(hidden).collect();
    let command = format!("git diff {} HEAD -- {}", last.tag, app.file());
    (!found.is_empty()).then_some(Compared { source: "settings", whom: "users", command, found: Ok(found) })
}

/// A Python module covers the modules below it; a TypeScript entry point covers only itself.
fn covers(guard: &str, name: &str, ecosystem: Ecosystem) -> bool {
    match ecosystem {
        Ecosystem::Python => {
            guard == name || name.strip_prefix(guard).is_some_and(|rest| rest.starts_with('.'))
        }
        Ecosystem::Ts => guard == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(ecosystem: &str, public: &[&str]) -> App {
        app_without(ecosystem, public, &[])
    }

    fn app_without(ecosystem: &str, public: &[&str], private: &[&str]) -> App {
        let text = format!(
            "name = \"x\"\necosystem = {ecosystem:?}\npackage = \"p\"\n\
             [api]\npublic = {public:?}\nprivate = {private:?}\n"
        );
        App { dir: "apps/x".into(), settings: toml_edit::de::from_str(&text).expect("settings") }
    }

    #[test]
    fn a_name_that_is_no_longer_guarded_breaks_unless_a_wider_one_is() {
        let last = LastRelease { version: "0.1.0".parse().unwrap(), tag: "x-v0.1.0".into() };
        for (ecosystem, then, now, expected) in [
            ("python", &["a"][..], &["a"][..], ""),
            ("python", &["a"], &["a", "b"], ""),
            ("python", &[], &["a"], ""),
            ("python", &["a"], &[], "a"),
            ("python", &["a", "b.c"], &["b"], "a"),
            ("python", &["a"], &["a.b"], "a"),
            ("python", &["ab"], &["a"], "ab"),
            ("ts", &[".", "./x"], &["."], "./x"),
            ("ts", &["./x"], &["./x.js"], "./x"),
        ] {
            let then = guards(then, &[]);
            assert_eq!(names(&app(ecosystem, now), &last, &then), expected, "{then:?}");
        }
    }

    fn guards(public: &[&str], private: &[&str]) -> Guards {
        let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Guards { spec: None, compat: None, public: list(public), private: list(private) }
    }

    fn names(app: &App, last: &LastRelease, then: &Guards) -> String {
        let found = dropped(app, last, then).and_then(|compared| compared.found.ok()).unwrap_or_default();
        found.iter().map(|difference| difference.what.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_module_that_becomes_private_breaks_if_it_was_guarded() {
        let last = LastRelease { version: "0.1.0".parse().unwrap(), tag: "x-v0.1.0".into() };
        for (public, before, now, expected) in [
            (&["a"][..], &[][..], &["a.b"][..], "a.b"),
            (&["a"], &["a.b"], &["a.b"], ""),
            (&["a"], &["a.b"], &["a.b.c"], ""),
            (&["a"], &["a.b"], &[], ""),
            (&[], &[], &["a.b"], ""),
        ] {
            let app = app_without("python", &["a"], now);
            assert_eq!(names(&app, &last, &guards(public, before)), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn of_an_old_app_toml_only_the_guards_are_read() {
        let app = app("python", &["a"]);
        let text = "name = 1\nunknown = 2\n[spec]\nfile = \"old.json\"\n[compat]\nfile = \"c/compat.json\"\n\
                    [api]\npublic = [\"b\"]\nmore = 3\n";
        let then = Guards::read(text, &app).expect("read");
        assert_eq!(
            (then.spec, then.compat),
            (Some("apps/x/old.json".into()), Some("apps/x/c/compat.json".into()))
        );
        assert_eq!(then.public, ["b"]);
        assert_eq!(Guards::read("", &app).map(|then| then.public), Some(vec![]));
        for broken in ["spec = 1", "[spec]", "[api]\npublic = \"a\"", "= ="] {
            assert_eq!(Guards::read(broken, &app), None, "{broken}");
        }
    }
}
