"""`uri_port`: the port that a SIP address names; null where it names none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_port_value(uri: Any) -> int | None:
    """That part of the address."""
    return address(text_in("uri_port", "uri", uri)).port


WORD = Word(
    name="uri_port",
    about="The port that a SIP address names; null where it names none.",
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=frozenset({Kind.INTEGER, Kind.NULL}),
    examples=(
        Example('uri_port("sip:a@b:5060")', gives="5060"),
        Example('uri_port("sip:a@[::1]:5061;transport=tls")', gives="5061"),
        Example('uri_port("sip:a@b") ?? 5060', gives="5060"),
        Example('uri_port("sip:a@b:99999")', gives="null"),
        Example("uri_port(null)", fails="this is null"),
    ),
    call=uri_port_value,
    group="SIP and addresses",
)
