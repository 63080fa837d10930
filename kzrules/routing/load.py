"""Rule files to a book: read, declare, check, compile. Called by the service and the command line."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kzrules.language import outline
from kzrules.language.check import check
from kzrules.language.compile import TooDeep, codes_of, linked
from kzrules.language.declare import Declared, declare
from kzrules.language.findings.diagnostic import Diagnostic, Severity
from kzrules.language.program import Program
from kzrules.language.schema import load as read_schema
from kzrules.language.schema import path_of, validator
from kzrules.language.source import Sources, read_outlines
from kzrules.language.tree import After, EventRoute, RuleFile, Span, children
from kzrules.language.word import Words
from kzrules.message.identity import Identity
from kzrules.routing import known
from kzrules.routing.book import Book, Validate
from kzrules.routing.known import Made
from kzrules.routing.tables import Tables
from kzrules.words import WORDS


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading: a book where there was no error, and all findings."""

    book: Book | None
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    sources: Sources = field(default_factory=Sources)
    declared: Declared | None = None
    program: Program | None = None
    after_names: frozenset[str] = frozenset()
    """The names of the `after` blocks."""

    @property
    def files(self) -> tuple[RuleFile, ...]:
        """The whole trees; parsed for this, if the program was known."""
        return self.sources.files


def load(
    given: Sequence[str | Path] | Sources,
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
    """Check and compile rule files, and read them if `given` are paths. `tables` are those of the book
    before: their entries are kept.
    """
    with _no_collecting():
        sources = given if isinstance(given, Sources) else read_outlines(given)
        declared = declare(sources.outlines, overrides, node, words=words, broker_file=broker_file)
        made = _made(sources, declared, (overrides, node, broker_file), words, instrument=instrument)
        if made.codes is not None:
            _keep_outlines(sources, declared)
        sources.trees.clear()  # large, and seldom needed again
        if made.codes is None:
            return Loaded(None, made.findings, sources.texts, sources, declared)
        files, texts = sources.outlines, sources.texts
        program = linked(files, declared, made.codes, words, instrument=instrument, texts=texts)
        specs = declared.tables.values()
        kept = Tables(specs) if tables is None else tables.adopted(specs)
        book = Book(program, declared, identity, kept, validators(files), random_id=random_id)
        return Loaded(book, made.findings, texts, sources, declared, program, made.after_names)


def _keep_outlines(sources: Sources, declared: Declared) -> None:
    """Of a program without errors, whose URLs are known: a password may be put together of settings."""
    zones = declared.broker.zones if declared.broker else ()
    logins = (urlsplit(url).password for zone in zones for url in zone.urls)
    passwords = [password for password in logins if password]
    found_in = {one.span.file for one in sources.findings}
    for file in sources.outlines:
        if file.path not in found_in and not outline.is_one(file):
            outline.keep(file, sources.texts[file.path], passwords)


def _made(sources: Sources, declared: Declared, under: Any, words: Words, *, instrument: bool) -> Made:
    """Findings and code: those of a program that was loaded before, else what checker and compiler make."""
    usual = words is WORDS and not instrument and not sources.findings
    key = known.key(sources.outlines, sources.texts, under) if usual else None
    made = known.recall(key) if key else None
    if made is None:
        made = _anew(sources, declared, words, instrument=instrument)
        # the checker reads schemas again: where one was changed meanwhile, `key` names the one before
        if key and key == known.key(sources.outlines, sources.texts, under):
            known.keep(key, made, sources.texts.values())
    return made


def _anew(sources: Sources, declared: Declared, words: Words, *, instrument: bool) -> Made:
    files, texts = sources.files, sources.texts
    findings = tuple(check(files, words, declared, earlier=sources.findings, texts=texts))
    if any(finding.is_error for finding in findings):
        return Made(findings, None)
    try:
        codes = codes_of(files, declared, words, instrument=instrument, texts=texts)
    except TooDeep as failure:
        return Made((*findings, _too_deep(failure)), None)
    return Made(findings, codes, frozenset(name for file in files for name in _after_names(file, texts)))


def _after_names(file: RuleFile, texts: Mapping[str, str]) -> Iterator[str]:
    if "after" not in texts.get(file.path, ""):
        return  # most files have none, and a walk takes its time
    nodes: list[Any] = [*file.declarations]
    while nodes:
        node = nodes.pop()
        if isinstance(node, After):
            yield node.name
        nodes += children(node)


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
