"""Rule files to a book: read, declare, check, compile. Called by the service and the command line."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kzrules.language.check import check
from kzrules.language.compile import TooDeep, compile_program
from kzrules.language.declare import Declared, declare
from kzrules.language.diagnostic import Diagnostic, Severity
from kzrules.language.program import Program
from kzrules.language.schema import load as read_schema
from kzrules.language.schema import path_of, validator
from kzrules.language.source import read_program
from kzrules.language.tree import EventRoute, RuleFile, Span
from kzrules.language.word import Words
from kzrules.message.identity import Identity
from kzrules.routing.book import Book, Validate
from kzrules.routing.tables import Tables
from kzrules.words import WORDS


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading: a book where there was no error, and all findings."""

    book: Book | None
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    files: tuple[RuleFile, ...] = ()
    declared: Declared | None = None
    program: Program | None = None


def load(
    paths: Sequence[str | Path],
    overrides: Mapping[str, str],
    node: str,
    identity: Identity,
    tables: Tables | None = None,
    *,
    words: Words = WORDS,
    instrument: bool = False,
    random_id: Callable[[], str] | None = None,
    broker_file: RuleFile | None = None,
) -> Loaded:
    """Read, check and compile rule files. `tables` are those of the book before: their entries are kept."""
    with _no_collecting():
        return _load(paths, overrides, node, identity, tables, words, instrument, random_id, broker_file)


def _load(  # noqa: PLR0917  `load` is its one caller
    paths: Sequence[str | Path],
    overrides: Mapping[str, str],
    node: str,
    identity: Identity,
    tables: Tables | None,
    words: Words,
    instrument: bool,  # noqa: FBT001  as above
    random_id: Callable[[], str] | None,
    broker_file: RuleFile | None,
) -> Loaded:
    sources = read_program(paths)
    declared = declare(sources.files, overrides, node, words=words, broker_file=broker_file)
    findings = tuple(check(sources.files, words, declared, earlier=sources.findings, texts=sources.texts))
    if any(finding.is_error for finding in findings):
        return Loaded(None, findings, sources.texts, sources.files, declared)
    try:
        program = compile_program(sources.files, declared, words, instrument=instrument, texts=sources.texts)
    except TooDeep as failure:
        findings = (*findings, _too_deep(failure))
        return Loaded(None, findings, sources.texts, sources.files, declared)
    specs = declared.tables.values()
    kept = Tables(specs) if tables is None else tables.adopted(specs)
    book = Book(program, declared, identity, kept, validators(sources.files), random_id=random_id)
    return Loaded(book, findings, sources.texts, sources.files, declared, program)


def _too_deep(failure: TooDeep) -> Diagnostic:
    here = Span(failure.path, failure.line, 1, failure.line, 2)
    said = "loops or branches lie too deep in each other here"
    way_out = "put the inner ones into a subroutine: route NAME(...) { ... }"
    return Diagnostic("KZ113", Severity.ERROR, said, here, help=way_out)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Without the cyclic collector: trees are all kept, and looking through them again and again
    while they grow takes a third of the time of loading.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def validators(files: Sequence[RuleFile]) -> dict[tuple[str, str], Validate]:
    """The validator of each schema that a route names, by the route's file and the name as written."""
    made: dict[tuple[str, str], Validate] = {}
    by_path: dict[Path, Any] = {}
    for file in files:
        for item in file.declarations:
            if isinstance(item, EventRoute) and item.schema is not None:
                path = path_of(file.path, item.schema)
                if path not in by_path:
                    by_path[path] = validator(read_schema(path))
                made[file.path, item.schema] = by_path[path]
    return made
