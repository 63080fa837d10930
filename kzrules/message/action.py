"""What a rule may ask for. Made by `routing`, performed by `broker` and `service`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kzrules.message.outcome import Place

Headers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Publish:
    """One message. `body` is finished bytes; `message_id` is the same when the event is done again.

    `server` is the number of the broker whose zone it goes to; None is the primary zone.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    headers: Headers = field(default_factory=dict)
    persistent: bool = True
    mandatory: bool = True
    server: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to whoever asked, through the broker (`server`) that the question came by."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    correlation_id: str | None
    server: int
    headers: Headers = field(default_factory=dict)
    last: bool = True


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


@dataclass(frozen=True, slots=True)
class Respond:
    """The answer to a question of Kamailio's: a finished JSON body. The rule has ended with it."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Tell:
    """An event for a Kamailio, by the name of its declaration: a finished JSON body under a tag."""

    kamailio: str
    tag: str
    body: bytes


Action = Publish | Reply | After | Respond | Tell


@dataclass(frozen=True, slots=True)
class Remote:
    """What a word asks of Kamailio: a method of its JSON-RPC, and how what comes back is read.

    `word` and `arguments` are what the rule said. `read` turns the result into the word's value;
    `absent` are beginnings of error messages that mean "there is none": the value is then null.
    """

    word: str
    arguments: Mapping[str, Any]
    method: str
    params: list[Any]
    read: Callable[[Any], Any] = lambda result: result
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rpc:
    """A question to Kamailio's control plane: wait `timeout` seconds for the result."""

    remote: Remote
    kamailio: str
    timeout: float


Question = Query | Rpc


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer: a query's JSON object, with what the transport added to it; a word's value for `Rpc`."""

    payload: Any


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer: `why` is timeout, unroutable, disconnected, busy, bad_reply, or `refused: ...` (`Rpc`)."""

    why: str


Answer = Answered | Unanswered
