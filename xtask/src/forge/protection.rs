//! The protection of branches and tags.

use super::{Forge, read};
use crate::model::workspace::ForgeKind;
use crate::sys::url::escape;
use anyhow::Result;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    No,
    /// The token may not see it.
    Unknown,
    Yes {
        /// The required checks, as they are written there.
        required: Vec<String>,
    },
}

/// A rule that lets only some create tags that match the pattern.
#[derive(Debug)]
pub(crate) struct TagRule {
    pub pattern: String,
    /// Who may create them, in words.
    pub allowed: Vec<String>,
}

impl Forge {
    pub(crate) fn protection(&self, branch: &str) -> Result<Protection> {
        match self.place.kind {
            ForgeKind::Github => self.on_github(branch),
            ForgeKind::Gitea => {
                let answer = self.send("GET", "/branch_protections", None)?;
                match answer.status {
                    200 => {}
                    403 | 404 => return Ok(Protection::Unknown),
                    _ => return Err(self.refused(answer, "read the protection of branches")),
                }
                let rules: Vec<Value> = read(answer)?;
                let of = |rule: &&Value| matches(rule["rule_name"].as_str().unwrap_or_default(), branch);
                Ok(rules.iter().find(of).map_or(Protection::No, |rule| Protection::Yes {
                    required: match rule["enable_status_check"].as_bool() {
                        Some(true) => texts(&rule["status_check_contexts"]),
                        _ => Vec::new(),
                    },
                }))
            }
        }
    }

    /// GitHub has protections, which only an administrator sees, and rules, which everybody sees.
    fn on_github(&self, branch: &str) -> Result<Protection> {
        let branch = escape(branch);
        let mut required = Vec::new();
        let answer = self.send("GET", &format!("/branches/{branch}/protection"), None)?;
        let mut found = match answer.status {
            200 => {
                let rule: Value = read(answer)?;
                required.extend(texts(&rule["required_status_checks"]["contexts"]));
                Protection::Yes { required: Vec::new() }
            }
            404 => Protection::No,
            401 | 403 => Protection::Unknown,
            _ => return Err(self.refused(answer, "read the protection of the branch")),
        };
        let rules: Option<Vec<Value>> =
            self.find_one(&format!("/rules/branches/{branch}"), "read the rules of the branch")?;
        for rule in rules.unwrap_or_default() {
            let checks = rule["parameters"]["required_status_checks"].as_array();
            let names = checks.into_iter().flatten().filter_map(|check| check["context"].as_str());
            required.extend(names.map(str::to_string));
            found = Protection::Yes { required: Vec::new() };
        }
        if let Protection::Yes { required: all } = &mut found {
            *all = required;
        }
        Ok(found)
    }

    /// The rules for creating tags. Empty if the token may not see them.
    pub(crate) fn tag_rules(&self) -> Result<Vec<TagRule>> {
        match self.place.kind {
            ForgeKind::Gitea => {
                let answer = self.send("GET", "/tag_protections", None)?;
                if answer.status != 200 {
                    return Ok(Vec::new());
                }
                let rules: Vec<Value> = read(answer)?;
                let rule = |rule: &Value| TagRule {
                    pattern: rule["name_pattern"].as_str().unwrap_or_default().to_string(),
                    allowed: [texts(&rule["whitelist_usernames"]), texts(&rule["whitelist_teams"])].concat(),
                };
                Ok(rules.iter().map(rule).collect())
            }
            ForgeKind::Github => self.tag_rulesets(),
        }
    }

    fn tag_rulesets(&self) -> Result<Vec<TagRule>> {
        let all: Option<Vec<Value>> = self.find_one("/rulesets?targets=tag", "read the rules of tags")?;
        let active = |rule: &&Value| rule["target"] == "tag" && rule["enforcement"] == "active";
        let mut rules = Vec::new();
        for id in all.iter().flatten().filter(active).filter_map(|rule| rule["id"].as_u64()) {
            let rule: Option<Value> = self.find_one(&format!("/rulesets/{id}"), "read a rule of tags")?;
            let Some(rule) = rule else { continue };
            let creation =
                rule["rules"].as_array().into_iter().flatten().any(|one| one["type"] == "creation");
            let bypass = rule["bypass_actors"].as_array().into_iter().flatten();
            let allowed: Vec<String> =
                bypass.filter_map(|actor| actor["actor_type"].as_str().map(str::to_string)).collect();
            for name in texts(&rule["conditions"]["ref_name"]["include"]).iter().filter(|_| creation) {
                let pattern = match name.as_str() {
                    "~ALL" => "*",
                    name => name.strip_prefix("refs/tags/").unwrap_or(name),
                };
                rules.push(TagRule { pattern: pattern.to_string(), allowed: allowed.clone() });
            }
        }
        Ok(rules)
    }

    /// The day on which the token ends, as `2026-11-21`. GitHub says so of personal tokens.
    pub(crate) fn token_ends(&self) -> Result<Option<String>> {
        let answer = self.send("GET", "", None)?;
        Ok(answer
            .header("github-authentication-token-expiration")
            .and_then(|text| text.get(..10))
            .map(str::to_string))
    }
}

/// Does the rule's pattern hold for this name? Gitea also takes `/regular expressions/`, which are not read.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || crate::model::workflow::matches(pattern, name)
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_string)).collect()
}
