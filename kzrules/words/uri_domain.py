"""`uri_domain`: the domain of a SIP address: the same as `uri_host`, under the name that."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_domain_value(uri: Any) -> str | None:
    """That part of the address."""
    return address(text_in("uri_domain", "uri", uri)).host


WORD = Word(
    name="uri_domain",
    about="The domain of a SIP address: the same as `uri_host`, under the name that Kamailio has for it.",
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_domain("sip:1001@acme.com")', gives='"acme.com"'),
        Example('uri_domain("")', gives="null"),
        Example("uri_domain(null)", fails="this is null"),
    ),
    call=uri_domain_value,
    group="SIP and addresses",
)
