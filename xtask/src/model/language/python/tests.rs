//! Tables of pyproject.toml, lock files and names.

use super::*;
use crate::sys::testing;
use proptest::prelude::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn only_the_version_changes_in_pyproject() {
    for (before, after) in [
        ("[project]\nversion = \"0.0.1\"\n", "[project]\nversion = \"0.2.0rc1\"\n"),
        (
            "[project]\r\nversion='0.0.1'  # why\r\nname=\"x\"",
            "[project]\r\nversion='0.2.0rc1'  # why\r\nname=\"x\"",
        ),
        ("\u{feff}[project]\nversion = \"0.0.1\"", "\u{feff}[project]\nversion = \"0.2.0rc1\""),
        (
            "# version = \"9\"\n[tool.x]\nversion = \"1\"\n[project]\nname = \"é 0.0.1\"\n\
             version   =   \"0.0.1\"\n\n\n",
            "# version = \"9\"\n[tool.x]\nversion = \"1\"\n[project]\nname = \"é 0.0.1\"\n\
             version   =   \"0.2.0rc1\"\n\n\n",
        ),
        ("project.version = \"0.0.1\"\n", "project.version = \"0.2.0rc1\"\n"),
        (
            "project = { name = \"x\", version = \"0.0.1\" }\n",
            "project = { name = \"x\", version = \"0.2.0rc1\" }\n",
        ),
        ("[project]\nversion = \"\"\"0.0.1\"\"\"\n", "[project]\nversion = \"0.2.0rc1\"\n"),
        // The same version, in another spelling.
        ("[project]\nversion = \"0.2.0-rc.1\"\n", "[project]\nversion = \"0.2.0-rc.1\"\n"),
    ] {
        let read_before = read(before).unwrap();
        assert_eq!(set(before, &v("0.2.0-rc.1")).unwrap(), after);
        assert_eq!(set(before, &read_before).unwrap(), before, "the same version is no change");
        assert_eq!(read(after).unwrap(), v("0.2.0-rc.1"));
    }
}

#[test]
fn an_error_says_why_the_version_cannot_be_read() {
    for (text, reason) in [
        ("", "no [project]"),
        ("[project]\nname = \"x\"\n", "has no version"),
        ("[project]\ndynamic = [\"version\"]\n", "dynamic"),
        ("[project]\nversion = 1\n", "not a string"),
        ("[project]\nversion = \"latest\"\n", "not a PEP 440"),
        ("[project]\nversion = \"1.0.dev1\"\n", "dev-release"),
        ("[project\n", "not TOML"),
    ] {
        let error = format!("{:#}", read(text).unwrap_err());
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn the_lock_files_own_entry_is_found_by_its_source() {
    let lock = "version = 1\nrevision = 3\r\n\n[[package]]\nname = \"other\"\nversion = \"0.0.1\"\n\
                source = { registry = \"https://pypi.org/simple\" }\n\n\
                [[package]]\nname = \"demo-agent\"\nversion = \"0.0.1\"\nsource = { editable = \".\" }\n\n\
                [[package]]\nname = \"z\"\nversion = \"0.0.1\"";
    let set_locked = |lock: &str, member: &str| set_locked(lock, member, &v("0.0.2"));
    let after = set_locked(lock, ".").unwrap().unwrap();
    assert_eq!(after, lock.replace("\"0.0.1\"\nsource = { editable", "\"0.0.2\"\nsource = { editable"));
    assert_eq!(
        set_locked(&lock.replace("editable", "virtual"), ".").unwrap().unwrap(),
        after.replace("editable", "virtual")
    );
    // A workspace's lock file names the folder of each member.
    let workspace = lock.replace("editable = \".\"", "editable = \"apps/python\"");
    assert_eq!(
        set_locked(&workspace, "apps/python").unwrap().unwrap(),
        after.replace("editable = \".\"", "editable = \"apps/python\"")
    );
    for (text, member) in [
        ("version = 1\n", "."),
        ("[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { editable = \"../x\" }\n", "."),
        (workspace.as_str(), "apps/pytho"),
    ] {
        assert!(set_locked(text, member).unwrap().is_none(), "{text:?}");
    }
    let error = set_locked("[[package]]\nname = \"x\"\nsource = { editable = \".\" }\n", ".").unwrap_err();
    assert!(error.to_string().contains("has no version"), "{error}");
}

#[test]
fn names_are_normalised_by_pep_503() {
    for (name, expected) in [
        ("Fractal_Agents.Runtime", "fractal-agents-runtime"),
        ("a--b__c", "a-b-c"),
        ("a-_.b", "a-b"),
        ("x", "x"),
    ] {
        assert_eq!(normalise(name), expected);
    }
}

#[test]
fn what_pypi_refuses_is_known_before_the_upload() {
    let manifest =
        |name: &str, more: &str| format!("[project]\nname = {name:?}\nversion = \"0.0.1\"\n{more}");
    for (manifest, expected) in [
        (manifest("Demo.Agent", "dependencies = [\"six>=1\"]"), vec![]),
        (manifest("other", ""), vec!["[project] name is \"other\""]),
        (manifest("demo-agent", "classifiers = [\"Private :: Do Not Upload\"]"), vec!["classifier"]),
        (
            manifest(
                "demo-agent",
                "dependencies = [\"six @ https://h/six.whl ; python_version > '3'\"]\n\
                 [project.optional-dependencies]\ndev = [\"x@file:///x\", \"y\"]",
            ),
            vec!["six @", "x@file"],
        ),
        (manifest("demo-agent", "dependencies = [\"six ; extra == 'a@b'\"]"), vec![]),
    ] {
        let reasons = refused(&manifest, "demo-agent").unwrap();
        assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
        assert!(reasons.iter().zip(expected).all(|(reason, words)| reason.contains(words)), "{reasons:?}");
    }
}

const MANIFEST: &[&str] = &[
    "[project]",
    "[[package]]",
    "version",
    " = ",
    "\"0.0.1\"",
    "'0.0.1'",
    "name",
    "\"a\"",
    "\n",
    "source = { editable = \".\" }",
    "# ",
    "project.version",
    "\"\"\"",
    "{",
    "}",
    "\u{feff}",
    "\r\n",
    "é",
    "dynamic = [\"version\"]",
];

proptest! {
    #![proptest_config(testing::config())]

    #[test]
    fn property_a_version_that_is_set_is_read(text in testing::text(MANIFEST)) {
        let version: Version = "1.2.3-rc.1".parse().unwrap();
        let comment = text.replace(char::is_control, "");
        let built = format!("# {comment}\n[project]\nversion = '0.0.1' # x\n[tool.x]\na = \"é\"\n");
        prop_assert!(set(&built, &version).is_ok(), "{}", built);
        for text in [text, built] {
            if let Ok(new) = set(&text, &version) {
                prop_assert_eq!(read(&new).unwrap(), version.clone());
                prop_assert_eq!(set(&new, &version).unwrap(), new);
            }
            if let Ok(Some(new)) = set_locked(&text, ".", &version) {
                prop_assert_eq!(set_locked(&new, ".", &version).unwrap(), Some(new));
            }
        }
    }

    #[test]
    fn property_a_normal_name_stays_as_it_is(name in any::<String>()) {
        let normal = normalise(&name);
        prop_assert_eq!(normalise(&normal), normal.clone());
        prop_assert!(!normal.contains("--") && !normal.contains(['_', '.']));
    }
}
