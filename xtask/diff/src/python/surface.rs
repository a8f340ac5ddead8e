//! A package's public surface, as the reader (api/python/reader) prints it: the names and their definitions.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Debug, Default, Deserialize)]
pub struct Surface {
    /// Every path that a name can be imported from.
    pub names: BTreeMap<String, Name>,
    /// Definitions, by the path where they are defined.
    pub objects: HashMap<String, Object>,
    /// Files that cannot be read, as `file:line: why`.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Modules that code puts into `sys.modules`, with `*` for what cannot be known.
    #[serde(default)]
    pub placed: Vec<String>,
    /// `requires-python`, and the minor versions of Python 3 that it allows.
    #[serde(default)]
    pub python: Option<String>,
    #[serde(default)]
    pub pythons: Vec<u32>,
    /// Commands that the package installs, and its optional dependencies, in the words of its manifest. None
    /// if the manifest does not list them.
    #[serde(default)]
    pub scripts: Option<BTreeSet<String>>,
    #[serde(default)]
    pub extras: Option<BTreeSet<String>>,
    /// Packages with a `py.typed` file (PEP 561).
    #[serde(default)]
    pub typed: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Name {
    pub to: String,
    /// Public: listed in `__all__`, or without `__all__` neither private nor only imported.
    #[serde(default)]
    pub public: bool,
    /// Only type checkers see it: it is defined `if TYPE_CHECKING`.
    #[serde(default)]
    pub typing: bool,
    /// Type checkers do not know it: the stub of its module lacks it.
    #[serde(default)]
    pub untyped: bool,
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
    /// It has a `__getattr__`, or imports `*` from another package: any name may exist.
    pub lazy: bool,
    /// It has an `__all__`.
    pub all: bool,
    /// Its types are in a stub (`.pyi`).
    pub stub: bool,
    /// It has types, in a stub or in the code.
    pub annotated: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function {
    pub signature: Signature,
    /// function, instance, class or static.
    pub binding: String,
    #[serde(rename = "async")]
    pub is_async: bool,
    pub decorators: Vec<String>,
    /// Its body has a `yield`.
    pub generator: bool,
    pub overloads: Vec<Signature>,
    /// How many of them are marked as deprecated.
    pub deprecated_overloads: usize,
    /// Exceptions that the docstring documents.
    pub raises: Vec<String>,
}

impl Function {
    /// Whether callers must await it. An asynchronous generator returns an iterator at once.
    pub fn is_awaited(&self) -> bool {
        self.is_async && !self.generator
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Signature {
    pub parameters: Vec<Parameter>,
    /// The annotation as written.
    pub annotation: Option<String>,
    /// The annotation with its names resolved.
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
    /// The value of the constant that `default` names.
    #[serde(default)]
    pub default_value: Option<String>,
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Attribute {
    pub annotation: Option<String>,
    #[serde(rename = "type")]
    pub holds: Option<String>,
    /// The annotation as written.
    pub value: Option<String>,
    /// The value with its names resolved: a type alias's meaning.
    pub means: Option<String>,
    pub writable: bool,
    pub deletable: bool,
    /// The type that a property's setter takes.
    pub sets: Option<String>,
    #[serde(rename = "abstract")]
    pub is_abstract: bool,
    /// The class itself has it, not only its instances.
    pub on_class: bool,
    /// Its annotation says `ClassVar`.
    pub class_variable: bool,
    /// A property that is marked as deprecated.
    pub deprecated: bool,
    /// It is computed once, unless somebody sets it.
    pub cached: bool,
    /// A name of a module that is only annotated.
    pub unset: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Class {
    pub bases: Vec<String>,
    /// The nearest first, those of other packages last.
    pub ancestors: Vec<String>,
    /// An ancestor or the metaclass is unknown.
    pub unknown: bool,
    /// Public names, including inherited ones, with the path of their definition.
    pub members: BTreeMap<String, String>,
    /// Names that it has from classes of Python itself, such as `str`.
    pub given: BTreeSet<String>,
    /// Whether type checkers know its module: by a stub, or by annotations.
    #[serde(default)]
    pub annotated: bool,
    /// Members that type checkers do not know: the stub of their class lacks them.
    #[serde(default)]
    pub untyped: Vec<String>,
    /// Attributes that methods set on `self`.
    pub assigned: Vec<String>,
    /// It has a `__getattr__`, or sets attributes whose names only a run can tell.
    pub dynamic: bool,
    /// It has a `__getattr__`.
    pub open: bool,
    /// The explicit `__init__` or `__new__`, inherited or not.
    pub constructor: Option<String>,
    /// The explicit `__init_subclass__`, inherited or not.
    pub subclassed: Option<String>,
    /// `__match_args__`, if it is written out.
    pub match_args: Option<Vec<String>>,
    /// Options of the model that decide which values it takes and how they are written.
    pub options: BTreeMap<String, String>,
    /// It is not compared by its fields, though it is a model that could be.
    pub unequal: bool,
    pub decorators: Vec<String>,
    #[serde(rename = "enum")]
    pub is_enum: bool,
    pub protocol: bool,
    #[serde(rename = "abstract")]
    pub abstract_members: Vec<String>,
    /// Whether a class with abstract members cannot be instantiated.
    pub enforced: bool,
    pub slots: bool,
    pub slot_names: Vec<String>,
    pub metaclass: Option<String>,
    /// A validator checks the values as a whole.
    pub checked: bool,
    /// What the method returns that writes the model's JSON, if one does.
    pub written: Option<String>,
    /// Properties that the model's JSON has.
    pub computed: Vec<String>,
    pub frozen: bool,
    pub ordered: bool,
    /// None if an older reader did not say.
    pub hashable: Option<bool>,
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
    Attrs,
    Msgspec,
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
    /// The name that the constructor takes, and that its JSON has.
    #[serde(default)]
    pub alias: Option<String>,
    /// What limits its values: `ge`, `max_length`.
    #[serde(default)]
    pub limits: BTreeMap<String, String>,
    pub required: bool,
    pub keyword_only: bool,
    /// A validator checks its values.
    #[serde(default)]
    pub checked: bool,
    /// It can only be set by the constructor.
    #[serde(default)]
    pub fixed: bool,
    /// It is left out of the model's JSON.
    #[serde(default)]
    pub excluded: bool,
    /// What the method returns that writes it, if one does.
    #[serde(default)]
    pub written: Option<String>,
    /// The key by which its values are told apart.
    #[serde(default)]
    pub discriminator: Option<String>,
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
