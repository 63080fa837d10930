"""`replace`: text with every occurrence of one text replaced by another."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import check_size, not_empty, text_in


def replace_value(text: Any, old: Any, new: Any) -> str:
    """The text with every `old` replaced by `new`."""
    whole = text_in("replace", "text", text)
    sought, put = not_empty("replace", "old", old), text_in("replace", "new", new)
    if len(put) > len(sought):
        check_size("replace", len(whole) + whole.count(sought) * (len(put) - len(sought)))
    return whole.replace(sought, put)


WORD = Word(
    name="replace",
    about=(
        "Text with every occurrence of one text replaced by another. For patterns there is `replace_matches`."
    ),
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter("old", TEXT, "what to look for"),
        Parameter("new", TEXT, "what to put in its place; empty text takes it away"),
    ),
    gives=TEXT,
    examples=(
        Example('replace("a.b.c", ".", "-")', gives='"a-b-c"'),
        Example('replace("1 2 3", " ", "")', gives='"123"'),
        Example('replace("abc", "x", "y")', gives='"abc"'),
        Example('replace("abc", "", "y")', fails="`old` is empty text"),
    ),
    call=replace_value,
    group="text",
)
