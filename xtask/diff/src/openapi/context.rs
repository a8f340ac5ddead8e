//! Where a schema is used, and how ids and sentences name that place.

use super::document::{At, FILES, name_of};
use std::rc::Rc;

/// Who sends the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

impl Direction {
    pub(super) fn turned(self) -> Direction {
        if self == Direction::Request { Direction::Response } else { Direction::Request }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Body,
    Property,
    Parameter,
    ParameterProperty,
    Header,
    HeaderProperty,
}

/// Where a schema is used.
#[derive(Clone)]
pub(super) struct Context {
    pub direction: Direction,
    pub kind: Kind,
    /// "the request body", "the query parameter `limit`"
    pub subject: Rc<str>,
    /// The value is not written as JSON, so every plain value is also a string.
    pub text: bool,
    /// The value is written once for each item of a list: `?tag=a&tag=b`.
    pub repeats: bool,
    /// The question is only whether every value that fits one schema fits the other. Otherwise an open
    /// object is expected to gain properties, which is no break.
    pub exact: bool,
}

impl Context {
    pub(super) fn new(direction: Direction, kind: Kind, subject: String) -> Context {
        let text = matches!(kind, Kind::Parameter | Kind::Header);
        Context { direction, kind, subject: subject.into(), text, repeats: false, exact: false }
    }
    /// A number for each combination of what a verdict depends on.
    pub(super) fn tag(&self) -> u8 {
        let flags = [self.direction == Direction::Request, self.text, self.exact];
        flags.into_iter().fold(self.kind as u8, |tag, flag| tag * 2 + u8::from(flag))
    }
    /// The context of the schema's content. Text has no types at any depth: `?filter[n]=1`.
    pub(super) fn inner(&self) -> Context {
        let kind = match self.kind {
            Kind::Body | Kind::Property => Kind::Property,
            Kind::Parameter | Kind::ParameterProperty => Kind::ParameterProperty,
            Kind::Header | Kind::HeaderProperty => Kind::HeaderProperty,
        };
        Context { kind, repeats: false, ..self.clone() }
    }
    pub(super) fn prefix(&self) -> &'static str {
        match (self.direction, self.kind) {
            (Direction::Request, Kind::Body) => "request-body",
            (Direction::Request, Kind::Property) => "request-property",
            (_, Kind::Parameter) => "request-parameter",
            (_, Kind::ParameterProperty) => "request-parameter-property",
            (Direction::Response, Kind::Body) => "response-body",
            (Direction::Response, Kind::Property) => "response-property",
            (_, Kind::Header) => "response-header",
            (_, Kind::HeaderProperty) => "response-header-property",
        }
    }
    /// The schema in words.
    pub(super) fn what(&self, at: &At) -> String {
        let direction = if self.direction == Direction::Request { "request" } else { "response" };
        match self.kind {
            Kind::Body | Kind::Parameter | Kind::Header => self.subject.to_string(),
            Kind::Property => format!("the {direction} property `{}`", name(at)),
            Kind::ParameterProperty | Kind::HeaderProperty => format!("`{}` of {}", name(at), self.subject),
        }
    }
}

/// `RunConfig.tags[]`: the path from the nearest schema with a name, or from the body.
fn name(at: &At) -> String {
    let steps = at.steps();
    let component = match steps[0].strip_prefix("#/components/schemas/") {
        Some(name) => name.to_string(),
        None if steps[0].strip_prefix("#/").is_some_and(|rest| rest.starts_with(FILES)) => name_of(&steps[0]),
        None => String::new(),
    };
    let start = if steps[0].is_empty() {
        steps.iter().position(|s| s == "schema").map_or(steps.len(), |at| at + 1)
    } else {
        1
    };
    let mut name = component;
    let mut rest = steps[start..].iter();
    while let Some(step) = rest.next() {
        let part = match step.as_str() {
            "properties" | "patternProperties" => format!(".{}", rest.next().map_or("", |n| n)),
            "prefixItems" => format!("[{}]", rest.next().map_or("", |n| n)),
            "items" => "[]".to_string(),
            "additionalProperties" => ".*".to_string(),
            _ => continue,
        };
        name.push_str(&part);
    }
    name.trim_start_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_combination_of_what_a_verdict_depends_on_has_its_own_number() {
        let kinds = [
            Kind::Body,
            Kind::Property,
            Kind::Parameter,
            Kind::ParameterProperty,
            Kind::Header,
            Kind::HeaderProperty,
        ];
        let flags = [false, true];
        let mut tags = BTreeSet::new();
        for kind in kinds {
            for direction in [Direction::Request, Direction::Response] {
                for (text, exact) in flags.iter().flat_map(|text| flags.map(|exact| (*text, exact))) {
                    let ctx = Context::new(direction, kind, String::new());
                    tags.insert(Context { text, exact, ..ctx }.tag());
                }
            }
        }
        assert_eq!(tags.len(), kinds.len() * 8);
    }

    #[test]
    fn the_content_of_a_repeated_value_is_written_once() {
        let ctx = Context::new(Direction::Request, Kind::Parameter, String::new());
        assert!(!Context { repeats: true, ..ctx }.inner().repeats);
    }
}
