"""Broken input gives findings, never a traceback; and what checks clean can be compiled."""

import random
import re
import time
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.findings.codes import CODES
from kzrules.language.parse import parse
from kzrules.words import WORDS

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules"
PATH = str(HERE / "page" / "broken.kzr")
TOKENS = re.compile(r'"[^"\n]*"|[\w.-]+|\s+|.')


def sources():
    shipped = [path.read_text() for path in sorted(RULES.glob("*/*.kzr"))]
    cases = [
        text for path in sorted((HERE / "cases").glob("*.kzr")) for text in path.read_text().split("#---\n")
    ]
    pages = [text for code in CODES for text in (CODES[code].wrong, CODES[code].right)]
    return shipped + cases + pages


def checked(text):
    """The findings; a program without errors has to compile."""
    tree, found = parse(text, PATH)
    findings = check([tree], WORDS, earlier=found, texts={PATH: text})
    if not any(finding.is_error for finding in findings):
        compile_program([tree], declare([tree], {}, "node", words=WORDS), WORDS)
    return findings


def mutated(tokens, every, chance):
    tokens = list(tokens)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(tokens)) if tokens else 0
        change = chance.random()
        if change < 0.3 and tokens:
            del tokens[place]
        elif change < 0.6 or not tokens:
            tokens.insert(place, chance.choice(every))
        else:
            tokens[place] = chance.choice(every)
    return "".join(tokens)


def test_every_program_that_checks_clean_compiles():
    clean = sum(1 for text in sources() if not any(finding.is_error for finding in checked(text)))
    assert clean > 80


@pytest.mark.parametrize("seed", range(4))
def test_mutated_rules_give_findings_and_no_traceback(seed):
    chance = random.Random(seed)
    tokens = [TOKENS.findall(text) for text in sources()]
    every = [token for one in tokens for token in one]
    for _ in range(150):
        text = mutated(chance.choice(tokens), every, chance)
        assert all(finding.code in CODES and finding.message for finding in checked(text)), text


@pytest.mark.parametrize("piece", ["$(a", "x ? ", "`", "a.b(", "&&", "let a: b = "])
def test_much_nonsense_is_told_in_few_findings_and_a_time_that_grows_with_it_only(piece):
    def took(size):
        began = time.process_time()
        found = parse(piece * (size // len(piece)), "x.kzr")[1]
        assert 0 < len(found) <= 200
        return time.process_time() - began

    took(1000)
    assert took(200_000) < 12 * took(40_000)  # five times as much; by its square it were 25 times
