"""Tables go to the state folder each minute and at the end, and come from there at the start."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from kzrules.operate.state import StateFolder
from kzrules.service.parts import Parts

EVERY = 60.0

_log = Logger()


class Saving:
    """Keeps the tables of one service in one folder. The reactor never waits for the disk."""

    def __init__(self, parts: Parts, folder: StateFolder, age: float) -> None:
        self._parts = parts
        self._folder = folder
        self._age = age
        self._loop = LoopingCall(self.save)

    def begin(self) -> None:
        """Before any rule runs: what was kept, if it is young enough."""
        self._parts.book.tables.restore(self._folder.read(self._parts.reactor.seconds(), self._age))
        self._loop.clock = self._parts.reactor
        self._loop.start(EVERY, now=False)

    def save(self) -> Deferred[None]:
        """Write them now; fires when that is done or has failed, which is in the log then."""
        reactor = self._parts.reactor
        saved = deferToThreadPool(reactor, reactor.getThreadPool(), self._write, reactor.seconds())
        return saved.addErrback(_broke)

    async def end(self) -> None:
        """Once more, and no more."""
        if self._loop.running:
            self._loop.stop()
        await self.save()  # behind one that is under way: the folder writes one at a time
        self._folder.close()

    def _write(self, now: float) -> None:
        self._folder.write(self._parts.book.tables.snapshot(now), now)


def _broke(failure: Any) -> None:
    _log.failure("state: writing failed in kzrules itself: please report it", failure)
