"""Publishes, and knows what has arrived: every message is held until the broker has confirmed it.

`consumer`, `blocks` and `query` publish here; `link` brings the sessions. What is unconfirmed when
a connection goes is sent again, in its order and with its message_id, on the next one: a message
may then come twice, and is never lost.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kzrules.broker.amqp_errors import NotSendable, OutboxFull, Refused, Unroutable
from kzrules.broker.amqp_frames import Outgoing, short_string
from kzrules.broker.channel import Channel
from kzrules.broker.held import Alone, Held, Together, mark_of
from kzrules.broker.session import Session, guarded
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerError, BrokerGone, KzError
from kzrules.message.action import Publish
from kzrules.wire import properties
from kzrules.wire.confirms import Confirmed, Ledger, Nacked, Returned

AT_ONCE = 500
"""Messages in one write."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Seconds before a nacked message is sent again: the first publishes after a node's death are nacked."""
PATIENCE, LONGEST_PATIENCE = 2.0, 8.0
"""Seconds without a single confirm after which what is out is sent again on a new channel. The channel
of a survivor may have handed messages to a quorum queue's leader that had just died: it neither
confirms nor rejects them, ever (RabbitMQ 3.10.8, measured by killing a node)."""
PROBE_PATIENCE = 0.5
"""The same while a new channel has confirmed nothing: little is out on it, see `_window`."""
WINDOW = 4_096
"""The most messages that are out unconfirmed: a broker is given no more than it answers in a moment."""
STANDSTILL = 0.5
"""Seconds by which the look for confirms may be late; later, we stood still, and not the broker."""
HARD_LIMIT, HARD_FLOOR = 4, 40_000
"""The outbox refuses at this many times its limit, and never below the floor. From the limit on nothing more
is handed to the workers, and what they had by then, a prefetch of each subscription, still finds room."""

_EXCHANGE = re.compile(r"exchange '([^']*)'")
_log = Logger()


def outgoing(wanted: Publish) -> Outgoing:
    """What a rule asked for, as it goes out; RuleFailure where a header has no AMQP form."""
    if wanted.headers:
        raw = properties.encode(
            wanted.headers,
            content_type=properties.JSON_TYPE,
            delivery_mode=properties.PERSISTENT if wanted.persistent else properties.TRANSIENT,
            message_id=wanted.message_id,
        )
    else:
        raw = properties.published(wanted.message_id, persistent=wanted.persistent)
    return Outgoing(wanted.exchange, wanted.routing_key, wanted.body, raw, wanted.mandatory)


class Publisher:
    """The outbox of one zone. `keep` false: what is unconfirmed when the connection goes fails with it."""

    def __init__(self, clock: Clock, limit: int = 10_000, *, keep: bool = True) -> None:
        self.limit = limit
        self.confirmed = 0
        self.resent = 0
        self.nacked = 0
        self.unroutable = 0
        self.away_since: float | None = clock.seconds()
        """Since when there is no session; None while there is one."""
        self._clock = clock
        self._keep = keep
        self._session: Session | None = None
        self._channel: Channel | None = None
        self._ledger: Ledger[Held] = Ledger()
        self._waiting: deque[Held] = deque()
        self._nacked: list[Held] = []
        self._nack_rounds = 0
        self._again: Timer | None = None
        self._progress = 0
        self._silent = 0
        """Channels one after the other that confirmed nothing in time."""
        self._watchdog: Timer | None = None
        self._reopening: Timer | None = None
        self._singly = 0
        self._window = WINDOW
        """Messages that may be out on this channel: after a break one, and one more for each confirm. What
        goes out on a new channel may go to a leader that is dead, and would all have to be sent again."""
        self._was_full = False
        self._holding = False
        self._on_room: list[Callable[[], None]] = []
        self._drained: list[Deferred[None]] = []

    # What others see

    @property
    def size(self) -> int:
        """Messages held."""
        return len(self._waiting) + len(self._ledger) + len(self._nacked)

    @property
    def full(self) -> bool:
        """Whether whoever makes messages should stop making them, until `on_room` calls."""
        return self.size >= self.limit

    @property
    def ready(self) -> bool:
        """Whether what is published goes out at once."""
        return self._channel is not None and self._session is not None and not self._session.blocked

    def on_room(self, callback: Callable[[], None]) -> None:
        """Call back each time the outbox, having been full, is down to three quarters."""
        self._on_room.append(callback)

    def publish(self, wanted: Publish) -> Deferred[None]:
        """Fires when the broker has the message; fails with Unroutable, OutboxFull or a rule's mistake."""
        return self.publish_all((wanted,))

    def publish_all(self, wanted: Iterable[Publish]) -> Deferred[None]:
        """The same for several, in one write; fails with the first failure once all are decided."""
        messages, failure = [], None
        for one in wanted:
            try:
                messages.append(outgoing(one))
            except KzError as error:
                failure = failure or error
        return self.send_all(messages, failure)

    def ask(self, message: Outgoing, message_id: str, failed: Callable[[KzError], None]) -> None:
        """Publish a question; `failed` is told why it is not on its way, at once or later."""
        mark = message_id, message.exchange, message.routing_key
        self._accept(Held(message, mark, Alone(failed)))
        self._flush()

    def send(self, message: Outgoing) -> Deferred[None]:
        """Publish a message whose properties are encoded already."""
        return self.send_all((message,))

    def send_all(self, messages: Sequence[Outgoing], failure: KzError | None = None) -> Deferred[None]:
        """Publish several of these; `failure` is one that is known before anything is sent."""
        together = Together(len(messages), failure)
        for message in messages:
            mark = mark_of(message.properties, message.exchange, message.routing_key)
            self._accept(Held(message, mark, together))
        self._was_full = self._was_full or self.full
        self._flush()
        together.begin()
        return together.done

    def drain(self) -> Deferred[None]:
        """Fires when nothing is held any more."""
        done: Deferred[None] = Deferred()
        self._drained.append(done)
        self._tell()
        return done

    def stop(self, why: str = "kzrules is being stopped") -> int:
        """Fail everything that is held; how many messages that were."""
        self._stop_watching()
        for timer in (self._again, self._reopening):
            if timer is not None and timer.active():
                timer.cancel()
        self._channel, self._session = None, None
        return self._fail_all(BrokerGone(f"the message was not confirmed: {why}"))

    def give_up(self, which: Callable[[Outgoing], bool], error: BrokerError) -> int:
        """Fail those held that `which` picks, and send them no more; how many."""
        chosen = [held for held in self._waiting if which(held.message)]
        self._waiting = deque(held for held in self._waiting if not which(held.message))
        for held in chosen:
            held.fail(error)
        self._tell()
        return len(chosen)

    # Sessions

    def session_opened(self, session: Session) -> None:
        """`link` has a new session."""
        self._session = session
        self.away_since = None
        session.on_blocked(lambda _: self._flush())
        self._open_channel()

    def session_lost(self) -> None:
        """`link` has lost it; the channel has said so already."""
        self._session = None
        self._channel = None
        self.away_since = self._clock.seconds()
        self._take_back()
        if not self._keep:
            self._fail_all(BrokerGone("there is no connection to the broker now"))

    def _open_channel(self) -> None:
        session = self._session
        if session is not None and session.is_open:
            opening = Deferred.fromCoroutine(session.open_channel(confirms=True))
            opening.addCallbacks(
                self._opened, self._not_opened, callbackArgs=(session,), errbackArgs=(session,)
            )
            opening.addErrback(lambda failure: _log.failure("the publisher cannot go on", failure))

    def _opened(self, channel: Channel, session: Session) -> None:
        if session is not self._session:
            return
        self._channel = channel
        self._stop_watching()
        # A channel that was left may still speak: its numbers mean nothing in the next one's ledger.
        channel.on_confirm(lambda *confirm: self._confirm(*confirm) if channel is self._channel else None)
        channel.on_return(lambda *back: self._came_back(*back) if channel is self._channel else None)
        channel.on_closed(lambda error: self._closed(channel, error))
        self._flush()

    def _not_opened(self, failure: object, session: Session) -> None:
        if session is self._session and session.is_open:
            _log.error("no channel to publish on: {failure}", failure=failure)
            self._reopening = self._clock.callLater(LONGEST_WAIT, self._reopen, session)

    def _reopen(self, session: Session) -> None:
        if session is self._session and self._channel is None:
            self._open_channel()

    def _closed(self, channel: Channel, error: BrokerError) -> None:
        if channel is not self._channel:
            return
        self._channel = None
        unsettled = list(self._ledger.outstanding())
        self._take_back()
        if isinstance(error, Refused):
            self._blame(error, unsettled)
        self._open_channel()

    def _blame(self, error: Refused, unsettled: list[Held]) -> None:
        """The broker closed the channel over a message: tell that one, and send the others again.

        404 and 403 name the exchange. Where nothing is named, the messages go out one by one until
        one of them is alone when the channel closes.
        """
        named = _EXCHANGE.search(error.text)
        culprits = [held for held in unsettled if named and held.message.exchange == named.group(1)]
        if not culprits and self._singly and unsettled:
            culprits = unsettled[:1]
            self._singly -= 1
        elif not culprits:
            self._singly = len(unsettled)
        blamed = set(map(id, culprits))
        self._waiting = deque(held for held in self._waiting if id(held) not in blamed)
        for held in culprits:
            self.unroutable += 1
            held.fail(Unroutable(error.code, error.text, held.message.exchange, held.message.routing_key))
        self._tell()

    def _take_back(self) -> None:
        self._window = 2**self._silent  # one queue that never answers shall not hold up the others
        unsettled = self._ledger.clear()
        self.resent += len(unsettled)
        self._waiting.extendleft(reversed(unsettled))

    # Messages

    def _accept(self, held: Held) -> None:
        try:
            short_string("exchange", held.message.exchange)
            short_string("routing key", held.message.routing_key)
        except NotSendable as error:
            held.fail(error)
            return
        if not self._keep and self._session is None:
            held.fail(BrokerGone("there is no connection to the broker now"))
        elif self.size >= max(self.limit * HARD_LIMIT, HARD_FLOOR):
            held.fail(OutboxFull(f"{self.size} messages wait for their confirm already"))
        else:
            self._waiting.append(held)

    def hold(self) -> None:
        """Several publishes follow: write none of them before `release`."""
        self._holding = True

    def release(self) -> None:
        """Write what came since `hold`, together."""
        self._holding = False
        if self._waiting:
            self._flush()

    def _flush(self) -> None:
        while self._waiting and not self._holding and self.ready:
            channel = self._channel
            batch = list(islice(self._waiting, self._room()))
            if channel is None or not channel.is_open or not batch:
                break
            number = channel.sequence
            for held in batch:
                self._waiting.popleft()
                number += 1
                self._ledger.published(number, held.mark, held)
            channel.publish_batch([held.message for held in batch])
        self._watch()

    def _room(self) -> int:
        """How many may go out now. Where nothing is kept, nothing is sent again: no need to hold back."""
        if not self._keep:
            return AT_ONCE
        return max(0, min(AT_ONCE, (1 if self._singly else self._window) - len(self._ledger)))

    def _watch(self) -> None:
        """See to it that confirms come; see PATIENCE."""
        if self._keep and self._watchdog is None and len(self._ledger):
            first = PROBE_PATIENCE if self._window == 2**self._silent else PATIENCE
            patience = min(first * 2.0**self._silent, LONGEST_PATIENCE)
            self._watchdog = self._clock.callLater(
                patience, self._look, self._progress, self._clock.seconds() + patience
            )

    def _stop_watching(self) -> None:
        if self._watchdog is not None and self._watchdog.active():
            self._watchdog.cancel()
        self._watchdog = None

    def _look(self, progress: int, due: float) -> None:
        self._watchdog = None
        channel = self._channel
        stuck = progress == self._progress and len(self._ledger) > 0
        if stuck and self._clock.seconds() - due < STANDSTILL and channel is not None and self.ready:
            self._silent = min(self._silent + 1, 10)
            _log.warn(
                "no confirm for {many} messages: they are sent again on a new channel", many=len(self._ledger)
            )
            self._change(channel)
        self._watch()

    def _change(self, channel: Channel) -> None:
        """Go on upon a new channel: the broker's end of this one leads nowhere."""
        self._channel = None
        self._take_back()
        closing = Deferred.fromCoroutine(channel.close())
        closing.addErrback(lambda failure: _log.debug("closing: {why}", why=failure.getErrorMessage()))
        self._open_channel()

    def _confirm(self, tag: int, multiple: bool, ok: bool) -> None:  # noqa: FBT001  as `Channel.on_confirm` calls
        self._progress += 1
        self._silent = 0
        for held, fate in self._ledger.settled(tag, multiple=multiple, ok=ok):
            self._window = min(self._window + ok, WINDOW)
            if self._singly:
                self._singly -= 1
            match fate:
                case Confirmed():
                    self.confirmed += 1
                    self._nack_rounds = 0
                    held.confirmed()
                case Returned(code, text):
                    self.unroutable += 1
                    held.fail(Unroutable(code, text, held.message.exchange, held.message.routing_key))
                case Nacked():
                    self.nacked += 1
                    self._nacked.append(held)
        if self._nacked and self._again is None:
            wait = min(FIRST_WAIT * 2.0**self._nack_rounds, LONGEST_WAIT)
            self._nack_rounds = min(self._nack_rounds + 1, 10)
            self._again = self._clock.callLater(wait, self._send_nacked)
        self._flush()
        self._tell()

    def _send_nacked(self) -> None:
        self._again = None
        nacked, self._nacked = self._nacked, []
        self.resent += len(nacked)
        self._waiting.extendleft(reversed(nacked))
        if self._nack_rounds > 1 and self._channel is not None:
            self._change(self._channel)  # nacked twice: this channel may remember a leader that is dead
        self._flush()

    def _came_back(
        self, code: int, text: str, exchange: str, routing_key: str, raw: bytes, _body: bytes
    ) -> None:
        self._ledger.returned(mark_of(raw, exchange, routing_key), code, text)

    def _fail_all(self, error: BrokerError) -> int:
        held = [*self._ledger.clear(), *self._waiting, *self._nacked]
        self._waiting.clear()
        self._nacked.clear()
        for one in held:
            one.fail(error)
        self._tell()
        return len(held)

    def _tell(self) -> None:
        if self._was_full and self.size <= self.limit * 3 // 4:
            self._was_full = False
            for callback in self._on_room:
                guarded(callback)
        if not self.size:
            drained, self._drained = self._drained, []
            for done in drained:
                done.callback(None)
