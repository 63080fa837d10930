"""`unquote`: text without the quotation marks (single or double) around it; other text stays as it is."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import text_in


def unquote_value(text: Any) -> str:
    """The text between its marks."""
    whole = text_in("unquote", "text", text)
    quoted = len(whole) > 1 and whole[0] == whole[-1] and whole[0] in "\"'"
    return whole[1:-1] if quoted else whole


WORD = Word(
    name="unquote",
    about="Text without the quotation marks (single or double) around it; other text stays as it is.",
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('unquote("\\"Bob\\"")', gives='"Bob"'),
        Example('unquote("Bob")', gives='"Bob"'),
        Example('unquote("\\"")', gives='"\\""'),
        Example("unquote(null)", fails="this is null"),
    ),
    call=unquote_value,
    group="text",
)
