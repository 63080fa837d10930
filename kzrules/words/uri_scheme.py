"""`uri_scheme`: the scheme of a SIP or tel address, in lower case; null where there is none."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import text_in
from kzrules.words.sip_uri import address


def uri_scheme_value(uri: Any) -> str | None:
    """That part of the address."""
    return address(text_in("uri_scheme", "uri", uri)).scheme


WORD = Word(
    name="uri_scheme",
    about="The scheme of a SIP or tel address, in lower case; null where there is none.",
    parameters=(Parameter("uri", TEXT, "the address, alone or as a From or Contact header has it"),),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_scheme("SIPS:a@b")', gives='"sips"'),
        Example('uri_scheme("1001@acme.com")', gives="null"),
        Example("uri_scheme(null)", fails="this is null"),
    ),
    call=uri_scheme_value,
    group="SIP and addresses",
)
