"""Both consume the same exchanges while traffic is mixed; each sees everything, and either may restart."""

import itertools
import time
from collections import Counter

from interop.bus import Heard
from interop.scene import Result, Scene
from testbed import Node

CONFIGURATION = """
event_route[kazoo:mod-init] {
    kazoo_subscribe("{\\"exchange\\": \\"calls\\", \\"type\\": \\"topic\\", \\"queue\\": \\"calls-kamailio\\", \\"routing\\": [\\"call.*\\", \\"presence.#\\"], \\"no_ack\\": 0, \\"queue-def\\": {\\"durable\\": 1, \\"auto_delete\\": 0}}");
    kazoo_subscribe("{\\"exchange\\": \\"nodes\\", \\"type\\": \\"fanout\\", \\"queue\\": \\"nodes-kamailio\\", \\"no_ack\\": 0, \\"queue-def\\": {\\"durable\\": 1, \\"auto_delete\\": 0}}");
}
event_route[kazoo:consumer-event] {
    kazoo_publish("seen", "kamailio", "{\\"N\\": $(kzE{kz.json,N})}");
}
request_route { exit; }
"""  # noqa: E501  a string of Kamailio's ends on its line

RULES = """
subscribe calls {
    exchange "calls" { type: topic }
    queue "calls-kzrules" { durable: true }
    routing: ["call.*", "presence.#"]
}
subscribe nodes {
    exchange "nodes" { type: fanout }
    queue "nodes-kzrules" { durable: true }
}
event_route[kazoo:consumer-event] {
    publish("seen", "kzrules", { "N": .N }, mandatory: false)
}
"""
TRAFFIC = (
    ("calls", "call.new", {"Event-Category": "call_event", "Event-Name": "CHANNEL_CREATE"}),
    ("calls", "presence.update.a", {"Event-Category": "presence", "Event-Name": "update", "State": "early"}),
    ("nodes", "", {"Event-Category": "nodes", "Event-Name": "advertise", "Expires": 15000}),
    ("calls", "call.end", {"Event-Name": "no category", "Deep": {"a": [1, 2, {"b": "c"}]}}),
    ("calls", "other.key", {"Event-Category": "nobody", "Event-Name": "listens"}),
)
"""Every fifth message is for neither of them."""
RATE = 200
"""Messages a second."""
QUEUES = {name: [f"calls-{name}", f"nodes-{name}"] for name in ("kamailio", "kzrules")}


def run(node: Node, scale: float) -> Result:
    """A fifth of the time each: both; kzrules restarts; both; Kamailio restarts; both."""
    result = Result("both on the same exchanges")
    fifth = max(1.5, 12 * scale)
    with Scene(node) as scene:
        scene.bus.exchange("calls")
        scene.bus.exchange("nodes", "fanout")
        seen = scene.bus.hear("seen")
        kamailio = scene.kamailio(CONFIGURATION, QUEUES["kamailio"])
        service = scene.service(RULES, QUEUES["kzrules"])
        traffic = Traffic(scene)
        traffic.flow(fifth)
        service.stop()
        traffic.flow(fifth / 2)
        service.start()
        traffic.flow(fifth / 2)
        scene.bus.wait_for_consumers(*QUEUES["kzrules"])
        traffic.flow(fifth)
        traffic.settle(seen, "before Kamailio restarts")
        beside = _counts(seen)
        _judge(result, beside, traffic.sent, "kamailio", "while kzrules was restarted")
        stopped_at = traffic.number
        kamailio.stop()
        traffic.flow(fifth / 2)
        kamailio.start()
        traffic.flow(fifth / 2)
        scene.bus.wait_for_consumers(*QUEUES["kamailio"])
        traffic.flow(fifth)
        traffic.settle(seen, "at the end")
        told = _counts(seen)
        _judge(result, told, traffic.sent, "kamailio", f"over all, its restart at {stopped_at} included")
        _judge(result, told, traffic.sent, "kzrules", "over all, both restarts included")
        for name in itertools.chain(*QUEUES.values()):
            result.expect(f"left in {name}", (0, 1), scene.bus.depth(name))
        result.counted = {
            "published": traffic.number,
            "for_both": len(traffic.sent),
            "kamailio": sum(told["kamailio"].values()),
            "kzrules": sum(told["kzrules"].values()),
            "seconds": round(5 * fifth),
        }
    return result


class Traffic:
    """Numbered messages of all kinds, at an even pace."""

    def __init__(self, scene: Scene) -> None:
        self.number = 0
        self.sent: list[int] = []
        self._scene = scene

    def flow(self, seconds: float) -> None:
        """Publish for so long."""
        began, first = time.monotonic(), self.number
        while (passed := time.monotonic() - began) < seconds:
            while self.number < first + int(passed * RATE):
                self._one()
            self._scene.bus.rest(0.01)

    def _one(self) -> None:
        exchange, key, payload = TRAFFIC[self.number % len(TRAFFIC)]
        self._scene.bus.publish(exchange, key, {**payload, "N": self.number})
        if key != "other.key":
            self.sent.append(self.number)
        self.number += 1

    def settle(self, seen: list[Heard], when: str) -> None:
        """Wait until both have told of all that was sent."""
        both = {"kamailio", "kzrules"}

        def done() -> bool:
            told = Counter(one.key for one in seen)
            return all(told[name] >= len(self.sent) for name in both)

        self._scene.bus.wait(done, f"all that was sent, {when}", 60)
        self._scene.bus.rest(0.3)


def _counts(seen: list[Heard]) -> dict[str, Counter[int]]:
    told: dict[str, Counter[int]] = {"kamailio": Counter(), "kzrules": Counter()}
    for one in seen:
        told[one.key][one.payload["N"]] += 1
    return told


def _judge(result: Result, told: dict[str, Counter[int]], sent: list[int], who: str, when: str) -> None:
    """Each message once and no other."""
    missing = sorted(set(sent) - set(told[who]))
    twice = sorted(number for number, times in told[who].items() if times > 1)
    result.expect(f"{who} missed, {when}", [], missing[:20])
    result.expect(f"{who} saw twice, {when}", [], twice[:20])
    result.expect(f"{who} saw what it should not, {when}", [], sorted(set(told[who]) - set(sent))[:20])
