"""Golden cases: in `cases/*.kzr` each line that causes a finding says which, in a comment at its end.

Cases are parted by lines `#---`; each is a program of its own. `#! KZ201 error` expects one finding;
several are parted by commas.
"""

import re
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.codes import CODES
from kzrules.language.parse import parse
from kzrules.words import WORDS

HERE = Path(__file__).parent
EXPECTED = re.compile(r"#! (KZ\d+(?:, KZ\d+)*)")


def cases():
    for path in sorted((HERE / "cases").glob("*.kzr")):
        line = 1
        for number, text in enumerate(path.read_text().split("#---\n")):
            yield pytest.param(text, id=f"{path.stem}-{number}-line-{line}")
            line += text.count("\n") + 1


def expected_in(text):
    return sorted(
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        for found in EXPECTED.findall(line)
        for code in found.split(", ")
    )


@pytest.mark.parametrize("text", list(cases()))
def test_each_line_gives_what_stands_beside_it(text):
    path = str(HERE / "page" / "case.kzr")
    tree, found = parse(text, path)
    findings = check([tree], WORDS, earlier=found, texts={path: text})
    assert sorted((one.span.line, one.code) for one in findings) == expected_in(text)
    assert all(one.message and one.severity is CODES[one.code].severity for one in findings)


def test_every_code_of_the_checker_has_three_cases():
    told = [code for case in cases() for _, code in expected_in(case.values[0])]
    few = {code: told.count(code) for code in CODES if code[2] in "2345" and told.count(code) < 3}
    assert few == {}
