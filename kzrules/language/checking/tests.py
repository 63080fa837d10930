"""`test` blocks: the settings, tables, words, subscriptions and routes that they name."""

from kzrules.language.checking.bodies import Bodies
from kzrules.language.checking.names import Effects, Names, declarations
from kzrules.language.checking.scope import Place
from kzrules.language.checking.statement import StatementChecks
from kzrules.language.findings.diagnostic import Label
from kzrules.language.findings.nearest import did_you_mean, one_of
from kzrules.language.findings.respell import respelt
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import (
    Call,
    EventStep,
    ExpectCall,
    ExpectEnd,
    ExpectRoute,
    ExpectValue,
    GivenCall,
    GivenSetting,
    GivenTable,
    PassTime,
    Span,
    Step,
    Test,
)
from kzrules.language.word import Doing, Kind

DURATION = frozenset({Kind.DURATION})
PROPERTIES = (
    "exchange",
    "routing_key",
    "redelivered",
    "attempt",
    "headers",
    "properties",
    "zone",
    "received_at",
)


def check_tests(names: Names, bodies: Bodies) -> None:
    """Check each test; what a test reads does not count as used."""
    used = set(names.used)
    first: dict[str, Test] = {}
    for test in declarations(names.files, Test):
        other = first.setdefault(test.name, test)
        if other is not test:
            labels = (Label(_head(other), "the first one"),)
            text = f'there are two tests "{test.name}"'
            way_out = "say in each what it alone shows"
            names.findings.add(warning("KZ217", text, _head(test), labels=labels, help=way_out))
        walk = bodies.checks(Place.TEST, Effects())
        for step in test.steps:
            _step(names, walk, step)
    names.used = used


def _head(test: Test) -> Span:
    """Where a test's name stands, as far as that can be told."""
    span = test.span
    return Span(span.file, span.line, span.column, span.line, span.column + len('test ""') + len(test.name))


def _step(names: Names, walk: StatementChecks, step: Step) -> None:  # noqa: C901  a case for each kind of step
    match step:
        case GivenSetting(name=name, value=value):
            _setting(names, name, step.span)
            walk.infer(value)
        case GivenTable(table=table, key=key, value=value, lasting=lasting):
            walk.table(table, step.span)
            walk.table_key(key)
            walk.infer(value)
            if lasting is not None:
                walk.expect(lasting, DURATION, "what follows `lasting`")
        case GivenCall(call=call):
            _answered(names, walk, step, call)
        case EventStep():
            _event(names, walk, step)
        case PassTime(duration=duration):
            walk.expect(duration, DURATION, "what follows `pass`")
        case ExpectRoute(name=str() as name):
            _route(names, name, step.span)
        case ExpectCall(call=call):
            _expected(names, walk, call)
        case ExpectValue(condition=condition):
            walk.condition(condition)
        case ExpectEnd(why=why) if why is not None:
            walk.infer(why)


def _setting(names: Names, name: str, span: Span) -> None:
    known = [*names.settings, "node", "now"]
    if name not in known:
        way_out = did_you_mean(name, known, f"there are {one_of(known)}")
        names.findings.add(error("KZ203", f"there is no setting `{name}`", span, help=way_out))


def _answered(names: Names, walk: StatementChecks, step: GivenCall, call: Call) -> None:
    word = names.words.get(call.name)
    if word is not None and not word.fallible:
        text = f"`{call.name}` asks nobody, so a test cannot answer for it"
        names.findings.add(error("KZ319", text, call.name_span))
    walk.called(call)
    for value in (step.answers, step.fails):
        if value is not None:
            walk.infer(value)


def _event(names: Names, walk: StatementChecks, step: EventStep) -> None:
    known = [*names.subscriptions, *names.kamailios]
    if step.subscription is not None and step.subscription not in known:
        way_out = did_you_mean(step.subscription, known)
        text = f"there is no subscription and no Kamailio `{step.subscription}`"
        names.findings.add(error("KZ206", text, step.span, help=way_out))
    for argument in step.properties:
        walk.infer(argument.value)
        if argument.name not in PROPERTIES:
            way_out = did_you_mean(argument.name or "", PROPERTIES, f"there are {one_of(PROPERTIES)}")
            text = f"an event has no `{argument.name}`"
            fix = respelt(argument.span, argument.name or "", PROPERTIES)
            names.findings.add(error("KZ302", text, argument.span, help=way_out, fix=fix))
    walk.infer(step.payload)


def _route(names: Names, name: str, span: Span) -> None:
    known = {route.name for route in names.routes}
    if name not in known:
        text = f"there is no event route `{name}`"
        way_out = did_you_mean(name, known, "write it as it stands between the brackets")
        names.findings.add(error("KZ206", text, span, help=way_out))


def _expected(names: Names, walk: StatementChecks, call: Call) -> None:
    word = names.words.get(call.name)
    walk.called(call)
    if word is not None and word.doing is Doing.VALUE:
        text = f"`{call.name}` only gives a value: nothing happens that a test could expect"
        way_out = f"compare it: expect {call.name}(...) == ..."
        names.findings.add(error("KZ319", text, call.name_span, help=way_out))
