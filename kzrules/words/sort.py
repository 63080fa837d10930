"""`sort`: a list in order: numbers or texts, or, with `by`, objects by a field of theirs."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.values import field, is_number, said
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import list_in, refused, text_in


def sort_value(items: Any, by: Any = None, descending: Any = False) -> list[Any]:  # noqa: FBT002  compiled rules give arguments in order
    """The sorted list."""
    whole = list_in("sort", "items", items)
    wanted = whole if by is None else [field(item, text_in("sort", "by", by)) for item in whole]
    for place, value in enumerate(wanted[1:], 1):
        if not _comparable(wanted[0], value):
            raise RuleFailure(f"sort: {said(wanted[0])} and {said(value)} (item {place}) have no order")
    if wanted and not _comparable(wanted[0], wanted[0]):
        raise refused("sort", "items", wanted[0], "numbers or texts")
    order = sorted(range(len(whole)), key=wanted.__getitem__, reverse=descending is True)
    return [whole[place] for place in order]


def _comparable(one: Any, other: Any) -> bool:
    return (is_number(one) and is_number(other)) or (one.__class__ is other.__class__ is str)


WORD = Word(
    name="sort",
    about=(
        "A list in order: numbers or texts, or, with `by`, objects by a field of theirs. Equal "
        "items keep their places."
    ),
    parameters=(
        Parameter("items", frozenset({Kind.LIST}), "the list"),
        Parameter("by", TEXT | {Kind.NULL}, "the field to sort objects by", None, named=True),
        Parameter(
            "descending", frozenset({Kind.TRUTH}), "true for the largest first", default=False, named=True
        ),
    ),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example("sort([3, 1, 2.5])", gives="[1, 2.5, 3]"),
        Example('sort(["b", "a"], descending: true)', gives='["b", "a"]'),
        Example('sort([{ "n": 2 }, { "n": 1 }], by: "n")', gives='[{ "n": 1 }, { "n": 2 }]'),
        Example("sort([])", gives="[]"),
        Example('sort([1, "a"])', fails="have no order"),
        Example("sort([null])", fails="numbers or texts"),
    ),
    call=sort_value,
    group="values",
)
