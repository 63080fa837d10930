"""Checks a program whole: names, kinds, fallibility, reachability, delivery, schemas, tests.

Called by `routing.load` and `kzrules check`. Needs no network, no secrets and no environment.
"""

import gc
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from kzrules.language.checking.bodies import Bodies
from kzrules.language.checking.delivery import delivery
from kzrules.language.checking.names import collect
from kzrules.language.checking.payloads import payloads
from kzrules.language.checking.questions import questions
from kzrules.language.checking.reach import forestalled
from kzrules.language.checking.reach_names import reach_names
from kzrules.language.checking.schemas import shapes
from kzrules.language.checking.silence import silenced
from kzrules.language.checking.tests import check_tests
from kzrules.language.checking.unused import unused
from kzrules.language.declare import Declared, declare
from kzrules.language.findings.diagnostic import Diagnostic, Findings
from kzrules.language.tree import RuleFile, Span
from kzrules.language.word import Words

NODE = "node.example.com"
"""This host's name while rules are only checked."""


def check(
    files: Sequence[RuleFile],
    words: Words,
    declared: Declared | None = None,
    *,
    earlier: Sequence[Diagnostic] = (),
    texts: Mapping[str, str] | None = None,
    today: date | None = None,
) -> list[Diagnostic]:
    """All findings, sorted: those handed in (`earlier`, of reading), the declarations' and its own.

    `texts` are the files' texts: what could not be read may have declared a name that is missed.
    """
    was_on = gc.isenabled()
    gc.disable()  # many small values that all stay: looking for garbage among them takes a third of the time
    try:
        given = declared or declare(files, {}, NODE, words=words)
        own = _found(files, words, given, _torn(earlier, texts or {}))
    finally:
        if was_on:
            gc.enable()
    left = [*earlier, *(finding for finding in own if not _inside(finding.span, earlier))]
    return Findings(silenced(files, left, today or datetime.now(UTC).date())).sorted()


def _found(files: Sequence[RuleFile], words: Words, declared: Declared, torn: str) -> Sequence[Diagnostic]:
    """What the passes find, each mistake once."""
    findings = Findings()
    names = collect(files, words, declared, findings)
    for finding in declared.findings:
        findings.add(finding)
    known = shapes(names)
    bodies = Bodies(names, known, torn)
    walked = bodies.walk()
    reach = reach_names(names, torn)
    delivery(names, walked, reach)
    questions(names, walked, reach)
    forestalled(names, reach, known)
    check_tests(names, bodies)
    payloads(names)
    unused(names, walked, torn)
    return findings.found


def _torn(earlier: Sequence[Diagnostic], texts: Mapping[str, str]) -> str:
    """The texts of the files that could not be read whole."""
    broken = {finding.span.file for finding in earlier if finding.is_error}
    return "\n".join(texts.get(path, "") or "?" for path in sorted(broken))


def _inside(span: Span, earlier: Sequence[Diagnostic]) -> bool:
    """An error of reading stands there already: what is found besides comes of it."""
    return any(
        finding.is_error
        and finding.span.file == span.file
        and finding.span.line <= span.end_line
        and span.line <= finding.span.end_line
        and _overlap(finding.span, span)
        for finding in earlier
    )


def _overlap(one: Span, other: Span) -> bool:
    begins, ends = (one.line, one.column), (one.end_line, one.end_column)
    return (other.line, other.column) < ends and begins < (other.end_line, other.end_column)
