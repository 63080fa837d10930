"""What ran without an event, for `trace`: a section for people, a list for tools."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kzrules.cli.passing import MOST_LATER, Due
from kzrules.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, Terminal, visible, wrapped
from kzrules.message.outcome import Reject
from kzrules.routing.act import plain, said

MOST_SHOWN = 20


def tell_ran(title: str, ran: Sequence[Due], terminal: Terminal) -> None:
    """Each with its time, its actions and its end; timers that ran often are cut."""
    if not ran:
        return
    terminal.say(terminal.paint(title, BOLD))
    for one in ran[:MOST_SHOWN]:
        _tell(one, terminal)
    if len(ran) > MOST_SHOWN:
        more = "or more " if len(ran) >= MOST_LATER else ""
        terminal.say(f"  ... {len(ran) - MOST_SHOWN} {more}besides; --json shows them")


def _tell(one: Due, terminal: Terminal) -> None:
    clock = terminal.paint(f"{datetime.fromtimestamp(one.at, UTC):%H:%M:%S}", DIM)
    terminal.say(f"  {clock}  {terminal.paint(visible(one.what), CYAN)}")
    for did in [*one.act.logs, *map(plain, one.act.did)]:
        terminal.say(f"    {wrapped(visible(str(did)), terminal.width - 6, '    ')}")
    end = one.act.failure or one.act.outcomes[-1]
    terminal.say(f"    {terminal.paint(visible(said(end)), RED if isinstance(end, Reject) else GREEN)}")


def ran_json(ran: Sequence[Due]) -> list[dict[str, Any]]:
    """Each as an object."""
    return [
        {
            "what": one.what,
            "at": one.at,
            "actions": [{"do": did.word, **did.arguments} for did in one.act.did],
            "logs": [{"level": did.word, **did.arguments} for did in one.act.logs],
            "outcome": said(one.act.failure or one.act.outcomes[-1]),
        }
        for one in ran
    ]
