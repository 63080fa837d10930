"""A comparison of rule sets as text, as JSON, and as the comment of a review."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from textwrap import fill
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
        lines.append(terminal.paint(visible(f"{_count(group)}: {'; '.join(group.headline)}"), BOLD))
        payload = "" if group.when else shown(group.example.payload)
        room = terminal.width - 9 - len(group.place)
        cut = payload if len(payload) <= room else f"{payload[: room - 3]}..."
        lines.append(f"  {terminal.paint(f'e.g. {group.place}', DIM)}  {visible(cut)}".rstrip())
        lines += [_painted(line, terminal) for line in _changes(group)]
        lines.append("")
    lines += _left_out(found)
    last = fill(_summary(found, old, new), terminal.width, break_on_hyphens=False)
    return "\n".join([*lines, terminal.paint(last, RED if found.groups else GREEN)]) + "\n"


def _count(group: Group) -> str:
    return counted(group.count, "run" if group.when else "event")


def _painted(line: str, terminal: Terminal) -> str:
    text = wrapped(visible(line), terminal.width - 6, "    ")
    colour = {"-": RED, "+": GREEN}.get(line[:1])
    return f"  {terminal.paint(text, colour)}" if colour else f"  {text}"


def _changes(group: Group) -> Iterator[str]:
    """Route, actions and settlement of both sides, as a diff."""
    lines = _run_lines if group.when else _lines
    before, after = lines(group.old), lines(group.new)
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (f"  {line}" for line in before[a:b])
        else:
            yield from (f"- {line}" for line in before[a:b])
            yield from (f"+ {line}" for line in after[c:d])


def _lines(side: Played) -> list[str]:
    return [f"route {side.route or 'none'}", *map(str, side.did), side.end]


def _run_lines(side: Played) -> list[str]:
    return [*([side.route] if side.route else []), *map(str, side.did), side.end]


def _left_out(found: Comparison) -> list[str]:
    more = len(found.groups) - MOST_GROUPS
    return [f"... and {counted(more, 'group')} more"] if more > 0 else []


def _summary(found: Comparison, old: str, new: str) -> str:
    played = f"{counted(found.events, 'event')} played through {old} and {new}"
    still = "; no event says when it came (`received_at`), so no timer ran"
    behind = still if found.timers and not found.timed else ""
    if not found.groups:
        return f"{played}: nothing changes{behind}"
    ways = f"in {counted(len(found.groups), 'way')}{behind}"
    parts = [f"{found.changed:,} change" if found.changed else ""]
    parts.append(f"{counted(found.between, 'run')} between them" if found.between else "")
    return f"{played}: {' and '.join(part for part in parts if part)}, {ways}"


def as_markdown(found: Comparison, old: str, new: str, _: Terminal) -> str:
    """The comment: the summary first, a table of groups, and an example behind each."""
    lines = [
        "### What these rules would do differently",
        "",
        f"{_summary(found, f'`{old}`', f'`{new}`')}.",
        "",
    ]
    if found.groups:
        lines += ["| times | what changes |", "|---:|---|"]
        groups = found.sorted()[:MOST_GROUPS]
        lines += [f"| {group.count:,} | {_cell('; '.join(group.headline))} |" for group in groups]
        for group in groups:
            lines += _details(group)
        lines += _left_out(found)
    return "\n".join(lines) + "\n"


def _details(group: Group) -> list[str]:
    payload = json.dumps(group.example.payload, indent=2, ensure_ascii=False, default=shown)
    payload = payload if len(payload) <= LONGEST else f"{payload[:LONGEST]}\n..."
    diff = "\n".join(_changes(group))
    fence = "`" * max(3, _longest_fence(payload + diff) + 1)
    title = _cell("; ".join(group.headline)).replace("<", "&lt;")
    return [
        "",
        f"<details><summary>{_count(group)}: {title}</summary>",
        "",
        f"{fence}diff\n{diff}\n{fence}",
        "",
        f"{group.place.capitalize()}:",
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
        "changed_between": found.between,
        "groups": [_group(group) for group in found.sorted()],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, default=shown) + "\n"


def _group(group: Group) -> dict[str, Any]:
    return {
        "count": group.count,
        "changes": list(group.headline),
        "when": group.when or "at",
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
