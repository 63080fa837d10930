"""The demonstration's parts: its events are what they seem, and it counts each of them once."""

import io
import json
from itertools import islice

from rich.console import Console

from demo.events import stream
from demo.screen import Screen
from demo.tally import Tally


def settled(message_id, outcome="ack", **more):
    return {"event": "settled", "outcome": outcome, "msg_id": message_id, "actions": [], **more}


def test_events_are_those_of_a_cluster_and_one_of_25_is_broken():
    events = list(islice(stream("run"), 1000))
    kinds = {event.kind for event in events}
    assert kinds == {
        "presence dialog_update",
        "presence mwi_update",
        "directory reg_success",
        "nodes advertise",
        "broken",
    }
    assert sum(event.kind == "broken" for event in events) == 40
    assert len({event.id for event in events}) == 1000


def test_what_is_not_broken_is_an_object_with_its_own_id():
    for event in islice(stream("run"), 100):
        if event.kind != "broken":
            assert json.loads(event.body)["Msg-ID"] == event.id


def test_everything_is_published_to_exchanges_that_only_the_demonstration_uses():
    assert all(event.exchange.startswith("kzdemo.") for event in islice(stream("run"), 200))


def test_an_event_that_is_seen_twice_is_counted_once():
    tally = Tally()
    tally.take(settled("a", actions=["publish kzdemo.lamps lamp.1001"]))
    tally.take(settled("a", actions=["publish kzdemo.lamps lamp.1001"]))
    assert (tally.settled, tally.outputs, tally.twice) == (1, 1, 1)


def test_a_retry_is_no_end():
    tally = Tally()
    tally.take(settled("a", "retry"))
    assert tally.settled == 0
    tally.take(settled("a"))
    assert (tally.settled, tally.ended("acknowledged")) == (1, 1)


def test_an_event_without_a_body_that_can_be_read_is_known_by_its_key():
    tally = Tally()
    tally.take(settled(None, "reject", routing_key="dialog.broken.run-000025"))
    tally.take(settled(None, "reject", routing_key="dialog.broken.run-000050"))
    assert (tally.settled, tally.ended("rejected")) == (2, 2)


def test_a_line_never_leaves_eighty_columns():
    console = Console(width=80, record=True, file=io.StringIO())
    Screen(console).event(
        settled(
            "a",
            subscription="a-very-long-subscription",
            route="kazoo:consumer-event-" + "x" * 90,
            actions=["y" * 90],
        )
    )
    assert max(len(line) for line in console.export_text().splitlines()) <= 80
