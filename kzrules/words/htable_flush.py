"""`htable_flush`: empty a hash table in Kamailio."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def htable_flush(table: Any) -> Remote:
    """`htable.flush`."""
    return Remote("htable_flush", {"table": table}, "htable.flush", [table], lambda _: True)


WORD = asking(
    "htable_flush",
    "Deletes every entry of an htable in Kamailio, and gives true.",
    (Parameter("table", TEXT, "the table"),),
    frozenset({Kind.TRUTH}),
    (Example('htable_flush("parked") else (why) { done(why) }'),),
    htable_flush,
)
