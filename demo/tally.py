"""What the service said about each event, added up: one of the two independent counts."""

from dataclasses import dataclass, field
from typing import Any

ENDS = {"ack": "acknowledged", "reject": "rejected", "retry": "retried"}


@dataclass(slots=True)
class Tally:
    """Fed with the lines of the service's log. An event that is seen twice is counted once."""

    outcomes: dict[str, str] = field(default_factory=dict)
    """message_id -> how it ended last."""
    outputs: int = 0
    twice: int = 0
    failed: int = 0
    totals: dict[str, Any] | None = None
    """The service's own last line."""

    def take(self, line: dict[str, Any]) -> None:
        """Count one line."""
        match line.get("event"):
            case "settled":
                self._settle(line)
            case "totals":
                self.totals = line

    def _settle(self, line: dict[str, Any]) -> None:
        how = ENDS.get(str(line.get("outcome")), "unknown")
        if how == "retried":
            return  # it comes again, and is counted when it ends
        identity = name_of(line)
        if identity in self.outcomes:
            self.twice += 1
        else:
            self.outputs += sum(
                1 for action in line.get("actions") or () if str(action).startswith("publish")
            )
            self.failed += line.get("cause") == "error"
        self.outcomes[identity] = how

    @property
    def settled(self) -> int:
        """Events that ended."""
        return len(self.outcomes)

    def ended(self, how: str) -> int:
        """Events that ended as acknowledged, or as rejected."""
        return sum(1 for outcome in self.outcomes.values() if outcome == how)


def name_of(line: dict[str, Any]) -> str:
    """Which event a line is about: its Msg-ID, or the end of its key where the body could not be read."""
    return str(line.get("msg_id") or str(line.get("routing_key")).rpartition(".")[2])
