//! Limits of numbers and counts, and when two JSON values are equal.

use serde_json::Value;
use std::fmt;

/// An end of a range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub value: f64,
    pub exclusive: bool,
}

impl Bound {
    pub(super) fn new(value: f64, exclusive: bool) -> Bound {
        Bound { value, exclusive }
    }
    /// The stricter of two lower bounds.
    pub(super) fn higher(self, other: Bound) -> Bound {
        if (other.value, other.exclusive) > (self.value, self.exclusive) { other } else { self }
    }
    /// The stricter of two upper bounds.
    pub(super) fn lower(self, other: Bound) -> Bound {
        if (other.value, !other.exclusive) < (self.value, !self.exclusive) { other } else { self }
    }
    /// The same bound for integers, without `exclusive`.
    pub(super) fn of_integers(self, step: f64) -> Bound {
        let whole = if step > 0.0 { self.value.ceil() } else { self.value.floor() };
        Bound::new(if self.exclusive && whole == self.value { whole + step } else { whole }, false)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

/// The allowed number of characters, items or properties.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    pub least: f64,
    pub most: Option<f64>,
}

impl Count {
    pub(super) fn at_least(&mut self, value: &Value) {
        self.least = self.least.max(value.as_f64().unwrap_or(0.0));
    }
    pub(super) fn has(&self, n: usize) -> bool {
        n as f64 >= self.least && self.most.is_none_or(|most| n as f64 <= most)
    }
    pub(super) fn at_most(&mut self, value: &Value) {
        self.most = [self.most, value.as_f64()].into_iter().flatten().reduce(f64::min);
    }
}

/// Equality by JSON Schema: 1 and 1.0 are the same number, and the order of keys does not matter.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

pub(super) fn contains(values: &[&Value], value: &Value) -> bool {
    values.iter().any(|v| same(v, value))
}

/// A value for a message: JSON, shortened if it is long.
pub(super) fn show(value: &Value) -> String {
    cut(&value.to_string())
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

pub(super) fn list(values: &[&Value]) -> String {
    cut(&values.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(", "))
}
