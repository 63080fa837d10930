"""`while` as `for`: by the form of its condition, what it runs over. `statements` asks."""

from abc import ABC, abstractmethod

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.calls import Calls
from kzrules.convert.pseudo import whole
from kzrules.convert.uses import steps_of, target_of
from kzrules.convert.world import LIST, fresh
from kzrules.language import tree as t


class Looping(Calls, ABC):
    """What loops need of the statements inside them."""

    @abstractmethod
    def for_each(self, iterable: t.Expr, item: str, body: n.Body, only: t.Expr | None = None) -> None:
        """Write a `for` with a body; `statements` says how."""


def over(owner: Looping, step: n.While) -> bool:
    """Translate a loop; False where nothing says that it ends."""
    queue = _queue(step.condition)
    if queue is not None:
        if queue not in owner.world.drains:
            return False
        interval = "what the timer took out of the queue is done at once, when it is put in"
        owner.pending.append(f"# `{queue}`: {interval}")
        return True
    return _by_index(owner, step) or _by_taking(owner, step)


def _queue(condition: n.Value) -> str | None:
    """`mq_fetch("queue")`, compared or not."""
    match condition:
        case n.Operation(left=n.Call(name="mq_fetch") as call) | (n.Call(name="mq_fetch") as call):
            return str(getattr(call.arguments[0], "text", "")) if call.arguments else None
    return None


def queues(body: n.Body) -> list[tuple[str, n.While]]:
    """The queues that a block empties."""
    found = [(_queue(step.condition), step) for step in steps_of(body) if isinstance(step, n.While)]
    return [(name, step) for name, step in found if name is not None]


def _by_index(owner: Looping, step: n.While) -> bool:
    """`$var(i) < COUNT`, or as long as there is something at `[$var(i)]`."""
    if not isinstance(step.condition, n.Operation):
        return False
    asked = _quietly(owner, step.condition)
    counter, iterable = _bounded(owner, step.condition, asked) or _filled(owner, asked) or (None, None)
    if counter is None or iterable is None or not _counts(owner, step.body, counter):
        return False
    item = _item_name(owner)
    owner.items.append((iterable, counter, item))
    parts = isinstance(iterable, t.Call) and iterable.name == "split"  # of an empty text there is one, empty
    only = make.binary("!=", make.name(item), make.literal("")) if parts else None
    owner.for_each(iterable, item, step.body, only)
    owner.items.pop()
    return True


def _quietly(owner: Looping, condition: n.Value) -> tuple[t.Expr, t.Expr] | None:
    """Both sides of a comparison, without a trace of having looked."""
    assert isinstance(condition, n.Operation)  # noqa: S101  the caller has looked
    gaps, pending, out = list(owner.world.gaps), list(owner.pending), list(owner.out)
    sides = owner.value(condition.left), owner.value(condition.right)
    clean = len(owner.out) == len(out)
    owner.world.gaps, owner.pending, owner.out = gaps, pending, out
    return sides if clean else None


def _bounded(
    owner: Looping, condition: n.Operation, sides: tuple[t.Expr, t.Expr] | None
) -> tuple[str, t.Expr] | None:
    """`i < len(list)`, also turned around, also through a variable."""
    if sides is None or condition.op not in ("<", ">", "!="):
        return None
    low, high = reversed(sides) if condition.op == ">" else sides
    while isinstance(high, t.Call) and high.name == "int":
        high = high.arguments[0].value
    if isinstance(high, t.Name):
        length = owner.lengths.get(high.id)
    else:
        length = high.arguments[0].value if isinstance(high, t.Call) and high.name == "len" else None
    return (low.id, length) if isinstance(low, t.Name) and length is not None else None


def _filled(owner: Looping, sides: tuple[t.Expr, t.Expr] | None) -> tuple[str, t.Expr] | None:
    """`list[i] != ""`, `list[i] != $null`"""
    if sides is None:
        return None
    value = sides[0]
    while isinstance(value, t.Binary) and value.op == "??":
        value = value.left
    while isinstance(value, t.Field):
        value = value.base if value.base is not None else make.NULL
    empty = isinstance(sides[1], t.Literal) and sides[1].value in (None, "")
    if not empty or not isinstance(value, t.Index) or value.base is None or not isinstance(value.key, t.Name):
        return None
    known = isinstance(value.base, t.Call) or owner.world.kind(value.base) == LIST
    return value.key.id, value.base if known else make.binary("??", value.base, make.listed(()))


def _counts(owner: Looping, body: n.Body, counter: str) -> bool:
    """Whether a loop adds 1 to its counter, which began at 0."""
    begins = owner.set_here.get(counter)
    if begins != make.literal(0):
        return False
    found = [step for step in steps_of(body) if isinstance(step, n.Set) and _sets(owner, step, counter)]
    return all(_adds_one(one.value) for one in found) and any(one in body.steps for one in found)


def _sets(owner: Looping, step: n.Set, name: str) -> bool:
    key = target_of(step)
    return key is not None and owner.world.name_of(key) == name


def _adds_one(value: n.Value) -> bool:
    return (
        isinstance(value, n.Operation)
        and value.op == "+"
        and isinstance(value.right, n.Number)
        and value.right.value == 1
    )


def _item_name(owner: Looping) -> str:
    """A name that no loop around this one has."""
    around = {*(name for _, _, name in owner.items), *owner.pops.values()}
    return fresh("item", {*around, *owner.world.variables(), *owner.world.tables})


def _by_taking(owner: Looping, step: n.While) -> bool:
    """`while ($avp(x) != $null) { ...; $avp(x) = $null; }`: one value after the other is taken off."""
    condition = step.condition
    if isinstance(condition, n.Prefix) and condition.op == "defined":
        first: n.Value = condition.value
    elif isinstance(condition, n.Operation) and condition.op == "!=":
        first = condition.left
    else:
        return False
    pseudo = whole(first.text) if isinstance(first, n.Variable) else None
    if pseudo is None or pseudo.key is None or pseudo.key[0] != "avp":
        return False
    name = owner.world.name_of(pseudo.key)
    if owner.world.kind(make.name(name)) != LIST or not any(
        isinstance(one, n.Set) and target_of(one) == pseudo.key for one in steps_of(step.body)
    ):
        return False
    item = _item_name(owner)
    owner.pops[pseudo.key] = item
    owner.for_each(make.name(name), item, step.body)
    del owner.pops[pseudo.key]
    return True
