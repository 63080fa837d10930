"""Rule sets, loaded for trying out: `trace` and `diff` put captured events onto them."""

import time
from collections.abc import Sequence

import click

from kzrules.cli.checked import checked
from kzrules.cli.events import Captured
from kzrules.cli.formats.full import drawn
from kzrules.cli.report import Report
from kzrules.cli.terminal import Terminal
from kzrules.language.places import programs
from kzrules.routing.act import Act
from kzrules.routing.load import validators
from kzrules.routing.stage import Arrival, Stage
from kzrules.routing.trial import Rules
from kzrules.words import WORDS


class Broken(click.ClickException):
    """The rules have errors: they are shown, and nothing is tried."""

    exit_code = 1


def stages(paths: Sequence[str], terminal: Terminal, now: float | None = None) -> list[tuple[Rules, Stage]]:
    """A stage for each program; `now` is the time at which they start."""
    now = time.time() if now is None else now
    made = []
    for group in programs(paths):
        sources, findings = checked(group)
        errors = tuple(finding for finding in findings if finding.is_error)
        if errors:
            terminal.stream.write(drawn(Report(errors, sources.texts, ()), terminal))
            raise Broken("the rules have errors; nothing was tried")
        rules = Rules(sources.files, WORDS, validators(sources.files), sources.texts)
        declared, program = rules.under({})
        if declared.subscriptions or declared.kamailios:
            made.append((rules, Stage(program, declared, rules.validators, WORDS, now)))
    if not made:
        raise click.UsageError("the rules have no `subscribe` and no `kamailio`, so no event can reach them")
    return made


def place(event: Captured, on: Sequence[tuple[Rules, Stage]]) -> tuple[Rules, Stage, Arrival]:
    """The first program that has a route for the event, or else the first one."""
    tried = []
    for rules, stage in on:
        if event.subscription is not None and event.subscription not in stage.book.sources:
            continue
        stage.otherwise = event.answer
        arrival = stage.arrive(event.raw, event.about, event.subscription)
        tried.append((rules, stage, arrival))
        if arrival.found is not None and arrival.found.routes:
            return tried[-1]
    if not tried:
        raise click.UsageError(f"there is no subscription {event.subscription}")
    return tried[0]


def play(event: Captured, on: Sequence[tuple[Rules, Stage]]) -> Act:
    """What an event does."""
    _, stage, arrival = place(event, on)
    act = Act()
    stage.deliver(event.raw, event.about, act, arrival.spec.name)
    recorder = stage.book.program.recorder
    if recorder is not None:
        recorder.clear()
    return act
