"""Ten thousand events through the real service and a real broker: each output, nothing left behind."""

import json
import random
from collections import Counter

import pytest
import pytest_twisted

MIXED = """
subscribe events {{
    exchange "in" {{ type: topic }}
    queue "events" {{ durable: true, type: classic }}
    routing: ["#"]
    ack: {ack}
    prefetch: 300
    {on_failure}
}}
event_route[kazoo:consumer-event-presence-dialog-update] when .State in ["early", "confirmed"] {{
    publish("out", "lamp", {{ "Event-Name": "lamp", "N": .N, "State": .State }})
}}
event_route[kazoo:consumer-event-presence-mwi-update] {{
    publish("out", "mwi.new", {{ "Event-Name": "new", "N": .N, "Count": int(.Messages-New) + 1 }})
    publish("out", "mwi.all", {{ "Event-Name": "all", "N": .N }})
}}
event_route[kazoo:consumer-event-directory] {{
    done("known")
}}
event_route[kazoo:consumer-event-nodes] {{
    reject("not here")
}}
"""


def mixed(n):
    """Event number n, and what it must cause: outputs, and whether it is rejected."""
    match n % 6:
        case 0:
            event = {"Event-Category": "presence", "Event-Name": "dialog_update", "State": "early", "N": n}
            return event, [("lamp", n, None)], False
        case 1:
            event = {"Event-Category": "presence", "Event-Name": "mwi_update", "Messages-New": n % 7, "N": n}
            return event, [("new", n, n % 7 + 1), ("all", n, None)], False
        case 2:
            return {"Event-Category": "directory", "Event-Name": "reg_success", "N": n}, [], False
        case 3:
            return {"Event-Category": "presence", "Event-Name": "unheard_of", "N": n}, [], False
        case 4:
            return b'{"Event-Category": "presence", "N": ', [], True
    return {"Event-Category": "nodes", "Event-Name": "advertise", "N": n}, [], True


@pytest.mark.timeout(240)
@pytest.mark.parametrize("ack", ["after_processing", "immediate"])
@pytest_twisted.ensureDeferred
async def test_ten_thousand_mixed_events_give_exactly_their_outputs(bus, serve, ack):
    many = 10_000
    on_failure = 'on_failure: retry(times: 1, first: 1s, longest: 1s) then dead_letter("dead")'
    rules = MIXED.format(ack=ack, on_failure=on_failure if ack == "after_processing" else "")
    await bus.queue("outputs", "out")
    service = serve(rules)
    await service.consuming(bus, "events")
    made = [mixed(n) for n in range(many)]
    await bus.publish("in", [("k", event) for event, _, _ in made])
    expected = Counter(output for _, outputs, _ in made for output in outputs)
    got = await bus.take("outputs", sum(expected.values()))
    assert await service.stop() == 0
    assert expected == Counter((one["Event-Name"], one["N"], one.get("Count")) for one in got)
    assert (await bus.count("events"))[0] == 0, "nothing is left, nothing was unacknowledged"
    totals, rejected = service.totals(), sum(refused for _, _, refused in made)
    assert (many, rejected, 0) == (totals["received"], totals["rejected"], totals["failed"])
    if ack == "after_processing":
        assert many - rejected == totals["acknowledged"]
        assert (await bus.count("dead"))[0] == rejected


@pytest.mark.timeout(240)
@pytest_twisted.ensureDeferred
async def test_ended_in_the_middle_and_started_again_nothing_is_lost(bus, serve):
    many, prefetch = 10_000, 300
    await bus.queue("outputs", "out")
    rules = MIXED.format(ack="after_processing", on_failure="")
    service = serve(rules)
    await service.consuming(bus, "events")
    got = []

    def collect(deliveries):
        if not got:
            service.process.terminate()
        got.extend(json.loads(delivery.body)["N"] for delivery in deliveries)

    await bus.watch("outputs", collect)
    event = {"Event-Category": "presence", "Event-Name": "dialog_update", "State": "early"}
    await bus.publish("in", [("k", {**event, "N": n}) for n in range(many)])
    assert await service.ended() == 0
    left = (await bus.count("events"))[0]
    assert 0 < left < many, "it was ended in the middle"
    again = serve(rules)
    await bus.until(lambda: len(set(got)) == many)
    assert await again.stop() == 0
    assert set(range(many)) == set(got)
    assert len(got) - many <= prefetch, "only what was in hand may be seen twice"
    assert (await bus.count("events"))[0] == 0


ORDERED = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    prefetch: 400
    ordered_by: .Key
    on_failure: retry(times: 3, first: 20ms, longest: 50ms) then dead_letter("dead")
}
event_route[kazoo:consumer-event-test-step] {
    if .Ask {
        let answer = query("asked", "q", { "Event-Name": "ask", "N": .N }, timeout: 20s) else (why) {
            retry(why)
        }
        if answer.N != .N { reject("not my answer") }
    }
    if .Stumble and meta.attempt < 2 { retry("stumbled") }
    publish("out", "step", { "Event-Name": "step", "Key": .Key, "N": .N })
}
"""


@pytest.mark.timeout(240)
@pytest_twisted.ensureDeferred
async def test_each_key_keeps_its_order_through_queries_and_retries(bus, serve):
    chance = random.Random(7)
    await bus.queue("outputs", "out")
    await bus.queue("questions", "asked")
    await bus.answer("questions")
    service = serve(ORDERED, "--workers", "8")
    await service.consuming(bus, "events")
    event = {"Event-Category": "test", "Event-Name": "step"}
    sent = [
        {**event, "Key": f"k{key}", "N": n, "Ask": chance.random() < 0.1, "Stumble": chance.random() < 0.05}
        for n in range(50)
        for key in chance.sample(range(100), 100)
    ]
    await bus.publish("in", [("k", one) for one in sent])
    got = await bus.take("outputs", len(sent), 120.0)
    assert await service.stop() == 0
    by_key = {}
    for one in got:
        by_key.setdefault(one["Key"], []).append(one["N"])
    assert {f"k{key}": list(range(50)) for key in range(100)} == by_key
    assert (await bus.count("events"))[0] == 0


ASKING = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    prefetch: 2500
}
event_route[kazoo:consumer-event-test-ask] {
    let answer = query("asked", "q", { "Event-Name": "ask", "N": .N }, timeout: 50s) else (why) {
        reject(why)
    }
    publish("out", "answered", { "Event-Name": "answered", "N": answer.N })
}
"""


@pytest.mark.timeout(240)
@pytest_twisted.ensureDeferred
async def test_two_thousand_queries_wait_at_once_on_four_threads(bus, serve):
    many = 2_000
    await bus.queue("outputs", "out")
    await bus.queue("questions", "asked")
    service = serve(ASKING, "--workers", "4")
    await service.consuming(bus, "events")
    questions = []
    await bus.watch("questions", questions.extend)
    await bus.publish(
        "in", [("k", {"Event-Category": "test", "Event-Name": "ask", "N": n}) for n in range(many)]
    )
    await bus.until(lambda: len(questions) == many)
    assert (await bus.count("outputs"))[0] == 0, "all of them wait"
    await bus.reply_to(questions)
    got = await bus.take("outputs", many)
    assert await service.stop() == 0
    assert set(range(many)) == {one["N"] for one in got}
    assert len(got) == many
