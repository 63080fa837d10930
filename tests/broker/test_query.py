"""Questions and answers: each waits for its own, nobody waits for ever."""

import json

import pytest
from pika import spec

from kzrules.broker.query import Queries
from kzrules.message.action import Answered, Query, Unanswered
from kzrules.message.identity import Identity
from tests.broker.peer import Peer, content, returned

ME = Identity("host", "kzrules", "1", "abc")
BOOLEAN = spec.BasicProperties()


class Service:
    """Queries on a broker in memory."""

    def __init__(self, **options):
        self.peer = Peer()
        self.strays = []
        self.queries = Queries(
            ME,
            self.peer.clock,
            on_stray=lambda *stray: self.strays.append(stray),
            wall=lambda: 1700000000.9,
            **options,
        )
        self.session = self.peer.open()

    def start(self):
        self.queries.session_opened(self.session)
        self.peer.settle()
        return self

    def ask(self, name, timeout=5.0, exchange="x", **more):
        got = []
        body = json.dumps({"Msg-ID": name}).encode()
        self.queries.ask(Query(exchange, "k", body, name, timeout, **more)).addCallback(got.append)
        self.peer.settle()
        return got

    @property
    def listening(self):
        """The channel that answers come on."""
        return next(
            one.channel_number
            for one in reversed(self.peer.seen)
            if isinstance(getattr(one, "method", None), spec.Basic.Consume)
        )

    def answer(self, payload, properties=BOOLEAN):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.peer.feed(
            content(self.listening, spec.Basic.Deliver("c", 1, False, "targeted", "k"), properties, body)
        )
        self.peer.settle()

    def sent(self):
        return [one for one in self.peer.seen if hasattr(one, "properties")]

    def lose(self):
        self.peer.drop()
        self.queries.session_lost()


def test_the_reply_queue_is_exclusive_and_bound_to_targeted_with_our_server_id():
    service = Service().start()
    declared = service.peer.last(spec.Queue.Declare)
    assert (declared.queue, declared.exclusive, declared.auto_delete) == (ME.reply_queue, True, True)
    exchange = service.peer.last(spec.Exchange.Declare)
    assert (exchange.exchange, exchange.type, exchange.durable, exchange.auto_delete) == (
        "targeted",
        "direct",
        False,
        False,
    )
    bound = service.peer.last(spec.Queue.Bind)
    assert (bound.exchange, bound.routing_key) == ("targeted", ME.server_id)
    assert service.peer.last(spec.Basic.Consume).no_ack
    assert service.queries.ready


def test_an_answer_is_known_by_its_msg_id():
    service = Service().start()
    one, two = service.ask("one"), service.ask("two")
    service.answer({"Msg-ID": "two", "x": 2})
    assert two[0].payload["x"] == 2
    assert one == []
    service.answer({"Msg-ID": "one"})
    assert isinstance(one[0], Answered)
    assert service.queries.waiting == 0


def test_who_goes_on_with_the_answers_of_one_read_goes_on_once():
    service = Service().start()
    happened = []
    for name in ("one", "two"):
        asking = service.queries.ask(Query("x", "k", b"{}", name, 5.0))
        asking.addCallback(lambda answer: happened.append(answer.payload["Msg-ID"]))
        asking.addCallback(lambda _: service.queries.soon(lambda: happened.append("on")))
    service.peer.settle()
    bodies = [json.dumps({"Msg-ID": name}).encode() for name in ("one", "two")]
    deliver = spec.Basic.Deliver("c", 1, False, "targeted", "k")
    service.peer.feed(b"".join(content(service.listening, deliver, BOOLEAN, body) for body in bodies))
    assert ["one", "two", "on", "on"] == happened
    service.queries.soon(lambda: happened.append("later"))
    assert "later" not in happened
    service.peer.clock.advance(0)
    assert "later" == happened[-1]


def test_an_answer_without_msg_id_is_known_by_its_correlation_id():
    service = Service().start()
    got = service.ask("one")
    service.answer({"x": 1}, spec.BasicProperties(correlation_id="one"))
    assert got[0].payload["x"] == 1


def test_a_question_carries_what_both_kinds_of_responders_need():
    service = Service().start()
    service.ask("one", timeout=2.5, headers={"h": 1})
    properties = service.sent()[0].properties
    assert properties.reply_to == ME.reply_queue
    assert properties.correlation_id == properties.message_id == "one"
    assert (properties.expiration, properties.delivery_mode) == ("2500", 1)
    assert properties.headers == {"h": 1}
    assert service.peer.last(spec.Basic.Publish).mandatory


def test_an_answer_carries_what_the_module_adds_on_arrival():
    service = Service().start()
    got = service.ask("one")
    service.answer({"Msg-ID": "one", "Server-ID": "them"})
    assert got[0].payload == {
        "Msg-ID": "one",
        "Server-ID": "consumer://3/them",
        "AMQP-Broker-Zone": "local",
        "AMQP-Received": 1700000000,
    }


def test_a_question_times_out_at_its_own_time():
    service = Service().start()
    slow, quick = service.ask("slow", 5.0), service.ask("quick", 1.0)
    service.peer.clock.advance(1.0)
    assert quick == [Unanswered("timeout")]
    assert slow == []
    service.peer.clock.advance(4.0)
    assert slow == [Unanswered("timeout")]
    assert service.queries.timeouts == 2


def test_a_late_and_a_second_answer_are_counted_and_handed_on():
    service = Service().start()
    got = service.ask("one", 1.0)
    service.answer({"Msg-ID": "one"})
    service.answer({"Msg-ID": "one", "second": True})
    assert len(got) == 1
    assert len(service.strays) == service.queries.strays == 1


@pytest.mark.parametrize("body", [b"not json", b"[1]", b'"x"', b""])
def test_an_answer_that_is_no_object_is_a_bad_reply(body):
    service = Service().start()
    got = service.ask("one")
    service.answer(body, spec.BasicProperties(correlation_id="one"))
    assert got == [Unanswered("bad_reply")]


def test_an_unroutable_question_fails_at_once():
    service = Service().start()
    got = service.ask("one")
    number = next(one.channel_number for one in service.peer.seen if hasattr(one, "properties"))
    service.peer.feed(returned(number, key="k", properties=spec.BasicProperties(message_id="one")))
    service.peer.say(number, spec.Basic.Ack(1))
    assert got == [Unanswered("unroutable")]


def test_a_missing_exchange_fails_its_questions_and_the_reply_queue_stays():
    service = Service().start()
    got, other = service.ask("one", exchange="absent"), service.ask("two")
    number = next(one.channel_number for one in service.peer.seen if hasattr(one, "properties"))
    service.peer.say(number, spec.Channel.Close(404, "NOT_FOUND - no exchange 'absent' in vhost '/'", 0, 0))
    assert got == [Unanswered("unroutable")]
    service.answer({"Msg-ID": "two"})
    assert isinstance(other[0], Answered)


def test_without_a_session_a_question_fails_at_once():
    assert Service().ask("one") == [Unanswered("disconnected")]


def test_losing_the_session_fails_everybody_at_once():
    service = Service().start()
    got = [service.ask(str(number)) for number in range(100)]
    service.lose()
    assert got == [[Unanswered("disconnected")]] * 100
    assert service.ask("late") == [Unanswered("disconnected")]
    assert service.peer.clock.getDelayedCalls() == []


def test_the_next_session_answers_again_and_nothing_old_is_asked_twice():
    service = Service().start()
    service.ask("old")
    service.lose()
    clock = service.peer.clock
    service.peer = Peer(clock)
    service.session = service.peer.open()
    service.start()
    got = service.ask("new")
    assert len(service.sent()) == 1
    service.answer({"Msg-ID": "new"})
    assert isinstance(got[0], Answered)


def test_more_questions_than_allowed_are_busy():
    service = Service(limit=2).start()
    service.ask("one")
    service.ask("two")
    assert service.ask("three") == [Unanswered("busy")]


def test_a_question_that_waits_already_is_busy():
    service = Service().start()
    service.ask("one")
    assert service.ask("one") == [Unanswered("busy")]


def test_ten_thousand_wait_at_once_with_one_delayed_call():
    service = Service().start()
    before = len(service.peer.clock.getDelayedCalls())
    got = []
    for number in range(10_000):
        query = Query("x", "k", b"{}", str(number), 5.0 + number / 10_000)
        service.queries.ask(query).addCallback(got.append)
    assert len(service.peer.clock.getDelayedCalls()) == before + 1
    service.peer.clock.pump([0.5] * 12)
    assert got == [Unanswered("timeout")] * 10_000


def test_a_deleted_reply_queue_is_made_again():
    service = Service().start()
    got = service.ask("one")
    tag = service.peer.last(spec.Basic.Consume).consumer_tag
    service.peer.say(service.listening, spec.Basic.Cancel(tag, nowait=True))
    service.peer.settle()
    assert got == [Unanswered("disconnected")]
    assert len(service.peer.all(spec.Basic.Consume)) == 2
    assert service.queries.ready


def test_a_refused_reply_queue_is_tried_again_on_the_same_session():
    service = Service()
    service.peer.refuse[spec.Queue.Declare] = (405, "RESOURCE_LOCKED")
    service.start()
    assert not service.queries.ready
    service.peer.refuse.clear()
    service.peer.clock.advance(2.0)
    service.peer.settle()
    assert service.queries.ready


def test_stopping_answers_everybody_and_leaves_no_delayed_call():
    service = Service().start()
    got = service.ask("one")
    assert service.queries.stop() == 1
    assert got == [Unanswered("disconnected")]
    service.peer.drop()
    assert service.peer.clock.getDelayedCalls() == []
