//! Tables of annotations compared with annotations.

use super::parse::Meaning;
use super::*;

/// `demo.Sub` is a `demo.Base`; `demo.Open` has a base from elsewhere; `demo.Proto` is a protocol;
/// `demo.Json` an alias; `demo.T` a variable.
fn classes() -> Classes {
    let class = |ancestors: &[&str], unknown, protocol| ClassFacts {
        ancestors: ancestors.iter().map(|a| a.to_string()).collect(),
        unknown,
        protocol,
        members: BTreeSet::from(["__iter__".to_string()]),
    };
    let all = [
        ("demo.Base", class(&[], false, false)),
        ("demo.Sub", class(&["demo.Base"], false, false)),
        ("demo.Open", class(&["other.Thing"], true, false)),
        ("demo.Proto", class(&["typing.Protocol"], false, true)),
        ("demo.Name", class(&["str"], false, false)),
    ];
    Classes(all.into_iter().map(|(name, facts)| (name.to_string(), facts)).collect())
}

fn lookup(name: &str) -> Meaning {
    match name {
        "demo.Json" => Meaning::Alias(name.into(), "dict[str, demo.Json] | str | None".into()),
        "demo.Ids" => Meaning::Alias(name.into(), "list[int]".into()),
        "demo.Made" => Meaning::Alias(name.into(), "typing.Callable[[demo.T], demo.Sized | demo.T]".into()),
        "demo.T" => Meaning::Variable(name.into(), "".into()),
        "demo.Sized" => Meaning::Variable(name.into(), "str | bytes".into()),
        "demo.P" => Meaning::Unknown(name.into()),
        _ => Meaning::Class(name.into()),
    }
}

fn fits(a: &str, b: &str) -> Answer {
    classes().fits(&parse(a, &lookup), &parse(b, &lookup))
}

#[test]
fn assignability_is_yes_no_or_maybe() {
    let table = [
        ("int", "int", Yes),
        ("int", "str", No),
        ("demo.Open[int]", "demo.Open[int]", Yes),
        ("demo.Open[int]", "demo.Open[str]", Maybe),
        ("demo.Open[int, str]", "demo.Open[int, bytes]", Maybe),
        ("bool", "int", Yes),
        ("int", "bool", No),
        ("int", "float", Yes),
        ("float", "int", No),
        ("int", "object", Yes),
        ("object", "int", No),
        ("typing.Any", "int", Yes),
        ("int", "typing.Any", Yes),
        ("typing.NoReturn", "int", Yes),
        ("int", "typing.NoReturn", No),
        // Unions.
        ("int", "int | None", Yes),
        ("int | None", "int", No),
        ("typing.Optional[int]", "int | None", Yes),
        ("None | int", "typing.Union[int, None]", Yes),
        ("int | str", "str | int | bytes", Yes),
        ("int | other.A", "int | str", Maybe),
        ("int | bytes | other.A", "int | str", No),
        // Literals.
        ("typing.Literal['a']", "str", Yes),
        ("str", "typing.Literal['a']", No),
        ("typing.Literal['a']", "typing.Literal['a', 'b']", Yes),
        ("typing.Literal['a', 'b']", "typing.Literal['b']", No),
        ("typing.Literal['a]', \"b'\"]", "typing.Literal[\"b'\", 'a]']", Yes),
        ("typing.Literal[1]", "int", Yes),
        ("typing.Literal[1]", "str", No),
        ("bool", "typing.Literal[True, False]", Yes),
        ("bool", "typing.Literal[True]", No),
        ("bool", "typing.Literal[False]", No),
        ("int", "typing.Literal[True, False]", No),
        ("int", "typing.Literal['a']", No),
        ("other.A", "typing.Literal['a']", Maybe),
        ("typing.Literal[b'a']", "bytes", Yes),
        ("typing.Literal[b\"a\"]", "bytes", Yes),
        ("typing.Literal['a\\'b', 'c']", "typing.Literal['c', 'a\\'b']", Yes),
        ("typing.Literal[demo.Color.RED]", "demo.Color", Yes),
        ("typing.Literal[None]", "None", Yes),
        ("None", "typing.Literal[None]", Yes),
        ("int | None", "typing.Literal[None] | int", Yes),
        // Containers.
        ("list[int]", "typing.List[int]", Yes),
        ("list[int]", "list", Yes),
        ("list", "list[int]", Yes),
        ("list[int]", "list[str]", No),
        ("list[int]", "list[int | str]", Maybe),
        ("list[int]", "collections.abc.Sequence[int | str]", Yes),
        ("list[int]", "typing.Iterable[int]", Yes),
        ("collections.abc.Sequence[int]", "list[int]", No),
        ("dict[str, int]", "collections.abc.Mapping[str, object]", Yes),
        ("dict[str, int]", "collections.abc.Iterable[str]", Yes),
        ("dict[str, int]", "collections.abc.Iterable[int]", No),
        ("str", "collections.abc.Sequence[str]", Yes),
        ("str", "list[str]", No),
        ("tuple[int, str]", "tuple[int, str]", Yes),
        ("tuple[int, str]", "tuple[int, str, int]", No),
        ("tuple[int, int]", "tuple[int, ...]", Yes),
        ("tuple[int, str]", "collections.abc.Sequence[int | str]", Yes),
        ("tuple[int, ...]", "tuple[int, int]", No),
        ("tuple", "tuple[int, str]", Maybe),
        ("set[int]", "collections.abc.Set[int]", Yes),
        ("frozenset[int]", "set[int]", No),
        ("collections.abc.Generator[int, None, None]", "collections.abc.Iterator[int]", Yes),
        ("collections.abc.Iterator[int]", "list[int]", No),
        ("collections.abc.Coroutine[typing.Any, typing.Any, int]", "collections.abc.Awaitable[int]", Yes),
        ("type[demo.Sub]", "type[demo.Base]", Yes),
        ("pathlib.Path", "str | os.PathLike[str]", Yes),
        ("KeyError", "LookupError", Yes),
        ("LookupError", "KeyError", No),
        ("collections.abc.MutableSequence[int]", "collections.abc.MutableSequence[int | str]", Maybe),
        ("collections.abc.Mapping[int, str]", "collections.abc.Mapping[int | str, str]", Maybe),
        ("collections.abc.Mapping[str, int]", "collections.abc.Mapping[str, int | str]", Yes),
        ("list[int]", "collections.abc.Sized", Yes),
        ("tuple[int]", "collections.abc.Sequence[int]", Yes),
        ("tuple[int]", "collections.abc.Sequence[str]", No),
        ("tuple[int]", "tuple[str]", No),
        // Two names of one.
        ("typing.Text", "str", Yes),
        ("typing.BinaryIO", "typing.IO[bytes]", Yes),
        ("typing.TextIO", "typing.IO[str]", Yes),
        ("typing.Deque[int]", "collections.deque[int]", Yes),
        ("typing.DefaultDict[str, int]", "collections.defaultdict[str, int]", Yes),
        ("typing.OrderedDict[str, int]", "collections.OrderedDict[str, int]", Yes),
        ("typing.AbstractSet[int]", "collections.abc.Set[int]", Yes),
        ("re.Pattern[str]", "typing.Pattern[str]", Yes),
        ("re.Match[str]", "typing.Match[str]", Yes),
        ("types.NoneType", "None", Yes),
        ("IOError", "OSError", Yes),
        ("asyncio.TimeoutError", "TimeoutError", Yes),
        ("json.decoder.JSONDecodeError", "json.JSONDecodeError", Yes),
        ("contextlib.AbstractContextManager[int]", "typing.ContextManager[int]", Yes),
        // What the annotation alone leaves open.
        ("typing.Final", "int", Yes),
        ("int", "typing.ClassVar", Yes),
        ("typing.Final[int]", "str", No),
        ("demo.P", "demo.Base", Maybe),
        ("demo.Base", "demo.P", Maybe),
        ("(int)", "int", Yes),
        ("(int | str) | (bytes)", "bytes | int | str", Yes),
        // Type variables and generic aliases.
        ("demo.T", "demo.T", Yes),
        ("demo.T", "demo.Sized", Maybe),
        ("demo.T", "int", Maybe),
        ("int", "demo.T", Maybe),
        ("demo.Sized", "str | bytes", Yes),
        ("demo.Sized", "str", Maybe),
        ("type[demo.Sized]", "type[str | bytes]", Yes),
        ("demo.Made[int, str]", "typing.Callable[[int], int | str]", Yes),
        ("demo.Made[int, str]", "typing.Callable[[int], bytes]", No),
        ("demo.Made[int, str]", "demo.Made[int, str]", Yes),
        ("demo.Made", "typing.Callable[[int], bytes]", Yes),
        ("bytes", "collections.abc.Sequence[int]", Yes),
        ("bytes", "collections.abc.Sequence[str]", No),
        ("range", "collections.abc.Sequence[int]", Yes),
        ("range", "collections.abc.Sequence[str]", No),
        ("collections.abc.Generator[int, str, None]", "collections.abc.Generator[int, object, None]", Maybe),
        ("collections.abc.Generator[int, object, None]", "collections.abc.Generator[int, str, None]", Maybe),
        ("typing.Literal['a']", "typing.Literal[demo.Color.RED]", Maybe),
        ("typing.Literal[demo.Color.RED]", "typing.Literal['a']", Maybe),
        // Callables.
        ("collections.abc.Callable[[int], bool]", "typing.Callable[[bool], int]", Yes),
        ("typing.Callable[[bool], int]", "typing.Callable[[int], int]", No),
        ("typing.Callable[[int], int]", "typing.Callable[..., int]", Yes),
        ("typing.Callable[[int], int]", "typing.Callable[[], int]", No),
        ("typing.Callable[[int], int]", "typing.Callable[demo.T, int]", Maybe),
        ("typing.Callable[[int, str], int]", "typing.Callable[demo.T, int]", Maybe),
        // `Self` is the class around it, which is not known here.
        ("typing.Self", "demo.Base", Yes),
        ("demo.Base", "typing.Self", No),
        ("int", "typing.Self", Maybe),
        // What a context manager gives.
        ("typing.ContextManager[bool]", "contextlib.AbstractContextManager[int]", Yes),
        ("contextlib.AbstractContextManager[int]", "typing.ContextManager[bool]", No),
        ("contextlib.AbstractContextManager[int, bool | None]", "typing.ContextManager[int]", Yes),
        ("contextlib.AbstractContextManager[int]", "typing.ContextManager[int, None | bool]", Yes),
        ("contextlib.AbstractContextManager[int, bool]", "typing.ContextManager[int, bool]", Yes),
        ("typing.ContextManager[bool | None]", "typing.ContextManager[str]", No),
        ("typing.Callable[[typing.Unpack[demo.Ts]], int]", "typing.Callable[[int, str], int]", Maybe),
        ("typing.Generator[int]", "collections.abc.Generator[int, None, None]", Yes),
        ("typing.Generator[int, None, None]", "collections.abc.Generator[int]", Yes),
        ("typing.AsyncGenerator[int]", "collections.abc.AsyncGenerator[int, None]", Yes),
        ("typing.Callable", "int", No),
        ("int", "typing.Callable[[], None]", No),
        ("demo.Base", "typing.Callable[[], None]", Maybe),
        // The package's classes.
        ("demo.Sub", "demo.Base", Yes),
        ("demo.Base", "demo.Sub", No),
        ("demo.Base", "int", No),
        ("demo.Open", "demo.Base", Maybe),
        ("demo.Base", "demo.Proto", Maybe),
        ("int", "demo.Proto", Maybe),
        ("demo.Proto", "demo.Base", Maybe),
        ("demo.Name", "str", Yes),
        ("demo.Name", "collections.abc.Sequence[str]", Yes),
        ("demo.Base", "collections.abc.Iterable[int]", Maybe),
        ("demo.Base", "collections.abc.Awaitable[int]", No),
        ("demo.Open", "collections.abc.Awaitable[int]", Maybe),
        ("demo.Proto", "collections.abc.Awaitable[int]", Maybe),
        ("demo.Base", "collections.abc.Sequence[int]", Maybe),
        ("demo.Base", "other.Thing", Maybe),
        // From elsewhere, variables, aliases, wrappers.
        ("other.A", "other.A", Yes),
        ("other.A", "other.B", Maybe),
        ("other.A", "int", Maybe),
        ("demo.T", "demo.T", Yes),
        ("demo.T", "int", Maybe),
        ("demo.Ids", "list[int]", Yes),
        ("demo.Json", "demo.Json", Yes),
        ("typing.Final[int]", "int", Yes),
        ("typing.NotRequired[int]", "int", Yes),
        ("typing.TypeGuard[int]", "bool", Yes),
        ("bool", "typing.TypeGuard[int]", No),
        ("int", "typing.SupportsInt", Yes),
        ("bool", "typing.SupportsIndex", Yes),
        ("float", "typing.SupportsIndex", No),
        ("demo.Base", "typing.SupportsInt", Maybe),
        ("typing.TypeGuard[bool]", "typing.TypeGuard[int]", Yes),
        ("typing.TypeGuard[str]", "typing.TypeGuard[int]", No),
        ("typing_extensions.TypeIs[int]", "object", Yes),
        ("typing_extensions.TypeIs[int]", "typing.TypeIs[int]", Yes),
        ("typing_extensions.TypeIs[int]", "int", Yes),
        ("typing.TypeIs[bool]", "typing.TypeIs[int]", Maybe),
        ("typing.TypeGuard[int]", "typing.TypeIs[int]", Maybe),
        ("typing.TypeIs[int]", "typing.TypeGuard[int]", Maybe),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter(|(a, b, answer)| fits(a, b) != *answer)
        .map(|(a, b, answer)| format!("{a} as {b}: expected {answer:?}, got {:?}", fits(a, b)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn text_that_is_not_an_annotation_is_unknown_and_never_a_panic() {
    let deep = format!("{}int{}", "list[".repeat(5000), "]".repeat(5000));
    for text in [
        "",
        "[",
        "]",
        "int |",
        "|",
        "f(1)",
        "typing.Literal[",
        "typing.Literal['",
        "typing.Literal['é",
        "typing.Callable[",
        "1",
        "é[ü]|",
        &deep,
    ] {
        let read = parse(text, &lookup);
        assert!(matches!(read, Type::Unknown(_) | Type::Name(..)) || text.contains('é'), "{text}: {read:?}");
        classes().fits(&read, &parse("int", &lookup));
    }
}

#[test]
fn a_name_begins_with_a_letter() {
    for text in ["1", "1a", ".a"] {
        assert_eq!(parse(text, &lookup), Type::Unknown(text.into()));
    }
}

#[test]
fn a_type_is_shown_as_written_and_for_two_unions_only_the_difference() {
    for text in [
        "int",
        "list[int]",
        "tuple[int, ...]",
        "tuple[int, str]",
        "Callable[[int], str]",
        "Callable[..., Any]",
    ] {
        let full = text.replace("Callable", "typing.Callable").replace("Any", "typing.Any");
        assert_eq!(parse(&full, &lookup).to_string(), text);
    }
    let shown = differences(&parse("int | str | None", &lookup), &parse("None | int | bytes", &lookup));
    assert_eq!(shown, ("… | str".to_string(), "… | bytes".to_string()));
}

#[test]
fn a_list_of_other_items_is_refused_as_a_parameter() {
    let other = |a: &str, b: &str| classes().other_items(&parse(a, &lookup), &parse(b, &lookup));
    for (a, b, expected) in [
        ("list[int]", "list[float]", true),
        ("list[float]", "list[int]", true),
        ("list[int] | None", "list[float] | None", true),
        ("dict[str, int]", "dict[str, float]", true),
        ("list[int]", "list[int] | list[float]", false),
        ("list[int]", "list[typing.Any]", false),
        ("list[int]", "list[other.A]", false),
        ("collections.abc.Sequence[int]", "collections.abc.Sequence[float]", false),
        ("list[int]", "set[float]", false),
        ("int", "float", false),
    ] {
        assert_eq!(other(a, b), expected, "{a} as {b}");
    }
}

#[test]
fn brackets_count_only_as_deep_as_they_are() {
    let many = vec!["(int)"; 100].join(" | ");
    assert_eq!(fits(&many, "int"), Yes);
    assert_eq!(fits(&vec!["list[int]"; 100].join(" | "), "list[int]"), Yes);
}

#[test]
fn a_literal_value_has_a_class() {
    for (text, expected) in [
        ("('a',)", Some("tuple")),
        ("()", Some("tuple")),
        ("('a')", None),
        ("(f)(1, 2)", None),
        ("{'a': 1}", Some("dict")),
        ("{}", Some("dict")),
        ("{'a:b'}", Some("set")),
        ("{a for a in b}", None),
        ("[1]", Some("list")),
        ("'a'", Some("str")),
        ("True", Some("bool")),
        ("-1", Some("int")),
        ("1.5", Some("float")),
        ("f(1)", None),
        ("'a' + b", None),
        ("\"a\"", Some("str")),
        ("[1] + a", None),
        ("(1, 2)", Some("tuple")),
        ("((1, 2))", None),
        ("(a for a in (1, 2))", None),
        ("(1, 2) + a", None),
        ("{(1): 2}", Some("dict")),
        ("{f(1), 2}", Some("set")),
        ("{1: 2} | a", None),
        ("{'a': 1 for a in b}", Some("dict")),
        ("-1.5", Some("float")),
        ("1e3", Some("float")),
        ("inf", None),
        ("-a", None),
        ("False", Some("bool")),
        ("", None),
    ] {
        assert_eq!(of_value(text), expected, "{text}");
    }
}

#[test]
fn a_variable_is_itself_whatever_limits_it() {
    let variable = |bound: Option<&str>| {
        let bound = bound.map(|name| Box::new(Type::Name(name.into(), vec![])));
        Type::Variable("demo.T".into(), bound)
    };
    assert_eq!(classes().fits(&variable(None), &variable(Some("int"))), Yes);
    assert_eq!(classes().fits(&variable(Some("str")), &variable(Some("int"))), Yes);
    let of = |name: &str| Type::Name(name.into(), vec![]);
    for (one, bound, expected) in
        [("int", None, Maybe), ("int", Some("int"), Maybe), ("int", Some("str"), No)]
    {
        assert_eq!(classes().fits(&of(one), &variable(bound)), expected, "{one} {bound:?}");
    }
}
