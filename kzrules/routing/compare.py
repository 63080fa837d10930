"""How far a value is from what a test expects: rows side by side, with the differing ones marked.

`trial` asks whether values match; `cli.test` shows the rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kzrules.language.values import duration_text, equal
from kzrules.message.payload import TRANSPORT, dumps


@dataclass(frozen=True, slots=True)
class Part:
    """`has { ... }` or `has [ ... ]`: these are there, others may be too."""

    value: Any


@dataclass(frozen=True, slots=True)
class Anything:
    """An argument that the test left out."""


ANYTHING = Anything()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of both sides; an empty side has nothing there. `path` is that of a payload's field."""

    expected: str
    actual: str
    same: bool
    path: str = ""


def matches(expected: Any, actual: Any) -> bool:  # noqa: PLR0911  a case each
    """True: the value is what the test expects."""
    match expected:
        case Anything():
            return True
        case Part(value=dict() as fields):
            return isinstance(actual, dict) and all(
                name in actual and matches(item, actual[name]) for name, item in fields.items()
            )
        case Part(value=list() as items):
            return isinstance(actual, list) and all(
                any(matches(item, one) for one in actual) for item in items
            )
        case Part(value=value):
            return matches(value, actual)
        case dict():
            return _same_fields(expected, actual)
        case list():
            return (
                isinstance(actual, list)
                and len(expected) == len(actual)
                and all(matches(one, other) for one, other in zip(expected, actual, strict=True))
            )
    return equal(expected, actual)


def _same_fields(expected: Mapping[str, Any], actual: Any) -> bool:
    return (
        isinstance(actual, dict)
        and expected.keys() == actual.keys()
        and all(matches(item, actual[name]) for name, item in expected.items())
    )


def unstamped(expected: Any, actual: Any) -> Any:
    """A published object without what is filled into every message, unless the test speaks of it."""
    named = expected.value if isinstance(expected, Part) else expected
    if not isinstance(actual, dict) or not isinstance(named, dict):
        return actual
    return {name: item for name, item in actual.items() if name not in TRANSPORT or name in named}


def distance(expected: Any, actual: Any) -> int:
    """In how many places they differ: the nearest of several is the one to show."""
    return sum(not row.same for row in rows(expected, actual))


def rows(expected: Any, actual: Any, path: str = "", name: str = "", depth: int = 0) -> Iterator[Row]:
    """Both values as lines of JSON beside each other."""
    whole = not isinstance(expected, Part)
    value = expected if whole else expected.value
    pad = "  " * depth + name
    if isinstance(value, dict) and isinstance(actual, dict):
        yield Row(f"{pad}{{" if whole else f"{pad}has {{", f"{pad}{{", same=True, path=path)
        yield from _fields(value, actual, path, depth + 1, whole=whole)
        yield Row(f"{'  ' * depth}}}", f"{'  ' * depth}}}", same=True, path=path)
    elif isinstance(value, list) and isinstance(actual, list) and whole:
        yield Row(f"{pad}[", f"{pad}[", same=True, path=path)
        yield from _items(value, actual, path, depth + 1)
        yield Row(f"{'  ' * depth}]", f"{'  ' * depth}]", same=True, path=path)
    else:
        yield Row(
            f"{pad}{shown(expected)}", f"{pad}{shown(actual)}", same=matches(expected, actual), path=path
        )


def _fields(
    expected: Mapping[str, Any], actual: Mapping[str, Any], path: str, depth: int, *, whole: bool
) -> Iterator[Row]:
    pad = "  " * depth
    for name, item in expected.items():
        label, place = f"{quoted(name)}: ", f"{path}.{name}"
        if name in actual:
            yield from rows(item, actual[name], place, label, depth)
        else:
            yield Row(f"{pad}{label}{shown(item)}", "", same=False, path=place)
    further = [name for name in actual if name not in expected]
    if not whole:
        if further:
            yield Row("", f"{pad}... {len(further)} more", same=True, path=path)
        return
    for name in further:
        yield Row("", f"{pad}{quoted(name)}: {shown(actual[name])}", same=False, path=f"{path}.{name}")


def _items(expected: list[Any], actual: list[Any], path: str, depth: int) -> Iterator[Row]:
    pad = "  " * depth
    for at in range(max(len(expected), len(actual))):
        place = f"{path}[{at}]"
        if at >= len(actual):
            yield Row(f"{pad}{shown(expected[at])}", "", same=False, path=place)
        elif at >= len(expected):
            yield Row("", f"{pad}{shown(actual[at])}", same=False, path=place)
        else:
            yield from rows(expected[at], actual[at], place, "", depth)


def quoted(name: str) -> str:
    """A name as JSON writes it."""
    return dumps(name).decode()


def shown(value: Any) -> str:
    """A value in one line, as a rule would write it."""
    match value:
        case Anything():
            return "(anything)"
        case Part(value=inner):
            return f"has {shown(inner)}"
        case dict():
            inner = ", ".join(f"{quoted(name)}: {shown(item)}" for name, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list():
            return f"[{', '.join(shown(item) for item in value)}]"
        case _ if hasattr(value, "total_seconds"):
            return duration_text(value)
    return dumps(value).decode()
