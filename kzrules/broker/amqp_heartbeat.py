"""Signs of life, both ways, by our own clock. Made by `amqp` when the broker has proposed its heartbeat.

pika looks every t + 5 s whether anything came, and so needs up to twice that to notice silence;
here it is one and a half heartbeats after the last byte, whatever kind of byte it was.
"""

from collections.abc import Callable

from kzrules.clock import Clock, Timer

PATIENCE = 1.5
"""Heartbeats of silence after which a peer is taken for dead; both sides beat twice in each."""

SOONEST = 0.01
"""Heartbeats between two looks, at least: a rest that is lost in the clock's rounding is no wait at all."""


class Heartbeat:
    """Sends a beat every half interval, and says once when nothing came for too long."""

    def __init__(
        self,
        clock: Clock,
        interval: float,
        beat: Callable[[], None],
        silent: Callable[[float], None],
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._beat = beat
        self._silent = silent
        self._heard = clock.seconds()
        self._sending: Timer = clock.callLater(interval / 2, self._send)
        self._watching: Timer = clock.callLater(interval * PATIENCE, self._look, self._heard)

    def received(self) -> None:
        """Something came: called for every read, and by pika for every heartbeat."""
        self._heard = self._clock.seconds()

    def stop(self) -> None:
        """The connection is gone; nothing delayed is left."""
        for call in (self._sending, self._watching):
            if call.active():
                call.cancel()

    def _send(self) -> None:
        self._sending = self._clock.callLater(self._interval / 2, self._send)
        self._beat()

    def _look(self, planned_from: float) -> None:
        now = self._clock.seconds()
        limit = self._interval * PATIENCE
        late = now - planned_from - limit
        if now - self._heard < limit:
            wait, since = max(self._heard + limit - now, self._interval * SOONEST), self._heard
        elif late > self._interval / 4:
            # We ourselves stood still: what the peer sent meanwhile has not been read yet.
            wait, since = self._interval / 2, now + self._interval / 2 - limit
        else:
            self._silent(now - self._heard)
            return
        self._watching = self._clock.callLater(wait, self._look, since)
