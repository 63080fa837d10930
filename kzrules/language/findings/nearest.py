"""The nearest known name to a wrong one, for every finding that says `did you mean`."""

from collections.abc import Iterable
from difflib import SequenceMatcher

CLOSE_ENOUGH = 0.7
"""Below this likeness a suggestion misleads more often than it helps."""


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `wrong`, or None where none is near."""
    lowered = plain(wrong)
    best, likeness = None, CLOSE_ENOUGH
    for name in sorted(known):
        if lowered == plain(name):
            return name
        matcher = SequenceMatcher(None, lowered, plain(name))
        if matcher.real_quick_ratio() < likeness or matcher.quick_ratio() < likeness:
            continue
        ratio = matcher.ratio()
        if ratio > likeness or (best is None and ratio >= likeness):
            best, likeness = name, ratio
    return best


def plain(name: str) -> str:
    """A name without what fingers get wrong first: case, hyphens and underscores."""
    return name.casefold().replace("-", "").replace("_", "")


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str = "") -> str:
    """A help line: the nearest name, or else `otherwise`."""
    near = nearest(wrong, known)
    return f"did you mean `{near}`?" if near is not None else otherwise


def one_of(names: Iterable[str]) -> str:
    """Names as a person lists them: `a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 argument`, `2 arguments`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
