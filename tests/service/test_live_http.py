"""Health, metrics and the page of a running service, a broker killed under it included."""

import json
import re
import socket
import urllib.request
from urllib.error import HTTPError

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from testbed import Node, browser
from testbed.broker import find_programs, say_on_stderr
from testbed.errors import NoBrowser
from testbed.ground import Ground
from tests.service.bus import until

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
}
event_route[kazoo:consumer-event-a] { publish("out", "x", { "N": .N }) }
event_route[kazoo:consumer-event-b] { reject("not this {.N}") }
"""
LISTENS = re.compile(r"health, metrics and a page at (http://[^ \"]+/)")


class Port:
    """What a service answers over HTTP."""

    def __init__(self, service):
        self._service = service

    @property
    def url(self):
        found = LISTENS.search(self._service.log.read_text())
        return found and found[1]

    async def get(self, path):
        return await deferToThread(self._get, path)

    def _get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    async def is_ready(self):
        return self.url and (await self.get("readyz"))[0] == 200


@pytest.fixture
def own_rabbit():
    """A node that may be killed."""
    ground = Ground(find_programs(lambda _: None))
    yield Node(ground).start()
    ground.close()


@pytest_twisted.ensureDeferred
async def test_what_events_did_stands_in_metrics_and_status_by_names_of_rules(bus, serve):
    await bus.queue("outputs", "out")
    service = serve(RULES, "--http", "127.0.0.1:0")
    port = Port(service)
    await service.consuming(bus, "events")
    secret = {"Event-Category": "b", "Password": "hush-hush", "N": 7}
    await bus.publish("in", [("k", {"Event-Category": "a", "N": n}) for n in range(20)] + [("k", secret)])
    await bus.take("outputs", 20)

    async def all_settled():
        return (
            'events_total{outcome="rejected",subscription="events",zone="local"} 1.0'
            in (await port.get("metrics"))[1]
        )

    await bus.until(all_settled)
    metrics = (await port.get("metrics"))[1].splitlines()
    status = json.loads((await port.get("status.json"))[1])
    assert 'kzrules_route_seconds_count{route="kazoo:consumer-event-a"} 20.0' in metrics
    assert 'kzrules_events_dead_lettered_total{subscription="events",zone="local"} 1.0' in metrics
    failure = status["latest"][0]
    assert "kazoo:consumer-event-b" in failure["names"]
    assert ("kazoo:consumer-event-b", "not this 7") == (failure["route"], failure["why"])
    assert failure["place"].endswith("rules.kzr:8")
    assert "hush-hush" not in json.dumps(status) + "\n".join(metrics)
    assert 0 == await service.stop()


@pytest_twisted.ensureDeferred
async def test_readiness_is_red_within_a_second_of_a_killed_broker_and_green_after_it_is_back(
    serve, own_rabbit
):
    port = Port(serve(RULES, "--http", "127.0.0.1:0", url=own_rabbit.url))
    await until(port.is_ready)
    await deferToThread(own_rabbit.kill)
    killed = reactor.seconds()
    await until(lambda: _is_red(port))
    assert reactor.seconds() - killed < 1.0
    assert 200 == (await port.get("livez"))[0]
    await deferToThread(own_rabbit.restart)
    await until(port.is_ready)


async def _is_red(port):
    return (await port.get("readyz"))[0] == 503


@pytest_twisted.ensureDeferred
async def test_a_port_that_is_taken_is_said_and_taken_later(bus, serve):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = serve(RULES, "--http", f"127.0.0.1:{taken.getsockname()[1]}")
        await bus.until(lambda: "no health, metrics or page at" in service.log.read_text())
        await service.consuming(bus, "events")
    port = Port(service)
    await bus.until(port.is_ready)
    assert 0 == await service.stop()


@pytest.fixture(scope="session")
def chromium():
    try:
        return browser.find(say_on_stderr)
    except NoBrowser as error:
        pytest.skip(str(error))


@pytest_twisted.ensureDeferred
async def test_a_browser_shows_what_runs_and_its_scripts_have_nothing_to_complain_of(bus, serve, chromium):
    await bus.queue("outputs", "out")
    service = serve(RULES, "--http", "127.0.0.1:0")
    port = Port(service)
    await service.consuming(bus, "events")
    markup = {"Event-Category": "b", "Event-Name": "x", "N": "<script>alert(1)</script>"}
    await bus.publish("in", [("k", {"Event-Category": "a", "Event-Name": "x", "N": 1}), ("k", markup)])
    await bus.take("outputs", 1)
    await bus.until(port.is_ready)
    page = await deferToThread(browser.opened, chromium, port.url)
    for text in (
        '<span id="ready" class="badge good">ready</span>',
        "kazoo:consumer-event-a",
        "not this &lt;script&gt;alert(1)&lt;/script&gt;",
        "kzrules dead list events.dead",
        "<svg ",
    ):
        assert text in page
    assert 0 == await service.stop()
