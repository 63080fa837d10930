"""The process that outlives its parent by a moment, to end the parent's brokers and remove their folder.

Started by `testbed.ground` as `python keeper.py FOLDER` with a pipe on standard input that only the
parent holds open. End of file means that the parent has ended: by itself, by an exception, by
SIGTERM or by SIGKILL. Standard library only: it runs by path, before and after anything else.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PREFIX = "kzrules-broker-"
PROCESSES = "processes"
"""In the folder: one line a process, its id and a text that its command line holds."""
CONTAINER = "container"
"""In the folder, where the broker is in a container: the container's name."""
KEEPER = "keeper"
"""In the folder: the id of the keeper."""


def note(folder: Path, pid: int, marker: str) -> None:
    """Write down a process that has to end with the folder."""
    with (folder / PROCESSES).open("a") as processes:
        processes.write(f"{pid} {marker}\n")


def note_container(folder: Path, name: str) -> None:
    """Write down a container that has to go with the folder."""
    (folder / CONTAINER).write_text(name)


def container_noted(folder: Path) -> bool:
    """Whether there is one."""
    return (folder / CONTAINER).exists()


def clean(folder: Path) -> None:
    """End the processes and the container that are noted in the folder, and remove it."""
    if container_noted(folder):
        name = (folder / CONTAINER).read_text()
        subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / PROCESSES).read_text().splitlines():
            pid, _, marker = line.partition(" ")
            end(int(pid), marker)
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)  # a process that is just ending may still write a file


def end(pid: int, marker: str) -> None:
    """Kill a process and its group, but only if they are still what was noted: ids are used again."""
    for member in {pid, *group(pid, marker)}:
        if marker in command_line(member):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal.SIGKILL)


def group(leader: int, marker: str) -> list[int]:
    """The living processes of a group, which may outlive the one that led it; only /proc tells them."""
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        with contextlib.suppress(OSError):
            if os.getpgid(pid) == leader and marker in command_line(pid):  # a dead one has no command line
                members.append(pid)
    return members


def command_line(pid: int) -> str:
    """What the process was started with; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def clean_stale() -> None:
    """Remove the folders of earlier runs whose keeper was killed too."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if folder.stat().st_uid == os.getuid() and _is_stale(folder):
                clean(folder)


def _is_stale(folder: Path) -> bool:
    keeper = folder / KEEPER
    if keeper.exists():
        return str(folder) not in command_line(int(keeper.read_text()))
    return time.time() - folder.stat().st_mtime > 3600


def main() -> None:
    """Wait for the parent's end, then clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; we end last
    sys.stdin.buffer.read()
    clean(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
