"""`uri_param`: a parameter of a SIP address, as it is written; null where it is not there, empty."""

from typing import Any

from kzrules.language.word import TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import not_empty, text_in
from kzrules.words.sip_uri import address


def uri_param_value(uri: Any, name: Any) -> str | None:
    """The parameter's value."""
    found = address(text_in("uri_param", "uri", uri))
    return found.parameter(not_empty("uri_param", "name", name))


WORD = Word(
    name="uri_param",
    about=(
        "A parameter of a SIP address, as it is written; null where it is not there, empty text "
        "where it has no value."
    ),
    parameters=(
        Parameter("uri", TEXT, "the address"),
        Parameter("name", TEXT, "the parameter's name, in any case"),
    ),
    gives=TEXT | {Kind.NULL},
    examples=(
        Example('uri_param("sip:a@b;fs_path=x;lr", "fs_path")', gives='"x"'),
        Example('uri_param("sip:a@b;lr", "LR")', gives='""'),
        Example('uri_param("sip:a@b;lr?Subject=x", "subject")', gives="null"),
        Example('uri_param("sip:a@b", "")', fails="`name` is empty text"),
    ),
    call=uri_param_value,
    group="SIP and addresses",
)
