"""The names of a program: what its files declare, and what has been used of it."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from kzrules.language.declare import Declared
from kzrules.language.declaring.settings import twice
from kzrules.language.findings.diagnostic import Diagnostic, Findings
from kzrules.language.findings.short import error
from kzrules.language.tree import (
    Call,
    Declaration,
    EventRoute,
    Kamailio,
    OnHook,
    Route,
    RuleFile,
    Setting,
    Span,
    Subscribe,
    Table,
    UseFile,
)
from kzrules.language.word import Parameter, Words

OWN_NAMES = frozenset({"payload", "received", "meta", "node"})
META = (
    "exchange",
    "routing_key",
    "redelivered",
    "attempt",
    "headers",
    "properties",
    "zone",
    "subscription",
    "received_at",
)
SERVICE_EVENTS = frozenset(
    {
        "kazoo:mod-init",
        "kazoo:consumer-event-connection-open",
        "kazoo:consumer-event-connection-closed",
    }
)
"""Names that the service itself gives; no payload of the bus can reach them."""

Item = TypeVar("Item", bound=Declaration)


@dataclass(slots=True)
class Effects:
    """What a body does besides giving a value, and which subroutines and hooks it runs."""

    calls: dict[str, Span] = field(default_factory=dict)
    emits: dict[str, Span] = field(default_factory=dict)
    retries: list[Span] = field(default_factory=list)
    rejects: list[Span] = field(default_factory=list)
    reaches_out: list[Span] = field(default_factory=list)
    """Fallible words and `increment`: what may not stand where an event is only looked at."""
    answers: list[Span] = field(default_factory=list)
    """`answer`s to a question of Kamailio's."""
    asks_one: list[Span] = field(default_factory=list)
    """Words that ask Kamailio, and do not say which."""
    returns: bool = False
    """Has a `return E`."""


@dataclass(slots=True)
class Names:
    """Everything that a program declares, by kind and name."""

    words: Words
    declared: Declared
    settings: Mapping[str, Setting]
    tables: Mapping[str, Table]
    subscriptions: Mapping[str, Subscribe]
    kamailios: Mapping[str, Kamailio]
    subroutines: Mapping[str, Route]
    hooks: Mapping[str, tuple[OnHook, ...]]
    routes: Sequence[EventRoute]
    files: Sequence[RuleFile]
    findings: Findings
    used: set[str] = field(default_factory=set)
    """Settings and tables that something reads."""
    emitted: set[str] = field(default_factory=set)
    reaches_kamailio: bool = False
    """Something asks or tells a Kamailio."""
    key_kinds: dict[str, set[str | None]] = field(default_factory=dict)
    """How rules write the keys of each table: `list`, `text` or None, which may be anything."""
    signatures: dict[str, tuple[dict[str, Parameter], list[Parameter]]] = field(default_factory=dict)
    effects: dict[str, Effects] = field(default_factory=dict)
    """Of subroutines by name, of hooks by `on NAME`."""

    def callable_names(self) -> list[str]:
        """What can be called: words and subroutines."""
        return [*self.words, *self.subroutines]

    def values(self) -> list[str]:
        """What an expression can name from anywhere."""
        return [*self.settings, *self.tables, *OWN_NAMES]


def declarations(files: Sequence[RuleFile], kind: type[Item]) -> Iterator[Item]:
    """All declarations of one kind, in the order of the files."""
    for file in files:
        for item in file.declarations:
            if isinstance(item, kind):
                yield item


def collect(files: Sequence[RuleFile], words: Words, declared: Declared, findings: Findings) -> Names:
    """Gather the names; subroutines that are declared twice or hide a word become findings."""
    subroutines = _once(declarations(files, Route), findings)
    for name, route in subroutines.items():
        if name in words or name in ("done", "retry", "reject", "secret"):
            text = f"`{name}` is a word of the language already"
            findings.add(_taken(text, route.name_span))
    hooks: dict[str, tuple[OnHook, ...]] = {}
    for hook in declarations(files, OnHook):
        hooks[hook.name] = (*hooks.get(hook.name, ()), hook)
    return Names(
        words=words,
        declared=declared,
        settings={
            item.name: item
            for item in reversed(list(declarations(files, Setting)))
            if item.name not in OWN_NAMES
        },
        tables={item.name: item for item in reversed(list(declarations(files, Table)))},
        subscriptions={item.name: item for item in reversed(list(declarations(files, Subscribe)))},
        kamailios={item.name: item for item in reversed(list(declarations(files, Kamailio)))},
        subroutines=subroutines,
        hooks=hooks,
        routes=list(declarations(files, EventRoute)),
        files=files,
        findings=findings,
        used=set(declared.read),
    )


def _taken(text: str, span: Span) -> Diagnostic:
    return error("KZ207", text, span, help="give the subroutine another name")


def _once(routes: Iterable[Route], findings: Findings) -> dict[str, Route]:
    found: dict[str, Route] = {}
    for route in routes:
        if route.name in found:
            findings.add(twice(route.name, route.name_span, found[route.name].name_span))
        else:
            found[route.name] = route
    return found


def lent_files(files: Sequence[RuleFile]) -> set[str]:
    """Files that others use: what they declare may be meant for another program."""
    lent: set[str] = set()
    for file in files:
        for item in file.declarations:
            if isinstance(item, UseFile):
                lent.add(posixpath.normpath(posixpath.join(posixpath.dirname(file.path), item.path)))
    return {file.path for file in files if posixpath.normpath(file.path) in lent}


def is_call(node: object, *names: str) -> bool:
    """A call of one of these words."""
    return isinstance(node, Call) and node.name in names
