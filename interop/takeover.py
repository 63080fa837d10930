"""kzrules takes over queues that the module declared, of each kind, without a 406."""

from collections import Counter
from dataclasses import dataclass

from interop.bus import Heard
from interop.scene import Result, Scene
from testbed import Node


@dataclass(frozen=True, slots=True)
class Kind:
    """A queue as the module's subscription says it, and as a rule does."""

    name: str
    module: str
    rule: str
    stays: bool


KINDS = (
    Kind("plain", "", "{ }", stays=False),
    Kind("kept", '\\"auto_delete\\": 0', "{ auto_delete: false }", stays=True),
    Kind("durable", '\\"durable\\": 1', "{ durable: true, auto_delete: true }", stays=False),
    Kind(
        "durable-kept",
        '\\"durable\\": 1, \\"auto_delete\\": 0',
        "{ durable: true, type: classic }",
        stays=True,
    ),
)

ROUTE = """
event_route[kazoo:consumer-event-work-item] {
    kazoo_publish("seen", "kamailio", "{\\"N\\": $(kzE{kz.json,N}), \\"Kind\\": \\"$(kzE{kz.json,Kind})\\"}");
}
request_route { exit; }
"""


def _subscribes(kind: Kind) -> str:
    """The module's line: flags of the queue in `queue-def`, so that the exchange keeps its own."""
    flags = f', \\"queue-def\\": {{{kind.module}}}' if kind.module else ""
    named = f'\\"exchange\\": \\"work\\", \\"type\\": \\"topic\\", \\"queue\\": \\"taken-{kind.name}\\"'
    return (
        f'    kazoo_subscribe("{{{named}, \\"routing\\": [\\"{kind.name}.*\\"], \\"no_ack\\": 0{flags}}}");\n'
    )


def configuration() -> str:
    """Kamailio's: one subscription of each kind."""
    lines = "".join(_subscribes(kind) for kind in KINDS)
    return f"event_route[kazoo:mod-init] {{\n{lines}}}\n{ROUTE}"


def rules() -> str:
    """Ours, on the same queues."""
    subscriptions = "".join(
        f'subscribe {kind.name.replace("-", "_")} {{ exchange "work" {{ type: topic }} '
        f'queue "taken-{kind.name}" {kind.rule} routing: "{kind.name}.*" }}\n'
        for kind in KINDS
    )
    route = 'publish("seen", "kzrules", { "N": .N, "Kind": .Kind })'
    return f"{subscriptions}event_route[kazoo:consumer-event-work-item] {{ {route} }}\n"


def run(node: Node, scale: float) -> Result:
    """Beside the module first, then alone, then again after the queues had to stay by themselves."""
    result = Result("queues of the module taken over")
    many = max(20, int(200 * scale))
    queues = [f"taken-{kind.name}" for kind in KINDS]
    with Scene(node) as scene:
        bus = scene.bus
        seen = bus.hear("seen")
        kamailio = scene.kamailio(configuration(), queues)
        service = scene.service(rules())
        bus.wait_for_consumers(*queues, count=2)
        _publish(scene, range(many))
        bus.wait(lambda: len(seen) >= many * len(KINDS), "all work of the two together")
        shared = {one.key for one in seen}
        result.expect("who worked while both were there", {"kamailio", "kzrules"}, shared)
        kamailio.stop()
        bus.wait_for_consumers(*queues, count=1)
        _alone(scene, result, seen, range(many, 2 * many))
        service.stop()
        for kind in KINDS:
            there = bus.depth(f"taken-{kind.name}")[0] >= 0
            result.expect(f"the queue {kind.name} stays without consumers", kind.stays, there)
        kamailio.start()
        bus.wait_for_consumers(*queues)
        service.start()
        bus.wait_for_consumers(*queues, count=2)
        kamailio.stop()
        bus.wait_for_consumers(*queues, count=1)
        _alone(scene, result, seen, range(2 * many, 3 * many))
        result.expect("refusals in our log", 0, service.log.read_text().count("PRECONDITION_FAILED"))
        result.counted = {"queues": len(KINDS), "worked": len(seen), "published": 3 * many * len(KINDS)}
    return result


def _publish(scene: Scene, numbers: range) -> None:
    base = {"Event-Category": "work", "Event-Name": "item"}
    for number in numbers:
        for kind in KINDS:
            scene.bus.publish("work", f"{kind.name}.x", {**base, "N": number, "Kind": kind.name})


def _alone(scene: Scene, result: Result, seen: list[Heard], numbers: range) -> None:
    """All of it comes to us."""
    before = len(seen)
    _publish(scene, numbers)
    scene.bus.wait(lambda: len(seen) - before >= len(numbers) * len(KINDS), "the work of us alone")
    told = Counter((one.payload["Kind"], one.payload["N"]) for one in seen[before:] if one.key == "kzrules")
    result.expect_all("what we did alone", Counter((k.name, n) for k in KINDS for n in numbers), told)
