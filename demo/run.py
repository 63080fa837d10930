"""One run: publish, show, kill a broker if that was asked for, end, and compare the two counts."""

import signal
import time
from pathlib import Path
from queue import Empty

from demo.brokers import Brokers
from demo.events import stream
from demo.ledger import Found, Ledger
from demo.publisher import Publisher
from demo.screen import Screen
from demo.service_process import Line, ServiceProcess
from demo.tally import Tally

START = 30.0
"""Seconds until every subscription has its consumer."""
PATIENCE = 60.0
"""Seconds without any event being settled, after which waiting is given up."""
DOWN = 3.0
"""Seconds that a killed node stays away."""


class Run:
    """Everything that a run has open."""

    def __init__(
        self,
        brokers: Brokers,
        ledger: Ledger,
        screen: Screen,
        rules: Path,
        *,
        count: int | None,
        rate: float,
        name: str,
    ) -> None:
        self._brokers, self._ledger, self._screen = brokers, ledger, screen
        self._rules, self._count = rules, count
        self._kill = len(brokers.nodes) > 1
        self._publisher = Publisher(brokers.urls, stream(name), count, rate)
        self._tally = Tally()
        self._interrupted = False
        self._last_progress = time.monotonic()
        self._killed_at: float | None = None

    def to_the_end(self) -> int:
        """Give the exit status."""
        self._ledger.clear()
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGTERM, self._interrupt)
        service = ServiceProcess(self._brokers.urls, self._rules, ground=self._brokers.ground)
        try:
            if not self._wait_for_consumers(service):
                return self._give_up(service, "the service did not start consuming")
            self._ledger.collect()
            self._screen.say(
                "publishing events; Ctrl-C ends it" if self._count is None else "publishing events"
            )
            self._publisher.start()
            with self._screen:
                self._watch(service)
                status = service.stop()
                self._read(service, until_end=True)
            if status:
                return self._give_up(service, f"the service ended with exit status {status}")
            return self._compare(self._ledger.count())
        finally:
            service.close()

    def _interrupt(self, *_: object) -> None:
        self._interrupted = True
        self._publisher.stop()

    def _wait_for_consumers(self, service: ServiceProcess) -> bool:
        deadline = time.monotonic() + START
        while self._ledger.consumers() < self._ledger.expected_consumers:
            if time.monotonic() > deadline or not service.is_running or self._interrupted:
                return False
            time.sleep(0.1)
        return True

    def _watch(self, service: ServiceProcess) -> None:
        """Until every published event is settled, or nothing moves any more."""
        while service.is_running:
            self._read(service)
            self._screen.totals(self._publisher.published, self._tally)
            self._play_with_fire()
            if not self._publisher.is_alive() and self._tally.settled >= self._publisher.published:
                return
            if time.monotonic() - self._last_progress > PATIENCE:
                return

    def _read(self, service: ServiceProcess, *, until_end: bool = False) -> None:
        """Take what the service said within a tenth of a second, or all of it."""
        deadline = time.monotonic() + 0.1
        while until_end or time.monotonic() < deadline:
            try:
                line = service.lines.get(timeout=10 if until_end else 0.05)
            except Empty:
                return
            if line is None:
                return
            self._tally.take(line)
            if line.get("event") == "settled":
                self._last_progress = time.monotonic()
                self._screen.event(line)
            elif line.get("level") in {"warn", "error", "critical"} and not about_an_event(line):
                self._screen.say(f"the service: {line.get('text')}", "yellow")

    def _play_with_fire(self) -> None:
        """KILL=1: SIGKILL to the active node half way, and start it again a little later."""
        if not self._kill or self._count is None:
            return
        active = self._brokers.nodes[0]
        if self._killed_at is None and self._publisher.published >= self._count / 2:
            self._screen.say(f"kill -9 {active.pid}: the active broker {active.name} is dead", "bold red")
            active.kill()
            self._killed_at = time.monotonic()
        elif self._killed_at and not active.is_running and time.monotonic() - self._killed_at > DOWN:
            self._screen.say(f"{active.name} is started again: two of two have to agree", "bold green")
            active.start(wait=False)

    def _compare(self, found: Found) -> int:
        """The last line, from the broker's count, and whether the service's count says the same."""
        published = self._publisher.published
        settled = published - found.waiting
        acknowledged = settled - found.rejected
        tally = self._tally
        pairs = {
            "settled": (settled, tally.settled),
            "acknowledged": (acknowledged, tally.ended("acknowledged")),
            "rejected": (found.rejected, tally.ended("rejected")),
            "outputs": (found.outputs, tally.outputs),
            "settled of published": (settled, published),
        }
        failed = tally.failed
        if self._tally.totals is not None and not self._kill:
            pairs["the service's own total"] = (
                settled,
                tally.totals["acknowledged"] + tally.totals["rejected"] if tally.totals else -1,
            )
            failed = self._tally.totals["failed"]
        wrong = {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}
        for what, (broker, service) in wrong.items():
            self._screen.say(
                f"does not add up: {what}: {broker} at the broker, {service} in the service", "red"
            )
        if self._publisher.failure is not None:
            self._screen.say(f"publishing ended early: {self._publisher.failure}", "red")
        if tally.twice:
            self._screen.say(f"{tally.twice} events were seen twice, and counted once")
        print(
            f"published={published} settled={settled} acknowledged={acknowledged}"
            f" rejected={found.rejected} failed={failed} outputs={found.outputs}",
            flush=True,
        )
        return 1 if wrong or self._publisher.failure is not None or tally.totals is None else 0

    def _give_up(self, service: ServiceProcess, why: str) -> int:
        service.stop(5)
        self._read(service, until_end=True)
        if self._interrupted and not self._publisher.published:
            return 0
        said = "\n".join(service.said[-20:]) or "nothing"
        self._screen.say(f"{why}. It said:\n{said}", "red")
        return 1


def about_an_event(line: Line) -> bool:
    """A warning that only repeats what the event's own line shows."""
    return "dead-lettered to" in str(line.get("text"))
