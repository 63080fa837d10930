"""The other party: publishes numbered events with confirms, and counts what came of them at the broker."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.task import deferLater

from kzrules.broker.dial import dialler
from kzrules.broker.link import links
from kzrules.broker.publisher import Publisher
from kzrules.broker.session import Session
from kzrules.broker.zones import read_url
from kzrules.errors import BrokerError
from kzrules.language.program import BrokerSpec, ExchangeSpec, QueueSpec, ZoneSpec
from kzrules.message.action import Publish
from kzrules.message.delivery import Delivery, Source

EVENTS, OUTPUTS, DEAD = "chaos.events", "chaos.outputs", "chaos.events.dead"
IN, OUT = "chaos.in", "chaos.out"


@dataclass(frozen=True, slots=True)
class Output:
    """One message that the rule published: the event's number, and when (Unix milliseconds)."""

    number: int
    at: int


async def until(reactor: Any, condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = reactor.seconds() + seconds
    while reactor.seconds() < deadline:
        if await condition():
            return True
        await deferLater(reactor, 0.1)
    return False


class Party:
    """Connected to the first broker of a list that answers, and again after each break."""

    def __init__(self, reactor: Any, urls: Sequence[str]) -> None:
        self.published = 0
        self._reactor = reactor
        self._urls = urls
        self._spec = BrokerSpec((ZoneSpec("local", tuple(urls)),), connection_timeout=2.0)
        self._publisher = Publisher(reactor, 1_000_000)
        self._link = links(
            self._spec,
            None,
            reactor,
            "chaos party",
            self._publisher.session_opened,
            lambda *_: self._publisher.session_lost(),
        )["local"]

    async def start(self) -> None:
        """Connect, and make the queue that collects outputs."""
        self._link.start()
        session = await self.session()
        channel = await session.open_channel()
        for exchange in (IN, OUT):
            await channel.declare_exchange(ExchangeSpec(exchange, "topic", durable=True))
        quorum = {"x-queue-type": "quorum"}
        queue = QueueSpec(OUTPUTS, durable=True, auto_delete=False, arguments=quorum)
        await channel.declare_queue(queue)
        await channel.bind_queue(OUTPUTS, OUT, "#", {})
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
        """Publish these events; done when the broker has confirmed all of them."""
        base = {"Event-Category": "chaos", "Event-Name": "step"}
        bodies = [(n, json.dumps({**base, "N": n}).encode()) for n in numbers]
        await self._publisher.publish_all([Publish(IN, "event", body, f"event-{n}") for n, body in bodies])
        self.published += len(bodies)

    async def publish_steadily(self, rate: int, seconds: float, first: int = 0) -> int:
        """Publish `rate` events a second; the number after the last, when all are confirmed."""
        number, waiting = first, []
        began = self._reactor.seconds()
        while (now := self._reactor.seconds() - began) < seconds:
            due = first + int(now * rate)
            if due > number:
                from twisted.internet.defer import Deferred  # noqa: PLC0415  beside its one use

                waiting.append(Deferred.fromCoroutine(self.publish(range(number, due))))
                number = due
            await deferLater(self._reactor, 0.02)
        for one in waiting:
            await one
        return number

    async def count(self, queue: str) -> tuple[int, int]:
        """Messages ready and consumers; (-1, 0) where the queue cannot be asked now."""
        try:
            session = await self.session()
            channel = await session.open_channel()
            found = await channel.count_messages(queue)
            await session.close()
        except BrokerError:
            return -1, 0
        return found

    async def outputs(self) -> list[Output]:
        """Everything that lies in the output queue; it is empty afterwards."""
        got: list[Output] = []

        def take(deliveries: list[Delivery]) -> None:
            for delivery in deliveries:
                body = json.loads(delivery.body)
                got.append(Output(body["N"], body["At"]))

        session = await self.session()
        channel = await session.open_channel()
        source = Source("chaos", OUTPUTS, "local", 1, channel.generation)
        await channel.consume(OUTPUTS, source, take, lambda: None, no_ack=True)

        async def dry() -> bool:
            before = len(got)
            await deferLater(self._reactor, 1.0)
            return (await self.count(OUTPUTS))[0] == 0 and len(got) == before

        await until(self._reactor, dry, 120)
        await session.close()
        return got

    async def stop(self) -> None:
        """Let go of the broker."""
        self._publisher.stop()
        await self._link.stop()
