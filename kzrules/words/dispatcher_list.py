"""`dispatcher_list`: the dispatcher's destinations."""

from typing import Any

from kzrules.language.word import Example, Kind
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def _destinations(result: Any) -> list[dict[str, Any]]:
    return [
        {
            "group": one["SET"]["ID"],
            "uri": target["DEST"]["URI"],
            "flags": target["DEST"]["FLAGS"],
            "priority": target["DEST"]["PRIORITY"],
        }
        for one in result["RECORDS"]
        for target in one["SET"]["TARGETS"]
    ]


def dispatcher_list() -> Remote:
    """`dispatcher.list`."""
    return Remote("dispatcher_list", {}, "dispatcher.list", [], _destinations, ("No Destination Sets",))


WORD = asking(
    "dispatcher_list",
    "The destinations of Kamailio's dispatcher: a list of `{ group, uri, flags, priority }`.",
    (),
    frozenset({Kind.LIST}),
    (Example("dispatcher_list() else { use [] }"),),
    dispatcher_list,
)
