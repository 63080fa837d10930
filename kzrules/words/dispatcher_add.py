"""`dispatcher_add`: one more destination of the dispatcher."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking

INTEGER = frozenset({Kind.INTEGER})


def dispatcher_add(group: Any, uri: Any, flags: Any, priority: Any, attrs: Any) -> Remote:
    """`dispatcher.add`."""
    params = [group, uri, flags, priority, *([attrs] if attrs else [])]
    arguments = {"group": group, "uri": uri, "flags": flags, "priority": priority, "attrs": attrs}
    return Remote("dispatcher_add", arguments, "dispatcher.add", params, lambda _: True)


WORD = asking(
    "dispatcher_add",
    "Adds a destination to a group of Kamailio's dispatcher, in memory only, and gives true: the next reload "
    "forgets it.",
    (
        Parameter("group", INTEGER, "the group's number"),
        Parameter("uri", TEXT, "the destination: sip:HOST:PORT"),
        Parameter("flags", INTEGER, "its flags", 0, named=True),
        Parameter("priority", INTEGER, "its priority", 0, named=True),
        Parameter("attrs", TEXT, "its attributes: weight=50;duid=a", "", named=True),
    ),
    frozenset({Kind.TRUTH}),
    (Example('dispatcher_add(1, "sip:{.Host}:5060") else (why) { retry(why) }'),),
    dispatcher_add,
)
