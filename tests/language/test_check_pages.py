"""Every page of the registry: its wrong example gives its code alone, its right one gives nothing."""

import re
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.codes import CODES
from kzrules.language.parse import parse
from kzrules.words import WORDS

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "kzrules" / "language"
OURS = [code for code in CODES if code[2] in "2345"]


def findings_of(text):
    path = str(HERE / "page" / "example.kzr")
    tree, found = parse(text, path)
    return check([tree], WORDS, earlier=found, texts={path: text})


@pytest.mark.parametrize("code", OURS)
def test_the_wrong_example_gives_its_code_alone(code):
    found = findings_of(CODES[code].wrong)
    assert [(one.code, one.severity) for one in found] == [(code, CODES[code].severity)]


@pytest.mark.parametrize("code", OURS)
def test_the_right_example_gives_nothing(code):
    assert findings_of(CODES[code].right) == []


def test_every_code_of_the_checker_has_a_page_and_the_same_severity():
    used = {}
    for path in PACKAGE.glob("*.py"):
        if path.name.startswith(("check", "declare", "reach", "silence")):
            for severity, code in re.findall(r'\b(error|warning)\(\s*"(KZ\d+)"', path.read_text()):
                used.setdefault(code, set()).add(severity)
    assert len(used) > 50
    assert {code: {CODES[code].severity.value} for code in used} == used
