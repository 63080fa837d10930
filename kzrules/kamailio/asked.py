"""A question or an event of Kamailio's on its way through the rules."""

from dataclasses import dataclass

from kzrules.kamailio.evapi import EvapiProtocol
from kzrules.kamailio.frames import Sent
from kzrules.message.outcome import Outcome


@dataclass(slots=True, eq=False)
class InHand:
    """One frame that is worked on. `until` in Unix seconds; `over`: it has its answer, or needs none."""

    sent: Sent
    connection: EvapiProtocol
    received_at: float
    until: float | None = None
    over: bool = False
    outcome: Outcome | None = None
    route: str | None = None
    unconfirmed: int = 0
    """What it caused that is not safe yet."""
    trouble: str = ""
    """Why something that it caused will not be."""

    @property
    def asks(self) -> bool:
        """Somebody waits for an answer."""
        return self.until is not None
