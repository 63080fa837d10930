"""Routes that others of the same name always forestall, and conditions that never hold.

Proven over equality, `in`, enumerations and prefixes; where nothing is proven, nothing is said.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from kzrules.language.checking.bodies import bodies
from kzrules.language.checking.names import Names
from kzrules.language.checking.reach_logic import Fact, Reading, Row, TooMuch, both, key_of, model
from kzrules.language.checking.reach_names import Reach, sources
from kzrules.language.checking.reach_witness import name_fields, witness
from kzrules.language.checking.statement import every_statement
from kzrules.language.findings.diagnostic import Label
from kzrules.language.findings.short import error
from kzrules.language.tree import Binary, EventRoute, Expr, Field, If, Literal, Name, Unary
from kzrules.language.types import Shape

MOST_BEFORE = 64
"""Earlier routes of one name that are looked at; beyond them nothing is claimed."""


def forestalled(names: Names, reach: Reach, shapes: dict[int, Shape]) -> None:
    """Look at every condition, and at all routes that share a name."""
    proof = Proof(names, reach, shapes)
    by_name: dict[str, list[EventRoute]] = {}
    for route in names.routes:
        by_name.setdefault(route.name, []).append(route)
        proof.holds_once(route.when)
    for routes in by_name.values():
        for number in range(1, len(routes)):
            proof.taken(routes[number], routes[max(0, number - MOST_BEFORE) : number])
    for body in bodies(names):
        for statement in every_statement(body):
            if isinstance(statement, If):
                for branch in statement.branches:
                    proof.holds_once(branch.condition)


class Proof:
    """Proves things about the conditions of one program."""

    def __init__(self, names: Names, reach: Reach, shapes: dict[int, Shape]) -> None:
        self.names = names
        self.reach = reach
        self.shapes = shapes
        self.reading = Reading(names.words, self._constant, names.tables)
        self.by_name = {spec.name: spec for spec in sources(names)}

    def _constant(self, expr: Expr) -> Any:
        match expr:
            case Literal(value=value):
                return value
            case Name(id=name) if name != "node" and name in self.names.settings:
                value = self.names.declared.settings[name]
                if isinstance(value, list | dict | timedelta):
                    raise KeyError(name)
                return value
        raise KeyError

    def holds_once(self, condition: Expr | None) -> None:
        """A condition that no payload meets."""
        if not isinstance(condition, Unary) and not (isinstance(condition, Binary) and condition.op == "and"):
            return  # nothing is there that could contradict anything
        try:
            rows = self.reading.rows(condition, holds=True)
        except TooMuch:
            return
        if not any(model(row) is not None for row in rows):
            text = "this condition never holds: its parts contradict each other"
            way_out = "one place cannot have two values at once; `or`, or `in [...]`, may be meant"
            self.names.findings.add(error("KZ403", text, condition.span, help=way_out))

    def taken(self, route: EventRoute, before: Sequence[EventRoute]) -> None:
        """A route that never gets an event, for others take them all first."""
        try:
            rows = [row for row in self._rows(route) if model(row) is not None]
            blockers = self._blockers(rows, before) if rows else []
        except TooMuch:
            return
        if blockers:
            self._tell(route, blockers, rows)

    def _rows(self, route: EventRoute) -> list[Row]:
        rows: list[Row] = [()] if route.when is None else self.reading.rows(route.when, holds=True)
        facts = self._enumerations(route)
        return [(*row, *facts) for row in rows]

    def _enumerations(self, route: EventRoute) -> Row:
        """Under `schema_mode: reject` the payload keeps to the enumerations of the schema."""
        shape = self.shapes.get(id(route))
        deliverers = self.reach.subscriptions_of(route.name)
        strict = deliverers and all(self.by_name[name].schema_mode == "reject" for name in deliverers)
        if shape is None or shape.fields is None or not strict:
            return ()
        facts: list[Fact] = []
        for name, inside in shape.fields.items():
            keys = [key_of(value) for value in inside.values or ()]
            if keys and name in shape.required and None not in keys:
                known = frozenset(key for key in keys if key is not None)
                facts.append(Fact(Field(None, name, span=route.span), holds=True, values=known))
        return tuple(facts)

    def _blockers(self, rows: list[Row], before: Sequence[EventRoute]) -> list[EventRoute]:
        """The routes that together take every row; first a single one is looked for."""
        misses = [(route, self._misses(route)) for route in before]
        for route, missed in misses:
            if missed is not None and not both(rows, missed):
                return [route]
        left, needed = rows, []
        for route, missed in misses:
            if missed is None:
                continue
            fewer = both(left, missed)
            if len(fewer) < len(left) or fewer != left:
                needed.append(route)
            left = fewer
            if not left:
                return needed
        return []

    def _misses(self, route: EventRoute) -> list[Row] | None:
        """When a route does not take an event."""
        if route.when is None:
            return []
        try:
            return self.reading.rows(route.when, holds=False)
        except TooMuch:
            return None

    def _tell(self, route: EventRoute, blockers: list[EventRoute], rows: Sequence[Row]) -> None:
        labels = tuple(Label(one.name_span, "takes it first") for one in blockers)
        first = blockers[0].name_span
        where = f"line {first.line}" if first.file == route.name_span.file else f"{first.file}:{first.line}"
        text = f"this route never runs: the one at {where} takes every event that it would"
        if len(blockers) > 1:
            text = "this route never runs: the ones before it take every event that it would"
        way_out = "put it before that one, or narrow that one's `when`"
        self.names.findings.add(
            error("KZ402", text, route.name_span, labels=labels, help=way_out, note=self._note(route, rows))
        )

    def _note(self, route: EventRoute, rows: Sequence[Row]) -> str:
        subscriptions = self.reach.subscriptions_of(route.name)
        spec = self.by_name[subscriptions[0]] if subscriptions else None
        key = (spec and spec.event_key) or "Event-Category"
        subkey = (spec and spec.event_subkey) or "Event-Name"
        for row in rows:
            payload = witness(model(row) or {}, name_fields(route.name, key, subkey))
            if payload is not None:
                return f"witness: {json.dumps(payload, ensure_ascii=False)}"
        return "no example payload could be made up"
