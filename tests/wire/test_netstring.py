import random

from hypothesis import given
from hypothesis import strategies as st

from kzrules.wire.backoff import wait
from kzrules.wire.netstring import Netstrings, framed

TEXTS = st.binary(min_size=1, max_size=300)


def fed(stream, sizes):
    reader = Netstrings(limit=1000)
    came, at = [], 0
    while at < len(stream):
        step = next(sizes)
        came += reader.feed(stream[at : at + step])
        at += step
    return reader, came


def cuts(seed):
    chance = random.Random(seed)
    while True:
        yield chance.choice([1, 2, 3, 7, 50, 400])


@given(frames=st.lists(TEXTS, max_size=20), seed=st.integers())
def test_frames_come_out_as_they_went_in_however_the_network_cuts_them(frames, seed):
    reader, came = fed(b"".join(map(framed, frames)), cuts(seed))
    assert frames == came
    assert (0, 0) == (reader.broken, reader.too_long)


@given(seed=st.integers())
def test_blanks_and_line_ends_between_frames_are_passed_over(seed):
    _, came = fed(b"3:abc,\r\n \t5:{'a'},\n", cuts(seed))
    assert [b"abc", b"{'a'}"] == came


@given(garbage=st.binary(max_size=400), seed=st.integers())
def test_after_garbage_whole_objects_are_read_again(garbage, seed):
    wanted = framed(b'{"id":"1:2"}')
    reader, came = fed(garbage + b";" + wanted * 60, cuts(seed))
    assert b'{"id":"1:2"}' in came
    assert len(reader._waiting) <= 1100


def test_a_frame_that_was_cut_short_costs_itself_and_no_more_than_the_next_but_one():
    good = framed(b'{"n":1}')
    reader = Netstrings()
    came = reader.feed(b'200:{"cut":' + good * 40)
    assert len(came) > 10
    assert {b'{"n":1}'} == set(came)
    assert reader.broken >= 1


def test_a_frame_that_is_too_long_is_passed_over_without_being_kept():
    reader = Netstrings(limit=100)
    assert [] == reader.feed(b"5000:" + b"x" * 1000)
    assert b"" == reader._waiting
    assert [] == reader.feed(b"x" * 4000)
    assert [b"ok"] == reader.feed(b",2:ok,")
    assert 1 == reader.too_long


def test_a_length_that_nothing_can_have_does_not_deafen():
    reader = Netstrings()
    assert [b"{}"] == reader.feed(b"999999999:" + framed(b"{}"))
    assert 1 == reader.broken


def test_an_empty_frame_is_no_frame():
    reader = Netstrings()
    assert [b"{}"] == reader.feed(b"0:," + framed(b"{}"))
    assert 1 == reader.broken


def test_waits_double_up_to_the_longest_and_never_fall_below_half():
    assert [0.1, 0.2, 0.4] == [wait(n, 1.0, first=0.1, longest=1.0) for n in range(3)]
    assert 0.5 == wait(100, 0.0, first=0.1, longest=1.0)
