"""`event_route`: run an event route of Kamailio's own."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.message.payload import dumps
from kzrules.words.remote import asking


def event_route(name: Any, data: Any) -> Remote:
    """`evrexec.run`; an object or a list goes as its JSON."""
    given = data if isinstance(data, str) else dumps(data).decode()
    arguments = {"name": name, "data": data}
    return Remote("event_route", arguments, "evrexec.run", [name, given], lambda _: True)


WORD = asking(
    "event_route",
    "Runs an event route of Kamailio's own by its `evrexec` module, and gives true: there the data is "
    "`$evr(data)`. For what Kamailio has no remote call for.",
    (
        Parameter("name", TEXT, "the route, as it stands in the brackets: evrexec:lamps"),
        Parameter("data", frozenset({Kind.TEXT, Kind.OBJECT, Kind.LIST}), "what it is given"),
    ),
    frozenset({Kind.TRUTH}),
    (Example('event_route("evrexec:lamps", { "To": .To, "State": .State }) else (why) { retry(why) }'),),
    event_route,
)
