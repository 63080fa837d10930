"""What a subscription declared is kept in place: exchange and bindings are declared again from time to time.

Started by the consumer when it consumes from a queue that outlives its connection. After a
reconnect it consumes first and declares here, beside it, since a survivor of a cluster may need a
minute to bind; and an exchange that somebody deleted and made again has lost its bindings, of
which a consumer hears nothing. Nor does it always hear that its queue was deleted: so it is seen to
that the queue has a consumer.
"""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.amqp_errors import Refused
from kzrules.broker.channel import Channel
from kzrules.broker.session import Session
from kzrules.broker.topology import DIFFERS
from kzrules.clock import Clock, Timer
from kzrules.errors import KzError

PERIOD = 10.0
SECOND_LOOK = 1.0
"""Seconds until a queue without a consumer is looked at again: RabbitMQ 3.10 also answers 0 where the
leader of a quorum queue does not tell it in time."""

_log = Logger()


class Keeping:
    """Declares one subscription's exchange, queue and bindings again, every 10 s."""

    def __init__(
        self,
        name: str,
        *,
        declare: Callable[[Channel], Awaitable[str]],
        bind: Callable[[Channel], Awaitable[None]],
        renew: Callable[[], "Deferred[None]"],
        unheard: Callable[[], None],
        clock: Clock,
    ) -> None:
        """`unheard` is called when the queue has no consumer, though one was not cancelled."""
        self._name = name
        self._declare = declare
        self._bind = bind
        self._renew = renew
        self._unheard = unheard
        self._no_consumer = False
        self._clock = clock
        self._timer: Timer | None = None
        self._session: Session | None = None
        self.trouble: str | None = None
        """Why it is not as declared; None where it is."""

    def begin(self, session: Session, *, at_once: bool) -> None:
        """Consuming goes well on this session."""
        self.end()
        self._no_consumer = False
        self._session = session
        self._timer = self._clock.callLater(0 if at_once else PERIOD, self._look)

    def end(self) -> None:
        """It does no longer."""
        self._session = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look(self) -> None:
        session = self._session
        if session is not None:
            kept = Deferred.fromCoroutine(self._declared(session))
            kept.addErrback(self._not_kept, session)
            kept.addCallback(self._go_on, session)
            kept.addErrback(lambda failed: _log.failure("keeping a subscription failed", failed))

    async def _declared(self, session: Session) -> None:
        channel = await session.open_channel()
        try:
            queue = await self._declare(channel)
        except Refused as refused:
            if refused.code == DIFFERS:  # made again as another: events that reach it shall still reach us
                await self._bind_as_it_is(session)
            raise
        _, consumers = await channel.count_messages(queue)
        await channel.close()
        await self._renew()
        self.trouble = None
        before, self._no_consumer = self._no_consumer, not consumers
        if before and self._no_consumer and session is self._session:
            self._unheard()

    async def _bind_as_it_is(self, session: Session) -> None:
        channel = await session.open_channel()
        await self._bind(channel)
        await channel.close()

    def _not_kept(self, failed: Failure, session: Session) -> None:
        if not isinstance(failed.value, KzError):
            _log.failure("{name}: declaring again failed", failed, name=self._name)
        elif session is self._session and str(failed.value) != self.trouble:
            self.trouble = str(failed.value)
            _log.warn(
                "{name}: what it subscribes to is not as declared: {why}", name=self._name, why=self.trouble
            )

    def _go_on(self, _: None, session: Session) -> None:
        if session is self._session:
            period = SECOND_LOOK if self._no_consumer else PERIOD
            self._timer = self._clock.callLater(period, self._look)
