"""Shipped rules check without a finding, pass their own tests, and stand as `kzrules fmt` writes them."""

from pathlib import Path

import pytest

from kzrules.language import tree
from kzrules.language.format import format_file
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
