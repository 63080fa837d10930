"""kzrules as a competitor: `twistd kzrules run` in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path


class Service:
    """Started when made."""

    def __init__(
        self, folder: Path, url: str, rules: str, *options: str, environment: dict[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        rule_file = folder / "rules.kzr"
        rule_file.write_text(rules)
        broker = folder / "broker.kzr"
        broker.write_text(f'broker {{ "{url}" }}\n')
        self.log = folder / "log"
        twistd = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "kzrules", "run"]
        asked = ["--broker-file", str(broker), "--node", "bench", *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*twistd, *asked, str(rule_file)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache"), **(environment or {})},
            )

    @property
    def pids(self) -> list[int]:
        """Whose memory and processor count."""
        return [self.process.pid]

    @property
    def ended(self) -> str:
        """Why it runs no more; empty while it runs."""
        if self.process.poll() is None:
            return ""
        return f"it ended: {self.log.read_text()[-300:]}"

    def stop(self) -> None:
        """End it, in order where it can."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


def memory(pids: list[int]) -> int:
    """Bytes of resident memory, added up."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def processor(pids: list[int]) -> float:
    """Seconds of processor time used so far, added up."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
