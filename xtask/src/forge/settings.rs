//! The settings of the repository that `setup --forge` makes: merges, labels, protected branches, and on
//! GitHub environments.

use super::{Forge, Protection};
use crate::model::workspace::ForgeKind;
use crate::sys::url::escape;
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Policies {
    branch_policies: Vec<Named>,
}

impl Forge {
    pub(crate) fn settings(&self) -> Result<Value> {
        self.get("", "read the repository")
    }

    pub(crate) fn change_settings(&self, change: &Value) -> Result<()> {
        self.success("PATCH", "", change, "change the repository's settings").map(drop)
    }

    pub(crate) fn labels(&self) -> Result<Vec<String>> {
        let all: Vec<Named> = self.list("/labels", "list the labels")?;
        Ok(all.into_iter().map(|label| label.name).collect())
    }

    pub(crate) fn create_label(&self, name: &str, colour: &str) -> Result<()> {
        let body = json!({ "name": name, "color": colour });
        self.create("/labels", &body, "create the label", || Ok(self.labels()?.iter().any(|one| one == name)))
    }

    /// Lets only pull requests with these checks change the branch. What else an existing protection says
    /// stays.
    pub(crate) fn protect(&self, branch: &str, checks: &[String], now: &Protection) -> Result<()> {
        let there = matches!(now, Protection::Yes { .. });
        let what = "protect the branch";
        let name = escape(branch);
        match self.place.kind {
            ForgeKind::Github if there => {
                let path = format!("/branches/{name}/protection/required_status_checks");
                self.success("PATCH", &path, &json!({ "contexts": checks }), what)?;
            }
            ForgeKind::Github => {
                let body = json!({
                    "required_status_checks": { "strict": false, "contexts": checks },
                    "enforce_admins": false,
                    "required_pull_request_reviews": { "required_approving_review_count": 0 },
                    "restrictions": null,
                });
                self.success("PUT", &format!("/branches/{name}/protection"), &body, what)?;
            }
            ForgeKind::Gitea if there => {
                let body = json!({ "enable_status_check": true, "status_check_contexts": checks });
                self.success("PATCH", &format!("/branch_protections/{name}"), &body, what)?;
            }
            ForgeKind::Gitea => {
                let body = json!({
                    "rule_name": branch,
                    "enable_push": false,
                    "enable_status_check": true,
                    "status_check_contexts": checks,
                });
                self.success("POST", "/branch_protections", &body, what)?;
            }
        }
        Ok(())
    }

    /// The branches that may use the environment. None without that environment.
    pub(crate) fn environment(&self, name: &str) -> Result<Option<Vec<String>>> {
        let path = format!("/environments/{}", escape(name));
        if self.find_one::<Value>(&path, "read the environment")?.is_none() {
            return Ok(None);
        }
        let path = format!("{path}/deployment-branch-policies");
        let all: Option<Policies> = self.find_one(&path, "read the environment's branches")?;
        let all = all.map(|all| all.branch_policies).unwrap_or_default();
        Ok(Some(all.into_iter().map(|branch| branch.name).collect()))
    }

    pub(crate) fn create_environment(&self, name: &str) -> Result<()> {
        let policy = json!({ "protected_branches": false, "custom_branch_policies": true });
        let body = json!({ "deployment_branch_policy": policy });
        let path = format!("/environments/{}", escape(name));
        self.success("PUT", &path, &body, "create the environment").map(drop)
    }

    pub(crate) fn add_to_environment(&self, name: &str, branch: &str) -> Result<()> {
        let path = format!("/environments/{}/deployment-branch-policies", escape(name));
        self.success("POST", &path, &json!({ "name": branch }), "limit the environment").map(drop)
    }

    /// The address of the repository's pages: `https://github.com/team/mono`.
    pub(crate) fn web(&self) -> String {
        let api = &self.place.api;
        let base = match api.as_str() {
            "https://api.github.com" => "https://github.com",
            api => api.trim_end_matches("/api/v3").trim_end_matches("/api/v1"),
        };
        format!("{base}/{}/{}", self.place.owner, self.place.name)
    }

    pub(crate) fn owner(&self) -> &str {
        &self.place.owner
    }

    pub(crate) fn name(&self) -> &str {
        &self.place.name
    }
}
