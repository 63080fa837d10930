"""Tables: time to live, limits, counting, and what a reload keeps."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.language.program import TableSpec
from kzrules.message.outcome import Place
from kzrules.routing import tables
from kzrules.routing.tables import Expired, Table, Tables


def table(**settings) -> Table:
    return Table(TableSpec("t", Place("t.kzr", 1), **settings))


def test_an_entry_lives_for_the_tables_time():
    one = table(ttl=10.0, default=0)
    one.write("a", 5, 100.0)
    assert 5 == one.read("a", 109.9)
    assert 0 == one.read("a", 110.0)


def test_lasting_overrules_the_tables_time():
    one = table(ttl=10.0)
    one.write("a", 5, 100.0, 60.0)
    assert 5 == one.read("a", 159.0)
    assert one.read("a", 160.0) is None


def test_writing_renews_the_time_and_reading_does_not():
    one = table(ttl=10.0)
    one.write("a", 1, 100.0)
    one.write("a", 2, 105.0)
    assert 2 == one.read("a", 114.0)
    assert [] == one.expire(110.0)
    assert [Expired("t", "a", 2)] == one.expire(115.0)
    assert [] == one.expire(200.0)


def test_incrementing_does_not_renew_the_time():
    one = table(ttl=10.0)
    one.write("a", 1, 100.0)
    assert 2 == one.increment("a", 1, 109.0)
    assert [Expired("t", "a", 2)] == one.expire(110.0)
    assert 1 == one.increment("a", 1, 111.0)


def test_full_the_oldest_goes_and_is_counted():
    one = table(limit=2)
    for key in "abc":
        one.write(key, key, 0.0)
    one.write("b", "new", 0.0)
    one.write("d", "d", 0.0)
    assert {"b", "d"} == set(one.entries)
    assert 2 == one.evicted


def test_true_is_not_the_key_1_and_a_list_is_a_key():
    one = table()
    one.write(True, "truth", 0.0)
    one.write(1, "number", 0.0)
    one.write(["u", "r"], "pair", 0.0)
    assert {"truth", "number", "pair"} == {entry.value for entry in one.live(0.0)}
    assert [Expired("t", ["u", "r"], "pair")] != one.expire(1.0)


def test_an_object_is_no_key():
    with pytest.raises(RuleFailure, match="a key is text, a number or a list"):
        table().write({}, 1, 0.0)


def test_counting_in_what_is_no_number_fails():
    one = table()
    one.write("a", "x", 0.0)
    with pytest.raises(RuleFailure, match="the entry of t is text, not a number"):
        one.increment("a", 1, 0.0)


def test_counting_starts_from_the_default():
    assert 11 == table(default=10).increment("a", 1, 0.0)


def test_no_two_threads_are_given_the_same_number():
    one, given_numbers = table(), []

    def work():
        given_numbers.extend(one.increment("a", 1, 0.0) for _ in range(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(1, 2001)) == sorted(given_numbers)


def test_a_snapshot_restores_what_lives():
    spec = TableSpec("t", Place("t.kzr", 1), ttl=10.0)
    old = Tables([spec])
    old["t"].write("a", 1, 100.0)
    old["t"].write(["b", 2], {"x": 1}, 105.0, 100.0)
    new = Tables([spec, TableSpec("other", Place("t.kzr", 2))])
    new.restore(old.snapshot(111.0))
    assert new["t"].read("a", 111.0) is None
    assert [["b", 2], {"x": 1}, 205.0] == new.snapshot(111.0)["t"][0]
    assert 205.0 == new.next_expiry()


def test_tables_go_on_under_new_rules_while_old_ones_still_write():
    old = Tables([TableSpec("t", Place("t.kzr", 1))])
    new = old.adopted([TableSpec("t", Place("t.kzr", 5), default=7), TableSpec("u", Place("t.kzr", 6))])
    old["t"].write("a", 1, 0.0)
    assert (1, None) == (new["t"].read("a", 0.0), new["t"].read("b", 0.0))
    new.take_over()
    assert (1, 7) == (new["t"].read("a", 0.0), new["t"].read("b", 0.0))
    old.take_over()
    assert (1, None) == (new["t"].read("a", 0.0), new["t"].read("b", 0.0)), "the old rules are back"
    assert ["t", "u"] == list(new)


def test_the_queue_of_deadlines_does_not_grow_by_rewriting():
    one = table(ttl=10.0)
    for turn in range(10_000):
        one.write("a", turn, float(turn))
    assert len(one._deadlines) < 2000
    assert [Expired("t", "a", 9999)] == one.expire(20_000.0)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 20)), max_size=40))
def test_a_table_is_a_dictionary_with_deadlines(writes):
    one, model, now = table(), {}, 0.0
    for key, lasting in writes:
        now += 1
        one.write(key, lasting, now, float(lasting))
        model[key] = (lasting, now + lasting)
        alive = {key: value for key, (value, until) in model.items() if until > now}
        assert alive == {entry.key: entry.value for entry in one.live(now)}
    over = one.expire(now)
    assert {key for key, (_, until) in model.items() if until <= now} == {entry.key for entry in over}


def test_a_table_is_bounded_by_the_weight_of_its_entries_too(monkeypatch):
    monkeypatch.setattr(tables, "MOST_WEIGHT", 1_100)
    one = table(limit=100)
    for key in "abcd":
        one.write(key, {"text": "x" * 300}, 100.0)
    assert (["b", "c", "d"], 1) == (list(one.entries), one.evicted)
    one.write("b", "small", 100.0)
    one.write("e", {"text": "x" * 300}, 100.0)
    assert (["c", "d", "b", "e"], 1) == (list(one.entries), one.evicted)
    one.write("f", {"text": "x" * 300}, 100.0)
    assert (["d", "b", "e", "f"], 2) == (list(one.entries), one.evicted)


def test_what_is_forgotten_weighs_nothing():
    one = table(ttl=10.0)
    for key in ("a", ["b", 1], "c"):
        one.write(key, [1, {"text": "long"}], 100.0)
    one.write("a", "short", 100.0, 5.0)
    one.increment("n", 1, 100.0)
    one.increment("n", 1, 100.0)
    one.drop(["b", 1])
    one.expire(105.0)
    one.expire(110.0)
    assert ({}, 0) == (dict(one.entries), one.weight)
