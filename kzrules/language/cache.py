"""A private folder of things worked out once, such as the code of a rule file. `compile` uses it.
Whole trees are not kept: to write them takes as long as to parse them.

An entry is found by what it was made from, so nothing in it can be out of date. Each one begins
with its own checksum: what does not fit is made anew.
"""

import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from errno import EPERM
from functools import lru_cache
from itertools import count
from pathlib import Path
from stat import S_ISREG

from kzrules import __version__

KEPT_DAYS = 30
MOST_ENTRIES = 4000
MOST_BYTES = 256 * 1024 * 1024
WRITES_BETWEEN = 200
"""After so many writes of a process, old entries are forgotten again: a service may reload for months."""
DEPENDENCIES = ("google_re2-", "jsonschema", "lark-", "referencing-", "rpds_py-")
"""How the names of packages begin whose answers are kept: patterns, schemas and the grammar's tables."""
LOGIN = re.compile(r"://(?![^\s:/@\"]*:\{\w+\}@)[^\n]*@")
"""A URL with user or password; one whose password is a setting's gives nothing away. It is generous: a
password may hold any sign, and what is taken for one by mistake only costs time.
"""


_writes = count(1)


def quotes_login(text: str) -> bool:
    """Tell whether a text may give a login away: what is made of it is not kept."""
    return LOGIN.search(text) is not None


def key_of(*parts: str | bytes) -> str:
    """Name an entry by what it is made from, and by the versions that made it."""
    digest = hashlib.sha256(f"{__version__} {sys.version} {_made_by()}".encode())
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:" % len(raw))
        digest.update(raw)
    return digest.hexdigest()[:40]


@lru_cache(maxsize=1)
def _made_by() -> str:
    """When the code that fills the cache was last changed: a checkout has one version for long."""
    here = Path(__file__).parents[1]
    parts = ("message", "language", "wire", "words", "routing", "cli")
    sources = [*here.glob("*.py"), *(source for part in parts for source in (here / part).rglob("*.py"))]
    for folder in (here / "_shipped", here.parent):
        sources += (folder / "grammar").glob("kzrules.*")
    times = sorted((str(source), source.stat().st_mtime_ns) for source in sources)
    return repr((times, _installed(tuple(sys.path))))


def _installed(folders: tuple[str, ...]) -> list[str]:
    """What is depended on, with versions, by the names of folders: to ask for them takes far longer."""
    found: set[str] = set()
    for folder in folders:
        with suppress(OSError):  # not every entry is a folder
            found.update(name for name in os.listdir(folder) if name.startswith(DEPENDENCIES))  # noqa: PTH208  names are enough
    return sorted(name for name in found if name.endswith((".dist-info", ".egg-info")))


def read(kind: str, key: str) -> bytes | None:
    """Return the entry, or None if there is none that is whole."""
    folder = _folder()
    if folder is None:
        return None
    try:
        raw = _own_bytes(folder / f"{kind}-{key}")
    except OSError:
        return None  # there is none: it is made anew
    return raw[32:] if hashlib.sha256(raw[32:]).digest() == raw[:32] else None


def _own_bytes(entry: Path) -> bytes:
    """What stands in a file that we alone can write: it is unpickled, and a folder may be opened later."""
    handle = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not S_ISREG(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o022:
            raise PermissionError(EPERM, "the entry is not ours alone")
        return file.read()


def write(kind: str, key: str, content: bytes) -> None:
    """Keep the entry. A folder that cannot be written only costs time, so it is no error."""
    folder = _folder()
    if folder is None:
        return
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            Path(name).replace(folder / f"{kind}-{key}")
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        if next(_writes) % WRITES_BETWEEN == 0:
            _forget_old(folder.iterdir())


def _folder() -> Path | None:
    if os.environ.get("KZRULES_CACHE") == "off":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  keeps a folder that no home stands behind
    return _private(Path(base) / "kzrules" / "language") if Path(base).is_absolute() else None


@lru_cache(maxsize=8)
def _private(folder: Path) -> Path | None:
    """The folder, if it is ours alone: what another can write is not read back."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
        if facts.st_uid != os.getuid() or facts.st_mode & 0o170077 != 0o040000:
            return None
        _forget_old(folder.iterdir())
    except OSError:
        return None
    return folder


def _forget_old(entries: Iterable[Path]) -> None:
    """Keep the newest entries of the last days, so that the folder does not grow without end."""
    oldest = time.time() - KEPT_DAYS * 86400
    facts: list[tuple[os.stat_result, Path]] = []
    for entry in entries:
        with suppress(FileNotFoundError):  # another process has renamed or forgotten it meanwhile
            facts.append((entry.lstat(), entry))
    size = 0
    for place, (fact, entry) in enumerate(sorted(facts, key=lambda one: -one[0].st_mtime)):
        size += fact.st_size
        if place >= MOST_ENTRIES or size > MOST_BYTES or fact.st_mtime < oldest:
            entry.unlink(missing_ok=True)
