"""One kzrules in two zones, a Kamailio in each: an answer goes back by the broker that its question came by.

The zones are virtual hosts that know nothing of each other, so an answer that took the wrong way
is an answer that never comes.
"""

from contextlib import ExitStack

from interop import differences
from interop.asking import CONFIGURATION, SCENARIO
from interop.scene import Result, Scene
from testbed import Node, sipp

RULES = """
subscribe here { exchange "here" { type: topic } queue "here-kzrules" { } routing: "question" zones: all }

event_route[kazoo:consumer-event-question-here] {
    let answer = {
        "Event-Category": "answer", "Event-Name": "there", "Answer": received.AMQP-Broker-Zone, "Ask": .Ask
    }
    if starts_with(.Ask, "sync") {
        reply(answer)
    } else {
        publish("targeted", received.Server-ID, answer with { "Msg-ID": received.Msg-ID })
    }
}
"""
ZONES = ("home", "away")


def run(node: Node, scale: float) -> Result:
    """`reply` answers what `kazoo_query` asks, a key that names its broker what `kazoo_async_query` asks."""
    result = Result("answers go back by the zone of their question")
    many = max(10, int(200 * scale))
    with ExitStack() as stack:
        scenes = {zone: stack.enter_context(Scene(node)) for zone in ZONES}
        ports = {}
        for zone, scene in scenes.items():
            for name in ("here", "there", "seen"):
                scene.bus.exchange(name)
            ports[zone] = scene.kamailio(CONFIGURATION, ["there-kamailio"], workers=8).sip_port
        listed = " ".join(f'zone {zone} {{ "{scene.url}" }}' for zone, scene in scenes.items())
        scenes["home"].service(RULES, ["here-kzrules"], zones=listed)
        scenes["away"].bus.wait_for_consumers("here-kzrules")
        for zone in ZONES:
            for kind in ("sync", "async"):
                _ask(scenes[zone], result, ports[zone], many, zone=zone, kind=kind)
    return result


def _ask(scene: Scene, result: Result, port: int, many: int, *, zone: str, kind: str) -> None:
    """Each answer comes to its question, or to an event route where the module was too slow: see QUICK."""
    strays = scene.bus.hear("seen", "stray.kamailio")
    calls = sipp.run(port, scenario=SCENARIO, service=kind, calls=many, rate=100)
    got = dict(line.split() for line in calls.logged)
    missed = {number for number, answer in got.items() if answer == "timeout"}
    scene.bus.wait(lambda: len(strays) >= len(missed), "the answers that the module missed")
    scene.bus.rest(0.2)
    named = {one.payload["Ask"].partition("-")[2] for one in strays}
    result.expect(f"{kind} in {zone}: answers that came as events", missed, named)
    expected = {str(n): zone for n in range(1, many + 1) if str(n) not in missed}
    result.expect(f"{kind} in {zone}: answers", expected, {n: got[n] for n in got if n not in missed})
    result.counted[f"{kind}_{zone}"] = many
    if missed:
        result.explained[differences.QUICK.name] += len(missed)
