"""A file's tokens are cut into declarations, so that one mistake stays within one of them."""

from collections.abc import Iterator

from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lexer import Tokens
from kzrules.language.tree import Span

ONE_LINERS = frozenset({"LANGUAGE", "USE", "SETTING"})
STARTERS = ONE_LINERS | {
    "BROKER",
    "SUBSCRIBE",
    "KAMAILIO",
    "TABLE",
    "EVENT_ROUTE",
    "ROUTE",
    "EVERY",
    "ON",
    "TEST",
}
BEGIN_STATEMENTS = frozenset(
    {"NAME", "LET", "IF", "MATCH", "FOR", "RETURN", "DELETE", "EMIT", "AFTER", "DONE", "RETRY", "REJECT"}
)
"""What begins a statement: behind a body it is one that has lost its route."""
VALUE_ENDS = frozenset(
    {
        "NAME",
        "TEXT",
        "INTEGER",
        "DECIMAL",
        "DURATION",
        "TRUE",
        "FALSE",
        "NULL",
        "CLOSE",
        "CLOSE_LIST",
        "CLOSE_BRACE",
    }
)
OPENERS = {"OPEN": "CLOSE", "OPEN_LIST": "CLOSE_LIST", "OPEN_BRACE": "CLOSE_BRACE"}
CLOSERS = {close: open_ for open_, close in OPENERS.items()}


DEEPEST = 50


def pieces(tokens: Tokens, path: str, found: list[Diagnostic]) -> Iterator[tuple[int, int]]:
    """Give the first token of each declaration, and the one behind its last; brackets fit."""
    kinds = tokens.kinds
    depth, start, too_deep = 0, 0, False
    for at, kind in enumerate(kinds):
        if kind in OPENERS:
            depth += 1
            if depth > DEEPEST and not too_deep:
                too_deep = True
                found.append(deep(path, tokens, at))
        elif kind in CLOSERS:
            depth -= 1
        elif depth == 0 and at > start and _begins(tokens, start, at):
            if not too_deep:
                yield start, at
            start, too_deep = at, False
    if start < len(kinds) and not too_deep:
        yield start, len(kinds)


def deep(path: str, tokens: Tokens, at: int) -> Diagnostic:
    """The finding about a place that is nested too deep."""
    column = tokens.column(at)
    span = Span(path, tokens.lines[at], column, tokens.lines[at], column + len(tokens.texts[at]))
    way_out = "part it: values with `let`, blocks with a subroutine, a long `or` with `in [..]`"
    return finding("KZ113", "this is nested too deep", span, help=way_out)


def _begins(tokens: Tokens, start: int, at: int) -> bool:
    kinds = tokens.kinds
    after_body = kinds[at - 1] == "CLOSE_BRACE"
    if kinds[at] in STARTERS:
        return after_body or tokens.first_on_line(at)
    if kinds[at] not in BEGIN_STATEMENTS:
        return False
    if kinds[start] in ONE_LINERS:  # `setting a = 1`, and below it what is no declaration
        return tokens.column(at) == 1 and tokens.first_on_line(at) and kinds[at - 1] in VALUE_ENDS
    return after_body
