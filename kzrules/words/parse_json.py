"""`parse_json`: the value that a JSON text holds, as strictly as payloads are read."""

from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language.word import ANY, TEXT, Example, Parameter, Word
from kzrules.message.payload import loads_value
from kzrules.words.arguments import text_in


def parse_json_value(value: Any, default: Any = None) -> Any:
    """The value in the text."""
    whole = text_in("parse_json", "text", value)
    try:
        return loads_value(whole.encode())
    except PayloadError as wrong:
        if default is None:
            raise RuleFailure(f"parse_json: {wrong}") from None
    except UnicodeEncodeError:
        if default is None:
            raise RuleFailure("parse_json: the text holds half a character") from None
    return default


WORD = Word(
    name="parse_json",
    about=(
        "The value that a JSON text holds, as strictly as payloads are read. Text that is no "
        "JSON is a failure, unless a `default` is given."
    ),
    parameters=(
        Parameter("text", TEXT, "the text"),
        Parameter(
            "default",
            ANY,
            "what to give in place of a text that is no JSON; null for a failure",
            None,
            named=True,
        ),
    ),
    gives=ANY,
    examples=(
        Example('parse_json("[1, 2.5, null]")', gives="[1, 2.5, null]"),
        Example('parse_json("{{}}")', gives="{}"),
        Example('parse_json("5")', gives="5"),
        Example('parse_json("x", default: {})', gives="{}"),
        Example('parse_json("{{")', fails="not JSON"),
        Example('parse_json("NaN")', fails="not JSON"),
        Example('parse_json("")', fails="empty"),
        Example("parse_json(null)", fails="this is null"),
    ),
    call=parse_json_value,
    group="values",
)
