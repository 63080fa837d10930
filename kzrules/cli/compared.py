"""What `diff` found: events that change alike, in groups. `diff` makes it, `diff_text` writes it."""

from collections import Counter
from dataclasses import dataclass, field

from kzrules.cli.events import Captured
from kzrules.routing.act import Did


@dataclass(frozen=True, slots=True)
class Played:
    """What one side made of an event."""

    route: str | None
    did: tuple[Did, ...]
    end: str
    kind: str


@dataclass(slots=True)
class Group:
    """Events that change in the same way; the first of them is the example."""

    headline: tuple[str, ...]
    example: Captured
    old: Played
    new: Played
    when: str = ""
    """Of what ran without an event: `before` the example, or `behind` it, the last one."""
    count: int = 0

    @property
    def place(self) -> str:
        """`event 3`, `before event 3`."""
        return f"{self.when} event {self.example.number}".strip()


@dataclass(slots=True)
class Comparison:
    """All groups, the largest first when read."""

    events: int = 0
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)
    timed: bool = False
    """An event said when it came."""
    timers: bool = False
    """There are timers, which need that."""

    def note(
        self, headline: tuple[str, ...], example: Captured, old: Played, new: Played, when: str = ""
    ) -> None:
        """Count a difference; none is none."""
        if headline:
            group = self.groups.setdefault(headline, Group(headline, example, old, new, when))
            group.count += 1

    @property
    def changed(self) -> int:
        """How many events differ."""
        return sum(group.count for group in self.groups.values() if not group.when)

    @property
    def between(self) -> int:
        """How often what ran between events differs."""
        return sum(group.count for group in self.groups.values() if group.when)

    def sorted(self) -> list[Group]:
        """The largest group first."""
        return sorted(self.groups.values(), key=lambda group: (-group.count, group.example.number))
