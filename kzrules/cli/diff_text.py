"""A comparison of rule sets as text, as JSON, and as the comment of a review."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from kzrules.cli.compared import Comparison, Group, Played
from kzrules.cli.terminal import BOLD, DIM, GREEN, RED, Terminal, counted, visible, wrapped
from kzrules.routing.compare import shown

MOST_GROUPS = 50
LONGEST = 1200
"""Of a payload in a comment."""


def as_text(found: Comparison, old: str, new: str, terminal: Terminal) -> str:
    """For a terminal."""
    lines = []
    for group in found.sorted()[:MOST_GROUPS]:
        title = f"{counted(group.count, 'event')}: {'; '.join(group.headline)}"
        lines.append(terminal.paint(visible(title), BOLD))
        payload = shown(group.example.payload)
        room = terminal.width - 15 - len(str(group.example.number))
        cut = payload if len(payload) <= room else f"{payload[: room - 3]}..."
        lines.append(f"  {terminal.paint(f'e.g. event {group.example.number}', DIM)}  {visible(cut)}")
        lines += [_painted(line, terminal) for line in _changes(group.old, group.new)]
        lines.append("")
    lines += _left_out(found)
    return (
        "\n".join([*lines, terminal.paint(_summary(found, old, new), RED if found.groups else GREEN)]) + "\n"
    )


def _painted(line: str, terminal: Terminal) -> str:
    text = wrapped(visible(line), terminal.width - 6, "    ")
    colour = {"-": RED, "+": GREEN}.get(line[:1])
    return f"  {terminal.paint(text, colour)}" if colour else f"  {text}"


def _changes(old: Played, new: Played) -> Iterator[str]:
    """Route, actions and settlement of both sides, as a diff."""
    before, after = _lines(old), _lines(new)
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (f"  {line}" for line in before[a:b])
        else:
            yield from (f"- {line}" for line in before[a:b])
            yield from (f"+ {line}" for line in after[c:d])


def _lines(side: Played) -> list[str]:
    return [f"route {side.route or 'none'}", *map(str, side.did), side.end]


def _left_out(found: Comparison) -> list[str]:
    more = len(found.groups) - MOST_GROUPS
    return [f"... and {counted(more, 'group')} more"] if more > 0 else []


def _summary(found: Comparison, old: str, new: str) -> str:
    played = f"{counted(found.events, 'event')} played through {old} and {new}"
    if not found.groups:
        return f"{played}: nothing changes"
    return f"{played}: {found.changed:,} change, in {counted(len(found.groups), 'way')}"


def as_markdown(found: Comparison, old: str, new: str, _: Terminal) -> str:
    """The comment: the summary first, a table of groups, and an example behind each."""
    lines = [
        "### What these rules would do differently",
        "",
        f"{_summary(found, f'`{old}`', f'`{new}`')}.",
        "",
    ]
    if found.groups:
        lines += ["| events | what changes |", "|---:|---|"]
        groups = found.sorted()[:MOST_GROUPS]
        lines += [f"| {group.count:,} | {_cell('; '.join(group.headline))} |" for group in groups]
        for group in groups:
            lines += _details(group)
        lines += _left_out(found)
    return "\n".join(lines) + "\n"


def _details(group: Group) -> list[str]:
    payload = json.dumps(group.example.payload, indent=2, ensure_ascii=False, default=shown)
    payload = payload if len(payload) <= LONGEST else f"{payload[:LONGEST]}\n..."
    diff = "\n".join(_changes(group.old, group.new))
    fence = "`" * max(3, _longest_fence(payload + diff) + 1)
    title = _cell("; ".join(group.headline)).replace("<", "&lt;")
    return [
        "",
        f"<details><summary>{counted(group.count, 'event')}: {title}</summary>",
        "",
        f"{fence}diff\n{diff}\n{fence}",
        "",
        f"Event {group.example.number}:",
        "",
        f"{fence}json\n{payload}\n{fence}",
        "",
        "</details>",
    ]


def _longest_fence(text: str) -> int:
    """The longest run of backticks: the fence around the text must be longer."""
    longest = run = 0
    for one in text:
        run = run + 1 if one == "`" else 0
        longest = max(longest, run)
    return longest


def _cell(text: str) -> str:
    return visible(text).replace("|", "\\|").replace("\n", " ")


def as_json(found: Comparison, old: str, new: str, _: Terminal) -> str:
    """Everything, for tools."""
    whole = {
        "old": old,
        "new": new,
        "events": found.events,
        "changed": found.changed,
        "groups": [_group(group) for group in found.sorted()],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, default=shown) + "\n"


def _group(group: Group) -> dict[str, Any]:
    return {
        "count": group.count,
        "changes": list(group.headline),
        "example": {"event": group.example.number, "payload": group.example.payload},
        "old": _side(group.old),
        "new": _side(group.new),
    }


def _side(side: Played) -> dict[str, Any]:
    return {
        "route": side.route,
        "actions": [{"do": did.word, **did.arguments} for did in side.did],
        "outcome": side.end,
    }
