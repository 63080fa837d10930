"""`unbase64`: the text (UTF-8) in a base64 text of either alphabet, padded or not."""

import base64
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import text_in


def unbase64_value(text: Any) -> str:
    """The text."""
    plain = text_in("unbase64", "text", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except UnicodeDecodeError:
        raise RuleFailure("unbase64: the bytes are no UTF-8 text") from None
    except ValueError:
        raise RuleFailure(f"unbase64: {text[:40]!r} is no base64") from None


WORD = Word(
    name="unbase64",
    about="The text (UTF-8) in a base64 text of either alphabet, padded or not.",
    parameters=(Parameter("text", TEXT, "the text"),),
    gives=TEXT,
    examples=(
        Example('unbase64("YT9+")', gives='"a?~"'),
        Example('unbase64("YT9-")', gives='"a?~"'),
        Example('unbase64("YQ")', gives='"a"'),
        Example('unbase64("!")', fails="is no base64"),
        Example('unbase64("/w==")', fails="no UTF-8"),
    ),
    call=unbase64_value,
    group="values",
)
