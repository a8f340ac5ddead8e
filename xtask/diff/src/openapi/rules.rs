//! All rules for OpenAPI documents: id, severity and message of each difference. Ids and levels are those of
//! oasdiff if the meaning is the same; if we judge differently, the cases give the reason.

use super::context::Direction;
use crate::finding::Level::{self, Breaking as B, Info as I, Warning as W};

/// A difference outside of schemas.
pub(super) struct Rule {
    pub id: &'static str,
    pub level: Level,
    /// The message. `{what}` is the subject, `{old}` and `{new}` are the two values.
    pub says: &'static str,
}

/// A difference of a schema. Its id begins with the schema's place, such as `request-property-`.
pub(super) struct Shape {
    pub id: &'static str,
    /// The level if the client sends the value.
    pub request: Level,
    /// The level if the client receives it.
    pub response: Level,
    pub says: &'static str,
}

const fn rule(id: &'static str, level: Level, says: &'static str) -> Rule {
    Rule { id, level, says }
}
const fn shape(id: &'static str, request: Level, response: Level, says: &'static str) -> Shape {
    Shape { id, request, response, says }
}

// Operations.
pub(super) const ENDPOINT_ADDED: Rule = rule("endpoint-added", I, "{what} is new");
pub(super) const PATH_REMOVED: Rule =
    rule("api-path-removed-without-deprecation", B, "{what} was removed with its path, without deprecation");
pub(super) const PATH_REMOVED_DEPRECATED: Rule =
    rule("api-path-removed-with-deprecation", I, "the deprecated {what} was removed with its path");
pub(super) const PATH_REMOVED_EARLY: Rule =
    rule("api-path-removed-before-sunset", B, "{what} was removed with its path before its sunset on {old}");
pub(super) const PATH_SUNSET_UNREADABLE: Rule =
    rule("api-path-sunset-parse", B, "{what} was removed with its path; its sunset {old} is not a date");
pub(super) const OPERATION_REMOVED: Rule =
    rule("api-removed-without-deprecation", B, "{what} was removed, without deprecation");
pub(super) const OPERATION_REMOVED_DEPRECATED: Rule =
    rule("api-removed-with-deprecation", I, "the deprecated {what} was removed");
pub(super) const OPERATION_REMOVED_EARLY: Rule =
    rule("api-removed-before-sunset", B, "{what} was removed before its sunset on {old}");
pub(super) const DEPRECATED: Rule = rule("endpoint-deprecated", I, "{what} is deprecated");
pub(super) const DEPRECATED_SUNSET: Rule =
    rule("endpoint-deprecated-with-sunset", I, "{what} is deprecated, and will be removed after {new}");
pub(super) const REACTIVATED: Rule = rule("endpoint-reactivated", I, "{what} is no longer deprecated");
pub(super) const SUNSET_UNREADABLE: Rule =
    rule("api-deprecated-sunset-parse", B, "the sunset of {what} is not a date: {new}");
pub(super) const SUNSET_DELETED: Rule =
    rule("sunset-deleted", B, "{what} is still deprecated, but its sunset {old} is no longer given");
pub(super) const SUNSET_EARLIER: Rule =
    rule("api-sunset-date-changed-too-small", B, "the sunset of {what} moved from {old} to {new}");
pub(super) const OPERATION_ID_REMOVED: Rule =
    rule("api-operation-id-removed", I, "the operationId was {old}, now {new}");
pub(super) const OPERATION_ID_ADDED: Rule = rule("api-operation-id-added", I, "the operationId is {new}");
pub(super) const SERVER_REMOVED: Rule = rule("server-removed", W, "the server {old} is no longer listed");
pub(super) const SERVER_ADDED: Rule = rule("server-added", I, "the server {new} is new");
pub(super) const WEBHOOK_ADDED: Rule = rule("webhook-added", I, "{what} is new");
pub(super) const WEBHOOK_REMOVED: Rule = rule("webhook-removed", B, "{what} was removed");

// Security.
pub(super) const SECURITY_REQUIRED: Rule =
    rule("api-security-became-required", B, "authentication is now required: {new}");
pub(super) const SECURITY_OPTIONAL: Rule =
    rule("api-security-became-optional", I, "authentication is no longer required; it was {old}");
pub(super) const SECURITY_REMOVED: Rule =
    rule("api-security-removed", B, "{old} is no longer accepted as authentication");
pub(super) const SECURITY_ADDED: Rule =
    rule("api-security-added", I, "{new} is also accepted as authentication");
pub(super) const SCOPE_ADDED: Rule = rule("api-security-scope-added", B, "{what} now needs the scope {new}");
pub(super) const SCOPE_REMOVED: Rule =
    rule("api-security-scope-removed", I, "{what} no longer needs the scope {old}");
pub(super) const SCHEME_CHANGED: Rule =
    rule("api-security-component-type-changed", B, "the security scheme {what} was {old}, now {new}");
pub(super) const OAUTH_URL: Rule = rule(
    "api-security-component-oauth-url-changed",
    I,
    "the authorization URL of {what} was {old}, now {new}",
);
pub(super) const OAUTH_TOKEN_URL: Rule =
    rule("api-security-component-oauth-token-url-changed", I, "the token URL of {what} was {old}, now {new}");

// Parameters.
pub(super) const PARAMETER_REQUIRED_NEW: Rule =
    rule("new-required-request-parameter", B, "{what} is new and required");
pub(super) const PARAMETER_OPTIONAL_NEW: Rule =
    rule("new-optional-request-parameter", I, "{what} is new and optional");
pub(super) const PARAMETER_REMOVED: Rule = rule("request-parameter-removed", W, "{what} was removed");
pub(super) const PARAMETER_REMOVED_DEPRECATED: Rule =
    rule("request-parameter-removed-with-deprecation", I, "the deprecated {what} was removed");
pub(super) const PARAMETER_REMOVED_EARLY: Rule =
    rule("request-parameter-removed-before-sunset", B, "{what} was removed before its sunset on {old}");
pub(super) const PARAMETER_SUNSET_UNREADABLE: Rule =
    rule("request-parameter-sunset-parse", B, "{what} was removed; its sunset {old} is not a date");
pub(super) const PARAMETER_MOVED: Rule = rule("request-parameter-moved", B, "{what} moved to: {new}");
pub(super) const PARAMETER_BECAME_REQUIRED: Rule =
    rule("request-parameter-became-required", B, "{what} is now required");
pub(super) const PARAMETER_BECAME_OPTIONAL: Rule =
    rule("request-parameter-became-optional", I, "{what} is now optional");
pub(super) const PARAMETER_DEPRECATED: Rule = rule("request-parameter-deprecated", I, "{what} is deprecated");
pub(super) const PARAMETER_REACTIVATED: Rule =
    rule("request-parameter-reactivated", I, "{what} is no longer deprecated");
pub(super) const PARAMETER_SUNSET_DELETED: Rule =
    rule("request-parameter-sunset-deleted", B, "the sunset {old} of {what} is no longer given");
pub(super) const PARAMETER_SUNSET_EARLIER: Rule = rule(
    "request-parameter-sunset-date-changed-too-small",
    B,
    "the sunset of {what} moved from {old} to {new}",
);
pub(super) const PARAMETER_STYLE: Rule =
    rule("request-parameter-style-changed", B, "the style of {what} was {old}, now {new}");
pub(super) const PARAMETER_EXPLODE: Rule =
    rule("request-parameter-explode-changed", B, "explode of {what} was {old}, now {new}");
pub(super) const PARAMETER_RESERVED: Rule =
    rule("request-parameter-reserved-refused", W, "{what} no longer allows reserved characters");
pub(super) const PARAMETER_RESERVED_ALLOWED: Rule =
    rule("request-parameter-reserved-allowed", I, "{what} now allows reserved characters");
pub(super) const PARAMETER_EMPTY: Rule =
    rule("request-parameter-empty-refused", W, "{what} may no longer be empty");

pub(super) const PARAMETER_MEDIA: Rule =
    rule("request-parameter-content-changed", B, "{what} was written as {old}, now as {new}");
pub(super) const PARAMETER_NOT_IN_PATH: Rule = rule(
    "request-parameter-not-in-path",
    W,
    "{what} is not in the path {new}, so the document contradicts itself",
);

// Bodies, responses, headers.
pub(super) const ENCODING_CHANGED: Rule =
    rule("body-encoding-changed", B, "{what} was encoded as {old}, now as {new}");
pub(super) const ENCODING_EXTENDED: Rule =
    rule("body-encoding-extended", I, "{what} was encoded as {old}, now as {new}");
pub(super) const BODY_REQUIRED_NEW: Rule =
    rule("request-body-added-required", B, "a request body is now required");
pub(super) const BODY_OPTIONAL_NEW: Rule =
    rule("request-body-added-optional", I, "a request body may now be sent");
pub(super) const BODY_REMOVED: Rule = rule("request-body-removed", B, "the request body was removed");
pub(super) const BODY_BECAME_REQUIRED: Rule =
    rule("request-body-became-required", B, "the request body is now required");
pub(super) const BODY_BECAME_OPTIONAL: Rule =
    rule("request-body-became-optional", I, "the request body is now optional");
pub(super) const BODY_MEDIA_ADDED: Rule =
    rule("request-body-media-type-added", I, "the request body may also be {new}");
pub(super) const BODY_MEDIA_REMOVED: Rule =
    rule("request-body-media-type-removed", B, "the request body may no longer be {old}");
pub(super) const SUCCESS_ADDED: Rule = rule("response-success-status-added", I, "the response {new} is new");
pub(super) const SUCCESS_REMOVED: Rule =
    rule("response-success-status-removed", B, "the response {old} was removed");
pub(super) const FAILURE_ADDED: Rule =
    rule("response-non-success-status-added", I, "the response {new} is new");
pub(super) const FAILURE_REMOVED: Rule =
    rule("response-non-success-status-removed", I, "the response {old} was removed");
pub(super) const MEDIA_ADDED: Rule = rule("response-media-type-added", I, "{what} may also be {new}");
pub(super) const MEDIA_REMOVED: Rule = rule("response-media-type-removed", B, "{what} is no longer {old}");
pub(super) const MEDIA_GENERALIZED: Rule =
    rule("response-media-type-name-generalized", B, "{what} was {old}, now anything in {new}");
pub(super) const MEDIA_SPECIALIZED: Rule =
    rule("response-media-type-name-specialized", I, "{what} was anything in {old}, now {new}");
pub(super) const HEADER_ADDED: Rule = rule("response-header-added", I, "{what} is new");
pub(super) const HEADER_REMOVED: Rule =
    rule("required-response-header-removed", B, "{what}, which was always present, was removed");
pub(super) const HEADER_OPTIONAL_REMOVED: Rule =
    rule("optional-response-header-removed", W, "{what} was removed");
pub(super) const HEADER_BECAME_OPTIONAL: Rule =
    rule("response-header-became-optional", B, "{what} may now be missing");

// Properties: the ids that do not begin with the place.
pub(super) const REQUEST_PROPERTY_REQUIRED_NEW: Rule =
    rule("new-required-request-property", B, "{what} is new and required");
pub(super) const REQUEST_PROPERTY_DEFAULT_NEW: Rule =
    rule("new-required-request-property-with-default", B, "{what} is new and required, but has a default");
pub(super) const REQUEST_PROPERTY_OPTIONAL_NEW: Rule =
    rule("new-optional-request-property", I, "{what} is new and optional");
pub(super) const REQUEST_PROPERTY_REMOVED: Rule = rule("request-property-removed", W, "{what} was removed");
pub(super) const REQUEST_PROPERTY_REFUSED: Rule =
    rule("request-property-refused", B, "{what} was removed, and unlisted properties are refused");
pub(super) const RESPONSE_PROPERTY_REQUIRED_NEW: Rule =
    rule("response-required-property-added", I, "{what} is new and always present");
pub(super) const RESPONSE_PROPERTY_OPTIONAL_NEW: Rule =
    rule("response-optional-property-added", I, "{what} is new");
pub(super) const RESPONSE_PROPERTY_REMOVED: Rule =
    rule("response-required-property-removed", B, "{what}, which was always present, was removed");
pub(super) const RESPONSE_PROPERTY_OPTIONAL_REMOVED: Rule =
    rule("response-optional-property-removed", I, "{what} was removed");
pub(super) const REQUEST_PROPERTY_SENT: Rule = rule(
    "request-required-property-became-not-read-only",
    B,
    "{what} is no longer read-only, and is required",
);
pub(super) const RESPONSE_PROPERTY_SHOWN: Rule = rule(
    "response-required-property-became-not-write-only",
    W,
    "{what} is no longer write-only, and is always present",
);

// Requests that the server sends: callbacks and webhooks.
pub(super) const CALLBACK_ADDED: Rule = rule("callback-added", I, "{what} is new");
pub(super) const CALLBACK_REMOVED: Rule = rule("callback-removed", B, "{what} was removed");
pub(super) const SENT_PARAMETER_ADDED: Rule = rule("sent-parameter-added", I, "{what} is new");
pub(super) const SENT_PARAMETER_REMOVED: Rule =
    rule("sent-parameter-removed", B, "{what}, which was always sent, was removed");
pub(super) const SENT_PARAMETER_OPTIONAL_REMOVED: Rule =
    rule("sent-optional-parameter-removed", W, "{what} was removed");
pub(super) const SENT_PARAMETER_BECAME_OPTIONAL: Rule =
    rule("sent-parameter-became-optional", B, "{what} may now be missing");
pub(super) const SENT_PARAMETER_BECAME_REQUIRED: Rule =
    rule("sent-parameter-became-required", I, "{what} is now always sent");

// The comparison itself.
pub(super) const NOT_COMPARED: Rule = rule("not-compared", W, "{what} cannot be compared: {new}");
pub(super) const LOST_NEW: Rule = rule(
    "reference-unresolved",
    Level::Error,
    "the new document refers to {new}: {what}; compared as an empty schema",
);
pub(super) const LOST_OLD: Rule = rule(
    "old-reference-unresolved",
    W,
    "the old document refers to {old}: {what}; compared as an empty schema",
);
pub(super) const TOO_MUCH: Rule =
    rule("comparison-stopped", Level::Error, "the documents are too complex to compare: {what}");

// Schemas: id, request, response.
pub(super) const TYPE_CHANGED: Shape = shape("type-changed", B, B, "{what} was {old}, now {new}");
pub(super) const TYPE_GENERALIZED: Shape =
    shape("type-generalized", I, B, "{what} was {old}, now more generally {new}");
pub(super) const TYPE_SPECIALIZED: Shape =
    shape("type-specialized", B, I, "{what} was {old}, now more specifically {new}");
pub(super) const TYPES_WIDENED: Shape = shape("list-of-types-widened", I, B, "{what} was {old}, now {new}");
pub(super) const TYPES_NARROWED: Shape =
    shape("list-of-types-narrowed", B, I, "{what} was {old}, now only {new}");
pub(super) const NULLABLE: Shape = shape("became-nullable", I, B, "{what} may now be null");
pub(super) const NOT_NULLABLE: Shape = shape("became-not-nullable", B, I, "{what} may no longer be null");
pub(super) const BECAME_REQUIRED: Shape = shape("became-required", B, I, "{what} is now required");
pub(super) const BECAME_REQUIRED_DEFAULT: Shape =
    shape("became-required-with-default", B, I, "{what} is now required, but has a default");
pub(super) const BECAME_OPTIONAL: Shape = shape("became-optional", I, B, "{what} is now optional");
pub(super) const ENUM_ADDED: Shape = shape("enum-value-added", I, W, "{what} may now be {new}");
pub(super) const ENUM_REMOVED: Shape = shape("enum-value-removed", B, I, "{what} may no longer be {old}");
pub(super) const BECAME_ENUM: Shape = shape("became-enum", B, I, "{what} is now limited to {new}");
pub(super) const NO_ENUM: Shape = shape("no-longer-enum", I, W, "{what} is no longer limited to {old}");
pub(super) const CONST_ADDED: Shape = shape("const-added", B, I, "{what} is now limited to {new}");
pub(super) const CONST_REMOVED: Shape = shape("const-removed", I, B, "{what} is no longer limited to {old}");
pub(super) const CONST_CHANGED: Shape =
    shape("const-changed", B, B, "{what} was limited to {old}, and is now limited to {new}");
pub(super) const EXTENSIBLE_REMOVED: Shape =
    shape("x-extensible-enum-value-removed", B, I, "{what} may no longer be {old}");
pub(super) const MIN_SET: Shape = shape("min-set", B, I, "{what} is now at least {new}");
pub(super) const MIN_UNSET: Shape = shape("min-unset", I, B, "{what} is no longer at least {old}");
pub(super) const MIN_INCREASED: Shape = shape("min-increased", B, I, "{what} was {old}, now {new}");
pub(super) const MIN_DECREASED: Shape = shape("min-decreased", I, B, "{what} was {old}, now {new}");
pub(super) const MAX_SET: Shape = shape("max-set", B, I, "{what} is now at most {new}");
pub(super) const MAX_UNSET: Shape = shape("max-unset", I, B, "{what} is no longer at most {old}");
pub(super) const MAX_INCREASED: Shape = shape("max-increased", I, B, "{what} was {old}, now {new}");
pub(super) const MAX_DECREASED: Shape = shape("max-decreased", B, I, "{what} was {old}, now {new}");
pub(super) const ABOVE_SET: Shape = shape("exclusive-min-set", B, I, "{what} is now above {new}");
pub(super) const ABOVE_UNSET: Shape = shape("exclusive-min-unset", I, B, "{what} is no longer above {old}");
pub(super) const ABOVE_INCREASED: Shape =
    shape("exclusive-min-increased", B, I, "{what} was {old}, now {new}");
pub(super) const ABOVE_DECREASED: Shape =
    shape("exclusive-min-decreased", I, B, "{what} was {old}, now {new}");
pub(super) const BELOW_SET: Shape = shape("exclusive-max-set", B, I, "{what} is now below {new}");
pub(super) const BELOW_UNSET: Shape = shape("exclusive-max-unset", I, B, "{what} is no longer below {old}");
pub(super) const BELOW_INCREASED: Shape =
    shape("exclusive-max-increased", I, B, "{what} was {old}, now {new}");
pub(super) const BELOW_DECREASED: Shape =
    shape("exclusive-max-decreased", B, I, "{what} was {old}, now {new}");
pub(super) const MIN_LENGTH_INCREASED: Shape =
    shape("min-length-increased", B, I, "minLength of {what} was {old}, now {new}");
pub(super) const MIN_LENGTH_DECREASED: Shape =
    shape("min-length-decreased", I, B, "minLength of {what} was {old}, now {new}");
pub(super) const MAX_LENGTH_SET: Shape = shape("max-length-set", B, I, "maxLength of {what} is now {new}");
pub(super) const MAX_LENGTH_UNSET: Shape =
    shape("max-length-unset", I, B, "maxLength of {what} was {old}, now unlimited");
pub(super) const MAX_LENGTH_INCREASED: Shape =
    shape("max-length-increased", I, B, "maxLength of {what} was {old}, now {new}");
pub(super) const MAX_LENGTH_DECREASED: Shape =
    shape("max-length-decreased", B, I, "maxLength of {what} was {old}, now {new}");
pub(super) const MIN_ITEMS_SET: Shape = shape("min-items-set", B, I, "minItems of {what} is now {new}");
pub(super) const MIN_ITEMS_UNSET: Shape =
    shape("min-items-unset", I, B, "minItems of {what} was {old}, now it may be empty");
pub(super) const MIN_ITEMS_INCREASED: Shape =
    shape("min-items-increased", B, I, "minItems of {what} was {old}, now {new}");
pub(super) const MIN_ITEMS_DECREASED: Shape =
    shape("min-items-decreased", I, B, "minItems of {what} was {old}, now {new}");
pub(super) const MAX_ITEMS_SET: Shape = shape("max-items-set", B, I, "maxItems of {what} is now {new}");
pub(super) const MAX_ITEMS_UNSET: Shape =
    shape("max-items-unset", I, B, "maxItems of {what} was {old}, now unlimited");
pub(super) const MAX_ITEMS_INCREASED: Shape =
    shape("max-items-increased", I, B, "maxItems of {what} was {old}, now {new}");
pub(super) const MAX_ITEMS_DECREASED: Shape =
    shape("max-items-decreased", B, I, "maxItems of {what} was {old}, now {new}");
pub(super) const MIN_CONTAINS_INCREASED: Shape =
    shape("min-contains-increased", B, I, "minContains of {what} was {old}, now {new}");
pub(super) const MIN_CONTAINS_DECREASED: Shape =
    shape("min-contains-decreased", I, B, "minContains of {what} was {old}, now {new}");
pub(super) const MAX_CONTAINS_SET: Shape =
    shape("max-contains-set", B, I, "maxContains of {what} is now {new}");
pub(super) const MAX_CONTAINS_UNSET: Shape =
    shape("max-contains-unset", I, B, "maxContains of {what} was {old}, now unlimited");
pub(super) const MAX_CONTAINS_INCREASED: Shape =
    shape("max-contains-increased", I, B, "maxContains of {what} was {old}, now {new}");
pub(super) const MAX_CONTAINS_DECREASED: Shape =
    shape("max-contains-decreased", B, I, "maxContains of {what} was {old}, now {new}");
pub(super) const MIN_PROPERTIES_INCREASED: Shape =
    shape("min-properties-increased", B, I, "minProperties of {what} was {old}, now {new}");
pub(super) const MIN_PROPERTIES_DECREASED: Shape =
    shape("min-properties-decreased", I, B, "minProperties of {what} was {old}, now {new}");
pub(super) const MAX_PROPERTIES_SET: Shape =
    shape("max-properties-set", B, I, "maxProperties of {what} is now {new}");
pub(super) const MAX_PROPERTIES_UNSET: Shape =
    shape("max-properties-unset", I, B, "maxProperties of {what} was {old}, now unlimited");
pub(super) const MAX_PROPERTIES_INCREASED: Shape =
    shape("max-properties-increased", I, B, "maxProperties of {what} was {old}, now {new}");
pub(super) const MAX_PROPERTIES_DECREASED: Shape =
    shape("max-properties-decreased", B, I, "maxProperties of {what} was {old}, now {new}");
pub(super) const MULTIPLE_SET: Shape = shape("multiple-of-set", B, I, "{what} is now a multiple of {new}");
pub(super) const MULTIPLE_UNSET: Shape =
    shape("multiple-of-unset", I, B, "{what} is no longer a multiple of {old}");
pub(super) const MULTIPLE_CHANGED: Shape =
    shape("multiple-of-changed", B, B, "{what} was a multiple of {old}, now of {new}");
pub(super) const MULTIPLE_GENERALIZED: Shape =
    shape("multiple-of-generalized", I, B, "{what} was a multiple of {old}, now of {new}");
pub(super) const MULTIPLE_SPECIALIZED: Shape =
    shape("multiple-of-specialized", B, I, "{what} was a multiple of {old}, now of {new}");
pub(super) const UNIQUE_SET: Shape = shape("unique-items-set", B, I, "the items of {what} must now differ");
pub(super) const UNIQUE_UNSET: Shape =
    shape("unique-items-unset", I, B, "the items of {what} may now repeat");
pub(super) const PATTERN_ADDED: Shape = shape("pattern-added", B, I, "{what} must now match {new}");
pub(super) const PATTERN_REMOVED: Shape = shape("pattern-removed", I, B, "{what} need no longer match {old}");
pub(super) const PATTERN_CHANGED: Shape =
    shape("pattern-changed", W, W, "{what} had to match {old}, now {new}");
pub(super) const DEFAULT_ADDED: Shape =
    shape("default-value-added", I, I, "{what} now has the default {new}");
// Requests that leave the value out now mean something else, or nobody knows what. A new default may only
// say what they meant before, and a default limits no response.
pub(super) const DEFAULT_REMOVED: Shape =
    shape("default-value-removed", W, I, "{what} no longer has the default {old}");
pub(super) const DEFAULT_CHANGED: Shape =
    shape("default-value-changed", W, I, "the default of {what} was {old}, now {new}");
pub(super) const SCHEMA_DEPRECATED: Shape = shape("deprecated", I, I, "{what} is deprecated");
pub(super) const SCHEMA_REACTIVATED: Shape = shape("reactivated", I, I, "{what} is no longer deprecated");
pub(super) const ONE_OF_ADDED: Shape = shape("one-of-added", I, B, "{what} may now also be {new}");
pub(super) const ONE_OF_REMOVED: Shape = shape("one-of-removed", B, I, "{what} may no longer be {old}");
pub(super) const ANY_OF_ADDED: Shape = shape("any-of-added", I, B, "{what} may now also be {new}");
pub(super) const ANY_OF_REMOVED: Shape = shape("any-of-removed", B, I, "{what} may no longer be {old}");
pub(super) const ONE_OF_OVERLAPS: Shape = shape(
    "one-of-overlaps",
    B,
    B,
    "{what} must fit exactly one alternative of oneOf: {old} was valid, and now fits {new}",
);
pub(super) const ONE_OF_OVERLAPPED: Shape = shape(
    "one-of-overlap-allowed",
    I,
    B,
    "{what} may now be {old}, which fits {new} of the alternatives of the old oneOf",
);
pub(super) const CLOSED: Shape =
    shape("additional-properties-refused", B, I, "{what} may no longer have unlisted properties");
pub(super) const OPENED: Shape =
    shape("additional-properties-allowed", I, I, "{what} may now have unlisted properties");
pub(super) const PATTERN_PROPERTY_ADDED: Shape =
    shape("pattern-property-added", B, I, "{what} now has rules for properties like {new}");
pub(super) const PATTERN_PROPERTY_REMOVED: Shape =
    shape("pattern-property-removed", I, B, "{what} no longer has rules for properties like {old}");
pub(super) const DEPENDENT_ADDED: Shape =
    shape("dependent-required-added", B, I, "{what} with {old} must now also have {new}");
pub(super) const DEPENDENT_REMOVED: Shape =
    shape("dependent-required-removed", I, B, "{what} with {old} need no longer have {new}");
pub(super) const KEYWORD_ADDED: Shape =
    shape("{keyword}-added", B, I, "{what} is now also limited by `{new}`");
pub(super) const KEYWORD_REMOVED: Shape =
    shape("{keyword}-removed", I, B, "{what} is no longer limited by `{old}`");
pub(super) const KEYWORD_NARROWED: Shape =
    shape("{keyword}-narrowed", B, I, "`{new}` of {what} now refuses more");
pub(super) const KEYWORD_WIDENED: Shape =
    shape("{keyword}-widened", I, B, "`{new}` of {what} now refuses less");
pub(super) const KEYWORD_CHANGED: Shape = shape("{keyword}-changed", W, W, "`{new}` of {what} has changed");
pub(super) const CONTENT_TYPE_CHANGED: Shape =
    shape("content-media-type-changed", B, B, "the content of {what} was {old}, now {new}");
pub(super) const CONTENT_ENCODING_CHANGED: Shape =
    shape("content-encoding-changed", B, B, "the encoding of {what} was {old}, now {new}");
pub(super) const DISCRIMINATOR_ADDED: Shape =
    shape("discriminator-added", I, I, "{what} now has the discriminator {new}");
pub(super) const DISCRIMINATOR_REMOVED: Shape =
    shape("discriminator-removed", I, I, "{what} no longer has the discriminator {old}");
pub(super) const DISCRIMINATOR_CHANGED: Shape =
    shape("discriminator-property-name-changed", I, I, "the discriminator of {what} was {old}, now {new}");
pub(super) const MAPPING_ADDED: Shape =
    shape("discriminator-mapping-added", I, W, "the discriminator of {what} now knows {new}");
pub(super) const MAPPING_REMOVED: Shape =
    shape("discriminator-mapping-deleted", B, I, "the discriminator of {what} no longer knows {old}");
pub(super) const MAPPING_CHANGED: Shape =
    shape("discriminator-mapping-changed", I, I, "the discriminator of {what} meant {old}, now {new}");

/// `readOnly` and `writeOnly`: `response-required-property-became-not-write-only`.
pub(super) fn access_id(direction: Direction, required: bool, now: bool, word: &str) -> String {
    let direction = if direction == Direction::Request { "request" } else { "response" };
    let required = if required { "required" } else { "optional" };
    let not = if now { "" } else { "not-" };
    format!("{direction}-{required}-property-became-{not}{word}")
}

/// What was always received, and is no longer, breaks. What may no longer be sent may be ignored or refused
/// (JSON Schema Validation 2020-12, 9.4), like a property that was removed.
pub(super) fn access_level(direction: Direction, was_required: bool, now: bool, word: &str) -> Level {
    match (direction, now, word) {
        (Direction::Response, true, "write-only") if was_required => B,
        (Direction::Request, true, "read-only") => W,
        _ => I,
    }
}

pub(super) fn access_says(direction: Direction, now: bool, word: &str) -> &'static str {
    match (direction, now, word) {
        (_, false, _) => "{what} is no longer {new}",
        (Direction::Request, _, "read-only") => "{what} is now {new}: sent values may be ignored or refused",
        _ => "{what} is now {new}",
    }
}
