"""Golden cases: in `cases/*.kzr` each line that causes a finding says which, in a comment at its end.

Cases are parted by lines `#---`; each is a program of its own, read as `case.kzr`. `#! KZ201` expects
one finding, several are parted by commas; `#!-1 KZ901` expects it on the line before.
"""

import re
import shutil
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.findings.codes import CODES
from kzrules.language.source import read_program
from kzrules.words import WORDS

HERE = Path(__file__).parent
EXPECTED = re.compile(r"#!(-\d+)? (KZ\d+(?:, KZ\d+)*)")
OF_A_PATH = {"KZ150", "KZ151", "KZ152", "KZ153", "KZ154", "KZ155"}
"""What is wrong with a path, not with a line: their cases are in `test_source`."""


def cases():
    for path in sorted((HERE / "cases").glob("*.kzr")):
        line = 1
        for number, text in enumerate(path.read_text().split("#---\n")):
            yield pytest.param(text, id=f"{path.stem}-{number}-line-{line}")
            line += text.count("\n") + 1


def expected_in(text):
    return sorted(
        (number + int(back or 0), code)
        for number, line in enumerate(text.splitlines(), 1)
        for back, found in EXPECTED.findall(line)
        for code in found.split(", ")
    )


@pytest.mark.parametrize("text", list(cases()))
def test_each_line_gives_what_stands_beside_it(text, tmp_path):
    for schema in (HERE / "page").glob("*.json"):
        shutil.copy(schema, tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "case.kzr").write_text(text)
    sources = read_program([tmp_path / "case.kzr"])
    findings = check(sources.files, WORDS, earlier=sources.findings, texts=sources.texts)
    assert sorted((one.span.line, one.code) for one in findings) == expected_in(text)
    assert all(one.message and one.severity is CODES[one.code].severity for one in findings)


def test_every_code_has_three_cases():
    told = [code for case in cases() for _, code in expected_in(case.values[0])]
    few = {code: told.count(code) for code in CODES if code not in OF_A_PATH and told.count(code) < 3}
    assert few == {}
