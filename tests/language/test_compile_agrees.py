"""Compiled rules do what a plain tree-walking evaluator does, on random programs and payloads."""

import importlib.util
import json
import random
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.language import tree as t
from kzrules.language.compile import compile_program
from kzrules.language.declare import Declared
from kzrules.language.program import TableSpec
from kzrules.language.values import hashable
from kzrules.message.outcome import Ack, Cause, Place, Reject, Retry
from kzrules.message.payload import Stamp
from kzrules.routing import decide
from kzrules.routing.book import asked
from kzrules.routing.run import Ground, Run
from kzrules.routing.tables import Tables
from kzrules.words.answer import WORD as ANSWER
from kzrules.words.info import WORD as INFO
from kzrules.words.len import WORD as LEN
from kzrules.words.lower import WORD as LOWER


def beside(name):
    """A module that stands beside this one: tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


evaluator, programs = beside("evaluator"), beside("programs")
node, HERE, SETTINGS = programs.node, programs.HERE, programs.SETTINGS
WORDS = {word.name: word for word in (ANSWER, INFO, LEN, LOWER)}
SPEC = TableSpec("tab", Place("r.kzr", 1))


def compiled(body, sub, *, instrument=False):
    route = node(t.EventRoute, "kazoo:consumer-event", None, None, body, HERE)
    subroutine = node(t.Route, "sub", ("arg",), sub, HERE)
    file = node(t.RuleFile, "r.kzr", (route, subroutine))
    declared = Declared(SETTINGS, None, (), {}, {"tab": SPEC}, ())
    return compile_program([file], declared, WORDS, instrument=instrument)


def outcome_of(program, payload):
    tables = Tables([SPEC])
    ground = Ground(program, tables, Stamp("a", "1", "n", "s"), decide.delayed)
    run = Run(ground, payload, 0.0, asked("proxy", "r", payload, 0.0, 60.0), "r")
    step = decide.start(run, program.routes["kazoo:consumer-event"][0].body)
    written = {hashable(entry.key): entry.value for entry in tables["tab"].live(0.0)}
    logs = [log.text for log in step.logs]
    logs += [json.loads(action.body) for action in step.actions]
    match step.outcome:
        case Ack(why=why):
            return ("done", why), written, logs
        case Retry(why=why):
            return ("retry", why), written, logs
        case Reject(cause=Cause.ERROR, why=why):
            assert "Error" not in why, why
            return ("fails", ""), written, logs[:-1]
        case Reject(why=why):
            return ("reject", why), written, logs
    raise AssertionError(step)


def expected_of(body, sub, payload):
    world = evaluator.World(payload, SETTINGS, routes={"sub": node(t.Route, "sub", ("arg",), sub, HERE)})
    end = evaluator.run(body, world)
    kept = {} if end[0] in {"retry", "fails"} else world.table
    return end, kept, world.logs + world.answers


def canonical(result):
    end, table, logs = result
    keys = {
        str(key).replace("<class 'bool'>", "'bool'").replace("<class 'list'>", "'list'"): value
        for key, value in table.items()
    }
    return end, repr(sorted(keys.items(), key=str)), logs


SEEDS = st.integers(0, 2**32)


def program_of(seed):
    rng = random.Random(seed)
    made = programs.Programs(rng)
    return made.block(), programs.Programs(rng, subroutine=False).subroutine(), made.payload()


@settings(max_examples=1000, deadline=None)
@given(SEEDS)
def test_compiled_rules_do_what_the_plain_evaluator_does(seed):
    body, sub, payload = program_of(seed)
    assert canonical(expected_of(body, sub, payload)) == canonical(outcome_of(compiled(body, sub), payload))


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_instrumented_rules_do_the_same(seed):
    body, sub, payload = program_of(seed)
    watched = compiled(body, sub, instrument=True)
    assert canonical(outcome_of(compiled(body, sub), payload)) == canonical(outcome_of(watched, payload))
