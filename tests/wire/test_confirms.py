"""The ledger against a broker that confirms in any order, many at once, and returns before it confirms."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kzrules.wire.confirms import CONFIRMED, NACKED, Ledger, Returned

GONE = Returned(312, "NO_ROUTE")


def ledger_of(*ids):
    ledger = Ledger()
    for number, name in enumerate(ids, 1):
        ledger.published(number, name, name.upper())
    return ledger


def test_a_multiple_ack_settles_all_up_to_its_tag_oldest_first():
    ledger = ledger_of("a", "b", "c")
    assert ledger.settled(2, multiple=True, ok=True) == [("A", CONFIRMED), ("B", CONFIRMED)]
    assert len(ledger) == 1


def test_tag_zero_with_multiple_settles_everything():
    ledger = ledger_of("a", "b")
    assert len(ledger.settled(0, multiple=True, ok=True)) == 2


def test_a_return_is_told_when_the_confirm_comes():
    ledger = ledger_of("a", "b", "c")
    assert ledger.returned("b", 312, "NO_ROUTE")
    assert len(ledger) == 3
    assert ledger.settled(3, multiple=True, ok=True) == [("A", CONFIRMED), ("B", GONE), ("C", CONFIRMED)]


def test_a_single_confirm_ahead_of_others_leaves_them_waiting():
    ledger = ledger_of("a", "b", "c")
    assert ledger.settled(2, multiple=False, ok=True) == [("B", CONFIRMED)]
    assert ledger.settled(3, multiple=True, ok=True) == [("A", CONFIRMED), ("C", CONFIRMED)]


def test_a_nack_says_so_of_each_message():
    ledger = ledger_of("a", "b")
    assert ledger.settled(2, multiple=True, ok=False) == [("A", NACKED), ("B", NACKED)]


def test_the_same_mark_twice_returns_the_older_first():
    ledger = ledger_of("a", "a")
    ledger.returned("a", 312, "NO_ROUTE")
    assert ledger.settled(1, multiple=False, ok=True) == [("A", GONE)]
    assert ledger.settled(2, multiple=False, ok=True) == [("A", CONFIRMED)]


def test_strangers_are_counted():
    ledger = ledger_of("a")
    assert not ledger.returned("x", 312, "NO_ROUTE")
    assert ledger.settled(7, multiple=False, ok=True) == []
    assert ledger.strangers == 2


def test_a_lost_channel_gives_back_what_was_unsettled_in_order():
    ledger = ledger_of("a", "b", "c")
    ledger.settled(2, multiple=False, ok=True)
    assert ledger.clear() == ["A", "C"]
    assert len(ledger) == 0
    ledger.published(1, "d", "D")
    assert ledger.settled(1, multiple=False, ok=True) == [("D", CONFIRMED)]


def test_sequence_numbers_only_grow():
    ledger = ledger_of("a", "b")
    with pytest.raises(ValueError, match="they only grow"):
        ledger.published(2, "c", "C")


class Publishing(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ledger = Ledger()
        self.next = 1
        self.open = {}  # sequence -> [mark, message, fate if it were acked]

    @rule(mark=st.sampled_from(["m1", "m2", "m3", "m4", None]))
    def publish(self, mark):
        mark = mark or f"unique-{self.next}"
        self.ledger.published(self.next, mark, f"message {self.next}")
        self.open[self.next] = [mark, f"message {self.next}", CONFIRMED]
        self.next += 1

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def come_back(self, data):
        mark = data.draw(st.sampled_from(sorted({entry[0] for entry in self.open.values()})))
        free = [
            number
            for number, entry in sorted(self.open.items())
            if entry[0] == mark and entry[2] is CONFIRMED
        ]
        assert self.ledger.returned(mark, 312, "NO_ROUTE") == bool(free)
        if free:
            self.open[free[0]][2] = GONE

    @rule(data=st.data(), multiple=st.booleans(), ok=st.booleans())
    def confirm(self, data, multiple, ok):
        tag = data.draw(st.integers(0 if multiple else 1, self.next))
        if multiple:
            numbers = [number for number in sorted(self.open) if number <= tag or tag == 0]
        else:
            numbers = [tag] if tag in self.open else []
        entries = [self.open.pop(number) for number in numbers]
        expected = [(message, fate if ok else NACKED) for _, message, fate in entries]
        assert self.ledger.settled(tag, multiple=multiple, ok=ok) == expected

    @invariant()
    def the_same_messages_are_open(self):
        assert list(self.ledger.outstanding()) == [self.open[number][1] for number in sorted(self.open)]
        assert len(self.ledger) == len(self.open)


TestPublishing = Publishing.TestCase
TestPublishing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
