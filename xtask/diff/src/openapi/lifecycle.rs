//! Deprecation and sunset: what was announced, until when it works, and whether the announcement was kept.
//! The date is in `x-sunset`, as in oasdiff, named after the header of RFC 8594.

use super::document::At;
use super::engine::Engine;
use super::rules::*;
use serde_json::Value;

/// When something deprecated may be removed.
#[derive(Debug, PartialEq)]
pub(super) enum Sunset {
    None,
    /// `2026-11-21`
    On(String),
    Unreadable(String),
}

impl Sunset {
    pub(super) fn of(value: &Value) -> Sunset {
        match value.get("x-sunset") {
            None | Some(Value::Null) => Sunset::None,
            Some(Value::String(text)) => match text.get(..10).filter(|d| is_day(d)) {
                Some(date) if text.len() == 10 || text[10..].starts_with(['T', 't', ' ']) => {
                    Sunset::On(date.to_string())
                }
                _ => Sunset::Unreadable(text.clone()),
            },
            Some(other) => Sunset::Unreadable(other.to_string()),
        }
    }
    fn text(&self) -> &str {
        match self {
            Sunset::On(date) | Sunset::Unreadable(date) => date,
            Sunset::None => "",
        }
    }
}

pub(super) fn deprecated(value: &Value) -> bool {
    value.get("deprecated").is_some_and(|v| v == true)
}

/// The rules for a removal: without deprecation, after it, before the sunset, or with an unreadable date.
pub(super) fn removal(value: &Value, today: &str, rules: [&'static Rule; 4]) -> (&'static Rule, String) {
    let [plain, announced, early, unreadable] = rules;
    if !deprecated(value) {
        return (plain, String::new());
    }
    let sunset = Sunset::of(value);
    let rule = match &sunset {
        Sunset::On(date) if date.as_str() > today => early,
        Sunset::Unreadable(_) => unreadable,
        _ => announced,
    };
    (rule, sunset.text().to_string())
}

pub(super) struct Rules {
    deprecated: &'static Rule,
    with_sunset: &'static Rule,
    reactivated: &'static Rule,
    unreadable: Option<&'static Rule>,
    deleted: &'static Rule,
    earlier: &'static Rule,
}

pub(super) const OPERATION: Rules = Rules {
    deprecated: &DEPRECATED,
    with_sunset: &DEPRECATED_SUNSET,
    reactivated: &REACTIVATED,
    unreadable: Some(&SUNSET_UNREADABLE),
    deleted: &SUNSET_DELETED,
    earlier: &SUNSET_EARLIER,
};

pub(super) const PARAMETER: Rules = Rules {
    deprecated: &PARAMETER_DEPRECATED,
    with_sunset: &PARAMETER_DEPRECATED,
    reactivated: &PARAMETER_REACTIVATED,
    unreadable: None,
    deleted: &PARAMETER_SUNSET_DELETED,
    earlier: &PARAMETER_SUNSET_EARLIER,
};

pub(super) fn compare<'v>(
    engine: &mut Engine<'v>,
    what: &str,
    old: (&'v Value, &At<'v>),
    new: (&'v Value, &At<'v>),
    rules: &Rules,
) {
    let (before, now) = (Sunset::of(old.0), Sunset::of(new.0));
    let places = (old.1, new.1);
    match (deprecated(old.0), deprecated(new.0)) {
        (false, true) => {
            let rule = if now == Sunset::None { rules.deprecated } else { rules.with_sunset };
            match (&now, rules.unreadable) {
                (Sunset::Unreadable(_), Some(unreadable)) => {
                    engine.rule(unreadable, what, places, &"", &now.text())
                }
                _ => engine.rule(rule, what, places, &"", &now.text()),
            }
        }
        (true, false) => engine.rule(rules.reactivated, what, places, &"", &""),
        (true, true) => match (&before, &now) {
            (Sunset::On(_), Sunset::None) => engine.rule(rules.deleted, what, places, &before.text(), &""),
            (Sunset::On(old), Sunset::On(new)) if new < old => {
                engine.rule(rules.earlier, what, places, old, new)
            }
            (Sunset::On(_) | Sunset::None, Sunset::Unreadable(_)) => {
                engine.rule(
                    rules.unreadable.unwrap_or(rules.deleted),
                    what,
                    places,
                    &before.text(),
                    &now.text(),
                );
            }
            _ => {}
        },
        (false, false) => {}
    }
}

/// Whether the text is a valid date of the form `2026-11-21`.
fn is_day(text: &str) -> bool {
    text.len() == 10 && humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_day_is_one_that_the_calendar_has() {
        for (text, is) in [
            ("2026-11-21", true),
            ("2024-02-29", true),
            ("2999-12-31", true),
            ("2023-02-29", false),
            ("2026-13-01", false),
            ("2026-00-10", false),
            ("2026-4-31", false),
            ("2026-11-21T", false),
            ("20261121", false),
            ("२०२६-११", false),
            ("", false),
        ] {
            assert_eq!(is_day(text), is, "{text:?}");
        }
    }

    #[test]
    fn a_sunset_is_a_day_or_a_moment() {
        let on = |day: &str| Sunset::On(day.into());
        let unreadable = |text: &str| Sunset::Unreadable(text.into());
        for (value, expected) in [
            (json!({}), Sunset::None),
            (json!({ "x-sunset": null }), Sunset::None),
            (json!({ "x-sunset": "2026-11-21" }), on("2026-11-21")),
            (json!({ "x-sunset": "2026-11-21T10:00:00Z" }), on("2026-11-21")),
            (json!({ "x-sunset": "2026-11-21 10:00" }), on("2026-11-21")),
            (json!({ "x-sunset": "2026-11-210" }), unreadable("2026-11-210")),
            (json!({ "x-sunset": "soon" }), unreadable("soon")),
            (json!({ "x-sunset": 2026 }), unreadable("2026")),
        ] {
            assert_eq!(Sunset::of(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_deprecated_may_go_on_its_last_day() {
        let rules = [&PATH_REMOVED, &PATH_REMOVED_DEPRECATED, &PATH_REMOVED_EARLY, &PATH_SUNSET_UNREADABLE];
        for (value, expected, said) in [
            (json!({ "x-sunset": "2026-01-01" }), 0, ""),
            (json!({ "deprecated": true }), 1, ""),
            (json!({ "deprecated": true, "x-sunset": "2026-11-20" }), 1, "2026-11-20"),
            (json!({ "deprecated": true, "x-sunset": "2026-11-21" }), 1, "2026-11-21"),
            (json!({ "deprecated": true, "x-sunset": "2026-11-22" }), 2, "2026-11-22"),
            (json!({ "deprecated": true, "x-sunset": "soon" }), 3, "soon"),
        ] {
            let (rule, date) = removal(&value, "2026-11-21", rules);
            assert_eq!((rule.id, date.as_str()), (rules[expected].id, said), "{value}");
        }
    }
}
