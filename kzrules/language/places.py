"""Which files paths mean: folders are walked, and parted into programs. `source` reads what is named here."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIX = ".kzr"
MOST_BYTES = 4 * 1024 * 1024


class TooLargeError(OSError):
    """The file has more bytes than a rule file may have."""


def programs(paths: Sequence[str | Path]) -> list[tuple[str, ...]]:
    """Part paths into programs: a folder of topic folders is one program for each topic."""
    groups: list[tuple[str, ...]] = []
    together: list[str] = []
    for path in paths:
        topics = _topics(Path(path))
        groups += [(str(topic),) for topic in topics]
        if not topics:
            together.append(str(path))
    return [*groups, tuple(together)] if together else groups


def _topics(folder: Path) -> list[Path]:
    """The topic folders in a folder that has no rule files of its own."""
    entries = _entries(folder)
    if any(entry.suffix == SUFFIX for entry in entries):
        return []
    return [entry for entry in entries if entry.is_dir() and any(rule_files(entry))]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []  # what is wrong with it is told when it is read


def rule_files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The rule files at and below a folder. A link back to a folder above is not followed again."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from rule_files(entry, above | {real})
        elif entry.suffix == SUFFIX:
            yield entry


def content(path: Path) -> bytes:
    """The bytes of a file; OSError says why there are none, `TooLargeError` that there are too many."""
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise OSError(0, "it is no regular file")
    if facts.st_size > MOST_BYTES:
        raise TooLargeError(f"{facts.st_size:,}")
    return path.read_bytes()
