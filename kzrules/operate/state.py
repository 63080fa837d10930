"""The state folder: tables survive a restart there. Written whole or not at all, read with suspicion.

The service writes each minute and at its end, and reads once at its start, before rules run. One
line a record, so that no table is too large; the last line says how many and their digest. What
is torn, or not ours, is set aside under another name and said: it never keeps a service down.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import orjson
from twisted.logger import Logger

from kzrules.errors import KzError, SettingError
from kzrules.message.payload import dumps, loads_value

FORMAT = "kzrules tables 1"
NAME = "tables.jsonl"
SET_ASIDE = "tables.set-aside"
LONGEST_LINE = 40 * 1024 * 1024

Snapshot = Mapping[str, list[list[Any]]]
"""Entries [key, value, until] by table, as `routing.tables` gives and takes them."""

_log = Logger()


class Torn(KzError):  # noqa: N818  it names a state
    """The file is not whole, or was written by something else."""


class StateFolder:
    """One folder of one process: a second process that is given the same one does not start."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.written = 0
        self.failed = 0
        self._turn = Lock()
        self._lock: BinaryIO | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self.path / "lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise SettingError(
                f"--state: another kzrules uses {path}: give each process a folder of its own"
            ) from None
        except OSError as error:
            raise SettingError(f"--state: {path} cannot be used: {error.strerror}") from None

    def read(self, now: float, age: float) -> Snapshot:
        """What was written last, if that is at most `age` seconds ago; an empty one otherwise."""
        try:
            with (self.path / NAME).open("rb") as file:
                at, tables = _read(file)
        except FileNotFoundError:
            return {}
        except (Torn, OSError) as error:
            self._set_aside(str(error))
            return {}
        if now - at > age:
            _log.info(
                "state: the tables in {folder} are {old:.0f} s old, which is too old: they begin empty",
                folder=str(self.path),
                old=now - at,
            )
            return {}
        entries = sum(map(len, tables.values()))
        _log.info("state: {entries} entries of tables were read", entries=entries, event="state read")
        return tables

    def write(self, tables: Snapshot, now: float) -> None:
        """Put this in place of what is there, in one step; a crash leaves the one or the other.

        Called on a thread. What cannot be written is said, and the old file stays.
        """
        try:
            with self._turn:
                self._write(tables, now)
        except OSError as error:
            self.failed += 1
            _log.error(
                "state: {folder} cannot be written: {reason}", folder=str(self.path), reason=str(error)
            )
        else:
            self.written += 1

    def close(self) -> None:
        """Another process may have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _write(self, tables: Snapshot, now: float) -> None:
        for left in self.path.glob(f"{NAME}.new-*"):  # of a process that was killed while it wrote
            with suppress(OSError):
                left.unlink()
        handle, name = tempfile.mkstemp(dir=self.path, prefix=f"{NAME}.new-")
        try:
            with os.fdopen(handle, "wb") as file:
                for line in _lines(tables, now):
                    file.write(line)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path / NAME)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name itself
        finally:
            os.close(folder)

    def _set_aside(self, why: str) -> None:
        aside = self.path / SET_ASIDE
        with suppress(OSError):
            (self.path / NAME).replace(aside)
        _log.error(
            "state: {file} is set aside as {aside}, and tables begin empty: {reason}",
            file=str(self.path / NAME),
            aside=aside.name,
            reason=why,
            event="state set aside",
        )


def _lines(tables: Snapshot, now: float) -> Iterator[bytes]:
    digest, entries = hashlib.sha256(), 0
    for line in _records(tables, now):
        digest.update(line)
        entries += 1
        yield line
    yield orjson.dumps({"end": entries, "sha256": digest.hexdigest()}) + b"\n"


def _records(tables: Snapshot, now: float) -> Iterator[bytes]:
    yield orjson.dumps({"format": FORMAT, "at": now}) + b"\n"
    for name, entries in tables.items():
        for key, value, until in entries:
            try:
                line = dumps([name, _packed(key), _packed(value), until]) + b"\n"
            except KzError as error:  # larger than any value may be written
                _log.warn("state: an entry of {table} is left out: {reason}", table=name, reason=str(error))
            else:
                yield line


def _read(file: BinaryIO) -> tuple[float, dict[str, list[list[Any]]]]:
    """When it was written, and what; Torn where it is not whole."""
    digest, entries = hashlib.sha256(), 0
    at, tables = _head(file.readline(LONGEST_LINE), digest)
    while line := file.readline(LONGEST_LINE):
        record = _parsed(line)
        entries += 1
        if isinstance(record, dict):
            if record != {"end": entries, "sha256": digest.hexdigest()}:
                raise Torn("its last line does not fit the others")
            return at, tables
        if not isinstance(record, list) or len(record) != 4 or not isinstance(record[0], str):
            raise Torn("it holds a line that is no entry")
        digest.update(line)
        name, key, value, until = record
        tables.setdefault(name, []).append([_unpacked(key), _unpacked(value), until])
    raise Torn("its end is missing")


def _head(line: bytes, digest: Any) -> tuple[float, dict[str, list[list[Any]]]]:
    head = _parsed(line)
    if (
        not isinstance(head, dict)
        or head.get("format") != FORMAT
        or not isinstance(head.get("at"), int | float)
    ):
        raise Torn("it was not written by this version of kzrules")
    digest.update(line)
    return float(head["at"]), {}


def _parsed(line: bytes) -> Any:
    try:
        return loads_value(line, LONGEST_LINE)
    except KzError:
        raise Torn("it holds a line that is not whole") from None


def _packed(value: Any) -> Any:
    """Durations are no JSON: they are kept as an object of one odd name."""
    if isinstance(value, timedelta):
        return {"\0duration": value.total_seconds()}
    if isinstance(value, dict):
        return {name: _packed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_packed(item) for item in value]
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"\0duration"}:
            return timedelta(seconds=value["\0duration"])
        return {name: _unpacked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    return value
