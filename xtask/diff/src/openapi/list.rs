//! The list of all rules, for people and for settings that change levels.

use super::context::{Context, Direction, Kind};
use super::engine::{Change, kebab};
use super::read::WHOLE;
use super::rules::*;
use crate::finding::Level;
use std::collections::{BTreeMap, HashSet};

/// One rule: an id that findings have, and the level that they have without settings.
pub struct Listed {
    pub id: String,
    pub level: Level,
    /// `{what}` is the subject, `{old}` and `{new}` are the values.
    pub says: &'static str,
}

/// Shapes that do not occur in a direction: another shape says it there.
const NEVER: [(Direction, &str); 6] = [
    (Direction::Request, TYPE_SPECIALIZED.id),
    (Direction::Response, BECAME_REQUIRED_DEFAULT.id),
    (Direction::Response, MULTIPLE_GENERALIZED.id),
    (Direction::Request, MULTIPLE_SPECIALIZED.id),
    (Direction::Response, ONE_OF_OVERLAPS.id),
    (Direction::Request, ONE_OF_OVERLAPPED.id),
];

/// Every id that a finding may have, sorted.
pub fn every_rule() -> Vec<Listed> {
    let mut all: Vec<Listed> =
        RULES.iter().map(|rule| Listed { id: rule.id.into(), level: rule.level, says: rule.says }).collect();
    let places = [
        (Direction::Request, Kind::Body),
        (Direction::Request, Kind::Property),
        (Direction::Request, Kind::Parameter),
        (Direction::Request, Kind::ParameterProperty),
        (Direction::Response, Kind::Body),
        (Direction::Response, Kind::Property),
        (Direction::Response, Kind::Header),
        (Direction::Response, Kind::HeaderProperty),
    ];
    for (direction, kind) in places {
        let prefix = Context::new(direction, kind, String::new()).prefix();
        for shape in SHAPES.iter().filter(|shape| !NEVER.contains(&(direction, shape.id))) {
            let level = if direction == Direction::Request { shape.request } else { shape.response };
            let keywords = if shape.id.contains('{') { &WHOLE[..] } else { &[""] };
            all.extend(keywords.iter().map(|keyword| {
                let id = format!("{prefix}-{}", shape.id.replace("{keyword}", &kebab(keyword)));
                Listed { id, level, says: shape.says }
            }));
        }
    }
    for direction in [Direction::Request, Direction::Response] {
        for (required, now, word) in access_changes() {
            let level = access_level(direction, required, now, word);
            let says = access_says(direction, now, word);
            all.push(Listed { id: access_id(direction, required, now, word), level, says });
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    // Several messages may have one id.
    let mut seen = HashSet::new();
    all.retain(|rule| seen.insert(rule.id.clone()));
    all
}

/// The changes with the levels that settings give them, the most severe first.
pub fn with_levels(mut changes: Vec<Change>, levels: &BTreeMap<String, Level>) -> Vec<Change> {
    for change in &mut changes {
        change.level = levels.get(&change.id).copied().unwrap_or(change.level);
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.level));
    changes
}

fn access_changes() -> impl Iterator<Item = (bool, bool, &'static str)> {
    let flags = [true, false];
    flags.into_iter().flat_map(move |required| {
        flags.into_iter().flat_map(move |now| ["read-only", "write-only"].map(|word| (required, now, word)))
    })
}

pub(super) const RULES: &[&Rule] = &[
    &ENDPOINT_ADDED,
    &PATH_REMOVED,
    &PATH_REMOVED_DEPRECATED,
    &PATH_REMOVED_EARLY,
    &PATH_SUNSET_UNREADABLE,
    &OPERATION_REMOVED,
    &OPERATION_REMOVED_DEPRECATED,
    &OPERATION_REMOVED_EARLY,
    &DEPRECATED,
    &DEPRECATED_SUNSET,
    &REACTIVATED,
    &SUNSET_UNREADABLE,
    &SUNSET_DELETED,
    &SUNSET_EARLIER,
    &OPERATION_ID_REMOVED,
    &OPERATION_ID_ADDED,
    &SERVER_REMOVED,
    &SERVER_ADDED,
    &WEBHOOK_ADDED,
    &WEBHOOK_REMOVED,
    &SECURITY_REQUIRED,
    &SECURITY_OPTIONAL,
    &SECURITY_REMOVED,
    &SECURITY_ADDED,
    &SCOPE_ADDED,
    &SCOPE_REMOVED,
    &SCHEME_CHANGED,
    &OAUTH_URL,
    &OAUTH_TOKEN_URL,
    &PARAMETER_REQUIRED_NEW,
    &PARAMETER_OPTIONAL_NEW,
    &PARAMETER_REMOVED,
    &PARAMETER_REMOVED_DEPRECATED,
    &PARAMETER_REMOVED_EARLY,
    &PARAMETER_SUNSET_UNREADABLE,
    &PARAMETER_MOVED,
    &PARAMETER_BECAME_REQUIRED,
    &PARAMETER_BECAME_OPTIONAL,
    &PARAMETER_DEPRECATED,
    &PARAMETER_REACTIVATED,
    &PARAMETER_SUNSET_DELETED,
    &PARAMETER_SUNSET_EARLIER,
    &PARAMETER_STYLE,
    &PARAMETER_EXPLODE,
    &PARAMETER_RESERVED,
    &PARAMETER_RESERVED_ALLOWED,
    &PARAMETER_EMPTY,
    &PARAMETER_MEDIA,
    &PARAMETER_NOT_IN_PATH,
    &ENCODING_CHANGED,
    &ENCODING_EXTENDED,
    &BODY_REQUIRED_NEW,
    &BODY_OPTIONAL_NEW,
    &BODY_REMOVED,
    &BODY_BECAME_REQUIRED,
    &BODY_BECAME_OPTIONAL,
    &BODY_MEDIA_ADDED,
    &BODY_MEDIA_REMOVED,
    &SUCCESS_ADDED,
    &SUCCESS_REMOVED,
    &FAILURE_ADDED,
    &FAILURE_REMOVED,
    &MEDIA_ADDED,
    &MEDIA_REMOVED,
    &MEDIA_GENERALIZED,
    &MEDIA_SPECIALIZED,
    &HEADER_ADDED,
    &HEADER_REMOVED,
    &HEADER_OPTIONAL_REMOVED,
    &HEADER_BECAME_OPTIONAL,
    &REQUEST_PROPERTY_REQUIRED_NEW,
    &REQUEST_PROPERTY_DEFAULT_NEW,
    &REQUEST_PROPERTY_OPTIONAL_NEW,
    &REQUEST_PROPERTY_REMOVED,
    &REQUEST_PROPERTY_REFUSED,
    &RESPONSE_PROPERTY_REQUIRED_NEW,
    &RESPONSE_PROPERTY_OPTIONAL_NEW,
    &RESPONSE_PROPERTY_REMOVED,
    &RESPONSE_PROPERTY_OPTIONAL_REMOVED,
    &REQUEST_PROPERTY_SENT,
    &RESPONSE_PROPERTY_SHOWN,
    &CALLBACK_ADDED,
    &CALLBACK_REMOVED,
    &SENT_PARAMETER_ADDED,
    &SENT_PARAMETER_REMOVED,
    &SENT_PARAMETER_OPTIONAL_REMOVED,
    &SENT_PARAMETER_BECAME_OPTIONAL,
    &SENT_PARAMETER_BECAME_REQUIRED,
    &NOT_COMPARED,
    &LOST_NEW,
    &LOST_OLD,
    &TOO_MUCH,
];

pub(super) const SHAPES: &[&Shape] = &[
    &TYPE_CHANGED,
    &TYPE_GENERALIZED,
    &TYPE_SPECIALIZED,
    &TYPES_WIDENED,
    &TYPES_NARROWED,
    &NULLABLE,
    &NOT_NULLABLE,
    &BECAME_REQUIRED,
    &BECAME_REQUIRED_DEFAULT,
    &BECAME_OPTIONAL,
    &ENUM_ADDED,
    &ENUM_REMOVED,
    &BECAME_ENUM,
    &NO_ENUM,
    &CONST_ADDED,
    &CONST_REMOVED,
    &CONST_CHANGED,
    &EXTENSIBLE_REMOVED,
    &MIN_SET,
    &MIN_UNSET,
    &MIN_INCREASED,
    &MIN_DECREASED,
    &MAX_SET,
    &MAX_UNSET,
    &MAX_INCREASED,
    &MAX_DECREASED,
    &ABOVE_SET,
    &ABOVE_UNSET,
    &ABOVE_INCREASED,
    &ABOVE_DECREASED,
    &BELOW_SET,
    &BELOW_UNSET,
    &BELOW_INCREASED,
    &BELOW_DECREASED,
    &MIN_LENGTH_INCREASED,
    &MIN_LENGTH_DECREASED,
    &MAX_LENGTH_SET,
    &MAX_LENGTH_UNSET,
    &MAX_LENGTH_INCREASED,
    &MAX_LENGTH_DECREASED,
    &MIN_ITEMS_SET,
    &MIN_ITEMS_UNSET,
    &MIN_ITEMS_INCREASED,
    &MIN_ITEMS_DECREASED,
    &MAX_ITEMS_SET,
    &MAX_ITEMS_UNSET,
    &MAX_ITEMS_INCREASED,
    &MAX_ITEMS_DECREASED,
    &MIN_CONTAINS_INCREASED,
    &MIN_CONTAINS_DECREASED,
    &MAX_CONTAINS_SET,
    &MAX_CONTAINS_UNSET,
    &MAX_CONTAINS_INCREASED,
    &MAX_CONTAINS_DECREASED,
    &MIN_PROPERTIES_INCREASED,
    &MIN_PROPERTIES_DECREASED,
    &MAX_PROPERTIES_SET,
    &MAX_PROPERTIES_UNSET,
    &MAX_PROPERTIES_INCREASED,
    &MAX_PROPERTIES_DECREASED,
    &MULTIPLE_SET,
    &MULTIPLE_UNSET,
    &MULTIPLE_CHANGED,
    &MULTIPLE_GENERALIZED,
    &MULTIPLE_SPECIALIZED,
    &UNIQUE_SET,
    &UNIQUE_UNSET,
    &PATTERN_ADDED,
    &PATTERN_REMOVED,
    &PATTERN_CHANGED,
    &DEFAULT_ADDED,
    &DEFAULT_REMOVED,
    &DEFAULT_CHANGED,
    &SCHEMA_DEPRECATED,
    &SCHEMA_REACTIVATED,
    &ONE_OF_ADDED,
    &ONE_OF_REMOVED,
    &ANY_OF_ADDED,
    &ANY_OF_REMOVED,
    &ONE_OF_OVERLAPS,
    &ONE_OF_OVERLAPPED,
    &CLOSED,
    &OPENED,
    &PATTERN_PROPERTY_ADDED,
    &PATTERN_PROPERTY_REMOVED,
    &DEPENDENT_ADDED,
    &DEPENDENT_REMOVED,
    &KEYWORD_ADDED,
    &KEYWORD_REMOVED,
    &KEYWORD_NARROWED,
    &KEYWORD_WIDENED,
    &KEYWORD_CHANGED,
    &CONTENT_TYPE_CHANGED,
    &CONTENT_ENCODING_CHANGED,
    &DISCRIMINATOR_ADDED,
    &DISCRIMINATOR_REMOVED,
    &DISCRIMINATOR_CHANGED,
    &MAPPING_ADDED,
    &MAPPING_REMOVED,
    &MAPPING_CHANGED,
];
