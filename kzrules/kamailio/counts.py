"""What is counted of one Kamailio: each question and each event once by how it ended."""

from dataclasses import dataclass, field

from kzrules.kamailio.frames import Reason


@dataclass(slots=True)
class Counts:
    """Since the start. Questions: `asked` = `answered` + all of `refused` + `gone` + those in hand."""

    asked: int = 0
    answered: int = 0
    refused: dict[Reason, int] = field(default_factory=dict)
    """Questions that were told no, by the reason."""
    gone: int = 0
    """Questions whose connection was lost before their answer."""
    late: int = 0
    """Answers that came when the question was over: dropped."""
    events: int = 0
    """Events taken over; `events` = `done` + `failed` + those in hand."""
    done: int = 0
    failed: int = 0
    dropped: int = 0
    """Events that came while too many were in hand: never taken over."""
    bad_frames: int = 0
    """Frames that could not be read, and bytes that were no frame."""
    told: int = 0
    """Events that rules told this Kamailio."""

    def refuse(self, reason: Reason) -> None:
        """One more question that is told no."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
