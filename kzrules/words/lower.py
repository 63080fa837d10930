"""`lower`: text in lower case."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import text_in


def lower_value(text: Any) -> str:
    """The text in lower case."""
    return text_in("lower", "text", text).lower()


WORD = Word(
    name="lower",
    about="Text in lower case.",
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('lower("Acme.COM")', gives='"acme.com"'),
        Example("lower(.Realm)", gives='"é"', given={"Realm": "É"}),
        Example("lower(.Realm)", fails="`text` takes text, and this is null", given={}),
        Example("lower(5)", fails="this is an integer"),
    ),
    call=lower_value,
    group="text",
)
