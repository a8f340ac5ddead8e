//! Types of the standard library that annotations use: their names, their ancestors, and the variance of
//! their arguments.

use super::Type;

/// A class and its direct ancestor. `float` accepts `int` (PEP 484, "the numeric tower").
const SUPERS: &[(&str, &[&str])] = &[
    ("object", &[]),
    ("None", &[]),
    ("bool", &["int"]),
    ("int", &["float", "typing.SupportsIndex"]),
    ("float", &["complex", "typing.SupportsFloat", "typing.SupportsInt"]),
    ("complex", &["typing.SupportsComplex"]),
    ("typing.SupportsIndex", &[]),
    ("typing.SupportsFloat", &[]),
    ("typing.SupportsInt", &[]),
    ("typing.SupportsComplex", &[]),
    ("typing.TypeGuard", &["bool"]),
    ("typing.TypeIs", &["bool"]),
    ("str", &["collections.abc.Sequence"]),
    ("bytes", &["collections.abc.Sequence"]),
    ("range", &["collections.abc.Sequence"]),
    ("list", &["collections.abc.MutableSequence"]),
    ("tuple...", &["collections.abc.Sequence"]),
    ("tuple", &["tuple..."]),
    ("set", &["collections.abc.MutableSet"]),
    ("frozenset", &["collections.abc.Set"]),
    ("dict", &["collections.abc.MutableMapping"]),
    ("collections.defaultdict", &["dict"]),
    ("collections.OrderedDict", &["dict"]),
    ("collections.deque", &["collections.abc.MutableSequence"]),
    ("collections.abc.MutableSequence", &["collections.abc.Sequence"]),
    ("collections.abc.Sequence", &["collections.abc.Reversible", "collections.abc.Collection"]),
    ("collections.abc.MutableSet", &["collections.abc.Set"]),
    ("collections.abc.Set", &["collections.abc.Collection"]),
    ("collections.abc.MutableMapping", &["collections.abc.Mapping"]),
    ("collections.abc.Mapping", &["collections.abc.Collection"]),
    (
        "collections.abc.Collection",
        &["collections.abc.Sized", "collections.abc.Iterable", "collections.abc.Container"],
    ),
    ("collections.abc.Reversible", &["collections.abc.Iterable"]),
    ("collections.abc.Sized", &[]),
    ("collections.abc.Container", &[]),
    ("collections.abc.Iterable", &[]),
    ("collections.abc.Iterator", &["collections.abc.Iterable"]),
    ("collections.abc.Generator", &["collections.abc.Iterator"]),
    ("collections.abc.AsyncIterable", &[]),
    ("collections.abc.AsyncIterator", &["collections.abc.AsyncIterable"]),
    ("collections.abc.AsyncGenerator", &["collections.abc.AsyncIterator"]),
    ("collections.abc.Awaitable", &[]),
    ("collections.abc.Coroutine", &["collections.abc.Awaitable"]),
    ("asyncio.Task", &["asyncio.Future"]),
    ("asyncio.Future", &["collections.abc.Awaitable"]),
    ("os.PathLike", &[]),
    ("pathlib.PurePath", &["os.PathLike"]),
    ("pathlib.Path", &["pathlib.PurePath"]),
    ("datetime.date", &[]),
    ("datetime.datetime", &["datetime.date"]),
    ("datetime.timedelta", &[]),
    ("decimal.Decimal", &[]),
    ("fractions.Fraction", &[]),
    ("uuid.UUID", &[]),
    ("enum.Enum", &[]),
    ("enum.IntEnum", &["int", "enum.Enum"]),
    ("enum.StrEnum", &["str", "enum.Enum"]),
    ("http.HTTPStatus", &["enum.IntEnum"]),
    ("http.HTTPMethod", &["enum.StrEnum"]),
    ("types.MappingProxyType", &["collections.abc.Mapping"]),
    ("BaseException", &[]),
    ("BaseExceptionGroup", &["BaseException"]),
    ("ExceptionGroup", &["BaseExceptionGroup", "Exception"]),
    ("Exception", &["BaseException"]),
    ("ArithmeticError", &["Exception"]),
    ("FloatingPointError", &["ArithmeticError"]),
    ("OverflowError", &["ArithmeticError"]),
    ("ZeroDivisionError", &["ArithmeticError"]),
    ("AssertionError", &["Exception"]),
    ("AttributeError", &["Exception"]),
    ("BufferError", &["Exception"]),
    ("EOFError", &["Exception"]),
    ("ImportError", &["Exception"]),
    ("ModuleNotFoundError", &["ImportError"]),
    ("LookupError", &["Exception"]),
    ("IndexError", &["LookupError"]),
    ("KeyError", &["LookupError"]),
    ("MemoryError", &["Exception"]),
    ("NameError", &["Exception"]),
    ("UnboundLocalError", &["NameError"]),
    ("OSError", &["Exception"]),
    ("BlockingIOError", &["OSError"]),
    ("ChildProcessError", &["OSError"]),
    ("ConnectionError", &["OSError"]),
    ("BrokenPipeError", &["ConnectionError"]),
    ("ConnectionAbortedError", &["ConnectionError"]),
    ("ConnectionRefusedError", &["ConnectionError"]),
    ("ConnectionResetError", &["ConnectionError"]),
    ("FileExistsError", &["OSError"]),
    ("FileNotFoundError", &["OSError"]),
    ("InterruptedError", &["OSError"]),
    ("IsADirectoryError", &["OSError"]),
    ("NotADirectoryError", &["OSError"]),
    ("PermissionError", &["OSError"]),
    ("ProcessLookupError", &["OSError"]),
    ("TimeoutError", &["OSError"]),
    ("ReferenceError", &["Exception"]),
    ("RuntimeError", &["Exception"]),
    ("NotImplementedError", &["RuntimeError"]),
    ("RecursionError", &["RuntimeError"]),
    ("StopAsyncIteration", &["Exception"]),
    ("StopIteration", &["Exception"]),
    ("SyntaxError", &["Exception"]),
    ("IndentationError", &["SyntaxError"]),
    ("TabError", &["IndentationError"]),
    ("SystemError", &["Exception"]),
    ("TypeError", &["Exception"]),
    ("ValueError", &["Exception"]),
    ("UnicodeError", &["ValueError"]),
    ("UnicodeDecodeError", &["UnicodeError"]),
    ("UnicodeEncodeError", &["UnicodeError"]),
    ("UnicodeTranslateError", &["UnicodeError"]),
    ("Warning", &["Exception"]),
    ("BytesWarning", &["Warning"]),
    ("DeprecationWarning", &["Warning"]),
    ("EncodingWarning", &["Warning"]),
    ("FutureWarning", &["Warning"]),
    ("ImportWarning", &["Warning"]),
    ("PendingDeprecationWarning", &["Warning"]),
    ("ResourceWarning", &["Warning"]),
    ("RuntimeWarning", &["Warning"]),
    ("SyntaxWarning", &["Warning"]),
    ("UnicodeWarning", &["Warning"]),
    ("UserWarning", &["Warning"]),
    ("GeneratorExit", &["BaseException"]),
    ("KeyboardInterrupt", &["BaseException"]),
    ("SystemExit", &["BaseException"]),
    ("PythonFinalizationError", &["RuntimeError"]),
    ("json.JSONDecodeError", &["ValueError"]),
];

/// Protocols: a class is one if it has their methods.
const STRUCTURAL: &[&str] = &["os.PathLike"];

pub(super) enum Variance {
    Covariant,
    Invariant,
    Unknown,
}

pub(super) fn is_known(name: &str) -> bool {
    SUPERS.iter().any(|(known, _)| *known == name)
}

/// What a class must have to be one of these, for type checkers and at run time (collections.abc).
pub(super) fn method_of(protocol: &str) -> Option<&'static str> {
    Some(match protocol.strip_prefix("collections.abc.")? {
        "Awaitable" => "__await__",
        "AsyncIterable" => "__aiter__",
        "AsyncIterator" => "__anext__",
        "Container" => "__contains__",
        "Iterable" => "__iter__",
        "Iterator" => "__next__",
        "Sized" => "__len__",
        _ => return None,
    })
}

pub(super) fn is_structural(name: &str) -> bool {
    name.starts_with("collections.abc.") || name.starts_with("typing.Supports") || STRUCTURAL.contains(&name)
}

/// The direct ancestors, with their arguments.
pub(super) fn supers(name: &str, args: &[Type]) -> Vec<(String, Vec<Type>)> {
    let Some((_, supers)) = SUPERS.iter().find(|(known, _)| *known == name) else { return vec![] };
    supers.iter().map(|up| (up.to_string(), arguments(name, up, args))).collect()
}

fn arguments(name: &str, up: &str, args: &[Type]) -> Vec<Type> {
    let class = |name: &str| vec![Type::Name(name.into(), vec![])];
    match (name, up, args) {
        ("str", "collections.abc.Sequence", _) => class("str"),
        ("bytes" | "range", "collections.abc.Sequence", _) => class("int"),
        (_, "collections.abc.Sized" | "bool", _) => vec![],
        ("collections.abc.Mapping", _, [key, ..]) => vec![key.clone()],
        ("collections.abc.Generator" | "collections.abc.AsyncGenerator", _, [item, ..]) => vec![item.clone()],
        ("collections.abc.Coroutine", _, [_, _, result]) => vec![result.clone()],
        ("tuple", _, [_, ..]) => vec![Type::Union(args.to_vec())],
        _ => args.to_vec(),
    }
}

pub(super) fn variance(name: &str, index: usize) -> Variance {
    match (name, index) {
        (
            "list"
            | "set"
            | "dict"
            | "collections.defaultdict"
            | "collections.OrderedDict"
            | "collections.deque",
            _,
        ) => Variance::Invariant,
        (name, _) if name.starts_with("collections.abc.Mutable") => Variance::Invariant,
        ("collections.abc.Mapping", 0) => Variance::Invariant,
        ("collections.abc.Generator" | "collections.abc.AsyncGenerator" | "collections.abc.Coroutine", 1) => {
            Variance::Unknown
        }
        ("typing.ContextManager" | "typing.AsyncContextManager", 0) => Variance::Covariant,
        ("frozenset" | "type" | "tuple..." | "asyncio.Task" | "asyncio.Future" | "typing.TypeGuard", _) => {
            Variance::Covariant
        }
        (name, _) if name.starts_with("collections.abc.") => Variance::Covariant,
        _ => Variance::Unknown,
    }
}

/// The canonical name: `list` for `typing.List`.
pub(crate) fn name(path: &str) -> String {
    let Some(name) = path.strip_prefix("typing.").or_else(|| path.strip_prefix("typing_extensions.")) else {
        return match path {
            "NoneType" | "types.NoneType" => "None".into(),
            "contextlib.AbstractContextManager" => "typing.ContextManager".into(),
            "contextlib.AbstractAsyncContextManager" => "typing.AsyncContextManager".into(),
            "re.Pattern" => "typing.Pattern".into(),
            "re.Match" => "typing.Match".into(),
            "IOError" | "EnvironmentError" => "OSError".into(),
            "json.decoder.JSONDecodeError" => "json.JSONDecodeError".into(),
            "asyncio.TimeoutError" => "TimeoutError".into(),
            _ => path.into(),
        };
    };
    match name {
        "List" | "Dict" | "Set" | "FrozenSet" | "Tuple" | "Type" => name.to_lowercase(),
        "Text" => "str".into(),
        "AbstractSet" => "collections.abc.Set".into(),
        "DefaultDict" => "collections.defaultdict".into(),
        "OrderedDict" => "collections.OrderedDict".into(),
        "Deque" => "collections.deque".into(),
        "Sequence" | "MutableSequence" | "MutableSet" | "Mapping" | "MutableMapping" | "Collection"
        | "Container" | "Sized" | "Iterable" | "Iterator" | "Generator" | "AsyncIterable"
        | "AsyncIterator" | "AsyncGenerator" | "Awaitable" | "Coroutine" | "Reversible" | "Callable"
        | "Hashable" | "KeysView" | "ValuesView" | "ItemsView" => format!("collections.abc.{name}"),
        _ => format!("typing.{name}"),
    }
}
