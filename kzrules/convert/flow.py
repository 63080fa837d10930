"""Where variables come from and where they go: Kamailio's are shared by all that a worker runs, rules
have arguments and results. `flows` finds out, backwards through each route, what it has to be given,
what its callers read of what it sets, and whether they look at its return code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kzrules.convert import nodes as n
from kzrules.convert.pick import ASYNC, Picked
from kzrules.convert.uses import (
    ANSWER,
    Key,
    call_reads,
    calls_of,
    reads,
    route_names,
    steps_of,
    target_of,
    targets,
    values_of,
    within,
)

Keys = frozenset[Key]
NONE: Keys = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """`needs`: read before it is set. `gives`: set here, and read by a caller. `code`: a caller asks for the
    return code.
    """

    needs: Keys = NONE
    gives: Keys = NONE
    code: bool = False


class Flows:
    """Works out the flow of every route, until nothing changes."""

    def __init__(self, picked: Picked) -> None:
        self.routes = picked.routes
        self.entries = [*picked.events, *picked.start, *(block for _, block in picked.expired)]
        self.entries += [timer.route for timer in picked.timers]
        self.known: dict[str, Flow] = {name: Flow(code=self._asked(name)) for name in picked.routes}
        self.writes = {name: self._writes(name, frozenset()) for name in picked.routes}
        self.changed = True

    def run(self) -> "Flows":
        """Until nothing changes: recursion would be one, and sets only grow."""
        while self.changed:
            self.changed = False
            for name, block in self.routes.items():
                before = self.known[name]
                self._learn(name, self.body(block.body, before.gives, before.gives), before.gives)
            for block in self.entries:
                self.body(block.body, NONE, NONE)
        return self

    def leaks(self, block: n.Block) -> Keys:
        """What an event's own block reads before anything has set it: an earlier message's value."""
        return self.body(block.body, NONE, NONE)

    def _learn(self, name: str, needs: Keys, gives: Keys) -> None:
        old = self.known[name]
        new = Flow(old.needs | needs, old.gives | gives, old.code)
        if new != old:
            self.known[name] = new
            self.changed = True

    def _asked(self, name: str) -> bool:
        """Whether a call of the route stands where its return code counts."""
        for block in (*self.entries, *self.routes.values()):
            for step in steps_of(block.body):
                for value in values_of(step):
                    alone = step.call if isinstance(step, n.Do) else None
                    for one in within(value):
                        if isinstance(one, n.Call) and one is not alone and name in self._names(one):
                            return True
        return False

    def _names(self, call: n.Call) -> list[str]:
        if call.name in ASYNC:
            kinds = ("onreply_route", "failure_route")
            given = [str(getattr(one, "text", "")) for one in call.arguments[3:5]]
            made = [f"{kind} {name}" for kind, name in zip(kinds, given, strict=False)]
            return [name for name in made if name in self.routes]
        return [name for name in route_names(call, list(self.routes)) if name in self.routes]

    def _writes(self, name: str, above: frozenset[str]) -> Keys:
        if name in above:
            return NONE
        body = self.routes[name].body
        made = {key for step in steps_of(body) if isinstance(step, n.Set) and (key := target_of(step))}
        for call in calls_of(body):
            made |= set(targets(call))
            for other in self._names(call):
                made |= self._writes(other, above | {name})
        return frozenset(made)

    # --- backwards

    def body(self, body: n.Body, after: Keys, leaving: Keys) -> Keys:
        """What is read before it is set, given what is read behind; `leaving`: what `return` hands over."""
        for step in reversed(body.steps):
            after = self.step(step, after, leaving)
        return after

    def step(self, step: n.AnyStep, after: Keys, leaving: Keys) -> Keys:  # noqa: PLR0911  one case for each
        """The same for one statement."""
        match step:
            case n.Leave(word=word, value=value):
                asked = frozenset(reads(value)) if value is not None else NONE
                behind = {"return": leaving, "break": after}.get(word, NONE)
                return asked | behind
            case n.Set(target=target, value=value):
                key = target_of(step)
                kept = after - {key} if key is not None else after | frozenset(reads(target))
                return self.value(value, kept)
            case n.If(condition=condition, then=then, otherwise=otherwise):
                one = self.body(then, after, leaving)
                other = self.body(otherwise, after, leaving) if otherwise is not None else after
                return self.value(condition, one | other)
            case n.While(condition=condition, body=body):
                round_again = self.value(condition, after)
                for _ in range(3):
                    round_again |= self.value(condition, after | self.body(body, round_again, leaving))
                return round_again
            case n.Switch(subject=subject, cases=cases):
                return self.value(subject, self._cases(cases, after, leaving))
            case n.Do(call=call):
                return self.value(call, after)
        return after

    def _cases(self, cases: Sequence[n.Case], after: Keys, leaving: Keys) -> Keys:
        """Each case ends, or falls through to the next."""
        made = NONE if any(case.value is None for case in cases) else after
        following = after
        for case in reversed(cases):
            ends = bool(case.body.steps) and isinstance(case.body.steps[-1], n.Leave)
            following = self.body(case.body, after if ends else following, leaving)
            made |= following
        return made

    def value(self, value: n.Value, after: Keys) -> Keys:
        """The same for what a value calls and reads, its right side last."""
        match value:
            case n.Call():
                return self.call(value, after)
            case n.Operation(op="and" | "or", left=left, right=right):
                return self.value(left, after | self.value(right, after))
            case n.Operation(left=left, right=right):
                return self.value(left, self.value(right, after))
            case n.Prefix(value=inner):
                return self.value(inner, after)
        return after | frozenset(reads(value))

    def call(self, call: n.Call, after: Keys) -> Keys:
        """A function that sets a variable, or a route with all that it does."""
        names = self._names(call)
        for name in reversed(names):
            wanted = after & self.writes[name]
            if wanted - self.known[name].gives:
                self._learn(name, self.known[name].needs, wanted)
            after = (after - self.known[name].gives) | self.known[name].needs
        return (after - frozenset(targets(call))) | frozenset(call_reads(call)) - (
            frozenset({ANSWER}) if call.name in ASYNC else NONE
        )


def flows(picked: Picked) -> Mapping[str, Flow]:
    """The flow of every route that is called."""
    return Flows(picked).run().known
