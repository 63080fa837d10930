"""From paths to parsed files: folders are walked, `use` is followed, and each file is read once.
The service, the command line and the tests begin here. What cannot be read is a finding.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kzrules.language import outline
from kzrules.language.findings.diagnostic import Diagnostic
from kzrules.language.findings.finding import finding
from kzrules.language.parse import parse
from kzrules.language.places import SUFFIX, TooLargeError, content, rule_files
from kzrules.language.tree import RuleFile, Span, UseFile


@dataclass(slots=True)
class Sources:
    """The files of one program in the order that they were read, their texts, and what is wrong.

    `outlines` may lack the bodies of routes; `files` are whole, and parsed when they are asked for.
    """

    outlines: tuple[RuleFile, ...] = ()
    findings: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    trees: dict[str, RuleFile] = field(default_factory=dict)
    """Those that are parsed, by path."""

    @property
    def files(self) -> tuple[RuleFile, ...]:
        """The whole trees."""
        for file in self.outlines:
            if file.path not in self.trees:
                self.trees[file.path], _ = parse(self.texts[file.path], file.path)
        return tuple(self.trees[file.path] for file in self.outlines)


def read_program(paths: Sequence[str | Path]) -> Sources:
    """Read the files named, those in the folders named in sorted order, and what they use."""
    return _read(paths, parse)


def read_outlines(paths: Sequence[str | Path]) -> Sources:
    """The same, but files that were read before without a finding are not parsed again for now."""
    return _read(paths, outline.read)


Read = Callable[[str, str], tuple[RuleFile, list[Diagnostic]]]


def _read(paths: Sequence[str | Path], read: Read) -> Sources:
    reading = _Reading(read)
    for path in paths:
        if Path(path).is_dir():
            reading.folder(Path(path))
        else:
            reading.file(Path(path), None)
    files = tuple(reading.files)
    trees = {file.path: file for file in files if not outline.is_one(file)}
    return Sources(files, reading.findings, reading.texts, trees)


class _Reading:
    """Files as they are read, and the chain of those that are being read."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.files: list[RuleFile] = []
        self.findings: list[Diagnostic] = []
        self.texts: dict[str, str] = {}
        self.seen: set[str] = set()
        self.chain: list[tuple[str, Span]] = []

    def folder(self, folder: Path) -> None:
        """Read every rule file at and below a folder."""
        try:
            os.scandir(folder).close()
        except OSError as error:
            self._tell(
                "KZ151", f"{folder}: {_said(error)}", _top(folder), "let the user who runs this read it"
            )
            return
        found = False
        for path in rule_files(folder):
            found = True
            self.file(path, None)
        if not found:
            way_out = f"name a folder with {SUFFIX} files in it"
            self._tell("KZ155", f"{folder} holds no rule file", _top(folder), way_out)

    def file(self, path: Path, used_at: Span | None) -> None:
        """Read one file and what it uses, unless that is done."""
        name = os.path.normpath(path)
        real = os.path.realpath(path)
        if real in self.seen:
            self._cycle(real, used_at)
            return
        self.seen.add(real)
        text = self._text(path, name, used_at)
        if text is None:
            return
        self.texts[name] = text
        tree, findings = self.read(text, name)
        self.findings += findings
        self.chain.append((real, tree.span))
        at = len(self.files)
        for declaration in tree.declarations:
            if isinstance(declaration, UseFile) and declaration.path:
                self.file(Path(name).parent / declaration.path, declaration.span)
        self.chain.pop()
        self.files.insert(at if used_at is None else len(self.files), tree)

    def _cycle(self, real: str, used_at: Span | None) -> None:
        if used_at is None or all(real != above for above, _ in self.chain):
            return  # read already, by another way
        through = " uses ".join(Path(name).name for name, _ in self.chain)
        message = f"a cycle: {through} uses {Path(real).name}"
        self._tell("KZ157", message, used_at, "put what both need in a third file, and use that")

    def _text(self, path: Path, name: str, used_at: Span | None) -> str | None:
        place = used_at or _top(path)
        try:
            raw = content(path)
        except FileNotFoundError:
            way_out = "paths are relative to the file that uses them" if used_at else "look at the path"
            self._tell("KZ156" if used_at else "KZ150", f"there is no file {name}", place, way_out)
            return None
        except TooLargeError as error:
            self._tell("KZ154", f"{name} has {error} bytes; a rule file has 4 MiB at most", place, "part it")
            return None
        except OSError as error:
            denied = isinstance(error, PermissionError)
            way_out = "let the user who runs this read it" if denied else "name a rule file"
            self._tell("KZ151", f"{name} cannot be read: {_said(error)}", place, way_out)
            return None
        return self._decoded(raw, name, place)

    def _decoded(self, raw: bytes, name: str, place: Span) -> str | None:
        if b"\0" in raw:
            self._tell("KZ153", f"{name} is no text: there are NUL bytes in it", place, "name a rule file")
            return None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
            span = Span(name, line, column, line, column + 1)
            message = f"byte {raw[error.start]:#04x} is not UTF-8"
            self.texts[name] = raw.decode("utf-8", "replace")
            self._tell("KZ152", message, span, "save the file as UTF-8")
            return None

    def _tell(self, code: str, message: str, span: Span, way_out: str) -> None:
        """Keep a finding."""
        self.findings.append(finding(code, message, span, help=way_out))


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _top(path: Path) -> Span:
    return Span(os.path.normpath(path), 1, 1, 1, 1)
