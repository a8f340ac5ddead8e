//! Tables of files that are searched, and how they are read.

use super::*;

#[test]
fn tests_and_third_party_files_are_skipped() {
    for (path, expected) in [
        ("apps/python/src/demo/__init__.py", false),
        ("README.md", false),
        (".github/workflows/ci.yml", false),
        ("templates/x/.runtime-version", false),
        ("latest/x.py", false),
        ("apps/python/tests/data/x.py", true),
        ("xtask/tests/it/demo-python/pyproject.toml", true),
        ("apps/python/src/demo/test_version.py", true),
        ("apps/ts/src/version.test.ts", true),
        ("apps/ts/src/version_test.go", true),
        ("apps/ts/src/__snapshots__/x.ts", true),
        ("apps/ts/src/x.snap", true),
        ("apps/ts/public/lib.min.js", true),
        ("apps/python/src/demo/_vendor/six/__init__.py", true),
        ("node_modules/@team/demo/package.json", true),
        ("dist/demo.js", true),
        (".github/ISSUE_TEMPLATE/bug.yml", true),
    ] {
        assert_eq!(is_foreign(Utf8Path::new(path)), expected, "{path}");
    }
}

#[test]
fn the_name_of_a_file_decides_how_it_is_read() {
    for (path, expected) in [
        ("apps/python/uv.lock", Form::Lock),
        ("package-lock.json", Form::Lock),
        ("CHANGELOG.md", Form::History),
        ("docs/migration.md", Form::History),
        ("README.md", Form::Docs),
        ("docs/install.rst", Form::Docs),
        ("requirements-dev.txt", Form::Settings("#")),
        ("requirements/base.txt", Form::Settings("#")),
        ("setup.py", Form::Settings("#")),
        ("Dockerfile.dev", Form::Settings("#")),
        ("docker/python.Dockerfile", Form::Settings("#")),
        ("Containerfile", Form::Settings("#")),
        ("package.json", Form::Settings("//")),
        (".runtime-version", Form::Settings("#")),
        ("compose.yaml", Form::Settings("#")),
        ("src/main.rs", Form::Code),
        ("bin/run", Form::Code),
    ] {
        assert_eq!(form(Utf8Path::new(path)), expected, "{path}");
    }
}

#[test]
fn only_text_files_below_the_size_limit_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(dir.path()).unwrap();
    std::fs::write(root.join("text"), "\u{feff}0.1.0").unwrap();
    std::fs::write(root.join("latin"), b"\xe9").unwrap();
    std::fs::File::create(root.join("large")).unwrap().set_len(LARGEST + 1).unwrap();
    std::os::unix::fs::symlink("text", root.join("link")).unwrap();
    for (name, expected) in
        [("text", true), ("latin", false), ("large", false), ("link", false), ("gone", false), (".", false)]
    {
        assert_eq!(read(root, Utf8Path::new(name)).is_some(), expected, "{name}");
    }
}
