"""Remembered values with a time to live: the tables of a program, kept over a reload of its rules.

Rules read them from worker threads without a lock and write them under one; the service takes
expired entries out by its clock. `now` is in Unix seconds.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

from kzrules.errors import RuleFailure
from kzrules.language.program import TableSpec
from kzrules.language.values import add, hashable, is_number, said
from kzrules.message.payload import MAX_BYTES, weigh

FOREVER = float("inf")
SPARE = 1000
"""Stale places that the queue of deadlines may hold beyond twice the entries, before it is made anew."""


MOST_WEIGHT = 512 * 1024 * 1024
"""About how many bytes of JSON the keys and values of one table are at most, however few its entries:
a hundred thousand values of 16 MiB each would fill any machine."""


class Entry(NamedTuple):
    """One remembered value: `until` is when its time runs out."""

    key: Any
    value: Any
    until: float
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """An entry whose time ran out."""

    table: str
    key: Any
    value: Any


class Table:
    """One table. Full, by its entries or by their weight, it forgets the oldest, counted in `evicted`."""

    def __init__(self, spec: TableSpec) -> None:
        self.spec = spec
        self.entries: OrderedDict[Any, Entry] = OrderedDict()  # a dict looks for its first entry ever longer
        self.evicted = 0
        self.weight = 0
        self._deadlines: list[tuple[float, int, Any]] = []  # of each entry one that is not behind its `until`
        self._order = 0
        self._lock = Lock()

    def read(self, key: Any, now: float) -> Any:
        """The value under a key made by `hashable`, or the table's default."""
        entry = self.entries.get(key)
        return self.spec.default if entry is None or entry.until <= now else entry.value

    def write(self, key: Any, value: Any, now: float, lasting: float | None = None) -> None:
        """Remember a value for `lasting` seconds, or for the table's time to live."""
        self.put(hashable(key), key, value, now, lasting)

    def put(self, place: Any, key: Any, value: Any, now: float, lasting: float | None) -> None:
        """The same, where the place that `hashable` gives for the key is known."""
        with self._lock:
            self._write(place, key, value, self._until(now, lasting))

    def _until(self, now: float, lasting: float | None) -> float:
        seconds = self.spec.ttl if lasting is None else lasting
        return FOREVER if seconds is None else now + seconds

    def _write(self, place: Any, key: Any, value: Any, until: float) -> None:
        weight = _weight(key, value)
        old = self.entries.get(place)
        self.entries[place] = Entry(key, value, until, weight)
        self.weight += weight
        if old is None:
            self._expect(place, until)
        else:
            self.entries.move_to_end(place)  # the newest stands last
            self.weight -= old.weight
            if until < old.until:
                self._expect(place, until)
        while len(self.entries) > self.spec.limit or self.weight > MOST_WEIGHT:
            self._forget(next(iter(self.entries)))
            self.evicted += 1

    def _forget(self, place: Any) -> None:
        entry = self.entries.pop(place, None)
        if entry is not None:
            self.weight -= entry.weight

    def _expect(self, place: Any, until: float) -> None:
        if until == FOREVER:
            return
        self._order += 1
        heapq.heappush(self._deadlines, (until, self._order, place))
        if len(self._deadlines) > 2 * len(self.entries) + SPARE:
            self._deadlines = [
                (entry.until, number, place)
                for number, (place, entry) in enumerate(self.entries.items())
                if entry.until != FOREVER
            ]
            self._order = len(self._deadlines) + len(self.entries)
            heapq.heapify(self._deadlines)

    def drop(self, key: Any) -> None:
        """Forget an entry."""
        with self._lock:
            self._forget(hashable(key))

    def increment(self, key: Any, by: int, now: float) -> Any:
        """Add to an entry, at once and for good; its time to live stays as it was."""
        place = hashable(key)
        with self._lock:
            entry = self.entries.get(place)
            if entry is None or entry.until <= now:
                value = counted(self.spec.name, self.spec.default, by)
                self._write(place, key, value, self._until(now, None))
            else:
                value = counted(self.spec.name, entry.value, by)
                self.entries[place] = entry._replace(value=value)
        return value

    def expire(self, now: float) -> list[Expired]:
        """Take out what is over."""
        over: list[Expired] = []
        with self._lock:
            while self._deadlines and self._deadlines[0][0] <= now:
                _, _, place = heapq.heappop(self._deadlines)
                entry = self.entries.get(place)
                if entry is None:
                    continue
                if entry.until > now:  # it was written again since
                    self._expect(place, entry.until)
                    continue
                self._forget(place)
                over.append(Expired(self.spec.name, entry.key, entry.value))
        return over

    def live(self, now: float) -> list[Entry]:
        """The entries that are not over."""
        with self._lock:
            return [entry for entry in self.entries.values() if entry.until > now]

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take entries in again, the oldest first."""
        with self._lock:
            for entry in entries:
                self._write(hashable(entry.key), entry.key, entry.value, entry.until)


def _weight(key: Any, value: Any) -> int:
    """What an entry counts for. Beside the 3 us of a write: 0.3 us for texts and numbers, 1 us for a small
    object, 4 us for a payload of 40 fields, 20 us for 30 objects in one (measured, two busy cores).
    """
    if key.__class__ is str and (value.__class__ is str or value.__class__ is int):
        return len(key) + (len(value) + 4 if value.__class__ is str else 6)
    try:
        return weigh(key) + weigh(value)
    except RuleFailure:  # larger than a message may be, as a key of many long parts is
        return 2 * MAX_BYTES


def counted(table: str, value: Any, by: Any) -> Any:
    """`value + by`, where an entry that was never written counts as 0."""
    if value is not None and not is_number(value):
        raise RuleFailure(f"increment: the entry of {table} is {said(value)}, not a number")
    if not is_number(by):
        raise RuleFailure(f"increment: it counts by numbers, and this is {said(by)}")
    return add(0 if value is None else value, by)


class Tables(Mapping[str, Table]):
    """The tables of a program by their names."""

    def __init__(self, specs: Iterable[TableSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._tables = {name: Table(spec) for name, spec in self._specs.items()}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def next_expiry(self) -> float | None:
        """When `expire` has something to do next, or None."""
        firsts = [table._deadlines[0][0] for table in self.values() if table._deadlines]  # noqa: SLF001  its own class
        return min(firsts, default=None)

    def expire(self, now: float) -> list[Expired]:
        """Take out what is over, of all tables."""
        return [entry for table in self.values() for entry in table.expire(now)]

    def snapshot(self, now: float) -> dict[str, list[list[Any]]]:
        """All live entries as JSON values: what `restore` takes back, and a state folder keeps."""
        return {
            name: [
                [entry.key, entry.value, None if entry.until == FOREVER else entry.until]
                for entry in table.live(now)
            ]
            for name, table in self.items()
        }

    def restore(self, kept: Mapping[str, Iterable[Iterable[Any]]]) -> None:
        """Take a snapshot in again. Tables that the rules no longer have are left out."""
        for name, entries in kept.items():
            if name in self._tables:
                made = [
                    Entry(key, value, FOREVER if until is None else until) for key, value, until in entries
                ]
                self._tables[name].restore(made)

    def adopted(self, specs: Iterable[TableSpec]) -> "Tables":
        """The tables for new rules: those of the same names go on, under the new settings once `take_over`
        is called.

        They are the very same, because events of the old rules may still write to them.
        """
        new = Tables(specs)
        new._tables.update((name, table) for name, table in self._tables.items() if name in new._tables)
        return new

    def take_over(self) -> None:
        """The rules of these tables run from now on: their settings hold."""
        for name, spec in self._specs.items():
            self._tables[name].spec = spec
