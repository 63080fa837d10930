"""kzrules as anybody runs it, `twistd -n kzrules run`, on the rules of one experiment."""

import signal
import subprocess
import sys
from pathlib import Path

from testbed import keeper

NODE = "interop.example.com"


class Service:
    """Started by `start`, and again after `stop` or `kill`; it ends with the broker's ground."""

    def __init__(self, ground: Path, name: str, broker: str, rules: str) -> None:
        """`broker` is what stands in the block of that name."""
        self._ground = ground
        self._folder = ground / name
        self._folder.mkdir()
        self.log = self._folder / "log"
        (self._folder / "rules.kzr").write_text(rules)
        self._broker = self._folder / "broker.kzr"
        self._broker.write_text(f"broker {{ {broker} }}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; the broker tells when it consumes."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        command = [twistd, "-n", "--pidfile=", "kzrules", "run", "--node", NODE]
        command += ["--broker-file", str(self._broker), str(self._folder / "rules.kzr")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        keeper.note(self._ground, self._process.pid, str(self._folder))

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """SIGTERM; its exit status, once what was in hand is finished."""
        if self._process is None:
            return 0
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-2000:]
