//! The result of a gate, check or audit, and its JSON form: one type for all commands.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Information only.
    Info,
    Warning,
    /// Stops a release or a pull request.
    Error,
    /// Breaks users of a release: stops too, and demands a major version.
    Breaking,
}

/// One problem or note, with the way to fix it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, kebab-case: `pending-too-low`.
    pub id: &'static str,
    pub level: Level,
    pub app: Option<String>,
    /// `file:line`, a JSON pointer, a ref or a URL.
    pub place: Option<String>,
    pub message: String,
    /// The next command to type, or the change to make.
    pub help: Option<String>,
}

impl Finding {
    pub fn new(id: &'static str, level: Level, message: impl Into<String>) -> Finding {
        Finding { id, level, app: None, place: None, message: message.into(), help: None }
    }
    pub fn app(mut self, app: &str) -> Finding {
        self.app = Some(app.to_string());
        self
    }
    pub fn place(mut self, place: impl Into<String>) -> Finding {
        self.place = Some(place.into());
        self
    }
    pub fn help(mut self, help: impl Into<String>) -> Finding {
        self.help = Some(help.into());
        self
    }
    /// Whether it stops a release or a pull request.
    pub fn stops(&self) -> bool {
        self.level >= Level::Error
    }
}

/// `{"schema": 1, "findings": […]}`, the same for every command.
pub fn to_json(findings: &[Finding]) -> serde_json::Value {
    serde_json::json!({ "schema": 1, "findings": findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_breaks_stop() {
        let stopping = [Level::Info, Level::Warning, Level::Error, Level::Breaking]
            .map(|level| Finding::new("id", level, "").stops());
        assert_eq!(stopping, [false, false, true, true]);
    }

    #[test]
    fn a_finding_has_one_form_in_json() {
        let finding = Finding::new("some-id", Level::Breaking, "it broke").app("python").place("a.py:1");
        let json = to_json(&[finding.help("fix it")]);
        let expected = serde_json::json!({ "schema": 1, "findings": [{ "id": "some-id", "level": "breaking",
            "app": "python", "place": "a.py:1", "message": "it broke", "help": "fix it" }] });
        assert_eq!(json, expected);
    }
}
