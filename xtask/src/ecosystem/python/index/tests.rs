//! Pages of Python indexes, as JSON and as HTML, and what is read from them.

use super::*;
use crate::sys::testing;
use proptest::prelude::*;

const BASE: &str = "http://127.0.0.1:8080/simple/demo-agent/";

#[test]
fn json_pages_give_names_versions_hashes_and_yanks() {
    let page = r#"{"meta": {"api-version": "1.1"}, "name": "demo-agent", "versions": ["0.0.1"], "files": [
        {"filename": "demo_agent-0.0.1-py3-none-any.whl", "url": "https://files.example/a.whl", "hashes":
          {"sha256": "AB"}, "yanked": false},
        {"filename": "demo_agent-0.0.1rc1.tar.gz", "url": "../../files/b.tar.gz", "hashes": {},
          "yanked": "broken"},
        {"filename": "demo-agent-0.0.1.post1.zip", "url": "/c.zip", "yanked": true, "size": 3},
        {"filename": "other-1.0.tar.gz", "url": "c"}]}"#;
    let files = from_json(page, BASE, "Demo.Agent").unwrap();
    let seen: Vec<_> =
        files.iter().map(|f| (f.version.as_deref(), f.sha256.as_deref(), f.yanked, f.url.as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some("0.0.1"), Some("ab"), false, "https://files.example/a.whl"),
            (Some("0.0.1rc1"), None, true, "http://127.0.0.1:8080/files/b.tar.gz"),
            (Some("0.0.1.post1"), None, true, "http://127.0.0.1:8080/c.zip"),
            (None, None, false, "http://127.0.0.1:8080/simple/demo-agent/c"),
        ]
    );
    assert!(from_json("{}", BASE, "x").is_err());
    assert!(from_json("<html>", BASE, "x").is_err());
}

#[test]
fn html_pages_give_names_versions_hashes_and_yanks() {
    let page = r#"<!DOCTYPE html><html><head><title>Links</title><abbr></head><body>
        <a href="/packages/demo_agent-0.0.1-py3-none-any.whl#sha256=abc">
          demo_agent-0.0.1-py3-none-any.whl</a><br>
        <A data-requires-python="&gt;=3.11" HREF='x/demo_agent-0.0.2.tar.gz#md5=1&amp;sha256=DEF'
           data-yanked >demo_agent-0.0.2.tar.gz</A>
        <a data-requires-python=">=3.11" href=demo_agent-0.0.3.tar.gz data-yanked="a &quot;bad&quot; one">
          demo_agent-0.0.3.tar.gz </a>
        <a name="no-link">x</a><a href="unfinished"#;
    let files = from_html(page, BASE, "demo-agent");
    let seen: Vec<_> =
        files.iter().map(|f| (f.version.as_deref(), f.sha256.as_deref(), f.yanked, f.url.as_str())).collect();
    assert_eq!(
        seen,
        [
            (
                Some("0.0.1"),
                Some("abc"),
                false,
                "http://127.0.0.1:8080/packages/demo_agent-0.0.1-py3-none-any.whl"
            ),
            (
                Some("0.0.2"),
                Some("def"),
                true,
                "http://127.0.0.1:8080/simple/demo-agent/x/demo_agent-0.0.2.tar.gz"
            ),
            (Some("0.0.3"), None, true, "http://127.0.0.1:8080/simple/demo-agent/demo_agent-0.0.3.tar.gz"),
        ]
    );
}

#[test]
fn versions_are_read_from_names_of_this_package_only() {
    for (name, expected) in [
        ("demo_agent-0.0.1-py3-none-any.whl", Some("0.0.1")),
        ("demo_agent-0.0.1-1-cp311-cp311-linux_x86_64.whl", Some("0.0.1")),
        ("Demo.Agent-0.0.1.tar.gz", Some("0.0.1")),
        ("demo-agent-1.0.0rc1.tar.gz", Some("1.0.0rc1")),
        ("demo_agent_extra-0.0.1.tar.gz", None),
        ("demo_agent-0.0.1.exe", None),
        ("demo_agent.whl", None),
        ("", None),
    ] {
        assert_eq!(version(name, "demo-agent").as_deref(), expected, "{name}");
    }
}

#[test]
fn a_version_is_withdrawn_when_every_file_of_it_is_yanked() {
    let page = r#"{"meta": {"api-version": "1.1"}, "name": "demo-agent", "files": [
        {"filename": "demo_agent-0.1.0-py3-none-any.whl", "url": "a", "yanked": "broken"},
          {"filename": "demo_agent-0.1.0.tar.gz", "url": "b", "yanked": true},
        {"filename": "demo_agent-0.2.0-py3-none-any.whl", "url": "a", "yanked": true},
          {"filename": "demo_agent-0.2.0.tar.gz", "url": "b", "yanked": false},
        {"filename": "demo_agent-0.3.0.tar.gz", "url": "b"}, {"filename": "demo_agent-0.4.0rc1.tar.gz",
          "url": "b", "yanked": ""},
        {"filename": "demo_agent-0.1.0.post1.tar.gz", "url": "b"},
          {"filename": "demo_agent-0.5.0.post1.tar.gz", "url": "b", "yanked": true},
        {"filename": "demo_agent-nonsense.tar.gz", "url": "b", "yanked": true}]}"#;
    let out = out(from_json(page, "http://x/simple/demo-agent/", "demo-agent").unwrap()).unwrap();
    let listed: Vec<String> =
        out.iter().map(|o| format!("{}{}", o.version, if o.withdrawn { " withdrawn" } else { "" })).collect();
    assert_eq!(listed, ["0.1.0 withdrawn", "0.2.0", "0.3.0", "0.4.0-rc.1 withdrawn", "0.5.0"]);
}

#[test]
fn what_is_no_page_of_an_index_is_an_error() {
    let json = "application/vnd.pypi.simple.v1+json; charset=utf-8";
    let page = r#"{"meta": {"api-version": "1.0"}, "name": "demo-agent", "files": []}"#;
    let listed = "<!DOCTYPE html><html><body><a \
                  href=\"demo_agent-0.0.1.tar.gz\">demo_agent-0.0.1.tar.gz</a></body></html>";
    for (content_type, text, expected) in [
        (json, page, Ok(0)),
        ("text/html", listed, Ok(1)),
        ("text/html", "<html><head><title>Links for demo-agent</title></head><body></body></html>", Ok(0)),
        ("text/html", "<html><meta name=\"pypi:repository-version\" content=\"1.0\"></html>", Ok(0)),
        (
            "text/html",
            "<html><body>Down for maintenance. <a href=\"/\">Home</a></body></html>",
            Err("without a mark"),
        ),
        ("text/html", "", Err("without a mark")),
        ("text/html", &listed[..listed.len() - 7], Err("before </html>")),
        (json, &page[..page.len() - 3], Err("PEP 691")),
        (json, "{}", Err("PEP 691")),
        (json, "", Err("PEP 691")),
        (json, r#"{"meta": {"api-version": "2.0"}, "name": "demo-agent", "files": []}"#, Err("PEP 691")),
        (json, r#"{"meta": {"api-version": "1.0"}, "name": "other", "files": []}"#, Err("PEP 691")),
        ("text/plain", listed, Err("content type is \"text/plain\"")),
        ("", page, Err("content type is \"\"")),
    ] {
        match (read(content_type, text, BASE, "Demo.Agent"), expected) {
            (Ok(files), Ok(count)) => assert_eq!(files.len(), count, "{text}"),
            (Err(error), Err(words)) => assert!(format!("{error:#}").contains(words), "{error:#}"),
            (found, expected) => panic!("{content_type} {text}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn a_version_that_cannot_be_compared_is_an_error() {
    let file = |version: &str| IndexFile {
        name: format!("demo_agent-{version}.tar.gz"),
        version: Some(version.to_string()),
        sha256: None,
        yanked: false,
        url: String::new(),
    };
    assert_eq!(out(vec![file("0.0.1"), file("2004d")]).unwrap().len(), 1);
    assert!(out(vec![file("99999999999999999999.0.0")]).is_err());
    assert_eq!(out(vec![file("0.0.18446744073709551615")]).unwrap().len(), 1);
}

const PAGE: &[&str] = &[
    "<a ",
    "<A\n",
    "</a>",
    "<html>",
    "</html>",
    "<",
    ">",
    "href=",
    "\"",
    "'",
    "=",
    " ",
    "\n",
    "demo_agent-0.0.1.tar.gz",
    "#sha256=",
    "data-yanked",
    "&amp;",
    "&",
    "../../",
    "https://e.org/",
    "Links for ",
    "é",
    "{",
    "}",
    "\"meta\"",
    "\"files\"",
    "[",
    "]",
    ":",
    ",",
];

proptest! {
    #![proptest_config(testing::config())]

    #[test]
    fn property_every_page_is_read_or_refused(page in testing::text(PAGE), base in testing::text(PAGE)) {
        for kind in ["text/html", "application/vnd.pypi.simple.v1+json", &page] {
            if let Ok(files) = read(kind, &page, &base, "demo-agent") {
                let _ = out(files);
            }
        }
    }

    #[test]
    fn property_a_written_page_is_read_back(
        names in prop::collection::vec("[a-z<>&\"']{1,8}", 0..5),
        yanked in any::<bool>(),
    ) {
        let escape = |t: &str| {
            let text = t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            text.replace('"', "&quot;").replace('\'', "&#39;")
        };
        let sha = "a".repeat(64);
        let mark = if yanked { "data-yanked=\"a > b\" " } else { "" };
        let line = |name: &String| {
            let name = escape(name);
            format!("<a {mark}href=\"../{name}#sha256={sha}\">{name}</a>\n")
        };
        let page = format!("<html>Links for x\n{}</html>", names.iter().map(line).collect::<String>());
        let files = read("text/html", &page, "https://e.org/simple/x/", "x").unwrap();
        let found: Vec<&String> = files.iter().map(|f| &f.name).collect();
        prop_assert_eq!(found, names.iter().collect::<Vec<_>>());
        prop_assert!(files.iter().all(|f| f.sha256.as_ref() == Some(&sha) && f.yanked == yanked));
    }
}
