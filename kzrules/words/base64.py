"""`base64`: a text's bytes (UTF-8) in base64."""

import base64
from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import bytes_in


def base64_value(text: Any, url: Any = False) -> str:  # noqa: FBT002  compiled rules give arguments in order
    """The base64 text."""
    content = bytes_in("base64", text)
    return (base64.urlsafe_b64encode if url is True else base64.b64encode)(content).decode()


WORD = Word(
    name="base64",
    about="A text's bytes (UTF-8) in base64.",
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter(
            "url",
            frozenset({Kind.TRUTH}),
            "true for the alphabet of URLs (`-` and `_`)",
            default=False,
            named=True,
        ),
    ),
    gives=TEXT,
    examples=(
        Example('base64("a?~")', gives='"YT9+"'),
        Example('base64("a?~", url: true)', gives='"YT9-"'),
        Example('base64("")', gives='""'),
        Example("base64([])", fails="this is a list"),
    ),
    call=base64_value,
    group="values",
)
