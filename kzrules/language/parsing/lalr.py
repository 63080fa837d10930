"""The walk over the grammar's tables: tokens in, what the makers make out. `parse` steers it.

It stops at the first token that does not fit and keeps its stack, so that `parse` can mend the
token or leave the statement and go on.
"""

from collections.abc import Callable
from typing import Any

from kzrules.language.parsing.build import Builder
from kzrules.language.parsing.grammar import END, Rule, Takes, tables

Make = Callable[[Any, Any, list[Any]], Any] | None
Plan = tuple[str, int, Make, Callable[[list[Any]], list[Any]] | None, bool, bool]
"""Of a rule: the symbol that it makes, its length, what makes the value (None where values are
gathered or handed on), what takes the values (None: all of them), whether it hands one on, whether
that is all that it is made of.
"""


class Walk:
    """One walk from a start symbol over a row of token kinds.

    `states` has one state more than `values` and `firsts`: the first one is the start's. `values`
    holds token numbers, nodes, and lists of nodes; `firsts` the number of each value's first token.
    """

    def __init__(self, builder: Builder, start: str, first: int, last: int) -> None:
        self.tables = tables()
        self.builder = builder
        self.start = start
        self.plans = plans(type(builder))
        self.states = [self.tables.starts[start]]
        self.values: list[Any] = []
        self.firsts: list[int] = []
        self.at = first
        self.last = last
        self.kinds = builder.tokens.kinds
        self.final = self.tables.ends[start]

    def kind(self) -> str:
        """Return the kind of the token in hand, `END` behind the last one."""
        return self.kinds[self.at] if self.at < self.last else END

    def run(self) -> bool:
        """Walk on. True: all is read, and the only value is what it gave. False: a token does not fit."""
        states, values, firsts, kinds = self.states, self.values, self.firsts, self.kinds
        actions, jumps, at, last = self.tables.actions, self.tables.jumps, self.at, self.last
        plans = self.plans
        kind = kinds[at] if at < last else END
        while True:
            action = actions[states[-1]].get(kind)
            if action is None:
                self.at = at
                return kind == END and states[-1] == self.final
            if action < 0:
                plan = plans[~action]
                if not plan[-1]:
                    self.reduce(plan, at)
                    continue
                jump = jumps.get((states[-2], states[-1], kind))
                states[-1] = self.jump(kind) if jump is None else jump
            else:
                states.append(action)
                values.append(at)
                firsts.append(at)
                at += 1
                kind = kinds[at] if at < last else END

    def jump(self, kind: str) -> int:
        """Return the state behind all rules that only hand on the value on top, and remember it.

        An expression climbs through a dozen of them, from `primary` to `or`.
        """
        below, state = self.states[-2], self.states[-1]
        while (action := self.tables.actions[state].get(kind, 0)) < 0:
            symbol, *_, alone = self.plans[~action]
            if not alone:
                break
            state = self.tables.gotos[below][symbol]
        self.tables.jumps[below, self.states[-1], kind] = state
        return state

    def reduce(self, plan: Plan, at: int) -> None:
        """Make one value of those that a rule is made of."""
        states, values, firsts = self.states, self.values, self.firsts
        symbol, size, make, take, hands_on, alone = plan
        if alone:
            states[-1] = self.tables.gotos[states[-2]][symbol]
            return
        if size:
            taken = values[-size:]
            first = firsts[-size]
            del states[-size:], values[-size:], firsts[-size:]
            last = at - 1
        else:
            taken, first, last = [], at, at
        if take is not None:
            taken = take(taken)
        if make is not None:
            taken = make(self.builder, self.builder.span(first, last), taken)
        elif hands_on:
            taken = taken[0]
        values.append(taken)
        firsts.append(first)
        states.append(self.tables.gotos[states[-1]][symbol])

    def accepts(self, kind: str) -> bool:
        """Tell whether a token of that kind would fit here."""
        states = list(self.states)
        while (action := self.tables.actions[states[-1]].get(kind)) is not None and action < 0:
            _name, symbol, size, _takes, _hands_on = self.tables.rules[~action]
            if size:
                del states[-size:]
            states.append(self.tables.gotos[states[-1]][symbol])
        return action is not None or (kind == END and states[-1] == self.final)

    def settle(self, kind: str) -> None:
        """Complete what a token of that kind would complete, if it fitted here."""
        if self.accepts(kind):
            while (action := self.tables.actions[self.states[-1]][kind]) < 0:
                self.reduce(self.plans[~action], self.at)

    def push(self, kind: str, at: int) -> bool:
        """Take a token that is not there, as if it stood at `at`. It must be acceptable."""
        while (action := self.tables.actions[self.states[-1]][kind]) < 0:
            self.reduce(self.plans[~action], self.at)
        self.states.append(action)
        self.values.append(at)
        self.firsts.append(at)
        return True

    def accepted(self) -> set[str]:
        """Return every kind of token that would fit here."""
        return {kind for kind in self.tables.actions[self.states[-1]] if self.accepts(kind)}


def plans(builder: type[Builder]) -> list[Plan]:
    """Return what reducing by each rule does, by the builder's class."""
    known = tables().plans
    if builder not in known:
        known[builder] = [_plan(builder, rule) for rule in tables().rules]
    return known[builder]


def _plan(builder: type[Builder], rule: Rule) -> Plan:
    name, symbol, size, takes, hands_on = rule
    make = None if _gathers(name, hands_on) else getattr(builder, f"{name}_")
    hands_on = hands_on or symbol == "name"
    return symbol, size, make, _taking(size, takes), hands_on, hands_on and size == 1


def _taking(size: int, takes: Takes) -> Callable[[list[Any]], list[Any]] | None:
    """Return what takes a rule's values from those of its right side."""
    places = [place for place, _ in takes]
    if any(place < 0 or spread for place, spread in takes):
        return lambda values: _spread(values, takes)
    if places == list(range(size)):
        return None
    if len(places) == 1:
        (only,) = places
        return lambda values: [values[only]]
    return lambda values: [values[place] for place in places]


def _spread(values: list[Any], takes: Takes) -> list[Any]:
    taken: list[Any] = []
    for place, spread in takes:
        if place < 0:
            taken.append(None)
        elif spread:
            taken += values[place]
        else:
            taken.append(values[place])
    return taken


def _gathers(name: str, hands_on: bool) -> bool:  # noqa: FBT001  a column of the table
    return hands_on or name.startswith("_") or name in {"file", "declaration", "name", "statement"}
