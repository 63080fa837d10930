"""`htable_delete`: forget an entry of a hash table in Kamailio."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking, text_param


def htable_delete(table: Any, key: Any) -> Remote:
    """`htable.delete`, which answers with an error where there is no such key."""
    arguments = {"table": table, "key": key}
    params = [table, text_param(key)]
    absent = ("Key not found",)
    return Remote("htable_delete", arguments, "htable.delete", params, lambda _: True, absent)


WORD = asking(
    "htable_delete",
    "Deletes an entry of an htable in Kamailio and gives true; null where there was none.",
    (
        Parameter("table", TEXT, "the table"),
        Parameter("key", frozenset({Kind.TEXT, Kind.INTEGER}), "the entry"),
    ),
    frozenset({Kind.TRUTH, Kind.NULL}),
    (Example('htable_delete("parked", .Call-ID) else (why) { retry(why) }'),),
    htable_delete,
)
