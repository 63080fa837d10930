"""Open questions are answered once, expire by the clock that is passed in, and stay within their limit."""

import pytest

from kzrules.wire.replies import Replies, RepliesFull


def test_the_first_answer_finds_its_asker_and_a_second_is_counted():
    replies = Replies()
    replies.ask("m1", "asker", until=5.0)
    assert replies.answered("m1") == "asker"
    assert replies.answered("m1") is None
    assert replies.strangers == 1


def test_time_runs_out_in_order_and_a_late_answer_is_a_stranger():
    replies = Replies()
    replies.ask("slow", "slow asker", until=9.0)
    replies.ask("quick", "quick asker", until=3.0)
    replies.ask("later", "later asker", until=20.0)
    assert replies.expire(2.9) == []
    assert replies.expire(10.0) == ["quick asker", "slow asker"]
    assert replies.answered("slow") is None
    assert (replies.expired, replies.strangers, len(replies)) == (2, 1, 1)


def test_the_next_expiry_ignores_answered_questions():
    replies = Replies()
    replies.ask("a", "A", until=3.0)
    replies.ask("b", "B", until=7.0)
    replies.answered("a")
    assert replies.next_expiry() == 7.0
    replies.forget("b")
    assert replies.next_expiry() is None


def test_an_id_asked_again_later_keeps_its_new_time():
    replies = Replies()
    replies.ask("a", "first", until=3.0)
    replies.answered("a")
    replies.ask("a", "second", until=8.0)
    assert replies.expire(5.0) == []
    assert replies.expire(8.0) == ["second"]


def test_there_is_a_limit_and_a_name_for_it():
    replies = Replies(limit=2)
    replies.ask("a", "A", until=1.0)
    replies.ask("b", "B", until=1.0)
    with pytest.raises(RepliesFull, match="2 questions"):
        replies.ask("c", "C", until=1.0)


def test_one_id_waits_once():
    replies = Replies()
    replies.ask("a", "A", until=1.0)
    with pytest.raises(ValueError, match="already waits"):
        replies.ask("a", "B", until=1.0)


def test_all_who_wait_are_told_why():
    replies = Replies()
    replies.ask("a", "A", until=1.0)
    replies.ask("b", "B", until=2.0)
    told = []
    assert replies.fail_all("disconnected", lambda waiter, why: told.append((waiter, why))) == 2
    assert told == [("A", "disconnected"), ("B", "disconnected")]
    assert len(replies) == 0
    assert replies.next_expiry() is None


def test_answered_questions_leave_no_heap_behind():
    replies = Replies(limit=10)
    for number in range(10_000):
        replies.ask(str(number), number, until=1e9)
        replies.answered(str(number))
    assert len(replies._by_time) < 200
