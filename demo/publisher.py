"""Publishes the stream with confirms, on a thread and connection of its own; again after a broker's death."""

import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, NackError, UnroutableError

from demo.events import Event

PERSISTENT = 2


def connect(urls: Sequence[str], patience: float = 30.0) -> pika.BlockingConnection:
    """The first broker of the list that answers."""
    deadline = time.monotonic() + patience
    while True:
        for url in urls:
            parameters = pika.URLParameters(url)
            parameters.heartbeat, parameters.blocked_connection_timeout = 10, patience
            try:
                return pika.BlockingConnection(parameters)
            except (AMQPError, OSError):
                if time.monotonic() > deadline:
                    raise
        time.sleep(0.2)


class Publisher(threading.Thread):
    """Runs until the events are out, or `stop` is called. `published` counts what is confirmed."""

    def __init__(self, urls: Sequence[str], events: Iterator[Event], count: int | None, rate: float) -> None:
        super().__init__(name="publisher", daemon=True)
        self.published = 0
        self.failure: Exception | None = None
        self._urls = urls
        self._events = islice(events, count)
        self._rate = rate
        self._stopping = threading.Event()

    def stop(self) -> None:
        """No more events."""
        self._stopping.set()

    def run(self) -> None:
        """The thread's body."""
        try:
            self._publish_all()
        except (AMQPError, OSError) as error:
            self.failure = error

    def _publish_all(self) -> None:
        connection, channel = self._open()
        started = time.monotonic()
        for event in self._events:
            while not self._publish(channel, event):
                if channel.is_closed:
                    connection, channel = self._open()
            self.published += 1
            due = started + self.published / self._rate - time.monotonic()
            if self._stopping.wait(max(0.0, due)):
                break
        connection.close()

    def _open(self) -> tuple[pika.BlockingConnection, BlockingChannel]:
        connection = connect(self._urls)
        channel = connection.channel()
        channel.confirm_delivery()
        return connection, channel

    def _publish(self, channel: BlockingChannel, event: Event) -> bool:
        """Whether the broker has it. Sent again with the same message_id, it is counted once."""
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=PERSISTENT, message_id=event.id
        )
        try:
            channel.basic_publish(event.exchange, event.routing_key, event.body, properties, mandatory=True)
        except (NackError, UnroutableError):
            time.sleep(0.2)  # a queue without a leader just now: the same event again, on the same channel
            return False
        except (AMQPError, OSError):
            return False
        return True
