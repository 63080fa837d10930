"""What an instrumented rule did, told line by line: each condition with its value and those in it.

Failing tests and traces print it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kzrules.language import tree
from kzrules.routing.compare import shown

MOST = 200
"""Lines; a loop over a long list would say the same again and again."""
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One condition: its place, its source, what it came to, and the values of what it reads."""

    file: str
    line: int
    what: str
    source: str
    value: Any
    reads: tuple[tuple[str, str], ...]


def conditions(files: Iterable[tree.RuleFile]) -> dict[int, str]:
    """The expressions that decide where a rule goes, by their identity, each with the word before it."""
    found: dict[int, str] = {}
    for file in files:
        for item in file.declarations:
            if not isinstance(item, tree.Test):
                _collect(item, found)
    return found


def _collect(node: tree.Node, found: dict[int, str]) -> None:
    match node:
        case tree.EventRoute(when=when) if when is not None:
            found[id(when)] = "when"
        case tree.Branch(condition=condition):
            found[id(condition)] = "if"
        case tree.IfExpr(condition=condition):
            found[id(condition)] = "if"
        case tree.Match(subject=subject):
            found[id(subject)] = "match"
    for child in tree.children(node):
        _collect(child, found)


def journal(
    seen: Sequence[tuple[Any, Any]], known: Mapping[int, str], texts: Mapping[str, str]
) -> tuple[Line, ...]:
    """The conditions in the order in which they were decided."""
    lines: list[Line] = []
    read: list[tuple[Any, Any]] = []
    for node, value in seen:
        if id(node) in known:
            reads = [(source_of(leaf, texts), brief(came)) for leaf, came in read if _within(leaf, node)]
            span = node.span
            source = source_of(node, texts)
            unique = tuple(dict.fromkeys(pair for pair in reads if pair[0] != source))
            lines.append(Line(span.file, span.line, known[id(node)], source, value, unique))
            read.clear()
        elif isinstance(node, tree.Field | tree.Index | tree.Name | tree.Call):
            read.append((node, value))
        if len(lines) == MOST:
            break
    return tuple(lines)


def _within(inner: tree.Node, outer: tree.Node) -> bool:
    one, other = inner.span, outer.span
    return (
        one.file == other.file
        and (other.line, other.column) <= (one.line, one.column)
        and (one.end_line, one.end_column) <= (other.end_line, other.end_column)
    )


def source_of(node: tree.Node, texts: Mapping[str, str]) -> str:
    """The node as it is written, in one line."""
    return source_at(node.span, texts) or type(node).__name__.lower()


def source_at(span: tree.Span, texts: Mapping[str, str]) -> str:
    """What stands there, in one line."""
    lines = texts.get(span.file, "").split("\n")[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return " ".join(" ".join(lines).split())


def brief(value: Any) -> str:
    """A value, cut where it is long."""
    try:
        text = shown(value)
    except Exception:  # noqa: BLE001  a value of the rule's that JSON cannot hold still has a name
        return type(value).__name__
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
