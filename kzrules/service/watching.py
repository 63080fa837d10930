"""Rule files are looked at once a second; what has changed and then stood still for one is loaded anew."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from kzrules.service.parts import Parts

EVERY = 1.0
SUFFIXES = frozenset({".kzr", ".json"})
"""What is looked at in a folder: rules and schemas."""

Print = frozenset[tuple[str, int, int, int]]
"""Each file with its time of change, its size and its inode."""

_log = Logger()


class Watching:
    """Watches the files that the rules of now were read from, and the folders that were named."""

    def __init__(self, parts: Parts, changed: Callable[[], object]) -> None:
        self._parts = parts
        self._changed = changed
        self._seen: Print = frozenset()
        self._last: Print = frozenset()
        self._loop = LoopingCall(self._look)

    def begin(self) -> None:
        """What is there now is what was loaded."""
        self._seen = self._last = fingerprint(self._paths())
        self._loop.clock = self._parts.reactor
        self._loop.start(EVERY, now=False)

    def end(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def _paths(self) -> list[str]:
        origin = self._parts.plan.origin
        return [
            *origin.rules,
            *([origin.broker_file] if origin.broker_file else []),
            *self._parts.rules.files,
        ]

    def _look(self) -> Deferred[None]:
        reactor = self._parts.reactor
        looking = deferToThreadPool(reactor, reactor.getThreadPool(), fingerprint, self._paths())
        return looking.addCallback(self._compare).addErrback(_broke)

    def _compare(self, now: Print) -> None:
        """A file that is being written changes from look to look: it is left until it stands still."""
        still, self._last = now == self._last, now
        if now != self._seen and still and self._loop.running:
            self._seen = now
            self._changed()


def fingerprint(paths: Iterable[str]) -> Print:
    """What these files, and the rules and schemas in these folders, look like from outside."""
    found = set()
    for path in map(Path, paths):
        files = [one for one in path.rglob("*") if one.suffix in SUFFIXES] if path.is_dir() else [path]
        for file in files:
            try:
                facts = file.stat()
            except OSError:
                continue  # it is gone: that is a change, too
            found.add((str(file), facts.st_mtime_ns, facts.st_size, facts.st_ino))
    return frozenset(found)


def _broke(failure: Any) -> None:
    _log.failure("the watch on the rule files failed once; it goes on", failure)
