//! Documents that are refused, each with its reason, and the support that a valid one declares.

use super::*;
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "$schema": SCHEMA_URL,
        "schema": 1,
        "package": "demo",
        "version": "1.2.0rc1",
        "contract": { "version": "1", "spec": format!("sha256:{}", "a".repeat(64)) },
        "plugins": [
            { "apiVersion": "1", "status": "removed", "removal": "1.0.0" },
            { "apiVersion": "2", "status": "deprecated", "removal": "2.0.0" },
            { "apiVersion": "3", "status": "supported", "removal": null },
        ],
        "channels": [{ "protocol": "http", "version": "1", "status": "supported", "removal": null }],
    })
}

/// The valid document with this value at the JSON pointer. None removes the value.
fn with(pointer: &str, value: Option<Value>) -> Value {
    let mut document = good();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).expect("the place exists");
    match (parent, value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key.to_string(), value)),
        (Value::Object(map), None) => drop(map.remove(key).expect("the key is there")),
        (Value::Array(list), Some(value)) => list.push(value),
        _ => unreachable!(),
    }
    document
}

fn problems(document: &Value) -> String {
    read(document.to_string().as_bytes())
        .map(|_| String::new())
        .unwrap_or_else(|problems| problems.join("; "))
}

#[test]
fn a_document_is_read_or_refused_with_its_reason() {
    assert_eq!(problems(&good()), "");
    for (pointer, value, expected) in [
        ("/schema", Some(json!(2)), "its schema is 2, but this program only reads schema 1"),
        ("/schema", Some(json!("1")), "invalid type: string"),
        ("/schema", None, "missing field `schema`"),
        ("/$schema", None, "missing field `$schema`"),
        ("/$schema", Some(json!("https://example.org/compat.schema.json")), "$schema: "),
        ("/extra", Some(json!(1)), "unknown field `extra`"),
        ("/package", Some(json!("")), "package: empty"),
        ("/version", Some(json!("latest")), "version: \"latest\" is not a version"),
        ("/version", Some(json!("1.2")), ""),
        ("/version", Some(json!("v1.2")), "version: \"v1.2\" is not a version"),
        ("/version", Some(json!("1.2 ")), "version: \"1.2 \" is not a version"),
        ("/version", Some(json!("1.2.post1+local")), ""),
        ("/version", Some(json!("1.2.3-rc.1")), ""),
        ("/contract/version", Some(json!("01")), "contract.version"),
        ("/contract/version", Some(json!(1)), "invalid type: integer"),
        ("/contract/spec", Some(json!(format!("sha256:{}", "A".repeat(64)))), "contract.spec"),
        ("/contract/spec", Some(json!(format!("sha512:{}", "a".repeat(64)))), "contract.spec"),
        ("/contract/spec", Some(json!("sha256:abc")), "contract.spec"),
        ("/contract/more", Some(json!(null)), "unknown field `more`"),
        ("/plugins", Some(json!({})), "invalid type: map"),
        ("/plugins", Some(json!([])), ""),
        ("/channels", Some(json!([])), ""),
        ("/plugins/0/apiVersion", Some(json!("v1")), "plugins[0].apiVersion: \"v1\" is not a whole number"),
        ("/plugins/0/apiVersion", Some(json!("")), "plugins[0].apiVersion"),
        ("/plugins/1/apiVersion", Some(json!("1")), "plugins[1]: \"1\" is listed twice"),
        ("/plugins/0/status", Some(json!("gone")), "unknown variant `gone`"),
        (
            "/plugins/0/removal",
            Some(json!(null)),
            "plugins[0].removal: null, but a removed entry needs the version of its removal",
        ),
        ("/plugins/1/removal", Some(json!("2.0")), "plugins[1].removal: \"2.0\" is not X.Y.Z"),
        ("/plugins/1/removal", Some(json!("2.0.0-rc.1")), "is not X.Y.Z"),
        ("/plugins/1/removal", None, "missing field `removal`"),
        (
            "/plugins/2/removal",
            Some(json!("2.0.0")),
            "plugins[2].removal: \"2.0.0\", but it must be null for a supported entry",
        ),
        (
            "/plugins/-",
            Some(json!({ "apiVersion": "4", "status": "supported", "removal": null, "x": 1 })),
            "unknown field `x`",
        ),
        ("/channels/0/protocol", Some(json!("")), "channels[0].protocol: empty"),
        ("/channels/0/version", Some(json!("1.0")), "channels[0].version"),
        (
            "/channels/-",
            Some(json!({ "protocol": "http", "version": "1", "status": "supported", "removal": null })),
            "http 1 is listed twice",
        ),
        (
            "/channels/-",
            Some(json!({ "protocol": "ws", "version": "1", "status": "supported", "removal": null })),
            "",
        ),
    ] {
        let said = problems(&with(pointer, value.clone()));
        match expected {
            "" => assert_eq!(said, "", "{pointer} {value:?}"),
            expected => assert!(said.contains(expected), "{pointer} {value:?}: {said:?}"),
        }
    }
}

#[test]
fn all_problems_are_reported_together() {
    let mut document = with("/package", Some(json!("")));
    document["version"] = json!("x");
    document["plugins"][1]["removal"] = json!(null);
    assert_eq!(problems(&document).matches("; ").count(), 2, "{}", problems(&document));
}

#[test]
fn invalid_documents_are_refused_without_a_panic() {
    let twice = good().to_string().replacen('{', "{\"schema\":1,", 1);
    for text in ["", "null", "[]", "1", "{", "{}", "\"x\"", &twice, &"[".repeat(100_000)] {
        assert!(read(text.as_bytes()).is_err(), "{text:.40}");
    }
    assert!(read(&[0xff, 0xfe]).is_err());
}

#[test]
fn the_support_of_plugins_and_channels_is_read() {
    let document = read(good().to_string().as_bytes()).expect("good");
    for (version, expected) in [
        ("1", Support::Removed("1.0.0")),
        ("2", Support::Deprecated("2.0.0")),
        ("3", Support::Supported),
        ("4", Support::Unknown),
        ("", Support::Unknown),
    ] {
        assert_eq!(document.plugin(version), expected, "{version}");
    }
    assert_eq!(document.channel("http", "1"), Support::Supported);
    assert_eq!(document.channel("HTTP", "1"), Support::Unknown);
    assert_eq!(document.summary(), "plugins 2, 3; channels http 1");
}

#[test]
fn an_entry_past_its_removal_is_overdue() {
    for (version, expected) in
        [("1.9.9", 0), ("2.0.0-rc.1", 0), ("2.0.0", 1), ("2.0.0.post1", 0), ("3.0.0", 1)]
    {
        let mut document = read(good().to_string().as_bytes()).expect("good");
        document.version = version.to_string();
        assert_eq!(document.overdue().count(), expected, "{version}");
    }
}

#[test]
fn the_rules_equal_those_of_the_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../../contract/compat.schema.json")).expect("JSON");
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort();
        keys
    };
    let required = |schema: &Value| -> Vec<String> {
        let mut names: Vec<String> = serde_json::from_value(schema["required"].clone()).expect("names");
        names.sort();
        names
    };
    let at = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")).clone();
    assert_eq!(at("/properties/$schema/const"), SCHEMA_URL);
    assert_eq!(at("/properties/schema/const"), SCHEMA);
    for (object, example) in [
        ("", ""),
        ("/properties/contract", "/contract"),
        ("/properties/plugins/items", "/plugins/0"),
        ("/properties/channels/items", "/channels/0"),
    ] {
        let (object, example) = (at(object), good().pointer(example).expect("the place exists").clone());
        assert_eq!((required(&object), keys(&object["properties"])), (keys(&example), keys(&example)));
        assert_eq!(object["additionalProperties"], false);
    }
    assert_eq!(at("/$defs/status/enum"), json!(["supported", "deprecated", "removed"]));
    for (pointer, pattern) in [
        ("/properties/version/pattern", "^[0-9][0-9A-Za-z.+-]*$"),
        ("/properties/contract/properties/spec/pattern", "^sha256:[0-9a-f]{64}$"),
        ("/$defs/number/pattern", "^[1-9][0-9]*$"),
        ("/$defs/removal/pattern", r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"),
    ] {
        assert_eq!(at(pointer), pattern, "{pointer}: the rule in document.rs is for another pattern");
    }
    assert_eq!(at("/properties/channels/items/properties/protocol/minLength"), 1);
    assert!(
        schema.pointer("/properties/plugins/minItems").is_none()
            && schema.pointer("/properties/channels/minItems").is_none()
    );
}
