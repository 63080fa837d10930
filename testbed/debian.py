"""Programs from Debian's or Ubuntu's packages, unpacked into a cache folder: no root, nothing installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import NoBroker

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


@dataclass(frozen=True, slots=True)
class Packages:
    """Packages that are fetched and unpacked together."""

    title: str
    """What a person calls them."""
    folder: str
    """Their folder in the cache."""
    names: tuple[str, ...]
    megabytes: int
    """About how much is downloaded."""
    with_all: str = ""
    """Dependencies whose names begin so come along, at any depth; of the others only libraries."""
    without: str = ""
    """One of those that stands in for another, and must not come along."""
    moved: Callable[[Path, Path], None] | None = None
    """Called with the unpacked tree and the place that it will go to, for files that name their own."""


def cache_folder(packages: Packages) -> Path:
    """Where what was downloaded stays: the next run starts at once."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kzrules" / packages.folder


def unpacked(packages: Packages, say: Say) -> Path | None:
    """The folder with the packages' files, downloaded the first time; None where there is no apt."""
    cache = cache_folder(packages)
    if not (cache / "complete").exists():
        if not all(shutil.which(program) for program in _APT):
            return None
        _fill(packages, cache, say)
    return cache


def libraries(cache: Path) -> tuple[str, ...]:
    """The folders of an unpacked tree that hold shared libraries."""
    found = (path for pattern in ("lib", "usr/lib") for path in cache.glob(f"{pattern}/*/*.so*"))
    return tuple(sorted({str(path.parent) for path in found}))


def _fill(packages: Packages, cache: Path, say: Say) -> None:
    """Download and unpack beside the cache, then move into place: a broken download leaves no half cache."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kzrules-apt-", dir=cache.parent) as work:
        apt = Apt(Path(work), packages.names[0])
        size = packages.megabytes
        say(f"{packages.title} is not installed: downloading Debian's packages (about {size} MB, once) ...")
        names = apt.closure(packages)
        root = Path(work, "root")
        for package in apt.download(names):
            run(["dpkg-deb", "-x", str(package), str(root)])
        if packages.moved:
            packages.moved(root, cache)
        (root / "complete").write_text("\n".join(names) + "\n")
        _move(root, cache)
    say(f"unpacked {len(names)} packages into {cache}")


def _move(root: Path, cache: Path) -> None:
    try:
        root.rename(cache)
    except OSError:
        if not (cache / "complete").exists():  # neither ours nor that of another process that was quicker
            shutil.rmtree(cache, ignore_errors=True)
            root.rename(cache)


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

    def closure(self, packages: Packages) -> list[str]:
        """The packages, those that have to come along, and the libraries that the machine lacks."""
        taken = set(packages.names)
        if packages.with_all:
            depends = self._depends("--recurse", *packages.names)
            taken |= {name for name in depends if name.startswith(packages.with_all)} - {packages.without}
        libraries: set[str] = set()
        wanting = taken
        while wanting:
            needed = {name for name in self._depends(*wanting) if name.startswith("lib")} - libraries
            wanting = needed - _present(needed)
            libraries |= wanting
        return sorted({*taken, *libraries})

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
