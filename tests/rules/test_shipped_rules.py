"""Shipped rules check without a finding, pass their own tests, and stand as `kzrules fmt` writes them."""

import json
from pathlib import Path

import pytest

from kzrules.language import tree
from kzrules.language.format import format_file
from kzrules.language.parse import parse
from kzrules.language.places import programs
from kzrules.message.identity import Identity
from kzrules.routing import trial
from kzrules.routing.load import load, validators
from kzrules.words import WORDS

ROOT = Path(__file__).parents[2] / "rules"
TOPICS = ["demo", "nodes", "presence", "registrar", "trusted"]


def loaded(topic):
    return load([ROOT / topic], {}, "node.example.com", Identity("host", "kzrules", "1", "x"))


def every_test():
    for topic in TOPICS:
        whole = loaded(topic)
        rules = trial.Rules(whole.files, WORDS, validators(whole.files), whole.texts)
        for file in whole.files:
            for item in file.declarations:
                if isinstance(item, tree.Test):
                    yield pytest.param(rules, item, id=f"{topic}: {item.name}")


def test_each_topic_is_a_program_of_its_own():
    assert len(programs([ROOT])) == len(TOPICS)
    assert sorted(path.name for path in ROOT.iterdir() if path.is_dir()) == TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_a_shipped_program_has_no_finding(topic):
    whole = loaded(topic)
    assert [f"{finding.span} {finding.message}" for finding in whole.findings] == []
    assert whole.book is not None


@pytest.mark.parametrize(("rules", "test"), list(every_test()))
def test_a_test_of_shipped_rules_passes(rules, test):
    verdict = trial.run(rules, test)
    assert verdict.passed, "\n".join(mismatch.message for mismatch in verdict.mismatches)


def search(count):
    """A test that a summary of so many phones comes in pieces of the fifty that the rules ship with."""
    names = [str(1000 + number) for number in range(count)]
    given = [f'given contacts[["acme.com", "{name}"]] = {{ "AOR": "sip:{name}@acme.com" }}' for name in names]
    told = [json.dumps([f"{name}@acme.com" for name in names[at : at + 50]]) for at in range(0, count, 50)]
    expected = [f'expect reply(has {{ "Registrations": {piece} }}, last: false)' for piece in told]
    return "\n".join(
        [
            'test "a search" {',
            f'given members["acme.com"] = {json.dumps(dict.fromkeys(names, True))}',
            *given,
            'event { "Event-Category": "registration", "Event-Name": "search_req", "Search-Type": "summary",',
            '"Realm": "acme.com", "Server-ID": "apps@host", "Msg-ID": "q1" }',
            *expected,
            'expect reply(has { "Event-Name": "search_resp", "Registrations": [] }, last: true)',
            "expect done",
            "}",
        ]
    )


@pytest.mark.parametrize("count", [0, 1, 50, 51])
def test_a_search_is_answered_in_pieces_of_fifty_rows(count):
    whole = loaded("registrar")
    file, findings = parse(search(count), "search.kzr")
    assert [finding.message for finding in findings] == []
    rules = trial.Rules((*whole.files, file), WORDS, validators(whole.files), whole.texts)
    verdict = trial.run(rules, file.declarations[0])
    assert [mismatch.message for mismatch in verdict.mismatches] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_shipped_rules_are_formatted(topic):
    whole = loaded(topic)
    for file in whole.files:
        assert format_file(file) == whole.texts[file.path], file.path


def test_the_demonstration_touches_nothing_but_its_own_exchanges_and_queues():
    book = loaded("demo").book
    names = {spec.exchange.name for spec in book.subscriptions.values()}
    names |= {spec.queue.name for spec in book.subscriptions.values()}
    names |= {spec.on_failure.dead_letter for spec in book.subscriptions.values()}
    assert all(name.startswith("kzdemo.") for name in names), names
