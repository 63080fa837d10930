import json
import re
from pathlib import Path

import pytest
from lark import Lark

from kzrules.language import cache
from kzrules.language.parse import parse
from kzrules.language.parsing import grammar
from kzrules.language.parsing.grammar import STARTS, Tables, built, tables, written

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


def test_the_tables_that_are_shipped_are_those_that_lark_makes_of_the_grammar():
    """In whatever order: lark numbers states and rules anew each time."""
    shipped, made = tables(), Tables(*built(GRAMMAR))
    assert (shipped.words, shipped.patterns) == (made.words, made.patterns)
    pairs = {(shipped.starts[name], made.starts[name]) for name in STARTS}
    ends = {(shipped.ends[name], made.ends[name]) for name in STARTS}
    left = list(pairs)
    while left:
        one, other = left.pop()
        for rows, others in ((shipped.actions, made.actions), (shipped.gotos, made.gotos)):
            assert rows[one].keys() == others[other].keys(), "stale: run `make docs`"
            steps = {(rows[one][kind], others[other][kind]) for kind in rows[one]}
            for rule, same in ((a, b) for a, b in steps if a < 0 or b < 0):
                assert json.dumps(shipped.rules[~rule]) == json.dumps(made.rules[~same])
            new = {(a, b) for a, b in steps if a >= 0 and b >= 0} - pairs
            pairs |= new
            left += new
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    assert ends <= pairs


def test_a_grammar_that_was_changed_has_tables_of_its_own(tmp_path, monkeypatch):
    changed = GRAMMAR.replace('"reject"', '"refuse"')
    (tmp_path / "kzrules.lark").write_text(changed, "utf-8")
    (tmp_path / "kzrules.json").write_text(written(GRAMMAR), "utf-8")
    monkeypatch.setattr(grammar, "shipped", lambda _name: tmp_path)
    assert "reject" in tables().words
    tables.cache_clear()
    try:
        assert ("refuse" in tables().words, "reject" in tables().words) == (True, False)
    finally:
        tables.cache_clear()


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
