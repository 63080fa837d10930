"""`on_failure: retry(...) then dead_letter(...)` and `dedupe: by(KEY, within: D)`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from kzrules.language.declaring.constant import Constants, Unknown
from kzrules.language.declaring.options import Option, Reader, Wrong, filled_text, options, seconds, whole
from kzrules.language.findings.nearest import did_you_mean, one_of
from kzrules.language.program import DedupePolicy, FailurePolicy, QueueSpec
from kzrules.language.tree import Call, Expr, Name, Pair, Then

FORM = 'is written as: retry(times: 3, first: 1s, longest: 30s) then dead_letter("...")'
LAST = ("dead_letter", "reject", "drop")
RETRY = options(
    Option("times", whole(0, 10_000)),
    Option("first", seconds),
    Option("longest", seconds),
)
BY = options(Option("within", seconds), Option("max", whole(1, 10_000_000)))

Policy = Callable[[QueueSpec, FailurePolicy], FailurePolicy]
"""The policy, once the queue is known: its name may stand in that of the dead letters."""


def usual_policy(queue: QueueSpec) -> FailurePolicy:
    """What happens where a subscription says nothing: dead letters for durable queues."""
    if queue.durable:
        return FailurePolicy(3, 1.0, 30.0, "dead_letter", dead_letter_name(queue))
    return FailurePolicy(3, 1.0, 30.0, "drop")


def dead_letter_name(queue: QueueSpec) -> str:
    """`{queue}.dead`; the braces stay where the server names the queue."""
    return f"{queue.name or '{queue}'}.dead"


def on_failure(reader: Reader, expr: Expr) -> Policy:
    """`retry(...)`, a last step, or both with `then` between."""
    if isinstance(expr, Then):
        times = _retry(reader, expr.first)
        last = _last(reader, expr.last)
        return lambda queue, usual: last(queue, replace(usual, **times))
    name = _called(expr)
    if name == "retry":
        times = _retry(reader, expr)
        return lambda _queue, usual: replace(usual, **times)
    last = _last(reader, expr)
    return lambda queue, usual: last(queue, replace(usual, times=0))


def _called(expr: Expr) -> str:
    match expr:
        case Call(name=name) | Name(id=name):
            return name
    raise Wrong(FORM)


def _retry(reader: Reader, expr: Expr) -> dict[str, Any]:
    if _called(expr) != "retry":
        raise Wrong(FORM)
    pairs = _arguments(expr, ("times", "first", "longest")) if isinstance(expr, Call) else ()
    read = reader.pairs(pairs, RETRY, "`retry`")
    if read.get("first", 0.0) > read.get("longest", max(30.0, read.get("first", 0.0))):
        raise Wrong("waits longer at `first` than it may at `longest`")
    if read.get("first", 0.0) > 30.0:
        read.setdefault("longest", read["first"])
    return read


def _last(reader: Reader, expr: Expr) -> Policy:
    name = _called(expr)
    if name not in LAST:
        way_out = did_you_mean(name, LAST)
        raise Wrong(f"ends in {one_of(LAST)}, not in `{name}`{'; ' + way_out if way_out else ''}")
    given = expr.arguments if isinstance(expr, Call) else ()
    if name == "dead_letter" and given:
        if len(given) > 1 or given[0].name not in (None, "queue"):
            raise Wrong('takes one name: dead_letter("...")')
        return _dead_letter(reader, given[0].value)
    if given:
        raise Wrong(f"takes nothing in the parentheses of `{name}`")
    if name == "dead_letter":
        return lambda queue, usual: replace(usual, last="dead_letter", dead_letter=dead_letter_name(queue))
    last: Literal["reject", "drop"] = "reject" if name == "reject" else "drop"
    return lambda _queue, usual: replace(usual, last=last, dead_letter=None)


def _dead_letter(reader: Reader, expr: Expr) -> Policy:
    """The name of the queue of dead letters, in which `{queue}` is that of the queue itself."""
    _named(reader, expr, "queue")

    def policy(queue: QueueSpec, usual: FailurePolicy) -> FailurePolicy:
        name = _named(reader, expr, queue.name or "{queue}")
        return replace(usual, last="dead_letter", dead_letter=name)

    return policy


def _named(reader: Reader, expr: Expr, queue: str) -> str:
    old = reader.settings.constants
    reader.settings.constants = Constants(
        lambda name: queue if name == "queue" else old.look_up(name), {**old.names, "queue": None}, old.words
    )
    try:
        return filled_text(reader, expr)
    finally:
        reader.settings.constants = old


def dedupe(reader: Reader, expr: Expr) -> tuple[Expr, DedupePolicy]:
    """The key's expression, and for how long and how many keys are remembered."""
    if not isinstance(expr, Call) or expr.name != "by":
        raise Wrong("is written as: by(.Msg-ID, within: 10m)")
    keys = [argument.value for argument in expr.arguments if argument.name is None]
    if len(keys) != 1:
        raise Wrong("takes one key: by(.Msg-ID, within: 10m)")
    pairs = tuple(
        Pair(argument.name, argument.value, argument.span, span=argument.span)
        for argument in expr.arguments
        if argument.name is not None
    )
    read = reader.pairs(pairs, BY, "`by`")
    if "within" not in read:
        if any(pair.name == "within" for pair in pairs):
            raise Unknown(None, expr.span)
        raise Wrong("needs the time that a key is remembered: by(.Msg-ID, within: 10m)")
    return keys[0], DedupePolicy(read["within"], read.get("max", 100_000))


def _arguments(call: Call, order: tuple[str, ...]) -> tuple[Pair, ...]:
    """Arguments by name, the first ones also by position."""
    pairs: list[Pair] = []
    for place, argument in enumerate(call.arguments):
        name = argument.name or (order[place] if place < len(order) else f"argument {place + 1}")
        pairs.append(Pair(name, argument.value, argument.span, span=argument.span))
    return tuple(pairs)
