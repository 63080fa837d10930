"""`sha256`: the SHA-256 digest of a text, in 64 lower-case hexadecimal digits."""

import hashlib
from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import bytes_in


def sha256_value(text: Any) -> str:
    """The digest."""
    return hashlib.sha256(bytes_in("sha256", text)).hexdigest()


WORD = Word(
    name="sha256",
    about="The SHA-256 digest of a text, in 64 lower-case hexadecimal digits.",
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('sha256("")', gives='"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"'),
        Example("sha256(null)", fails="this is null"),
    ),
    call=sha256_value,
    group="values",
)
