"""One round of one experiment: what it is given, and how much of everything."""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.bus import Bus
from bench.results import Experiment


@dataclass(slots=True)
class Round:
    """What an experiment is given: the bus, a folder, how much of everything, and which round it is."""

    bus: Bus
    folder: Path
    scale: float
    number: int
    only: tuple[str, ...] = ()

    def count(self, full: int) -> int:
        """So many, scaled down."""
        return max(1_000, int(full * self.scale))

    def wanted(self, who: str) -> bool:
        """Whether this competitor takes part."""
        return not self.only or any(part in who for part in self.only)

    def new_folder(self) -> Path:
        """A folder for one process."""
        return Path(tempfile.mkdtemp(dir=self.folder))


Measure = Callable[[Round, Experiment], Awaitable[None]]
