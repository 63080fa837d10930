"""Programs that were loaded before: their findings, and where their code is kept. `load` asks here.

An entry is found by all that it was made from: texts, schemas, settings, the day (a silence may end
by its date). Only programs without errors are kept.
"""

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kzrules.language import cache
from kzrules.language.compile import Code, kept_code
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.places import content
from kzrules.language.schema import path_of
from kzrules.language.tree import EventRoute, RuleFile

KIND = "program"


@dataclass(frozen=True, slots=True)
class Made:
    """What checker and compiler make of a program. `codes` is None where there is an error."""

    findings: tuple[Diagnostic, ...]
    codes: Sequence[Code] | None
    after_names: frozenset[str] = frozenset()


def key(files: Sequence[RuleFile], texts: Mapping[str, str], under: Any) -> str | None:
    """What the program is kept by, `under` what it is given; None where a schema cannot be read."""
    schemas = {
        path_of(file.path, item.schema)
        for file in files
        for item in file.declarations
        if isinstance(item, EventRoute) and item.schema is not None
    }
    try:
        read = [part for path in sorted(schemas) for part in (str(path), content(path))]
    except OSError:
        return None
    today = datetime.now(UTC).date().isoformat()
    written = [part for file in files for part in (file.path, texts[file.path])]
    return cache.key_of(today, pickle.dumps(under), str(len(written)), *written, *read)


def recall(key: str) -> Made | None:
    """What was made of the program, if all of it still is there."""
    kept = cache.read(KIND, key)
    if kept is None:
        return None
    findings, keys, after_names = pickle.loads(kept)  # noqa: S301  a private folder, checked by the cache
    codes = [code for code in map(kept_code, keys) if code is not None]
    return Made(findings, codes, after_names) if len(codes) == len(keys) else None


def keep(key: str, made: Made, texts: Iterable[str]) -> None:
    """Remember a program that has no errors; not one with a password, for findings may quote texts."""
    keys = [code.key for code in made.codes or ()]
    if keys and None not in keys and not any(map(cache.quotes_login, texts)):
        cache.write(KIND, key, pickle.dumps((made.findings, keys, made.after_names)))
