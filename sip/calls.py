"""What became of the calls of a run, and when."""

import threading
from dataclasses import dataclass
from typing import Any

from testbed import sipp
from testbed.sipp import Calls


@dataclass(frozen=True, slots=True)
class Ending:
    """One call: its number, what came (`a-cNUMBER` is right), and when, in Unix seconds."""

    number: int
    came: str
    at: float

    @property
    def right(self) -> bool:
        """The answer that was made for this caller."""
        return self.came == f"a-c{self.number}"


def endings(calls: Calls) -> list[Ending]:
    """Each call that ended with a reply."""
    made = []
    for line in calls.logged:
        number, came, *stamp = line.split()
        made.append(Ending(int(number), came, float(stamp[-1]) if stamp else 0.0))
    return made


def percentile(times: tuple[float, ...], share: float) -> float:
    """The time that this share of the calls kept within."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Running:
    """A run of SIPp beside which something else happens."""

    def __init__(self, port: int, **how: Any) -> None:
        self._done: list[Calls | BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(port, how), daemon=True)
        self._thread.start()

    def _run(self, port: int, how: dict[str, Any]) -> None:
        try:
            self._done.append(sipp.run(port, **how))
        except BaseException as failed:
            self._done.append(failed)
            raise

    def result(self) -> Calls:
        """Wait until it ends."""
        self._thread.join()
        came = self._done[0]
        if isinstance(came, BaseException):
            raise came
        return came
