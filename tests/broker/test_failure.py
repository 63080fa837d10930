from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed

from kzrules.broker import failure
from kzrules.broker.amqp_errors import Unroutable
from kzrules.errors import BrokerGone
from kzrules.language.program import FailurePolicy
from kzrules.message.outcome import Cause, Place, Reject, Retry
from kzrules.wire import retries
from kzrules.wire.properties import Properties
from tests.broker.hands import DEAD, VOLATILE, House, done, ended, spec

PLACE = Place("jobs.kzr", 9)


def house(rule, **changes):
    return House(rule, spec(**changes)).connect()


def always(outcome):
    return lambda payload, event: ended(outcome)


def headers(message):
    return Properties(message.properties).headers


def declared(it):
    return [what[1] for what in it.happened if what[0] == "declare"]


def test_a_retry_goes_to_a_delay_queue_and_is_acked_when_that_is_confirmed():
    it = house(always(Retry("later")))
    confirmed = Deferred()
    it.sending = lambda message: confirmed
    it.channel.deliver({})
    it.turn()
    assert it.copies[0].routing_key == "work.retry-1000ms"
    assert headers(it.copies[0])[retries.ATTEMPT] == 2
    assert it.settled() == []
    confirmed.callback(None)
    it.turn()
    assert it.settled() == [("ack", 1, True)]
    assert it.count.retried == 1


def test_the_second_attempt_waits_twice_as_long_and_the_last_one_is_dead_lettered():
    it = house(always(Retry("later", PLACE)))
    it.channel.deliver({})
    it.turn()
    for _ in range(2):
        it.channel.deliver({}, exchange="", key="work", properties=it.copies[-1].properties)
        it.turn()
    assert [copy.routing_key for copy in it.copies] == ["work.retry-1000ms", "work.retry-2000ms", "work.dead"]
    letter = headers(it.copies[-1])
    assert letter[retries.CAUSE] == "retries"
    assert letter[retries.WHY] == "after 3 attempts: later"
    assert letter[retries.WHERE] == "jobs.kzr:9"
    assert (letter[retries.EXCHANGE], letter[retries.ROUTING_KEY]) == ("events", "some.key")


@pytest.mark.parametrize("cause", [Cause.RULE, Cause.ERROR, Cause.PAYLOAD, Cause.SCHEMA])
def test_what_will_not_be_better_next_time_goes_to_the_last_step_at_once(cause):
    it = house(always(Reject("no", cause)))
    it.channel.deliver({})
    it.turn()
    assert [copy.routing_key for copy in it.copies] == ["work.dead"]
    assert headers(it.copies[0])[retries.CAUSE] == str(cause)


def test_reject_is_the_brokers_reject_without_requeue():
    it = house(always(Reject("no")), on_failure=replace(DEAD, last="reject"))
    it.channel.deliver({})
    it.turn()
    assert it.settled() == [("reject", 1, False)]
    assert it.count.rejected == 1


def test_drop_acks_and_counts():
    it = house(always(Reject("no")), on_failure=replace(DEAD, last="drop"))
    it.channel.deliver({})
    it.turn()
    assert it.settled() == [("ack", 1, True)]
    assert (it.count.rejected, it.count.dropped) == (1, 1)


def test_a_dead_letter_that_is_not_confirmed_is_sent_again_and_nothing_is_acked():
    it = house(always(Reject("no")))
    it.sending = lambda message: fail(BrokerGone("away"))
    it.channel.deliver({})
    it.turn()
    it.turn(5)
    assert len(it.copies) >= 2
    assert it.settled() == []
    it.sending = lambda message: succeed(None)
    it.turn(30)
    assert it.settled() == [("ack", 1, True)]
    assert it.count.dead_lettered == 1


def test_a_dead_letter_queue_that_was_deleted_is_declared_again():
    it = house(always(Reject("no")))
    it.channel.deliver({})
    it.turn()
    answers = [fail(Unroutable(312, "NO_ROUTE", "", "work.dead")), succeed(None)]
    it.sending = lambda message: answers.pop(0)
    it.channel.deliver({})
    it.turn()
    assert declared(it).count("work.dead") == 2
    assert it.count.dead_lettered == 2


def test_a_delay_queue_is_declared_once_for_many_retries():
    it = house(always(Retry("later")))
    it.channel.deliver({}, {}, {})
    it.turn()
    assert declared(it).count("work.retry-1000ms") == 1
    assert len(it.copies) == 3


@pytest.mark.parametrize("queue", [VOLATILE, replace(VOLATILE, name=""), replace(VOLATILE, auto_delete=True)])
def test_queues_that_go_with_their_consumer_hold_their_retries_in_hand(queue):
    attempts = []

    def rule(payload, event):
        attempts.append(event.attempt)
        return done() if event.attempt == 3 else ended(Retry("later"))

    it = house(rule, queue=queue)
    it.channel.deliver({})
    it.turn()
    assert it.copies == []
    it.turn(1)
    it.turn(2)
    assert attempts == [1, 2, 3]
    assert it.settled() == [("ack", 1, True)]


def test_a_retry_in_hand_shows_its_rule_the_original_delivery():
    seen = []

    def rule(payload, event):
        seen.append((event.exchange, event.routing_key))
        return ended(Retry("later"))

    it = house(rule, queue=VOLATILE, on_failure=FailurePolicy(1, 1.0, 1.0, "drop"))
    it.channel.deliver({})
    it.turn()
    it.turn(1)
    assert seen == [("events", "some.key")] * 2
    assert it.count.dropped == 1


def test_a_server_named_queue_dead_letters_where_its_policy_says():
    it = house(
        always(Reject("no")),
        queue=replace(VOLATILE, name=""),
        on_failure=replace(DEAD, dead_letter="own.dead"),
    )
    it.channel.deliver({})
    it.turn()
    assert it.copies[0].routing_key == "own.dead"


def test_with_an_order_a_retry_waits_in_its_lane_and_the_next_of_its_key_with_it():
    runs = []

    def rule(payload, event):
        runs.append((payload["k"], payload["n"], event.attempt))
        return ended(Retry("later")) if payload["n"] == 1 and event.attempt == 1 else done()

    it = house(rule, ordered=True)
    it.channel.deliver({"k": "a", "n": 1}, {"k": "a", "n": 2}, {"k": "b", "n": 3})
    it.turn()
    assert runs == [("a", 1, 1), ("b", 3, 1)]
    it.turn(1)
    assert runs[2:] == [("a", 1, 2), ("a", 2, 1)]
    assert it.copies == []
    assert it.settled()[-1] == ("ack", 3, True)


def test_held_events_take_half_the_prefetch_then_the_oldest_is_dead_lettered():
    it = house(lambda payload, event: ended(Retry("later")), ordered=True, prefetch=4)
    it.channel.deliver({"k": 1}, {"k": 2}, {"k": 3})
    it.turn()
    assert [copy.body for copy in it.copies] == [b'{"k": 1}']
    assert headers(it.copies[0])[retries.CAUSE] == "retries"
    it.stop_timers()


def test_events_behind_a_held_one_count_as_held():
    def rule(payload, event):
        return ended(Retry("later")) if payload["n"] == 0 else done()

    it = house(rule, ordered=True, prefetch=4)
    it.channel.deliver(*[{"k": 1, "n": n} for n in range(4)])
    it.turn()
    assert len(it.copies) == 1
    assert it.count.acknowledged == 3


def test_a_held_event_of_a_lost_channel_is_left_to_the_broker():
    it = house(always(Retry("later")), ordered=True)
    it.channel.deliver({"k": 1})
    it.turn()
    it.session.lose()
    it.turn(60)
    assert it.count.late == 1
    assert it.consumer.in_hand == 0


def test_stopping_gives_back_what_is_held_and_what_waits_behind_it_in_order():
    it = house(always(Retry("later")), ordered=True)
    it.channel.deliver({"k": 1}, {"k": 1}, {"k": 1})
    it.turn()
    stopped = it.consumer.stop()
    it.turn()
    assert stopped.called
    assert it.settled() == [("nack", tag, False, True) for tag in (1, 2, 3)]
    assert it.count.returned == 3


def test_stopping_dead_letters_what_is_held_for_a_queue_that_goes_away():
    it = house(always(Retry("later")), queue=VOLATILE)
    it.channel.deliver({})
    it.turn()
    assert it.consumer.stop().called
    assert it.copies[0].routing_key == "work.dead"


def test_a_key_that_cannot_be_had_rejects_the_event():
    it = house(always(Retry("later")), ordered=True)
    it.channel.deliver({"k": "bad"})
    it.turn()
    assert it.count.failed == 1
    assert it.count.dead_lettered == 1


@given(st.integers(1, 10_000), st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_delays_grow_from_the_first_to_the_longest(attempt, first, longest):
    policy = FailurePolicy(10_000, first, longest, "drop")
    again = failure.next_attempt(policy, attempt, Retry("w"))
    assert again.attempt == attempt + 1
    assert min(first, longest) <= again.delay <= longest


def test_a_policy_without_retries_gives_up_at_once():
    outcome = failure.next_attempt(FailurePolicy(0, 1.0, 1.0, "drop"), 1, Retry("w", PLACE))
    assert outcome == Reject("w", Cause.RETRIES, PLACE)


def test_a_delay_queue_is_named_by_what_it_was_declared_with():
    one, two = failure.delay_queue("q", 0.5), failure.delay_queue("q", 2.0)
    assert (one.name, two.name) == ("q.retry-500ms", "q.retry-2000ms")
    assert one.arguments["x-message-ttl"] == 500
    assert one.arguments["x-dead-letter-routing-key"] == "q"
    assert one.arguments["x-queue-type"] == "quorum"


@given(st.text(min_size=100, max_size=300))
def test_a_long_queue_name_keeps_its_beginning_and_fits(name):
    assert len(failure.shortened(name, ".retry-1000ms").encode()) <= 255
