"""The ground that nodes stand on: a folder, a cookie, an epmd of their own, and the keeper of all three."""

import atexit
import os
import secrets
import subprocess
import sys
import tempfile
import weakref
from pathlib import Path

from testbed import keeper
from testbed.obtain import Programs
from testbed.ports import free_port

_open: "weakref.WeakSet[Ground]" = weakref.WeakSet()


class Ground:
    """A temporary folder whose processes end with it. Nodes of one cluster share one ground."""

    def __init__(self, programs: Programs, *, epmd: bool = True) -> None:
        keeper.clean_stale()
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix=keeper.PREFIX))
        self._keeper = self._start_keeper()
        self._spawned: list[subprocess.Popen[bytes]] = []
        self.cookie = secrets.token_hex(16)
        self._write_cookie()
        self.epmd_port = free_port()
        if epmd:
            self._start_epmd()
        _open.add(self)

    def _start_keeper(self) -> "subprocess.Popen[bytes]":
        started = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        (self.folder / keeper.KEEPER).write_text(str(started.pid))
        return started

    def _write_cookie(self) -> None:
        path = self.folder / ".erlang.cookie"
        path.write_text(self.cookie)
        path.chmod(0o400)

    def _start_epmd(self) -> None:
        """Ours alone, so that no node of the machine is touched; its own restart is not wanted either."""
        arguments = ["-port", str(self.epmd_port), "-address", "127.0.0.1"]
        log = self.folder / "epmd.log"
        self.spawn([self.programs.find("epmd"), *arguments], " ".join(arguments), log)

    def spawn(
        self, command: list[str], marker: str, log: Path, environment: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a process that ends with this ground; `marker` is a part of its command line."""
        with log.open("ab") as output:
            started = subprocess.Popen(
                command,
                env=environment or self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for the demonstration, not for its broker
            )
        keeper.note(self.folder, started.pid, marker)
        self._spawned.append(started)
        return started

    def environment(self) -> dict[str, str]:
        """The environment of Erlang programs on this ground: nothing of the machine's own settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        return {
            **kept,
            "PATH": _joined(*self.programs.path, kept.get("PATH", "")),
            "LD_LIBRARY_PATH": _joined(*self.programs.libraries, kept.get("LD_LIBRARY_PATH", "")),
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def close(self) -> None:
        """End everything and remove the folder. May be called again."""
        if self._keeper.stdin is not None and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
            self._keeper.wait()
            for process in self._spawned:
                process.wait()
        _open.discard(self)


def _joined(*folders: str) -> str:
    """A search path; an empty part of one would mean the current folder."""
    return os.pathsep.join(folder for folder in folders if folder)


@atexit.register
def _close_all() -> None:
    for ground in list(_open):
        ground.close()
