"""A file's tokens are cut into declarations, so that one mistake stays within one of them."""

from collections.abc import Iterator

from kzrules.language.diagnostic import Diagnostic
from kzrules.language.lexer import Tokens

ONE_LINERS = frozenset({"LANGUAGE", "USE", "SETTING"})
STARTERS = ONE_LINERS | {
    "BROKER",
    "SUBSCRIBE",
    "TABLE",
    "EVENT_ROUTE",
    "ROUTE",
    "EVERY",
    "ON",
    "TEST",
}
OPENERS = {"OPEN": "CLOSE", "OPEN_LIST": "CLOSE_LIST", "OPEN_BRACE": "CLOSE_BRACE"}
CLOSERS = {close: open_ for open_, close in OPENERS.items()}


def pieces(tokens: Tokens, path: str, found: list[Diagnostic]) -> Iterator[tuple[int, int]]:
    """Give the first token of each declaration, and the one behind its last."""
    kinds = tokens.kinds
    depth, start = 0, 0
    for at, kind in enumerate(kinds):
        if kind in OPENERS:
            depth += 1
        elif kind in CLOSERS:
            depth -= 1
        elif depth == 0 and at > start and _begins(tokens, start, at):
            yield start, at
            start = at
    if start < len(kinds):
        yield start, len(kinds)


def _begins(tokens: Tokens, start: int, at: int) -> bool:
    kinds = tokens.kinds
    after_body = kinds[at - 1] == "CLOSE_BRACE"
    if kinds[at] in STARTERS:
        return after_body or tokens.first_on_line(at)
    return after_body and kinds[start] not in ONE_LINERS and kinds[at] == "NAME"
