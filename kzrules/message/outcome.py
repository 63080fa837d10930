"""How an event ends: exactly one of these. Made by `routing`, settled by `broker`."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why an event is rejected; it stands in the dead letter's headers and in the counters."""

    RULE = "rule"
    """The rule said `reject`."""
    ERROR = "error"
    """The rule raised."""
    PAYLOAD = "payload"
    """The payload could not be read."""
    SCHEMA = "schema"
    """The payload breaks the route's schema, and the subscription says `schema_mode: reject`."""
    RETRIES = "retries"
    """Retried as often as the policy allows."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a rule file, for people: `rules/presence/lamps.kzr:14`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Ack:
    """Done: the rule ended well, or nothing took the event (`unmatched`)."""

    why: str = ""
    unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: the subscription's failure policy says when, and how often."""

    why: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Never: on to the last step of the failure policy at once."""

    why: str
    cause: Cause = Cause.RULE
    place: Place | None = None


Outcome = Ack | Retry | Reject
