"""`uri_user`: the user part of a SIP address, without a password, or the number of a tel."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_user_value(uri: Any) -> str | None:
    """That part of the address."""
    return address(text_in("uri_user", "uri", uri)).user


WORD = Word(
    name="uri_user",
    about=(
        "The user part of a SIP address, without a password, or the number of a tel address; "
        "null where there is none. A display name and what follows `>` do not count."
    ),
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_user("sip:1001@acme.com;transport=tcp")', gives='"1001"'),
        Example('uri_user("\\"Bob <x>\\" <sip:bob:secret@acme.com>;tag=1")', gives='"bob"'),
        Example('uri_user("tel:+4930123;phone-context=x")', gives='"+4930123"'),
        Example('uri_user("1001@acme.com")', gives='"1001"'),
        Example('uri_user("sip:acme.com")', gives="null"),
        Example("uri_user(null)", fails="this is null"),
    ),
    call=uri_user_value,
    group="SIP and addresses",
)
