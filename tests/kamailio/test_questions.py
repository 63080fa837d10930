"""Questions from frame to answer: every one has an end, in time, and nothing is unbounded."""

import json

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from kzrules.errors import BrokerGone
from kzrules.kamailio.frames import Reason
from kzrules.kamailio.questions import Questions
from kzrules.language.compile import compile_program
from kzrules.language.declare import declare
from kzrules.language.parse import parse
from kzrules.message.action import Answered
from kzrules.message.identity import Identity
from kzrules.routing.book import Book
from kzrules.routing.tables import Tables
from kzrules.wire.netstring import Netstrings
from kzrules.words import WORDS

RULES = """
kamailio proxy { deadline: 10s questions: 3 events: 2 }
event_route[kamailio:echo] { answer({ "was": .x, "key": meta.routing_key, "by": meta.subscription }) }
event_route[kamailio:no] { reject("not {.x}") }
event_route[kamailio:silent] { done }
event_route[kamailio:broken] { let _y = .x + 1 answer({}) }
event_route[kamailio:large] { let long = join(split(.x, ","), "{.x}") answer({ "long": long }) }
event_route[kamailio:ask] {
    let found = query("e", "k", { "x": .x }, timeout: 60s) else (why) { reject(why) }
    answer({ "found": found.y })
    publish("never", "never", {})
}
event_route[kamailio:tag] { tell("proxy", .x, {}) answer({}) }
event_route[kamailio:deep] { say(.x) }
event_route[kamailio:cdr] { publish("cdrs", "cdr", { "x": .x }) }
route say(x) { if x == 1 { answer({ "deep": x }) } reject("no") }
"""


class Wire:
    """A connection of evapi, as far as frames go."""

    def __init__(self):
        self.netstrings = Netstrings()
        self._reader = Netstrings()
        self.frames = []

    def write(self, frame):
        self.frames += [json.loads(data) for data in self._reader.feed(frame)]

    def told(self, number=-1):
        frame = self.frames[number]
        return frame.get("body") if frame["ok"] else (frame["reason"], frame["why"])


class House:
    """Questions with a worker that runs at once, or later."""

    def __init__(self, monkeypatch):
        tree, findings = parse(RULES, "r.kzr")
        assert [] == [finding for finding in findings if finding.is_error]
        declared = declare([tree], {}, "node", words=WORDS)
        program = compile_program([tree], declared, WORDS)
        self.book = Book(program, declared, Identity("h", "kzrules", "1", "x"), Tables([]), {})
        self.clock = Clock()
        monkeypatch.setattr("time.time", self.clock.seconds)
        self.clock.advance(1_000_000)
        self.held = None
        self.asked = []
        self.published = []
        self.publishing = lambda messages: succeed(None)
        self.wire = Wire()
        (spec,) = declared.kamailios
        self.questions = Questions(spec, self, self, lambda: self.book, self.clock)

    # The worker pool.

    def submit(self, work, receive):
        if self.held is None:
            receive(list(work()))
        else:
            self.held.append((work, receive))

    # Outside.

    soon = None

    def hold(self):
        self.holding = True

    def release(self):
        self.holding = False

    def ask(self, question):
        assert self.holding, "what a batch asks goes out together"
        self.asked.append((question, Deferred()))
        return self.asked[-1][1]

    def publish_all(self, messages):
        self.published += messages
        return self.publishing(messages)

    def log(self, line):
        pass

    def reply(self, reply):
        pass

    after = tell = reply

    def send(self, **frame):
        self.questions.take(self.wire, [json.dumps(frame).encode()])

    def question(self, name, x=None, asker="1:2", ms=2000):
        self.send(ask=name, id=asker, ms=ms, body={"x": x})

    @property
    def counts(self):
        return self.questions.counts


@pytest.fixture
def house(monkeypatch):
    return House(monkeypatch)


def test_an_answer_goes_back_with_the_id_of_its_question(house):
    house.question("echo", "abc", asker="17:4711")
    assert [{"id": "17:4711", "ok": 1, "body": {"was": "abc", "key": "echo", "by": "proxy"}}] == (
        house.wire.frames
    )
    assert (0, 1) == (house.questions.questions, house.counts.answered)


@pytest.mark.parametrize(
    ("name", "x", "reason", "why"),
    [
        ("no", 5, "rejected", "not 5"),
        ("silent", 5, "unanswered", "the rule came to its end without an answer"),
        ("nowhere", 5, "no_route", "no event route takes nowhere"),
        ("broken", "a", "failed", "`+` needs two numbers"),
        ("large", "," * 200, "failed", "evapi takes no more than 32000"),
        ("tag", "t" * 64, "failed", "`tag` has 64 characters, and may have 63 at most"),
        ("deep", 2, "rejected", "no"),
    ],
)
def test_a_rule_that_does_not_answer_says_no_at_once(house, name, x, reason, why):
    house.question(name, x)
    assert (reason, True) == (house.wire.told()[0], why in house.wire.told()[1])
    assert (0, {Reason(reason): 1}) == (house.questions.questions, house.counts.refused)


def test_an_answer_ends_the_rule_from_within_a_subroutine(house):
    house.question("deep", 1)
    assert [{"deep": 1}] == [frame["body"] for frame in house.wire.frames]


def test_a_question_waits_for_the_bus_and_nothing_behind_its_answer_runs(house):
    house.question("ask", 1)
    (query, answer) = house.asked[0]
    assert 1.8 == pytest.approx(query.timeout)
    answer.callback(Answered({"y": 7}))
    house.clock.advance(0)
    assert {"found": 7} == house.wire.told()
    assert [] == house.published


def test_what_is_late_is_told_so_in_time_and_its_answer_is_dropped_and_counted(house):
    house.question("ask", 1)
    house.clock.advance(1.79)
    assert [] == house.wire.frames
    house.clock.advance(0.02)
    assert "late" == house.wire.told()[0]
    house.asked[0][1].callback(Answered({"y": 7}))
    house.clock.advance(0)
    assert (1, 1, 0) == (len(house.wire.frames), house.counts.late, house.questions.questions)


def test_without_a_limit_the_declared_deadline_counts(house):
    house.send(ask="ask", id="1:1", body={"x": 1})
    house.clock.advance(8.9)
    assert [] == house.wire.frames
    house.clock.advance(0.2)
    assert "late" == house.wire.told()[0]


def test_a_question_whose_time_was_over_before_a_worker_was_free_does_not_run(house):
    house.held = []
    house.question("echo", 1, ms=100)
    house.clock.advance(0.2)
    assert "late" == house.wire.told()[0]
    work, receive = house.held.pop()
    receive(list(work()))
    assert (1, 0, 0) == (len(house.wire.frames), house.counts.late, house.questions.questions)


def test_beyond_the_limit_the_answer_is_busy_at_once(house):
    for number in range(5):
        house.question("ask", 1, asker=f"{number}:1")
    assert ["busy", "busy"] == [house.wire.told(number)[0] for number in (0, 1)]
    house.asked[0][1].callback(Answered({"y": 1}))
    house.clock.advance(0)
    house.question("echo", 1, asker="9:9")
    assert {"was": 1, "key": "echo", "by": "proxy"} == house.wire.told()


def test_who_asked_by_a_lost_connection_gets_no_answer_by_another(house):
    house.question("ask", 1)
    house.questions.lost(house.wire)
    house.asked[0][1].callback(Answered({"y": 1}))
    house.clock.advance(20)
    assert ([], 1, 1, 0) == (
        house.wire.frames, house.counts.gone, house.counts.late, house.questions.questions,
    )  # fmt: skip


def test_one_transaction_asks_one_question_at_a_time(house):
    house.question("ask", 1)
    house.question("echo", 2)
    assert "bad_question" == house.wire.told()[0]


@pytest.mark.parametrize(
    "frame",
    [
        {"ask": "echo", "id": "1:1", "body": []},
        {"ask": 5, "id": "1:1", "body": {}},
        {"ask": "echo", "id": "1:1", "ms": -1, "body": {}},
        {"ask": "echo", "id": "1:1", "ms": "x", "body": {}},
    ],
)
def test_a_bad_question_is_told_so_where_it_says_who_asks(house, frame):
    house.send(**frame)
    assert "bad_question" == house.wire.told()[0]
    assert 1 == house.counts.bad_frames


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"ask":"x","body":{}}', b'{"publish":1}', b"\xff"])
def test_what_is_no_frame_is_counted(house, data):
    house.questions.take(house.wire, [data])
    assert ([], 1) == (house.wire.frames, house.counts.bad_frames)


def test_an_event_is_done_when_what_it_published_is_confirmed(house):
    confirmed = Deferred()
    house.publishing = lambda messages: confirmed
    house.send(publish="cdr", body={"x": 1})
    assert (1, 0) == (house.questions.events, house.counts.done)
    confirmed.callback(None)
    assert (0, 1, []) == (house.questions.events, house.counts.done, house.wire.frames)


def test_an_event_whose_messages_do_not_arrive_has_failed(house):
    house.publishing = lambda messages: fail(BrokerGone("no broker"))
    house.send(publish="cdr", body={"x": 1})
    assert (0, 0, 1) == (house.questions.events, house.counts.done, house.counts.failed)


def test_events_beyond_the_limit_are_dropped_and_counted(house):
    house.publishing = lambda messages: Deferred()
    for _ in range(3):
        house.send(publish="cdr", body={"x": 1})
    assert (2, 1) == (house.questions.events, house.counts.dropped)


def test_an_answer_to_an_event_is_a_failure_of_the_rule(house):
    house.send(publish="echo", body={"x": 1})
    assert (0, 1, []) == (house.questions.events, house.counts.failed, house.wire.frames)


def test_who_asks_while_it_stops_is_told_so_and_those_in_hand_have_their_time(house):
    house.question("ask", 1, asker="1:1")
    house.questions.stopping = True
    house.question("echo", 1, asker="2:2")
    assert "stopping" == house.wire.told()[0]
    idle = house.questions.when_idle()
    assert not idle.called
    house.asked[0][1].callback(Answered({"y": 1}))
    house.clock.advance(0)
    assert idle.called
    assert {"found": 1} == house.wire.told()


def test_closing_tells_those_that_still_wait(house):
    house.question("ask", 1)
    house.questions.close()
    assert ("stopping", "kzrules stops") == house.wire.told()
    assert [] == house.clock.getDelayedCalls()
