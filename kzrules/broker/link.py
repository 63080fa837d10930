"""Keeps one connection to one zone alive. `service` makes two for each zone: to consume, and to publish.

The states are those of the plan: idle, dialing, opening, ready, waiting, draining, closing,
stopped. What belongs to one state lives in that state, and an input that a state does not know is
an error. Inputs that come while another is being worked on are done right after it (Automat).
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from automat import TypeMachineBuilder, pep614
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.dial import Attempt, Dial, Race, dialler
from kzrules.broker.session import Session, guarded
from kzrules.broker.zones import Rotation, Server, servers
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerError, BrokerGone
from kzrules.language.program import BrokerSpec

_log = Logger()


def _nothing() -> None:
    """Nothing has to be finished before the connection is closed."""


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


class _Ready:
    """A session in use, and the way back to the preferred broker if it is not with that one."""

    def __init__(self, machine: Machine, core: Core) -> None:
        self._machine = machine
        self._core = core
        self._attempts: list[Attempt] = []
        self._timers: list[Timer] = []
        core.state = "ready"
        core.wait = 0.0
        (server, self._session, _), *_ = core.opened
        self._session.on_lost(self._lost)
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

    def _lost(self, error: BrokerError) -> None:
        if any(session is self._session for _, session, _ in self._core.opened):
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
        self._machine.returned()

    def _not_yet(self, attempt: Attempt, error: BrokerError) -> None:
        self._attempts = []
        self._core.attempt_failed(attempt.server, error)
        self._plan_return()


class _Draining:
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


def _dialing(machine: Machine, core: Core) -> Race:
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


def _opening(machine: Machine, core: Core) -> Race:
    del machine
    core.state = "opening"
    return core.races[0]


class _Waiting:
    """The time until the list of brokers is tried again."""

    def __init__(self, machine: Machine, core: Core) -> None:
        core.state = "waiting"
        self._timer = core.clock.callLater(core.wait, machine.retry)

    def leave(self) -> None:
        """Nothing delayed stays behind."""
        self._timer.cancel()


def _add_moves(idle: Any, stopped: Any, dialing: Any, opening: Any, waiting: Any) -> None:
    """The transitions at which nothing is done but to enter the next state."""
    idle.upon(Machine.start).to(dialing).returns(None)
    stopped.upon(Machine.start).to(dialing).returns(None)
    dialing.upon(Machine.connected).to(opening).returns(None)
    opening.upon(Machine.connected).loop().returns(None)
    waiting.upon(Machine.retry).to(dialing).returns(None)
    dialing.upon(Machine.exhausted).to(waiting).returns(None)
    opening.upon(Machine.exhausted).to(waiting).returns(None)


def _add_loops(wanted: Iterable[Any], ending: Iterable[Any]) -> None:
    """What is asked for where it is on its way already."""
    for state in wanted:
        state.upon(Machine.start).loop().returns(None)
    for state in ending:
        state.upon(Machine.stop).loop().returns(None)


def _build() -> Callable[[Core], Machine]:  # noqa: C901  one machine: each line is a transition
    builder = TypeMachineBuilder(Machine, Core)
    idle = builder.state("idle")
    stopped = builder.state("stopped")
    dialing = builder.state("dialing", _dialing)
    opening = builder.state("opening", _opening)
    ready = builder.state("ready", _Ready)
    waiting = builder.state("waiting", _Waiting)
    draining = builder.state("draining", _Draining)
    closing = builder.state("closing")

    _add_moves(idle, stopped, dialing, opening, waiting)
    _add_loops((dialing, opening, ready, waiting), (draining, closing))

    @pep614(idle.upon(Machine.stop).to(stopped))
    @pep614(stopped.upon(Machine.stop).loop())
    @pep614(closing.upon(Machine.lost).to(stopped))
    def nothing_is_left(_: Machine, core: Core) -> None:
        core.has_stopped()

    @pep614(dialing.upon(Machine.stop).to(stopped))
    @pep614(opening.upon(Machine.stop).to(stopped))
    def stop_race(_: Machine, core: Core, race: Race) -> None:
        race.abort()
        core.has_stopped()

    @pep614(waiting.upon(Machine.stop).to(stopped))
    def stop_waiting(_: Machine, core: Core, pause: _Waiting) -> None:
        pause.leave()
        core.has_stopped()

    @pep614(dialing.upon(Machine.opened, nodata=True).to(ready))
    @pep614(opening.upon(Machine.opened, nodata=True).to(ready))
    @pep614(ready.upon(Machine.returned, nodata=True).to(ready))
    def use_it(_: Machine, core: Core) -> None:
        for __, session, ___ in core.opened:
            _log.info("{purpose}: connected to {name}", purpose=core.purpose, name=session.name)
            guarded(core.on_session, session)

    @pep614(ready.upon(Machine.stop).to(draining))
    def stop_ready(_: Machine, __: Core, in_use: _Ready) -> None:
        in_use.leave()

    @pep614(ready.upon(Machine.lost).to(waiting))
    def lose_it(_: Machine, __: Core, in_use: _Ready) -> None:
        in_use.leave()

    @pep614(draining.upon(Machine.lost).to(stopped))
    def lose_it_draining(_: Machine, core: Core, draining: _Draining) -> None:
        draining.leave()
        core.has_stopped()

    @pep614(draining.upon(Machine.drained).to(closing))
    def close(_: Machine, core: Core, __: _Draining) -> None:
        core.state = "closing"
        for ___, session, ____ in core.opened:
            session.close()

    return builder.build()


_machine = _build()


class Link:
    """One connection to one zone, as long as it is wanted. All calls on the reactor thread.

    `on_session` is called with each new session, `on_lost` when it is gone (not where it was never
    handed over). `server` numbers of sessions are those of `zones.servers`.
    """

    def __init__(  # noqa: PLR0917  each is a part that it is made of
        self,
        rotation: Rotation,
        dial: Dial,
        clock: Clock,
        settings: Settings,
        on_session: Callable[[Session], None],
        on_lost: Callable[[BrokerError], None],
        purpose: str = "broker",
    ) -> None:
        self.zone = rotation.preferred.zone
        self._core = Core(purpose, rotation, dial, clock, settings, on_session, on_lost, _nothing)
        self._machine = _machine(self._core)

    @property
    def state(self) -> str:
        """The machine's state, for people."""
        return self._core.state

    @property
    def session(self) -> Session | None:
        """The session that is there now."""
        return next((session for _, session, _ in self._core.opened), None)

    @property
    def since(self) -> float | None:
        """When that session began, by the clock; None while there is none."""
        return next((since for _, _, since in self._core.opened), None)

    @property
    def last_error(self) -> BrokerError | None:
        """What went wrong last, for people: it never holds a password."""
        return self._core.last_error

    @property
    def losses(self) -> int:
        """How often an open connection went away."""
        return self._core.losses

    def start(self) -> None:
        """Connect, and keep connected."""
        self._machine.start()

    def stop(self, drain: Drain = _nothing, limit: float = 0.0) -> Deferred[None]:
        """Let `drain` finish for `limit` seconds at most, then close; fires when all is closed."""
        done: Deferred[None] = Deferred()
        self._core.stopping.append(done)
        if self._core.state not in {"draining", "closing"}:
            self._core.drain, self._core.drain_limit = drain, limit
        self._machine.stop()
        return done


def links(  # noqa: PLR0917  each is a part that they are made of
    spec: BrokerSpec,
    login: tuple[str, str] | None,
    reactor: Any,
    purpose: str,
    on_session: Callable[[Session], None],
    on_lost: Callable[[str, BrokerError], None],
) -> dict[str, Link]:
    """One link for each zone of `broker`, by the zone's name; `on_lost` is told which zone it was."""
    dial = dialler(spec, login, reactor, purpose)
    settings = Settings(spec.connection_timeout, spec.handshake_timeout, spec.failback)
    listed = servers(spec)
    made = {}
    for zone in spec.zones:
        rotation = Rotation(tuple(server for server in listed if server.zone == zone.name))
        lost = functools.partial(on_lost, zone.name)
        made[zone.name] = Link(
            rotation, dial, reactor, settings, on_session, lost, f"{purpose} ({zone.name})"
        )
    return made
