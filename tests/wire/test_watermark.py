"""The watermark against a broker that forgives nothing: an ack of a settled tag closes the channel."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kzrules.wire.watermark import Watermark


def test_tags_finished_in_order_are_one_multiple_ack():
    mark = Watermark(100)
    mark.delivered_range(1, 10)
    mark.finished_many(range(1, 11))
    assert mark.flush() == [(10, True)]
    assert mark.flush() == []


def test_nothing_above_an_unfinished_delivery_is_acked_with_multiple():
    mark = Watermark(100)
    mark.delivered_range(1, 5)
    mark.finished_many([1, 3, 4, 5])
    assert mark.flush() == [(1, True)]
    mark.finished(2)
    assert mark.flush() == [(5, True)]


def test_a_quarter_of_the_prefetch_above_a_gap_is_acked_singly():
    mark = Watermark(8)
    mark.delivered_range(1, 4)
    mark.finished(3)
    assert mark.flush() == []
    mark.finished(2)
    assert mark.flush() == [(2, False), (3, False)]
    mark.finished(4)
    mark.finished(1)
    assert mark.flush() == [(4, True)]


def test_a_tag_settled_singly_is_never_the_tag_of_a_multiple_ack():
    mark = Watermark(100)
    mark.delivered_range(1, 3)
    mark.finished_many([1, 2])
    mark.settled_singly(3)
    assert mark.flush() == [(2, True)]


def test_when_all_below_were_settled_singly_nothing_is_acked():
    mark = Watermark(100)
    mark.delivered_range(1, 2)
    mark.settled_singly(1)
    mark.settled_singly(2)
    assert mark.flush() == []
    assert mark.unsettled == 0


def test_the_last_flush_leaves_nothing_finished_behind():
    mark = Watermark(100)
    mark.delivered_range(1, 4)
    mark.finished_many([1, 3])
    assert mark.flush_all() == [(1, True), (3, False)]
    assert mark.unfinished() == [2, 4]


@pytest.mark.parametrize("tag", [0, 1, 4])
def test_a_tag_that_is_not_in_hand_is_refused(tag):
    mark = Watermark(10)
    mark.delivered_range(1, 3)
    mark.finished(1)
    with pytest.raises(ValueError, match=f"delivery tag {tag} is not in hand"):
        mark.finished(tag)
    with pytest.raises(ValueError, match=f"delivery tag {tag} is not in hand"):
        mark.finished_many([tag])


def test_a_gap_in_the_delivered_tags_is_refused():
    mark = Watermark(10)
    with pytest.raises(ValueError, match="no gaps"):
        mark.delivered(2)


class Channel(RuleBasedStateMachine):
    """A naive broker: outstanding tags, settled one by one or up to a tag that must be outstanding."""

    PREFETCH = 12

    def __init__(self):
        super().__init__()
        self.mark = Watermark(self.PREFETCH)
        self.top = 0
        self.outstanding = set()  # at the broker
        self.working = set()  # delivered, not finished
        self.done = set()  # finished, not yet acked

    @precondition(lambda self: len(self.outstanding) < self.PREFETCH)
    @rule(count=st.integers(1, 5))
    def deliver(self, count):
        count = min(count, self.PREFETCH - len(self.outstanding))
        self.mark.delivered_range(self.top + 1, self.top + count)
        fresh = set(range(self.top + 1, self.top + count + 1))
        self.top += count
        self.outstanding |= fresh
        self.working |= fresh

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def finish(self, data):
        tags = data.draw(st.lists(st.sampled_from(sorted(self.working)), unique=True, min_size=1))
        self.mark.finished_many(tags)
        self.working -= set(tags)
        self.done |= set(tags)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def reject(self, data):
        tag = data.draw(st.sampled_from(sorted(self.working)))
        self.mark.settled_singly(tag)
        self.working.remove(tag)
        self.outstanding.remove(tag)

    @rule()
    def flush(self):
        self.take(self.mark.flush())
        above = len(self.done)
        assert above < max(1, self.PREFETCH // 4)

    @rule()
    def flush_all(self):
        self.take(self.mark.flush_all())
        assert self.done == set()

    def take(self, acks):
        for tag, multiple in acks:
            assert tag in self.outstanding, "406 unknown delivery tag"
            settled = {one for one in self.outstanding if one <= tag} if multiple else {tag}
            assert settled <= self.done, "acked before it was processed"
            self.outstanding -= settled
            self.done -= settled

    @invariant()
    def the_counts_agree(self):
        assert self.mark.in_hand == len(self.working)
        assert self.mark.unsettled == len(self.outstanding)
        assert self.mark.unfinished() == sorted(self.working)


TestChannel = Channel.TestCase
TestChannel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
