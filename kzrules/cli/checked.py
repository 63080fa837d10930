"""Read and check one program, as the service does at its start, and remember what was found."""

from collections.abc import Mapping, Sequence

from kzrules.cli import known
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.schema import path_of
from kzrules.language.source import Sources, read_program
from kzrules.language.tree import EventRoute
from kzrules.words import WORDS

UNREAD = "KZ15"
"""Findings about files that cannot be read begin so."""


def checked(group: Sequence[str]) -> tuple[Sources, tuple[Diagnostic, ...]]:
    """The program's files and every finding in them; those of unchanged files are not worked out again."""
    seen = known.places(group)
    sources = read_program(group)
    earlier = known.recall(group)
    if earlier is not None and earlier[1] == sources.texts:
        return sources, earlier[0]
    schemas = _schemas(sources)
    findings = _check(sources)
    if not any(one.code.startswith(UNREAD) for one in findings):
        known.keep(group, seen, sources.texts, schemas, findings)
    return sources, findings


def _check(sources: Sources) -> tuple[Diagnostic, ...]:
    from kzrules.language.check import check  # noqa: PLC0415  a fifth of a second that known rules do not need

    return tuple(check(sources.files, WORDS, earlier=sources.findings, texts=sources.texts))


def _schemas(sources: Sources) -> Mapping[str, str | None]:
    """The digests of the schemas that routes name."""
    routes = [item for file in sources.files for item in file.declarations if isinstance(item, EventRoute)]
    paths = {str(path_of(route.span.file, route.schema)) for route in routes if route.schema is not None}
    return {path: known.digest(path) for path in paths}
