"""`registrations`: where an address of record is registered."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def _contacts(result: Any) -> list[Any]:
    return [one["Contact"] for one in result["Contacts"]]


def registrations(aor: Any, table: Any) -> Remote:
    """`ul.lookup`, which answers with an error where nobody is registered."""
    absent = ("AOR not found", "AOR has no contacts")
    return Remote("registrations", {"aor": aor, "table": table}, "ul.lookup", [table, aor], _contacts, absent)


WORD = asking(
    "registrations",
    "The contacts of an address of record in Kamailio's location table: a list of objects with `Address`, "
    "`Expires`, `User-Agent`, `Received`, `Ruid` and what else Kamailio knows; null where "
    "nobody is registered.",
    (
        Parameter("aor", TEXT, "user@domain, or the user alone where `use_domain` is off"),
        Parameter("table", TEXT, "the table", "location", named=True),
    ),
    frozenset({Kind.LIST, Kind.NULL}),
    (Example("registrations(.To) else (why) { reject(why) }"),),
    registrations,
)
