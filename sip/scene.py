"""The ground of an experiment: a broker, a Kamailio, the service and a responder, each a process."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sip import configs
from sip.relay import Relay
from testbed import private_broker, telephony
from testbed.broker import say_on_stderr
from testbed.kamailio import Kamailio
from testbed.ports import free_port
from testbed.telephony import Telephony

CHECKOUT = Path(__file__).parents[1]


GIVEN: list[str] = []
"""The URL of a broker that is there already; without one each experiment starts its own."""


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """The URL of a broker: the given one, or a private one that is gone afterwards."""
    if GIVEN:
        yield GIVEN[0]
        return
    node = private_broker()
    try:
        yield node.url
    finally:
        node.destroy()


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> float:
    """Wait for a condition; how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise RuntimeError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


class Scene:
    """Everything that takes part, by name, so that each can be killed and started again."""

    def __init__(self, urls: list[str], *, programs: Telephony | None = None) -> None:
        self.urls = urls
        self.programs = programs or telephony.find(say_on_stderr)
        self.folder = Path(tempfile.mkdtemp(prefix="kzrules-sip-"))
        self.evapi = free_port()
        self.relay = Relay(self.evapi)
        self.log = self.folder / "service.log"
        self.kamailio: Kamailio | None = None
        self.service: subprocess.Popen[bytes] | None = None
        self.responder: subprocess.Popen[str] | None = None
        self.servers: list[subprocess.Popen[bytes]] = []

    # --- Kamailio

    def start_kamailio(self, text: str, *, children: int = 4) -> Kamailio:
        """A configuration beside `kzrules.cfg`."""
        self.kamailio = Kamailio(text, children=children, shared_mb=256, programs=self.programs)
        shutil.copy(configs.EXAMPLES / "kzrules.cfg", self.kamailio.folder)
        return self.kamailio.start()

    @property
    def port(self) -> int:
        """Where it listens for SIP."""
        if self.kamailio is None:
            raise RuntimeError("no Kamailio was started")
        return self.kamailio.sip_port

    def sees_kzrules(self) -> bool:
        """Kamailio has had our hello."""
        if self.kamailio is None:
            return False
        try:
            return int(self.kamailio.rpc("pv.shvGet", "kzrules", timeout=2.0)["value"]) > 0
        except (OSError, KeyError, TypeError):
            return False

    # --- the service

    def start_service(self, rules: str, *, wait: bool = True) -> None:
        """`twistd -n kzrules run`, as an operator would."""
        (self.folder / "rules.kzr").write_text(rules)
        listed = " ".join(f'"{url}"' for url in self.urls)
        (self.folder / "broker.kzr").write_text(f"broker {{ zone local {{ {listed} }} }}\n")
        twistd = str(Path(sys.executable).with_name("twistd"))
        command = [twistd, "-n", "--pidfile=", "kzrules", "run", "--broker-file"]
        with self.log.open("ab") as log:
            self.service = subprocess.Popen(
                [*command, str(self.folder / "broker.kzr"), str(self.folder / "rules.kzr")],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            until(self.sees_kzrules, "Kamailio has no kzrules")

    def end_service(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, and wait until it is gone."""
        if self.service is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.service.pid, number)
            self.service.wait(60)
            self.service = None

    def totals(self) -> dict[str, int]:
        """What the service counted for the Kamailio that it has let go of last."""
        lines = [line for line in self.log.read_text().splitlines() if ": asked " in line]
        return _numbers(lines[-1]) if lines else {}

    # --- the others

    def start_responder(self, *ports: int) -> None:
        """Answers on the bus."""
        command = [sys.executable, "-m", "sip.responder", ",".join(self.urls), *map(str, ports)]
        self.responder = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        if self.responder.stdout is None or self.responder.stdout.readline().strip() != "ready":
            raise RuntimeError("the responder did not start")

    def end_responder(self) -> None:
        """Kill it."""
        if self.responder is not None:
            self.responder.kill()
            self.responder.communicate()
            self.responder = None

    def start_server(self, scenario: str, name: str) -> int:
        """A SIPp that is called; its port."""
        port = free_port()
        (self.folder / f"{name}.xml").write_text(scenario)
        command = [str(self.programs.sipp), "-sf", f"{name}.xml", "-i", "127.0.0.1", "-p", str(port)]
        command += ["-nostdin", "-trace_logs", "-log_file", f"{name}.log"]
        command += ["-trace_err", "-error_file", f"{name}.err"]
        environment: dict[str, Any] = {**self.programs.environment(), "TERM": "dumb"}
        with (self.folder / f"{name}.out").open("wb") as out:
            self.servers.append(
                subprocess.Popen(command, cwd=self.folder, env=environment, stdout=out, stderr=out)
            )
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self.log.exists():
            print(self.log.read_text()[-3000:], file=sys.stderr)
        if error is not None and self.kamailio is not None:
            print(self.kamailio.last_words(), file=sys.stderr)
        self.end_service(signal.SIGKILL)
        self.end_responder()
        self.relay.close()
        for server in self.servers:
            server.kill()
            server.wait()
        if self.kamailio is not None:
            self.kamailio.destroy()
        shutil.rmtree(self.folder, ignore_errors=True)


def _numbers(line: str) -> dict[str, int]:
    """`asked 5, answered 4, ...` as numbers; what was refused is added up."""
    found: dict[str, int] = {}
    refused = line[line.find("{") + 1 : line.find("}")]
    found["refused"] = sum(int(part.split(":")[1]) for part in refused.split(",") if ":" in part)
    plain = (
        (line[: line.find("{")] + line[line.find("}") + 1 :]).replace(";", ",").replace(": asked", ", asked")
    )
    for part in plain.split(","):
        name, _, number = part.strip().rpartition(" ")
        if number.isdigit() and name.isalpha():
            found[name] = int(number)
    return found
