//! Both directions for random pairs of schemas. A value that fits the sender's schema and not the
//! receiver's breaks somebody, so it must be reported. And if a break is reported, there must be such a
//! value. Values are searched with a validator and a generator of the tests' own.
//!
//! `ORACLE_PAIRS`, `ORACLE_SEED` and `ORACLE_FROM` set how many pairs are tried, which, and the first one.

use super::sound::{Dice, fits, mutated, object, schema, value};
use super::{TODAY, document, lines, posting, thoroughly};
use crate::finding::Level;
use crate::openapi::{Change, diff};
use serde_json::{Map, Value, json};

/// Schemas with the keywords of `sound`, and exclusive alternatives and maps in addition.
fn wild(dice: &mut Dice, depth: usize) -> Value {
    if depth == 0 {
        return schema(dice, 0);
    }
    match dice.roll(6) {
        0 => json!({ "oneOf": [wild(dice, depth - 1), wild(dice, depth - 1)] }),
        1 => json!({ "anyOf": [wild(dice, depth - 1), wild(dice, depth - 1), schema(dice, 0)] }),
        2 => {
            let mut object = object(dice, depth);
            object["additionalProperties"] = dice.pick(&[json!(false), json!({ "type": "integer" })]);
            object
        }
        _ => schema(dice, depth),
    }
}

/// A value that probably fits: it follows the schema.
fn guided(dice: &mut Dice, schema: &Value, all: &Value, depth: usize) -> Value {
    let Some(map) = schema.as_object().filter(|_| depth > 0) else { return value(dice, 1) };
    if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
        return guided(dice, &all[reference.rsplit('/').next().unwrap()], all, depth - 1);
    }
    for key in ["anyOf", "oneOf", "enum", "allOf"] {
        if let Some(list) = map.get(key).and_then(Value::as_array).filter(|list| !list.is_empty()) {
            let one = dice.pick(list);
            if key == "enum" {
                return one;
            }
            let mut found = guided(dice, &one, all, depth - 1);
            // Parts of the others, so that the value may fit several.
            for other in list {
                if key != "allOf" && dice.roll(3) > 0 {
                    continue;
                }
                let other = guided(dice, other, all, depth - 1);
                if let (Some(found), Some(other)) = (found.as_object_mut(), other.as_object()) {
                    found.extend(other.clone());
                }
            }
            return found;
        }
    }
    if let Some(value) = map.get("const") {
        return value.clone();
    }
    if let Some(items) = map.get("items") {
        return Value::Array((0..dice.roll(4)).map(|_| guided(dice, items, all, depth - 1)).collect());
    }
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        let mut found = Map::new();
        let required = map.get("required").and_then(Value::as_array);
        let needs = |name: &str| required.is_some_and(|list| list.iter().any(|one| one == name));
        for (name, schema) in properties {
            if needs(name) || dice.roll(3) > 0 {
                found.insert(name.clone(), guided(dice, schema, all, depth - 1));
            }
        }
        if dice.roll(3) == 0 {
            found.insert("c".into(), value(dice, 0));
        }
        return Value::Object(found);
    }
    if map.get("nullable") == Some(&json!(true)) && dice.roll(4) == 0 {
        return json!(null);
    }
    let kind = match map.get("type") {
        Some(Value::Array(kinds)) => dice.pick(kinds),
        kind => kind.cloned().unwrap_or_default(),
    };
    match kind.as_str() {
        Some("string") => match dice.roll(8) {
            7 => json!("zzzzzz"),
            6 => json!("c"),
            5 => {
                let least = map.get("minLength").and_then(Value::as_u64).unwrap_or(0);
                json!("a".repeat(usize::try_from(least).unwrap()))
            }
            length => json!("abcde"[..length].to_string()),
        },
        Some("integer") => {
            let limit = |keys: [&str; 2]| keys.iter().find_map(|key| map.get(*key)?.as_u64());
            match (limit(["minimum", "exclusiveMinimum"]), limit(["maximum", "maximum"])) {
                (Some(least), Some(most)) if least <= most && dice.roll(3) > 0 => {
                    json!(least + dice.roll(usize::try_from(most - least).unwrap() + 1) as u64)
                }
                _ => {
                    let sides = dice.pick(&[3, 8]);
                    json!(dice.roll(sides))
                }
            }
        }
        Some("number") => dice.pick(&[json!(0.5), json!(1), json!(3)]),
        Some("boolean") => json!(dice.roll(2) == 0),
        Some("null") => json!(null),
        _ => value(dice, 1),
    }
}

/// What counts as reported: a break, or a change that is expected of an open object or a list of values.
fn reported(changes: &[Change]) -> bool {
    let expected = [
        "new-optional-request-property",
        "additional-properties-allowed",
        "response-optional-property-added",
        "response-required-property-added",
        "response-optional-property-removed",
        "enum-value-added",
        "no-longer-enum",
    ];
    changes.iter().any(|c| c.level == Level::Breaking || expected.iter().any(|id| c.id.ends_with(id)))
}

/// `POST /x` that answers with this body.
fn answering(body: Value, schemas: Value) -> Value {
    let responses = json!({ "200": { "content": { "application/json": { "schema": body } } } });
    document(json!({ "/x": { "post": { "responses": responses } } }), schemas)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One random pair: the schemas and their components.
fn pair(dice: &mut Dice, round: u64) -> [Value; 4] {
    let components = json!({ "A": schema(dice, 0), "B": object(dice, 2) });
    let old = wild(dice, 2);
    let new = if round.is_multiple_of(4) { wild(dice, 2) } else { mutated(dice, &old, 2) };
    let changed = mutated(dice, &components["B"], 1);
    let other = if round.is_multiple_of(2) { changed } else { components["B"].clone() };
    [old, new, components.clone(), json!({ "A": components["A"], "B": other })]
}

fn dice_of(seed: u64, round: u64) -> Dice {
    let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(round));
    dice.roll(2);
    dice
}

#[test]
fn the_shortcuts_change_nothing_for_random_pairs() {
    let (seed, pairs) = (setting("ORACLE_SEED", 1), setting("ORACLE_PAIRS", 300));
    for round in 0..pairs {
        let [old, new, before, after] = pair(&mut dice_of(seed, round), round);
        for body in [posting, answering] {
            let (old, new) = (body(old.clone(), before.clone()), body(new.clone(), after.clone()));
            let [short, whole] = [diff(&old, &new, TODAY), thoroughly(&old, &new)].map(lines);
            assert_eq!(short, whole, "round {round}\nold {old}\nnew {new}");
        }
    }
}

#[test]
fn a_break_is_reported_if_and_only_if_a_value_shows_it() {
    let (seed, pairs) = (setting("ORACLE_SEED", 1), setting("ORACLE_PAIRS", 300));
    let first = setting("ORACLE_FROM", 0);
    let (mut missed, mut false_alarms, mut broken) = (Vec::new(), Vec::new(), 0);
    for round in first..first + pairs {
        let mut dice = dice_of(seed, round);
        let [old, new, before, after] = pair(&mut dice, round);
        let mut values: Vec<Value> = (0..60).map(|_| value(&mut dice, 2)).collect();
        let search = |dice: &mut Dice, values: &mut Vec<Value>, times: usize| {
            for _ in 0..times {
                values.push(guided(dice, &old, &before, 8));
                values.push(guided(dice, &new, &after, 8));
            }
        };
        search(&mut dice, &mut values, 100);
        let request =
            diff(&posting(old.clone(), before.clone()), &posting(new.clone(), after.clone()), TODAY);
        let response =
            diff(&answering(old.clone(), before.clone()), &answering(new.clone(), after.clone()), TODAY);
        for (sent, changes) in [(true, request), (false, response)] {
            let shows = |v: &&Value| {
                let (fitted, fits) = (fits(v, &old, &before), fits(v, &new, &after));
                if sent { fitted && !fits } else { !fitted && fits }
            };
            let breaks = changes.iter().any(|c| c.level == Level::Breaking);
            // A rare value takes longer to find.
            if breaks && !values.iter().any(|v| shows(&v)) {
                search(&mut dice, &mut values, 3000);
            }
            let witness = values.iter().find(shows);
            let sendable =
                values.iter().any(|v| if sent { fits(v, &old, &before) } else { fits(v, &new, &after) });
            broken += usize::from(witness.is_some());
            let story = || {
                let who = if sent { "sent" } else { "received" };
                format!(
                    "round {round}, {who}: {witness:?}\nold {old}\n    {before}\nnew {new}\n    {after}\n\
                     {:?}",
                    changes.iter().map(|c| (&c.id, &c.message)).collect::<Vec<_>>()
                )
            };
            match witness {
                Some(_) if !reported(&changes) => missed.push(story()),
                // A schema that nothing fits shows nothing.
                None if breaks && sendable => false_alarms.push(story()),
                _ => {}
            }
        }
    }
    assert!(
        missed.is_empty() && false_alarms.is_empty(),
        "of {pairs} pairs with {broken} breaks {} are missed, {} are false alarms\n\nMISSED\n{}\n\n\
         FALSE ALARMS\n{}",
        missed.len(),
        false_alarms.len(),
        missed.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n"),
        false_alarms.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n"),
    );
    assert!(broken as u64 > pairs / 4, "too few breaks to say anything: {broken}");
}
