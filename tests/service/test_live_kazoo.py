"""What the service does on the bus of its own accord: connection events, and answers that come too late."""

import json
import re

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

HEARD = """
subscribe asked {
    exchange "in" { type: topic }
    queue "asked" { durable: true, type: classic }
    routing: "ask.*"
}
event_route[kazoo:mod-init] { publish("out", "init", { "Event-Name": "init" }) }
event_route[kazoo:consumer-event-connection-open] {
    publish("out", "open", { "Event-Name": "open", "Host": .host, "Zone": .zone })
}
event_route[kazoo:consumer-event-connection-closed] {
    publish("out", "closed", { "Event-Name": "closed", "Host": .host, "Zone": .zone })
}
event_route[kazoo:consumer-event-test-ask] {
    let answer = query("questions", "q", { "N": .N, "Msg-ID": .Own }, timeout: 5s) else (why) { retry(why) }
    publish("out", "answer", { "Event-Name": "answer", "N": answer.N, "Id": answer.Msg-ID })
}
event_route[kazoo:consumer-event-test-answer] {
    publish("out", "late", { "Event-Name": "late", "N": .N, "Key": meta.routing_key })
}
"""


async def outputs(bus, count):
    return [
        {key: one[key] for key in sorted(one) if key in KEPT} for one in await bus.take("outputs", count, 15)
    ]


KEPT = {"Event-Name", "Host", "Zone", "N", "Id"}


@pytest_twisted.ensureDeferred
async def test_each_connection_has_its_events_with_host_and_zone(bus, serve):
    await bus.queue("outputs", "out")
    service = serve(HEARD)
    await service.consuming(bus, "asked")
    opened = {"Event-Name": "open", "Host": "127.0.0.1", "Zone": "local"}
    came = await outputs(bus, 3)
    assert [{"Event-Name": "init"}, opened, opened] == sorted(came, key=lambda one: one["Event-Name"])
    await service.stop()


@pytest_twisted.ensureDeferred
async def test_it_signs_as_the_module_does_when_it_is_told_to(bus, serve):
    await bus.queue("outputs", "out", key="init")
    service = serve(HEARD, "--app-name", "kamailio", "--node", "sip.example.com")
    (init,) = await bus.take("outputs", 1, 30)
    assert ("kamailio", "kamailio@sip.example.com") == (init["App-Name"], init["Node"])
    assert re.fullmatch(r"kamailio@sip\.example\.com-<[0-9a-f]+>-targeted-0", init["Server-ID"])
    await service.stop()


@pytest.mark.parametrize("late", ["count", "event"])
@pytest_twisted.ensureDeferred
async def test_a_second_answer_runs_an_event_route_only_where_that_is_asked_for(bus, serve, late):
    await bus.queue("outputs", "out", key="answer")
    await bus.channel.bind_queue("outputs", "out", "late", {})
    await bus.queue("questions", "questions")

    def twice(questions):
        for one in [json.loads(question.body) for question in questions]:
            said = {"Event-Category": "test", "Event-Name": "answer", "N": one["N"], "Msg-ID": one["Msg-ID"]}
            second = {**said, "N": "second"}
            answers = [(one["Server-ID"], said), (one["Server-ID"], second)]
            Deferred.fromCoroutine(bus.publish("targeted", answers))

    await bus.watch("questions", twice)
    service = serve(HEARD, broker=f"late_answers: {late}")
    await service.consuming(bus, "asked")
    event = {"Event-Category": "test", "Event-Name": "ask", "N": 7, "Own": "an id of my own"}
    await bus.publish("in", [("ask.x", event)])
    expected = [{"Event-Name": "answer", "N": 7, "Id": "an id of my own"}]
    if late == "event":
        expected.append({"Event-Name": "late", "N": "second"})
    came = await outputs(bus, len(expected))
    assert expected == sorted(came, key=lambda one: one["Event-Name"])
    await service.stop()
