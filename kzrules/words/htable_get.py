"""`htable_get`: an entry of a hash table in Kamailio."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking, text_param


def _value(result: Any) -> Any:
    return result["item"]["value"]


def htable_get(table: Any, key: Any) -> Remote:
    """`htable.get`, which answers with an error where there is no such key."""
    params = [table, text_param(key)]
    absent = ("Key name doesn't exist",)
    return Remote("htable_get", {"table": table, "key": key}, "htable.get", params, _value, absent)


WORD = asking(
    "htable_get",
    "The value of an entry of an htable in Kamailio, text or integer; null where there is none.",
    (
        Parameter("table", TEXT, "the table, as `modparam` names it"),
        Parameter("key", frozenset({Kind.TEXT, Kind.INTEGER}), "the entry"),
    ),
    frozenset({Kind.TEXT, Kind.INTEGER, Kind.NULL}),
    (Example('htable_get("calls", .To) else { use null }'),),
    htable_get,
)
