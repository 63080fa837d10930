"""The registry of codes: each one is a page in `explained/`, which `kzrules explain` prints.

A page begins with `severity: error` and `name: ...` between lines of `---`; then stand what it
means, a ```` ```kzr wrong ```` and a ```` ```kzr right ```` example (`console`, where the command line
is what is wrong), and, under `## Silence it`,
when to silence it. Whoever adds a code adds a page; a code is never used again for another thing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kzrules.language.findings.diagnostic import Severity

_HEAD = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_EXAMPLE = re.compile(r"```(?:kzr|console) (wrong|right)\n(.*?)```\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its name in a few words, how bad it is, and the parts of its page."""

    code: str
    name: str
    severity: Severity
    about: str
    wrong: str
    right: str
    silence: str


class Registry(Mapping[str, Code]):
    """The pages, each read when it is asked for."""

    def __getitem__(self, code: str) -> Code:
        return _page(code)

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())


CODES: Mapping[str, Code] = Registry()


def page(code: str) -> Code:
    """Return the page of a code; KeyError if there is none."""
    return _page(code)


@cache
def _names() -> tuple[str, ...]:
    folder = files("kzrules.language.findings") / "explained"
    return tuple(sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".md")))


@cache
def _page(code: str) -> Code:
    if code not in _names():
        raise KeyError(code)
    text = (files("kzrules.language.findings") / "explained" / f"{code}.md").read_text("utf-8")
    parts = _HEAD.fullmatch(text)
    if parts is None:
        raise ValueError(f"explained/{code}.md does not begin with its severity and name")
    head = dict(line.split(": ", 1) for line in parts[1].splitlines())
    examples = dict(_EXAMPLE.findall(parts[2]))
    about, _, silence = _EXAMPLE.sub("", parts[2]).partition("## Silence it")
    return Code(
        code=code,
        name=head["name"],
        severity=Severity(head["severity"]),
        about=about.strip(),
        wrong=examples.get("wrong", ""),
        right=examples.get("right", ""),
        silence=silence.strip(),
    )
