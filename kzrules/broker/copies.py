"""Messages that go round again, to queues of ours: retries to delay queues, dead letters.

Called by `endings`, which settles the original only when the copy is confirmed. The queues are
declared when they are first needed; while this process knows a delay queue, it renews its lease.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.amqp_errors import Refused, Unroutable
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.channel import Channel
from kzrules.broker.failure import RENEW_AFTER
from kzrules.broker.session import Session
from kzrules.clock import Clock
from kzrules.errors import BrokerError
from kzrules.language.program import QueueSpec

Declare = Callable[[QueueSpec], "Deferred[None]"]
Send = Callable[[Outgoing], "Deferred[None]"]

_log = Logger()


class Copies:
    """Sends copies on one broker zone. `send` fires when the broker has confirmed the message."""

    def __init__(self, declare: Declare, send: Send, clock: Clock) -> None:
        self._declare = declare
        self._send = send
        self._clock = clock
        self._declared: dict[str, tuple[QueueSpec, float]] = {}
        self._declaring: dict[str, list[Deferred[None]]] = {}

    def send(self, queue: QueueSpec, body: bytes, properties: bytes) -> "Deferred[None]":
        """Put a message into `queue`; fires when it is confirmed, fails with a BrokerError."""
        return Deferred.fromCoroutine(self._sent(queue, body, properties))

    def forget(self) -> None:
        """Another broker, perhaps: it may not have our queues."""
        for name, (queue, _) in self._declared.items():
            self._declared[name] = (queue, float("-inf"))

    def renew(self) -> "Deferred[None]":
        """Declare again what has been declared for long, so that its lease does not run out."""
        return Deferred.fromCoroutine(self._renewed())

    async def _sent(self, queue: QueueSpec, body: bytes, properties: bytes) -> None:
        message = Outgoing("", queue.name, body, properties)
        await self._there(queue)
        try:
            await self._send(message)
        except Unroutable:  # somebody deleted it
            self._declared.pop(queue.name, None)
            await self._there(queue)
            await self._send(message)

    async def _renewed(self) -> None:
        for queue, _ in list(self._declared.values()):
            await self._there(queue)

    async def _there(self, queue: QueueSpec) -> None:
        _, declared = self._declared.get(queue.name, (queue, float("-inf")))
        if self._clock.seconds() - declared < RENEW_AFTER:
            return
        turn: Deferred[None] = Deferred()
        waiting = self._declaring.setdefault(queue.name, [])
        waiting.append(turn)
        if len(waiting) == 1:  # one declaration serves all that need it, and they go on in order
            Deferred.fromCoroutine(self._declare_for_all(queue)).addErrback(_broke)
        await turn

    async def _declare_for_all(self, queue: QueueSpec) -> None:
        try:
            await self._declare(queue)
        except BrokerError as error:
            self._tell(queue, error)
            return
        self._declared[queue.name] = (queue, self._clock.seconds())
        self._tell(queue, None)

    def _tell(self, queue: QueueSpec, outcome: BaseException | None) -> None:
        for turn in self._declaring.pop(queue.name):
            if outcome is None:
                turn.callback(None)
            else:
                turn.errback(outcome)


def declared_on(session: Session, queue: QueueSpec) -> "Deferred[None]":
    """Declare a queue of ours on a channel of its own, since a refusal closes the channel.

    A queue of that name with other arguments is used as it is, and that is said: it may be what
    the operator wants, and a dead letter in the wrong kind of queue is better than none.
    """
    return Deferred.fromCoroutine(_declare_on(session, queue))


async def _declare_on(session: Session, queue: QueueSpec) -> None:
    try:
        await _on_own_channel(session, lambda channel: _declare_and_use(channel, queue))
    except Refused as refused:
        if refused.code != 406:
            raise
        await _on_own_channel(session, lambda channel: channel.count_messages(queue.name))
        _log.warn(
            "queue {queue} exists with other arguments than ours and is used as it is: {refused}",
            queue=queue.name,
            refused=str(refused),
        )


def _broke(failed: Failure) -> None:
    _log.failure("declaring a queue of ours failed: a fault of kzrules, please report it", failed)


async def _declare_and_use(channel: Channel, queue: QueueSpec) -> None:
    """Declare it, and use it where that renews its lease.

    Measured with RabbitMQ 3.10: declaring a quorum queue again does not put off its `x-expires`,
    nor does publishing to it; basic.get does.
    """
    await channel.declare_queue(queue)
    if "x-expires" in queue.arguments:
        waiting = await channel.get(queue.name)
        if waiting is not None:
            channel.nack(waiting.tag, multiple=False, requeue=True)


async def _on_own_channel(session: Session, ask: Callable[[Any], Any]) -> None:
    channel = await session.open_channel()
    await ask(channel)
    await channel.close()
