"""The payloads of `test` blocks, held against the schema of the route that takes them. `check` calls."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kzrules.language import schema
from kzrules.language.checking.names import Names, declarations
from kzrules.language.declaring.constant import Constants, Unknown
from kzrules.language.findings.diagnostic import Label
from kzrules.language.findings.short import warning
from kzrules.language.tree import EventRoute, EventStep, ExpectCall, ExpectEnd, ExpectRoute, Step, Test

Validators = dict[Path, Callable[[Any], str | None]]


def payloads(names: Names) -> None:
    """Tell of each payload that the schema refuses, unless its test expects that."""
    by_name: dict[str, list[EventRoute]] = {}
    for route in names.routes:
        by_name.setdefault(route.name, []).append(route)
    strict = {name: routes for name, routes in by_name.items() if all(route.schema for route in routes)}
    if not strict:
        return
    made: Validators = {}
    for test in declarations(names.files, Test):
        for event, after in _acts(test):
            routes = strict.get(_route_of(event, after) or "", [])
            if routes and not _expected(after) and not _off(names, event):
                _hold(names, event, routes, made)


def _acts(test: Test) -> Iterator[tuple[EventStep, Sequence[Step]]]:
    """Each event of a test, and the steps up to the next one."""
    starts = [at for at, step in enumerate(test.steps) if isinstance(step, EventStep)]
    for at, stop in zip(starts, [*starts, len(test.steps)][1:], strict=True):
        event = test.steps[at]
        if isinstance(event, EventStep):
            yield event, test.steps[at + 1 : stop]


def _route_of(_event: EventStep, after: Sequence[Step]) -> str | None:
    """The route that the test itself says takes the event: nothing is guessed."""
    return next((step.name for step in after if isinstance(step, ExpectRoute)), None)


def _expected(after: Sequence[Step]) -> bool:
    """Whether the test expects what becomes of a payload that does not fit: a rejection, or a warning."""
    return any(
        (isinstance(step, ExpectEnd) and step.kind == "reject")
        or (isinstance(step, ExpectCall) and step.call.name == "warn")
        for step in after
    )


def _off(names: Names, event: EventStep) -> bool:
    """Whether no schema is applied where the event comes from."""
    declared = names.declared
    modes = {spec.name: spec.schema_mode for spec in declared.subscriptions}
    modes |= {spec.name: spec.schema_mode for spec in declared.kamailios}
    if event.subscription is not None:
        return modes.get(event.subscription) == "off"
    return "off" in modes.values()


def _hold(names: Names, event: EventStep, routes: Sequence[EventRoute], made: Validators) -> None:
    settings = names.declared.settings
    try:
        payload = Constants(settings.__getitem__, settings, names.words).value(event.payload)
    except Unknown:
        return
    if not isinstance(payload, dict):
        return
    payload = {key: value for key, value in payload.items() if not key.startswith("AMQP-")}
    wrong = [_refused(route, payload, made) for route in routes]
    if wrong[0] is not None and None not in wrong:
        text = f'the schema "{routes[0].schema}" refuses this payload: {wrong[0]}'
        way_out = "write what senders send, or expect what becomes of it: `expect reject`, `expect warn(...)`"
        label = Label(routes[0].name_span, "its route")
        names.findings.add(warning("KZ412", text, event.payload.span, labels=(label,), help=way_out))


def _refused(route: EventRoute, payload: Any, made: Validators) -> str | None:
    path = schema.path_of(route.span.file, route.schema or "")
    if path not in made:
        try:
            made[path] = schema.validator(path)
        except schema.SchemaFault:
            made[path] = lambda _payload: None  # the schema's own fault is told at the route
    return made[path](payload)
