"""What happens where a token does not fit: a finding, a repair where the meaning is plain, else the
statement is left out. `parse` calls.
"""

from typing import Any

from kzrules.language.diagnostic import Diagnostic
from kzrules.language.finding import finding
from kzrules.language.lalr import Walk


def walk_through(walk: Walk, found: list[Diagnostic]) -> Any:
    """Walk to the end; return what was made, None if there is nothing left of it."""
    if walk.run():
        return walk.values[0]
    at = min(walk.at, walk.last - 1)
    span = walk.builder.span(at, at)
    found.append(finding("KZ101", f"`{walk.builder.word(at)}` does not fit here", span))
    return None
