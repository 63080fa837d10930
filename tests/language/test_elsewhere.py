import re

import pytest

from kzrules.language.parse import parse
from kzrules.language.slips import fingers
from kzrules.language.slips.elsewhere import CALLS, METHODS, NAMES, OPERATORS, method
from kzrules.words import WORDS

NO_WORDS = {"done", "retry", "reject", "name", "NAME", "secret", "not", "docs", "later"}


def test_each_advice_names_words_that_there_are():
    advice = [*CALLS.values(), *NAMES.values(), *METHODS.values(), *OPERATORS.values()]
    named = {word for text in advice for word in re.findall(r"\b([a-z_0-9]+)\(", text)}
    assert named - set(WORDS) - NO_WORDS == set()


def test_no_word_of_ours_is_taken_for_a_foreign_one():
    assert set(CALLS) & set(WORDS) == set()


def test_a_method_is_told_with_the_value_that_it_is_called_on():
    assert method(".Realm", "toLowerCase") == "write `lower(.Realm)`"
    assert method("event", "get") == "write `payload[...]` or `payload.Name`"


def test_names_that_mean_something_elsewhere_may_be_set_here():
    text = "".join(
        f"    let {name} = 1\n    info({name})\n    {name} = {name} + 1\n"
        for name in (
            "is",
            "eq",
            "new",
            "def",
            "const",
            "set",
            "print",
            "case",
            "default",
            "of",
            "pass",
            "unless",
        )
    )
    assert parse(f"every 1s {{\n{text}}}\n", "x.kzr")[1] == []


@pytest.mark.parametrize("name", ["queue", "exchange", "fork", "children", "listen", "modparam"])
def test_names_that_mean_something_elsewhere_may_be_set_and_told_in_a_text(name):
    text = f'    let {name} = "a"\n    info("it is {{{name}}}")\n'
    assert parse(f"language 1\nevent_route[kazoo:consumer-event] {{\n{text}}}\n", "x.kzr")[1] == []


@pytest.mark.parametrize("name", sorted(fingers.NAMES))
def test_what_stands_elsewhere_stands_in_the_braces_of_a_text_without_a_traceback(name):
    for inner in (name, f"{name}()", f"{name};", f"{name} {name}", f"${name}"):
        tree, found = parse(f'event_route[kazoo:consumer-event] {{ info("{{{inner}}}") }}\n', "x.kzr")
        assert tree.declarations or found, inner


def test_a_colon_behind_the_queue_is_one_of_a_subscription_only():
    told = parse('subscribe s { queue: "q" routing: ["#"] }\n', "x.kzr")[1]
    assert [one.code for one in told] == ["KZ137"]
    inner = 'event_route[kazoo:consumer-event] { let o = { queue: "q" } info("{o}") }\n'
    assert [one.code for one in parse(inner, "x.kzr")[1]] == ["KZ112"]
