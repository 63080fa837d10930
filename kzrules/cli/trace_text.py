"""What `kzrules trace` says of an event, for a person at a terminal."""

from collections.abc import Sequence

from kzrules.cli.events import Captured
from kzrules.cli.failure import trace as conditions
from kzrules.cli.report import shown as path_shown
from kzrules.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Terminal, visible, wrapped
from kzrules.language.program import KamailioSpec
from kzrules.message.outcome import Reject
from kzrules.routing.act import Act, Did, plain, said
from kzrules.routing.journal import Line, brief, source_at
from kzrules.routing.stage import Arrival
from kzrules.routing.trace import Key, Segment, Trace, Tried
from kzrules.routing.trial import Rules
from kzrules.words import WORDS


def tell(  # noqa: PLR0917  what `_trace` gives, and where it goes
    event: Captured,
    rules: Rules,
    arrival: Arrival,
    made: Trace | None,
    act: Act,
    lines: Sequence[Line],
    terminal: Terminal,
) -> None:
    """One event: its names and routes, the keys, what was decided, what would be done."""
    title = f"event {event.number} by {_source(arrival)}"
    terminal.say(terminal.paint(title, BOLD))
    if made is not None:
        _names(made, rules, terminal)
        _keys(made, rules, terminal)
    decided = [line for line in lines if line.what != "when"]
    if decided:
        terminal.say(terminal.paint("decided", BOLD))
        for line in conditions(decided, terminal, "  "):
            terminal.say(visible(line) if not terminal.colour else line)
    terminal.say(terminal.paint("would do", BOLD))
    for did in [*act.logs, *map(plain, act.did)]:
        terminal.say(f"  {wrapped(visible(str(did)), terminal.width - 4)}")
        if _asks(did):
            terminal.say(f"    {terminal.paint('answered as the event says; without answers: timeout', DIM)}")
    colour = RED if isinstance(act.outcomes[-1], Reject) else GREEN
    terminal.say(f"  {terminal.paint(visible(said(act.failure or act.outcomes[-1])), colour)}")


def _source(arrival: Arrival) -> str:
    kind = "kamailio" if isinstance(arrival.spec, KamailioSpec) else "subscription"
    return f"{kind} {arrival.spec.name}"


def _asks(did: Did) -> bool:
    """Something outside is asked, and answers."""
    word = WORDS.get(did.word)
    return word is not None and word.fallible


def _names(made: Trace, rules: Rules, terminal: Terminal) -> None:
    terminal.say(terminal.paint("names", BOLD))
    for number, candidate in enumerate(made.candidates, 1):
        none = "" if candidate.routes else terminal.paint("  no route", DIM)
        terminal.say(f"  {number}. {terminal.paint(visible(candidate.name), CYAN)}{none}")
        for tried in candidate.routes:
            _route(tried, rules, terminal)
    if not made.candidates:
        terminal.say(f"  {terminal.paint('none: a field that every name needs is missing', YELLOW)}")


def _route(tried: Tried, rules: Rules, terminal: Terminal) -> None:
    where = f"{path_shown(tried.place.file)}:{tried.place.line}"
    if tried.taken:
        terminal.say(f"     {terminal.paint('taken', GREEN, BOLD)}  {where}")
    elif not tried.reached:
        terminal.say(f"     {terminal.paint('not tried', DIM)}  {where}")
    elif tried.failed is None:
        terminal.say(f"     {terminal.paint('refused', RED)}  {where}  {visible(tried.schema)}")
    else:
        source = source_at(tried.failed.span, rules.texts)
        terminal.say(f"     {terminal.paint('no', RED)}     {where}  {source}")
        for span, value in tried.failed.reads:
            terminal.say(f"              {source_at(span, rules.texts)} is {visible(brief(value))}")


def _keys(made: Trace, rules: Rules, terminal: Terminal) -> None:
    for key in made.keys:
        terminal.say(terminal.paint("key", BOLD) + f" {terminal.paint(visible(str(key.key)), CYAN)}")
        for encoded, segment in segments(key):
            source = source_at(segment.span, rules.texts)
            value = "" if segment.value is None else visible(brief(segment.value))
            parts = [encoded, value if value.strip('"') != encoded else "", "" if source == value else source]
            terminal.say("  " + "  from ".join(part for part in parts if part))


def segments(key: Key) -> list[tuple[str, Segment]]:
    """Each segment as it stands in the key, and as it was given; a constant was worked out at load."""
    encoded = str(key.key).split(".")
    return list(zip(encoded, key.segments, strict=len(encoded) == len(key.segments)))
