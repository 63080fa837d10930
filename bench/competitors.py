"""Who is measured: each is started as a process of its own, on a queue that is filled already."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from bench import kazoo
from bench.leftout import LeftOut
from bench.rulesets import FORWARD, RULES, rules
from bench.service import Service

HERE = Path(__file__).parent
WORK = HERE / "work"
PYTHON = WORK / "venv" / "bin" / "python"
PREFETCH = "prefetch: 1000"


class Running(Protocol):
    """A competitor that has been started."""

    @property
    def pids(self) -> list[int]:
        """Its processes."""

    @property
    def ended(self) -> str:
        """Why it runs no more; empty while it runs."""

    def stop(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Competitor:
    """Started by folder, URL and queue. A slow one gets a `share` of the events, to run as long as others."""

    name: str
    start: Callable[[Path, str, str], Running]
    share: float = 1.0
    forwards: bool = False
    """It publishes one message for each event."""


class Script:
    """A program of `bench/peers`."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    @property
    def pids(self) -> list[int]:
        """Its one process."""
        return [self.process.pid]

    @property
    def ended(self) -> str:
        """Why it runs no more."""
        status = self.process.poll()
        return "" if status is None else f"it ended with status {status}"

    def stop(self) -> None:
        """Kill it: what it has in hand is nobody's loss."""
        self.process.kill()
        self.process.wait()


def kzrules(
    name: str,
    *settings: str,
    body: str = "",
    workers: int = 1,
    forwards: bool = False,
    text: str = "",
    options: tuple[str, ...] = (),
) -> Competitor:
    """The service, with rules of this body or a whole rule file of its own; `options` are its own."""

    def start(folder: Path, url: str, queue: str) -> Running:
        file = text or rules(queue, body, PREFETCH, *settings)
        return Service(folder, url, file, "--workers", str(workers), *options)

    return Competitor(name, start, forwards=forwards)


def script(name: str, file: str, mode: str, share: float = 1.0) -> Competitor:
    """A Python peer, in its own environment."""

    def start(_folder: Path, url: str, queue: str) -> Running:
        return Script(peers_python(), str(HERE / "peers" / file), mode, url, queue)

    return Competitor(name, start, share, forwards=mode == "forward")


def c_client(name: str, mode: str) -> Competitor:
    """The limit: librabbitmq from C."""

    def start(_folder: Path, url: str, queue: str) -> Running:
        at = urlsplit(url)
        login = at.username or "guest", at.password or "guest"
        return Script(compiled(), mode, str(at.hostname), str(at.port), *login, queue)

    return Competitor(name, start)


def module(name: str, no_ack: int) -> Competitor:
    """The C module in a real Kamailio."""

    def start(_folder: Path, url: str, queue: str) -> Running:
        return kazoo.consuming(url, queue, no_ack)

    return Competitor(name, start, 0.5)


def peers_python() -> str:
    """The interpreter that has the peers' libraries."""
    if not PYTHON.exists():
        raise LeftOut("its environment is missing: `make bench` makes it")
    return str(PYTHON)


@cache
def compiled() -> str:
    """The C client, compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise LeftOut("there is no C compiler here")
    WORK.mkdir(exist_ok=True)
    program = str(WORK / "limit")
    command = [compiler, "-O2", "-D_GNU_SOURCE", "-o", program, str(HERE / "peers" / "limit.c"), "-lrabbitmq"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LeftOut("librabbitmq's headers are not here (Debian: librabbitmq-dev)")
    return program


def after_the_work() -> list[Competitor]:
    """Acknowledged when done; the first is what the others are compared to."""
    return [
        module("kazoo module, no_ack 0", 0),
        kzrules("kzrules, 1 worker"),
        kzrules("kzrules, 2 workers", workers=2),
        kzrules("kzrules, 4 workers", workers=4),
        kzrules("kzrules, in order of a key", "ordered_by: .Call-ID", workers=4),
        kzrules("kzrules, medium rules", body=RULES["medium"]),
        kzrules("kzrules, large rules", body=RULES["large"]),
        script("FastStream", "faststream_peer.py", "settle", 0.05),
        script("aio-pika", "aio_pika_peer.py", "settle", 0.1),
        script("pika, bare callback, every 100th", "pika_callback.py", "settle", 0.7),
        c_client("C, each", "each"),
        c_client("C, every 100th", "hundredth"),
    ]


def at_once() -> list[Competitor]:
    """Acknowledged before the work."""
    return [
        module("kazoo module, no_ack 1", 1),
        kzrules("kzrules, immediate, 1 worker", "ack: immediate"),
        kzrules("kzrules, immediate, 2 workers", "ack: immediate", workers=2),
        kzrules("kzrules, immediate, 4 workers", "ack: immediate", workers=4),
        script("FastStream, ack first", "faststream_peer.py", "immediate", 0.05),
        script("aio-pika, no_ack", "aio_pika_peer.py", "immediate", 0.2),
        script("pika, bare callback, no_ack", "pika_callback.py", "immediate", 0.7),
        c_client("C, no_ack", "none"),
    ]


def forwarding() -> list[Competitor]:
    """One confirmed publish for each event, then its acknowledgement."""
    return [
        script("FastStream", "faststream_peer.py", "forward", 0.05),
        script("aio-pika", "aio_pika_peer.py", "forward", 0.1),
        script("pika, bare callback", "pika_callback.py", "forward", 0.5),
        kzrules("kzrules, 1 worker", body=FORWARD, forwards=True),
        kzrules("kzrules, 4 workers", body=FORWARD, forwards=True, workers=4),
    ]
