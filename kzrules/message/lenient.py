"""JSON as the kazoo module's parser (json-c, not strict) takes it, for senders that never were strict.

Read with `json: lenient`, and only where the strict reader refuses: single quotes, comments,
commas before a closing bracket, anything behind the first value, `NaN` (as null), `True` and
`TRUE`. Called by `routing.book`.

JSON5 parsers do not fit: tried, pyjson5 and json5 refuse what follows the object, `True` and `01`,
give `NaN` as a number, and take keys without quotes, which json-c refuses.
"""

import re
from typing import Any

from kzrules.errors import PayloadError
from kzrules.message.payload import MAX_BYTES, MAX_DEPTH, loads

_PIECE = re.compile(
    r"""(?P<skip>[ \t\r\n]+|/\*.*?\*/|//[^\n]*)
    |(?P<double>"[^"\\]*+(?:\\.[^"\\]*+)*+")
    |(?P<single>'[^'\\]*+(?:\\.[^'\\]*+)*+')
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[A-Za-z]+)
    |(?P<mark>[{}\[\]:,])""",
    re.DOTALL | re.VERBOSE,
)
MAX_MENDED = 1024 * 1024
"""The largest body that is mended: it is taken apart piece by piece, which takes some hundred times as
long, and as much memory, as reading it does."""
_WORDS = {"true": "true", "false": "false", "null": "null", "nan": "null"}


def loads_lenient(body: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The object that a body holds, strictly read or else mended first."""
    try:
        return loads(body, max_bytes)
    except PayloadError as strict:
        if len(body) > min(max_bytes, MAX_MENDED):
            raise
        mended = _mended(body)
        if mended is None:
            raise
        try:
            return loads(mended, max_bytes)
        except PayloadError:
            raise strict from None


def _mended(body: bytes) -> bytes | None:
    """The first value of the body as strict JSON; None where that cannot be made."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    made: list[str] = []
    depth, at = 0, 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None or piece.lastgroup is None:
            return None
        at = piece.end()
        written = _written(piece.lastgroup, piece[0])
        if written in {"}", "]"} and made and made[-1] == ",":
            made.pop()
        if written:
            made.append(written)
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(written, 0)
        if (made and depth <= 0) or depth > MAX_DEPTH:
            break
    return "".join(made).encode("utf-8", "replace")


def _written(kind: str, piece: str) -> str:
    """One piece as strict JSON."""
    match kind:
        case "skip":
            return ""
        case "single":
            inner = re.sub(
                r"\\.|\"", lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), piece[1:-1]
            )
            return f'"{inner}"'
        case "word":
            return _WORDS.get(piece.lower(), piece)
        case "number":
            sign, digits = ("-", piece[1:]) if piece.startswith("-") else ("", piece)
            whole = re.match("0*([0-9])", digits)
            return sign + digits[whole.start(1) :] if whole else piece
    return piece
