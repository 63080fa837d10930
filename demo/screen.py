"""What people see: a line for each event as it ends, and below it the totals and rates of now."""

import time
from collections import deque
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from demo.ledger import OUTPUT_EXCHANGE
from demo.tally import Tally

PREFIX = "kazoo:consumer-event-"
MARKS = {"ack": ("✔ acked", "green"), "reject": ("✘ rejected", "red"), "retry": ("↻ retry", "yellow")}


class Screen:
    """Eighty columns will do. Without a terminal the lines come alone."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = (
            Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None
        )
        self._ends: deque[float] = deque(maxlen=400)
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str, style: str = "dim") -> None:
        """A sentence of the demonstration's own."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def event(self, line: dict[str, Any]) -> None:
        """One event: how it was settled, its key, the route that took it, what it did."""
        self._ends.append(time.monotonic())
        mark, colour = MARKS.get(str(line.get("outcome")), (str(line.get("outcome")), "yellow"))
        route = str(line.get("route") or "").removeprefix(PREFIX)
        shown = Text(f"{mark:<11}", style=colour)
        shown.append(f"{shortened(line.get('routing_key') or line.get('subscription'), 21):<22}")
        shown.append(f"{shortened(route or '-', 23):<24}", style="cyan")
        shown.append(did(line))
        shown.truncate(self.console.width, overflow="ellipsis")
        self.console.print(shown, no_wrap=True, crop=True)

    def totals(self, published: int, tally: Tally) -> None:
        """The line at the bottom."""
        if self._live:
            text = Text.assemble(
                (f" {self._rate():4.0f}/s ", "reverse"),
                f"  published {published}  settled {tally.settled}  ",
                (f"acked {tally.ended('acknowledged')}  ", "green"),
                (f"rejected {tally.ended('rejected')}  ", "red"),
                (f"outputs {tally.outputs}", "cyan"),
                no_wrap=True,
                overflow="ellipsis",
            )
            self._live.update(text)

    def _rate(self) -> float:
        """Events a second, over the last two seconds."""
        now = time.monotonic()
        recent = sum(1 for end in self._ends if end > now - 2)
        return recent / max(0.1, min(2.0, now - self._started))


def did(line: dict[str, Any]) -> str:
    """What a rule did, or why it did not."""
    actions = [str(action) for action in line.get("actions") or ()]
    actions = [action.replace(f"{OUTPUT_EXCHANGE} ", "") for action in actions]
    reason = str(line.get("reason") or "")
    return ", ".join(actions) or reason or ("no route takes it" if line.get("unmatched") else "nothing to do")


def shortened(text: object, width: int) -> str:
    """At most so wide; what is cut off shows as dots."""
    whole = str(text)
    return whole if len(whole) <= width else whole[: width - 1] + "…"
