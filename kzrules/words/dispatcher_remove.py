"""`dispatcher_remove`: one destination of the dispatcher less."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def dispatcher_remove(group: Any, uri: Any) -> Remote:
    """`dispatcher.remove`."""
    return Remote(
        "dispatcher_remove", {"group": group, "uri": uri}, "dispatcher.remove", [group, uri], lambda _: True
    )


WORD = asking(
    "dispatcher_remove",
    "Takes a destination out of a group of Kamailio's dispatcher, in memory only, and gives true.",
    (
        Parameter("group", frozenset({Kind.INTEGER}), "the group's number"),
        Parameter("uri", TEXT, "the destination, as it was added"),
    ),
    frozenset({Kind.TRUTH}),
    (Example('dispatcher_remove(1, "sip:{.Host}:5060") else (why) { retry(why) }'),),
    dispatcher_remove,
)
