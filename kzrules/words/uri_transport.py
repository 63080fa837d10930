"""`uri_transport`: the transport that a SIP address names, in lower case; null where it names none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_transport_value(uri: Any) -> str | None:
    """That part of the address."""
    return address(text_in("uri_transport", "uri", uri)).transport


WORD = Word(
    name="uri_transport",
    about="The transport that a SIP address names, in lower case; null where it names none.",
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_transport("sip:a@b;transport=TLS;lr")', gives='"tls"'),
        Example('uri_transport("sip:a@b") ?? "udp"', gives='"udp"'),
        Example('uri_transport("<sip:a@b>;transport=tcp")', gives="null"),
        Example("uri_transport(null)", fails="this is null"),
    ),
    call=uri_transport_value,
    group="SIP and addresses",
)
