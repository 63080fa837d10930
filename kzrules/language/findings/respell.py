"""A slip of the finger in a name, put right. `--fix` may do it only where one name alone can be meant."""

from collections.abc import Iterable

from kzrules.language.findings.diagnostic import Edit, Fix
from kzrules.language.findings.nearest import nearest, plain
from kzrules.language.span import Span

SHORTEST = 4
"""In shorter names one letter makes another word: `min` is no slip of `max`."""


def meant(wrong: str, known: Iterable[str]) -> str | None:
    """The one name that is a single slip away (a letter wrong, missing, too many, or two swapped)."""
    names = set(known) - {wrong}
    near = [name for name in names if _slipped(plain(wrong), plain(name))]
    return near[0] if len(near) == 1 and near[0] == nearest(wrong, names) else None


def respelt(span: Span, wrong: str, known: Iterable[str], *, safe: bool = True) -> Fix | None:
    """The fix for a name that begins where `span` does."""
    name = meant(wrong, known)
    if name is None:
        return None
    place = Span(span.file, span.line, span.column, span.line, span.column + len(wrong))
    return Fix(f"write `{name}`", (Edit(place, name),), safe=safe)


def respelt_end(span: Span, wrong: str, known: Iterable[str], *, safe: bool = True) -> Fix | None:
    """The fix for a name that ends where `span` does."""
    start = Span(span.file, span.end_line, span.end_column - len(wrong), span.end_line, span.end_column)
    return respelt(start, wrong, known, safe=safe)


def _slipped(one: str, other: str) -> bool:
    if one == other:
        return True
    if min(len(one), len(other)) < SHORTEST:
        return False
    start = _alike(one, other)
    one, other = one[start:], other[start:]
    end = _alike(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    swapped = len(one) == 2 and one == other[::-1]
    return swapped or max(len(one), len(other)) == 1


def _alike(one: str, other: str) -> int:
    """How many letters are the same from the left."""
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
