"""Apply the fixes of findings to texts, and show what a file becomes. `check --fix` and `fmt` call it."""

import difflib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path

from kzrules.cli.report import shown
from kzrules.cli.terminal import BOLD, CYAN, GREEN, RED, Terminal
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


def apply(findings: Iterable[Diagnostic], texts: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """The texts that safe fixes change, and how many fixes were applied.

    A fix goes in whole or not at all: one that meets another's stretch waits for the next round.
    """
    taken: dict[str, list[tuple[int, int, str]]] = {}
    applied = 0
    for finding in findings:
        fix = finding.fix
        if fix is None or not fix.safe or not all(edit.span.file in texts for edit in fix.edits):
            continue
        applied += _take(fix, texts, taken)
    return {path: _with(texts[path], edits) for path, edits in taken.items()}, applied


def _take(fix: Fix, texts: Mapping[str, str], taken: dict[str, list[tuple[int, int, str]]]) -> bool:
    wanted = [(edit.span.file, _stretch(edit, texts[edit.span.file])) for edit in fix.edits]
    if any(_meets(stretch, other) for path, stretch in wanted for other in taken.get(path, ())):
        return False
    for path, stretch in wanted:
        taken.setdefault(path, []).append(stretch)
    return bool(wanted)


def _meets(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _stretch(edit: Edit, text: str) -> tuple[int, int, str]:
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    first = starts[edit.span.line - 1] + edit.span.column - 1
    last = starts[edit.span.end_line - 1] + edit.span.end_column - 1
    return first, last, edit.text


def _with(text: str, edits: list[tuple[int, int, str]]) -> str:
    for first, last, new in sorted(edits, reverse=True):
        before, after = text[:first], text[last:]
        text = before + new + after if new else _without(before, after)
    return text


def _without(before: str, after: str) -> str:
    """What stood between is gone: with its line where it had one of its own, or with the blanks before."""
    ends = after == "" or after.startswith("\n")
    left = before.rstrip(" \t")
    if ends and (left == "" or left.endswith("\n")):
        return left + after[1:]
    return (left if ends else before) + after


def as_stored(path: str, text: str) -> str:
    """A changed text with the line ends and the byte-order mark that its file has."""
    raw = Path(path).read_bytes()
    if raw.count(b"\r\n") * 2 > raw.count(b"\n"):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return BOM + text.removeprefix(BOM) if raw.startswith(BOM.encode()) else text


def save(path: str, text: str) -> None:
    """Write a file so that it is never half there; its permissions stay, a link stays a link."""
    target = Path(path).resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(target.stat().st_mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def unified(path: str, old: str, new: str, terminal: Terminal) -> str:
    """What changes in a file, as `patch` and `git apply` read it."""
    name = shown(path).lstrip("/")
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{name}", f"b/{name}")
    return "".join(_painted(line, terminal) for line in lines)


def _lines(text: str) -> list[str]:
    """Lines end at line feeds only, as those of `patch` do."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _painted(line: str, terminal: Terminal) -> str:
    body = line.rstrip("\r\n")
    styles = {"---": BOLD, "+++": BOLD, "@@ ": CYAN}.get(body[:3]) or {"+": GREEN, "-": RED}.get(body[:1])
    missing = "" if line.endswith("\n") else "\n\\ No newline at end of file"
    return (terminal.paint(body, styles) if styles else body) + missing + "\n"
