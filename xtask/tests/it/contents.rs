//! What users get is what git has: packages of a commit have the same bytes on every machine, and no source
//! is left out without a word.

use crate::demo;
use crate::support::{Repo, run};
use camino::Utf8Path;
use expect_test::expect;
use std::os::unix::fs::PermissionsExt;

const APPS: [&str; 2] = ["python", "ts"];

/// The demo apps with their specs in one commit.
fn repo() -> Repo {
    let repo = demo::files(&APPS);
    repo.xtask(&["openapi", "generate"]).expect(0);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--message", "feat: two servers"]);
    repo
}

/// The files that `build` writes for the app, as `sha256 name`.
fn built(output: &serde_json::Value) -> Vec<String> {
    let files = output["files"].as_array().unwrap();
    files.iter().map(|file| format!("{} {}", file["sha256"], file["name"])).collect()
}

#[test]
fn packages_are_the_same_whatever_the_settings_of_git_and_the_machine() {
    let repo = repo();
    // The commit is signed, by a program that stands for gpg.
    let gpg = repo.world().join("gpg");
    let script = "#!/bin/sh\ncat > /dev/null\n\
                  echo '[GNUPG:] SIG_CREATED ' >&2\necho 'gpg: Good signature' >&2\n\
                  printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'\n";
    std::fs::write(&gpg, script).unwrap();
    std::fs::set_permissions(&gpg, PermissionsExt::from_mode(0o755)).unwrap();
    repo.git(&["config", "gpg.program", gpg.as_str()]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit", "--gpg-sign=key"]);
    let plain = APPS.map(|app| built(&repo.xtask(&["build", app, "--json"]).expect(0).json()));

    // A machine that converts line ends, leaves files out, expands nothing, and hides what it writes.
    let attributes = "* text=auto eol=crlf ident filter=upper\n*.md export-ignore\n*.py export-ignore\n\
                      *.js export-ignore\n* -export-subst\n";
    let home = repo.world().join("other-home");
    std::fs::create_dir_all(home.join(".config/git")).unwrap();
    std::fs::write(home.join("attributes"), attributes).unwrap();
    std::fs::write(home.join(".config/git/attributes"), attributes).unwrap();
    let config = format!(
        "[core]\nautocrlf = true\neol = crlf\nattributesFile = {home}/attributes\n[tar]\numask = 0077\n\
         [filter \"upper\"]\nsmudge = tr a-z A-Z\nclean = tr a-z A-Z\n\
         [log]\nshowSignature = true\n"
    );
    let config_file = home.join(".gitconfig");
    std::fs::write(&config_file, config).unwrap();
    std::fs::write(repo.path.join(".git/info/attributes"), attributes).unwrap();
    let git =
        run(repo.command("git", &repo.path).args(["archive", "HEAD"]).env("GIT_CONFIG_GLOBAL", &config_file));
    assert!(!git.stdout.contains("def main"), "the settings change nothing: the test tests nothing");
    let shown = ["-c", "log.showSignature=true", "show", "--no-patch", "--format=%ct"];
    assert!(repo.git(&shown).contains("Good signature"));
    for (app, plain) in APPS.iter().zip(plain) {
        let mut command = repo.command("/bin/sh", &repo.path);
        command.args([
            "-c",
            "umask 077; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_xtask"),
            "build",
            app,
            "--json",
        ]);
        command.env("GIT_CONFIG_GLOBAL", &config_file).env("HOME", &home);
        command.env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Pacific/Auckland");
        assert_eq!(built(&run(&mut command).expect(0).json()), plain, "{app}");
    }
}

/// As after ssh from another machine, whose locale is passed on. The repository's path has an umlaut.
#[test]
fn a_locale_that_the_machine_does_not_have_changes_nothing() {
    let repo = demo::files(&["python"]);
    let mut command = repo.command(env!("CARGO_BIN_EXE_xtask"), &repo.path);
    run(command.args(["openapi", "generate"]).env("LC_ALL", "xx_YY.UTF-8")).expect(0);
}

/// The content of the only file in a package whose path ends like this.
fn content(package: &Utf8Path, end: &str) -> String {
    let script = "import sys, tarfile, zipfile
path, end = sys.argv[1:]
if path.endswith('.whl'):
    package = zipfile.ZipFile(path)
    found = [package.read(name) for name in package.namelist() if name.endswith(end)]
else:
    package = tarfile.open(path)
    members = [member for member in package.getmembers() if member.name.endswith(end)]
    found = [package.extractfile(member).read() if member.isfile() else b'a link' for member in members]
sys.stdout.buffer.write(found[0] if len(found) == 1 else repr(found).encode())";
    let output = std::process::Command::new("python3").args(["-c", script, package.as_str(), end]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn links_are_packed_as_the_files_that_they_name() {
    let repo = repo();
    repo.write("LICENSE", "The licence at the root.\n");
    repo.write("shared/data/list.json", "[1]\n");
    for (app, sources) in [("python", "apps/python/src/demo_agent"), ("ts", "apps/ts/src")] {
        std::fs::remove_file(repo.path.join(format!("apps/{app}/LICENSE"))).unwrap();
        std::os::unix::fs::symlink("../../LICENSE", repo.path.join(format!("apps/{app}/LICENSE"))).unwrap();
        let up = "../".repeat(sources.matches('/').count() + 1);
        std::os::unix::fs::symlink(format!("{up}shared/data"), repo.path.join(sources).join("data")).unwrap();
    }
    repo.commit("README.md", "# Links\n", "feat: share files");
    for app in APPS {
        let files = repo.xtask(&["build", app, "--json"]).expect(0).json();
        for file in files["files"].as_array().unwrap() {
            let package = Utf8Path::new(file["path"].as_str().unwrap());
            assert_eq!(content(package, "/LICENSE"), "The licence at the root.\n", "{package}");
            assert_eq!(content(package, "data/list.json"), "[1]\n", "{package}");
        }
    }
}

/// All at once, and with what to do.
#[test]
fn a_build_names_every_file_that_a_package_lacks() {
    let repo = repo();
    for file in
        ["python/LICENSE", "python/README.md", "python/src/demo_agent/py.typed", "ts/LICENSE", "ts/README.md"]
    {
        std::fs::remove_file(repo.path.join("apps").join(file)).unwrap();
    }
    let manifest = repo.read("apps/python/pyproject.toml");
    let manifest =
        manifest.replace("readme = \"README.md\"\n", "").replace("license-files = [\"LICENSE\"]\n", "");
    repo.commit("apps/python/pyproject.toml", &manifest, "chore: without files");
    expect![[r#"
        exit code 1
        error: apps/python at COMMIT: demo_agent-0.0.0-py3-none-any.whl:
          py.typed is missing: type checkers will ignore the package's types (PEP 561)
          the licence file is missing: name it under project.license-files (PEP 639)
          the README is missing: name it under project.readme; the index shows it as the package's page
    "#]]
    .assert_eq(&repo.xtask(&["build", "python"]).seen());
    expect![[r#"
        exit code 1
        error: apps/ts at COMMIT: demo-agent-0.0.0.tgz:
          the licence file is missing
          README.md is missing: the registry shows it as the package's page
    "#]]
    .assert_eq(&repo.xtask(&["build", "ts"]).seen());
}

#[test]
fn a_build_refuses_sources_whose_content_is_not_in_the_commit() {
    let repo = repo();
    repo.write(
        "apps/python/data/big.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    );
    for (target, link) in [("../../../outside", "out"), ("nowhere", "broken"), ("/etc/hostname", "host")] {
        std::os::unix::fs::symlink(target, repo.path.join("apps/python").join(link)).unwrap();
    }
    repo.git(&["add", "--all"]);
    let module = format!("160000,{},apps/python/vendor/lib", repo.head());
    repo.git(&["update-index", "--add", "--cacheinfo", &module]);
    repo.git(&["commit", "--quiet", "--message", "feat: files from elsewhere"]);
    expect![[r#"
        exit code 1
        error: apps/python at COMMIT: the sources of apps/python are not complete at COMMIT:
          broken is a link to nowhere, which cannot be followed inside the repository
          data/big.bin is a pointer of Git LFS: its content is not in this repository
          host is a link to /etc/hostname, which cannot be followed inside the repository
          out is a link to ../../../outside, which cannot be followed inside the repository
          vendor/lib is a submodule: its files are not in this repository
    "#]]
    .assert_eq(&repo.xtask(&["build", "python"]).seen());
    // What the commit itself leaves out of packages is not missing.
    let ignored = "vendor export-ignore\ndata export-ignore\nout export-ignore\nbroken export-ignore\n\
                   host export-ignore\n";
    let attributes = repo.read("apps/python/.gitattributes") + ignored;
    repo.write("apps/python/.gitattributes", attributes);
    repo.git(&["commit", "--quiet", "--all", "--message", "fix: leave them out"]);
    repo.xtask(&["build", "python"]).expect(0);
}
