"""What a rule may ask for. Made by `routing`, performed by `broker` and `service`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kzrules.message.outcome import Place

Headers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Publish:
    """One message. `body` is finished bytes; `message_id` is the same when the event is done again."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    headers: Headers = field(default_factory=dict)
    persistent: bool = True
    mandatory: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to whoever asked, through the broker (`server`) that the question came by."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    correlation_id: str | None
    server: int


@dataclass(frozen=True, slots=True)
class Query:
    """A question: publish it, and wait `timeout` seconds for the answer with the same `Msg-ID`."""

    exchange: str
    routing_key: str
    body: bytes
    msg_id: str
    timeout: float
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class After:
    """Run a block once, `delay` seconds from now; said again under the same name, it waits anew.

    `start(now)` gives the block's first step, as `routing.decide` gives that of an event.
    """

    name: str
    delay: float
    start: Callable[[float], Any]


@dataclass(frozen=True, slots=True)
class Log:
    """A line that the rule wrote: `level` is debug, info, warn or error."""

    level: str
    text: str
    route: str
    place: Place


Action = Publish | Reply | After


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a query: a JSON object, with what the transport added to it."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer: `why` is timeout, unroutable, disconnected, busy or bad_reply."""

    why: str


Answer = Answered | Unanswered
