"""`kzrules diff`: captured events through two rule sets, and what changes: routes, actions, settlements.

Text for people, JSON for tools, Markdown for the comment that a change of rules gets.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from kzrules.cli import events
from kzrules.cli.command import CLEAN, FOUND
from kzrules.cli.compared import Comparison, Played
from kzrules.cli.diff_text import as_json, as_markdown, as_text
from kzrules.cli.events import Captured
from kzrules.cli.git import Commit, GitError
from kzrules.cli.passing import Due, begun, later, until
from kzrules.cli.stages import play, stages
from kzrules.cli.terminal import Terminal, Wish, colour_option
from kzrules.errors import KzError
from kzrules.message.outcome import Cause, Outcome, Reject
from kzrules.routing.act import Did, plain, said
from kzrules.routing.compare import rows
from kzrules.routing.stage import Stage
from kzrules.routing.trial import Rules


@click.command()
@click.argument("old")
@click.argument("new")
@click.argument("captured", metavar="EVENTS.jsonl", type=click.Path(readable=False, allow_dash=True))
@click.option("--exit-code", is_flag=True, help="Exit status 1 when anything differs.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="Markdown is for the comment of a review.",
)
@colour_option
def command(old: str, new: str, captured: str, *, exit_code: bool, format_name: str, color: Wish) -> int:
    """Play captured events through two rule sets; show what changes.

    OLD and NEW are rule files or folders, or git references: `main` (the path that the other side
    names, at that commit) or `main:rules/presence`. EVENTS.jsonl has an event a line, as `trace`
    reads them. Queries get the answers that the capture holds, and time out without. Where events
    say when they came (`received_at`), timers, `after` blocks and expiries run between them.
    """
    terminal = Terminal.of(sys.stdout, color)
    with ExitStack() as folders:
        began, played = begun(events.many(captured))
        note, now = Terminal.of(sys.stderr, color), began or time.time()
        sides = [stages([place], note, now) for place in _places(old, new, folders)]
        compared = _compare(played, sides[0], sides[1])
    write = {"text": as_text, "markdown": as_markdown, "json": as_json}[format_name]
    terminal.stream.write(write(compared, old, new, terminal))
    return FOUND if exit_code and compared.groups else CLEAN


def _places(old: str, new: str, folders: ExitStack) -> list[str]:
    """The folders of both sides; what a git reference names is written to one that goes away again."""
    here = [side for side in (old, new) if Path(side).exists()]
    return [_place(side, here, folders) for side in (old, new)]


def _place(side: str, here: Sequence[str], folders: ExitStack) -> str:
    if Path(side).exists():
        return side
    reference, _, named = side.partition(":")
    beside = Path(named or (here[0] if here else "rules")).resolve()
    try:
        commit = Commit.of(reference, _existing(beside))
    except GitError as why:
        raise click.UsageError(f"{side} is no file or folder, and no git reference: {why}") from None
    if not beside.is_relative_to(commit.root):
        raise click.UsageError(f"{beside} is not in the repository {commit.root}")
    root = Path(folders.enter_context(TemporaryDirectory(prefix="kzrules-"))).resolve()
    commit.snapshot(root)
    place = root / beside.relative_to(commit.root)
    if not place.exists():
        raise click.UsageError(f"there is no {beside.relative_to(commit.root)} at {reference}")
    return str(place)


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


Side = Sequence[tuple[Rules, Stage]]


def _compare(captured: Iterator[Captured], old: Side, new: Side) -> Comparison:
    found = Comparison()
    event = None
    for event in captured:
        found.events += 1
        found.timed = found.timed or event.received_at is not None
        _between(found, event, until(event, old), until(event, new))
        was, now = _played(event.again(), old), _played(event, new)
        found.routes[was.route or "no route", now.route or "no route"] += 1
        found.note(tuple(_headline(was, now)), event, was, now)
    found.timers = any(stage.timers for _, stage in (*old, *new))
    if event is not None:
        _between(found, event, later(old), later(new), behind=True)
    return found


def _between(
    found: Comparison, event: Captured, old: Sequence[Due], new: Sequence[Due], *, behind: bool = False
) -> None:
    """What ran without an event, by what it is; `behind` the last event, or before this one."""
    for what in dict.fromkeys(one.what for one in (*old, *new)):
        was, now = _together(what, old), _together(what, new)
        when = "behind" if behind else "before"
        headline = _headline(was, now) if was.route and now.route else [_only(was)]
        line = "; ".join(dict.fromkeys(headline))
        found.note((f"{what}: {line}",) if line else (), event, was, now, when)


def _only(was: Played) -> str:
    return "runs no more" if was.route else "runs now"


def _together(what: str, ran: Sequence[Due]) -> Played:
    acts = [one.act for one in ran if one.what == what]
    if not acts:
        return Played(None, (), "does not run", "nothing")
    outcome = next((act.failure for act in acts if act.failure), acts[-1].outcomes[-1])
    return Played(what, tuple(plain(did) for act in acts for did in act.did), _end(outcome), _kind(outcome))


def _played(event: Captured, side: Side) -> Played:
    try:
        act = play(event, side)
    except KzError as why:
        return Played(None, (), f"cannot be tried: {why}", "failure")
    outcome = act.failure or act.outcomes[-1]
    return Played(act.route, tuple(map(plain, act.did)), _end(outcome), _kind(outcome))


def _end(outcome: Outcome) -> str:
    """The settlement without the line that a failure stands on: lines move."""
    if isinstance(outcome, Reject) and outcome.cause is Cause.ERROR:
        return said(Reject(outcome.why, outcome.cause))
    return said(outcome)


def _kind(outcome: Outcome) -> str:
    return said(outcome).partition("(")[0].strip()


def _headline(old: Played, new: Played) -> Iterator[str]:
    """What changes, without the values of one event: events that change alike have the same."""
    if old.route != new.route:
        yield f"route {old.route or 'none'} -> {new.route or 'none'}"
    if old.kind != new.kind:
        yield f"settlement {old.kind} -> {new.kind}"
    elif old.end != new.end:
        yield f"the reason of {new.kind}"
    before, after = list(old.did), list(new.did)
    if before != after:
        yield from _actions(before, after)


def _actions(old: list[Did], new: list[Did]) -> Iterator[str]:
    paired = _paired(old, new)
    for before, after in paired:
        if before is None and after is not None:
            yield f"new {_name(after)}"
        elif after is None and before is not None:
            yield f"no more {_name(before)}"
        elif before is not None and after is not None and before != after:
            differing = [
                row.path.removeprefix(".")
                for row in rows(dict(before.arguments), dict(after.arguments))
                if not row.same
            ]
            yield f"{_name(after)}: {', '.join(dict.fromkeys(differing))}"
    if sorted(map(str, old)) == sorted(map(str, new)):
        yield "the order of actions"


def _paired(old: list[Did], new: list[Did]) -> list[tuple[Did | None, Did | None]]:
    """Equal actions leave; of the rest, those to one place are one action that changed."""
    rest = list(new)
    left = []
    for did in old:
        if did in rest:
            rest.remove(did)
        else:
            left.append(did)
    pairs: list[tuple[Did | None, Did | None]] = []
    for did in left:
        match = next((one for one in rest if _name(one) == _name(did)), None)
        if match is not None:
            rest.remove(match)
        pairs.append((did, match))
    return [*pairs, *((None, did) for did in rest)]


def _name(did: Did) -> str:
    exchange = did.arguments.get("exchange")
    return f"{did.word} to {exchange}" if exchange else did.word
