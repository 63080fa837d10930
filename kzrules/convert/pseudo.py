"""Pseudo-variables taken apart: `$(kzE{kz.json,From}{s.tolower})` is a name, an inner text, an index
and transformations. Texts are parted into what is written and the variables in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Transformation:
    """`{name,rest}`; what follows the first comma is as it is written."""

    name: str
    rest: str = ""

    def arguments(self) -> list[str]:
        """The rest between commas."""
        return self.rest.split(",") if self.rest else []


@dataclass(frozen=True, slots=True)
class Pseudo:
    """One pseudo-variable. `name` is in its own spelling, `inner` what stands in its parentheses."""

    name: str
    inner: str | None
    index: str | None
    transformations: tuple[Transformation, ...]
    text: str

    @property
    def key(self) -> tuple[str, str] | None:
        """What a variable that rules can hold is found by; None for all others."""
        if self.name in ("var", "vn", "vz"):
            return "var", str(self.inner)
        if self.name in ("avp", "xavp", "xavu"):
            return "avp", _plain(str(self.inner))
        if self.name == "kzR":
            return "kz", "R"
        return None


def _plain(inner: str) -> str:
    """The name of an AVP without its type; that of an XAVP without its indexes."""
    return re.sub(r"\[[0-9]+\]", "", re.sub(r"^[si]:", "", inner.strip()))


def whole(text: str) -> Pseudo | None:
    """A text that is one pseudo-variable and nothing else."""
    found = _read(text, 0)
    return found[0] if found is not None and found[1] == len(text) else None


def parts(text: str) -> Iterator[str | Pseudo]:
    """What is written, and the variables in it; `$$` is a dollar."""
    at = start = 0
    written = ""
    while at < len(text):
        if text[at] != "$":
            at += 1
            continue
        if text.startswith("$$", at):
            written += text[start : at + 1]
            at = start = at + 2
            continue
        found = _read(text, at)
        if found is None:
            at += 1
            continue
        written += text[start:at]
        if written:
            yield written
        written = ""
        yield found[0]
        at = start = found[1]
    if written + text[start:]:
        yield written + text[start:]


def _read(text: str, at: int) -> tuple[Pseudo, int] | None:
    """A pseudo-variable that begins at `at`, and where it ends."""
    if not text.startswith("$", at):
        return None
    if text.startswith("$(", at):
        end = _closing(text, at + 1)
        if end is None or (made := _inside(text[at + 2 : end].strip(), text[at : end + 1])) is None:
            return None
        return made, end + 1
    found = _NAME.match(text, at + 1)
    if found is None:
        return None
    end = found.end()
    inner = None
    if text.startswith("(", end):
        closing = _closing(text, end)
        if closing is None:
            return None
        inner, end = text[end + 1 : closing], closing + 1
    return Pseudo(found[0], inner, None, (), text[at:end]), end


def _inside(text: str, written: str) -> Pseudo | None:
    """What stands between `$(` and `)`."""
    found = _NAME.match(text)
    if found is None:
        return None
    at = found.end()
    inner = index = None
    if text.startswith("(", at):
        closing = _closing(text, at)
        if closing is None:
            return None
        inner, at = text[at + 1 : closing], closing + 1
    if text.startswith("[", at):
        closing = _closing(text, at)
        if closing is None:
            return None
        index, at = text[at + 1 : closing], closing + 1
    transformations: list[Transformation] = []
    while at < len(text):
        if text[at] != "{":
            if not text[at].isspace():
                return None
            at += 1
            continue
        closing = _closing(text, at)
        if closing is None:
            return None
        name, _, rest = text[at + 1 : closing].partition(",")
        transformations.append(Transformation(name.strip().lower(), rest))
        at = closing + 1
    return Pseudo(found[0], inner, index, tuple(transformations), written)


def _closing(text: str, at: int) -> int | None:
    """Where the bracket at `at` is closed; only brackets of its own kind and parentheses count."""
    opened, closing = text[at], _PAIRS[text[at]]
    depth = 0
    for place in range(at, len(text)):
        if text[place] == opened:
            depth += 1
        elif text[place] == closing:
            depth -= 1
            if depth == 0:
                return place
    return None
