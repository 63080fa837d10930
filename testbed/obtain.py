"""Where RabbitMQ's own programs come from: installed, unpacked from packages, or Homebrew's."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from testbed.debian import Packages, Say, libraries, unpacked
from testbed.errors import NoBroker

SCRIPTS = (
    # Debian's /usr/sbin/rabbitmq-server is a wrapper that refuses ordinary users: go to what it wraps.
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
    "opt/rabbitmq/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
    "usr/local/opt/rabbitmq/sbin",
    "home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin",
)
ERLANG = (
    "/usr/lib/erlang/bin",
    "/usr/lib64/erlang/bin",
    "/usr/local/lib/erlang/bin",
    "/opt/erlang/lib/erlang/bin",
    "/opt/homebrew/opt/erlang/lib/erlang/bin",
    "/usr/local/opt/erlang/lib/erlang/bin",
)


def _point_scripts(root: Path, cache: Path) -> None:
    """Debian's `erl` script names its own place; point it to where it will be."""
    for script in [root / "usr/lib/erlang/bin/erl", *root.glob("usr/lib/erlang/erts-*/bin/erl")]:
        text = script.read_text()
        script.write_text(text.replace("ROOTDIR=/usr/lib/erlang", f"ROOTDIR={cache}/usr/lib/erlang"))


PACKAGES = Packages(
    "RabbitMQ",
    "rabbitmq",
    ("rabbitmq-server",),
    35,
    with_all="erlang-",
    without="erlang-base-hipe",
    moved=_point_scripts,
)


@dataclass(frozen=True, slots=True)
class Programs:
    """RabbitMQ's scripts, and what has to be in the environment for them to run."""

    scripts: Path
    path: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def find(self, program: str) -> str:
        """Where a program of Erlang's or RabbitMQ's is."""
        found = self.look_for(program)
        if found is None:
            raise NoBroker(f"{self.scripts} is there, but its {program!r} is not: install Erlang completely.")
        return found

    def look_for(self, program: str) -> str | None:
        """Where a program is, or None."""
        search = os.pathsep.join([str(self.scripts), *self.path, os.environ.get("PATH", "")])
        return shutil.which(program, path=search)


def installed() -> Programs | None:
    """What the machine has, whoever installed it."""
    found = (folder for pattern in SCRIPTS for folder in sorted(Path("/").glob(pattern), reverse=True))
    scripts = next(found, None)
    if scripts is None:
        scripts = _beside(shutil.which("rabbitmq-server"))
    if scripts is None:
        return None
    programs = Programs(scripts, tuple(p for p in ERLANG if Path(p, "erl").exists()))
    return programs if programs.look_for("erl") and programs.look_for("epmd") else None


def from_packages(say: Say) -> Programs | None:
    """RabbitMQ and all of its Erlang out of Debian's packages; None where there is no apt."""
    cache = unpacked(PACKAGES, say)
    if cache is None:
        return None
    scripts = sorted(cache.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"))
    if not scripts:
        raise NoBroker(f"{cache} is incomplete: remove it and try again.")
    return Programs(scripts[-1], (str(cache / "usr/lib/erlang/bin"),), libraries(cache))


def _beside(script: str | None) -> Path | None:
    """The folder of a script that runs for everybody: not Debian's wrapper, nor a link to it."""
    if script is None:
        return None
    folder = Path(script).resolve().parent
    return folder if (folder / "rabbitmq-env").exists() else None
