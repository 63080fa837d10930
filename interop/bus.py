"""The harness's own connection to the broker: publishes events, and hears what both parties publish."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pika
from pika.exceptions import ChannelClosedByBroker


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came over the wire."""

    key: str
    body: bytes
    properties: pika.BasicProperties
    at: float
    """When, in seconds of the monotonic clock."""

    @property
    def payload(self) -> dict[str, Any]:
        """The object in it."""
        held: dict[str, Any] = json.loads(self.body)
        return held


class NotInTime(Exception):  # noqa: N818  what is the matter
    """What was waited for did not come; the text says what that was."""


class Bus:
    """Everything happens on the caller's thread, while it waits."""

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()

    def exchange(self, name: str, kind: str = "topic") -> None:
        """Declare an exchange as the module does by default."""
        self._channel.exchange_declare(name, kind)

    def publish(self, exchange: str, key: str, payload: dict[str, Any] | bytes) -> None:
        """Hand it to the broker; the channel keeps the order."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._channel.basic_publish(exchange, key, body)

    def hear(self, exchange: str, key: str = "#") -> list[Heard]:
        """A list that fills, while the harness waits, with all that is published there from now on."""
        heard: list[Heard] = []
        self.exchange(exchange)
        queue = self._channel.queue_declare("", exclusive=True).method.queue
        self._channel.queue_bind(queue, exchange, key)

        def take(_channel: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
            heard.append(Heard(method.routing_key, body, properties, time.monotonic()))

        self._channel.basic_consume(queue, take, auto_ack=True)
        return heard

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
        """Take in messages until a condition is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise NotInTime(f"not within {seconds:.0f} s: {what}")
            self._connection.process_data_events(0.02)

    def rest(self, seconds: float) -> None:
        """Take in messages for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._connection.process_data_events(0.02)

    def depth(self, queue: str) -> tuple[int, int]:
        """Messages ready and consumers of a queue; (-1, 0) where there is none."""
        channel = self._connection.channel()
        try:
            found = channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker:
            return -1, 0
        channel.close()
        return found.message_count, found.consumer_count

    def wait_for_consumers(self, *queues: str, count: int = 1, seconds: float = 40.0) -> None:
        """Wait until each of the queues has as many consumers."""
        for queue in queues:
            self.wait(partial(self._has, queue, count), f"{count} consumers of {queue}", seconds)

    def _has(self, queue: str, count: int) -> bool:
        return self.depth(queue)[1] == count

    def close(self) -> None:
        """Let go."""
        self._connection.close()
