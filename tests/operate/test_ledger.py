"""What is counted by route and by failing line."""

from settled import settled

from kzrules.message.outcome import Ack, Cause, Place, Reject, Retry
from kzrules.operate.ledger import LONGEST_REASON, MOST_FAILURES, Ledger
from kzrules.operate.rates import Rates


def test_each_route_counts_what_it_took_and_what_failed():
    now = [5.0]
    ledger = Ledger(lambda: now[0])
    ledger.note(settled("a"))
    now[0] = 7.0
    ledger.note(settled("a", Reject("broken", Cause.ERROR, Place("r.kzr", 3))))
    ledger.note(settled("a", Retry("not now")))
    ledger.note(settled(None, Ack(unmatched=True)))
    (name, done), *more = ledger.routes.items()
    assert ("a", 3, 1, 7.0, []) == (name, done.taken, done.failed, done.last, more)


def test_a_failing_line_is_one_entry_with_its_last_reason_and_the_latest_stands_first():
    ledger = Ledger(lambda: 1.0)
    for why in ("first", "x" * 10_000):
        ledger.note(settled("a", Reject(why, Cause.ERROR, Place("r.kzr", 3))))
    ledger.note(settled("b", Reject("no", Cause.RULE, Place("r.kzr", 9))))
    latest, earlier = ledger.failures
    assert ("r.kzr:9", "rule", 1, "no") == (latest.place, latest.cause, latest.count, latest.why)
    assert ("r.kzr:3", "error", 2) == (earlier.place, earlier.cause, earlier.count)
    assert "x" * LONGEST_REASON == earlier.why


def test_failures_are_bounded_and_the_oldest_goes():
    ledger = Ledger(lambda: 1.0)
    for line in range(MOST_FAILURES + 5):
        ledger.note(settled("a", Reject("no", Cause.ERROR, Place("r.kzr", line))))
    assert MOST_FAILURES == len(ledger.failures)
    assert "r.kzr:5" == ledger.failures[-1].place


def test_what_could_not_be_published_is_the_reason_of_an_event_that_ended_well():
    ledger = Ledger(lambda: 1.0)
    item = settled("a")
    item.trouble = "nobody is bound"
    ledger.note(item)
    assert ["nobody is bound"] == [one.why for one in ledger.failures]


def test_a_rate_is_taken_over_the_last_ten_seconds_and_forgotten_with_its_counter():
    rates = Rates(-1.0)
    for second in range(30):
        rates.look(float(second), {"q": second * second})
    assert (29 * 29 - 19 * 19) / 10 == rates.of("q")
    assert 0.0 == rates.of("unknown")
    rates.look(30.0, {"q": 29 * 29, "new": 100})
    assert 100.0 == rates.of("new")
    rates.look(31.0, {})
    assert 0.0 == rates.of("q")
