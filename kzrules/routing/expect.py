"""What a test expects against what an act did: each gives None, or a mismatch that says how they differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kzrules.language import tree
from kzrules.language.values import truth
from kzrules.language.word import Doing
from kzrules.message.outcome import Ack, Cause, Outcome, Reject, Retry
from kzrules.routing.act import Act, Did, said
from kzrules.routing.compare import ANYTHING, Row, distance, matches, rows, shown, unstamped
from kzrules.routing.evaluate import Scope, bound, evaluate
from kzrules.routing.name import lowered


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that was not met: where it stands, what came instead, and both side by side."""

    span: tree.Span
    message: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()


def check_route(step: tree.ExpectRoute, act: Act) -> Mismatch | None:
    """`expect route "name"` or `expect no route`."""
    if step.name is None:
        if act.route is None:
            return None
        return Mismatch(step.span, f"route {act.route} took the event, and none should")
    if act.route is not None and lowered(act.route) == lowered(step.name):
        return None
    came = f"route {act.route} took the event" if act.route else "no route took the event"
    notes = tuple(f"name {number}  {name}" for number, name in enumerate(act.names, 1))
    return Mismatch(step.span, f"{came}, not {step.name}", notes=notes)


def check_end(step: tree.ExpectEnd, act: Act, scope: Scope) -> Mismatch | None:
    """`expect done`, `retry`, `reject` or `fail`, with or without the reason."""
    outcome = act.failure or (act.outcomes[-1] if act.outcomes else None)
    wanted = None if step.why is None else evaluate(step.why, scope)
    kind, why = _kind(outcome), getattr(outcome, "why", "")
    if kind == step.kind and wanted is None:
        return None
    if kind == step.kind and (wanted in why if kind == "fail" else matches(wanted, why)):
        return None
    asked = step.kind if wanted is None else f"{step.kind}({shown(wanted)})"
    return Mismatch(step.span, f"it ended in {said(outcome)}, not in {asked}")


def _kind(outcome: Outcome | None) -> str | None:
    match outcome:
        case Ack():
            return "done"
        case Retry():
            return "retry"
        case Reject(cause=Cause.RULE):
            return "reject"
        case Reject():
            return "fail"
    return None


def check_call(step: tree.ExpectCall, act: Act, scope: Scope) -> Mismatch | None:
    """`expect publish(...)`: the next such call; `expect not publish(...)`: none in the whole act."""
    word = scope.words[step.call.name]
    wanted = bound(word, step.call, scope)
    is_log = word.doing is Doing.LOG
    if is_log:
        wanted = dict(zip(["text"], wanted.values(), strict=False))
    calls = act.logs if is_log else act.did
    fitting = [at for at, did in enumerate(calls) if did.word == word.name and fits(wanted, did)]
    if step.negated:
        return _unwanted(step, calls[fitting[0]]) if fitting else None
    begin = act.found_logs if is_log else act.found
    later = [at for at in fitting if at >= begin]
    if not later:
        return _missing(step, wanted, calls, out_of_order=bool(fitting), begin=begin)
    if is_log:
        act.found_logs = later[0] + 1
    else:
        act.found = later[0] + 1
    return None


def fits(wanted: Mapping[str, Any], did: Did) -> bool:
    """True: each argument that the test names is what it expects."""
    return all(matches(value, _argument(name, value, did)) for name, value in wanted.items())


def _argument(name: str, wanted: Any, did: Did) -> Any:
    return unstamped(wanted, did.arguments.get(name))


def _unwanted(step: tree.ExpectCall, did: Did) -> Mismatch:
    return Mismatch(step.span, f"{did.word} was done, and should not be", notes=(f"done  {did}",))


def _missing(
    step: tree.ExpectCall, wanted: Mapping[str, Any], calls: list[Did], *, out_of_order: bool, begin: int
) -> Mismatch:
    name = step.call.name
    same = [did for did in calls[begin:] if did.word == name]
    if out_of_order:
        notes = tuple(f"{number}. {did}" for number, did in enumerate(calls, 1))
        return Mismatch(step.span, f"this {name} came before what the line above expects", notes=notes)
    if not same:
        notes = tuple(f"done  {did}" for did in calls) or ("nothing was done",)
        return Mismatch(
            step.span, f"there was no {name} (any more)" if begin else f"there was no {name}", notes=notes
        )
    nearest = min(same, key=lambda did: _distance(wanted, did))
    return Mismatch(
        step.span, f"no {name} was like this; the nearest one differs", tuple(_rows(wanted, nearest))
    )


def _distance(wanted: Mapping[str, Any], did: Did) -> int:
    return sum(distance(value, _argument(name, value, did)) for name, value in wanted.items())


def _rows(wanted: Mapping[str, Any], did: Did) -> list[Row]:
    made: list[Row] = []
    for name in did.arguments:
        value = wanted.get(name, ANYTHING)
        if value is not ANYTHING:
            made += rows(value, _argument(name, value, did), name, f"{name}: ")
    return made


def check_value(step: tree.ExpectValue, scope: Scope, source: Callable[[], str]) -> Mismatch | None:
    """`expect EXPR`: where it is an equation, both sides beside each other."""
    if truth(evaluate(step.condition, scope)):
        return None
    condition = step.condition
    if isinstance(condition, tree.Binary) and condition.op == "==":
        actual, wanted = evaluate(condition.left, scope), evaluate(condition.right, scope)
        return Mismatch(step.span, f"{source()} is not so", tuple(rows(wanted, actual)))
    notes = tuple(
        f"{type(part).__name__.lower()}  {shown(evaluate(part, scope))}" for part in _parts(condition)
    )
    return Mismatch(step.span, f"{source()} is not so", notes=notes)


def _parts(condition: Any) -> list[Any]:
    """The sides of a comparison."""
    match condition:
        case tree.Binary(left=left, right=right):
            return [left, right]
        case tree.In(item=item, choices=choices):
            return [item, choices]
        case tree.Matches(subject=subject):
            return [subject]
    return []
