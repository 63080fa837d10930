"""Files become code: under their own names and lines, kept by content, and free of Python's own traps."""

import dis
import warnings

import pytest

from kzrules.language import cache
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.language.tree import Field, children
from kzrules.words import WORDS

TEXT = """setting limit = 5m
setting names = "{limit}"
event_route[n] when .A in ["a", "b", "c", "d", "e"] and .B matches /^x/ {
    publish("x", key("a", "b.c", node), { "T": limit / 1s, "N": names })
    done("{.A ?? names}")
}
"""


def compiled(text=TEXT, *, overrides=None, keep=True, instrument=False, path="f.kzr"):
    tree, findings = parse(text, path)
    assert [] == findings
    declared = declare([tree], overrides or {}, "host", words=WORDS)
    assert () == declared.findings
    texts = {path: text} if keep else None
    return compile_program([tree], declared, WORDS, instrument=instrument, texts=texts)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("KZRULES_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kzrules" / "language"


def test_code_stands_under_the_files_name_and_lines():
    body = compiled().routes["n"][0].body.__code__
    assert "f.kzr" == body.co_filename
    lines = {line for _, _, line in body.co_lines() if line is not None}
    assert {4, 5} <= lines <= {3, 4, 5}


def test_code_is_kept_by_content_and_by_what_it_depends_on(own_cache):
    first = compiled()
    kept = set(own_cache.glob("code-*"))
    assert 1 == len(kept)
    again = compiled()
    assert kept == set(own_cache.glob("code-*"))
    assert first.routes["n"][0].body.__code__ == again.routes["n"][0].body.__code__
    compiled(overrides={"limit": "1m"})
    assert 2 == len(set(own_cache.glob("code-*")))


def test_kept_code_that_was_changed_is_made_anew(own_cache):
    compiled()
    (kept,) = own_cache.glob("code-*")
    kept.write_bytes(b"x" * 100)
    assert compiled().routes["n"][0].when(None, {"A": "a", "B": "xy"}) is True


def test_kept_code_tells_of_the_nodes_of_the_tree_at_hand(own_cache):
    told = []
    for _ in range(2):
        program = compiled(instrument=True)
        assert program.routes["n"][0].when(None, {"A": "a", "B": "xy"}) is True
        told.append(program.recorder.seen)
        within = set(map(id, below(program.routes["n"][0].node)))
        assert all(id(node) in within for node, _ in program.recorder.seen)
    assert 1 == len(list(own_cache.glob("code-*")))
    assert told[0] == told[1]
    assert [node.span for node, _ in told[0]] == [node.span for node, _ in told[1]]
    assert compiled().recorder is None
    assert 2 == len(list(own_cache.glob("code-*")))


def below(node):
    return [node, *(further for child in children(node) for further in below(child))]


def test_what_is_kept_has_a_bound_in_bytes(own_cache, monkeypatch):
    for number in range(5):
        cache.write("code", f"n{number}", b"x" * 1000)
    monkeypatch.setattr(cache, "MOST_BYTES", 3200)
    cache._private.cache_clear()
    assert cache.read("code", "n0") is None
    assert 3 == len(list(own_cache.glob("code-*")))


def test_constants_are_worked_out_at_load():
    code = compiled(keep=False).routes["n"][0].body.__code__
    assert "a.b%2Ec.host" in code.co_consts
    assert 300.0 in code.co_consts
    assert "5m" in code.co_consts


def test_texts_are_looked_up_in_a_set_and_fields_read_without_a_call_of_ours():
    code = compiled(keep=False).routes["n"][0].when.__code__
    assert frozenset("abcde") in code.co_consts
    calls = [one for one in dis.get_instructions(code) if one.opname.startswith("CALL")]
    assert 3 == len(calls)


def test_what_is_odd_in_python_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled('event_route[n] when 1 == null { let a = "x" ?? 1 }', keep=False).routes["n"]


def test_an_instrumented_program_tells_each_node_with_its_value():
    program = compiled(keep=False, instrument=True)
    assert program.routes["n"][0].when(None, {"A": "a", "B": "xy"}) is True
    told = [(node.name, value) for node, value in program.recorder.seen if isinstance(node, Field)]
    assert [("A", "a"), ("B", "xy")] == told


def test_a_file_of_many_routes_and_a_long_chain_compile():
    chain = " and ".join(f'.F{number} == "{number}"' for number in range(90))
    assert compiled(f"event_route[n] when {chain} {{ }}", keep=False).routes["n"]
