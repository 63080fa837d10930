"""A queue of dead letters, looked at, sent back or emptied. Called by `kzrules dead`.

Messages are read with basic.get and left unsettled until the end, then given back: nothing is
consumed by looking. At most as many are read as were there at the start, so that a letter that
dies again at once is not replayed for ever. A replayed letter is removed when the broker has
confirmed its copy in the queue that it came from.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from twisted.internet.defer import Deferred

from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.session import Session
from kzrules.errors import BrokerError
from kzrules.message.delivery import Delivery
from kzrules.wire import retries
from kzrules.wire.retries import DeadLetter

Where = Callable[[Delivery, DeadLetter | None], bool]
"""Says which letters are meant; one that nobody wrote an origin for comes with None."""
Progress = Callable[[int, int], object]
"""Told after each letter: how many were looked at, of how many."""
Send = Callable[[Outgoing], Awaitable[Any]]
"""Done when the broker has confirmed the message."""


@dataclass(slots=True)
class Tally:
    """What was done with the letters of a queue."""

    seen: int = 0
    done: int = 0
    """Replayed and confirmed, or removed."""
    refused: list[str] = field(default_factory=list)
    """Why letters could not be sent back, in words; these are still there. At most a hundred."""
    kept: int = 0
    """Not meant, or not to be sent back: still there."""


def everything(_delivery: Delivery, _letter: DeadLetter | None) -> bool:
    """All letters are meant."""
    return True


def nobody(_seen: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


async def count(session: Session, queue: str) -> int:
    """How many letters there are; BrokerRefused (404) where there is no such queue."""
    channel = await session.open_channel()
    messages, _ = await channel.count_messages(queue)
    await channel.close()
    return messages


async def look(
    session: Session, queue: str, *, limit: int = 100, where: Where = everything, progress: Progress = nobody
) -> list[tuple[Delivery, DeadLetter | None]]:
    """The first letters that are meant, oldest first; each is given back at the end."""
    found: list[tuple[Delivery, DeadLetter | None]] = []
    async with _Reading(session, queue, progress) as reading:
        async for delivery, letter in reading.letters():
            if where(delivery, letter):
                found.append((delivery, letter))
            if len(found) >= limit:
                break
    return found


async def replay(
    session: Session, queue: str, send: Send, *, where: Where = everything, progress: Progress = nobody
) -> Tally:
    """Send letters back to the queue that they came from; each is removed once that is confirmed.

    It goes straight to its own queue, by the default exchange, so that nobody else bound to the
    exchange gets it twice; the original exchange and key stand in its headers, and `meta` shows them.
    """
    tally = Tally()
    async with _Reading(session, queue, progress) as reading:
        async for delivery, letter in reading.letters():
            tally.seen += 1
            if letter is None or letter.queue == queue or not where(delivery, letter):
                tally.kept += 1
                continue
            try:
                await send(_back(delivery, letter))
            except BrokerError as error:
                tally.kept += 1
                _note(tally, str(error))
                continue
            reading.remove(delivery)
            tally.done += 1
    return tally


async def purge(
    session: Session, queue: str, *, where: Where = everything, progress: Progress = nobody
) -> Tally:
    """Remove letters for good."""
    tally = Tally()
    async with _Reading(session, queue, progress) as reading:
        async for delivery, letter in reading.letters():
            tally.seen += 1
            if where(delivery, letter):
                reading.remove(delivery)
                tally.done += 1
            else:
                tally.kept += 1
    return tally


def _back(delivery: Delivery, letter: DeadLetter) -> Outgoing:
    return Outgoing("", letter.queue, delivery.body, retries.replayed(delivery, letter))


def _note(tally: Tally, why: str) -> None:
    if len(tally.refused) < 100 and why not in tally.refused:
        tally.refused.append(why)


class _Reading:
    """One pass over a queue, on a channel of its own."""

    def __init__(self, session: Session, queue: str, progress: Progress) -> None:
        self._session = session
        self._queue = queue
        self._progress = progress
        self._left = 0  # read, not removed
        self._removed = 0

    async def __aenter__(self) -> Self:
        self._channel = await self._session.open_channel()
        self._total, _ = await self._channel.count_messages(self._queue)
        return self

    async def letters(self) -> AsyncIterator[tuple[Delivery, DeadLetter | None]]:
        """Each letter that was there at the start, oldest first."""
        for seen in range(self._total):
            delivery = await self._channel.get(self._queue)
            if delivery is None:
                return
            self._left += 1
            yield delivery, retries.read_dead(delivery)
            self._progress(seen + 1, self._total)

    def remove(self, delivery: Delivery) -> None:
        """It is safe elsewhere, or not wanted any more."""
        self._channel.ack(delivery.tag)
        self._left -= 1
        self._removed += 1

    async def __aexit__(self, *_: object) -> None:
        """What was not removed goes back; nack, which RabbitMQ 4.3 does not count as a failed delivery."""
        if not self._channel.is_open:
            return
        if self._left:
            self._channel.nack(0, multiple=True, requeue=True)
            await self._until_back()
        await self._channel.close()

    async def _until_back(self) -> None:
        """The queue takes them back in its own time; who looks again at once shall see them all."""
        for _ in range(20):
            ready, _consumers = await self._channel.count_messages(self._queue)
            if ready >= self._total - self._removed:
                return
            pause: Deferred[None] = Deferred()
            self._session.clock.callLater(0.05, pause.callback, None)
            await pause
