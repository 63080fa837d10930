"""Three instances on one queue, each restarted in turn under load: nothing is lost."""

import json

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    prefetch: 100
}
event_route[kazoo:consumer-event-test-step] { publish("out", "step", { "N": .N, "By": "GEN" }) }
"""
EVENT = {"Event-Category": "test", "Event-Name": "step"}


@pytest.mark.timeout(240)
@pytest_twisted.ensureDeferred
async def test_a_rolling_restart_of_three_instances_loses_nothing_and_repeats_nothing(bus, serve):
    await bus.queue("outputs", "out")
    names = ("one", "two", "three")
    running = {name: serve(RULES.replace("GEN", "old"), name=name) for name in names}
    await bus.until(lambda: bus.consumers("events", 3))
    got, sent, over = [], [], []
    await bus.watch("outputs", got.extend)

    async def load():
        number, began = 0, reactor.seconds()
        while not over:
            due = int((reactor.seconds() - began) * 500) - number
            await bus.publish("in", [("k", {**EVENT, "N": n}) for n in range(number, number + due)])
            number += due
            await deferLater(reactor, 0.01)
        sent.append(number)

    loading = Deferred.fromCoroutine(load())
    for name in names:
        assert 0 == await running[name].stop()
        running[name] = serve(RULES.replace("GEN", "new"), name=name)
        await bus.until(lambda: bus.consumers("events", 3))
    over.append(True)
    await loading
    await bus.until(lambda: len(got) >= sent[0])
    for service in running.values():
        assert 0 == await service.stop()
    made = [json.loads(delivery.body) for delivery in got]
    assert list(range(sent[0])) == sorted(one["N"] for one in made), "each once"
    assert {"old", "new"} == {one["By"] for one in made}
    assert (await bus.count("events"))[0] == 0
