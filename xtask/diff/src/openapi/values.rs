//! Limits of numbers and counts, and when two JSON values are equal.

use serde_json::Value;
use std::cmp::Ordering;
use std::fmt;

/// A number as written: an integer above 2^53 is not rounded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Number> {
        let whole = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        whole.map(Number::Whole).or_else(|| value.as_f64().map(Number::Real))
    }
    pub(super) fn real(self) -> f64 {
        match self {
            Number::Whole(n) => n as f64,
            Number::Real(n) => n,
        }
    }
    /// The number, integers beside it, and fractions between those.
    pub(super) fn neighbours(self) -> Vec<Value> {
        let around = [self.rounded(-1), self.rounded(1)].into_iter().flat_map(|near| match near {
            Number::Whole(n) => vec![n - 1, n, n + 1],
            Number::Real(_) => Vec::new(),
        });
        let whole =
            |n: i128| i64::try_from(n).map(Value::from).or_else(|_| u64::try_from(n).map(Value::from));
        let fractions = [-0.5, -1e-3, 0.0, 1e-3, 0.5].map(|step| Value::from(self.real() + step));
        around.filter_map(|n| whole(n).ok()).chain(fractions).collect()
    }
    /// The nearest integer above (`step` 1) or below (-1). Beyond 2^53 a double has no fraction.
    #[expect(clippy::cast_possible_truncation, reason = "it is below 2^53")]
    fn rounded(self, step: i128) -> Number {
        match self {
            Number::Real(n) if n.abs() < EXACT => {
                Number::Whole((if step > 0 { n.ceil() } else { n.floor() }) as i128)
            }
            other => other,
        }
    }
    /// Whether every multiple of `self` is one of `divisor`; for fractions within a double's precision.
    pub(super) fn is_multiple_of(self, divisor: Number) -> bool {
        match (self, divisor) {
            (Number::Whole(n), Number::Whole(divisor)) if divisor != 0 => n % divisor == 0,
            _ => {
                let ratio = self.real() / divisor.real();
                (ratio - ratio.round()).abs() < 1e-9
            }
        }
    }
}

/// 2^53: each integer below it is a double of its own.
const EXACT: f64 = 9007199254740992.0;

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(b)),
            _ => self.real().partial_cmp(&other.real()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(n) => n.fmt(f),
            Number::Real(n) => n.fmt(f),
        }
    }
}

/// An end of a range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub value: Number,
    pub exclusive: bool,
}

impl Bound {
    pub(super) fn new(value: Number, exclusive: bool) -> Bound {
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
    pub(super) fn of_integers(self, step: i128) -> Bound {
        let whole = self.value.rounded(step);
        match whole {
            Number::Whole(n) if self.exclusive && whole == self.value => {
                Bound::new(Number::Whole(n + step), false)
            }
            Number::Whole(_) => Bound::new(whole, false),
            Number::Real(_) => self,
        }
    }
    /// `at least 1`, `below 5`. `step`: 1 for a lower bound, -1 for an upper one.
    pub(super) fn told(self, step: i128) -> String {
        let words = match (step > 0, self.exclusive) {
            (true, false) => "at least",
            (true, true) => "above",
            (false, false) => "at most",
            (false, true) => "below",
        };
        format!("{words} {}", self.value)
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
        (Value::Number(_), Value::Number(_)) => Number::of(a) == Number::of(b),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bound(value: Value, exclusive: bool) -> Bound {
        Bound::new(Number::of(&value).expect("a number"), exclusive)
    }

    #[test]
    fn of_two_bounds_the_stricter_counts() {
        let (one, two, above_two) = (bound(json!(1), false), bound(json!(2), false), bound(json!(2.0), true));
        for (a, b, higher, lower) in
            [(one, two, two, one), (one, above_two, above_two, one), (two, above_two, above_two, above_two)]
        {
            assert_eq!((a.higher(b), a.lower(b)), (higher, lower), "{a:?} {b:?}");
            assert_eq!((b.higher(a), b.lower(a)), (higher, lower), "{b:?} {a:?}");
        }
    }

    #[test]
    fn a_bound_of_integers_is_the_next_integer_inside() {
        for (value, exclusive, least, most) in [
            (json!(2), false, json!(2), json!(2)),
            (json!(2), true, json!(3), json!(1)),
            (json!(2.0), true, json!(3), json!(1)),
            (json!(1.5), false, json!(2), json!(1)),
            (json!(1.5), true, json!(2), json!(1)),
            (json!(-1.5), true, json!(-1), json!(-2)),
        ] {
            let end = bound(value, exclusive);
            assert_eq!(end.of_integers(1), bound(least, false), "{end:?}");
            assert_eq!(end.of_integers(-1), bound(most, false), "{end:?}");
        }
        // A double that large is an integer, but not the only one that is written like that.
        for huge in [bound(json!(1e300), true), bound(json!(9007199254740992.0), true)] {
            assert_eq!(huge.of_integers(1), huge);
            assert_eq!(huge.of_integers(-1), huge);
        }
    }

    #[test]
    fn multiples_of_fractions_are_multiples_within_the_precision_of_a_double() {
        for (n, divisor, expected) in [
            (json!(4), json!(2), true),
            (json!(3), json!(2), false),
            (json!(0.3), json!(0.1), true),
            (json!(0.35), json!(0.1), false),
            (json!(3), json!(1.5), true),
            (json!(5), json!(0), false),
        ] {
            let [n, divisor] = [&n, &divisor].map(|value| Number::of(value).expect("a number"));
            assert_eq!(n.is_multiple_of(divisor), expected, "{n} of {divisor}");
        }
    }

    #[test]
    fn neighbours_are_on_both_sides_and_between() {
        let around = |value: Value| {
            let mut all: Vec<Value> = Vec::new();
            for near in Number::of(&value).expect("a number").neighbours() {
                if !contains(&all.iter().collect::<Vec<_>>(), &near) {
                    all.push(near);
                }
            }
            all.sort_by(|a, b| a.as_f64().partial_cmp(&b.as_f64()).expect("no NaN"));
            all.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(around(json!(2)), "1 1.5 1.999 2 2.001 2.5 3");
        assert_eq!(around(json!(1.5)), "0 1 1.499 1.5 1.501 2 3");
        assert_eq!(around(json!(u64::MAX)), "18446744073709551614 18446744073709551615");
    }

    #[test]
    fn of_several_counts_the_strictest_counts() {
        let mut count = Count::default();
        for n in [2, 3, 1] {
            count.at_least(&json!(n));
            count.at_most(&json!(n + 4));
        }
        assert_eq!(count, Count { least: 3.0, most: Some(5.0) });
        let fitting: Vec<usize> = (0..9).filter(|n| count.has(*n)).collect();
        assert_eq!(fitting, [3, 4, 5]);
        assert!(Count { least: 0.0, most: None }.has(1000));
    }

    #[test]
    fn equal_values_may_be_written_differently() {
        for (a, b, expected) in [
            (json!(1), json!(1.0), true),
            (json!(1), json!("1"), false),
            (json!([1, 2]), json!([1.0, 2]), true),
            (json!([1, 2]), json!([2, 1]), false),
            (json!([1]), json!([1, 2]), false),
            (json!({ "a": 1, "b": 2 }), json!({ "b": 2.0, "a": 1 }), true),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), false),
            (json!({ "a": 1 }), json!({ "b": 1 }), false),
            (json!({ "a": 1 }), json!({ "a": 2 }), false),
        ] {
            assert_eq!(same(&a, &b), expected, "{a} {b}");
            assert_eq!(same(&b, &a), expected, "{b} {a}");
        }
    }

    #[test]
    fn long_values_are_cut_in_messages() {
        assert_eq!(cut(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(cut(&"ä".repeat(81)), format!("{}…", "ä".repeat(80)));
        assert_eq!(list(&[&json!("a"), &json!(1)]), r#""a", 1"#);
    }
}
