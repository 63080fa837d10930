"""What becomes of an event that did not end well: the failure policy, decided without input or output.

Called by `endings`. Delays are held by the broker wherever the queue outlives us, so that they
survive our own death; queues that go with their consumer hold their retries in our hand.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s

from kzrules.language.program import FailurePolicy, QueueSpec, SubscriptionSpec
from kzrules.message.outcome import Cause, Reject, Retry
from kzrules.wire.retries import Death

LEASE = 7 * 24 * 3600
"""Seconds after which a delay queue that nobody uses deletes itself. Using it renews it."""
RENEW_AFTER = LEASE / 8
NO_LIMIT = 2**31 - 1
"""A delivery limit that is none: RabbitMQ 4 would drop a dead letter that was looked at 20 times,
and 3.10 does not take its -1. (4.x: from its documentation, untested.)"""


@dataclass(frozen=True, slots=True)
class Again:
    """Try it again, `delay` seconds from now, as this attempt."""

    delay: float
    attempt: int


def redelivers(queue: QueueSpec) -> bool:
    """Whether the queue outlives its consumer's connection, so that what was not acked comes again."""
    return bool(queue.name) and not queue.auto_delete and not queue.exclusive


def holds_in_hand(spec: SubscriptionSpec) -> bool:
    """Whether retries wait in our hand: for their order's sake, or because the queue may be gone."""
    return spec.ordered or not redelivers(spec.queue)


def longest_hold(spec: SubscriptionSpec) -> float:
    """Seconds that all retries of one event may take in our hand."""
    return spec.on_failure.longest * spec.on_failure.times if holds_in_hand(spec) else 0.0


def next_attempt(policy: FailurePolicy, attempt: int, retry: Retry) -> Again | Reject:
    """What follows after this attempt (from 1): another one, or the last step."""
    if attempt > policy.times:
        tried = f"after {attempt} attempts: " if attempt > 1 else ""
        return Reject(f"{tried}{retry.why}", Cause.RETRIES, retry.place)
    exponent = min(attempt - 1, 64)  # beyond that any delay has reached its longest
    return Again(min(policy.first * 2**exponent, policy.longest), attempt + 1)


def delay_queue(queue: str, delay: float) -> QueueSpec:
    """The queue that holds retries of `queue` for `delay` seconds and then sends them back to it.

    Its name carries its parameters, so that a changed policy uses another one. At-least-once
    dead-lettering needs quorum queues and reject-publish (RabbitMQ 3.10); what cannot go back yet
    stays here. Unused ones delete themselves after a week, long after their last message is due.
    """
    milliseconds = max(1, round(delay * 1000))
    return _quorum(
        shortened(queue, f".retry-{milliseconds}ms"),
        {
            "x-message-ttl": milliseconds,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-expires": LEASE * 1000,
        },
    )


def dead_letter_queue(policy: FailurePolicy, queue: str) -> QueueSpec:
    """Where events of `queue` end that the policy gives up."""
    name = (policy.dead_letter or "{queue}.dead").replace("{queue}", queue)
    return _quorum(name, {"x-delivery-limit": NO_LIMIT})


def shortened(queue: str, suffix: str) -> str:
    """`queue` with the suffix; a name that AMQP would not take keeps its beginning and a digest."""
    name = queue + suffix
    if len(name.encode()) <= 255:
        return name
    digest = blake2s(queue.encode(), digest_size=8).hexdigest()
    kept = queue.encode()[: 255 - len(suffix.encode()) - 1 - len(digest)].decode(errors="ignore")
    return f"{kept}~{digest}{suffix}"


def death(
    spec: SubscriptionSpec, reject: Reject, *, queue: str, zone: str, attempts: int, now: float
) -> Death:
    """What the dead letter's headers tell; `now` in Unix seconds."""
    return Death(
        when=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        why=reject.why,
        cause=str(reject.cause),
        attempts=attempts,
        subscription=spec.name,
        queue=queue,
        zone=zone,
        where=str(reject.place) if reject.place else "",
    )


def _quorum(name: str, arguments: dict[str, object]) -> QueueSpec:
    return QueueSpec(
        name,
        durable=True,
        auto_delete=False,
        type="quorum",
        arguments={"x-queue-type": "quorum", **arguments},
    )
