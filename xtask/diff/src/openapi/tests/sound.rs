//! Random schemas and random values: if a value fits one schema and not the other, a client breaks, and the
//! comparison must report it. A separate small and slow validator decides what fits.

use super::{TODAY, posting};
use crate::finding::Level;
use crate::openapi::{Change, diff};
use serde_json::{Value, json};

/// A deterministic generator (constants of Numerical Recipes).
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides
    }
    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}

pub(super) fn schema(dice: &mut Dice, depth: usize) -> Value {
    let plain = if depth == 0 { 6 } else { 13 };
    match dice.roll(plain) {
        0 => json!({ "type": dice.pick(&["string", "integer", "number", "boolean"]) }),
        1 => json!({ "type": ["string", dice.pick(&["null", "integer"])] }),
        2 => {
            json!({ "enum": [
                dice.pick(&[json!(1), json!("a"), json!(null)]),
                dice.pick(&[json!(2), json!("b"), json!(1.0)]),
            ] })
        }
        3 => {
            json!({ "type": "integer", dice.pick(&["minimum", "exclusiveMinimum"]): dice.roll(3),
                "maximum": 1 + dice.roll(4) })
        }
        4 => json!({ "type": "string", "minLength": dice.roll(3), "nullable": dice.roll(2) == 0 }),
        5 => json!({ "const": dice.pick(&[json!("a"), json!(1), json!(null)]) }),
        6 => {
            json!({ "type": "array", "items": schema(dice, depth - 1), "minItems": dice.roll(2),
                "maxItems": 1 + dice.roll(2) })
        }
        7 | 8 => object(dice, depth),
        9 => json!({ "anyOf": [schema(dice, depth - 1), schema(dice, depth - 1)] }),
        10 => {
            json!({ "anyOf": [schema(dice, depth - 1), schema(dice, depth - 1), { "type": "null" }],
                "maxLength": 1 + dice.roll(3) })
        }
        11 => json!({ "allOf": [schema(dice, depth - 1), object(dice, depth)] }),
        _ => json!({ "$ref": format!("#/components/schemas/{}", dice.pick(&["A", "B"])) }),
    }
}

pub(super) fn object(dice: &mut Dice, depth: usize) -> Value {
    let mut object = json!({ "type": "object", "properties": { "a": schema(dice, depth - 1),
        "b": schema(dice, depth - 1) } });
    match dice.roll(4) {
        0 => object["required"] = json!(["a"]),
        1 => object["required"] = json!(["a", "b"]),
        2 => object["additionalProperties"] = json!(false),
        _ => {}
    }
    object
}

/// Changes one thing somewhere, so that most of the schema stays the same.
pub(super) fn mutated(dice: &mut Dice, schema_: &Value, depth: usize) -> Value {
    let mut schema_ = schema_.clone();
    let mut places = Vec::new();
    super::places(&schema_, String::new(), &mut places);
    let places: Vec<String> = places
        .into_iter()
        .filter(|p| p.is_empty() || p.ends_with(['a', 'b', '0', '1']) || p.ends_with("items"))
        .collect();
    let place = dice.pick(&places);
    if let Some(spot) =
        schema_.pointer_mut(&place).filter(|spot| spot.is_object() && (!place.is_empty() || depth > 1))
    {
        *spot = schema(dice, depth.saturating_sub(1));
    }
    schema_
}

pub(super) fn value(dice: &mut Dice, depth: usize) -> Value {
    let kinds = if depth == 0 { 8 } else { 11 };
    match dice.roll(kinds) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(dice.roll(5)),
        3 => json!(1.5),
        4 => json!("a"),
        5 => json!("b"),
        6 => json!("abc"),
        7 => json!(""),
        8 => Value::Array((0..dice.roll(3)).map(|_| value(dice, depth - 1)).collect()),
        _ => {
            let names = ["a", "b", "c"].into_iter().filter(|_| dice.roll(2) == 0).collect::<Vec<_>>();
            Value::Object(names.into_iter().map(|name| (name.to_string(), value(dice, depth - 1))).collect())
        }
    }
}

/// Whether the value fits. Supports every keyword that is generated here.
pub(super) fn fits(value: &Value, schema: &Value, all: &Value) -> bool {
    let Some(map) = schema.as_object() else { return true };
    if map.get("nullable") == Some(&json!(true)) && value.is_null() {
        return true;
    }
    let number = |key: &str| map.get(key).and_then(Value::as_f64);
    let each = |key: &str| map.get(key).and_then(Value::as_array).into_iter().flatten();
    let is = |kind: &str| match kind {
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    };
    let same = |other: &Value| value == other || (value.is_number() && value.as_f64() == other.as_f64());
    let typed = match map.get("type") {
        Some(Value::String(kind)) => is(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    let listed = map.get("enum").is_none_or(|_| each("enum").any(same)) && map.get("const").is_none_or(same);
    let ranged = value.as_f64().is_none_or(|n| {
        number("minimum").is_none_or(|m| n >= m)
            && number("exclusiveMinimum").is_none_or(|m| n > m)
            && number("maximum").is_none_or(|m| n <= m)
    });
    let length = |least: &str, most: &str, n: usize| {
        number(least).is_none_or(|m| n as f64 >= m) && number(most).is_none_or(|m| n as f64 <= m)
    };
    let inner = match value {
        Value::String(text) => length("minLength", "maxLength", text.len()),
        Value::Array(items) => {
            length("minItems", "maxItems", items.len())
                && map.get("items").is_none_or(|s| items.iter().all(|item| fits(item, s, all)))
        }
        Value::Object(object) => {
            let known = |name: &str| map.get("properties").and_then(|p| p.get(name));
            each("required").all(|name| object.contains_key(name.as_str().unwrap()))
                && object.iter().all(|(name, v)| match known(name) {
                    Some(schema) => fits(v, schema, all),
                    None => map.get("additionalProperties").is_none_or(|s| s != false && fits(v, s, all)),
                })
        }
        _ => true,
    };
    let exclusive =
        map.get("oneOf").is_none_or(|_| each("oneOf").filter(|s| fits(value, s, all)).count() == 1);
    let one = map.get("anyOf").is_none_or(|_| each("anyOf").any(|s| fits(value, s, all)));
    let referred = map
        .get("$ref")
        .and_then(Value::as_str)
        .is_none_or(|r| fits(value, &all[r.rsplit('/').next().unwrap()], all));
    typed
        && listed
        && ranged
        && inner
        && one
        && exclusive
        && referred
        && each("allOf").all(|s| fits(value, s, all))
}

/// Objects are open, so the schema of a new property does not count as a break
/// (`new-optional-request-property`).
fn reported(changes: &[Change]) -> bool {
    changes
        .iter()
        .any(|change| change.level == Level::Breaking || change.id == "new-optional-request-property")
}

#[test]
fn a_value_that_no_longer_fits_is_reported_as_a_break() {
    let mut dice = Dice(7);
    let (mut broken, mut silent) = (0, 0);
    for round in 0..2500 {
        let components = json!({ "A": schema(&mut dice, 0), "B": object(&mut dice, 2) });
        let old = schema(&mut dice, 2);
        let new = if round % 3 == 0 { schema(&mut dice, 2) } else { mutated(&mut dice, &old, 2) };
        let changed = mutated(&mut dice, &components["B"], 1);
        let other = json!({ "A": components["A"],
            "B": if round % 2 == 0 { changed } else { components["B"].clone() } });
        let changes =
            diff(&posting(old.clone(), components.clone()), &posting(new.clone(), other.clone()), TODAY);
        let values: Vec<Value> = (0..60).map(|_| value(&mut dice, 2)).collect();
        let witness = values.iter().find(|v| fits(v, &old, &components) && !fits(v, &new, &other));
        if let Some(witness) = witness {
            broken += 1;
            assert!(
                reported(&changes),
                "round {round}: {witness} fits no longer\nold {old}\n    {components}\n\
                 new {new}\n    {other}\n{changes:#?}"
            );
        } else if changes.is_empty() {
            silent += 1;
            let back = values.iter().find(|v| !fits(v, &old, &components) && fits(v, &new, &other));
            assert_eq!(
                back, None,
                "round {round}: {back:?} fits now\nold {old}\n    {components}\nnew {new}\n    {other}"
            );
        }
    }
    assert!(broken > 250 && silent > 100, "too few cases to say anything: {broken}, {silent}");
}
