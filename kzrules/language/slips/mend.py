"""What repairs have in common: where the token in hand stands, telling of it, and turning it, or the
one before it, into another.
"""

from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix
from kzrules.language.findings.finding import Few, finding
from kzrules.language.parsing.lalr import Walk
from kzrules.language.parsing.split import CLOSERS, OPENERS


def tell(  # noqa: PLR0917  a finding has as many parts
    walk: Walk,
    found: list[Diagnostic],
    code: str,
    message: str,
    way_out: str,
    new: str | None = None,
    *,
    safe: bool = True,
    first: int | None = None,
    last: int | None = None,
) -> bool:
    """A finding at the token in hand, or from the token `first` to `last`; `new` goes in their place."""
    if isinstance(found, Few) and found.full:
        return True
    first = walk.at if first is None else first
    span = walk.builder.span(first, first if last is None else last)
    fix = None if new is None else Fix(way_out, (Edit(span, new),), safe=safe)
    found.append(finding(code, message, span, help=way_out, fix=fix))
    return True


def turn(walk: Walk, kind: str, text: str) -> bool:
    """Take the token in hand for another one."""
    walk.kinds[walk.at] = kind
    walk.builder.tokens.texts[walk.at] = text
    return True


def before(walk: Walk) -> str:
    """The name before the token in hand, if nothing was made of it yet; else nothing."""
    at = walk.at - 1
    alone = at >= 0 and bool(walk.firsts) and walk.firsts[-1] == at
    return walk.builder.tokens.texts[at] if alone and walk.builder.tokens.texts[at].isidentifier() else ""


def wanted_before(walk: Walk, kind: str) -> bool:
    """Whether a token of that kind would have fitted in place of the one before."""
    top = walk.states.pop()
    try:
        return walk.accepts(kind)
    finally:
        walk.states.append(top)


def forget(walk: Walk) -> bool:
    """Take the token before the one in hand as not there."""
    del walk.states[-1], walk.values[-1], walk.firsts[-1]
    return True


def retake(walk: Walk, kind: str, text: str) -> bool:
    """Take the token before the one in hand for another one, and go on from there."""
    forget(walk)
    walk.at -= 1
    return turn(walk, kind, text)


def touches(walk: Walk, at: int) -> bool:
    """Whether no blank parts a token from the one before it."""
    tokens = walk.builder.tokens
    return at > 0 and tokens.ends[at - 1] == tokens.starts[at]


def behind_brackets(walk: Walk, at: int) -> int:
    """The place behind the bracket that closes the one at `at`."""
    depth = 0
    for place in range(at, walk.last):
        depth += (walk.kinds[place] in OPENERS) - (walk.kinds[place] in CLOSERS)
        if depth == 0:
            return place + 1
    return walk.last


def source(walk: Walk, first: int, last: int) -> str:
    """The text from one token to another, in one line and not too long for a message."""
    tokens = walk.builder.tokens
    text = " ".join(tokens.text[tokens.starts[first] : tokens.ends[last]].split())
    return text if len(text) <= 60 else f"{text[:57]}..."
