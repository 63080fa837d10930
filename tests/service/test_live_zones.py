"""The service on two zones, each a virtual host of the tests' node, which are two brokers to it."""

import json

import pytest
import pytest_twisted
from bus import Bus

RULES = """
subscribe questions {
    exchange "in" { type: topic }
    queue "questions" { durable: true, type: classic }
    routing: ["#"]
    zones: all
}
event_route[kazoo:consumer-event-test-ask] {
    reply({ "Event-Category": "test", "Event-Name": "told", "N": .N, "Zone": meta.zone })
}
"""


@pytest_twisted.async_yield_fixture
async def away(rabbit, vhost):
    rabbit.add_vhost(f"{vhost}-away")
    opened = await Bus.connect(rabbit.url_of(f"{vhost}-away"))
    yield opened
    await opened.close()
    rabbit.delete_vhost(f"{vhost}-away")


async def ask(bus, many):
    await bus.queue("answers", "targeted", "direct", "asker")
    question = {"Event-Category": "test", "Event-Name": "ask", "Server-ID": "asker"}
    await bus.publish("in", [("k", {**question, "N": n, "Msg-ID": f"m{n}"}) for n in range(many)])


@pytest.mark.timeout(120)
@pytest_twisted.ensureDeferred
async def test_all_zones_are_consumed_and_replies_go_back_by_the_one_that_asked(
    rabbit, vhost, bus, away, serve
):
    zones = {"home": rabbit.url_of(vhost), "away": rabbit.url_of(f"{vhost}-away")}
    service = serve(RULES, zones=zones)
    for one in (bus, away):
        await service.consuming(one, "questions")
        await ask(one, 50)
    for one, zone in ((bus, "home"), (away, "away")):
        answers = await one.take("answers", 50)
        assert {(n, zone) for n in range(50)} == {(answer["N"], answer["Zone"]) for answer in answers}
    assert await service.stop() == 0


SLOW = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
}
event_route[kazoo:consumer-event-test-step] {
    let answer = query("silent", "q", {}, timeout: 30s) else { retry("nobody answers") }
    publish("out", "step", answer)
}
"""


@pytest.mark.timeout(120)
@pytest_twisted.ensureDeferred
async def test_a_second_signal_ends_at_once_and_what_was_in_hand_is_there_again(bus, serve, tmp_path):
    await bus.queue("unread", "silent")
    pid_file = tmp_path / "kzrules.pid"
    service = serve(SLOW, twistd=(f"--pidfile={pid_file}",))
    await service.consuming(bus, "events")
    event = json.dumps({"Event-Category": "test", "Event-Name": "step"}).encode()
    await bus.publish("in", [("k", event)] * 20)
    await bus.until(lambda: bus.depth("unread", 20))
    assert str(service.process.pid) == pid_file.read_text()
    service.process.terminate()
    await bus.until(lambda: bus.consumers("events", 0))
    assert service.process.poll() is None, "it waits for what is in hand"
    service.process.terminate()
    assert await service.ended() == 1
    assert not pid_file.exists()
    await bus.until(lambda: bus.depth("events", 20))
