"""`check --since`: of all findings, those that a change made: on its lines, or broken by it elsewhere."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kzrules.cli.examine import examine
from kzrules.cli.git import Changes, Commit
from kzrules.cli.report import Report
from kzrules.language.findings.diagnostic import Diagnostic

Key = tuple[str, str, str, str]


def narrowed(report: Report, reference: str, paths: Sequence[str]) -> Report:
    """The report without what was there before, on lines that the change did not touch."""
    commit = Commit.of(reference, Path(paths[0]).resolve()).fork()
    changes = commit.changes()
    before = _before(commit, paths)
    kept = []
    for finding in report.findings:
        key = _key(finding, report.texts.get(finding.span.file, ""), commit.root)
        known = before[key] > 0
        before[key] -= 1
        if not known or _touched(finding, changes):
            kept.append(finding)
    return replace(report, findings=tuple(kept))


def _touched(finding: Diagnostic, changes: Changes) -> bool:
    spans = (finding.span, *(label.span for label in finding.labels))
    return any(changes.touch(span.file, span.line, span.end_line) for span in spans)


def _before(commit: Commit, paths: Sequence[str]) -> Counter[Key]:
    """The findings of the same paths at the commit, counted."""
    with TemporaryDirectory(prefix="kzrules-") as name:
        root = Path(name).resolve()
        commit.snapshot(root)
        places = [_moved(path, commit.root, root) for path in paths]
        old = [str(place) for place in places if place is not None and any(_rules(place))]
        if not old:
            return Counter()
        report = examine(old)
        return Counter(_key(one, report.texts.get(one.span.file, ""), root) for one in report.findings)


def _moved(path: str, root: Path, into: Path) -> Path | None:
    place = Path(path).resolve()
    return into / place.relative_to(root) if place.is_relative_to(root) else None


def _rules(place: Path) -> list[Path]:
    if place.is_dir():
        return list(place.rglob("*.kzr"))
    return [place] if place.is_file() else []


def _key(finding: Diagnostic, text: str, root: Path) -> Key:
    """What makes two findings the same over a change that only moved them."""
    file = Path(finding.span.file).resolve()
    name = str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
    lines = text.split("\n")
    line = lines[finding.span.line - 1].strip() if finding.span.line <= len(lines) else ""
    return finding.code, name, line, re.sub(r"\d+", "0", finding.message)
