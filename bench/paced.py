"""Events at a fixed rate, each measured from the time at which it should have been sent to its output.

A driver that falls behind is measured against, not forgiven: what waits in it counts as waiting.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import floor, inf
from typing import Any, Protocol

from twisted.internet.task import deferLater

from bench.bus import Bus, NotInTime
from bench.consuming import QUEUE
from bench.events import NAMES, body
from bench.rulesets import OUTPUTS
from kzrules.message.delivery import Delivery

TICK = 0.001
"""Seconds between two looks at what is due: half of it counts as latency, and 1 ms costs the driver one
percent of a processor more than 2 ms do.
"""
SIZE = 250
LONGEST = 0.25
"""Seconds: a rate is held when all came and ninety-nine of a hundred were faster than this."""
COARSE = (
    *(100, 250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 6_000),
    *(8_000, 10_000, 12_000, 14_000, 16_000, 20_000),
)
"""The rates by which the highest is looked for first."""
FINE = (
    *(550, 600, 650, 700, 800, 900, 1_000, 1_100, 1_250, 1_400, 1_600, 1_800, 2_000, 2_250, 2_500, 2_800),
    *(3_200, 3_600, 4_000, 4_500, 5_000, 5_600, 6_300, 7_000, 8_000, 9_000, 10_000, 11_000, 12_500, 14_000),
    *(16_000, 18_000, 20_000),
)
"""Tried between two of those above 500: a rate that is told is rounded down by a seventh at most."""


@dataclass(frozen=True, slots=True)
class Paced:
    """Seconds of the median, the 99th and the 99.9th percentile; `held` says whether it kept up."""

    rate: float
    median: float
    p99: float
    p999: float
    came: int
    sent: int

    @property
    def held(self) -> bool:
        """Whether it kept up."""
        return self.came == self.sent and self.p99 < LONGEST


class Source(Protocol):
    """What is offered, and what came of it: seconds from each intended time."""

    took: list[float]

    @property
    def heard(self) -> int:
        """How much came back, what was refused with it."""

    def send(self, due: list[float]) -> None:
        """Offer one at each of these times, which are now or just over."""


class Outputs:
    """Publishes events and watches the outputs; the intended time stands in each."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._now = bus.reactor.seconds
        self._number = 0
        self.took: list[float] = []

    @property
    def heard(self) -> int:
        """All that came is an output."""
        return len(self.took)

    def send(self, due: list[float]) -> None:
        """One event for each time."""
        self._bus.publish(QUEUE, [_event(one, self._number + n) for n, one in enumerate(due)])
        self._number += len(due)

    def take(self, deliveries: list[Delivery]) -> None:
        """A batch of outputs."""
        now = self._now()
        for one in deliveries:
            text = one.body
            start = text.index(b'"Due":"') + 7
            self.took.append(now - float(text[start : text.index(b'"', start)]))


async def at_rate(bus: Bus, outputs: Source, rate: float, seconds: float) -> Paced:
    """Offer at a rate for a while, and wait for what is still on its way."""
    reactor: Any = bus.reactor
    outputs.took.clear()
    began, sent, total = reactor.seconds() + 0.01, 0, int(rate * seconds)
    while sent < total:
        # Number 0 is due when it begins, so one more are due than whole periods have gone by.
        due = min(total, floor((reactor.seconds() - began) * rate) + 1)
        if due > sent:
            outputs.send([began + number / rate for number in range(sent, due)])
            sent = due
        await deferLater(reactor, TICK)
    with contextlib.suppress(NotInTime):
        await bus.until(lambda: len(outputs.took) >= total, 2.0)
    return summed_up(rate, outputs.took, sent)


def summed_up(rate: float, took: list[float], sent: int) -> Paced:
    """The percentiles of what was sent: what did not come took for ever."""
    ordered = sorted(took) + [inf] * (sent - len(took)) or [inf]
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99, 0.999)]
    return Paced(rate, *at, came=len(took), sent=sent)


Measure = Callable[[float], Awaitable[Paced]]
Settle = Callable[[], Awaitable[None]]


async def highest(measure: Measure, settle: Settle) -> list[Paced]:
    """Higher and higher rates until one is not held, then those between it and the one before.

    The last that was held is the highest. `settle` waits until all is quiet again.
    """
    found = await _climb(COARSE, measure, settle)
    if found[-1].held:
        return found
    held = found[-2].rate if len(found) > 1 else 0.0
    between = [rate for rate in FINE if held < rate < found[-1].rate]
    return found + await _climb(between, measure, settle)


async def _climb(rates: Iterable[float], measure: Measure, settle: Settle) -> list[Paced]:
    """Each rate, up to the first that is not held, twice."""
    found: list[Paced] = []
    for rate in rates:
        one = await measure(rate)
        if not one.held:
            await settle()
            one = await measure(rate)
        found.append(one)
        if not one.held:
            await settle()
            break
    return found


async def quiet(bus: Bus, outputs: Source) -> None:
    """Wait until nothing comes back any more, and what is too late has been given up."""
    last = -1
    while last != outputs.heard:
        last = outputs.heard
        await deferLater(bus.reactor, 2.5)


def _event(due: float, number: int) -> bytes:
    return body(SIZE, NAMES[number % len(NAMES)], number, Due=f"{due:.6f}")


async def watch_outputs(bus: Bus) -> Outputs:
    """A new output queue, watched."""
    for queue in (QUEUE, OUTPUTS):
        await bus.queue(queue)
    outputs = Outputs(bus)
    await bus.watch(OUTPUTS, outputs.take)
    return outputs
