"""`unhex`: the text (UTF-8) whose bytes are given in hexadecimal digits."""

from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.word import TEXT, Example, Parameter, Word
from kzrules.words.arguments import text_in


def unhex_value(digits: Any) -> str:
    """The text."""
    try:
        return bytes.fromhex(text_in("unhex", "digits", digits)).decode()
    except UnicodeDecodeError:
        raise RuleFailure("unhex: the bytes are no UTF-8 text") from None
    except ValueError:
        raise RuleFailure(f"unhex: {digits[:40]!r} is not an even number of hexadecimal digits") from None


WORD = Word(
    name="unhex",
    about="The text (UTF-8) whose bytes are given in hexadecimal digits.",
    parameters=(Parameter("digits", TEXT, "the digits"),),
    gives=TEXT,
    examples=(
        Example('unhex("31c3a9")', gives='"1é"'),
        Example('unhex("3")', fails="even number"),
        Example('unhex("ff")', fails="no UTF-8"),
    ),
    call=unhex_value,
    group="values",
)
