"""RabbitMQ from Debian's or Ubuntu's packages, unpacked into a cache folder: no root, nothing installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from testbed.errors import NoBroker
from testbed.obtain import Programs

Say = Callable[[str], None]

_APT = ("apt-cache", "apt-get", "dpkg-deb", "dpkg-query")
_LISTED = (
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
)


def cache_folder() -> Path:
    """Where what was downloaded stays: the next run starts at once."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kzrules" / "rabbitmq"


def unpacked(say: Say) -> Programs | None:
    """The packages' programs, downloaded the first time; None where there is no apt."""
    cache = cache_folder()
    if not (cache / "complete").exists():
        if not all(shutil.which(program) for program in _APT):
            return None
        _fill(cache, say)
    return _programs(cache)


def _programs(cache: Path) -> Programs:
    scripts = sorted(cache.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"))
    if not scripts:
        raise NoBroker(f"{cache} is incomplete: remove it and try again.")
    libraries = {
        str(found.parent) for pattern in ("lib", "usr/lib") for found in cache.glob(f"{pattern}/*/*.so*")
    }
    return Programs(scripts[-1], (str(cache / "usr/lib/erlang/bin"),), tuple(sorted(libraries)))


def _fill(cache: Path, say: Say) -> None:
    """Download and unpack beside the cache, then move into place: a broken download leaves no half cache."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kzrules-apt-", dir=cache.parent) as work:
        apt = Apt(Path(work), "rabbitmq-server")
        say("RabbitMQ is not installed: downloading Debian's packages (about 35 MB, once) ...")
        packages = apt.packages()
        root = Path(work, "root")
        for package in apt.download(packages):
            run(["dpkg-deb", "-x", str(package), str(root)])
        _point_scripts(root, cache)
        (root / "complete").write_text("\n".join(packages) + "\n")
        _move(root, cache)
    say(f"unpacked {len(packages)} packages into {cache}")


def _move(root: Path, cache: Path) -> None:
    try:
        root.rename(cache)
    except OSError:
        if not (cache / "complete").exists():  # neither ours nor that of another process that was quicker
            shutil.rmtree(cache, ignore_errors=True)
            root.rename(cache)


def _point_scripts(root: Path, cache: Path) -> None:
    """Debian's `erl` script names its own place; point it to where it will be."""
    for script in [root / "usr/lib/erlang/bin/erl", *root.glob("usr/lib/erlang/erts-*/bin/erl")]:
        text = script.read_text()
        script.write_text(text.replace("ROOTDIR=/usr/lib/erlang", f"ROOTDIR={cache}/usr/lib/erlang"))


class Apt:
    """apt with lists and archives of its own where the machine's are not there."""

    def __init__(self, work: Path, wanted: str) -> None:
        self._work = work
        self._wanted = wanted
        self._options: list[str] = []
        if not self._knows_it():
            self._update()

    def _knows_it(self) -> bool:
        return bool(_output(["apt-get", *self._options, "-qq", "--print-uris", "download", self._wanted]))

    def _update(self) -> None:
        """An image without package lists: fetch them into our own folder, which needs no root."""
        for folder in ("lists/partial", "archives/partial"):
            (self._work / folder).mkdir(parents=True)
        self._options = [
            *("-o", f"Dir::State::Lists={self._work / 'lists'}"),
            *("-o", f"Dir::Cache={self._work}"),
            *("-o", "Dir::State::Status=/var/lib/dpkg/status"),
            *("-o", "APT::Sandbox::User=root"),
        ]
        run(["apt-get", *self._options, "-qq", "update"])
        if not self._knows_it():
            raise NoBroker(
                f"apt knows no package {self._wanted} here: install it, or what it stands for, yourself."
            )

    def packages(self) -> list[str]:
        """RabbitMQ, all of its Erlang, and the libraries that the machine lacks."""
        erlang = {n for n in self._depends("--recurse", "rabbitmq-server") if n.startswith("erlang-")}
        erlang.discard("erlang-base-hipe")
        libraries: set[str] = set()
        wanting = erlang
        while wanting:
            needed = {name for name in self._depends(*wanting) if name.startswith("lib")} - libraries
            wanting = needed - _present(needed)
            libraries |= wanting
        return sorted({"rabbitmq-server", *erlang, *libraries})

    def _depends(self, *arguments: str) -> set[str]:
        listed = _output(["apt-cache", *self._options, "depends", *_LISTED, *arguments]).splitlines()
        # Deeper lines are providers of the name above them: the first will do.
        words = (line.partition("Depends: ")[2].strip() for line in listed)
        return {word for word in words if word and not word.startswith("<")}

    def download(self, packages: list[str]) -> list[Path]:
        """The package files."""
        folder = self._work / "debs"
        folder.mkdir(mode=0o755)
        run(
            ["apt-get", *self._options, "-qq", "-o", "APT::Sandbox::User=root", "download", *packages],
            cwd=folder,
        )
        return sorted(folder.glob("*.deb"))


def _present(packages: set[str]) -> set[str]:
    if not packages:
        return set()
    listed = _output(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *sorted(packages)])
    return {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def run(command: list[str], cwd: Path | None = None) -> None:
    """Run a program that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise NoBroker(f"packages could not be had: {' '.join(command[:2])} said: {last}")
