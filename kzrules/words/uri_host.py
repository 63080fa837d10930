"""`uri_host`: the host of a SIP address, in lower case, an IPv6 address without brackets; null."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_host_value(uri: Any) -> str | None:
    """That part of the address."""
    return address(text_in("uri_host", "uri", uri)).host


WORD = Word(
    name="uri_host",
    about=(
        "The host of a SIP address, in lower case, an IPv6 address without brackets; null where "
        "there is none."
    ),
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_host("sip:1001@Acme.com:5060")', gives='"acme.com"'),
        Example('uri_host("<sip:a@[2001:db8::1]:5061>")', gives='"2001:db8::1"'),
        Example('uri_host("sip:acme.com;lr")', gives='"acme.com"'),
        Example('uri_host("tel:+49")', gives="null"),
        Example("uri_host(null)", fails="this is null"),
    ),
    call=uri_host_value,
    group="SIP and addresses",
)
