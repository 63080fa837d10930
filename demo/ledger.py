"""What the broker knows about the events: the other of the two independent counts.

Every number here comes from messages that lie in queues, none from what the service says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pika
from pika.exceptions import ChannelClosedByBroker

from demo.publisher import connect
from kzrules.language.program import SubscriptionSpec

OUTPUT_EXCHANGE, OUTPUT_KEYS = "kzdemo.presence", "out.#"
"""Where the rules of the demonstration publish."""
OUTPUT_QUEUE = "kzdemo.outputs"


@dataclass(frozen=True, slots=True)
class Found:
    """What lay at the broker when the service had ended."""

    waiting: int
    """Events that nobody settled."""
    rejected: int
    outputs: int


class Ledger:
    """Collects the outputs in a queue of its own; counts at the end."""

    def __init__(self, urls: Sequence[str], subscriptions: Sequence[SubscriptionSpec]) -> None:
        self._urls = urls
        self._queues = [spec.queue.name for spec in subscriptions]
        self._dead = sorted({spec.on_failure.dead_letter or "" for spec in subscriptions} - {""})

    def clear(self) -> None:
        """Take away what an earlier run left on a broker that is not ours alone."""
        with connect(self._urls) as connection:
            for queue in (OUTPUT_QUEUE, *self._queues, *self._dead):
                self._purge(connection, queue)

    def collect(self) -> None:
        """Keep all outputs; the exchange is there when the service consumes."""
        with connect(self._urls) as connection:
            channel = connection.channel()
            channel.queue_declare(OUTPUT_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            channel.queue_bind(OUTPUT_QUEUE, OUTPUT_EXCHANGE, OUTPUT_KEYS)

    def _purge(self, connection: pika.BlockingConnection, queue: str) -> None:
        channel = connection.channel()
        try:
            channel.queue_purge(queue)
            channel.close()
        except ChannelClosedByBroker:
            return  # it is not there yet

    def consumers(self) -> int:
        """How many of the subscriptions' queues are there and have a consumer."""
        with connect(self._urls) as connection:
            return sum(1 for queue in self._queues if self._declared(connection, queue)[1])

    @property
    def expected_consumers(self) -> int:
        """One a subscription."""
        return len(self._queues)

    def count(self) -> Found:
        """Count, when the service has ended: an event is one event however often it was sent."""
        with connect(self._urls) as connection:
            waiting = sum(self._declared(connection, queue)[0] for queue in self._queues)
            rejected = len({i for queue in self._dead for i in self._ids(connection, queue)})
            outputs = len(set(self._ids(connection, OUTPUT_QUEUE)))
        return Found(waiting, rejected, outputs)

    def _declared(self, connection: pika.BlockingConnection, queue: str) -> tuple[int, int]:
        """Messages and consumers of a queue; (0, 0) when it is not there."""
        channel = connection.channel()
        try:
            method = channel.queue_declare(queue, passive=True).method
            channel.close()
        except ChannelClosedByBroker:
            return 0, 0
        return method.message_count, method.consumer_count

    def _ids(self, connection: pika.BlockingConnection, queue: str) -> Iterator[str]:
        """The message ids of all that lies in a queue; it is empty afterwards."""
        channel = connection.channel()
        try:
            while True:
                method, properties, _ = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    break
                yield str(properties.message_id)
            channel.close()
        except ChannelClosedByBroker:
            return
