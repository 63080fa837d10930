"""A real Kamailio with its kazoo module, as a process of our own on loopback.

    with Kamailio(text) as kamailio:          # text: a whole kamailio.cfg but for listen and children
        kamailio.wait_for("my xlog line")     # its log, followed by a deadline
        kamailio.rpc("htable.dump", "nodes")  # JSON-RPC over a socket of its own

Further ports (evapi) are taken by `testbed.ports.free_port` and written into the text; xhttp answers
on `sip_port`, which is open for UDP and TCP.
"""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import keeper, telephony
from testbed.broker import say_on_stderr
from testbed.errors import CommandFailed, NoBroker
from testbed.ground import Ground
from testbed.obtain import Programs
from testbed.ports import free_port
from testbed.telephony import Telephony

START_TIMEOUT = 60.0
"""Seconds; it is up in less than one on an idle machine, and in many where all cores are taken."""


class Kamailio:
    """A private Kamailio. Started by `start` or `with`; `restart` keeps its ports and folder."""

    def __init__(
        self,
        text: str,
        *,
        children: int = 2,
        shared_mb: int = 64,
        private_mb: int = 8,
        programs: Telephony | None = None,
    ) -> None:
        self.programs = programs or telephony.find(say_on_stderr)
        self.sip_port = free_port()
        self.ground = Ground(Programs(self.programs.kamailio.parent), epmd=False)
        self.folder = self.ground.folder
        self.log = self.folder / "kamailio.log"
        self._text = self.folder / "kamailio.cfg"
        self._text.write_text(text.rstrip("\n") + "\n" + self._own_lines(text, children))
        self._memory = ("-m", str(shared_mb), "-M", str(private_mb))
        self._process: subprocess.Popen[bytes] | None = None

    def _own_lines(self, text: str, children: int) -> str:
        """Written below the configuration, so that the numbers of its lines stay what they are."""
        load = "" if "jsonrpcs.so" in text else 'loadmodule "jsonrpcs.so"\n'
        ports = "".join(f"listen={kind}:127.0.0.1:{self.sip_port}\n" for kind in ("udp", "tcp"))
        return f'{load}modparam("jsonrpcs", "dgram_socket", "{self._socket}")\n{ports}children={children}\n'

    @property
    def _socket(self) -> Path:
        return self.folder / "rpc.sock"

    def start(self) -> Self:
        """Start, and return when it answers a remote call: its workers run by then."""
        if not self.is_running:
            self._socket.unlink(missing_ok=True)
            environment = self.programs.environment()
            self._process = self.ground.spawn(self._command(), str(self.folder), self.log, environment)
        self.wait_until(self._answers, "answer a remote call", START_TIMEOUT)
        return self

    def _command(self) -> list[str]:
        folder = str(self.folder)
        places = ("-L", str(self.programs.modules), "-f", str(self._text), "-w", folder, "-Y", folder)
        # -DD: the process that we start is the one that leads; -a no: no look-ups of our own names.
        return [str(self.programs.kamailio), *places, *self._memory, "-DD", "-E", "-a", "no"]

    def _answers(self) -> bool:
        try:
            self.rpc("core.uptime", timeout=2.0)
        except OSError:
            return False
        return True

    @property
    def pid(self) -> int:
        """The id of the main process, which is that of the whole group."""
        if self._process is None:
            raise CommandFailed("Kamailio has not been started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the main process lives."""
        return self._process is not None and self._process.poll() is None

    def processes(self) -> list[int]:
        """The ids of all its processes that live."""
        return [] if self._process is None else keeper.group(self._process.pid, str(self.folder))

    def log_lines(self) -> list[str]:
        """What it has logged so far."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def wait_for(self, text: str, timeout: float = 15.0, count: int = 1) -> None:
        """Wait until `count` lines of the log hold a text."""
        self.wait_until(
            lambda: sum(text in line for line in self.log_lines()) >= count, f"log {text!r}", timeout
        )

    def wait_until(self, condition: Callable[[], object], what: str, timeout: float = 15.0) -> None:
        """Wait for a condition; told with the last lines of the log if it does not come true."""
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.is_running:
                raise NoBroker(f"Kamailio ended before it did {what}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise NoBroker(f"Kamailio did not {what} within {timeout:.0f} s: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self, lines: int = 6) -> str:
        """What went wrong first, where anything did: later errors follow from it. Else the log's end."""
        wrong = [line for line in self.log_lines() if "ERROR" in line or "CRITICAL" in line]
        return " | ".join(wrong[:lines] or self.log_lines()[-lines:]) or "it logged nothing"

    def rpc(self, method: str, *parameters: object, timeout: float = 10.0) -> Any:
        """Call one of Kamailio's remote procedures; CommandFailed with its own words when it refuses."""
        asked = {"jsonrpc": "2.0", "method": method, "params": list(parameters), "id": 1}
        own = self.folder / f"answer-{time.monotonic_ns()}.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.settimeout(timeout)
            connection.bind(str(own))
            try:
                connection.connect(str(self._socket))
                connection.send(json.dumps(asked).encode())
                answer = json.loads(connection.recv(1 << 20))
            finally:
                own.unlink()
        if "error" in answer:
            raise CommandFailed(f"Kamailio: {method}: {answer['error'].get('message')}")
        return answer.get("result")

    def stop(self, timeout: float = 10.0) -> None:
        """Stop as an operator would (SIGTERM to the main process); what is left after that is killed."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs: killed with the rest
                self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to every process: no goodbye to anybody."""
        if self._process is not None:
            keeper.end(self._process.pid, str(self.folder))
            self._process.wait()
            while self.processes():  # nobody is told when a child of the dead process has ended
                time.sleep(0.01)

    def restart(self) -> None:
        """Stop and start; ports stay."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """End it and remove its folder."""
        self.stop()
        self.ground.close()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.ground.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()
