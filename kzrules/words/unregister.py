"""`unregister`: take a registration away."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter
from kzrules.message.action import Remote
from kzrules.words.remote import asking


def unregister(aor: Any, contact: Any, table: Any) -> Remote:
    """`ul.rm`, or `ul.rm_contact` where one contact is named."""
    arguments = {"aor": aor, "contact": contact, "table": table}
    method, params = ("ul.rm", [table, aor]) if contact is None else ("ul.rm_contact", [table, aor, contact])
    absent = ("AOR not found", "Contact not found")
    return Remote("unregister", arguments, method, params, lambda _: True, absent)


WORD = asking(
    "unregister",
    "Takes all contacts of an address of record out of Kamailio's location table, or one of them, and gives "
    "true; null where it was not there.",
    (
        Parameter("aor", TEXT, "user@domain, or the user alone where `use_domain` is off"),
        Parameter("contact", TEXT, "one contact, as `Address` has it; all of them without it", None),
        Parameter("table", TEXT, "the table", "location", named=True),
    ),
    frozenset({Kind.TRUTH, Kind.NULL}),
    (
        Example("unregister(.To) else (why) { retry(why) }"),
        Example("unregister(.To, .Contact) else (why) { retry(why) }"),
    ),
    unregister,
)
