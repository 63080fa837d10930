"""One experiment's ground: a cluster, the service as a process, the other party, and the counting."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from chaos.party import DEAD, EVENTS, OUTPUTS, Party, until

PREFETCH = 250

RULES = f"""
subscribe events {{{{
    exchange "chaos.in" {{{{ type: topic, durable: true }}}}
    queue "{EVENTS}" {{{{ durable: true }}}}
    routing: ["#"]
    ack: {{ack}}
    prefetch: {PREFETCH}
    {{policy}}
}}}}
event_route[kazoo:consumer-event-chaos-step] {{{{
    {{statements}}
    publish("chaos.out", "output", {{{{ "Event-Name": "output", "N": .N, "At": now_ms() }}}})
}}}}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one experiment gave. `gap` in seconds, `memory` in MB at its highest."""

    name: str
    events: int
    handled: int
    lost: int
    duplicated: int
    breaks: int
    gap: float
    memory: float

    @property
    def line(self) -> str:
        """For the person who watches."""
        return (
            f"{self.name:<44} events={self.events} handled={self.handled} lost={self.lost}"
            f" duplicated={self.duplicated} breaks={self.breaks} gap={self.gap:.1f}s"
            f" memory={self.memory:.0f}MB"
        )


class Trial:
    """Made for one experiment on a running cluster's own virtual host."""

    def __init__(
        self, reactor: Any, name: str, urls: Sequence[str], *, ack: str = "after_processing"
    ) -> None:
        self.name = name
        self.urls = list(urls)
        self.party = Party(reactor, urls)
        self.services: list[subprocess.Popen[bytes]] = []
        self.breaks = 0
        self.memory = 0.0
        self._reactor = reactor
        self._ack = ack
        self._folder = Path(tempfile.mkdtemp(prefix="kzrules-chaos-"))
        self.log = self._folder / "log"

    async def begin(self, statements: str = "", policy: str = "", service_urls: Sequence[str] = ()) -> None:
        """Write the rules and start the other party."""
        rules = RULES.format(ack=self._ack, statements=statements, policy=policy)
        (self._folder / "rules.kzr").write_text(rules)
        listed = " ".join(f'"{url}"' for url in service_urls or self.urls)
        (self._folder / "broker.kzr").write_text(f"broker {{ zone local {{ {listed} }} }}\n")
        await self.party.start()

    def start_service(self) -> "subprocess.Popen[bytes]":
        """`twistd -n kzrules run`, once more."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        command = [twistd, "-n", "--pidfile=", "kzrules", "run", "--broker-file"]
        with self.log.open("ab") as log:
            service = subprocess.Popen(
                [*command, str(self._folder / "broker.kzr"), str(self._folder / "rules.kzr")],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.services.append(service)
        return service

    async def consuming(self) -> None:
        """Wait until the broker has a consumer for the events' queue."""

        async def has_consumer() -> bool:
            return (await self.party.count(EVENTS))[1] > 0

        if not await until(self._reactor, has_consumer, 60):
            raise RuntimeError(f"the service does not consume; it said:\n{self.log.read_text()[-2000:]}")

    async def preload(self, many: int) -> None:
        """`many` events wait in the queue, and the service is not there yet."""
        service = self.start_service()
        await self.consuming()
        await self.end_service(service)
        await self.party.publish(range(many))

    async def handled_at_least(self, many: int) -> None:
        """Wait until that many outputs lie at the broker."""

        async def enough() -> bool:
            self.look()
            return (await self.party.count(OUTPUTS))[0] >= many

        await until(self._reactor, enough, 120)

    async def pause(self, seconds: float) -> None:
        """Let it run."""
        await deferLater(self._reactor, seconds)
        self.look()

    def look(self) -> None:
        """Note the memory of the services that run."""
        for service in self.services:
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{service.pid}/status").read_text()
                found = re.search(r"VmRSS:\s+(\d+)", status)
                self.memory = max(self.memory, int(found[1]) / 1024 if found else 0.0)

    async def end_service(self, service: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
        """Send it a signal; its exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(service.pid, number)
        status = await deferToThread(service.wait, 90)
        if service in self.services:
            self.services.remove(service)
        return status

    async def result(self, seconds: float = 120.0) -> Result:
        """Wait until nothing is left to do, end the service, and count."""

        async def all_done() -> bool:
            self.look()
            waiting, _ = await self.party.count(EVENTS)
            return waiting == 0 and (await self.party.count(OUTPUTS))[0] >= self.party.published

        await until(self._reactor, all_done, seconds)
        for service in list(self.services):
            await self.end_service(service)
        outputs = await self.party.outputs()
        dead = max(0, (await self.party.count(DEAD))[0])
        seen = {output.number for output in outputs}
        moments = sorted(output.at for output in outputs)
        gaps = [later - sooner for sooner, later in pairwise(moments)]
        return Result(
            self.name,
            self.party.published,
            len(seen),
            self.party.published - len(seen) - dead,
            len(outputs) - len(seen),
            self.breaks,
            max(gaps, default=0) / 1000,
            self.memory,
        )

    async def close(self) -> None:
        """Leave nothing behind."""
        for service in list(self.services):
            await self.end_service(service, signal.SIGKILL)
        await self.party.stop()
