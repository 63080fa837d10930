"""Questions and their answers. A rule's `query` comes here from `consumer`, with the publishing session.

An answer is known by the `Msg-ID` of its payload, as the kazoo module does it, or by the AMQP
correlation_id. It comes to an exclusive queue of this process, bound to `targeted` with our
`Server-ID`; both go with the connection, and with them every question that waits.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from kzrules.broker.amqp_errors import OutboxFull, Unroutable
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.channel import Channel
from kzrules.broker.publisher import Publisher
from kzrules.broker.session import Session, guarded
from kzrules.clock import Clock, Timer
from kzrules.errors import BrokerGone, KzError, PayloadError
from kzrules.language.program import ExchangeSpec, QueueSpec
from kzrules.message.action import Answer, Answered, Query, Unanswered
from kzrules.message.delivery import Delivery, Source
from kzrules.message.identity import Identity
from kzrules.message.payload import loads
from kzrules.wire import properties
from kzrules.wire.replies import Replies, RepliesFull

TARGETED = ExchangeSpec("targeted", "direct")
RETRY = 2.0
"""Seconds before the reply queue is declared again on a session where it was refused."""

_log = Logger()


class Queries:
    """The open questions of this process. `on_stray` gets answers that nobody waits for any more."""

    def __init__(
        self,
        identity: Identity,
        clock: Clock,
        *,
        limit: int = 20_000,
        on_stray: Callable[[Delivery, dict[str, Any]], None] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.asked = 0
        self.answered = 0
        self._identity = identity
        self._clock = clock
        self._wall = wall
        self._on_stray = on_stray
        self._replies: Replies[Deferred[Answer]] = Replies(limit)
        self._publisher = Publisher(clock, limit, keep=False)
        self._session: Session | None = None
        self._listening = False
        self._timer: Timer | None = None
        self._relisten: Timer | None = None
        self._due = 0.0
        self._telling = False
        self._after: list[Callable[[], object]] = []

    @property
    def waiting(self) -> int:
        """Questions without an answer yet."""
        return len(self._replies)

    @property
    def timeouts(self) -> int:
        """Questions whose time ran out."""
        return self._replies.expired

    @property
    def strays(self) -> int:
        """Answers that came late, a second time, or to nothing that we asked."""
        return self._replies.strangers

    @property
    def ready(self) -> bool:
        """Whether the broker has confirmed our reply queue's consumer."""
        return self._listening

    def ask(self, query: Query) -> Deferred[Answer]:
        """The answer; never fails, and fails fast while there is no session: see `Unanswered`."""
        answer: Deferred[Answer] = Deferred()
        if not self._listening:
            answer.callback(Unanswered("disconnected"))
            return answer
        try:
            message = self._message(query)
            self._replies.ask(query.msg_id, answer, self._clock.seconds() + query.timeout)
        except (RepliesFull, ValueError):
            answer.callback(Unanswered("busy"))
            return answer
        except KzError:
            answer.callback(Unanswered("unroutable"))
            return answer
        self.asked += 1
        self._plan()
        self._publisher.ask(message, query.msg_id, partial(self._not_sent, query))
        return answer

    def hold(self) -> None:
        """Several questions follow, to be written together at `release`."""
        self._publisher.hold()

    def release(self) -> None:
        """Write them."""
        self._publisher.release()

    def soon(self, call: Callable[[], object]) -> None:
        """Call it when every answer of this read is told; where none is being told, in the next turn."""
        if self._telling:
            self._after.append(call)
        else:
            self._clock.callLater(0, call)

    def stop(self) -> int:
        """No more answers are waited for; how many questions were open."""
        self._listening = False
        self._session = None
        self._cancel()
        if self._relisten is not None and self._relisten.active():
            self._relisten.cancel()
        left = self._replies.fail_all("disconnected", _unanswered)
        self._publisher.stop()
        return left

    def session_opened(self, session: Session) -> None:
        """`link` has a new session: make the reply queue there."""
        self._session = session
        self._publisher.session_opened(session)
        self._listen(session)

    def session_lost(self) -> None:
        """`link` has lost it: nobody will answer what was asked."""
        self._session = None
        self._gone()
        self._publisher.session_lost()

    # The reply queue

    def _listen(self, session: Session) -> None:
        if session is self._session and session.is_open:
            listening = Deferred.fromCoroutine(self._declare(session))
            listening.addErrback(self._deaf, session)

    async def _declare(self, session: Session) -> None:
        identity = self._identity
        channel = await session.open_channel()
        await channel.declare_exchange(TARGETED)
        queue = QueueSpec(identity.reply_queue, exclusive=True, auto_delete=True)
        name = await channel.declare_queue(queue)
        await channel.bind_queue(name, TARGETED.name, identity.server_id)
        source = Source("replies", name, session.zone, session.server, channel.generation)
        await channel.consume(
            name, source, self._take, lambda: self._cancelled(session, channel), no_ack=True
        )
        if session is self._session:
            self._listening = True
            channel.on_closed(lambda _: self._closed(session))

    def _deaf(self, failure: Failure, session: Session) -> None:
        if session is not self._session or not session.is_open:
            return
        _log.error("no answers can come from {name}: {why}", name=session.name, why=failure.getErrorMessage())
        self._relisten = self._clock.callLater(RETRY, self._listen, session)

    def _cancelled(self, session: Session, channel: Channel) -> None:
        """Somebody deleted the queue: the channel is closed, and everything made anew."""
        _log.warn("the reply queue at {name} was deleted", name=session.name)
        Deferred.fromCoroutine(channel.close()).addErrback(lambda _: None)

    def _closed(self, session: Session) -> None:
        if session is self._session:
            self._gone()
            self._listen(session)

    def _gone(self) -> None:
        self._listening = False
        self._cancel()
        self._replies.fail_all("disconnected", _unanswered)

    # Answers

    def _take(self, deliveries: list[Delivery]) -> None:
        self._telling = True
        try:
            self._tell(deliveries)
        finally:
            self._telling = False
            after, self._after = self._after, []
            for call in after:
                guarded(call)
        self._plan()

    def _tell(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            try:
                payload = loads(delivery.body)
            except PayloadError:
                self._settle(_correlation(delivery), Unanswered("bad_reply"))
                continue
            name = payload.get("Msg-ID")
            if not (isinstance(name, str) and name in self._replies):
                name = _correlation(delivery)
            answer = Answered(self._stamped(payload, delivery))
            if not self._settle(name, answer) and self._on_stray is not None:
                guarded(self._on_stray, delivery, answer.payload)

    def _settle(self, name: str | None, answer: Answer) -> bool:
        """Whether somebody waited for it; where nobody did, it is counted."""
        waiter = self._replies.answered(name or "")
        if waiter is None:
            return False
        self.answered += 1
        waiter.callback(answer)
        return True

    def _stamped(self, payload: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
        """With what the kazoo module adds to everything that arrives."""
        payload["AMQP-Broker-Zone"] = delivery.source.zone
        payload["AMQP-Received"] = int(self._wall())
        asker = payload.get("Server-ID")
        if isinstance(asker, str) and asker:
            payload["Server-ID"] = f"consumer://{delivery.source.server}/{asker}"
        elif asker == "":
            del payload["Server-ID"]
        return payload

    def _message(self, query: Query) -> Outgoing:
        back = self._identity.reply_queue
        if query.headers:
            raw = properties.encode(
                query.headers,
                content_type=properties.JSON_TYPE,
                delivery_mode=properties.TRANSIENT,
                message_id=query.msg_id,
                correlation_id=query.msg_id,
                reply_to=back,
                expiration=str(max(1, int(query.timeout * 1000))),
            )
        else:
            raw = properties.asked(query.msg_id, back, query.timeout)
        return Outgoing(query.exchange, query.routing_key, query.body, raw)

    def _not_sent(self, query: Query, error: KzError) -> None:
        waiter = self._replies.forget(query.msg_id)
        if waiter is None:
            return
        match error:
            case BrokerGone():
                why = "disconnected"
            case OutboxFull():
                why = "busy"
            case Unroutable():
                why = "unroutable"
            case _:
                why = "unroutable"
                _log.error("a query could not be sent: {why}", why=error)
        waiter.callback(Unanswered(why))

    # Time

    def _plan(self) -> None:
        """One delayed call, for the question that is due first."""
        due = self._replies.next_expiry()
        if due is None:
            self._cancel()
        elif self._timer is None or due < self._due:
            self._cancel()
            self._due = due
            self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        for waiter in self._replies.expire(self._clock.seconds()):
            waiter.callback(Unanswered("timeout"))
        self._plan()

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


def _unanswered(waiter: Deferred[Answer], why: str) -> None:
    waiter.callback(Unanswered(why))


def _correlation(delivery: Delivery) -> str | None:
    try:
        found = properties.Properties(delivery.properties).get("correlation_id")
    except PayloadError:
        return None
    return found if isinstance(found, str) else None
