//! Tables of literals that are the app's version, and of some that are not.

use super::*;
use crate::commands::audit::drift::testing::app;

fn found(path: &str, text: &str) -> Vec<String> {
    let settings = app("python", "Demo-Agent");
    read(Utf8Path::new(path), text, &settings)
        .iter()
        .map(|s| format!("{} {}", s.kind.word(), &text[s.span.clone()]))
        .collect()
}

#[test]
fn a_literal_counts_if_its_name_is_the_apps() {
    let one = |version: &str| vec![format!("constant {version}")];
    for (path, text, expected) in [
        ("src/demo_agent/__init__.py", "__version__ = \"0.1.0\"\n", one("0.1.0")),
        (
            "src/demo_agent/__init__.py",
            "\u{feff}\"\"\"Doc.\"\"\"\r\n__version__: str = '0.1.0'  # c\r\n",
            one("0.1.0"),
        ),
        (
            "src/demo_agent/__init__.py",
            "try:\n    pass\nexcept E:\n    __version__ = \"0.1.0\"",
            one("0.1.0"),
        ),
        ("src/demo_agent/deep/er/x.py", "__version__ = '0.1'", one("0.1")),
        ("src/demo_agent/__init__.py", "__version__ = version(\"demo-agent\")", vec![]),
        ("src/demo_agent/__init__.py", "__version__ = f\"{x}\"", vec![]),
        ("src/demo_agent/__init__.py", "if __version__ == \"0.1.0\":", vec![]),
        ("src/demo_agent/__init__.py", "# __version__ = \"0.1.0\"", vec![]),
        ("src/demo_agent/__init__.py", "\"\"\"\n__version__ = \"0.1.0\"\n\"\"\"", vec![]),
        ("src/demo_agent/__init__.py", "__version__ = \"unknown\"", vec![]),
        ("src/demo_agent/__init__.py", "__version__ = \"0.1.0", vec![]),
        ("src/demo_agent/version.py", "VERSION = \"0.1.0\"", one("0.1.0")),
        (
            "src/demo_agent/version.py",
            "APP_VERSION = \"0.1.0\"\nDEMO_AGENT_VERSION = \"0.1.1\"",
            vec!["constant 0.1.0".into(), "constant 0.1.1".into()],
        ),
        (
            "src/demo_agent/version.py",
            "API_VERSION = \"1.0.0\"\nPROTOCOL_VERSION = \"2.0.0\"\nMIN_VERSION = \"3.0.0\"",
            vec![],
        ),
        ("src/demo_agent/version.py", "VERSION = \"2.0\"", vec![]),
        ("src/demo_agent/version.py", "VERSION = \"2024-11-05\"", vec![]),
        ("src/demo_agent/protocols/mqtt/__init__.py", "VERSION = \"5.0.0\"", vec![]),
        ("src/demo_agent/mqtt.py", "VERSION = \"5.0.0\"", vec![]),
        ("src/version.ts", "export const VERSION = \"0.1.0\";", one("0.1.0")),
        ("src/version.ts", "export const version: string = '0.1.0' as const;", one("0.1.0")),
        ("src/version.ts", "module.exports.version = `0.1.0`", one("0.1.0")),
        ("src/version.ts", "// const VERSION = \"0.1.0\"\n * VERSION = \"0.1.0\"", vec![]),
        ("src/version.ts", "const nodeVersion = \"20.0.0\"", vec![]),
        (
            "src/mcp/handlers.ts",
            "serverInfo: {\n  name: \"demo-agent\",\n  version: \"0.1.0\",\n}",
            one("0.1.0"),
        ),
        ("src/demo_agent/web.py", "app = FastAPI(title=\"Demo Agent\", version=\"0.1.0\")", one("0.1.0")),
        ("src/demo_agent/web.py", "app = FastAPI(title=\"Other\", version=\"0.1.0\")", vec![]),
        (
            "src/mcp/client.ts",
            "{ name: \"demo-agent\", apiVersion: \"1.0.0\", min_version: \"1.0.0\" }",
            vec![],
        ),
        ("src/mcp/client.ts", "{ name: \"demo-agent\" }\n\n\n\n{ version: \"1.0.0\" }", vec![]),
        ("src/lib.rs", "const VERSION: &str = \"0.1.0\";", vec![]),
        ("README.md", "__version__ = \"0.1.0\"", vec![]),
        ("src/demo_agent/__init__.py", "", vec![]),
    ] {
        assert_eq!(found(path, text), expected, "{path}: {text:?}");
    }
}

#[test]
fn settings_repeat_the_version_in_known_sections() {
    for (path, text, expected) in [
        (
            "setup.py",
            "from setuptools import setup\nsetup(\n    name=\"demo-agent\",\n    version=\"0.1.0\",\n)",
            vec!["constant 0.1.0"],
        ),
        ("setup.py", "setup(version=VERSION)", vec![]),
        ("setup.cfg", "[metadata]\nversion = 0.1.0\n[options]\nversion = 9.9.9\n", vec!["constant 0.1.0"]),
        ("setup.cfg", "[metadata]\nversion = attr: demo_agent.__version__", vec![]),
        (
            "pyproject.toml",
            "[project]\nversion = \"0.2.0\"\n[tool.poetry]\nversion = \"0.1.0\"\n[tool.other]\n\
             version = \"9.9.9\"",
            vec!["constant 0.1.0"],
        ),
        (".bumpversion.cfg", "[bumpversion]\r\ncurrent_version = 0.1.0\r\n", vec!["constant 0.1.0"]),
        (
            "sonar-project.properties",
            "sonar.projectKey=x\nsonar.projectVersion=0.1.0",
            vec!["constant 0.1.0"],
        ),
    ] {
        assert_eq!(found(path, text), expected, "{path}: {text:?}");
    }
}

#[test]
fn labels_and_arguments_of_container_files_are_found() {
    for (text, expected) in [
        ("LABEL org.opencontainers.image.version=\"0.1.0\"", vec!["image label 0.1.0"]),
        ("LABEL \"org.opencontainers.image.version\"='0.1.0' other=9.9.9", vec!["image label 0.1.0"]),
        (
            "LABEL maintainer=x \\\n      # why\n      org.opencontainers.image.version=0.1.0",
            vec!["image label 0.1.0"],
        ),
        ("label version 0.1.0", vec!["image label 0.1.0"]),
        ("LABEL org.opencontainers.image.version=$VERSION", vec![]),
        ("LABEL org.opencontainers.image.base.name=python:3.11.4", vec![]),
        ("# LABEL org.opencontainers.image.version=0.1.0", vec![]),
        (
            "ARG VERSION=0.1.0\nARG BUN_VERSION=1.3.8\nENV DEMO_AGENT_VERSION=0.1.1 UV_VERSION=0.10.2",
            vec!["constant 0.1.0", "constant 0.1.1"],
        ),
        ("FROM scratch\nRUN pip install version=0.1.0", vec![]),
    ] {
        assert_eq!(found("docker/python.Dockerfile", text), expected, "{text:?}");
    }
}
