"""Other rules take the place of those that run: load, declare what they need, then swap at once.

Asked for by a signal, by `kzrules ctl` and by the watch on the files; one at a time. Until the
swap nothing of what runs is touched, so whatever goes wrong before leaves the old rules as they
were, and a later reload begins afresh. The swap itself is one turn of the reactor: an event runs
by the old rules or by the new ones, never by a mixture.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, LogLevel

from kzrules.broker import topology
from kzrules.errors import BrokerError, BrokerGone, KzError
from kzrules.operate.status import Finding, Refused, Reloads
from kzrules.routing.load import Loaded
from kzrules.service.change import Change, between
from kzrules.service.history import Loading, found, loading
from kzrules.service.parts import Parts
from kzrules.service.swap import swap

MOST_WAITING = 4
"""Reloads that may wait for their turn."""
MOST_LINES = 20
"""Findings of one reload that get a line in the log."""

_log = Logger()


Step = Callable[[], Awaitable[tuple[Loading, Change]]]


class NotReloaded(KzError):  # noqa: N818  it names a state
    """The old rules go on: the new ones have errors, or the broker refused what they declare."""

    def __init__(self, why: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(why)
        self.findings = findings


class Reload:
    """Reloads and rollbacks of one service."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = DeferredLock()

    def again(self, why: str) -> "Deferred[str]":
        """Load the rules anew; what came of it, in a sentence. Fails with NotReloaded."""
        return self._in_turn(f"reload by {why}", self._again)

    def back(self) -> "Deferred[str]":
        """Back to the rules before the last reload. Fails with NotReloaded."""
        return self._in_turn("rollback", self._back)

    def _in_turn(self, what: str, step: Step) -> "Deferred[str]":
        if len(self._lock.waiting) >= MOST_WAITING:
            failed: Deferred[str] = Deferred()
            failed.errback(NotReloaded(f"{len(self._lock.waiting)} reloads wait already"))
            return failed
        return self._lock.run(lambda: Deferred.fromCoroutine(self._step(what, step)))

    async def _step(self, what: str, step: Step) -> str:
        began = self._parts.reactor.seconds()
        try:
            self._check_going_on()
            new, change = await step()
        except NotReloaded as refused:
            self._refused(what, refused)
            raise
        except Exception as broken:
            _log.failure("{what} failed in kzrules itself: please report it", what=what)
            fault = NotReloaded(f"a fault of kzrules: {broken}")
            self._refused(what, fault)
            raise fault from broken
        return self._done(what, new, change, self._parts.reactor.seconds() - began)

    def _check_going_on(self) -> None:
        if self._parts.draining or not self._parts.active:
            raise NotReloaded("the service is ending")

    def _load(self) -> Deferred[Loaded]:
        """On a thread: events go on while the rules are read."""
        reactor, origin = self._parts.reactor, self._parts.plan.origin
        return deferToThreadPool(reactor, reactor.getThreadPool(), origin.load, self._parts.book.tables)

    async def _again(self) -> tuple[Loading, Change]:
        loaded = await self._load()
        new = loading(loaded)
        if new is None:
            errors = sum(finding.is_error for finding in loaded.findings)
            raise NotReloaded(
                f"the new rules have {errors} error{'s' * (errors != 1)}", found(loaded.findings)
            )
        if self._parts.consumers and not new.book.subscriptions:
            raise NotReloaded("the new rules subscribe to nothing, as a file that is half written would")
        if new.book.broker != self._parts.plan.broker:
            raise NotReloaded("the `broker` block has changed, which takes a restart of the service")
        return await self._take(new)

    async def _back(self) -> tuple[Loading, Change]:
        previous = self._parts.history.previous
        if previous is None:
            raise NotReloaded("there are no earlier rules to go back to")
        taken = await self._take(previous)
        self._parts.history.previous = None
        return taken

    async def _take(self, new: Loading) -> tuple[Loading, Change]:
        """Declare, then swap. What the rules need is there before an event runs by them."""
        parts = self._parts
        running = {key: consumer.spec for key, consumer in parts.consumers.items()}
        change = between(running, parts.wanted(new.book), new.book.subscriptions)
        for key in (*change.added, *change.changed, *change.replaced):
            await self._declare(key, new)
        self._check_going_on()
        new = replace(new, since=parts.reactor.seconds())
        parts.history.previous, parts.rules = parts.rules, new
        swap(parts, new, change)
        parts.kamailios.reload(new.book.kamailios.values(), parts.plan.drain_timeout)
        return new, change

    async def _declare(self, key: tuple[str, str], new: Loading) -> None:
        name, zone = key
        session, running = self._parts.consuming[zone].session, self._parts.consumers.get(key)
        if session is None:
            return  # the consumer declares when it connects
        spec = new.book.subscriptions[name]
        same = running is not None and running.spec.queue == spec.queue
        queue = running.health.queue if running is not None and same else None
        try:
            channel = await session.open_channel()
            await topology.extend(channel, spec, queue)
            await channel.close()
        except BrokerGone:
            return  # as above
        except BrokerError as refused:
            raise NotReloaded(f"the broker refused what {name} declares in zone {zone}: {refused}") from None

    def _done(self, what: str, new: Loading, change: Change, took: float) -> str:
        history = self._parts.history
        history.refused = None
        history.reloads = Reloads(
            history.reloads.succeeded + 1, history.reloads.failed, self._parts.reactor.seconds(), took
        )
        said = f"generation {new.book.generation} runs; subscriptions: {change}"
        _log.info("{what}: {said}; {took:.2f} s", event="reloaded", what=what, said=said, took=took)
        return said

    def _refused(self, what: str, refused: NotReloaded) -> None:
        history = self._parts.history
        history.refused = Refused(self._parts.reactor.seconds(), f"{what}: {refused}", refused.findings)
        history.reloads = replace(history.reloads, failed=history.reloads.failed + 1)
        _log.error(
            "{what} refused (refusal {number}): {reason}; generation {generation} goes on",
            event="reload refused",
            number=history.reloads.failed,  # so that no two are the same line, of which one is left out
            what=what,
            reason=str(refused),
            generation=self._parts.book.generation,
        )
        for one in refused.findings[:MOST_LINES]:
            level = LogLevel.error if one.severity == "error" else LogLevel.warn
            _log.emit(
                level, "{code} at {place}: {finding}", code=one.code, place=one.place, finding=one.message
            )
