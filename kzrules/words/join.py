"""`join`: the items of a list as one text, with a separator between them."""

from typing import Any

from kzrules.language.values import text
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import check_size, list_in, refused, text_in


def join_value(items: Any, separator: Any = "") -> str:
    """The items, put together."""
    mark, parts = text_in("join", "separator", separator), list_in("join", "items", items)
    written = [_written(place, item) for place, item in enumerate(parts)]
    check_size("join", sum(map(len, written)) + len(mark) * len(written))
    return mark.join(written)


def _written(place: int, item: Any) -> str:
    if item is None or item.__class__ is list or item.__class__ is dict:
        raise refused("join", f"items[{place}]", item, "text or a number")
    return text(item)


WORD = Word(
    name="join",
    about=(
        "The items of a list as one text, with a separator between them. Items are texts, "
        "numbers or truth values."
    ),
    parameters=(
        Parameter("items", frozenset({Kind.LIST}), "the list"),
        Parameter("separator", TEXT, "what to put between the items", ""),
    ),
    gives=TEXT,
    examples=(
        Example('join(["a", "b"], ", ")', gives='"a, b"'),
        Example('join([1, 2.5, true], "/")', gives='"1/2.5/true"'),
        Example('join([], ",")', gives='""'),
        Example('join(["a", null], ",")', fails="`items[1]` takes text or a number, and this is null"),
    ),
    call=join_value,
    group="text",
)
