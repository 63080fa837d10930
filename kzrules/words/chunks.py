"""`chunks`: a list cut into lists of that many items; the last one may be shorter."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.words.arguments import integer_in, list_in


def chunks_value(items: Any, size: Any) -> list[list[Any]]:
    """The pieces."""
    whole, length = list_in("chunks", "items", items), integer_in("chunks", "size", size)
    if length < 1:
        raise RuleFailure(f"chunks: `size` is {length}; a piece has one item at least")
    return [whole[at : at + length] for at in range(0, len(whole), length)]


WORD = Word(
    name="chunks",
    about=(
        "A list cut into lists of that many items; the last one may be shorter. An answer of "
        "many rows goes out in pieces by it."
    ),
    parameters=(
        Parameter("items", frozenset({Kind.LIST}), "the list"),
        Parameter("size", frozenset({Kind.INTEGER}), "how many items a piece has"),
    ),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example("chunks([1, 2, 3], 2)", gives="[[1, 2], [3]]"),
        Example("chunks([], 50)", gives="[]"),
        Example("chunks([1], 0)", fails="one item at least"),
    ),
    call=chunks_value,
    group="values",
)
