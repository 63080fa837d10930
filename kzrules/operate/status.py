"""What the service is doing, as frozen values: `service.snapshot` fills them, ctl, page and health show them.

Times are Unix seconds, durations seconds. Nothing here holds a password or a payload; names of
routes, tables and queues come from rule files, never from an event.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from kzrules.broker.counters import Counters
from kzrules.kamailio.bridge import Standing


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection to one zone. `broker` is host and port, None while there is none."""

    purpose: str
    """`consume` or `publish`."""
    zone: str
    state: str
    """The connection machine's: dialing, opening, ready, waiting, draining, closing or stopped."""
    broker: str | None
    since: float | None
    losses: int
    """How often an open connection went away."""
    blocked: str | None
    """Why the broker reads nothing that is published (a memory or disk alarm); None: it does."""
    trouble: str | None
    """What went wrong last; None while the connection is there."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription on one zone."""

    name: str
    zone: str
    queue: str | None
    consuming: bool
    """The broker has confirmed the consumer, and nothing was heard to the contrary."""
    settling: bool
    """False: deliveries wait, and none of them was settled for longer than any event may take."""
    paused: bool
    """The outbox is full, or new settings wait for the events of the old ones."""
    unacknowledged: int
    in_hand: int
    waiting: int
    """Rules that wait for an answer."""
    rate: float
    """Deliveries a second, over the last ten seconds."""
    last_event: float | None
    dead_letters: str | None
    """The queue that dead letters go to; None where there is none, or while its name is not known."""
    trouble: str | None
    counters: Counters


@dataclass(frozen=True, slots=True)
class Publishing:
    """The outbox of one zone."""

    zone: str
    primary: bool
    ready: bool
    """What is published goes out at once."""
    unconfirmed: int
    limit: int
    """From here on, consuming slows down."""
    confirmed: int
    resent: int
    nacked: int
    unroutable: int
    away_since: float | None


@dataclass(frozen=True, slots=True)
class Asking:
    """Questions on the bus, and replies that nobody took."""

    ready: bool
    waiting: int
    asked: int
    answered: int
    timeouts: int
    strays: int
    lost_replies: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the checker found. `place` is file:line:column."""

    code: str
    severity: str
    message: str
    place: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The last reload, if it was refused: the rules from before it go on."""

    at: float
    why: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Reloads:
    """How often the rules were loaded anew since the start. `last_time`: the seconds the last one took."""

    succeeded: int = 0
    failed: int = 0
    last_success: float | None = None
    last_time: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that run. `previous` is the generation that a rollback goes back to."""

    generation: int
    since: float
    paths: tuple[str, ...]
    routes: int
    timers: int
    findings: tuple[Finding, ...]
    refused: Refused | None
    previous: int | None
    reloads: Reloads


@dataclass(frozen=True, slots=True)
class Route:
    """What one event route did since the start. `place` None: no rule of this name runs now."""

    name: str
    place: str | None
    taken: int
    failed: int
    last: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong at one line of the rules, and what it said last."""

    subscription: str
    route: str | None
    place: str | None
    cause: str
    count: int
    last: float
    why: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """One table. `ttl` None: for ever."""

    name: str
    entries: int
    limit: int
    ttl: float | None
    evicted: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """What belongs to no event: timers, `after` blocks, expiries."""

    ran: int
    failed: int
    waiting: int
    """`after` blocks that wait for their time."""


@dataclass(frozen=True, slots=True)
class Process:
    """The process itself. `memory` is what it holds in RAM, in bytes; None where that cannot be read."""

    pid: int
    node: str
    version: str
    started: float
    workers: int
    queued: int
    """Pieces of work that wait for a worker, run on one, or wait to be taken from it."""
    broken: int
    """Work that failed in kzrules itself; each is in the log."""
    lag: float
    """Seconds that the reactor was late at its last second's tick."""
    memory: int | None
    log_level: str


@dataclass(frozen=True, slots=True)
class Status:
    """All of it, at one moment."""

    at: float
    process: Process
    draining: bool
    connections: tuple[Connection, ...]
    subscriptions: tuple[Subscription, ...]
    publishing: tuple[Publishing, ...]
    asking: Asking
    rules: Rules
    routes: tuple[Route, ...]
    failures: tuple[Failure, ...]
    tables: tuple[Remembered, ...]
    blocks: Blocks
    totals: Counters = field(default_factory=Counters)
    """What all subscriptions counted since the start, those that are gone included."""
    kamailios: tuple[Standing, ...] = ()
    """The Kamailios that ask us, in the order of the rules."""

    @property
    def ready(self) -> bool:
        """Rules loaded, every subscription consuming and settling, publishing possible, not draining."""
        return not any(self.unready())

    def unready(self) -> Iterator[str]:
        """Each reason why it is not ready, as a sentence."""
        if self.draining:
            yield "draining: nothing new is consumed"
        for one in self.subscriptions:
            if not one.consuming:
                yield f"{one.name} does not consume in zone {one.zone}: {one.trouble or 'not yet'}"
            elif not one.settling:
                yield f"{one.name} settles nothing in zone {one.zone} although deliveries wait"
        for zone in self.publishing:
            if zone.primary and not zone.ready:
                yield f"nothing can be published to zone {zone.zone}"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, with `ready` and the reasons for not being so."""
        return {**asdict(self), "ready": self.ready, "unready": list(self.unready())}
