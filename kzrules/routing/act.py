"""What rules did, as tests, traces and comparisons speak of it: calls with their arguments by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from kzrules.message.action import (
    Action,
    After,
    Log,
    Publish,
    Query,
    Question,
    Reply,
    Respond,
    Rpc,
    Tell,
)
from kzrules.message.outcome import Ack, Cause, Outcome, Reject, Retry
from kzrules.message.payload import TRANSPORT
from kzrules.routing.compare import shown


@dataclass(frozen=True, slots=True)
class Did:
    """One call: a word with its arguments, as it took effect."""

    word: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """As a rule would say it."""
        first, rest = list(self.arguments.items()), []
        for name, value in first:
            if name in {"headers", "persistent", "mandatory", "last"} and value in ({}, True):
                continue
            named = name in {"headers", "persistent", "mandatory", "last", "timeout", "on"}
            rest.append(f"{name}: {shown(value)}" if named else shown(value))
        return f"{self.word}({', '.join(rest)})"


@dataclass(slots=True)
class Act:
    """What came of one event, or of time that passed; `found` counts what was expected so far."""

    did: list[Did] = field(default_factory=list)
    logs: list[Did] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    route: str | None = None
    names: tuple[str, ...] = ()
    found: int = 0
    found_logs: int = 0
    end_expected: bool = False

    @property
    def failure(self) -> Reject | None:
        """The first failure of a rule in this act."""
        for outcome in self.outcomes:
            if isinstance(outcome, Reject) and outcome.cause is Cause.ERROR:
                return outcome
        return None


def done(action: Action | Question) -> Did:  # noqa: PLR0911  one case for each kind
    """An action as a call."""
    match action:
        case Publish():
            arguments = {
                "exchange": action.exchange,
                "key": action.routing_key,
                "body": read(action.body),
                "headers": dict(action.headers),
                "persistent": action.persistent,
                "mandatory": action.mandatory,
            }
            return Did("publish", arguments)
        case Query():
            arguments = {
                "exchange": action.exchange,
                "key": action.routing_key,
                "body": read(action.body),
                "timeout": timedelta(seconds=action.timeout),
                "headers": dict(action.headers),
            }
            return Did("query", arguments)
        case Reply():
            return Did("reply", {"body": read(action.body), "last": action.last})
        case Respond():
            return Did("answer", {"body": read(action.body)})
        case Tell():
            body = read(action.body)
            return Did("tell", {"kamailio": action.kamailio, "tag": action.tag, "body": body})
        case Rpc():
            waits = {"timeout": timedelta(seconds=action.timeout), "on": action.kamailio}
            return Did(action.remote.word, {**action.remote.arguments, **waits})
        case After():
            return Did("after", {"delay": timedelta(seconds=action.delay), "name": action.name})


def logged(line: Log) -> Did:
    """A log line as a call."""
    return Did(line.level, {"text": line.text})


def plain(did: Did) -> Did:
    """A call without what is filled into every message: that says nothing about the rules."""
    body = did.arguments.get("body")
    if not isinstance(body, dict):
        return did
    kept = {name: item for name, item in body.items() if name not in TRANSPORT}
    return Did(did.word, {**did.arguments, "body": kept})


def read(body: bytes) -> Any:
    """What a finished body holds."""
    return orjson.loads(body)


def said(outcome: Outcome | None) -> str:
    """A settlement as a rule would say it."""
    match outcome:
        case None:
            return "no end"
        case Ack(unmatched=True):
            return "done (no route took it)"
        case Ack(why=why):
            return f"done({shown(why)})" if why else "done"
        case Retry(why=why):
            return f"retry({shown(why)})"
        case Reject(why=why, cause=Cause.ERROR, place=place):
            return f"fail({shown(why)})" + (f" at {place}" if place else "")
        case Reject(why=why):
            return f"reject({shown(why)})"
