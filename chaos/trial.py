"""One experiment's ground: a virtual host, the service as a process, the other party, and the counting."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from chaos.party import DEAD, EVENTS, KEYS, OUTPUTS, Party, until
from chaos.result import PREFETCH, Result, out_of_order, tally
from testbed import Cluster, Node, keeper

USER, PASSWORD = "chaos", "first"
DEAD_LIMIT = 2.0
"""Seconds of silence that a killed node may cost."""

RULES = f"""
subscribe events {{{{
    exchange "chaos.in" {{{{ type: topic, durable: true }}}}
    queue "{EVENTS}" {{{{ durable: true {{arguments}} }}}}
    routing: ["#"]
    ack: {{ack}}
    prefetch: {PREFETCH}
    {{policy}}
}}}}
event_route[kazoo:consumer-event-chaos-step] {{{{
    {{statements}}
    publish("chaos.out", "output", {{{{
        "Event-Name": "output", "N": .N, "At": now_ms(), "Run": uuid(), "Again": meta.redelivered,
    }}}})
}}}}
"""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every experiment is given; `scale` 1 is the full size."""

    reactor: Any
    cluster: Cluster
    scale: float = 1.0
    ack: str = "after_processing"
    trials: list["Trial"] = field(default_factory=list)
    """Those begun here, to be closed even where an experiment fails."""

    def many(self, full: int = 40_000) -> int:
        """So many events at this size."""
        return max(200, int(full * self.scale))

    def seconds(self, full: float, least: float) -> float:
        """So long at this size."""
        return max(least, full * self.scale) if self.scale < 1 else full

    @property
    def heartbeat(self) -> float:
        """The service's, in seconds: its default, or a short one where nobody wants to wait."""
        return 10.0 if self.scale >= 0.1 else 2.0

    @property
    def silent_limit(self) -> float:
        """Seconds of silence that a silent peer may cost: two heartbeats, and one to go on."""
        return 2 * self.heartbeat + 1

    def silence(self) -> float:
        """How long a peer is silent at this size: longer than it takes to notice."""
        return self.seconds(60, 2 * self.heartbeat)


@dataclass(frozen=True, slots=True)
class Sample:
    """How large one process was at a moment."""

    at: float
    memory: float
    descriptors: int
    threads: int


def sample(pid: int, at: float) -> Sample | None:
    """Look at a process; None where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    memory, threads = (re.search(rf"{name}:\s+(\d+)", status) for name in ("VmRSS", "Threads"))
    if memory is None or threads is None:
        return None
    return Sample(at, int(memory[1]) / 1024, descriptors, int(threads[1]))


class Trial:
    """Made for one experiment: a virtual host and a user of its own on a running cluster."""

    def __init__(self, ground: Ground, name: str, *, gap: float | None = None) -> None:
        self.name = name if ground.ack == "after_processing" else f"{name}, ack: immediate"
        self.ground = ground
        self.vhost = f"chaos-{next(_numbers)}"
        self.urls = [node.url_of(self.vhost, USER, PASSWORD) for node in ground.cluster.nodes]
        self.party = Party(ground.reactor, [node.url_of(self.vhost) for node in ground.cluster.nodes])
        self.services: list[subprocess.Popen[bytes]] = []
        self.breaks = 0
        self.excused = 0
        self.memory = 0.0
        self.gap = gap
        self._closed = False
        self.wrong: list[str] = []
        self.ordered = False
        self.all_received = False
        """Whether each delivery that the service counts has to have its output: nothing came twice."""
        ground.trials.append(self)
        self._reactor = ground.reactor
        # On the nodes' ground, which removes it however all this ends.
        self._folder = Path(tempfile.mkdtemp(prefix="trial-", dir=ground.cluster.ground.folder))
        self.log = self._folder / "log"
        self._failed = True

    async def begin(
        self,
        *,
        statements: str = "",
        policy: str = "",
        service_urls: Sequence[str] = (),
        single: bool = False,
        preload: int = 0,
    ) -> None:
        """Write the rules, start the other party, and have so many events wait."""
        await self.on(self._make_vhost, self.ground.cluster.nodes[0])
        arguments = ', arguments: { "x-single-active-consumer": true }' if single else ""
        rules = RULES.format(ack=self.ground.ack, statements=statements, policy=policy, arguments=arguments)
        (self._folder / "rules.kzr").write_text(rules)
        listed = " ".join(f'"{url}"' for url in service_urls or self.urls)
        (self._folder / "broker.kzr").write_text(
            f"broker {{ zone local {{ {listed} }} heartbeat: {self.ground.heartbeat:.0f}s }}\n"
        )
        await self.party.start({"x-single-active-consumer": True} if single else {})
        if preload:
            for first in range(0, preload, 2_000):
                await self.party.publish(range(first, min(first + 2_000, preload)))

    def _make_vhost(self, node: Node) -> None:
        node.add_vhost(self.vhost)
        with contextlib.suppress(Exception):  # there already: another experiment on this cluster
            node.add_user(USER, PASSWORD)
        node.change_password(USER, PASSWORD)
        node.allow(USER, self.vhost)

    async def on(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Do what takes a while on a thread: the other party goes on meanwhile."""
        return await deferToThread(call, *arguments)

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
        keeper.note(
            self.ground.cluster.ground.folder, service.pid, str(self._folder)
        )  # it ends with the nodes
        self.services.append(service)
        return service

    async def consuming(self, services: int = 1) -> None:
        """Wait until the broker has so many consumers for the events' queue."""

        async def has_consumers() -> bool:
            return (await self.party.count(EVENTS))[1] >= services

        if not await until(self._reactor, has_consumers, 60):
            raise RuntimeError(f"the service does not consume; it said:\n{self.log.read_text()[-2000:]}")

    async def consumed_times(self, times: int) -> None:
        """Wait until the services said so often that they consume: the broker may still count a dead one."""

        async def said() -> bool:
            return self.log.read_text().count(f": consuming {EVENTS} from") >= times

        if not await until(self._reactor, said, 60):
            raise RuntimeError(f"the service does not consume; it said:\n{self.log.read_text()[-2000:]}")

    async def handled_at_least(self, many: int) -> None:
        """Wait until that many outputs lie at the broker."""

        async def enough() -> bool:
            self.look()
            return (await self.party.count(OUTPUTS))[0] >= many

        await until(self._reactor, enough, 180)

    async def pause(self, seconds: float) -> None:
        """Let it run."""
        await deferLater(self._reactor, seconds)
        self.look()

    def look(self) -> list[Sample]:
        """How large the services are; the highest memory is kept."""
        found = [sample(service.pid, self._reactor.seconds()) for service in self.services]
        samples = [one for one in found if one is not None]
        self.memory = max([self.memory, *(one.memory for one in samples)])
        return samples

    async def end_service(self, service: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
        """Send it a signal; its exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(service.pid, number)
        status = await deferToThread(service.wait, 90)
        if service in self.services:
            self.services.remove(service)
        return status

    def _received(self) -> int:
        """How many deliveries the service says it had, in the count that it ends with."""
        said = re.findall(r"received (\d+), acknowledged", self.log.read_text())
        return int(said[-1]) if said else -1

    async def concluded(self, seconds: float = 180.0) -> Result:
        """Wait until nothing is left to do, and count."""
        try:
            return await self._result(seconds)
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave nothing running, nor anything on the disk unless it failed; again, it does nothing."""
        for service in list(self.services):
            await self.end_service(service, signal.SIGKILL)
        if not self._closed:
            self._closed = True
            await self.party.stop()
            if self._failed:
                self._keep()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _keep(self) -> None:
        """What the service said, for whoever wants to know why."""
        if self.log.exists():
            kept = Path(tempfile.mkdtemp(prefix="kzrules-chaos-"))
            shutil.copytree(self._folder, kept, dirs_exist_ok=True)
            print(f"{self.name}: rules and log of the service are kept in {kept}", file=sys.stderr)

    async def _result(self, seconds: float) -> Result:
        await until(self._reactor, _Done(self), seconds)
        for service in list(self.services):
            await self.end_service(service)
        outputs = await self.party.outputs()
        if self.ordered and (late := out_of_order(outputs, KEYS)):
            self.wrong.append(f"{late} events behind a later one of their key")
        count = tally(self.party.published, outputs, await self.party.dead(), self.excused)
        if self.all_received and (received := self._received()) != (runs := count.outputs - count.resent):
            self.wrong.append(f"{received} received, {runs} with an output")
        result = Result(
            self.name, self.party.published, count, self.breaks, self.memory, self.gap, tuple(self.wrong)
        )
        self._failed = bool(result.missed)
        return result


class _Done:
    """Whether all is done: every output is there, or nothing has moved for a while."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._last = (-1, -1)
        self._since = trial.ground.reactor.seconds()
        self._patience = 20.0 if trial.ground.ack == "after_processing" else 5.0

    async def __call__(self) -> bool:
        trial = self._trial
        trial.look()
        waiting, _ = await trial.party.count(EVENTS)
        outputs, _ = await trial.party.count(OUTPUTS)
        now = trial.ground.reactor.seconds()
        if (waiting, outputs) != self._last:
            self._last, self._since = (waiting, outputs), now
        if waiting != 0:
            return False
        expected = trial.party.published - trial.excused
        dead = 0 if outputs >= expected else max(0, (await trial.party.count(DEAD))[0])
        stands = now - self._since
        if outputs + dead >= expected:
            return bool(stands > 1.0)  # a moment, in which what comes twice may come
        return bool(stands > self._patience)
