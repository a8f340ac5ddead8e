//! Each call against the rehearsal's forge, which has the status codes of both forges.

use super::*;
use crate::commands::rehearse::forge::server::{self, Asset, Dialect, Release, Repository, State};
use serde_json::json;
use std::sync::{Arc, Mutex};

const BOTH: [Dialect; 2] = [Dialect::Github, Dialect::Gitea];

struct World {
    forge: Forge,
    state: Arc<Mutex<State>>,
}

impl World {
    fn new(dialect: Dialect) -> World {
        World::with_token(dialect, "the-token")
    }

    fn with_token(dialect: Dialect, token: &str) -> World {
        let (address, state) = server::start("the-token", &["team/mono"]).unwrap();
        let kind = if dialect == Dialect::Github { ForgeKind::Github } else { ForgeKind::Gitea };
        let api = format!("http://{address}{}", dialect.api());
        let place = Place { kind, api, owner: "team".into(), name: "mono".into() };
        let http = Http::new().unwrap();
        World { forge: Forge { place, token: token.into(), token_name: "T", http }, state }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Repository) -> T) -> T {
        look(self.state.lock().unwrap().repositories.get_mut("team/mono").unwrap())
    }

    /// The next request that begins so gets this answer.
    fn fault(&self, request: &str, status: u16, headers: &str, body: &str) {
        let fault = (request.to_string(), status, headers.to_string(), body.to_string());
        self.state.lock().unwrap().faults.push(fault);
    }

    fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().writes)
    }

    fn draft(&self) -> Result<Page> {
        let (tag, commit, title) = ("a-v1.0.0", "c0ffee", "a v1.0.0");
        self.forge.draft_page(&NewPage { tag, commit, title, body: "notes", prerelease: false })
    }
}

#[test]
fn a_draft_is_created_once_gets_its_files_and_becomes_public() {
    for dialect in BOTH {
        let world = World::new(dialect);
        assert!(world.forge.page("a-v1.0.0").unwrap().is_none());
        let page = world.draft().unwrap();
        assert_eq!(world.draft().unwrap().id, page.id, "{dialect:?}");
        assert_eq!(world.with(|forge| forge.releases.len()), 1);
        assert!(world.forge.upload(&page, "a b.whl", b"bytes").unwrap());
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        assert!(page.draft && page.body() == "notes", "{dialect:?}");
        assert_eq!((page.assets.len(), page.assets[0].name.as_str()), (1, "a b.whl"));
        world.writes();
        assert!(!world.forge.upload(&page, "a b.whl", b"bytes").unwrap());
        assert_eq!(world.writes(), [""; 0], "{dialect:?}: nothing is uploaded twice");
        assert_eq!(world.forge.download(&page.assets[0]).unwrap(), b"bytes");
        let page = world.forge.edit_page(&page, &json!({ "draft": false })).unwrap();
        assert!(!page.draft && world.forge.page("a-v1.0.0").unwrap().is_some());
        assert!(world.draft().unwrap().id == page.id, "a public page is not created again");
    }
}

#[test]
fn files_that_broke_off_or_are_there_twice_are_replaced() {
    for dialect in BOTH {
        let world = World::new(dialect);
        world.draft().unwrap();
        let asset = |id, bytes: &[u8], starter| Asset { id, name: "a".into(), bytes: bytes.into(), starter };
        for (there, replaced) in [
            (vec![asset(91, b"", true)], true),
            (vec![asset(91, b"other length", false)], true),
            (vec![asset(91, b"bytes", false), asset(92, b"bytes", false)], false),
            (vec![asset(91, b"", false), asset(92, b"bytes", false)], false),
        ] {
            world.with(|forge| forge.releases[0].assets = there);
            let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
            // Gitea has no states: an upload that broke off has another size.
            assert_eq!(world.forge.upload(&page, "a", b"bytes").unwrap(), replaced, "{dialect:?}");
            let left = world.with(|forge| forge.releases[0].assets.clone());
            assert_eq!(left.iter().map(|a| a.bytes.as_slice()).collect::<Vec<_>>(), [b"bytes"]);
        }
        // The answer to the upload was lost, and the request is sent again.
        world.with(|forge| forge.releases[0].assets.clear());
        let page = world.forge.page("a-v1.0.0").unwrap().unwrap();
        if dialect == Dialect::Github {
            world.with(|forge| forge.releases[0].assets.push(asset(93, b"bytes", false)));
            assert!(world.forge.upload(&page, "a", b"bytes").unwrap(), "422 for a file that is there");
            world.with(|forge| forge.releases[0].assets[0].bytes = b"others".to_vec());
            let error = format!("{:#}", world.forge.upload(&page, "a", b"bytes").unwrap_err());
            assert!(error.contains("already_exists"), "{error}");
        }
    }
}

#[test]
fn leftover_drafts_are_found_beyond_the_first_page_and_only_equal_ones_are_deleted() {
    let world = World::new(Dialect::Github);
    let draft = |id, tag: &str, body: &str| Release {
        id,
        tag: tag.into(),
        body: body.into(),
        draft: true,
        ..Release::default()
    };
    world.with(|forge| {
        forge.releases = vec![draft(1, "a-v1.0.0", "notes\r\n"), draft(2, "a-v1.0.0", "notes")];
        forge.releases.push(draft(3, "a-v1.0.0", "edited by a person"));
        forge.releases.extend((10..260).map(|id| draft(id, &format!("b-v{id}.0.0"), "")));
    });
    assert_eq!(world.draft().unwrap().id, 1);
    let ids = world.with(|forge| forge.releases.iter().map(|r| r.id).take(3).collect::<Vec<_>>());
    assert_eq!(ids, [1, 3, 10]);
    assert_eq!(world.forge.pages().unwrap().len(), 252);
    // Gitea's pages hold 50 at most.
    let world = World::new(Dialect::Gitea);
    world.with(|forge| forge.releases.extend((0..120).map(|id| draft(id, &format!("b-v{id}.0.0"), ""))));
    assert_eq!(world.forge.pages().unwrap().len(), 120);
}

#[test]
fn without_the_right_to_write_drafts_are_hidden_and_the_error_says_what_is_missing() {
    for dialect in BOTH {
        let world = World::with_token(dialect, "reader");
        world.with(|forge| {
            let draft = Release { id: 1, tag: "a-v1.0.0".into(), draft: true, ..Release::default() };
            forge.releases.push(draft);
        });
        assert!(world.forge.page("a-v1.0.0").unwrap().is_none(), "{dialect:?}");
        let error = format!("{:#}", world.draft().unwrap_err());
        let expected = match dialect {
            Dialect::Github => "the token in T lacks a permission",
            Dialect::Gitea => "cannot see team/mono or may not change it",
        };
        assert!(error.contains(expected), "{error}");
        let world = World::with_token(dialect, "expired");
        let error = format!("{:#}", world.forge.page("a-v1.0.0").unwrap_err());
        assert!(error.contains("does not accept the token in T") && !error.contains("expired"), "{error}");
    }
}

#[test]
fn limits_of_the_rate_are_waited_for_if_they_are_short() {
    for (status, headers, body, waits) in [
        (403, "Retry-After: 0\r\n", "", true),
        (429, "Retry-After: 0\r\n", "", true),
        (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1\r\n", "", true),
        (405, "", "{\"message\": \"Please try again later\"}", true),
        (403, "Retry-After: 3600\r\n", "", false),
        (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 99999999999\r\n", "", false),
        (403, "", "{\"message\": \"You have exceeded a secondary rate limit\"}", false),
        (405, "", "{\"message\": \"not allowed\"}", false),
    ] {
        let world = World::new(Dialect::Gitea);
        world.fault("GET /releases", status, headers, body);
        let found = world.forge.pages();
        assert_eq!(found.is_ok(), waits, "{status} {headers} {body}: {found:?}");
        if let Err(error) = found {
            let limit = format!("{error:#}").contains("limits the rate of requests; run the same command");
            assert_eq!(limit, status == 403, "{error:#}");
        }
    }
}

#[test]
fn a_long_answer_of_the_forge_is_shortened() {
    let world = World::new(Dialect::Gitea);
    world.fault("GET /releases", 422, "", &"words ".repeat(1000));
    let error = format!("{:#}", world.forge.pages().unwrap_err());
    assert!(error.contains("words words") && error.len() < 700, "{error}");
}

#[test]
fn one_comment_is_written_and_updated() {
    for dialect in BOTH {
        let world = World::new(dialect);
        world.with(|forge| {
            let others = (100..160).map(|id| (7, id, "from a person <!-- m -->".to_string()));
            forge.comments.extend(others);
        });
        world.state.lock().unwrap().lost = Some("POST /issues".to_string());
        assert!(world.forge.comment(7, "<!-- m -->", "one").unwrap(), "{dialect:?}");
        assert!(!world.forge.comment(7, "<!-- m -->", "one").unwrap(), "{dialect:?}");
        assert!(world.forge.comment(7, "<!-- m -->", "two").unwrap(), "{dialect:?}");
        let (count, last) = world.with(|f| (f.comments.len(), f.comments.last().unwrap().2.clone()));
        assert_eq!((count, last.as_str()), (61, "<!-- m -->\ntwo"));
    }
}

#[test]
fn only_the_open_milestone_of_that_name_is_closed() {
    for dialect in BOTH {
        let world = World::new(dialect);
        world.with(|forge| {
            let one = |id, title: &str, state: &str| (id, title.to_string(), state.to_string());
            forge.milestones = vec![one(1, "a v1.0.0", "closed"), one(2, "b v1.0.0", "open")];
            forge.milestones.push(one(3, "a-v1.0.0", "open"));
        });
        let names = ["a v1.0.0".to_string(), "a-v1.0.0".to_string()];
        assert_eq!(world.forge.close_milestone(&names).unwrap().as_deref(), Some("a-v1.0.0"));
        assert_eq!(world.forge.close_milestone(&names).unwrap(), None);
        assert_eq!(world.with(|forge| forge.milestones[1].2.clone()), "open");
    }
}

#[test]
fn a_workflow_or_an_event_is_started_as_the_forge_has_it() {
    for dialect in BOTH {
        let world = World::new(dialect);
        let inputs = ["app", "version", "release"].map(str::to_string).to_vec();
        world.with(|forge| drop(forge.workflows.insert("run.yml".into(), inputs)));
        let notice = || Notice { app: "a", version: "1.0.0", release: json!({ "app": "a", "newest": true }) };
        let start = |file, branch| world.forge.start(file, branch, &notice());
        start(Some("run.yml"), "main").unwrap();
        let (file, inputs) = world.with(|forge| forge.dispatched.remove(0));
        assert_eq!((file.as_str(), &inputs["version"]), ("run.yml", &json!("1.0.0")));
        assert_eq!(inputs["release"], "{\"app\":\"a\",\"newest\":true}");
        for (file, branch) in [(Some("other.yml"), "main"), (Some("run.yml"), "gone")] {
            let error = format!("{:#}", start(file, branch).unwrap_err());
            assert!(error.contains(&format!("start {} on {branch} of team/mono", file.unwrap())), "{error}");
        }
        let event = start(None, "main");
        match dialect {
            Dialect::Github => {
                event.unwrap();
                let (name, payload) = world.with(|forge| forge.dispatched.remove(0));
                assert_eq!((name.as_str(), &payload["app"]), ("runtime-released", &json!("a")));
            }
            Dialect::Gitea => {
                let error = event.unwrap_err().to_string();
                assert!(error.contains("name a workflow"), "{error}");
            }
        }
    }
}
