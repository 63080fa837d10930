"""What a tap shows, hides, and leaves out."""

import json

import pytest
from settled import settled

from kzrules.errors import SettingError
from kzrules.message.outcome import Ack, Cause, Place, Reject
from kzrules.operate import taps
from kzrules.operate.redact import HIDDEN
from kzrules.operate.taps import Tap, Wish


class Reader:
    """Reads a tap's lines; `reads` False: it does not keep up."""

    def __init__(self, now=100.0, **request):
        self.lines, self.reads, self.ended, self.now = [], True, False, now
        self.tap = Tap(Wish.of(request), self.send, self.end, lambda: self.now)

    def send(self, line):
        if self.reads:
            self.lines.append(json.loads(line))
        return self.reads

    def end(self):
        self.ended = True

    def hear(self, *items):
        for item in items:
            self.tap(item)
        return self.lines


def test_an_event_is_shown_with_what_its_rule_did():
    item = settled("kazoo:a", payload={"Call-ID": "x", "Msg-ID": "m"}, did=["publish out lamp"])
    (line,) = Reader(now=1000.25).hear(item)
    expected = {
        "subscription": "calls",
        "route": "kazoo:a",
        "outcome": "ack",
        "did": ["publish out lamp"],
        "ms": 250.0,
        "msg_id": "m",
        "payload": {"Call-ID": "x", "Msg-ID": "m"},
    }
    assert expected == {name: line[name] for name in expected}


def test_routes_are_chosen_by_a_glob_and_events_by_a_condition_of_the_rule_language():
    a, b, none = settled("kazoo:a", payload={"N": 1}), settled("kazoo:b", payload={"N": 2}), settled(None)
    assert ["kazoo:b"] == [line["route"] for line in Reader(route="*:b").hear(a, b, none)]
    assert [2] == [line["payload"]["N"] for line in Reader(where=".N > 1").hear(a, b)]
    assert [1] == [line["payload"]["N"] for line in Reader(where='route == "kazoo:a"').hear(a, b)]


def test_what_no_route_took_and_what_failed_can_be_asked_for():
    good, unmatched = settled("kazoo:a"), settled(None, Ack(unmatched=True))
    failed = settled("kazoo:a", Reject("no", Cause.ERROR, Place("r.kzr", 3)))
    assert [None] == [line["route"] for line in Reader(unmatched=True).hear(good, unmatched, failed)]
    assert ["r.kzr:3"] == [line["place"] for line in Reader(failed=True).hear(good, unmatched, failed)]
    both = Reader(failed=True, unmatched=True, route="kazoo:*").hear(good, unmatched, failed)
    assert ["ack", "reject"] == [line["outcome"] for line in both]


def test_a_redacted_field_is_shown_nowhere():
    item = settled(
        payload={"User": "alice.smith", "Deep": [{"User": {"Name": "bob", "Pin": 4711}}], "N": 1},
        outcome=Reject("alice.smith is unknown"),
        did=["publish out lamp.alice%2Esmith", "publish out pin.4711"],
        key="in.alice%2Esmith",
    )
    (line,) = Reader(redact=["User"]).hear(item)
    assert {"User": HIDDEN, "Deep": [{"User": HIDDEN}], "N": 1} == line["payload"]
    text = json.dumps(line)
    assert [] == [word for word in ("alice", "bob", "4711") if word in text]


def test_of_a_payload_that_cannot_be_read_a_redacting_tap_shows_nothing():
    item = settled(None, Reject("not JSON near secret", Cause.PAYLOAD), key="secret")
    item.event = None
    (line,) = Reader(redact=["User"]).hear(item)
    assert "secret" not in json.dumps(line)


def test_it_ends_when_it_has_shown_as_many_as_were_wanted():
    reader = Reader(limit=2)
    reader.hear(settled(), settled())
    assert reader.ended


def test_more_than_the_rate_is_left_out_and_counted():
    reader = Reader(rate=2)
    reader.hear(*(settled() for _ in range(5)))
    reader.now += 1
    lines = reader.hear(settled())
    assert [{"left_out": 3}] == [line for line in lines if "left_out" in line]
    assert 3 == len(lines) - 1


def test_a_reader_that_does_not_keep_up_loses_lines_and_is_told_how_many():
    reader = Reader()
    reader.reads = False
    reader.hear(settled(), settled())
    reader.reads = True
    lines = reader.hear(settled())
    assert {"left_out": 2} == lines[0]
    assert 2 == len(lines)


def test_a_tap_takes_no_more_than_its_share_of_the_time(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(taps, "perf_counter", lambda: float(next(clock)))
    reader = Reader(where=".N == 5", rate=1e9)
    reader.hear(*(settled(payload={"N": 1}) for _ in range(10)))
    assert 9 == reader.tap.left_out


@pytest.mark.parametrize(
    "request_", [{"where": ".N >"}, {"rate": 0}, {"limit": 0}, {"redact": "User"}, {"where": "} {"}]
)
def test_a_wish_that_cannot_be_is_refused_in_a_sentence(request_):
    with pytest.raises(SettingError):
        Wish.of(request_)
