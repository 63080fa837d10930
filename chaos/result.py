"""What an experiment gave: counted from what lies at the broker, held against what is promised."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from chaos.party import Output

PREFETCH = 250


@dataclass(frozen=True, slots=True)
class Tally:
    """How often things happened. `resent`: one run's message twice; `again`: an event handled again."""

    handled: int
    outputs: int
    lost: int
    resent: int
    again: int
    gap: float

    @property
    def duplicated(self) -> int:
        """Outputs beyond the first of each event."""
        return self.resent + self.again


def tally(published: int, outputs: Sequence[Output], dead: Collection[int], excused: int = 0) -> Tally:
    """Count. `excused` events were deleted at the broker by the experiment itself.

    An event that its own publisher sent twice is two deliveries, neither of them marked as one that
    came again: what that doubles is not ours and is left out.
    """
    runs: dict[int, dict[str, bool]] = defaultdict(dict)
    copies: dict[int, int] = defaultdict(int)
    for output in outputs:
        runs[output.number][output.run] = output.again
        copies[output.number] += 1
    resent = sum(copies[number] - len(by_run) for number, by_run in runs.items())
    again = 0
    for by_run in runs.values():
        sent_twice = max(0, sum(not redelivered for redelivered in by_run.values()) - 1)
        again += len(by_run) - 1 - sent_twice
    moments = sorted(output.at for output in outputs)
    gap = max((later - sooner for sooner, later in pairwise(moments)), default=0) / 1000
    missing = published - len(runs.keys() | set(dead))
    return Tally(len(runs), len(outputs), max(0, missing - excused), resent, again, gap)


def out_of_order(outputs: Sequence[Output], keys: int) -> int:
    """How many events of a key came, for the first time, behind a later one of it."""
    latest: dict[int, int] = {}
    seen: set[int] = set()
    wrong = 0
    for output in outputs:
        key = output.number % keys
        if output.number not in seen:
            wrong += output.number < latest.get(key, -1)
            latest[key] = max(output.number, latest.get(key, -1))
            seen.add(output.number)
    return wrong


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `gap` in seconds, `memory` in MB at its highest."""

    name: str
    events: int
    tally: Tally
    breaks: int
    memory: float
    gap_limit: float | None = None
    wrong: tuple[str, ...] = field(default=())
    """What else was promised and not kept, in a few words each."""

    @property
    def missed(self) -> list[str]:
        """The promises that were not kept."""
        missed = list(self.wrong)
        if self.tally.lost:
            missed.append(f"{self.tally.lost} lost")
        most = 2 * PREFETCH * self.breaks
        if self.tally.duplicated > most:
            missed.append(f"{self.tally.duplicated} duplicated, more than {most}")
        if self.gap_limit is not None and self.tally.gap > self.gap_limit:
            missed.append(f"a gap of {self.tally.gap:.1f} s, more than {self.gap_limit:.1f} s")
        return missed

    @property
    def line(self) -> str:
        """For the person who watches."""
        count = self.tally
        line = (
            f"{self.name:<38} events={self.events} handled={count.handled} outputs={count.outputs}"
            f" lost={count.lost} duplicated={count.duplicated} breaks={self.breaks} gap={count.gap:.1f}s"
            f" memory={self.memory:.0f}MB"
        )
        return f"{line}  MISSED: {'; '.join(self.missed)}" if self.missed else line


def table(results: Sequence[Result]) -> str:
    """All of them, as a table that Markdown takes too."""
    rows: list[tuple[str, ...]] = [
        ("experiment", "events", "handled", "outputs", "lost", "duplicated", "breaks", "gap", "memory")
    ]
    for one in results:
        count = one.tally
        numbers = (one.events, count.handled, count.outputs, count.lost, count.duplicated, one.breaks)
        rows.append((one.name, *map(str, numbers), f"{count.gap:.1f} s", f"{one.memory:.0f} MB"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"| {' | '.join([first.strip().ljust(widths[0]), *others])} |")
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])
