"""What `check` found is kept by what it was found in, so that rules that did not change are not read again.

An entry lists every file that was looked at with the digest of its content, schemas too. One that
differs, is new in a folder or is gone makes it void; so do another version and another day, for a
silence may end by its date. Where a file could not be read, nothing is kept.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from kzrules.language import cache
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix, Label, Severity
from kzrules.language.places import content, rule_files
from kzrules.language.span import Span

KIND = "findings"
LARGEST = 1024 * 1024
"""Bytes of an entry: a heap of findings larger than this is worked out again."""

Checked = tuple[tuple[Diagnostic, ...], dict[str, str]]
"""Findings, and the texts that they point into."""


def recall(group: Sequence[str]) -> Checked | None:
    """What was found in these paths, if every file still is as it was."""
    raw = cache.read(KIND, _key(group))
    if raw is None:
        return None
    entry = json.loads(raw)
    if entry["places"] != places(group):
        return None
    read = {path: _read(path) for path in (*entry["texts"], *entry["schemas"])}
    if any(_digest(read[path]) != known for path, known in (entry["texts"] | entry["schemas"]).items()):
        return None
    texts = {path: (read[path] or b"").decode() for path in entry["texts"]}
    return tuple(_finding(one) for one in entry["findings"]), texts


def keep(
    group: Sequence[str],
    seen: Sequence[Sequence[str]],
    texts: Mapping[str, str],
    schemas: Mapping[str, str | None],
    findings: Sequence[Diagnostic],
) -> None:
    """Remember the findings. `seen` are the `places` and `schemas` the digests from before the check.

    Nothing is kept of texts with a password, for findings may quote them.
    """
    if any(map(cache.quotes_login, texts.values())):
        return
    if any(digest(path) != before for path, before in schemas.items()):
        return  # changed meanwhile: which of the two was checked, nobody knows
    entry = {
        "places": seen,
        "texts": {path: _digest(text.encode()) for path, text in texts.items()},
        "schemas": schemas,
        "findings": [_plain(one) for one in findings],
    }
    raw = json.dumps(entry).encode()
    if len(raw) <= LARGEST:
        cache.write(KIND, _key(group), raw)


def places(group: Sequence[str]) -> list[list[str]]:
    """The rule files that the paths mean, each with where its links lead."""
    return [[str(path), os.path.realpath(path)] for path in _files(group)]


def digest(path: str) -> str | None:
    """What a file holds, in short; None where it cannot be read."""
    return _digest(_read(path))


def _files(group: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, group):
        if path.is_dir():
            yield from rule_files(path)
        else:
            yield path


def _read(path: str) -> bytes | None:
    try:
        return content(Path(path))
    except OSError:
        return None


def _digest(raw: bytes | None) -> str | None:
    return None if raw is None else sha256(raw).hexdigest()


def _key(group: Sequence[str]) -> str:
    today = datetime.now(UTC).date().isoformat()
    return cache.key_of(str(Path.cwd()), today, *group)


def _plain(one: Diagnostic) -> list[Any]:
    fix = one.fix and [one.fix.about, [[edit.span, edit.text] for edit in one.fix.edits], one.fix.safe]
    labels = [[label.span, label.text] for label in one.labels]
    return [one.code, one.severity, one.message, one.span, one.label, labels, one.help, one.note, fix]


def _finding(plain: list[Any]) -> Diagnostic:
    code, severity, message, at, label, labels, way_out, note, fix = plain
    return Diagnostic(
        code,
        Severity(severity),
        message,
        Span(*at),
        label,
        tuple(Label(Span(*span), text) for span, text in labels),
        way_out,
        note,
        fix and Fix(fix[0], tuple(Edit(Span(*span), text) for span, text in fix[1]), safe=fix[2]),
    )
