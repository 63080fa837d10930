"""Keeps one connection to one zone alive. `service` makes two for each zone: to consume, and to publish.

The states are those of the plan: idle, dialing, opening, ready, waiting, draining, closing,
stopped; `link_states` says what is done in each. An input that a state does not know is an error.
Inputs that come while another is being worked on are done right after it (Automat).
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from automat import TypeMachineBuilder, pep614
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kzrules.broker.dial import Dial, Race, dialler
from kzrules.broker.link_states import (
    Core,
    Drain,
    Draining,
    Machine,
    Ready,
    Waiting,
    start_dialing,
    start_opening,
)
from kzrules.broker.link_states import Settings as Settings  # noqa: PLC0414  for those who make a link
from kzrules.broker.session import Session, guarded
from kzrules.broker.zones import Rotation, servers
from kzrules.clock import Clock
from kzrules.errors import BrokerError
from kzrules.language.program import BrokerSpec

_log = Logger()


def _nothing() -> None:
    """Nothing has to be finished before the connection is closed."""


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
    dialing = builder.state("dialing", start_dialing)
    opening = builder.state("opening", start_opening)
    ready = builder.state("ready", Ready)
    waiting = builder.state("waiting", Waiting)
    draining = builder.state("draining", Draining)
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
    def stop_waiting(_: Machine, core: Core, pause: Waiting) -> None:
        pause.leave()
        core.has_stopped()

    @pep614(dialing.upon(Machine.opened, nodata=True).to(ready))
    @pep614(opening.upon(Machine.opened, nodata=True).to(ready))
    @pep614(ready.upon(Machine.returned, nodata=True).loop())
    def use_it(_: Machine, core: Core) -> None:
        for __, session, ___ in core.opened:
            _log.info("{purpose}: connected to {name}", purpose=core.purpose, name=session.name)
            guarded(core.on_session, session)

    @pep614(ready.upon(Machine.stop).to(draining))
    def stop_ready(_: Machine, __: Core, in_use: Ready) -> None:
        in_use.leave()

    @pep614(ready.upon(Machine.lost).to(waiting))
    def lose_it(_: Machine, __: Core, in_use: Ready) -> None:
        in_use.leave()

    @pep614(draining.upon(Machine.lost).to(stopped))
    def lose_it_draining(_: Machine, core: Core, draining: Draining) -> None:
        draining.leave()
        core.has_stopped()

    @pep614(draining.upon(Machine.drained).to(closing))
    def close(_: Machine, core: Core, __: Draining) -> None:
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
