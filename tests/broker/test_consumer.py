from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from kzrules.broker.amqp_errors import Closed, Refused, Unroutable
from kzrules.broker.keeping import PERIOD, SECOND_LOOK
from kzrules.errors import BrokerGone
from kzrules.language.program import FailurePolicy
from kzrules.message.action import Answered, Log, Publish, Query, Reply
from kzrules.message.outcome import Ack, Cause, Place, Reject, Retry
from kzrules.routing.decide import DONE, Ended, Waiting
from tests.broker.hands import VOLATILE, FakeChannel, FakeSession, House, done, ended, spec

MESSAGE = Publish("out", "key", b"{}", "m1")
QUERY = Query("callevt", "key", b"{}", "q1", 2.0)


def acks_all(payload, event):
    return done()


def house(rule=acks_all, **changes):
    return House(rule, spec(**changes)).connect()


def asks(payload, event):
    return Waiting(QUERY, (), (), lambda answer, now: done(), "r")


def test_it_declares_consumes_and_is_healthy_then():
    it = House(acks_all)
    assert not it.consumer.health.consuming
    it.connect()
    assert it.happened == [("declare", "work"), ("consume", "work")]
    assert it.consumer.health.consuming
    assert it.consumer.health.queue == "work"


def test_a_batch_is_acked_by_one_multiple_ack():
    it = house()
    it.channel.deliver({}, {}, {})
    it.turn()
    assert it.settled() == [("ack", 3, True)]
    assert (it.count.received, it.count.acknowledged) == (3, 3)
    assert it.consumer.in_hand == 0


def test_a_delivery_is_acked_when_what_it_published_is_confirmed():
    it = house(lambda payload, event: done(MESSAGE))
    confirmed = Deferred()
    it.publishing = lambda messages: confirmed
    it.channel.deliver({})
    it.turn()
    assert it.settled() == []
    confirmed.callback(None)
    it.turn()
    assert it.settled() == [("ack", 1, True)]


def test_an_unroutable_message_has_its_event_retried():
    it = house(lambda payload, event: done(MESSAGE))
    it.publishing = lambda messages: fail(Unroutable(312, "NO_ROUTE", "out", "key"))
    it.channel.deliver({})
    it.turn()
    assert ("copy", "work.retry-1000ms") in it.happened
    assert it.count.unpublished == 1


def test_immediate_acks_at_hand_over_and_keeps_what_has_no_room():
    it = house(asks, immediate=True, prefetch=4)
    it.asking = lambda query: Deferred()
    it.channel.deliver(*[{}] * 4)
    it.turn()
    assert it.settled() == [("ack", 4, True)]
    it.channel.deliver(*[{}] * 4)
    it.turn()
    assert it.settled() == [("ack", 4, True)]
    assert it.consumer.in_hand == 4


class Panic(BaseException):
    """As libraries in Rust raise it."""


def panics_at_one(payload, event):
    if payload["n"] == 1:
        raise Panic("index out of bounds")
    return done()


@pytest.mark.parametrize("ordered", [False, True])
def test_a_panic_is_its_own_events_failure_and_the_others_of_its_batch_go_on(ordered, logged_errors):
    it = house(panics_at_one, ordered=ordered)
    it.channel.deliver(*[{"n": number, "k": "a"} for number in range(3)])
    it.turn()
    assert it.consumer.in_hand == 0
    assert ("ack", 3, True) in it.settled()
    assert len(logged_errors.flush()) == 1


def test_immediate_acks_before_a_rule_runs():
    it = house(lambda payload, event: it.happened.append(("ran", payload["n"])) or done(), immediate=True)
    it.channel.deliver({"n": 1}, {"n": 2})
    it.clock.advance(0)
    assert [("ack", 2, True), ("ran", 1), ("ran", 2)] == it.happened[-3:]


def test_what_waits_for_its_ack_is_acked_before_the_broker_is_left_for_a_preferred_one():
    it = house(lambda payload, event: done())
    it.channel.deliver({})
    it.clock.advance(0)
    assert [] == it.settled()
    it.consumer.use(FakeSession(it.happened))
    assert [("ack", 1, True)] == it.settled()


def test_immediate_goes_on_as_work_completes():
    waiting = []
    it = house(asks, immediate=True, prefetch=2)

    def ask(query):
        waiting.append(Deferred())
        return waiting[-1]

    it.asking = ask
    it.channel.deliver(*[{}] * 4)
    it.turn()
    assert len(waiting) == 2
    waiting[0].callback(Answered({}))
    it.turn()
    assert len(waiting) == 3
    assert it.settled() == [("ack", 2, True), ("ack", 3, True)]


@pytest.mark.parametrize("outcome", [Reject("no"), Retry("later")])
def test_immediate_can_only_log_and_count_a_failure(outcome):
    it = house(lambda payload, event: ended(outcome), immediate=True)
    it.channel.deliver({})
    it.turn()
    assert it.settled() == [("ack", 1, True)]
    assert it.copies == []
    assert it.count.rejected == 1


def test_while_paused_nothing_reaches_the_workers():
    it = house()
    it.consumer.pause()
    it.channel.deliver({}, {})
    it.turn()
    assert it.settled() == []
    it.consumer.resume()
    it.turn()
    assert it.settled() == [("ack", 2, True)]


def test_a_lost_channels_results_are_dropped_and_never_acked_on_the_next():
    it = house(asks)
    answer = Deferred()
    it.asking = lambda query: answer
    it.channel.deliver({})
    it.turn()
    it.session.lose()
    it.connect()
    answer.callback(Answered({}))
    it.turn()
    assert it.settled() == []
    assert it.count.late == 1


def test_what_was_not_begun_when_the_channel_was_lost_is_left_to_the_broker():
    it = house()
    it.consumer.pause()
    it.channel.deliver({}, {})
    it.session.lose()
    it.consumer.resume()
    it.turn()
    assert it.count.late == 2
    assert it.consumer.in_hand == 0


def test_after_a_reconnect_it_consumes_first_and_declares_beside_it():
    it = house()
    it.session.lose()
    del it.happened[:]
    it.connect()
    assert it.happened[:2] == [("consume", "work"), ("declare", "work")]


def test_a_queue_that_is_gone_after_a_reconnect_is_declared_at_once():
    it = house()
    it.session.lose()
    del it.happened[:]
    it.session = FakeSession(it.happened)
    it.session.refuse = {"consume": Refused("no queue", 404, "NOT_FOUND")}
    it.consumer.use(it.session)
    it.turn()
    assert it.happened == [("consume", "work"), ("closed", 1), ("declare", "work"), ("consume", "work")]


def test_a_cancelled_consumer_declares_and_consumes_again():
    it = house()
    it.channel.on_cancelled()
    assert not it.consumer.health.consuming
    it.turn(1)
    assert it.consumer.health.consuming
    assert it.happened[2:] == [("cancel", 1), ("closed", 1), ("declare", "work"), ("consume", "work")]


def test_a_queue_that_lost_its_consumer_without_a_word_is_consumed_again(monkeypatch):
    it = house()
    monkeypatch.setattr(FakeChannel, "count_messages", _nobody)
    it.turn(PERIOD)
    del it.happened[:]
    it.turn(SECOND_LOOK)
    it.turn()
    assert it.consumer.health.consuming
    assert ("consume", "work") in it.happened


async def _nobody(channel, queue):
    return 0, 0


def test_a_closed_channel_is_opened_again_after_a_pause():
    it = house()
    it.channel.lose(Refused("timed out", 406, "PRECONDITION_FAILED"))
    it.turn()
    assert not it.consumer.health.consuming
    assert "timed out" in it.consumer.health.trouble
    it.turn(0.3)
    assert it.consumer.health.consuming


def test_a_refused_declaration_is_tried_again_with_growing_pauses():
    it = House(acks_all)
    it.session = FakeSession(it.happened)

    class Stubborn(dict):
        def pop(self, key):
            return Refused("differs", 406, "PRECONDITION_FAILED")

        def __contains__(self, key):
            return key == "declare"

        def __bool__(self):
            return True

    it.session.refuse = Stubborn()
    it.consumer.use(it.session)
    it.turn()
    tries = []
    for _ in range(10):
        it.turn(0.2)
        tries.append(len(it.session.channels))
    assert tries[0] == 2
    assert tries[-1] < 6
    assert "differs" in it.consumer.health.trouble
    it.stop_timers()


def test_a_connection_that_died_of_our_declaration_is_not_killed_again_at_once():
    it = House(acks_all)
    it.session = FakeSession(it.happened)
    it.session.refuse = {"declare": Closed("541", 541, "INTERNAL_ERROR")}
    it.consumer.use(it.session)
    it.turn()
    it.session.lose()
    after = FakeSession(it.happened)
    it.session = after
    it.consumer.use(after)
    it.turn()
    assert after.channels == []
    it.turn(0.5)
    assert it.consumer.health.consuming


def test_actions_are_performed_in_order_and_logs_before_them():
    reply = Reply("targeted", "asker", b"{}", "m2", None, 1)
    line = Log("info", "hello", "r", Place("a.kzr", 1))
    it = house(lambda payload, event: Ended(Ack(), (reply, MESSAGE), (line,), "r"))
    it.channel.deliver({})
    it.turn()
    assert it.happened[2:5] == [("log", "hello"), ("reply", "asker"), ("publish", ["m1"])]


def test_a_rule_that_waits_publishes_first_and_goes_on_with_the_answer():
    answers = []

    def rule(payload, event):
        return Waiting(QUERY, (MESSAGE,), (), lambda answer, now: answers.append(answer) or done(), "r")

    it = house(rule)
    it.channel.deliver({})
    it.turn()
    assert answers == [Answered({"answer": "q1"})]
    assert it.settled() == [("ack", 1, True)]


def publishes_then_asks(payload, event):
    end = Ended(DONE, (), (), "r")
    return Waiting(QUERY, (MESSAGE,), (), lambda answer, now: end, "r")


def test_what_was_published_before_a_wait_is_confirmed_before_the_event_is_acked():
    it = house(publishes_then_asks)
    confirm = Deferred()
    it.publishing = lambda messages: confirm
    it.channel.deliver({}, {})
    it.turn()
    assert it.settled() == []
    assert it.consumer.in_hand == 2
    confirm.callback(None)
    it.turn()
    assert it.settled() == [("ack", 2, True)]
    assert it.consumer.in_hand == 0


def test_what_was_published_before_a_wait_and_is_unroutable_has_its_event_retried():
    it = house(publishes_then_asks)
    it.publishing = lambda messages: fail(Unroutable(312, "NO_ROUTE", "out", "key"))
    it.channel.deliver({})
    it.turn()
    assert it.count.retried == 1
    assert [copy.routing_key for copy in it.copies] == ["work.retry-1000ms"]


def test_a_waiting_event_does_not_hold_the_others_up():
    it = house(lambda payload, event: asks(payload, event) if payload else done(), prefetch=8)
    it.asking = lambda query: Deferred()
    it.channel.deliver({"slow": 1}, {}, {}, {})
    it.turn()
    assert it.settled() == [("ack", 2, False), ("ack", 3, False), ("ack", 4, False)]
    assert it.consumer.waiting == 1


def test_a_fault_of_ours_rejects_the_event_and_is_logged(logged_errors):
    def broken(payload, event):
        raise ZeroDivisionError

    it = house(broken)
    it.channel.deliver({})
    it.turn()
    assert it.count.dead_lettered == 1
    assert len(logged_errors.flush()) == 1


def test_stopping_cancels_first_finishes_what_is_in_hand_and_closes():
    it = house(asks)
    answer = Deferred()
    it.asking = lambda query: answer
    it.channel.deliver({})
    it.turn()
    stopped = it.consumer.stop()
    it.turn()
    assert not stopped.called
    answer.callback(Answered({}))
    it.turn()
    assert stopped.called
    assert it.happened[-3:] == [("cancel", 1), ("ack", 1, True), ("closed", 1)]
    assert it.clock.getDelayedCalls() == []


def test_stopping_gives_back_what_no_worker_has():
    it = house()
    it.consumer.pause()
    it.channel.deliver({}, {})
    stopped = it.consumer.stop()
    it.turn()
    assert stopped.called
    assert it.settled() == [("nack", 1, False, True), ("nack", 2, False, True)]
    assert it.count.returned == 2


def test_stopping_without_a_broker_ends():
    it = House(acks_all)
    assert it.consumer.stop().called


def test_the_end_of_the_limit_leaves_no_timers_and_settles_nothing_unfinished():
    it = house(asks)
    it.asking = lambda query: Deferred()
    it.channel.deliver({})
    it.turn()
    stopped = it.consumer.stop()
    it.consumer.abandon()
    it.turn()
    assert stopped.called
    assert it.settled() == []
    assert it.clock.getDelayedCalls() == []


def test_the_end_of_the_limit_does_not_wait_for_a_broker_that_does_not_answer():
    it = house(asks)
    it.asking = lambda query: Deferred()
    it.channel.deliver({})
    it.channel.cancel = lambda tag: Deferred()
    stopped = it.consumer.stop()
    it.turn()
    assert not stopped.called
    it.consumer.abandon()
    assert stopped.called
    assert it.settled() == []


def test_a_prefetch_that_changes_while_it_opens_holds_from_the_next_channel_on():
    it = House(acks_all, spec())
    opening, asked = Deferred(), []
    session = FakeSession(it.happened)
    open_at_once = session.open_channel

    async def open_late(**options):
        asked.append(options.get("prefetch"))
        if len(asked) == 1:
            await opening
        return await open_at_once(**options)

    session.open_channel = open_late
    it.session = session
    it.consumer.use(session)
    it.turn()
    it.consumer.become(spec(prefetch=7), lambda channel: channel.declare_queue(it.consumer.spec.queue))
    opening.callback(None)
    it.turn(1.0)
    assert [prefetch for prefetch in asked if prefetch] == [20, 7]
    assert it.consumer.health.consuming
    it.stop_timers()


def test_deliveries_that_nobody_settles_make_it_unhealthy():
    it = house(asks)
    it.asking = lambda query: Deferred()
    it.channel.deliver({})
    it.turn(1)
    assert it.consumer.health.settling
    it.turn(200)
    assert not it.consumer.health.settling


def test_a_server_named_queue_is_declared_anew_each_time():
    it = House(acks_all, spec(queue=replace(VOLATILE, name=""))).connect()
    assert it.consumer.health.queue == "amq.gen-1"
    it.session.lose()
    del it.happened[:]
    it.connect()
    assert it.happened == [("declare", ""), ("consume", "amq.gen-1")]


def test_an_unreadable_payload_is_counted_and_dead_lettered():
    it = house()
    it.channel.deliver(b"{nonsense")
    it.turn()
    assert it.copies[0].body == b"{nonsense"
    assert (it.count.unreadable, it.count.rejected, it.count.dead_lettered) == (1, 1, 1)
    assert it.settled() == [("ack", 1, True)]


def test_an_unmatched_event_is_done_and_counted():
    it = house(lambda payload, event: done(unmatched=True))
    it.channel.deliver({}, {})
    it.turn()
    assert (it.count.acknowledged, it.count.unmatched) == (2, 2)


def test_a_reply_that_fails_does_not_fail_the_event():
    it = house(lambda payload, event: done(Reply("targeted", "asker", b"{}", "m2", None, 1)))
    object.__setattr__(
        it.consumer._intake.courses[0].perform._outside, "reply", lambda reply: fail(BrokerGone("away"))
    )
    it.channel.deliver({})
    it.turn()
    assert it.settled() == [("ack", 1, True)]


def test_a_rule_that_raised_is_counted_as_failed():
    it = house(lambda payload, event: ended(Reject("boom", Cause.ERROR, Place("a.kzr", 7))))
    it.sending = lambda message: succeed(None)
    it.channel.deliver({})
    it.turn()
    assert it.count.failed == 1


def test_stopping_while_it_opens_leaves_no_consumer_behind():
    it = House(acks_all)
    it.session = FakeSession(it.happened)
    answer = Deferred()
    opening = it.session.open_channel

    async def slowly(**named):
        await answer
        return await opening(**named)

    it.session.open_channel = slowly
    it.consumer.use(it.session)
    it.turn()
    assert it.consumer.stop().called
    answer.callback(None)
    it.turn()
    assert it.happened[-1] == ("closed", 1)
    assert not it.consumer.health.consuming
    assert it.clock.getDelayedCalls() == []


def becomes(it, **changes):
    """New settings while it consumes."""
    settings = spec(**changes)
    it.consumer.become(settings, lambda channel: channel.declare_queue(settings.queue))


def test_other_settings_hold_for_what_comes_and_what_is_in_hand_ends_under_its_own():
    confirmed = [Deferred(), Deferred()]
    it = house(lambda payload, event: done(MESSAGE), on_failure=FailurePolicy(0, 1.0, 1.0, "drop"))
    it.publishing = lambda messages: confirmed[it.count.received - 1]
    it.channel.deliver({})
    it.turn()
    becomes(it, on_failure=FailurePolicy(0, 1.0, 1.0, "reject"))
    it.channel.deliver({})
    it.turn()
    for one in confirmed:
        one.errback(Unroutable(312, "NO_ROUTE", "out", "key"))
    it.turn()
    assert [("reject", 2, False), ("ack", 1, True)] == it.settled()
    assert 1 == it.count.dropped
    assert 0 == it.consumer.in_hand
    assert [("consume", "work")] == [what for what in it.happened if what[0] == "consume"]


def test_where_order_matters_new_settings_wait_for_the_events_of_the_old_ones():
    confirmed = Deferred()
    it = house(lambda payload, event: done(MESSAGE), ordered=True)
    it.publishing = lambda messages: confirmed if it.count.received == 1 else succeed(None)
    it.channel.deliver({"k": "a"})
    it.turn()
    becomes(it, ordered=True, on_failure=FailurePolicy(0, 1.0, 1.0, "drop"))
    it.channel.deliver({"k": "a"}, {"k": "b"})
    it.turn()
    assert 1 == it.consumer.in_hand
    assert it.consumer.health.paused
    confirmed.callback(None)
    it.turn()
    assert 0 == it.consumer.in_hand
    assert not it.consumer.health.paused
    assert 3 == it.count.acknowledged


def test_another_prefetch_is_consumed_with_on_a_new_channel_and_the_old_one_is_closed_when_all_is_settled():
    confirmed = Deferred()
    it = house(lambda payload, event: done(MESSAGE), prefetch=10)
    it.publishing = lambda messages: confirmed if it.count.received == 1 else succeed(None)
    old = it.channel
    old.deliver({})
    it.turn()
    becomes(it, prefetch=20)
    it.turn()
    new = it.channel
    assert old is not new
    assert old.is_open
    new.deliver({})
    it.turn()
    assert 1 == it.consumer.in_hand
    confirmed.callback(None)
    it.turn(1.0)
    assert not old.is_open
    assert 2 == it.count.acknowledged
    assert it.consumer.health.consuming
    it.stop_timers()


def test_a_queue_that_would_go_with_its_consumer_keeps_its_channel_whatever_the_prefetch():
    it = house(queue=VOLATILE)
    old = it.channel
    becomes(it, queue=VOLATILE, prefetch=20)
    it.turn(1.0)
    assert old is it.channel
    assert old.is_open


def test_what_a_removed_queue_of_its_own_has_brought_is_done_and_not_given_back_to_nobody():
    it = house(queue=VOLATILE)
    it.consumer.pause()
    it.channel.deliver({}, {})
    it.turn()
    stopped = it.consumer.retire(it.consumer._book())
    it.turn()
    assert stopped.called
    assert 2 == it.count.acknowledged


def test_what_a_deleted_queue_had_delivered_is_worked_off_while_its_successor_is_consumed():
    it = house(lambda payload, event: done(MESSAGE))
    confirmed = [Deferred(), Deferred()]
    waiting = list(confirmed)
    it.publishing = lambda messages: waiting.pop(0)
    it.channel.deliver({}, {})
    it.turn()
    it.channel.on_cancelled()
    it.turn(1)
    assert it.consumer.health.consuming
    for one in confirmed:
        one.callback(None)
    it.turn(1)
    assert ("ack", 2, True) in it.settled()
    assert (it.count.acknowledged, it.count.late) == (2, 0)
