import re
from pathlib import Path

import pytest
from lark import Lark

from kzrules.language import cache
from kzrules.language.grammar import STARTS, tables
from kzrules.language.parse import parse

GRAMMAR = (Path(__file__).parents[2] / "grammar" / "kzrules.lark").read_text("utf-8")
EXAMPLES = re.findall(r"// ```kzr\n(.*?)// ```", GRAMMAR, re.DOTALL)


def test_the_grammar_has_no_conflicts_and_no_terminals_that_collide():
    pytest.importorskip("interegular")
    lark = Lark(GRAMMAR, parser="lalr", start=list(STARTS), strict=True)
    assert len(lark.rules) > 200


def test_every_terminal_has_a_name():
    lark = Lark(GRAMMAR, parser="lalr", start=list(STARTS))
    assert [terminal.name for terminal in lark.terminals if terminal.name.startswith("__")] == []


def test_keywords_are_no_names():
    lark = Lark(GRAMMAR, parser="lalr", start=list(STARTS))
    pattern = next(terminal for terminal in lark.terminals if terminal.name == "NAME").pattern.value
    soft = {rule.expansion[0].name for rule in lark.rules if rule.origin.name == "name"}
    for word, kind in tables().words.items():
        if word.isalpha() and kind not in soft and kind != "HAS":
            assert re.fullmatch(pattern, word) is None, word


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_grammar_parses(example):
    text = re.sub(r"^// ?", "", example, flags=re.MULTILINE)
    as_statements = f"event_route[kazoo:consumer-event] {{ {text} }}"
    as_value = f"setting x = {text}"
    assert any(parse(one, "x.kzr")[1] == [] for one in (text, as_statements, as_value)), text


def test_tables_from_the_cache_are_those_that_lark_makes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tables.cache_clear()
    made = tables()
    assert list((tmp_path / "kzrules" / "language").iterdir()) != []
    tables.cache_clear()
    assert tables() == made


def test_a_damaged_cache_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.write("tree", "a", b"content")
    assert cache.read("tree", "a") == b"content"
    file = tmp_path / "kzrules" / "language" / "tree-a"
    file.write_bytes(file.read_bytes()[:-1] + b"X")
    assert cache.read("tree", "a") is None


def test_a_cache_that_others_can_write_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "kzrules" / "language").mkdir(parents=True, mode=0o777)
    (tmp_path / "kzrules" / "language").chmod(0o777)
    cache.write("tree", "a", b"content")
    assert cache.read("tree", "a") is None


def test_the_cache_can_be_turned_off(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("KZRULES_CACHE", "off")
    cache.write("tree", "a", b"content")
    assert list(tmp_path.iterdir()) == []
