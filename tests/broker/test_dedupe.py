import pytest
from twisted.internet.defer import Deferred

from kzrules.broker.dedupe import Ended
from kzrules.language.program import DedupePolicy
from kzrules.message.action import Answered, Query
from kzrules.message.outcome import Reject, Retry
from kzrules.routing.decide import Waiting
from kzrules.wire import retries
from kzrules.wire.properties import encode
from tests.broker.hands import VOLATILE, House, done, ended, spec

POLICY = DedupePolicy(60.0, 3)


def house(rule, **changes):
    return House(rule, spec(dedupe=POLICY, **changes)).connect()


@pytest.mark.parametrize("outcome", [None, Reject("no")])
def test_a_copy_of_an_event_that_ended_here_is_dropped(outcome):
    runs = []

    def rule(payload, event):
        runs.append(payload)
        return ended(outcome) if outcome else done()

    it = house(rule)
    it.channel.deliver({"id": "a"})
    it.turn()
    it.channel.deliver({"id": "a"})
    it.turn()
    assert len(runs) == 1
    assert it.count.duplicates == 1
    assert it.settled()[-1] == ("ack", 2, True)


def test_after_the_time_it_is_no_duplicate():
    it = house(lambda payload, event: done())
    for _ in range(2):
        it.channel.deliver({"id": "a"})
        it.turn(61)
    assert it.count.duplicates == 0


def test_without_a_key_nothing_is_a_duplicate():
    it = house(lambda payload, event: done())
    it.channel.deliver({}, {}, {})
    it.turn()
    assert it.count.duplicates == 0
    assert it.count.acknowledged == 3


def waits(payload, event):
    return Waiting(Query("e", "k", b"", "q", 1.0), (), (), lambda answer, now: answer.payload["step"], "r")


def test_a_copy_that_comes_while_the_first_is_in_hand_waits_and_is_dropped():
    it = house(waits)
    answer = Deferred()
    it.asking = lambda query: answer
    it.channel.deliver({"id": "a"}, {"id": "a"})
    it.turn()
    assert it.consumer.in_hand == 2
    answer.callback(Answered({"step": done()}))
    it.turn()
    assert it.count.duplicates == 1
    assert it.settled() == [("ack", 2, True)]


def test_a_copy_takes_the_place_of_a_first_one_that_did_not_end_here():
    it = house(waits)
    answers = [Deferred(), Deferred()]
    asked = iter(answers)
    it.asking = lambda query: next(asked)
    it.channel.deliver({"id": "a"}, {"id": "a"})
    it.turn()
    answers[0].callback(Answered({"step": ended(Retry("later"))}))
    it.turn()
    answers[1].callback(Answered({"step": done()}))
    it.turn()
    assert it.count.duplicates == 0
    assert (it.count.retried, it.count.acknowledged) == (1, 1)


def test_a_redelivery_after_a_lost_connection_is_dropped_when_the_first_ends_well():
    it = house(waits)
    answer = Deferred()
    it.asking = lambda query: answer
    it.channel.deliver({"id": "a"})
    it.turn()
    it.session.lose()
    it.connect()
    it.channel.deliver({"id": "a"}, redelivered=True)
    it.turn()
    answer.callback(Answered({"step": done()}))
    it.turn()
    assert (it.count.late, it.count.duplicates) == (1, 1)


def test_a_redelivery_after_a_lost_connection_runs_when_the_first_did_not_end():
    it = house(waits)
    answers = [Deferred(), Deferred()]
    asked = iter(answers)
    it.asking = lambda query: next(asked)
    it.channel.deliver({"id": "a"})
    it.turn()
    it.session.lose()
    it.connect()
    it.channel.deliver({"id": "a"}, redelivered=True)
    it.turn()
    answers[0].callback(Answered({"step": ended(Reject("no"))}))
    it.turn()
    assert it.count.late == 1
    answers[1].callback(Answered({"step": ended(Reject("no"))}))
    it.turn()
    assert it.count.dead_lettered == 1


def test_a_replayed_dead_letter_is_no_duplicate():
    it = house(lambda payload, event: done())
    it.channel.deliver({"id": "a"})
    it.turn()
    it.channel.deliver({"id": "a"}, exchange="", key="work", properties=encode({retries.REPLAYED: 1}))
    it.turn()
    assert (it.count.duplicates, it.count.acknowledged) == (0, 2)


def test_a_retry_in_hand_is_no_duplicate_of_itself():
    it = house(lambda payload, event: done() if event.attempt == 2 else ended(Retry("later")), queue=VOLATILE)
    it.channel.deliver({"id": "a"})
    it.turn()
    it.turn(1)
    assert (it.count.duplicates, it.count.acknowledged) == (0, 1)


def test_when_it_is_full_the_oldest_key_goes_and_is_counted():
    keys = Ended(POLICY)
    for key in "abcd":
        keys.add(key, 0.0)
    assert len(keys) == 3
    assert keys.evicted == 1
    assert not keys.holds("a", 1.0)
    assert keys.holds("b", 1.0)


def test_keys_leave_when_their_time_is_over():
    keys = Ended(POLICY)
    keys.add("a", 0.0)
    keys.add("b", 100.0)
    assert len(keys) == 1
