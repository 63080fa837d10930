"""`split`: the parts of a text between separators, as a list."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import check_items, integer_in, not_empty, text_in


def split_value(text: Any, separator: Any, most: Any = None) -> list[str]:
    """The parts of the text between separators."""
    whole, mark = text_in("split", "text", text), not_empty("split", "separator", separator)
    if most is None:
        check_items("split", whole.count(mark) + 1)
        return whole.split(mark)
    count = integer_in("split", "most", most)
    if count < 1:
        raise RuleFailure(f"split: `most` is {count}; a text has one part at least")
    check_items("split", min(count, whole.count(mark) + 1))
    return whole.split(mark, count - 1)


WORD = Word(
    name="split",
    about='The parts of a text between separators, as a list. `split(text, ",")[1]` is the second one.',
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("separator", TEXT, "what stands between the parts"),
        Parameter(
            "most",
            frozenset({Kind.INTEGER, Kind.NULL}),
            "how many parts at most; the last one holds the rest",
            None,
            named=True,
        ),
    ),
    gives=frozenset({Kind.LIST}),
    examples=(
        Example('split("a,b,,c", ",")', gives='["a", "b", "", "c"]'),
        Example('split("user@realm", "@")[1]', gives='"realm"'),
        Example('split("a:b:c", ":", most: 2)', gives='["a", "b:c"]'),
        Example('split("", ",")', gives='[""]'),
        Example('split("abc", "")', fails="`separator` is empty text"),
        Example('split("abc", "b", most: 0)', fails="one part at least"),
    ),
    call=split_value,
    group="text",
)
