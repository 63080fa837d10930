import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzrules.broker.settle import HOLD, Settlement
from kzrules.message.delivery import Delivery, Source
from tests.broker.hands import FakeChannel, Reactor


def batch(first, last):
    source = Source("s", "q", "z", 1, 1)
    return [Delivery(source, tag, False, "", "q", b"\0\0", b"") for tag in range(first, last + 1)]


def settlement(prefetch=100):
    happened, clock = [], Reactor()
    there = Settlement(FakeChannel(happened, 1), prefetch, clock)
    return there, happened, clock


def test_acks_of_one_moment_are_one_ack():
    there, happened, clock = settlement()
    there.delivered(batch(1, 3))
    for tag in (2, 1, 3):
        there.done(tag)
    clock.advance(HOLD / 2)
    assert happened == []
    clock.advance(HOLD / 2)
    assert happened == [("ack", 3, True)]
    assert there.unacknowledged == 0
    assert clock.getDelayedCalls() == []


def test_a_quarter_of_the_prefetch_is_acked_at_once():
    there, happened, clock = settlement(prefetch=100)
    there.delivered(batch(1, 60))
    there.done_many(range(1, 25))
    assert happened == []
    there.done(25)
    assert happened == [("ack", 25, True)]
    assert clock.getDelayedCalls() == []
    there.done_many(range(27, 52))  # above a gap: singly, a moment later
    clock.advance(HOLD)
    assert happened[1:] == [("ack", tag, False) for tag in range(27, 52)]


@pytest.mark.parametrize("settled", ["reject", "give_back"])
def test_what_waited_for_one_that_is_rejected_or_given_back_is_acked_then(settled):
    there, happened, clock = settlement()
    there.delivered(batch(1, 4))
    there.done_many([2, 3])
    clock.advance(HOLD)
    assert happened == []
    getattr(there, settled)(1)
    clock.advance(HOLD)
    assert happened[1:] == [("ack", 3, True)]
    assert there.unacknowledged == 1
    assert clock.getDelayedCalls() == []


def test_with_a_small_prefetch_each_ack_goes_out_at_once():
    there, happened, _ = settlement(prefetch=1)
    there.delivered(batch(1, 1))
    there.done(1)
    assert happened == [("ack", 1, True)]


def test_a_lost_channel_is_written_nothing():
    there, happened, clock = settlement()
    there.delivered(batch(1, 3))
    there.done(1)
    there.lose()
    there.done(2)
    there.reject(3)
    there.give_back(3)
    there.flush_all()
    assert happened == []
    assert clock.getDelayedCalls() == []


def test_it_tells_since_when_nothing_was_settled():
    there, _, clock = settlement()
    clock.advance(5)
    assert there.waiting_since is None
    there.delivered(batch(1, 1))
    assert there.waiting_since == 5


ENDS = st.sampled_from(["done", "reject", "give_back"])


@given(st.integers(1, 8), st.lists(ENDS, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_every_delivery_is_settled_exactly_once_and_none_before_its_end(prefetch, ends, rand):
    there, happened, clock = settlement(prefetch)
    there.delivered(batch(1, len(ends)))
    order = list(range(1, len(ends) + 1))
    rand.shuffle(order)
    outstanding, finished = set(order), set()

    def look():
        for what in happened:
            upto = what[0] == "ack" and what[2]
            tags = {tag for tag in outstanding if tag <= what[1]} if upto else {what[1]}
            assert what[1] in outstanding
            assert tags <= finished
            outstanding.difference_update(tags)
        del happened[:]

    for tag in order:
        finished.add(tag)
        getattr(there, ends[tag - 1])(tag)
        if rand.random() < 0.5:
            clock.advance(HOLD)
        look()
    there.flush_all()
    look()
    assert outstanding == set()
