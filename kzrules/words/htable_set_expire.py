"""`htable_set_expire`: another time to live for an entry of a hash table in Kamailio."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking, text_param


def htable_set_expire(table: Any, key: Any, expires: Any) -> Remote:
    """`htable.setex`, in whole seconds."""
    params = [table, text_param(key), round(expires.total_seconds())]
    arguments = {"table": table, "key": key, "expires": expires}
    return Remote("htable_set_expire", arguments, "htable.setex", params, lambda _: True)


WORD = asking(
    "htable_set_expire",
    "Gives an entry of an htable in Kamailio another time to live, and gives true.",
    (
        Parameter("table", TEXT, "the table"),
        Parameter("key", frozenset({Kind.TEXT, Kind.INTEGER}), "the entry"),
        Parameter("expires", frozenset({Kind.DURATION}), "its time to live from now on, in whole seconds"),
    ),
    frozenset({Kind.TRUTH}),
    (Example('htable_set_expire("parked", .Call-ID, 10m) else (why) { done(why) }'),),
    htable_set_expire,
)
