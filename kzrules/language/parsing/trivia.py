"""Comments and blank lines find the nodes that they belong to; `# kz: ignore[...]` becomes a
`Silence`. `parse` calls once a file is read.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kzrules.language import tree as t
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import finding
from kzrules.language.parsing.lexer import Tokens, Trivia
from kzrules.language.tree import Comments, Node, Span

CONTAINERS = (
    t.RuleFile, t.Block, t.Broker, t.Zone, t.Subscribe, t.Kamailio, t.Table, t.Target, t.Test, t.Match,
    t.ObjectExpr, t.ListExpr, t.Call,
)  # fmt: skip
OWNERS = (
    t.Language, t.UseFile, t.Setting, t.Broker, t.Subscribe, t.Kamailio, t.Table, t.EventRoute, t.Route,
    t.Every, t.OnExpired, t.OnHook, t.Test, t.Let, t.Assign, t.TableSet, t.Delete, t.DeleteWhere, t.Emit,
    t.After, t.If, t.Match, t.For, t.Return, t.Use, t.End, t.Do, t.Pair, t.Zone, t.Target, t.Entry, t.Spread,
    t.Arm, t.Argument, t.GivenSetting, t.GivenTable, t.GivenCall, t.EventStep, t.PassTime, t.ExpectRoute,
    t.ExpectCall, t.ExpectValue, t.ExpectEnd,
)  # fmt: skip

Place = tuple[int, int]


@dataclass(slots=True)
class _Kept:
    node: Node
    before: list[str] = field(default_factory=list)
    trailing: str | None = None
    inside: list[str] = field(default_factory=list)
    opening: str | None = None


class _Attaching:
    def __init__(self) -> None:
        self.kept: dict[int, _Kept] = {}
        self.below: dict[int, tuple[list[Place], list[Node]]] = {}
        self.items: set[int] = set()

    def keep(self, node: Node) -> _Kept:
        return self.kept.setdefault(id(node), _Kept(node))

    def kids(self, node: Node) -> tuple[list[Place], list[Node]]:
        """The nodes below that own comments or hold some, in their order, and where they begin."""
        if id(node) not in self.below:
            found = sorted(self._kids(node), key=_start)
            self.below[id(node)] = [_start(kid) for kid in found], found
        return self.below[id(node)]

    def _kids(self, node: Node) -> Iterable[Node]:
        listed = isinstance(node, t.ListExpr | t.Zone | t.Broker)
        for child in t.children(node):
            if listed or isinstance(child, OWNERS):
                self.items.add(id(child))
                yield child
            elif isinstance(child, CONTAINERS):
                yield child
            else:
                yield from self._kids(child)

    def put(self, node: Node, one: Trivia, place: Place) -> None:
        """Give a comment to the node, or to one below it."""
        starts, kids = self.kids(node)
        index = bisect_left(starts, place)
        before = kids[index - 1] if index else None
        after = kids[index] if index < len(kids) else None
        if before is not None and _end(before) > place:
            self.put(before, one, place)
        elif not one.text:
            self._blank(node, before, after)
        elif not one.own and before is not None and id(before) in self.items and _end(before)[0] == one.line:
            self._behind(before, one)
        elif (
            not one.own
            and isinstance(node, CONTAINERS)
            and self.keep(node).opening is None
            and before is None
        ):
            self.keep(node).opening = one.text
        elif after is not None and id(after) in self.items:
            self.keep(after).before.append(one.text)
        elif isinstance(node, CONTAINERS):
            self.keep(node).inside.append(one.text)
        else:
            self.keep(node).before.append(one.text)

    def _behind(self, node: Node, one: Trivia) -> None:
        kept = self.keep(node)
        kept.trailing = one.text if kept.trailing is None else f"{kept.trailing} {one.text}"

    def _blank(self, node: Node, before: Node | None, after: Node | None) -> None:
        """A blank line stays between two things; at the start or the end of a block it goes."""
        if after is not None and id(after) in self.items:
            if before is not None or self.keep(after).before:
                self.keep(after).before.append("")
        elif isinstance(node, CONTAINERS) and (before is not None or self.keep(node).inside):
            self.keep(node).inside.append("")

    def settle(self) -> None:
        """Write what was gathered on the nodes: they are only now complete."""
        for kept in self.kept.values():
            comments = Comments(
                _single(kept.before), kept.trailing, _single(kept.inside, last=False), kept.opening
            )
            if comments != t.NO_COMMENTS:
                object.__setattr__(kept.node, "comments", comments)


def _single(texts: list[str], *, last: bool = True) -> tuple[str, ...]:
    """One blank line where several stand after each other; none at the end unless `last`."""
    kept = [text for index, text in enumerate(texts) if text or not index or texts[index - 1]]
    while kept and not last and not kept[-1]:
        kept.pop()
    return tuple(kept)


def attach(file: t.RuleFile, tokens: Tokens) -> None:
    """Give every comment and blank line of a file to a node."""
    attaching = _Attaching()
    for one in tokens.trivia:
        place = one.line, one.start - tokens.line_starts[one.line - 1] + 1
        attaching.put(file, one, place)
    attaching.settle()


def _start(node: Node) -> Place:
    return node.span.line, node.span.column


def _end(node: Node) -> Place:
    return node.span.end_line, node.span.end_column


_SILENCE = re.compile(r"#\s*kz:\s*ignore\s*\[([^\]]*)\](?:\s*until\s+([0-9-]+))?\s*(?::\s*(.*))?")
_MEANT = re.compile(r"#\s*kz\s*:")
_CODE = re.compile(r"KZ[0-9]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def silences(path: str, tokens: Tokens, found: list[Diagnostic]) -> tuple[t.Silence, ...]:
    """Read the comments that silence findings."""
    made: list[t.Silence] = []
    for one in tokens.trivia:
        if _MEANT.match(one.text):
            base = tokens.line_starts[one.line - 1] - 1
            span = Span(path, one.line, one.start - base, one.line, one.start - base + len(one.text))
            silence = _silence(one.text, span)
            if silence is None:
                way_out = "write `# kz: ignore[KZ402] until 2027-01-31: reason`"
                found.append(finding("KZ904", "this silence cannot be read", span, help=way_out))
            else:
                made.append(silence)
    return tuple(made)


def _silence(text: str, span: Span) -> Any:
    parts = _SILENCE.fullmatch(text)
    if parts is None:
        return None
    codes = tuple(code.strip() for code in parts[1].split(","))
    if not all(_CODE.fullmatch(code) for code in codes) or (parts[2] and not _DATE.fullmatch(parts[2])):
        return None
    return t.Silence(codes=codes, until=parts[2], reason=(parts[3] or "").strip(), span=span)
