"""One run of one competitor over a filled queue: from the mark before its events to the one behind."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bus import Bus
from bench.competitors import Competitor
from bench.events import mark
from bench.rulesets import MARKS, OUTPUTS
from bench.service import memory, processor
from kzrules.message.delivery import Delivery

QUEUE = "bench.events"
LIMIT = 60.0
LEAST = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it: events a second, microseconds of its processors an event, bytes of memory."""

    rate: float
    processor: float
    memory: int


class Marks:
    """When the marks came, and what the competitor had used by then."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.pids: list[int] = []
        self.seen: list[tuple[float, float]] = []

    def take(self, deliveries: list[Delivery]) -> None:
        """Marks arrive."""
        self.seen += [(self._now(), processor(self.pids))] * len(deliveries)


async def filled(bus: Bus, bodies: Sequence[bytes], count: int, warm: Sequence[bytes] = ()) -> Marks:
    """Empty queues, then `warm`, then `count` events between two marks."""
    for queue in (QUEUE, OUTPUTS, MARKS):
        await bus.queue(queue)
    marks = Marks(bus.reactor.seconds)
    await bus.watch(MARKS, marks.take)
    if warm:
        await bus.fill(QUEUE, warm, len(warm))
    await add(bus, bodies, count)
    return marks


async def add(bus: Bus, bodies: Sequence[bytes], count: int) -> None:
    """`count` more events between two marks."""
    bus.publish(QUEUE, [mark("first")])
    await bus.fill(QUEUE, bodies, count, at_least=not await bus.consumers(QUEUE))
    bus.publish(QUEUE, [mark("last")])


async def consume(  # noqa: PLR0917  one call an experiment
    bus: Bus,
    competitor: Competitor,
    bodies: Sequence[bytes],
    count: int,
    folder: Path,
    warm: Sequence[bytes] = (),
) -> Run:
    """Let the competitor work through `count` events, after `warm` that are not counted."""
    count = max(LEAST, int(count * competitor.share))
    marks = await filled(bus, bodies, count, warm)
    running = competitor.start(Path(tempfile.mkdtemp(dir=folder)), bus.url, QUEUE)
    marks.pids = running.pids
    try:
        await bus.until(lambda: len(marks.seen) >= 2, LIMIT, "its last mark", running)
        used = memory(running.pids)
        if competitor.forwards:
            await bus.until(lambda: _out(bus, count), LIMIT, "its last output", running)
    finally:
        running.stop()
    (began, spent), (ended, spent_then) = marks.seen[:2]
    return Run(count / (ended - began), (spent_then - spent) / count * 1e6, used)


async def _out(bus: Bus, count: int) -> bool:
    return await bus.ready(OUTPUTS) >= count
