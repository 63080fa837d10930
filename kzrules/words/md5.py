"""`md5`: the MD5 digest of a text, in 32 lower-case hexadecimal digits."""

import hashlib
from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import bytes_in


def md5_value(text: Any) -> str:
    """The digest."""
    return hashlib.md5(bytes_in("md5", text), usedforsecurity=False).hexdigest()


WORD = Word(
    name="md5",
    about=(
        "The MD5 digest of a text, in 32 lower-case hexadecimal digits. It recognises; it does not protect."
    ),
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('md5("sip:fs1@10.0.0.1")', gives='"bebce85e642c5ca9195abac9c0706341"'),
        Example("md5(null)", fails="this is null"),
    ),
    call=md5_value,
    group="values",
)
