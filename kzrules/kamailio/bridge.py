"""Every Kamailio that the rules declare: made, started, reloaded and stopped by the service."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail, succeed
from twisted.logger import Logger

from kzrules.errors import KamailioGone
from kzrules.kamailio import frames
from kzrules.kamailio.counts import Counts
from kzrules.kamailio.evapi import Evapi, EvapiProtocol
from kzrules.kamailio.questions import Outside, Questions, Workers
from kzrules.kamailio.rpc import JsonRpc
from kzrules.kamailio.rpc_datagram import OverDatagrams
from kzrules.kamailio.rpc_http import OverHttp
from kzrules.language.declaring.kamailio import is_loopback
from kzrules.language.program import KamailioSpec
from kzrules.message.action import Answer, Rpc, Tell, Unanswered
from kzrules.routing.book import Book


@dataclass(frozen=True, slots=True)
class Node:
    """One Kamailio: what it asks, the connection that it asks by, and its control plane."""

    spec: KamailioSpec
    questions: Questions
    evapi: Evapi
    rpc: JsonRpc | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is going on with one Kamailio."""

    name: str
    connected: bool
    connections: int
    questions: int
    events: int
    rpc_open: int
    counts: Counts


class Bridge:
    """The Kamailios by name. Everything here is called on the reactor thread."""

    log = Logger()

    def __init__(self, workers: Workers, book: Callable[[], Book], reactor: Any) -> None:
        self._workers = workers
        self._book = book
        self._reactor = reactor
        self._outside: Outside | None = None
        self._nodes: dict[str, Node] = {}

    def start(self, specs: Iterable[KamailioSpec], outside: Outside) -> None:
        """Connect to each of them."""
        self._outside = outside
        for spec in specs:
            self._begin(spec, outside)

    def reload(self, specs: Iterable[KamailioSpec], limit: float) -> "Deferred[Any]":
        """Other rules: those that changed are connected anew; fires when what left them is done."""
        wanted = {spec.name: spec for spec in specs}
        gone = [node for node in self._nodes.values() if not _same(wanted.get(node.spec.name), node.spec)]
        for node in gone:
            del self._nodes[node.spec.name]
        if self._outside is not None:
            for name, spec in wanted.items():
                if name not in self._nodes:
                    self._begin(spec, self._outside)
        return DeferredList([self._end(node, limit) for node in gone], consumeErrors=True)

    def stop(self, limit: float) -> "Deferred[Any]":
        """No more questions; those in hand have `limit` seconds. Fires when all is closed."""
        nodes, self._nodes = list(self._nodes.values()), {}
        return DeferredList([self._end(node, limit) for node in nodes], consumeErrors=True)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Of each one, in the order of the rules."""
        return tuple(
            Standing(
                node.spec.name,
                node.evapi.connection is not None,
                node.evapi.connections,
                node.questions.questions,
                node.questions.events,
                node.rpc.open if node.rpc is not None else 0,
                node.questions.counts,
            )
            for node in self._nodes.values()
        )

    def _begin(self, spec: KamailioSpec, outside: Outside) -> None:
        if not is_loopback(spec.host):
            self.log.warn(
                "{name}: evapi at {host} asks nobody for a password; keep others away from its port",
                name=spec.name,
                host=spec.host,
            )
        questions = Questions(spec, self._workers, outside, self._book, self._reactor)
        evapi = Evapi(spec, self._reactor, questions.take, questions.lost)
        node = Node(spec, questions, evapi, self._rpc(spec))
        self._nodes[spec.name] = node
        if node.rpc is not None:
            node.rpc.transport.start()
        evapi.start()

    def _rpc(self, spec: KamailioSpec) -> JsonRpc | None:
        if spec.rpc is None:
            return None
        if spec.rpc.path is not None:
            return JsonRpc(OverDatagrams(spec.rpc.path, self._reactor))
        return JsonRpc(OverHttp(spec.rpc.url or "", self._reactor))

    def _end(self, node: Node, limit: float) -> "Deferred[Any]":
        node.questions.stopping = True
        idle = node.questions.when_idle()
        idle.addTimeout(limit, self._reactor, onTimeoutCancel=lambda *_: None)
        return idle.addCallback(partial(self._close, node))

    def _close(self, node: Node, _: object) -> "Deferred[Any]":
        node.questions.close()
        closing = [node.evapi.stop()]
        if node.rpc is not None:
            closing.append(node.rpc.transport.stop())
        self._say_totals(node)
        return DeferredList(closing, consumeErrors=True)

    def _say_totals(self, node: Node) -> None:
        counts = node.questions.counts
        self.log.info(
            "{kamailio}: asked {asked}, answered {answered}, refused {refused}, late {late}, gone {gone}; "
            "events {events}, done {done}, failed {failed}, dropped {dropped}; told {told}",
            event="kamailio",
            kamailio=node.spec.name,
            asked=counts.asked,
            answered=counts.answered,
            refused={reason.value: number for reason, number in counts.refused.items()},
            late=counts.late,
            gone=counts.gone,
            events=counts.events,
            done=counts.done,
            failed=counts.failed,
            dropped=counts.dropped,
            told=counts.told,
        )

    # --- what rules ask for

    def ask(self, rpc: Rpc) -> "Deferred[Answer]":
        """A word's value from a Kamailio; never fails."""
        node = self._nodes.get(rpc.kamailio)
        if node is None or node.rpc is None:
            return succeed(Unanswered("disconnected"))
        return node.rpc.ask(rpc)

    def tell(self, told: Tell) -> "Deferred[None]":
        """Fires when the event is on its way; KamailioGone when it cannot be."""
        node = self._nodes.get(told.kamailio)
        connection: EvapiProtocol | None = node.evapi.connection if node is not None else None
        if node is None or connection is None:
            return fail(KamailioGone(f"Kamailio {told.kamailio} is not connected"))
        if connection.full:
            return fail(KamailioGone(f"Kamailio {told.kamailio} does not read: it is not told more"))
        node.questions.counts.told += 1
        connection.write(frames.event(told.tag, told.body))
        return succeed(None)


def _same(one: KamailioSpec | None, other: KamailioSpec) -> bool:
    """Wherever in a file the two stand."""
    return one is not None and replace(one, place=other.place) == other
