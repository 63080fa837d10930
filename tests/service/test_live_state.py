"""Tables survive the end of the service, its death, and a folder that somebody spoilt."""

import json

import pytest_twisted

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
}
table seen { ttl: 1h }
event_route[kazoo:consumer-event-test-step] {
    publish("out", "step", { "N": .N, "Before": seen[.N] })
    seen[.N] = .N
}
"""
EVENT = {"Event-Category": "test", "Event-Name": "step"}


@pytest_twisted.ensureDeferred
async def test_tables_are_written_at_the_end_read_at_the_start_and_never_crash_it(bus, serve, tmp_path):
    folder = tmp_path / "state"
    await bus.queue("outputs", "out")
    got = []
    await bus.watch("outputs", got.extend)

    async def life(spoil=None):
        if spoil is not None:
            (folder / "tables.jsonl").write_bytes(spoil)
        service = serve(RULES, "--state", str(folder))
        await service.consuming(bus, "events")
        await bus.publish("in", [("k", {**EVENT, "N": 7})])
        await bus.until(lambda: got)
        assert 0 == await service.stop()
        return json.loads(got.pop().body)["Before"], service.log.read_text()

    assert None is (await life())[0]
    assert 7 == (await life())[0]
    before, log = await life(b"half of a fi")
    assert (None, True) == (before, "is set aside as tables.set-aside" in log)
    assert 7 == (await life())[0]
