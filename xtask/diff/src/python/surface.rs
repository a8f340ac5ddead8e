//! A package's public surface as the extractor prints it: which names lead to which definitions, and what
//! these are.

use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default, Deserialize)]
pub struct Surface {
    /// Every path that a name can be imported from.
    pub names: BTreeMap<String, Name>,
    /// Definitions, by the path where they are made.
    pub objects: HashMap<String, Object>,
    /// Files that can't be read, as `file:line: why`.
    #[serde(default)]
    pub problems: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Name {
    pub to: String,
    /// Promised: listed in `__all__`, or without it neither private nor a mere import.
    #[serde(default)]
    pub public: bool,
    pub file: Option<String>,
    pub line: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub struct Object {
    #[serde(default)]
    pub file: String,
    #[serde(default)]
    pub line: u32,
    #[serde(flatten)]
    pub is: Is,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Is {
    Module(Module),
    Function(Function),
    Class(Box<Class>),
    Attribute(Attribute),
    Property(Attribute),
    TypeAlias(Attribute),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Module {
    /// It has a `__getattr__`, or takes everything from a module elsewhere: no name can be said to be
    /// missing.
    pub lazy: bool,
    /// It has an `__all__`.
    pub all: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function {
    pub signature: Signature,
    /// function, instance, class or static.
    pub binding: String,
    #[serde(rename = "async")]
    pub is_async: bool,
    pub decorators: Vec<String>,
    pub overloads: Vec<Signature>,
    /// Exceptions that the docstring says it raises.
    pub raises: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Signature {
    pub parameters: Vec<Parameter>,
    /// As written.
    pub annotation: Option<String>,
    /// With its names resolved.
    #[serde(rename = "type")]
    pub returns: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub kind: Kind,
    #[serde(default)]
    pub annotation: Option<String>,
    #[serde(default, rename = "type")]
    pub takes: Option<String>,
    #[serde(default)]
    pub default: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Kind {
    #[serde(rename = "positional-only")]
    PositionalOnly,
    #[serde(rename = "positional or keyword")]
    Either,
    #[serde(rename = "variadic positional")]
    Args,
    #[serde(rename = "keyword-only")]
    KeywordOnly,
    #[serde(rename = "variadic keyword")]
    Kwargs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attribute {
    pub annotation: Option<String>,
    #[serde(rename = "type")]
    pub holds: Option<String>,
    /// As written.
    pub value: Option<String>,
    /// The value with its names resolved: a type alias's meaning.
    pub means: Option<String>,
    pub writable: bool,
    #[serde(rename = "abstract")]
    pub is_abstract: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Class {
    pub bases: Vec<String>,
    /// Nearest first, those outside of the package last.
    pub ancestors: Vec<String>,
    /// An ancestor or the metaclass is one that we know nothing about.
    pub unknown: bool,
    /// Public names, inherited ones included, to where they are defined.
    pub members: BTreeMap<String, String>,
    /// Attributes that methods set on `self`.
    pub assigned: Vec<String>,
    /// It has a `__getattr__`.
    pub dynamic: bool,
    /// The `__init__` or `__new__` that is written out, inherited or not.
    pub constructor: Option<String>,
    pub decorators: Vec<String>,
    #[serde(rename = "enum")]
    pub is_enum: bool,
    pub protocol: bool,
    #[serde(rename = "abstract")]
    pub abstract_members: Vec<String>,
    /// Does anything stop a class with abstract members from being instantiated?
    pub enforced: bool,
    pub slots: bool,
    pub frozen: bool,
    pub ordered: bool,
    pub model: Option<Model>,
    pub fields: Vec<Field>,
    pub type_parameters: Vec<TypeParameter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    Dataclass,
    NamedTuple,
    TypedDict,
    Pydantic,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    pub name: String,
    #[serde(default)]
    pub file: String,
    #[serde(default)]
    pub line: u32,
    pub annotation: Option<String>,
    #[serde(rename = "type")]
    pub holds: Option<String>,
    pub default: Option<String>,
    pub required: bool,
    pub keyword_only: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct TypeParameter {
    pub name: String,
    #[serde(default)]
    pub default: bool,
}

impl Surface {
    pub fn class(&self, path: &str) -> Option<&Class> {
        match &self.objects.get(path)?.is {
            Is::Class(class) => Some(class),
            _ => None,
        }
    }
    pub fn function(&self, path: &str) -> Option<&Function> {
        match &self.objects.get(path)?.is {
            Is::Function(function) => Some(function),
            _ => None,
        }
    }
}

impl Is {
    /// The word for it in ids and sentences.
    pub fn word(&self) -> &'static str {
        match self {
            Is::Module(_) => "module",
            Is::Function(function) if function.binding != "function" => "method",
            Is::Function(_) => "function",
            Is::Class(_) => "class",
            Is::Property(_) => "property",
            Is::Attribute(_) | Is::TypeAlias(_) => "attribute",
        }
    }
}
