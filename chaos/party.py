"""The other party: publishes numbered events with confirms, and counts what came of them at the broker."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from kzrules.broker.amqp_errors import Unroutable
from kzrules.broker.dial import dialler
from kzrules.broker.link import links
from kzrules.broker.publisher import Publisher
from kzrules.broker.session import Session
from kzrules.broker.topology import declare_queue
from kzrules.broker.zones import read_url
from kzrules.errors import BrokerError
from kzrules.language.program import BrokerSpec, ExchangeSpec, QueueSpec, ZoneSpec
from kzrules.message.action import Publish
from kzrules.message.delivery import Delivery, Source

if TYPE_CHECKING:
    from kzrules.broker.channel import Channel

EVENTS, OUTPUTS, DEAD = "chaos.events", "chaos.outputs", "chaos.events.dead"
IN, OUT, ASK = "chaos.in", "chaos.out", "chaos.ask"
KEYS = 10
"""Events have one of this many keys, in turn."""


@dataclass(frozen=True, slots=True)
class Output:
    """One message that the rule published: the event's number, when (Unix milliseconds), and by which run
    of the rule, whose event the broker had delivered before or not.
    """

    number: int
    at: int
    run: str
    again: bool


async def until(reactor: Any, condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = reactor.seconds() + seconds
    while reactor.seconds() < deadline:
        if await condition():
            return True
        await deferLater(reactor, 0.2)
    return False


class Party:
    """Connected to the first broker of a list that answers, and again after each break."""

    def __init__(self, reactor: Any, urls: Sequence[str]) -> None:
        self.published = self.begun = 0
        self._reactor = reactor
        self._urls = urls
        self._spec = BrokerSpec((ZoneSpec("local", tuple(urls)),), connection_timeout=2.0)
        self._publisher = Publisher(reactor, 1_000_000)
        self._asking: Channel | None = None
        self._link = links(
            self._spec,
            None,
            reactor,
            "chaos party",
            self._publisher.session_opened,
            lambda *_: self._publisher.session_lost(),
        )["local"]

    async def start(self, arguments: dict[str, Any]) -> None:
        """Connect, and make the queues of events and outputs; `arguments` are the former's own."""
        self._link.start()
        session = await self.session()
        channel = await session.open_channel()
        for exchange in (IN, OUT, ASK):
            await channel.declare_exchange(ExchangeSpec(exchange, "topic", durable=True))
        for name, exchange, more in ((EVENTS, IN, arguments), (OUTPUTS, OUT, {}), ("chaos.silent", ASK, {})):
            queue = QueueSpec(name, durable=True, auto_delete=False, type="quorum", arguments=more)
            await declare_queue(channel, queue)
            await channel.bind_queue(name, exchange, "#", {})
        await session.close()

    async def session(self) -> Session:
        """A connection of its own, to whichever broker answers."""
        deadline = self._reactor.seconds() + 60
        while True:
            for url in self._urls:
                try:
                    protocol = await dialler(self._spec, None, self._reactor)(read_url(url), 0)
                    opened: Session = await protocol.opened
                except Exception:
                    if self._reactor.seconds() > deadline:
                        raise
                else:
                    return opened
            await deferLater(self._reactor, 0.2)

    async def publish(self, numbers: Iterable[int]) -> None:
        """Publish these events; done when the broker has taken all of them into the queue."""
        base = {"Event-Category": "chaos", "Event-Name": "step"}
        bodies = [(n, json.dumps({**base, "N": n, "Key": f"k{n % KEYS}"}).encode()) for n in numbers]
        self.begun += len(bodies)
        sending = [Deferred.fromCoroutine(self._routed(n, body)) for n, body in bodies]
        for one in sending:
            await one
        self.published += len(bodies)

    async def _routed(self, number: int, body: bytes) -> None:
        """Publish one until it is routed: its exchange or queue may be gone for a while."""
        deadline = self._reactor.seconds() + 120
        while True:
            try:
                await self._publisher.publish(Publish(IN, "event", body, f"event-{number}"))
            except Unroutable:
                if self._reactor.seconds() > deadline:
                    raise
                await deferLater(self._reactor, 0.5)
            else:
                return

    async def publish_steadily(self, rate: int, seconds: float, first: int = 0) -> int:
        """Publish `rate` events a second; the number after the last, when all are confirmed."""
        number, waiting = first, []
        began = self._reactor.seconds()
        while (now := self._reactor.seconds() - began) < seconds:
            due = first + int(now * rate)
            if due > number:
                waiting.append(Deferred.fromCoroutine(self.publish(range(number, due))))
                number = due
            await deferLater(self._reactor, 0.02)
        for one in waiting:
            await one
        return number

    async def count(self, queue: str) -> tuple[int, int]:
        """Messages ready and consumers; (-1, 0) where the queue cannot be asked now."""
        try:
            if self._asking is None or not self._asking.is_open:
                session = await self.session()
                session.rpc_limit = 5.0  # a node that was stopped does not answer, and others do
                self._asking = await session.open_channel()
            return await self._asking.count_messages(queue)
        except BrokerError:
            asking, self._asking = self._asking, None
            if asking is not None:
                await asking.session.close()
            return -1, 0

    async def collect(self, queue: str) -> list[dict[str, Any]]:
        """Everything that lies in a queue; it is empty afterwards."""
        got: list[dict[str, Any]] = []
        if (await self.count(queue))[0] < 1:
            return got

        def take(deliveries: list[Delivery]) -> None:
            got.extend(json.loads(delivery.body) for delivery in deliveries)

        session = await self.session()
        channel = await session.open_channel()
        source = Source("chaos", queue, "local", 1, channel.generation)
        await channel.consume(queue, source, take, lambda: None, no_ack=True)

        async def dry() -> bool:
            before = len(got)
            await deferLater(self._reactor, 0.5)
            return (await self.count(queue))[0] == 0 and len(got) == before

        await until(self._reactor, dry, 120)
        await session.close()
        return got

    async def outputs(self) -> list[Output]:
        """What the rule published, in the order of the queue."""
        bodies = await self.collect(OUTPUTS)
        return [Output(body["N"], body["At"], body["Run"], body["Again"]) for body in bodies]

    async def dead(self) -> list[int]:
        """The numbers of the events that were given up."""
        return [body["N"] for body in await self.collect(DEAD)]

    async def stop(self) -> None:
        """Let go of the broker."""
        if self._asking is not None:
            await self._asking.session.close()
        self._publisher.stop()
        await self._link.stop()
