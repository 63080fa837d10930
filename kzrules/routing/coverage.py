"""What tests made run: routes, branches and actions, and why the others did not.

It counts syntax nodes, not lines, so that formatting changes nothing. `cli.test` shows it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kzrules.language import tree
from kzrules.routing.act import Act
from kzrules.routing.name import OWN_NAMES, lowered

NEVER_RAN = "its route never ran"


@dataclass(slots=True)
class Seen:
    """What all tests made run, by the identity of nodes: how often, and the truth values of conditions."""

    hits: dict[int, int] = field(default_factory=dict)
    truths: dict[int, set[bool]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)

    def add(self, seen: Iterable[tuple[Any, Any]], act: Act) -> None:
        """What one act made run."""
        self.names.update(act.names)
        if act.route is not None:
            self.taken[act.route] = self.taken.get(act.route, 0) + 1
        for node, value in seen:
            self.hits[id(node)] = self.hits.get(id(node), 0) + 1
            self.truths.setdefault(id(node), set()).add(value is True)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a test can make run: `kind` is route, branch or action."""

    kind: str
    name: str
    span: tree.Span
    hits: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All items of a program."""

    items: tuple[Item, ...]

    def of(self, kind: str) -> tuple[int, int]:
        """How many of a kind ran, and how many there are."""
        chosen = [item for item in self.items if item.kind == kind]
        return sum(item.hits > 0 for item in chosen), len(chosen)

    @property
    def missed(self) -> list[Item]:
        """What no test made run."""
        return [item for item in self.items if not item.hits]

    @property
    def percent(self) -> float:
        """Of all items, unrounded; 100 where there is nothing to cover."""
        return 100 * sum(item.hits > 0 for item in self.items) / len(self.items) if self.items else 100.0


def measure(files: Sequence[tree.RuleFile], seen: Seen) -> Coverage:
    """The items of files, in their order."""
    walk = _Walk(seen)
    items: list[Item] = []
    for file in files:
        for declaration in file.declarations:
            items += walk.declaration(declaration)
    return Coverage(tuple(items))


class _Walk:
    """Goes through declarations with what was seen."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def declaration(self, item: tree.Declaration) -> Iterator[Item]:
        """A route with all that is in it."""
        match item:
            case tree.EventRoute():
                yield from self._route(item, f"event_route[{item.name}]", self._event_reason(item))
            case tree.Route():
                yield from self._route(item, f"route {item.name}", "nothing called it")
            case tree.Every():
                yield from self._route(item, "every", "no test lets so much time pass")
            case tree.OnExpired():
                yield from self._route(item, f"on expired {item.table}", "no entry expired")
            case tree.OnHook():
                yield from self._route(item, f"on {item.name}", "nothing emitted it")

    def _event_reason(self, item: tree.EventRoute) -> str:
        if lowered(item.name) in OWN_NAMES:
            return "it is the service's own event"
        if lowered(item.name) not in self.seen.names:
            return "no event of that name"
        if item.when is not None and self.seen.truths.get(id(item.when)) == {False}:
            return "its condition was never true"
        return "other routes took every event of that name"

    def _route(self, item: Any, name: str, reason: str) -> Iterator[Item]:
        hits = self._runs(item.body)
        if not item.body.statements and isinstance(item, tree.EventRoute):
            hits = self.seen.taken.get(item.name, 0)
        yield Item("route", name, item.span, hits, "" if hits else reason)
        yield from self._block(item.body, "" if hits else NEVER_RAN)

    def _runs(self, block: tree.Block) -> int:
        """How often a block was entered: how often its first statement ran."""
        return self.seen.hits.get(id(block.statements[0]), 0) if block.statements else 0

    def _block(self, block: tree.Block, outer: str) -> Iterator[Item]:
        """The actions and branches of a block; `outer` is why nothing in it can have run."""
        for statement in block.statements:
            hits = self.seen.hits.get(id(statement), 0)
            reason = "" if hits else outer or "stopped before"
            name = _action(statement)
            if name:
                yield Item("action", name, statement.span, hits, reason)
            yield from self._branches(statement, reason)
            yield from self._choices(statement, reason)

    def _branches(self, statement: Any, outer: str) -> Iterator[Item]:
        match statement:
            case tree.If():
                yield from self._if(statement, outer)
            case tree.Match():
                for arm in statement.arms:
                    yield from self._branch(arm.body, arm.span, "case", outer, "no event had this value")
                if statement.otherwise is not None:
                    why = "one of the cases always held"
                    yield from self._branch(statement.otherwise, statement.otherwise.span, "else", outer, why)
            case tree.For():
                yield from self._branch(
                    statement.body, statement.span, "for", outer, "there was nothing to go through"
                )
            case tree.After():
                why = "no test lets so much time pass"
                yield from self._branch(statement.body, statement.span, f"after {statement.name}", outer, why)
        otherwise = getattr(statement, "otherwise", None)
        if isinstance(otherwise, tree.Else):
            yield from self._branch(
                otherwise.body,
                otherwise.span,
                "else",
                outer,
                'no test makes it fail, by `given ... fails "timeout"`',
            )

    def _if(self, statement: tree.If, outer: str) -> Iterator[Item]:
        for branch in statement.branches:
            truths = self.seen.truths.get(id(branch.condition), set())
            why = "condition never true" if truths else "an earlier condition was always true"
            given = None if branch.body.statements else int(True in truths)
            yield from self._branch(branch.body, branch.span, "if", outer, why, given)
        last = self.seen.truths.get(id(statement.branches[-1].condition), set())
        if statement.otherwise is None:
            hits = int(False in last)
            why = outer or ("condition always true" if last else "an earlier condition was always true")
            yield Item("branch", "no else", statement.span, hits, "" if hits else why)
        else:
            body = statement.otherwise
            given = None if body.statements else int(False in last)
            yield from self._branch(body, body.span, "else", outer, "condition always true", given)

    def _branch(  # noqa: PLR0917  one caller a kind of branch, all above
        self, body: tree.Block, span: tree.Span, name: str, outer: str, why: str, hits: int | None = None
    ) -> Iterator[Item]:
        if hits is None and not body.statements:
            return
        times = self._runs(body) if hits is None else hits
        reason = "" if times else outer or why
        yield Item("branch", name, span, times, reason)
        yield from self._block(body, reason)

    def _choices(self, node: tree.Node, outer: str) -> Iterator[Item]:
        """`if C then A else B` among the expressions of a statement."""
        for child in tree.children(node):
            if isinstance(child, tree.Block | tree.Branch | tree.Arm | tree.Else):
                continue
            if isinstance(child, tree.IfExpr):
                truths = self.seen.truths.get(id(child.condition), set())
                for value, name, part in ((True, "then", child.then), (False, "else", child.otherwise)):
                    why = f"condition {'never' if value else 'always'} true" if truths else "stopped before"
                    hits = int(value in truths)
                    yield Item("branch", name, part.span, hits, "" if hits else outer or why)
            yield from self._choices(child, outer)


def _action(statement: Any) -> str:  # noqa: PLR0911  a case each
    """What a statement does to the world; nothing for those that only compute."""
    match statement:
        case tree.Do(call=call):
            return call.name
        case tree.TableSet(table=table):
            return f"{table}[...] ="
        case tree.Delete(table=table) | tree.DeleteWhere(table=table):
            return f"delete {table}"
        case tree.Emit(name=name):
            return f"emit {name}"
        case tree.End(kind=kind):
            return kind
        case tree.Let(value=tree.Call(name="query")):
            return "query"
    return ""


def by_file(coverage: Coverage) -> Mapping[str, list[Item]]:
    """The items of each file."""
    found: dict[str, list[Item]] = {}
    for item in coverage.items:
        found.setdefault(item.span.file, []).append(item)
    return found
