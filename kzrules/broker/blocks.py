"""What belongs to no event: timers, `after` blocks, expiries, `kazoo:mod-init`, connection events.

Called by the service. A block runs on a worker as an event's rule does; there is nothing to
settle, so its failures are logged and counted, and what it published is waited for by nobody.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from kzrules.broker.perform import Outside
from kzrules.broker.workers import Workers
from kzrules.clock import Clock, Timer
from kzrules.language.program import TimerSpec
from kzrules.message.action import Action, After, Log, Publish, Reply, Respond, Tell
from kzrules.message.outcome import Reject
from kzrules.routing.decide import Ended, Step, Waiting

Start = Callable[[float], Step | None]


@dataclass(slots=True)
class BlockCounts:
    """How many blocks ran, and how many of them failed or could not publish."""

    ran: int = 0
    failed: int = 0


class _Ticking:
    """A timer with what it runs now."""

    looping: LoopingCall

    def __init__(self, name: str, start: Start) -> None:
        self.name = name
        self.start = start


def _known(
    timers: Iterable[tuple[TimerSpec, Start]],
) -> Iterator[tuple[Hashable, tuple[TimerSpec, Start]]]:
    """Each timer by what it is known by over a reload: lines move when something is written above it."""
    seen: Counter[tuple[str, float]] = Counter()
    for timer, start in timers:
        alike = (timer.place.file, timer.interval)
        seen[alike] += 1
        yield (*alike, seen[alike]), (timer, start)


class Blocks:
    """Runs blocks now, after a while, or again and again; all of it on the reactor thread."""

    _log = Logger()

    def __init__(self, workers: Workers, outside: Outside, clock: Clock) -> None:
        self._workers = workers
        self._outside = outside
        self._clock = clock
        self._waiting: dict[str, Timer] = {}
        self._timers: dict[Hashable, _Ticking] = {}
        self.counts = BlockCounts()

    @property
    def waiting(self) -> int:
        """`after` blocks that wait for their time."""
        return len(self._waiting)

    def run(self, name: str, start: Start) -> "Deferred[None]":
        """Run the block that `start(now)` begins; fires when it has ended, whichever way."""
        return Deferred.fromCoroutine(self._run(name, start))

    def after(self, wanted: After) -> None:
        """Run a block once, later; one that already waits under this name waits anew."""
        self._forget(wanted.name)
        self._waiting[wanted.name] = self._clock.callLater(wanted.delay, self._due, wanted)

    def keep(self, timers: Iterable[tuple[TimerSpec, Start]]) -> None:
        """The timers of the rules of now. Those that were there before go on in their time.

        A timer is known by its file, its interval and its place among those of the same; a run
        that takes longer than the interval puts off the next.
        """
        wanted = dict(_known(timers))
        for key in [key for key in self._timers if key not in wanted]:
            self._timers.pop(key).looping.stop()
        for key, (timer, start) in wanted.items():
            ticking = self._timers.get(key)
            if ticking is None:
                self._timers[key] = self._start(timer, start)
            else:
                ticking.name, ticking.start = timer.name, start

    def keep_after(self, names: Collection[str]) -> list[str]:
        """Only `after` blocks of these names wait on; the names of those that do no longer."""
        gone = [name for name in self._waiting if name not in names]
        for name in gone:
            self._forget(name)
        return gone

    def _start(self, timer: TimerSpec, start: Start) -> "_Ticking":
        ticking = _Ticking(timer.name, start)
        ticking.looping = LoopingCall(lambda: self.run(ticking.name, ticking.start))
        ticking.looping.clock = self._clock  # type: ignore[assignment]  # the part of IReactorTime that it calls
        ticking.looping.start(timer.interval, now=False)
        return ticking

    def stop(self) -> None:
        """No timer and no `after` block begins from now on; those that run go on to their end."""
        for ticking in self._timers.values():
            ticking.looping.stop()
        self._timers.clear()
        for name in list(self._waiting):
            self._forget(name)

    def _forget(self, name: str) -> None:
        call = self._waiting.pop(name, None)
        if call is not None:
            call.cancel()

    def _due(self, wanted: After) -> None:
        del self._waiting[wanted.name]
        self.run(f"after {wanted.name}", wanted.start)

    async def _run(self, name: str, start: Start) -> None:
        self.counts.ran += 1
        try:
            step = await self._workers.run(start, self._clock.seconds())
            while isinstance(step, Waiting):
                self._begin(step.actions, name)
                self._write(step.logs)
                answer = await self._outside.ask(step.query)
                step = await self._workers.run(step.resume, answer, self._clock.seconds())
        except Exception:  # noqa: BLE001  a fault of ours must not end a timer for ever
            self.counts.failed += 1
            self._log.failure("The block {name} broke off: this is a fault of kzrules.", name=name)
            return
        if step is not None:
            self._end(step, name)

    def _end(self, step: Ended, name: str) -> None:
        self._begin(step.actions, name)
        self._write(step.logs)
        match step.outcome:
            case Reject(why=why, place=place):
                self.counts.failed += 1
                self._log.error("{name} failed at {place}: {why}", name=name, place=str(place), why=why)

    def _write(self, lines: tuple[Log, ...]) -> None:
        for line in lines:
            self._outside.log(line)

    def _begin(self, actions: tuple[Action, ...], name: str) -> None:
        messages = [action for action in actions if isinstance(action, Publish)]
        if messages:
            maybeDeferred(self._outside.publish_all, messages).addErrback(self._unpublished, name)
        for action in actions:
            match action:
                case After():
                    self.after(action)
                case Tell():
                    maybeDeferred(self._outside.tell, action).addErrback(self._unpublished, name)
                case Respond():
                    self.counts.failed += 1
                    self._log.error("{name} answers a question that nobody waits for any more", name=name)
                case Reply():
                    maybeDeferred(self._outside.reply, action).addErrback(self._unpublished, name)

    def _unpublished(self, failure: Any, name: str) -> None:
        self.counts.failed += 1
        self._log.error(
            "What {name} published did not arrive: {why}", name=name, why=failure.getErrorMessage()
        )
