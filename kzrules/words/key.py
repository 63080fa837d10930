"""`key`: a routing key of encoded segments, joined by dots, by the rules of the kazoo module: a."""

from typing import Any

from kzrules.language.word import JSON, TEXT, Example, Parameter, Word
from kzrules.wire.routing_key import join_segments


def key_value(*segments: Any) -> str:
    """The routing key."""
    return join_segments(segments)


WORD = Word(
    name="key",
    about=(
        "A routing key of encoded segments, joined by dots, by the rules of the kazoo module: a "
        "dot in a segment becomes `%2E`, and `#` or `*` alone stay wildcards. A missing or empty "
        "segment, and more than 255 bytes, are failures."
    ),
    parameters=(Parameter("segments", JSON, "the segments: texts, numbers or truth values", rest=True),),
    gives=TEXT,
    examples=(
        Example('key("dialog", "acme.com", "*")', gives='"dialog.acme%2Ecom.*"'),
        Example('key("status", 5)', gives='"status.5"'),
        Example("key(.From)", gives='"sip%3A1001%40acme%2Ecom"', given={"From": "sip:1001@acme.com"}),
        Example('key("dialog", .Realm)', fails="segment 2 of the routing key is missing", given={}),
        Example('key("dialog", "")', fails="segment 2 of the routing key is empty"),
    ),
    call=key_value,
    group="text",
)
