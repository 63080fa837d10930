"""A running event: what compiled rules call while they run, and what they have collected so far.

`decide` makes one for each event, timer or delayed block, and takes what it collected at each wait
and at the end.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language.compile import Unanswerable
from kzrules.language.values import said, text
from kzrules.message.action import (
    Action,
    After,
    Answer,
    Log,
    Publish,
    Query,
    Remote,
    Reply,
    Respond,
    Rpc,
    Tell,
    Unanswered,
)
from kzrules.message.event import Event
from kzrules.message.ids import random_id
from kzrules.message.outcome import Place
from kzrules.message.payload import PINNED, dumps, encode, pinned, plain_server_id, weigh
from kzrules.routing.state import DROPPED, STEPS, Ground, State
from kzrules.wire.netstring import LONGEST_BODY, LONGEST_TAG
from kzrules.wire.properties import Properties
from kzrules.wire.routing_key import checked_key

__all__ = ["DROPPED", "STEPS", "Ground", "Run", "event_id"]

LONGEST_WAIT = 60.0
"""Seconds that one event may wait for answers, all waits together."""
LONGEST_ID = 255
"""Bytes of a `Msg-ID`: it goes as `correlation_id` too, which AMQP bounds."""
MOST_LOGS = 1000
LONGEST_LOG = 16_384

LARGEST_HEADERS = 64 * 1024
"""Weighed, not written: a frame of 128 KiB has to hold them, and numbers take more than they weigh."""


class Run(State):
    """One life of one event, waits included. Only one thread runs it at a time."""

    __slots__ = ()

    # --- messages

    def publish(  # noqa: PLR0917  the word's parameters, in their order; keywords would cost
        self, exchange: Any, key: Any, body: Any, headers: Any, persistent: Any, mandatory: Any
    ) -> None:
        """One message, once the rule ends well or comes to a wait."""
        message_id = self.message_id()
        server = None
        if key.__class__ is str and key[:11] == PINNED:
            key, server = pinned(key)
        self._check_address(exchange, key)
        encoded = self._encoded(body, message_id)
        flags = (_flag("persistent", persistent), _flag("mandatory", mandatory))
        self.actions.append(Publish(exchange, key, encoded, message_id, _headers(headers), *flags, server))

    def query(self, exchange: Any, key: Any, body: Any, timeout: Any, headers: Any) -> Query:
        """A question: `decide` hands it out and comes back with the answer."""
        self._check_address(exchange, key)
        seconds = self._wait(timeout)
        msg_id = self._question_id(body)
        asked = {**body, "Msg-ID": msg_id, "Server-ID": None} if body.__class__ is dict else body
        encoded = self._encoded(asked, msg_id)
        return Query(exchange, key, encoded, msg_id, seconds, _headers(headers))

    def _question_id(self, body: Any) -> str:
        """The rule's own `Msg-ID`, which the kazoo module never finds an answer for; else a random one."""
        own = body.get("Msg-ID") if body.__class__ is dict else None
        if own is None or own == "":
            return self.ground.random_id()
        if own.__class__ is not str or len(own.encode(errors="replace")) > LONGEST_ID:
            raise RuleFailure(f"the `Msg-ID` of a query is a text of at most {LONGEST_ID} bytes")
        return str(own)

    def _wait(self, timeout: Any) -> float:
        """Seconds that a question may take: what is said, and no longer than the event may wait."""
        if timeout.__class__ is not timedelta or timeout <= timedelta():
            raise RuleFailure("`timeout` needs a duration longer than 0s")
        left = LONGEST_WAIT - self.waited
        if left <= 0:
            raise RuleFailure(f"the event has waited {LONGEST_WAIT:g} s in all, and may not wait longer")
        if self.event is not None and self.event.deadline is not None:
            left = min(left, self.event.deadline - self.now)
            if left <= 0:
                raise RuleFailure("the deadline of the question is over")
        return min(timeout.total_seconds(), left)

    # --- Kamailio

    def rpc(self, ask: Callable[..., Remote], *arguments: Any) -> Rpc:
        """A question to Kamailio: its own if it asked, else the one that `on` names, else the only one."""
        *given, timeout, on = arguments
        return Rpc(ask(*given), self._kamailio(on), self._wait(timeout))

    def _kamailio(self, name: Any) -> str:
        known = self.ground.program.kamailios
        if name is None and self.event is not None:
            name = self.meta_subscription if self.meta_subscription in known else None
        if name is None and len(known) == 1:
            return next(iter(known))
        if name.__class__ is str and name in known:
            return name
        if name is None:
            raise RuleFailure(f"say which Kamailio, on: {' or '.join(sorted(known)) or 'none is declared'}")
        raise RuleFailure(f"no `kamailio` is declared by the name {said(name)}")

    def respond(self, body: Any) -> None:
        """The answer to Kamailio's question."""
        if self.event is None or self.event.deadline is None:
            raise RuleFailure("no Kamailio waits for an answer here: `answer` is for its questions")
        self.actions.append(Respond(self._framed("answer", body)))

    def tell(self, kamailio: Any, tag: Any, body: Any) -> None:
        """An event for `event_route[evapi:message-received]`, once the rule ends well or comes to a wait."""
        if tag.__class__ is not str:
            raise RuleFailure(f"`tag` is a text, and this is {said(tag)}")
        if len(tag) > LONGEST_TAG:
            raise RuleFailure(f"`tag` has {len(tag)} characters, and may have {LONGEST_TAG} at most")
        self.actions.append(Tell(self._kamailio(kamailio), tag, self._framed("event", body)))

    def _framed(self, what: str, body: Any) -> bytes:
        """A body that evapi's buffer can take."""
        if body.__class__ is not dict:
            raise RuleFailure(f"what is sent to Kamailio is an object, and this is {said(body)}")
        made = dumps(body)
        self.spend(16 + (len(made) >> 4))
        if len(made) > LONGEST_BODY:
            raise RuleFailure(
                f"the {what} has {len(made)} bytes as JSON, and evapi takes no more than {LONGEST_BODY}"
            )
        return made

    def answer(self, answer: Answer) -> Any:
        """The answer in the place of its question."""
        if isinstance(answer, Unanswered):
            raise Unanswerable(answer.why)
        return answer.payload

    def reply(self, body: Any, last: Any) -> None:
        """An answer to whoever asked, by the broker that the question came from."""
        if self.event is None:
            raise RuleFailure("there is nobody to reply to: this block belongs to no event")
        if self.replied:
            raise RuleFailure("this event has been answered; all replies but the last say `last: false`")
        self.replied = _flag("last", last)
        exchange, key = self._asker()
        properties = self._properties()
        correlation = properties.get("correlation_id")
        asked = self.received.get("Msg-ID")
        if asked is not None and body.__class__ is dict:
            body = {**body, "Msg-ID": asked}
        message_id = self.message_id()
        encoded = self._encoded(body, message_id)
        server = self.event.delivery.source.server
        correlation_id = correlation if isinstance(correlation, str) else None
        reply = Reply(exchange, key, encoded, message_id, correlation_id, server, last=self.replied)
        self.actions.append(reply)

    def _asker(self) -> tuple[str, str]:
        asker = self.received.get("Server-ID")
        if asker.__class__ is str and asker:
            key = plain_server_id(asker)
            if key:
                return "targeted", checked_key(key)
        reply_to = self._properties().get("reply_to")
        if isinstance(reply_to, str) and reply_to:
            return "", checked_key(reply_to)
        raise RuleFailure("there is nobody to reply to: the event has neither a Server-ID nor a reply_to")

    def _check_address(self, exchange: Any, key: Any) -> None:
        if exchange.__class__ is not str:
            raise RuleFailure(f"an exchange's name is text, and this is {said(exchange)}")
        if key.__class__ is not str:
            raise RuleFailure(f"a routing key is text, and this is {said(key)}")
        checked_key(exchange)
        checked_key(key)

    def _encoded(self, body: Any, msg_id: str) -> bytes:
        made = encode(body, self.ground.stamp, msg_id)
        self.spend(16 + (len(made) >> 4))
        return made

    def message_id(self) -> str:
        """The id of the next message: the same when the event is done again."""
        if self._message_base is None:
            self._message_base = self._base()
        self._ordinal += 1
        return f"{self._message_base}-{self._ordinal}"

    def _base(self) -> str:
        if self.event is None:
            return self.ground.random_id()
        source = f"{event_id(self.event)}\0{self.event.delivery.source.subscription}\0{self.route}"
        return blake2b(source.encode(errors="replace"), digest_size=12).hexdigest()

    # --- the rest

    def after(self, delay: Any, name: str, block: Callable[..., Any], given: tuple[Any, ...]) -> None:
        """Run a block once, later."""
        if delay.__class__ is not timedelta or delay < timedelta():
            raise RuleFailure("`after` needs a duration that is not less than 0s")
        self.spend(16)
        ground, received, event = self.ground, self.received, self.event
        start: Callable[[float], Any] = lambda now: ground.delay(  # noqa: E731  it is a field of the action
            ground, name, block, received, event, given, now
        )
        self.actions.append(After(name, delay.total_seconds(), start))

    def uuid(self) -> str:
        """A random UUID, for the word of that name."""
        return self.ground.random_id()

    def log(self, level: str, line: str, place: Place) -> None:
        """A line in the log, kept even when the rule fails."""
        self.spend(4)
        if len(self.logs) >= MOST_LOGS:
            self.lines_left_out += 1
            return
        if len(line) > LONGEST_LOG:
            line = f"{line[:LONGEST_LOG]}... ({len(line)} characters)"
        self.logs.append(Log(level, line, self.route or "", place))

    def take(self) -> tuple[tuple[Action, ...], tuple[Log, ...]]:
        """What was collected since the last wait."""
        if self.lines_left_out:
            place = self.logs[-1].place
            said_so = f"{self.lines_left_out} further lines of this event were left out"
            self.logs.append(Log("warn", said_so, self.route or "", place))
            self.lines_left_out = 0
        taken = tuple(self.actions), tuple(self.logs)
        self.actions, self.logs = [], []
        return taken


def event_id(event: Event) -> str:
    """The event's own id: its `message_id`, else its `Msg-ID`, else a random one that travels with it."""
    if event.random_id is not None:
        return event.random_id
    try:
        known: Any = Properties(event.delivery.properties).get("message_id")
    except PayloadError:
        known = None
    known = known or event.received.get("Msg-ID")
    if known is None or known == "":
        event.random_id = random_id()
        return event.random_id
    return text(known)


def _flag(name: str, value: Any) -> bool:
    if value is True or value is False:
        return value
    raise RuleFailure(f"`{name}` is true or false, and this is {said(value)}")


def _headers(value: Any) -> Mapping[str, Any]:
    if value.__class__ is not dict:
        raise RuleFailure(f"`headers` needs an object, and this is {said(value)}")
    if value and weigh(value) > LARGEST_HEADERS:
        raise RuleFailure(f"`headers` of more than {LARGEST_HEADERS // 1024} KiB: one frame holds them all")
    return dict(value)
