"""The status of a running service, against a real broker."""

import pytest_twisted

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    on_failure: retry(times: 0) then dead_letter("{queue}.dead")
}
table seen { ttl: 1h, max: 10 }
event_route[kazoo:consumer-event-test-good] { seen[.N] = 1 }
event_route[kazoo:consumer-event-test-bad] { let n = .N + 1 }
"""


@pytest_twisted.ensureDeferred
async def test_the_status_says_what_the_service_is_doing(bus, inside, broker_url):
    service = inside(RULES).service
    assert not service.status.ready
    assert ["events does not consume in zone local: no broker is connected"] == [
        why for why in service.status.unready() if why.startswith("events")
    ]
    await bus.until(lambda: service.status.ready)
    event = {"Event-Category": "test"}
    await bus.publish("in", [("k", {**event, "Event-Name": "good", "N": n}) for n in range(20)])
    await bus.publish("in", [("k", {**event, "Event-Name": "bad", "N": "text"})])
    await bus.publish("in", [("k", {**event, "Event-Name": "unheard-of"})])
    await bus.until(lambda: service.totals.settled == 22 and service.status.subscriptions[0].rate > 0)
    status = service.status
    (events,) = status.subscriptions
    assert ("events", "local", "events", "events.dead") == (
        events.name,
        events.zone,
        events.queue,
        events.dead_letters,
    )
    assert (22, 1, 1, 1) == (
        events.counters.received,
        events.counters.unmatched,
        events.counters.failed,
        events.counters.dead_lettered,
    )
    assert abs(events.last_event - status.at) < 30
    assert {("consume", "ready"), ("publish", "ready")} == {(c.purpose, c.state) for c in status.connections}
    assert {broker_url.split("@")[1].split("/")[0]} == {c.broker for c in status.connections}
    assert {("kazoo:consumer-event-test-good", 20, 0), ("kazoo:consumer-event-test-bad", 1, 1)} == {
        (route.name, route.taken, route.failed) for route in status.routes
    }
    (failure,) = status.failures
    assert failure.place.endswith("rules.kzr:10")
    assert 1 == failure.count
    assert [("seen", 10, 10, 10)] == [(t.name, t.entries, t.limit, t.evicted) for t in status.tables]
    assert status.rules.generation == service.parts.book.generation
    assert status.as_json()["ready"] is True
    await service.stopService()
    assert not service.status.ready
