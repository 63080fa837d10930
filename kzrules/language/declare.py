"""The declarations of a program as plain values: settings, broker, subscriptions, tables and timers.

`declare` is called by the checker, and by `routing.load` before it compiles. What cannot be read
becomes a finding; the rest is as complete as it can be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kzrules.language.declaring.broker import broker
from kzrules.language.declaring.kamailio import kamailio
from kzrules.language.declaring.options import Option, Reader, anything, options, seconds, whole
from kzrules.language.declaring.settings import UNKNOWN, read_settings, twice
from kzrules.language.declaring.subscription import Asked, subscription
from kzrules.language.findings.diagnostic import Diagnostic, Findings
from kzrules.language.program import BrokerSpec, KamailioSpec, SubscriptionSpec, TableSpec, TimerSpec
from kzrules.language.tree import Broker, Every, Kamailio, RuleFile, Span, Subscribe, Table
from kzrules.language.word import Words
from kzrules.message.outcome import Place


@dataclass(frozen=True, slots=True)
class Declared:
    """What the files declare. `asked` has the expressions of each subscription and Kamailio by its name;
    `settings` lacks those whose value could not be read; `timers` are in the order of the files.
    """

    settings: Mapping[str, Any]
    broker: BrokerSpec | None
    subscriptions: tuple[SubscriptionSpec, ...]
    asked: Mapping[str, Asked]
    tables: Mapping[str, TableSpec]
    timers: tuple[TimerSpec, ...]
    kamailios: tuple[KamailioSpec, ...] = ()
    findings: tuple[Diagnostic, ...] = field(default=(), repr=False)
    read: frozenset[str] = frozenset()
    """Settings that other declarations read."""


def declare(
    files: Sequence[RuleFile],
    overrides: Mapping[str, str],
    node: str,
    *,
    words: Words | None = None,
    broker_file: RuleFile | None = None,
) -> Declared:
    """Read every declaration. `overrides` are texts by setting (environment over `--set` over none);
    `words` lets settings call pure words; the broker block of `broker_file` replaces the program's.
    """
    findings = Findings()
    settings = read_settings(files, overrides, node, words or {}, findings)
    reader = Reader(settings, findings)
    first: dict[str, Span] = {}
    made = _each(files, Subscribe, lambda item: subscription(reader, item), findings, first)
    nodes = _each(files, Kamailio, lambda item: kamailio(reader, item), findings, first)
    return Declared(
        settings={name: value for name, value in settings.values.items() if value is not UNKNOWN},
        broker=_broker(reader, files if broker_file is None else [broker_file], findings),
        subscriptions=tuple(spec for spec, _ in made),
        asked={spec.name: asked for spec, asked in made} | {spec.name: asked for spec, asked in nodes},
        kamailios=tuple(spec for spec, _ in nodes),
        tables={spec.name: spec for spec in _each(files, Table, lambda item: _table(reader, item), findings)},
        timers=_timers(reader, files),
        findings=tuple(findings.sorted()),
        read=frozenset(settings.read),
    )


def setting_names(files: Sequence[RuleFile]) -> list[str]:
    """The settings that an environment may overrule."""
    findings = Findings()
    return list(read_settings(files, {}, "", {}, findings).declared)


Item = TypeVar("Item", Subscribe, Kamailio, Table)
Spec = TypeVar("Spec")


def _each(
    files: Sequence[RuleFile],
    kind: type[Item],
    read: Callable[[Item], Spec],
    findings: Findings,
    first: dict[str, Span] | None = None,
) -> list[Spec]:
    """The declarations of one kind, each name once; `first` are names that are taken already."""
    first = {} if first is None else first
    made: list[Spec] = []
    for file in files:
        for item in file.declarations:
            if not isinstance(item, kind):
                continue
            if item.name in first:
                findings.add(twice(item.name, item.span, first[item.name]))
                continue
            first[item.name] = item.span
            made.append(read(item))
    return made


def _broker(reader: Reader, files: Sequence[RuleFile], findings: Findings) -> BrokerSpec | None:
    blocks = [item for file in files for item in file.declarations if isinstance(item, Broker)]
    for block in blocks[1:]:
        findings.add(twice("broker", block.span, blocks[0].span))
    return broker(reader, blocks[0]) if blocks else None


TABLE = options(Option("ttl", seconds), Option("max", whole(1, 100_000_000)), Option("default", anything))


def _table(reader: Reader, item: Table) -> TableSpec:
    read = reader.pairs(item.settings, TABLE, "`table`")
    limit = read.get("max", 100_000)
    place = Place(item.span.file, item.span.line)
    return TableSpec(item.name, place, read.get("ttl"), limit, read.get("default"))


def _timers(reader: Reader, files: Sequence[RuleFile]) -> tuple[TimerSpec, ...]:
    made: dict[str, TimerSpec] = {}
    for file in files:
        for item in file.declarations:
            if isinstance(item, Every):
                spec = _timer(reader, item, made)
                made[spec.name] = spec
    return tuple(made.values())


def _timer(reader: Reader, item: Every, made: Mapping[str, TimerSpec]) -> TimerSpec:
    read: dict[str, float] = {}
    reader.read_into(read, "every", Option("every", seconds), item.interval)
    name = f"{item.span.file}:{item.span.line}"
    if name in made:
        name = f"{name}:{item.span.column}"
    return TimerSpec(name, read.get("every", 1.0), Place(item.span.file, item.span.line))
