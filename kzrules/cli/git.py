"""What git knows of rule files: which lines changed, and how files looked at a commit.

`check --since` and `diff` call it. Nothing in the repository is touched.
"""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kzrules.errors import KzError

KEPT = (".kzr", ".json")
"""What a snapshot holds: rule files and schemas."""

LARGEST = 16 * 1024 * 1024


class GitError(KzError):
    """Git said no; its words follow."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changed lines of each file since a commit; a file that the commit does not know is all new."""

    lines: Mapping[Path, frozenset[int]]
    known: frozenset[Path]

    def touch(self, path: str, first: int, last: int) -> bool:
        """True: one of these lines changed."""
        file = Path(path).resolve()
        if file not in self.known:
            return True
        return any(first <= line <= last for line in self.lines.get(file, ()))


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of one repository; `root` is its work tree."""

    root: Path
    id: str

    @classmethod
    def of(cls, reference: str, beside: Path) -> "Commit":
        """The commit that a reference names, in the repository that `beside` lies in."""
        folder = beside if beside.is_dir() else beside.parent
        root = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
        found = _git(root, "rev-parse", "--verify", "--end-of-options", f"{reference}^{{commit}}")
        return cls(root.resolve(), found.decode().strip())

    def fork(self) -> "Commit":
        """Where the checked-out branch left this one: what others did there since is not our change."""
        try:
            return Commit(self.root, _git(self.root, "merge-base", self.id, "HEAD").decode().strip())
        except GitError:  # no common commit: compare with the commit itself
            return self

    def changes(self) -> Changes:
        """What differs in the work tree."""
        options = ("--no-renames", "--no-ext-diff", "--no-color", "--no-textconv")
        names = _names(_git(self.root, "diff", "--name-only", "-z", *options, self.id))
        diff = _git(self.root, "diff", "-U0", *options, self.id).decode(errors="replace")
        hunks = dict(zip(names, _sections(diff), strict=True))
        known = frozenset(self.root / name for name, _ in self._tree())
        return Changes({self.root / name: frozenset(_lines(text)) for name, text in hunks.items()}, known)

    def snapshot(self, into: Path) -> None:
        """Write the rule files and schemas of the commit below a folder."""
        wanted = [(name, blob) for name, blob in self._tree() if name.endswith(KEPT)]
        asked = "".join(f"{blob}\n" for _, blob in wanted).encode()
        answer = _git(self.root, "cat-file", "--batch", asked=asked)
        for (name, _), body in zip(wanted, _blobs(answer), strict=True):
            target = into / PurePosixPath(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)

    def _tree(self) -> Iterator[tuple[str, str]]:
        """Regular files of the commit: name and blob."""
        for entry in _names(_git(self.root, "ls-tree", "-r", "-z", "--full-tree", self.id)):
            described, _, name = entry.partition("\t")
            mode, _, blob = described.split(" ")
            if mode.startswith("100"):
                yield name, blob


def _git(folder: Path, *arguments: str, asked: bytes = b"") -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, check=False)  # noqa: S603  no shell
    except FileNotFoundError:
        raise GitError("git is not installed, and this needs it") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise GitError(f"git {arguments[0]}: {said or f'status {done.returncode}'}")
    return done.stdout


def _names(listed: bytes) -> list[str]:
    """Names that end in a zero byte each."""
    return [name.decode(errors="surrogateescape") for name in listed.split(b"\0") if name]


def _sections(diff: str) -> list[str]:
    """A diff, cut at its files. Lines of content start with a sign, so nothing else looks like the cut."""
    return [f"{part}\n" for part in f"\n{diff}".split("\ndiff --git ")[1:]]


def _lines(section: str) -> Iterable[int]:
    """New lines of one file's hunks; where lines only went, the line before the gap and the one behind."""
    for line in section.split("\n"):
        if line.startswith("@@ "):
            start, _, count = line.split(" ")[2].removeprefix("+").partition(",")
            if count == "0":
                yield from (int(start), int(start) + 1)
            else:
                yield from range(int(start), int(start) + int(count or 1))


def _blobs(answer: bytes) -> Iterator[bytes]:
    """The bodies of `cat-file --batch`: a head with the size, the body, a line feed."""
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        size = int(answer[at:end].rsplit(b" ", 1)[1])
        yield answer[end + 1 : end + 1 + min(size, LARGEST)]
        at = end + 1 + size + 1
