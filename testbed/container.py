"""A RabbitMQ in a container, where neither an installed one nor Debian's packages are to be had.

It does what a `Node` does, through `docker`; the keeper removes the container with the ground.
"""

import shutil
import subprocess
from pathlib import Path

from testbed import keeper
from testbed.errors import NoBroker
from testbed.ground import Ground
from testbed.node import Node
from testbed.obtain import Programs

IMAGE = "rabbitmq:3"


def docker_answers() -> bool:
    """Whether there is a docker, and a daemon behind it that we may talk to."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=20)
    return asked.returncode == 0


class Container(Node):
    """A node in a container of its own, published on a loopback port."""

    def __init__(self) -> None:
        super().__init__(Ground(Programs(Path("/nowhere")), epmd=False))
        self._container = self.ground.folder.name

    def start(self, *, wait: bool = True) -> "Container":
        """Made the first time, started again after a stop."""
        if not keeper.container_noted(self.ground.folder):
            keeper.note_container(self.ground.folder, self._container)
            where = f"127.0.0.1:{self.amqp_port}:5672"
            self._docker("run", "--detach", "--name", self._container, "--publish", where, IMAGE)
        elif not self.is_running:
            self._docker("start", self._container)
        if wait:
            self._docker("exec", self._container, "rabbitmqctl", "await_startup", timeout=90)
            self.wait_until_up()
        return self

    @property
    def is_running(self) -> bool:
        """Whether the container runs; a paused one does."""
        shown = self._docker("inspect", "--format", "{{.State.Running}}", self._container)
        return shown.strip() == "true"

    @property
    def pid(self) -> int:
        """The id of the container's first process, on this machine."""
        return int(self._docker("inspect", "--format", "{{.State.Pid}}", self._container))

    def stop(self, timeout: float = 30.0) -> None:
        """Stop as an operator would."""
        self._docker("stop", "--time", f"{timeout:.0f}", self._container, timeout=timeout + 10)

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        if self.is_running:
            self._docker("kill", self._container)

    def pause(self) -> None:
        """Sockets stay open and nothing answers any more."""
        self._docker("pause", self._container)

    def resume(self) -> None:
        """Go on."""
        self._docker("unpause", self._container)

    def ctl(self, *arguments: str, timeout: float = 60.0) -> str:
        """`rabbitmqctl`, within the container."""
        return self._docker("exec", self._container, "rabbitmqctl", *arguments, timeout=timeout)

    def eval(self, erlang: str, timeout: float = 60.0) -> str:
        """Evaluate Erlang in the node."""
        return self.ctl("eval", erlang, timeout=timeout).strip()

    def _docker(self, *arguments: str, timeout: float = 300.0) -> str:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise NoBroker(f"docker {arguments[0]} said: {last}")
        return done.stdout
