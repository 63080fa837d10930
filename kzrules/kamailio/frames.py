"""What stands in the frames: questions and events from Kamailio, answers and events to it. Pure.

`examples/kamailio/kzrules.cfg` is the other side of this page.

    {"ask": NAME, "id": "INDEX:LABEL", "ms": 2000, "body": {...}}     a question, and how long it may take
    {"publish": NAME, "body": {...}}                                  an event, which nobody waits for
    {"id": "INDEX:LABEL", "ok": 1, "body": {...}}                     an answer
    {"id": "INDEX:LABEL", "ok": 0, "reason": "late", "why": "..."}    no answer, and why
    {"tag": TAG, "body": {...}}                                       an event that a rule tells
    {"hello": "kzrules"}                                              we are here: ask us
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kzrules.errors import PayloadError
from kzrules.message.payload import dumps, loads
from kzrules.wire.netstring import aligned

LONGEST_WHY = 500
"""Characters of a reason: it is for the log of a script."""
LONGEST_ID = 100
"""Characters of the name of a transaction, which every answer to it repeats; Kamailio's have some twenty."""
HELLO = aligned(b'{"hello":"kzrules"}')


class Reason(StrEnum):
    """Why there is no answer: what a script may look at."""

    NO_ROUTE = "no_route"
    REJECTED = "rejected"
    FAILED = "failed"
    UNANSWERED = "unanswered"
    LATE = "late"
    BUSY = "busy"
    BAD_QUESTION = "bad_question"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a Kamailio sent: a question where there is an `id`. `limit` in seconds, None: not said."""

    name: str
    body: dict[str, Any]
    id: str | None = None
    limit: float | None = None


class BadFrame(PayloadError):  # noqa: N818  it says what is the matter
    """A frame that is neither a question nor an event. `id`: whom to tell, where it says so."""

    def __init__(self, why: str, id: str | None = None) -> None:  # noqa: A002  the frame's own name for it
        super().__init__(why)
        self.id = id


def read(data: bytes) -> Sent:
    """A frame from Kamailio; BadFrame says what is wrong with it."""
    try:
        frame = loads(data)
    except PayloadError as wrong:
        raise BadFrame(str(wrong)) from None
    name, body = frame.get("ask"), frame.get("body")
    if name is None:
        return _event(frame.get("publish"), body)
    answer_to = frame.get("id")
    if answer_to.__class__ is not str or not 0 < len(answer_to) <= LONGEST_ID:
        raise BadFrame(f"a question needs its `id`, a text of at most {LONGEST_ID} characters")
    if name.__class__ is not str or body.__class__ is not dict:
        raise BadFrame("a question needs a name and an object as its body", answer_to)
    limit = frame.get("ms")
    if limit is not None and (limit.__class__ is not int or limit <= 0):
        raise BadFrame("`ms` is a number of milliseconds", answer_to)
    return Sent(name, body, answer_to, None if limit is None else limit / 1000)


def _event(name: Any, body: Any) -> Sent:
    if name.__class__ is not str or body.__class__ is not dict:
        raise BadFrame("a frame is a question (`ask`) or an event (`publish`), with an object as its body")
    return Sent(name, body)


def answer(answer_to: str, body: bytes) -> bytes:
    """The frame of an answer; the body is finished JSON."""
    return aligned(b'{"id":%b,"ok":1,"body":%b}' % (dumps(answer_to), body))


def refusal(answer_to: str, reason: Reason, why: str) -> bytes:
    """The frame that says no."""
    told = {"id": answer_to, "ok": 0, "reason": reason.value, "why": why[:LONGEST_WHY]}
    return aligned(dumps(told))


def event(tag: str, body: bytes) -> bytes:
    """The frame of an event that a rule tells; the body is finished JSON."""
    return aligned(b'{"tag":%b,"body":%b}' % (dumps(tag), body))
