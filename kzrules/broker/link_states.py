"""What a link does while it is in each of its states. `link` says which leads to which.

What belongs to one state (a race, a timer, the session in use) lives in that state; what all of them
share is `Core`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.dial import Attempt, Dial, Race
from kzrules.broker.session import Session, guarded
from kzrules.broker.zones import Rotation, Server
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerError, BrokerGone

_log = Logger("kzrules.broker.link")
"""The link's name: whoever follows one in the log need not know of its parts."""

Drain = Callable[[], "Deferred[None] | None"]


class Machine(Protocol):
    """What can happen to a link."""

    def start(self) -> None:
        """Somebody wants a connection."""

    def stop(self) -> None:
        """Nobody wants it any more."""

    def connected(self) -> None:
        """A broker took the transport; its handshake begins."""

    def opened(self) -> None:
        """A handshake is done."""

    def exhausted(self) -> None:
        """No broker of the list could be had."""

    def retry(self) -> None:
        """The time to wait is over."""

    def lost(self) -> None:
        """The session is gone."""

    def returned(self) -> None:
        """The preferred broker is back, and has opened a session."""

    def drained(self) -> None:
        """What had to be finished is finished, or its time is over."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds; `failback` None: stay with the broker that there is."""

    connection_timeout: float = 2.0
    handshake_timeout: float = 5.0
    failback: float | None = None


@dataclass
class Core:
    """What all states share. `opened` holds the session that is there, with its broker and since when."""

    purpose: str
    rotation: Rotation
    dial: Dial
    clock: Clock
    settings: Settings
    on_session: Callable[[Session], None]
    on_lost: Callable[[BrokerError], None]
    drain: Drain
    drain_limit: float = 0.0
    state: str = "idle"
    turn: int = 0
    wait: float = 0.0
    losses: int = 0
    last_error: BrokerError | None = None
    opened: list[tuple[Server, Session, float]] = field(default_factory=list)
    races: list[Race] = field(default_factory=list)
    stopping: list[Deferred[None]] = field(default_factory=list)

    @property
    def limits(self) -> tuple[float, float]:
        """For an attempt: to connect, and to finish the handshake."""
        return self.settings.connection_timeout, self.settings.handshake_timeout

    def attempt_failed(self, server: Server, error: BrokerError) -> None:
        """One broker could not be had: the next one is tried."""
        self.rotation.failed(server, self.clock.seconds())
        self.last_error = error
        _log.warn("{purpose}: {error}", purpose=self.purpose, error=error)

    def take(self, server: Server, session: Session) -> None:
        """From now on this is the session."""
        self.opened = [(server, session, self.clock.seconds())]

    def let_go(self, error: BrokerError) -> None:
        """Tell whoever used the session that it is gone; the rotation says when to dial again."""
        (server, _, since), *_ = self.opened
        self.opened = []
        self.losses += 1
        self.last_error = error
        self.wait = self.rotation.lost(server, self.clock.seconds(), since)
        if self.state != "closing":
            _log.warn("{purpose}: {error}", purpose=self.purpose, error=error)
        guarded(self.on_lost, error)

    def has_stopped(self) -> None:
        """Tell everybody who asked for it."""
        self.state = "stopped"
        stopping, self.stopping = self.stopping, []
        for waiting in stopping:
            waiting.callback(None)


class Ready:
    """A session in use, and the way back to the preferred broker if it is not with that one."""

    def __init__(self, machine: Machine, core: Core) -> None:
        self._machine = machine
        self._core = core
        self._attempts: list[Attempt] = []
        self._timers: list[Timer] = []
        core.state = "ready"
        core.wait = 0.0
        (server, self._session, _), *_ = core.opened
        self._watch(self._session)
        if server != core.rotation.preferred:
            self._plan_return()

    def leave(self) -> None:
        """Nothing delayed stays behind."""
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        for attempt in self._attempts:
            attempt.abort()
        self._timers, self._attempts = [], []

    def _watch(self, session: Session) -> None:
        session.on_lost(partial(self._lost, session))

    def _lost(self, session: Session, error: BrokerError) -> None:
        if any(used is session for _, used, _ in self._core.opened):
            self._core.let_go(error)
            self._machine.lost()

    def _plan_return(self) -> None:
        after = self._core.settings.failback
        if after is not None:
            self._timers = [self._core.clock.callLater(after, self._try_preferred)]

    def _try_preferred(self) -> None:
        core = self._core
        core.turn += 1
        attempt = Attempt(
            core.rotation.preferred, core.clock, core.limits, lambda: None, self._back, self._not_yet
        )
        self._attempts = [attempt]
        attempt.start(core.dial, core.turn)

    def _back(self, attempt: Attempt, session: Session) -> None:
        self._attempts = []
        core, old = self._core, self._session
        core.opened = []
        _log.info("{purpose}: back to {name}", purpose=core.purpose, name=session.name)
        guarded(core.on_lost, BrokerGone(f"{session.name} is back, which is preferred to {old.name}"))
        core.take(attempt.server, session)
        old.close()
        self._session = session
        self._machine.returned()
        self._watch(session)

    def _not_yet(self, attempt: Attempt, error: BrokerError) -> None:
        self._attempts = []
        self._core.attempt_failed(attempt.server, error)
        self._plan_return()


class Draining:
    """Work that ends before the connection does, for as long as it may take."""

    def __init__(self, machine: Machine, core: Core) -> None:
        self._machine = machine
        self._over = False
        core.state = "draining"
        self._too_late = core.clock.callLater(core.drain_limit, self._end)
        maybeDeferred(core.drain).addBoth(self._end)

    def leave(self) -> None:
        """Its end is of no interest any more."""
        self._over = True
        if self._too_late.active():
            self._too_late.cancel()

    def _end(self, result: object = None) -> None:
        if isinstance(result, Failure):
            _log.failure("draining failed; going on with the stop", result)
        if not self._over:
            self.leave()
            self._machine.drained()


def start_dialing(machine: Machine, core: Core) -> Race:
    """The brokers of the list, raced; the race is what the state holds."""
    core.state = "dialing"
    core.turn += 1

    def opened(server: Server, session: Session) -> None:
        core.take(server, session)
        machine.opened()

    def exhausted(_: BrokerError) -> None:
        core.wait = core.rotation.none_left()
        machine.exhausted()

    race = Race(core.clock, core.limits, machine.connected, opened, core.attempt_failed, exhausted)
    core.races = [race]
    race.start(core.dial, core.rotation.order(core.clock.seconds()), core.turn)
    return race


def start_opening(machine: Machine, core: Core) -> Race:
    """The same race goes on while one of them shakes hands."""
    del machine
    core.state = "opening"
    return core.races[0]


class Waiting:
    """The time until the list of brokers is tried again."""

    def __init__(self, machine: Machine, core: Core) -> None:
        core.state = "waiting"
        self._timer = core.clock.callLater(core.wait, machine.retry)

    def leave(self) -> None:
        """Nothing delayed stays behind."""
        self._timer.cancel()
