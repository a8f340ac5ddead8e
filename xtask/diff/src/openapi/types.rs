//! Sets of JSON types. An integer is a number (JSON Schema 2020-12, 4.2.3), so here a number is "integer or
//! fraction".

use serde_json::Value;
use std::fmt;
use std::ops::{BitAnd, BitAndAssign, BitOr, Not};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Types(u8);

const NAMES: [(&str, Types); 7] = [
    ("boolean", Types::BOOLEAN),
    ("number", Types::NUMBER),
    ("integer", Types::INTEGER),
    ("string", Types::STRING),
    ("array", Types::ARRAY),
    ("object", Types::OBJECT),
    ("null", Types::NULL),
];

impl Types {
    pub(super) const NONE: Types = Types(0);
    pub(super) const NULL: Types = Types(1);
    pub(super) const BOOLEAN: Types = Types(2);
    pub(super) const INTEGER: Types = Types(4);
    /// A number that is not an integer.
    const FRACTION: Types = Types(8);
    pub(super) const NUMBER: Types = Types(4 | 8);
    pub(super) const STRING: Types = Types(16);
    pub(super) const ARRAY: Types = Types(32);
    pub(super) const OBJECT: Types = Types(64);
    pub(super) const ALL: Types = Types(127);
    /// Types of values within values.
    pub(super) const STRUCTURED: Types = Types(32 | 64);
    /// Types of a parameter or header without structure.
    pub(super) const PLAIN: Types = Types(2 | 4 | 8 | 16);

    /// The types of a `type` keyword; unknown words are ignored.
    pub(super) fn declared(keyword: &Value) -> Types {
        match keyword {
            Value::String(name) => Types::named(name),
            Value::Array(names) => {
                names.iter().filter_map(Value::as_str).fold(Types::NONE, |all, name| all | Types::named(name))
            }
            _ => Types::ALL,
        }
    }
    fn named(name: &str) -> Types {
        NAMES.iter().find(|(n, _)| *n == name).map_or(Types::ALL, |(_, types)| *types)
    }
    pub(super) fn of(value: &Value) -> Types {
        match value {
            Value::Null => Types::NULL,
            Value::Bool(_) => Types::BOOLEAN,
            Value::Number(n) if n.as_f64().is_some_and(|n| n.fract() != 0.0) => Types::FRACTION,
            Value::Number(_) => Types::INTEGER,
            Value::String(_) => Types::STRING,
            Value::Array(_) => Types::ARRAY,
            Value::Object(_) => Types::OBJECT,
        }
    }
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub(super) fn has(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }
    pub(super) fn meets(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }
    pub(super) fn bits(self) -> usize {
        self.0.into()
    }
    /// One set for each type in it; a number stays one type.
    pub(super) fn each(self) -> Vec<Types> {
        let kinds = [Types::BOOLEAN, Types::NUMBER, Types::STRING, Types::ARRAY, Types::OBJECT, Types::NULL];
        kinds.into_iter().map(|kind| kind & self).filter(|kind| !kind.is_empty()).collect()
    }
}

impl BitAnd for Types {
    type Output = Types;
    fn bitand(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }
}
impl BitAndAssign for Types {
    fn bitand_assign(&mut self, other: Types) {
        self.0 &= other.0;
    }
}
impl BitOr for Types {
    type Output = Types;
    fn bitor(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }
}
impl Not for Types {
    type Output = Types;
    fn not(self) -> Types {
        Types(!self.0 & Types::ALL.0)
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self | Types::NULL == Types::ALL {
            return f.write_str("any type");
        }
        if self.is_empty() {
            return f.write_str("nothing");
        }
        let mut rest = *self;
        let mut names = Vec::new();
        for (name, types) in NAMES {
            if rest.has(types) || (types == Types::NUMBER && rest.has(Types::FRACTION)) {
                names.push(name);
                rest &= !types;
            }
        }
        f.write_str(&names.join(" or "))
    }
}
