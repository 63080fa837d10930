"""What the words that ask Kamailio have in common: their last parameters, and how a call becomes a method."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kzrules.language.word import TEXT, Doing, Example, Kind, Parameter, Word
from kzrules.message.action import Remote

TIMEOUT = Parameter(
    "timeout", frozenset({Kind.DURATION}), "how long to wait", timedelta(seconds=2), named=True
)
ON = Parameter(
    "on", TEXT, "the Kamailio, by its declaration; else the one that asked, or the only one", None, named=True
)


def asking(  # noqa: PLR0917  a word's parts, in the order of `Word`
    name: str,
    about: str,
    parameters: tuple[Parameter, ...],
    gives: frozenset[Kind],
    examples: tuple[Example, ...],
    ask: Callable[..., Remote],
) -> Word:
    """A word that asks Kamailio by JSON-RPC; it can fail, and says so once for all of them."""
    return Word(
        name=name,
        about=about,
        parameters=(*parameters, TIMEOUT, ON),
        gives=gives,
        examples=examples,
        call=ask,
        doing=Doing.RPC,
        fallible=True,
        pure=False,
        group="Kamailio",
    )


def text_param(value: Any) -> Any:
    """A key of a table as Kamailio has it: text. `true` and lists are left to Kamailio to refuse."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
