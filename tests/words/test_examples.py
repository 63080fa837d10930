"""Every example of every word, as the documentation shows it, through parser and compiler."""

import re
from pathlib import Path

import pytest

from kzrules import words as words_package
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.language.word import ASKING, Doing
from kzrules.message.identity import Identity
from kzrules.message.outcome import Reject
from kzrules.routing.book import Book
from kzrules.routing.tables import Tables
from kzrules.words import WORDS

EXAMPLES = [
    pytest.param(word, example, id=f"{word.name}: {example.code}")
    for word in WORDS.values()
    for example in word.examples
]
VALUES = [param for param in EXAMPLES if param.values[0].doing is Doing.VALUE]
DEEDS = [param for param in EXAMPLES if param.values[0].doing is not Doing.VALUE]


def book_of(statements):
    text = f"table calls {{ ttl: 1h, default: 0 }}\nevent_route[kazoo:mod-init] {{\n{statements}\n}}\n"
    tree, findings = parse(text, "example.kzr")
    assert [finding.message for finding in findings] == []
    declared = declare([tree], {}, "node", words=WORDS)
    program = compile_program([tree], declared, WORDS)
    return Book(
        program, declared, Identity("host", "kzrules", "1", "x"), Tables(declared.tables.values()), {}
    )


def ended(statements, given):
    return book_of(statements).run_own("kazoo:mod-init", dict(given or {}), 1_790_000_000.5)


@pytest.mark.parametrize(("word", "example"), VALUES)
def test_an_example_gives_or_fails_as_it_says(word, example):
    if example.fails is not None:
        step = ended(f"let got = {example.code}\ninfo(got)", example.given)
        assert isinstance(step.outcome, Reject)
        assert example.fails in step.outcome.why
    else:
        step = ended(
            f"let got = {example.code}\nlet wanted = {example.gives}\n"
            'if got == wanted { info("same") } else { info(got) }',
            example.given,
        )
        assert [log.text for log in step.logs] == ["same"], step.outcome


@pytest.mark.parametrize(("word", "example"), DEEDS)
def test_an_example_of_a_deed_can_be_written_so(word, example):
    assert book_of(("let x = " if word.doing in ASKING else "") + example.code).generation > 0


def test_every_word_has_examples_and_every_word_that_can_refuse_shows_a_refusal():
    lacking = [word.name for word in WORDS.values() if not word.examples]
    never_refused = [
        word.name
        for word in WORDS.values()
        if word.doing is Doing.VALUE
        and word.parameters
        and not any(example.fails for example in word.examples)
    ]
    assert lacking == []
    assert never_refused == ["text"]


def test_every_parameter_says_what_it_is():
    assert all(parameter.about for word in WORDS.values() for parameter in word.parameters)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", word.name) for word in WORDS.values())


def test_every_word_file_is_listed_under_its_own_name():
    shared = {"__init__", "arguments", "patterns", "remote", "sip_uri"}
    folder = Path(words_package.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - shared == set(WORDS)
    assert [name for name, word in WORDS.items() if word.name != name] == []
