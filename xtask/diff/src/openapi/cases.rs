//! Cases with the verdict of oasdiff's published rules and ours: the tests assert ours, the benchmark counts
//! how many agree. Each disagreement is intended and has a reason. `in` says where in a small document the
//! fragments are inserted.

use super::diff;
use crate::finding::Level;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

const FILES: [(&str, &str); 12] = [
    ("schemas", include_str!("cases/schemas.json")),
    ("objects", include_str!("cases/objects.json")),
    ("meanings", include_str!("cases/meanings.json")),
    ("references", include_str!("cases/references.json")),
    ("parameters", include_str!("cases/parameters.json")),
    ("operations", include_str!("cases/operations.json")),
    ("bodies", include_str!("cases/bodies.json")),
    ("limits", include_str!("cases/limits.json")),
    // The direction of a rule that its other cases leave out.
    ("directions", include_str!("cases/directions.json")),
    ("security", include_str!("cases/security.json")),
    // Pairs whose verdicts were written down before the comparison saw them, and what they led to.
    ("tries", include_str!("cases/tries.json")),
    // Whole documents, made small, with the kinds of changes that public APIs make.
    ("corpus", include_str!("cases/corpus.json")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub what: String,
    #[serde(rename = "in")]
    place: String,
    pub old: Value,
    pub new: Value,
    /// Ids and levels that oasdiff's rules give. None if they do not say.
    pub oasdiff: Option<Vec<(String, String)>>,
    /// Our verdict, if it differs.
    pub ours: Option<Vec<(String, String)>>,
    pub why: Option<String>,
}

pub fn all() -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for (name, text) in FILES {
        all.extend(serde_json::from_str::<Vec<Case>>(text).with_context(|| format!("cases/{name}.json"))?);
    }
    Ok(all)
}

impl Case {
    /// The comparison's result: ids and levels, sorted.
    pub fn verdict(&self) -> Vec<(String, String)> {
        let changes = diff(&self.document(&self.old), &self.document(&self.new), "2026-11-21");
        sorted(changes.into_iter().map(|c| (c.id, word(c.level).to_string())).collect())
    }
    /// The verdict that we intend.
    pub fn expected(&self) -> Vec<(String, String)> {
        sorted(self.ours.as_ref().or(self.oasdiff.as_ref()).cloned().unwrap_or_default())
    }
    /// Whether the verdict is oasdiff's. None if oasdiff's rules do not say.
    pub fn agrees(&self) -> Option<bool> {
        self.oasdiff.as_ref().map(|theirs| self.verdict() == sorted(theirs.clone()))
    }
    /// Whether the comparison gives the intended verdict.
    pub fn is_right(&self) -> bool {
        self.verdict() == self.expected()
    }

    pub fn document(&self, fragment: &Value) -> Value {
        let schema = |schema: &Value| json!({ "content": { "application/json": { "schema": schema } } });
        let property = |schema: &Value| json!({ "type": "object", "properties": { "p": schema } });
        let operation = match self.place.as_str() {
            "document" => return over(json!({ "openapi": "3.1.0", "info": {}, "paths": {} }), fragment),
            "operation" => fragment.clone(),
            "request" => json!({ "requestBody": schema(fragment) }),
            "request-property" => json!({ "requestBody": schema(&property(fragment)) }),
            "response" => json!({ "responses": { "200": schema(fragment) } }),
            "response-property" => json!({ "responses": { "200": schema(&property(fragment)) } }),
            "query" => json!({ "parameters": [{ "name": "q", "in": "query", "schema": fragment }] }),
            _ => {
                let query = json!({ "name": "q", "in": "query", "schema": { "type": "string" } });
                json!({ "parameters": [over(query, fragment)] })
            }
        };
        let operation = over(json!({ "responses": { "200": { "description": "" } } }), &operation);
        json!({ "openapi": "3.1.0", "info": {}, "paths": { "/x": { "post": operation } } })
    }
}

/// The object, overwritten by another's keys.
fn over(mut object: Value, other: &Value) -> Value {
    for (key, value) in other.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

fn sorted(mut verdict: Vec<(String, String)>) -> Vec<(String, String)> {
    verdict.sort();
    verdict
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Breaking => "breaking",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
    }
}
