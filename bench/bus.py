"""The driver's end of the bus: fills queues, watches queues, publishes at a rate, answers questions."""

from collections.abc import Callable, Iterable
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from twisted.internet.task import deferLater

from bench.competitors import Running
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.dial import dialler
from kzrules.broker.session import Session
from kzrules.broker.zones import read_url
from kzrules.language.program import BrokerSpec, ExchangeSpec, QueueSpec, ZoneSpec
from kzrules.message.delivery import Delivery, Source
from kzrules.wire import properties

if TYPE_CHECKING:
    from kzrules.broker.channel import Channel

EXCHANGE = "bench"
AT_ONCE = 500
PLAIN = properties.encode(content_type=properties.JSON_TYPE, delivery_mode=properties.TRANSIENT)


class NotInTime(RuntimeError):  # noqa: N818  it says what became of it
    """What a competitor should have done did not happen; the run is left out with this reason."""


class Bus:
    """One connection, with one channel that publishes."""

    def __init__(self, reactor: Any, url: str) -> None:
        self.reactor = reactor
        self.url = url
        self.session: Session
        self.channel: Channel

    async def open(self) -> "Bus":
        """Connect."""
        self.session = await self.connect()
        self.channel = await self.session.open_channel()
        return self

    async def connect(self) -> Session:
        """A connection of its own."""
        spec = BrokerSpec((ZoneSpec("local", (self.url,)),))
        protocol = await dialler(spec, None, self.reactor)(read_url(self.url), 0)
        opened: Session = await protocol.opened
        return opened

    async def queue(self, name: str) -> None:
        """A durable classic queue, new and empty."""
        await self.channel.delete_queue(name)
        await self.channel.declare_queue(QueueSpec(name, durable=True, auto_delete=False))
        await self.channel.declare_exchange(ExchangeSpec(EXCHANGE, "direct"))
        await self.channel.bind_queue(name, EXCHANGE, name)

    async def exchange(self, name: str, kind: str = "topic") -> None:
        """An exchange."""
        await self.channel.declare_exchange(ExchangeSpec(name, kind))

    async def fill(self, queue: str, bodies: Iterable[bytes], count: int, *, at_least: bool = True) -> None:
        """Put `count` messages into a queue; done when they all are there, if nobody consumes them."""
        before = await self.ready(queue)
        messages = (Outgoing(EXCHANGE, queue, one, PLAIN, mandatory=False) for one in cycle(bodies))
        for start in range(0, count, AT_ONCE):
            self.channel.publish_batch(islice(messages, min(AT_ONCE, count - start)))
            if start % (20 * AT_ONCE) == 0:
                await self.channel.count_messages(queue)  # not more than the broker takes
        if at_least:
            await self.until(lambda: self._has(queue, before + count), 60)

    def publish(self, queue: str, bodies: Iterable[bytes]) -> None:
        """Publish, in one write, without waiting."""
        self.channel.publish_batch([Outgoing(EXCHANGE, queue, one, PLAIN, mandatory=False) for one in bodies])

    async def watch(self, queue: str, take: Callable[[list[Delivery]], None]) -> None:
        """Hand whatever comes into a queue to `take`, batch by batch."""
        channel = await self.session.open_channel()
        source = Source("bench", queue, "local", 1, channel.generation)
        await channel.consume(queue, source, take, lambda: None, no_ack=True)

    async def ready(self, queue: str) -> int:
        """Messages ready in a queue."""
        return (await self.channel.count_messages(queue))[0]

    async def consumers(self, queue: str) -> int:
        """Consumers of a queue."""
        return (await self.channel.count_messages(queue))[1]

    async def _has(self, queue: str, count: int) -> bool:
        return await self.ready(queue) >= count

    async def until(
        self, condition: Callable[[], Any], seconds: float, what: str = "it", running: Running | None = None
    ) -> None:
        """Wait for a condition, which may be a coroutine's, while the competitor runs."""
        deadline = self.reactor.seconds() + seconds
        while True:
            found = condition()
            if hasattr(found, "__await__"):
                found = await found
            if found:
                return
            if running is not None and running.ended:
                raise NotInTime(f"{what} did not happen: {running.ended}")
            if self.reactor.seconds() > deadline:
                raise NotInTime(f"{what} did not happen within {seconds:g} s")
            await deferLater(self.reactor, 0.01)

    async def close(self) -> None:
        """Close the connection."""
        await self.session.close()
