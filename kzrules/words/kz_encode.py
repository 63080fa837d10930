"""`kz_encode`: one segment of a routing key, encoded as the kazoo module's `kz.encode` does it."""

from typing import Any

from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.wire.routing_key import encode_segment
from kzrules.words.arguments import text_in


def kz_encode_value(text: Any) -> str:
    """The encoded segment."""
    return encode_segment(text_in("kz_encode", "text", text))


WORD = Word(
    name="kz_encode",
    about=(
        "One segment of a routing key, encoded as the kazoo module's `kz.encode` does it. `key` "
        "encodes by itself."
    ),
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('kz_encode("sip:100@x.com")', gives='"sip%3A100%40x%2Ecom"'),
        Example('kz_encode("a b")', gives='"a+b"'),
        Example('kz_encode("#")', gives='"#"'),
        Example('kz_encode("é")', gives='"%C3%A9"'),
        Example('kz_encode("")', gives='""'),
        Example("kz_encode(null)", fails="this is null"),
    ),
    call=kz_encode_value,
    group="text",
)
