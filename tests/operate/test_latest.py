"""What the page shows of failures."""

from types import SimpleNamespace

from kzrules.message.outcome import Ack, Cause, Place, Reject
from kzrules.operate.latest import KEPT, Failures


def ended(outcome, route="kazoo:consumer-event", **changes):
    return SimpleNamespace(
        **{
            "delivery": SimpleNamespace(source=SimpleNamespace(subscription="calls"), routing_key="k"),
            "event": None,
            "outcome": outcome,
            "trouble": None,
            "route": route,
            "did": ["publish out x"],
            "attempt": 2,
            **changes,
        }
    )


def rejected(line, why="no"):
    return ended(Reject(why, Cause.RULE, Place("a.kzr", line)))


def test_one_entry_a_line_with_its_count_and_what_it_said_last():
    failures = Failures(lambda: 5.0)
    for item in (rejected(3, "first"), rejected(9), rejected(3, "last"), ended(Ack())):
        failures.event(item)
    shown = [(one.place, one.count, one.why) for one in failures.latest]
    assert [("a.kzr:3", 2, "last"), ("a.kzr:9", 1, "no")] == shown


def test_only_the_latest_places_are_kept():
    failures = Failures()
    for line in range(KEPT + 5):
        failures.event(rejected(line))
    assert KEPT == len(failures.latest)
    assert f"a.kzr:{KEPT + 4}" == failures.latest[0].place


def test_a_reason_of_any_length_is_shortened():
    failures = Failures()
    failures.event(rejected(1, "x" * 10_000))
    assert 500 == len(failures.latest[0].why)
