"""The service that twistd runs: it starts the parts, keeps their time, and brings them to an end.

`build` makes it. It tells rules when they can publish, looks for table entries whose time ran
out, and gives the status that control, page and health show.
"""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules import __version__, logs
from kzrules.broker.counters import Counters
from kzrules.errors import SettingError
from kzrules.operate.control import Control
from kzrules.operate.state import StateFolder
from kzrules.operate.status import Status
from kzrules.service.commands import commands
from kzrules.service.ending import end, stop_consuming
from kzrules.service.parts import Parts
from kzrules.service.plan import Plan
from kzrules.service.reload import NotReloaded, Reload
from kzrules.service.saving import Saving
from kzrules.service.settled import debug_line
from kzrules.service.snapshot import EVERY, Pulse, status
from kzrules.service.watched import Watched
from kzrules.service.watching import Watching

READY_EVERY = 0.05
"""Seconds between looks whether the first connection can publish and ask."""


class KzService(Service):
    """Runs one book of rules against one list of brokers."""

    name = "kzrules"
    log = Logger()

    def __init__(self, plan: Plan, reactor: Any, state: StateFolder | None = None) -> None:
        self._plan = plan
        self._reactor = reactor
        self.parts = Parts(plan, reactor)
        self.reload = Reload(self.parts)
        self._saving = None if state is None else Saving(self.parts, state, plan.state_age)
        self._watching = Watching(self.parts, lambda: self.load_anew("watch")) if plan.watch else None
        self._control: Control | None = None
        self._pulse = Pulse(reactor.seconds())
        self._ticking = LoopingCall(self._tick)
        self._becoming_ready = LoopingCall(self._look_whether_ready)
        self._signalled = False
        self.watched = Watched(plan.http, self.parts, lambda: self.status)

    @property
    def status(self) -> Status:
        """What is going on now."""
        return status(self.parts, self._pulse)

    @property
    def totals(self) -> Counters:
        """What all consumers counted, added up."""
        return self.parts.totals

    # Starting.

    def startService(self) -> None:  # noqa: N802  the name is Twisted's
        """Connect everywhere; each part begins when its connection is there."""
        super().startService()  # type: ignore[no-untyped-call]  # not typed in Twisted
        self.log.info(
            "kzrules {version} as {node}: subscriptions {names}; workers {workers}",
            version=__version__,
            node=self._plan.identity.node,
            names=", ".join(self.parts.book.subscriptions) or "none",
            workers=self._plan.workers,
        )
        self._reactor.callWhenRunning(self._take_signals)
        if self._watching is not None:
            self._watching.begin()
        self.parts.active = True
        if self._saving is not None:
            self._saving.begin()
        if self._plan.control is not None:
            self._control = self._listen(self._plan.control)
        if self.parts.tracing is not None:
            self.parts.tracing.start()
        self.parts.workers.start()
        for link in self.parts.wanted_links:
            link.start()
        self.parts.kamailios.start(self.parts.book.kamailios.values(), self.parts.outside)
        self.set_log_level(logs.level())
        for looping, every in ((self._ticking, EVERY), (self._becoming_ready, READY_EVERY)):
            looping.clock = self._reactor
            looping.start(every, now=False)
        self.watched.start()

    def _listen(self, path: str) -> Control:
        try:
            return Control(self._reactor, path, commands(self))
        except SettingError as error:
            sys.stderr.write(f"kzrules: {error}\n")
            raise SystemExit(1) from None

    def _take_signals(self) -> None:
        """Ours, not the reactor's: an ordered end is exit status 0, and a second signal ends at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.callFromThread(self._signal))
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self.load_anew, "signal"))

    def _signal(self) -> None:
        if self._signalled:
            self.log.warn("Told twice to end: ending at once; the broker delivers again what is in hand.")
            sys.stdout.flush()
            _remove_own(self._plan.pid_file)
            os._exit(1)
        self._signalled = True
        self._reactor.stop()

    # While it runs.

    def load_anew(self, why: str) -> None:
        """Load the rules again; what comes of it is in the log and in the status."""
        self.watched.notifier.reloading()
        loading = self.reload.again(why)
        loading.addErrback(_known)
        loading.addBoth(lambda _: self.watched.notifier.started())

    def _look_whether_ready(self) -> None:
        if self.parts.ready:
            self._becoming_ready.stop()
            start = partial(self.parts.book.run_own, "kazoo:mod-init", {})
            self.parts.blocks.run("kazoo:mod-init", start)
            self.parts.keep_timers()

    def set_log_level(self, level: str) -> None:
        """debug, info, warn or error; at debug there is a line for every event."""
        logs.set_level(level)
        if level == "debug":
            self.parts.feed.listen(debug_line)
        else:
            self.parts.feed.leave(debug_line)

    def _tick(self) -> None:
        now = self._reactor.seconds()
        self._pulse.look(now, self.parts)
        self.watched.tick()
        book = self.parts.book
        for over in book.tables.expire(now):
            if over.table in book.program.expired:
                start = partial(book.run_expired, over.table, over.key, over.value)
                self.parts.blocks.run(f"on expired {over.table}", start)

    # Ending.

    def drain(self) -> "Deferred[dict[str, int]]":
        """Consume no more and finish what is in hand, but stay: for whoever restarts one of several."""
        self.parts.draining = True
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> dict[str, int]:
        await stop_consuming(self.parts, self._plan.drain_timeout)
        if self._saving is not None:
            await self._saving.save()
        self.log.info("drained: nothing is consumed until the next start")
        return {"in_hand": sum(consumer.in_hand for consumer in self.parts.all_consumers)}

    def stopService(self) -> "Deferred[None]":  # noqa: N802  the name is Twisted's
        """Stop consuming, finish what is in hand within its time, close; fires when all is closed."""
        super().stopService()  # type: ignore[no-untyped-call]  # not typed in Twisted
        self.parts.active = False
        self.parts.draining = True
        self.watched.notifier.stopping()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for looping in (self._ticking, self._becoming_ready):
            if looping.running:
                looping.stop()
        if self._watching is not None:
            self._watching.end()
        unconfirmed = await end(self.parts, self._plan.drain_timeout)
        if self._saving is not None:
            await self._saving.end()
        if self.parts.tracing is not None:
            await self.parts.tracing.stop(self._reactor)
        if self._control is not None:
            await maybeDeferred(self._control.stop)
        await self.watched.stop()
        self.log.info(
            "received {received}, acknowledged {acknowledged}, rejected {rejected}, failed {failed}, "
            "retried {retried}, unconfirmed {unconfirmed}",
            event="totals",
            unconfirmed=unconfirmed,
            **asdict(self.totals),
        )


def _known(failure: Failure) -> None:
    failure.trap(NotReloaded)  # type: ignore[no-untyped-call]  # Twisted's


def _remove_own(pid_file: str | None) -> None:
    """A file that stayed would keep the next start from starting; another process's is not ours to remove."""
    with suppress(OSError, ValueError):
        if pid_file and int(Path(pid_file).read_text()) == os.getpid():
            Path(pid_file).unlink()
