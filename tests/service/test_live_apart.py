"""The service and brokers in trouble: a consumer given up, publishers blocked, a broker that comes back."""

import json
from collections import Counter

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from kzrules.language.program import BrokerSpec, ZoneSpec
from testbed.proxy import Proxy

TIMED = """
subscribe slow {
    exchange "in" { type: topic }
    queue "slow" { durable: true }
    routing: ["slow"]
}
subscribe other {
    exchange "in" { type: topic }
    queue "other" { durable: true }
    routing: ["other"]
    route_names: ["other"]
}
event_route[kazoo:consumer-event-test-step] {
    if not meta.redelivered {
        query("silent", "q", {}, timeout: 5s) else { done("nobody answers") }
    }
    publish("out", "slow", { "N": .N, "Again": meta.redelivered })
}
event_route[other] {
    publish("out", "other", { "N": .N, "Again": meta.redelivered })
}
"""


def event(number):
    return json.dumps({"Event-Category": "test", "Event-Name": "step", "N": number}).encode()


@pytest.fixture
def short_consumer_timeout(rabbit):
    """A second instead of half an hour, and looked at every fifth of one: for channels opened from now on."""
    before = rabbit.eval("application:get_env(rabbit, consumer_timeout, 1800000)")
    rabbit.eval("application:set_env(rabbit, consumer_timeout, 1000)")
    rabbit.eval("application:set_env(rabbit, channel_tick_interval, 200)")
    yield
    rabbit.eval(f"application:set_env(rabbit, consumer_timeout, {before})")
    rabbit.eval("application:set_env(rabbit, channel_tick_interval, 60000)")


@pytest.mark.timeout(90)
@pytest_twisted.ensureDeferred
async def test_a_consumer_that_the_broker_gave_up_consumes_again_and_the_other_does_not_notice(
    bus, serve, short_consumer_timeout
):
    await bus.queue("outputs", "out", key="slow")
    await bus.queue("others", "out", key="other")
    await bus.queue("unread", "silent")
    service = serve(TIMED)
    await service.consuming(bus, "slow", "other")
    await bus.publish("in", [("slow", event(0))])
    for number in range(30):  # three seconds: before, during and after it
        await bus.publish("in", [("other", event(number))])
        await deferLater(reactor, 0.1)
    others = await bus.take("others", 30)
    assert [(one["N"], one["Again"]) for one in others] == [(number, False) for number in range(30)]
    assert [(one["N"], one["Again"]) for one in await bus.take("outputs", 1)][-1] == (0, True)
    assert await service.stop() == 0
    text = service.log.read_text()
    told = Counter(name for name in ("slow", "other") for _ in range(text.count(f"{name}: consuming {name}")))
    assert told == {"slow": 2, "other": 1}
    assert text.count("delivery acknowledgement on channel") == 1
    assert text.count("connected to") == 2, "neither connection was lost"


BLOCKED = """
subscribe quiet {
    exchange "in" { type: topic }
    queue "quiet" { durable: true, type: classic }
    routing: ["quiet"]
    route_names: ["quiet"]
}
subscribe loud {
    exchange "in" { type: topic }
    queue "loud" { durable: true, type: classic }
    routing: ["loud"]
    route_names: ["loud"]
    prefetch: 1000
}
event_route[quiet] { }
event_route[loud] { publish("out", "o", { "N": .N }) }
"""


async def preload(bus, **counts):
    await bus.queue("outputs", "out")
    for name, count in counts.items():
        await bus.queue(name, "in", key=name)
        await bus.publish("in", [(name, event(number)) for number in range(count)])


@pytest.mark.timeout(90)
@pytest_twisted.ensureDeferred
async def test_while_publishers_are_blocked_acks_and_heartbeats_go_on_and_afterwards_all_is_published(
    bus, serve, rabbit, vhost
):
    await preload(bus, loud=600, quiet=600)
    rabbit.memory_alarm(on=True)
    try:
        service = serve(BLOCKED, broker="heartbeat: 1s")
        await bus.until(lambda: rabbit.queue_depths(vhost)["quiet"].messages == 0)
        await deferLater(reactor, 3.0)  # three heartbeats
        blocked = rabbit.queue_depths(vhost)
        assert blocked["outputs"].messages == 0
        assert blocked["loud"].messages == 600
        assert "sign of life" not in service.log.read_text()
    finally:
        rabbit.memory_alarm(on=False)
    came = [body["N"] for body in await bus.take("outputs", 600)]
    assert sorted(came) == list(range(600))
    await bus.until(lambda: rabbit.queue_depths(vhost)["loud"].messages == 0)
    assert await service.stop() == 0
    totals = service.totals()
    assert (totals["received"], totals["acknowledged"], totals["unconfirmed"]) == (1200, 1200, 0)
    assert service.log.read_text().count("connected to") == 2, "neither connection was lost"


@pytest.mark.timeout(90)
@pytest_twisted.ensureDeferred
async def test_a_full_outbox_stops_the_hand_over_until_there_is_room(bus, inside, rabbit, broker_url):
    await preload(bus, loud=1500)
    rabbit.memory_alarm(on=True)
    try:
        small = BrokerSpec((ZoneSpec("local", (broker_url,)),), outbox=100)
        made = inside(BLOCKED, broker=small)
        await bus.until(lambda: made.consumer("loud").health.paused)
        await bus.until(lambda: made.consumer("loud").health.unacknowledged == 1000)
        outbox = made.service.parts.publishers.by_zone["local"]
        await bus.until(lambda: made.consumer("loud").in_hand == outbox.size)
        assert 100 <= outbox.size <= 1000, "what it had by then: at most its prefetch"
    finally:
        rabbit.memory_alarm(on=False)
    assert sorted(body["N"] for body in await bus.take("outputs", 1500)) == list(range(1500))
    assert not made.consumer("loud").health.paused


@pytest.mark.timeout(90)
@pytest_twisted.ensureDeferred
async def test_on_the_way_back_to_the_preferred_broker_under_load_nothing_is_lost(
    bus, serve, rabbit, vhost, broker_url
):
    await preload(bus, loud=0)
    proxy = Proxy(reactor, rabbit.amqp_port)
    preferred = broker_url.replace(f":{rabbit.amqp_port}", f":{proxy.port}")
    service = serve(BLOCKED, url=preferred, broker=f'"{broker_url}" failback: 500ms')
    await service.consuming(bus, "loud")
    came, published = [], 0
    await bus.watch("outputs", came.extend)
    for _ in range(3):
        proxy.start()  # it is back: kzrules goes there in the middle of its work
        went_back = reactor.seconds()
        while reactor.seconds() - went_back < 0.3:
            if len(proxy.pairs) < 2:
                went_back = reactor.seconds()
            await bus.publish("in", [("loud", event(published + number)) for number in range(20)])
            published += 20
            await deferLater(reactor, 0.02)
        await proxy.refuse()  # and away again
    await bus.until(lambda: len({json.loads(one.body)["N"] for one in came}) == published)
    assert len(came) - published <= 6 * 2 * 1000, "six breaks with a prefetch of a thousand"
    assert await service.stop() == 0


@pytest.mark.timeout(120)
@pytest_twisted.ensureDeferred
async def test_loaded_anew_and_then_ended_while_no_broker_is_there_nothing_is_lost(
    bus, serve, rabbit, broker_url
):
    await preload(bus, loud=3000)
    proxy = Proxy(reactor, rabbit.amqp_port).start()
    proxied = broker_url.replace(f":{rabbit.amqp_port}", f":{proxy.port}")
    service = serve(BLOCKED, "--drain-timeout", "2", url=proxied)
    came = []
    await bus.watch("outputs", came.extend)
    await bus.until(lambda: len(came) > 300)
    await proxy.refuse()
    service.reload(BLOCKED.replace('{ "N": .N }', '{ "N": .N, "Anew": true }').replace("1000", "100"))
    await deferLater(reactor, 0.5)
    proxy.start()
    before = len(came)
    await bus.until(lambda: len(came) > before + 300)
    await proxy.refuse()
    began = reactor.seconds()
    assert await service.stop() == 0
    assert reactor.seconds() - began < 2 + 3, "two seconds of draining, and the end of a process"
    after = serve(BLOCKED, name="after")
    await bus.until(lambda: len({json.loads(one.body)["N"] for one in came}) == 3000)
    assert await after.stop() == 0
