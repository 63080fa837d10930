"""Kamailio's preprocessor: `#!define`, `#!substdef`, `#!ifdef` and their kin, and included files.

Gives the lines that are left, each with the definitions that hold there: definitions replace words
while tokens are read (`lexer`), substitutions work inside texts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kzrules.convert.place import Place, UnreadableError

DEEPEST = 32
"""Files that include each other deeper than this include each other for ever."""

_DIRECTIVE = re.compile(r"\s*(?:#!|!!)\s*([A-Za-z_]+)\s*(.*)", re.DOTALL)
_INCLUDE = re.compile(r"""\s*(?:#!|!!)?(include_file|import_file)\s+(?:"([^"]*)"|'([^']*)')\s*;?\s*$""")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOADED = re.compile(r"""\s*loadmodulex?\s*\(?\s*["'](?:.*/)?([A-Za-z0-9_]+)(?:\.so)?["']""")
ALWAYS = ("KAMAILIO", "KAMAILIO_5", "KAMAILIO_5_6")
"""What Kamailio itself defines."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """`#!subst "/pattern/text/flags"`: applied inside texts."""

    pattern: re.Pattern[str]
    text: str
    everywhere: bool

    def __call__(self, text: str) -> str:
        """The text with what matches replaced."""
        return self.pattern.sub(self.text, text, count=0 if self.everywhere else 1)


@dataclass(frozen=True, slots=True)
class Definitions:
    """What is defined at one line. Never changed: a directive makes the next."""

    words: Mapping[str, str] = field(default_factory=dict)
    substitutions: tuple[Substitution, ...] = ()

    def inside(self, text: str) -> str:
        """A text as it is after substitution."""
        for one in self.substitutions:
            text = one(text)
        return text


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is left, with the definitions that hold there."""

    text: str
    file: str
    number: int
    definitions: Definitions

    def place(self, column: int = 1) -> Place:
        """A place on this line."""
        return Place(self.file, self.number, column, self.text)


class Preprocessor:
    """Reads a file and what it includes."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.now = Definitions({**dict.fromkeys(ALWAYS, ""), **given})
        self.given = frozenset(given)
        self.files: list[str] = []
        self.missing: list[tuple[str, Place]] = []
        """Files of `import_file` that are not there: Kamailio goes on without them, and so do we."""

    def file(self, path: Path, above: tuple[Path, ...] = ()) -> Iterator[Line]:
        """The lines of a file that are left."""
        name = path.as_posix()
        self.files.append(name)
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        yield from self.lines(text, name, (*above, path))

    def lines(self, text: str, name: str, above: tuple[Path, ...]) -> Iterator[Line]:
        """The lines of a text that are left, those of its included files in their places."""
        branches: list[tuple[bool, Place]] = []
        for number, line in _joined(text):
            place = Place(name, number, 1, line.split("\n", 1)[0])
            directive = _DIRECTIVE.match(line)
            if directive and self._branch(directive[1], directive[2].strip(), branches, place):
                continue
            if not all(holds for holds, _ in branches):
                continue
            if included := _INCLUDE.match(line):
                yield from self._included(included, place, above)
            elif directive:
                self._define(directive[1], directive[2].rstrip("\r\n"), place)
            else:
                if loaded := _LOADED.match(line):
                    self._set(f"MOD_{loaded[1]}", "")
                yield Line(line, name, number, self.now)
        if branches:
            raise UnreadableError("this branch is never closed: write `#!endif`", branches[-1][1])

    def _branch(self, word: str, rest: str, branches: list[tuple[bool, Place]], place: Place) -> bool:
        """`ifdef`, `ifndef`, `ifexp`, `else`, `endif`."""
        defined = rest.split(None, 1)[0] in self.now.words if rest else False
        if word in ("ifdef", "ifndef"):
            branches.append((defined == (word == "ifdef"), place))
        elif word == "ifexp":
            why = "`#!ifexp` is not read here: write `#!ifdef`, or choose a branch by hand"
            raise UnreadableError(why, place)
        elif word in ("else", "endif"):
            if not branches:
                raise UnreadableError(f"`#!{word}` stands without an `#!ifdef` before it", place)
            holds, opened = branches.pop()
            if word == "else":
                branches.append((not holds, opened))
        else:
            return False
        return True

    def _included(self, found: re.Match[str], place: Place, above: tuple[Path, ...]) -> Iterator[Line]:
        word, name = found[1], self.now.inside(found[2] if found[2] is not None else found[3])
        path = Path(name) if name.startswith("/") else above[-1].parent / name
        if path in above or len(above) > DEEPEST:
            raise UnreadableError(f'"{name}" includes itself', place)
        if not path.is_file():
            if word == "import_file":
                self.missing.append((name, place))
                return
            raise UnreadableError(
                f'there is no file "{path.as_posix()}" to include: put it there, or take the line out', place
            )
        yield from self.file(path, above)

    def _define(self, word: str, rest: str, place: Place) -> None:
        if word in ("define", "def", "trydef", "trydefine", "redef", "redefine"):
            if not (found := _NAME.match(rest)):
                raise UnreadableError(f"`#!{word}` is followed by a name", place)
            if word in ("trydef", "trydefine") and found[0] in self.now.words:
                return
            if found[0] not in self.given:  # what the command line says goes before the file
                self._set(found[0], _without_comment(rest[found.end() :]))
        elif word in ("substdef", "substdefs"):
            pattern, text, flags = _parts(rest, place)
            self._substitute(re.escape(pattern), text, flags, place)
            self._set(pattern, f'"{text}"' if word == "substdefs" else text)
        elif word == "subst":
            self._substitute(*_parts(rest, place), place)
        elif word in ("defenv", "defenvs", "trydefenv", "trydefenvs"):
            name = rest.strip().split("=")[0]
            why = f"`{name}` is taken from the environment: give it with --define {name}=VALUE"
            if name not in self.given:
                raise UnreadableError(why, place)

    def _substitute(self, pattern: str, text: str, flags: str, place: Place) -> None:
        try:
            made = re.compile(pattern, re.IGNORECASE if "i" in flags else 0)
        except re.error as why:
            raise UnreadableError(f"this pattern cannot be read: {why}", place) from None
        plain = text.replace("\\", "\\\\") if re.escape(text) == text else re.sub(r"\\(?!\d)", r"\\\\", text)
        one = Substitution(made, plain, "g" in flags)
        self.now = replace(self.now, substitutions=(*self.now.substitutions, one))

    def _set(self, name: str, value: str) -> None:
        self.now = replace(self.now, words={**self.now.words, name: value})


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a directive goes on behind a backslash at the end of its line."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        first, line = at, lines[at]
        while _DIRECTIVE.match(line) and line.rstrip("\r").endswith("\\") and at + 1 < len(lines):
            at += 1
            line = line.rstrip("\r")[:-1] + "\n" + lines[at]
        at += 1
        yield first + 1, line


def _parts(rest: str, place: Place) -> tuple[str, str, str]:
    """`"/pattern/text/flags"`, with any sign in place of the slash."""
    given = rest.strip()
    inner = given[1:].rsplit(given[0], 1)[0] if given[:1] in ('"', "'") else given
    parts = inner[1:].split(inner[0]) if inner else []
    if len(parts) != 3:
        raise UnreadableError('a substitution is written as "/pattern/text/flags"', place)
    return parts[0], parts[1], parts[2]


def _without_comment(text: str) -> str:
    return re.sub(r"""("[^"]*"|'[^']*')|\s#.*|\s//.*""", lambda found: found[1] or "", text).strip()


def preprocess(path: Path, given: Mapping[str, str]) -> tuple[list[Line], Preprocessor]:
    """The lines of a configuration that are left, and what was met on the way."""
    reader = Preprocessor(given)
    return list(reader.file(path)), reader
