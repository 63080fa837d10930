"""`htable_set`: write an entry of a hash table in Kamailio."""

from datetime import timedelta
from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking, text_param


def htable_set(table: Any, key: Any, value: Any, expires: Any) -> Remote:
    """`htable.sets`, `seti`, or with a time to live in one step `setxs`, `setxi`."""
    kind = "s" if isinstance(value, str) else "i"
    method, params = f"htable.set{kind}", [table, text_param(key), value]
    if isinstance(expires, timedelta):
        method, params = f"htable.setx{kind}", [*params, round(expires.total_seconds())]
    arguments = {"table": table, "key": key, "value": value, "expires": expires}
    return Remote("htable_set", arguments, method, params, lambda _: True)


WORD = asking(
    "htable_set",
    "Writes an entry of an htable in Kamailio, text or integer, and gives true. `expires` sets its time to "
    "live with it; without it the table's own applies.",
    (
        Parameter("table", TEXT, "the table"),
        Parameter("key", frozenset({Kind.TEXT, Kind.INTEGER}), "the entry"),
        Parameter("value", frozenset({Kind.TEXT, Kind.INTEGER}), "its value"),
        Parameter(
            "expires", frozenset({Kind.DURATION}), "its time to live, in whole seconds", None, named=True
        ),
    ),
    frozenset({Kind.TRUTH}),
    (
        Example('htable_set("calls", .To, .Count) else (why) { retry(why) }'),
        Example('htable_set("parked", .Call-ID, "yes", expires: 10m) else { done }'),
    ),
    htable_set,
)
