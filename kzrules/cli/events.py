"""Captured events as `trace` and `diff` read them: a payload, or a payload with what came about it.

    {"Event-Category": "call_event", "Event-Name": "CHANNEL_ANSWER", ...}
    {"payload": {...}, "routing_key": "call.a.b", "exchange": "callevt", "headers": {...},
     "subscription": "calls", "received_at": 1767268800, "answers": [{...}, null]}

`answers` are given to the queries of the rule in their order; null is a timeout.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from kzrules.errors import SettingError
from kzrules.message.action import Answer, Answered, Unanswered
from kzrules.message.payload import dumps
from kzrules.routing.act import Did
from kzrules.routing.stage import instant

AROUND = frozenset(
    {"payload", "subscription", "answers", "exchange", "routing_key", "redelivered", "attempt"}
    | {"headers", "properties", "zone", "received_at"}
)


@dataclass(slots=True)
class Captured:
    """One event: `about` is what the broker said about it, `number` where it stands in its file."""

    number: int
    payload: Any
    about: Mapping[str, Any] = field(default_factory=dict)
    answers: list[Any] = field(default_factory=list)

    @property
    def raw(self) -> bytes:
        """The body."""
        return dumps(self.payload)

    @property
    def received_at(self) -> float | None:
        """When it came, in Unix seconds, where the capture says so."""
        return self.about.get("received_at")

    @property
    def subscription(self) -> str | None:
        """The subscription that it came by, where the capture says so."""
        return self.about.get("subscription")

    def answer(self, did: Did) -> Answer:
        """The next answer; a timeout when there is none."""
        given = self.answers.pop(0) if self.answers else None
        if given is None or (did.word == "query" and not isinstance(given, dict)):
            return Unanswered("timeout")
        return Answered(given)

    def again(self) -> "Captured":
        """The same event for the other rule set."""
        return Captured(self.number, self.payload, self.about, list(self.answers))


def captured(value: Any, number: int) -> Captured:
    """An event from its JSON."""
    if isinstance(value, dict) and "payload" in value and value.keys() <= AROUND:
        about = {name: item for name, item in value.items() if name not in {"payload", "answers"}}
        if "received_at" in about:
            about["received_at"] = instant(about["received_at"])
        return Captured(number, value["payload"], about, list(value.get("answers") or []))
    return Captured(number, value)


def one(path: str) -> Captured:
    """The event in a file."""
    try:
        return captured(json.loads(Path(path).read_text(encoding="utf-8")), 1)
    except OSError as why:
        raise SettingError(f"{path} cannot be read: {(why.strerror or str(why)).lower()}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as why:
        raise SettingError(f"{path} is no JSON: {why}; for an event a line, hand it over as `-`") from None


def many(path: str) -> Iterator[Captured]:
    """The events in a file, one a line; `-` is standard input."""
    if path == "-":
        yield from _lines(sys.stdin, "standard input")
        return
    try:
        with Path(path).open(encoding="utf-8") as stream:
            yield from _lines(stream, path)
    except OSError as why:
        raise SettingError(f"{path} cannot be read: {(why.strerror or str(why)).lower()}") from None


def _lines(stream: TextIO, name: str) -> Iterator[Captured]:
    number = 0
    try:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield captured(json.loads(line), number)
    except (json.JSONDecodeError, UnicodeDecodeError) as why:
        raise SettingError(f"{name}, line {max(number, 1)}: this is no JSON: {why}") from None
