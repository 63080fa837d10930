"""An event: a delivery, decoded, with where it came from first.

Made by `routing.book`, settled by `broker`.
"""

from dataclasses import dataclass
from typing import Any

from kzrules.message.delivery import Delivery


@dataclass(slots=True, eq=False)
class Event:
    """What a rule runs on.

    `received` is the payload with what arrival put into it (`AMQP-Broker-Zone`, `AMQP-Received`,
    the prefix of `Server-ID`); nobody changes it. `received_at` is in Unix seconds. `exchange`,
    `routing_key` and `attempt` (from 1) are those of the original, where the delivery is a retry
    or a replay. It is no frozen value: one is made for every message, and frozen ones cost thrice.
    """

    delivery: Delivery
    received: dict[str, Any]
    received_at: float
    exchange: str
    routing_key: str
    attempt: int = 1
    exempt: bool = False
    """A retry or a replay: sent again on purpose, so `dedupe` lets it pass."""
    random_id: str | None = None
    """The id that was made up for a message without one, once something was published by it: a
    retry and a dead letter carry it on, so that ids made from it stay the same."""
    deadline: float | None = None
    """A question of Kamailio's: when its transaction gives up, in Unix seconds. None: nobody waits."""
