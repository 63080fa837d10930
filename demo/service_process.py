"""The service as anybody runs it, `twistd -n kzrules run rules/demo`, and its JSON log as it comes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from demo.subscriptions import NODE
from testbed.keeper import note

Line = dict[str, Any]


class ServiceProcess:
    """Started when made. Every line of its log is put into `lines`; None follows the last."""

    def __init__(self, urls: Sequence[str], rules: Path, *, ground: Path | None) -> None:
        self.lines: SimpleQueue[Line | None] = SimpleQueue()
        self.said: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="kzrules-demo-")
        self._process = subprocess.Popen(
            self._command(urls, rules),
            cwd=self._folder.name,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is ours: the service is ended when its events are
        )
        if ground is not None:
            note(
                ground, self._process.pid, self._folder.name
            )  # it ends with our broker, whatever happens to us
        threading.Thread(target=self._read, name="service log", daemon=True).start()

    def _command(self, urls: Sequence[str], rules: Path) -> list[str]:
        broker = Path(self._folder.name, "broker.kzr")
        listed = " ".join(json.dumps(url) for url in urls)
        broker.touch(mode=0o600)
        broker.write_text(f"broker {{\n    zone local {{ {listed} }}\n}}\n")
        twistd = [sys.executable, "-m", "demo.twistd"]
        beside = Path(sys.executable).with_name("twistd")
        if beside.exists():
            twistd = [str(beside)]
        options = ["--broker-file", str(broker), "--node", NODE]
        logs = ["--log-format", "json", "--log-level", "debug"]
        return [*twistd, "-n", "--pidfile=", "kzrules", "run", *options, *logs, str(rules)]

    def _read(self) -> None:
        output = self._process.stdout
        for text in output or ():
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if isinstance(line, dict):
                self.lines.put(line)
            else:
                self.said.append(text.rstrip())
                del self.said[:-40]  # enough to say why it ended
        self.lines.put(None)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self, timeout: float = 40.0) -> int:
        """SIGTERM, and its exit status when it has drained; killed if it does not end."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.is_running:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._folder.cleanup()


def last_words(service: ServiceProcess, remembered: Callable[[], list[str]]) -> str:
    """What it said before it ended unasked."""
    return "\n".join(service.said or remembered()) or "nothing"
