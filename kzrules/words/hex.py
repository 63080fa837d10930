"""`hex`: the bytes of a text (UTF-8) in lower-case hexadecimal digits, or an integer in them."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import bytes_in


def hex_value(value: Any) -> str:
    """The digits."""
    if value.__class__ is int:
        return f"{value:x}"
    return bytes_in("hex", value).hex()


WORD = Word(
    name="hex",
    about="The bytes of a text (UTF-8) in lower-case hexadecimal digits, or an integer in them.",
    parameters=(Parameter("text", TEXT | {Kind.INTEGER}, "the text or integer"),),
    gives=TEXT,
    examples=(
        Example('hex("1é")', gives='"31c3a9"'),
        Example("hex(255)", gives='"ff"'),
        Example('hex("")', gives='""'),
        Example("hex(true)", fails="this is a truth value"),
    ),
    call=hex_value,
    group="values",
)
