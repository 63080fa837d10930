"""Converted configurations check clean, stand as `kzrules fmt` writes them, and do what the originals do.

The expected rules in `golden/` are made by `kzrules convert configs/X/MAIN.cfg -o golden/X --force`, and read
over by a person when they change.
"""

from pathlib import Path

import pytest

from kzrules.convert.convert import convert
from kzrules.language import tree
from kzrules.language.check import check
from kzrules.language.format import format_file
from kzrules.language.source import read_program
from kzrules.message.identity import Identity
from kzrules.routing import trial
from kzrules.routing.load import load, validators
from kzrules.words import WORDS

HERE = Path(__file__).parent
MAINS = {"stock": "lamps.cfg", "fork": "default.cfg"}


def converted(dialect):
    return convert(HERE / "configs" / dialect / MAINS[dialect])


def written(files, folder):
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("dialect", MAINS)
def test_the_rules_are_those_that_a_person_has_read(dialect):
    made = converted(dialect).files
    expected = {path.name: path.read_text() for path in (HERE / "golden" / dialect).iterdir()}
    assert expected == dict(made)


@pytest.mark.parametrize("dialect", MAINS)
def test_the_rules_have_no_finding_and_are_in_form(dialect, tmp_path):
    sources = read_program([written(converted(dialect).files, tmp_path)])
    found = check(sources.files, WORDS, earlier=sources.findings, texts=sources.texts)
    assert [f"{one.span} {one.code} {one.message}" for one in found] == []
    assert [format_file(file) for file in sources.files] == [
        sources.texts[file.path] for file in sources.files
    ]


@pytest.mark.parametrize("dialect", MAINS)
def test_the_rules_do_what_their_tests_say(dialect, tmp_path):
    written(converted(dialect).files, tmp_path)
    (tmp_path / "tests.kzr").write_text((HERE / "rules" / f"{dialect}.kzr").read_text())
    whole = load([tmp_path], {}, "node.example.com", Identity("host", "kzrules", "1", "x"))
    assert whole.book is not None, whole.findings
    rules = trial.Rules(whole.files, WORDS, validators(whole.files), whole.texts)
    tests = [item for file in whole.files for item in file.declarations if isinstance(item, tree.Test)]
    assert len(tests) >= 5
    for test in tests:
        verdict = trial.run(rules, test)
        assert verdict.passed, (test.name, [mismatch.message for mismatch in verdict.mismatches])


def test_every_gap_is_marked_where_it_is_with_the_line_that_it_comes_from():
    made = converted("stock")
    text = "\n".join(made.files.values())
    assert {one.kind for one in made.summary.gaps} == {
        "dispatcher", "leak", "log level", "loop", "presence", "publish result",
        "registrar", "rpc", "sip", "sql", "table", "transformation", "variable",
    }  # fmt: skip
    for gap in made.summary.gaps:
        assert f"# kz gap: {gap.kind}: " in text
        if gap.kind != "leak":
            assert f"#   {gap.place}: " in text or gap.place.text.strip()[:30] in text or gap.kind == "table"


def test_no_password_and_no_user_is_written():
    assert "not-for-rules" not in "\n".join(converted("stock").files.values())
    assert 'login: secret("broker")' in converted("stock").files["lamps.kzr"]


def test_comments_are_kept():
    text = "\n".join(converted("stock").files.values())
    for comment in ("# who calls", "# be changed into.", "# Who is parked where.", "# Call states, from"):
        assert comment in text


def test_what_is_about_sip_requests_is_listed():
    stays = [(name, uses) for name, _, uses in converted("stock").summary.stays]
    assert [("request_route", "kazoo_query")] == stays
    assert "# What stays in Kamailio" in converted("stock").files["lamps.kzr"]
