"""The differences that no generated input may show: what hurts the module, and what it does silently.

Each holds both sides: that the module does what the list says of it, and that kzrules does not.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from interop import differences as known
from interop.bus import Bus, Heard
from interop.differences import Difference
from interop.scene import HOST, Result, Scene
from testbed import Node, sipp

CONFIGURATION = """
event_route[kazoo:mod-init] {
    kazoo_subscribe("faults", "topic", "faults-kamailio", "#");
    kazoo_subscribe("{\\"exchange\\": \\"joined\\", \\"type\\": \\"topic\\", \\"queue\\": \\"joined-kamailio\\", \\"routing\\": \\"#\\", \\"exchange-bindings\\": {\\"one\\": {\\"type\\": \\"topic\\", \\"routing\\": [\\"#\\"]}, \\"two\\": {\\"type\\": \\"topic\\", \\"routing\\": [\\"#\\"]}}}");
    kazoo_subscribe("{\\"exchange\\": \\"slow\\", \\"type\\": \\"topic\\", \\"queue\\": \\"slow-kamailio\\", \\"routing\\": \\"#\\", \\"no_ack\\": 0}");
}
event_route[kazoo:consumer-event-fault-alive] { kazoo_publish("seen", "kamailio.alive", "{}"); }
event_route[kazoo:consumer-event-fault-path] {
    $var(path) = $(kzE{kz.json,Path});
    $var(found) = $(kzE{kz.json,$var(path)});
    kazoo_publish("seen", "kamailio.path", "{}");
}
event_route[kazoo:consumer-event-fault-expand] {
    $var(secret) = "expanded";
    $var(payload) = "{\\"Text\\": \\"" + $(kzE{kz.json,Text}) + "\\"}";
    kazoo_publish("seen", "kamailio.expand", $var(payload));
}
event_route[kazoo:consumer-event-fault-again] { kazoo_publish("seen", "kamailio.again", "$kzE"); }
event_route[kazoo:consumer-event-fault-joined] {
    kazoo_publish("seen", "kamailio.joined", "{\\"From\\": \\"$(kzE{kz.json,From})\\"}");
}
event_route[kazoo:consumer-event-fault-slow] {
    usleep("300000");
    kazoo_publish("seen", "kamailio.slow", "{}");
}
event_route[kazoo:consumer-event-fault-void] {
    $var(result) = "false";
    if (kazoo_publish("void", "x", "{}")) $var(result) = "true";
    kazoo_publish("seen", "kamailio.void", "{\\"Result\\": \\"$var(result)\\"}");
}
event_route[kazoo:consumer-event-connection-open] {
    kazoo_publish("seen", "kamailio.open", "{\\"host\\": \\"$(kzE{kz.json,host})\\", \\"zone\\": \\"$(kzE{kz.json,zone})\\"}");
}
request_route {
    $var(payload) = "{}";
    if ($rU == "own") $var(payload) = "{\\"Msg-ID\\": \\"mine\\"}";
    if ($rU == "diverted") $var(payload) = "{\\"Server-ID\\": \\"elsewhere\\"}";
    $var(result) = "timeout";
    if (kazoo_query("seen", "kamailio.asked.$rU", $var(payload))) $var(result) = "answered";
    sl_send_reply("200", "OK");
    kazoo_publish("seen", "kamailio.result.$rU", "{\\"Result\\": \\"$var(result)\\"}");
}
"""  # noqa: E501  a string of Kamailio's ends on its line

RULES = """
subscribe faults { exchange "faults" { type: topic } queue "faults-kzrules" { } routing: "#" }
subscribe joined {
    exchange "joined-here" {
        type: topic
        bindings: { "one": { "type": topic, "routing": "#" }, "two": { "type": topic, "routing": "#" } }
    }
    queue "joined-kzrules" { }
    routing: "#"
}
subscribe slow { exchange "slow" { type: topic } queue "slow-kzrules" { } routing: "#" }

event_route[kazoo:consumer-event-fault-alive] { publish("seen", "kzrules.alive", {}) }
event_route[kazoo:consumer-event-fault-path] {
    publish("seen", "kzrules.path", { "Found": kz_json(payload, .Path) })
}
event_route[kazoo:consumer-event-fault-expand] { publish("seen", "kzrules.expand", { "Text": .Text }) }
event_route[kazoo:consumer-event-fault-again] { publish("seen", "kzrules.again", received) }
event_route[kazoo:consumer-event-fault-joined] { publish("seen", "kzrules.joined", { "From": .From }) }
event_route[kazoo:consumer-event-fault-slow] {
    query("nobody", "x", {}, timeout: 300ms) else { use {} }
    publish("seen", "kzrules.slow", {})
}
event_route[kazoo:consumer-event-fault-void] { publish("void", "x", {}) }
event_route[kazoo:consumer-event-fault-ask] {
    let body = {
        "Msg-ID": if .How == "own" then "mine" else null,
        "Server-ID": if .How == "diverted" then "elsewhere" else null
    }
    let answer = query("seen", "kzrules.asked.{.How}", body) else (why) { use { "Result": why } }
    publish("seen", "kzrules.result.{.How}", { "Result": answer.Result })
}
event_route[kazoo:consumer-event-connection-open] {
    publish("seen", "kzrules.open", { "host": .host, "zone": .zone })
}
"""
QUEUES = ("faults", "joined", "slow")
BOTH = ("kamailio", "kzrules")


class Stage:
    """One scene for all faults; what kills Kamailio is followed by its restart."""

    def __init__(self, scene: Scene, result: Result) -> None:
        self.scene, self.result = scene, result
        self.bus: Bus = scene.bus
        for name in ("faults", "void", "one", "two", "nobody"):
            self.bus.exchange(name)
        self.seen = self.bus.hear("seen")
        self.kamailio = scene.kamailio(CONFIGURATION, [f"{q}-kamailio" for q in QUEUES], workers=1)
        self.service = scene.service(RULES, [f"{q}-kzrules" for q in QUEUES])

    def said(self, key: str) -> list[Heard]:
        """What came with a key so far."""
        return [one for one in self.seen if one.key == key]

    def send(self, name: str, exchange: str = "faults", **fields: Any) -> None:
        """One event to both."""
        self.bus.publish(exchange, "x", {"Event-Category": "fault", "Event-Name": name, **fields})

    def wait_for(self, key: str, count: int = 1) -> None:
        """Wait until something was said so often."""
        self.bus.wait(lambda: len(self.said(key)) >= count, f"{count} times {key}")

    def both(self, name: str, **fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the two say of an event."""
        keys = [f"{who}.{name}" for who in BOTH]
        before = [len(self.said(key)) for key in keys]
        self.send(name, **fields)
        for key, number in zip(keys, before, strict=True):
            self.wait_for(key, number + 1)
        there, here = (self.said(key)[-1].payload for key in keys)
        return there, here

    def kills(self, one: Difference, body: bytes) -> None:
        """The module does not survive it; we do, and handle what comes behind."""
        alive = len(self.said("kzrules.alive"))
        self.bus.publish("faults", "x", body)
        self.bus.wait(lambda: not self.kamailio.is_running, f"Kamailio's end by {body[:60]!r}", 30)
        self.send("alive")
        self.wait_for("kzrules.alive", alive + 1)
        self.result.explained[one.name] += 1
        self.kamailio.kill()
        self.kamailio.start()
        self.bus.wait_for_consumers(*(f"{queue}-kamailio" for queue in QUEUES))

    def holds(self, one: Difference, *, there: bool, here: bool) -> None:
        """The difference is as the list has it."""
        self.result.check(f"{one.name}, the module", there)
        self.result.check(f"{one.name}, kzrules", here)
        self.result.explained[one.name] += 1


def run(node: Node, scale: float) -> Result:  # noqa: ARG001  there is one size only
    """All of them, those that kill last."""
    result = Result("what the list of differences says")
    with Scene(node) as scene:
        stage = Stage(scene, result)
        for show in SHOWN:
            show(stage)
        result.counted = {"shown": result.explained.total(), "differences": len(result.explained)}
    return result


def _connections(stage: Stage) -> None:
    """Both tell of their connections alike; only the module believes the bus about them."""
    for who in BOTH:
        stage.wait_for(f"{who}.open", 2)
        told = {(one.payload["host"], one.payload["zone"]) for one in stage.said(f"{who}.open")}
        stage.result.expect(f"connection events of {who}", {("127.0.0.1", "local")}, told)
    before = {who: len(stage.said(f"{who}.open")) for who in BOTH}
    stage.bus.publish(
        "faults", "x", {"Event-Category": "connection", "Event-Name": "open", "host": "h", "zone": "z"}
    )
    stage.both("alive")
    after = {who: len(stage.said(f"{who}.open")) - before[who] for who in before}
    stage.holds(known.OWN_NAMES, there=after["kamailio"] == 1, here=after["kzrules"] == 0)


def _expansion(stage: Stage) -> None:
    there, here = stage.both("expand", Text="$var(secret)")
    stage.holds(
        known.SECOND_EXPANSION, there=there["Text"] == "expanded", here=here["Text"] == "$var(secret)"
    )


def _again(stage: Stage) -> None:
    there, here = stage.both("again", **{"Server-ID": "asker"})
    went = there["Server-ID"].startswith("consumer://1/") and "AMQP-Received" in there
    clean = here["Server-ID"] == "asker" and not any(name.startswith("AMQP-") for name in here)
    stage.holds(known.AMQP_FIELDS, there=went, here=clean)


def _bindings(stage: Stage) -> None:
    for source in ("one", "two"):
        stage.send("joined", source, From=source)
    stage.wait_for("kzrules.joined", 2)
    stage.both("alive")
    there = [one.payload["From"] for one in stage.said("kamailio.joined")]
    here = sorted(one.payload["From"] for one in stage.said("kzrules.joined"))
    stage.holds(known.BINDINGS, there=there == ["one"], here=here == ["one", "two"])


def _acknowledged(stage: Stage) -> None:
    """Looked at while the first of several is still worked on."""
    for _ in range(4):
        stage.send("slow", "slow")
    stage.wait_for("kamailio.slow")
    depths = stage.scene.node.queue_depths(stage.scene.vhost)
    left = len(stage.said("kamailio.slow")) < 4
    stage.wait_for("kamailio.slow", 4)
    stage.wait_for("kzrules.slow", 4)
    stage.holds(known.ACK, there=left and depths["slow-kamailio"].messages == 0, here=True)


def _unroutable(stage: Stage) -> None:
    stage.send("void")
    stage.wait_for("kamailio.void")
    stage.bus.wait(lambda: "void" in stage.service.log.read_text(), "a word of the unroutable in our log")
    there = stage.said("kamailio.void")[0].payload["Result"] == "true"
    stage.holds(known.PUBLISH, there=there, here=True)


def _asked(stage: Stage, how: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Both ask in some way and are answered as they ask to be; the questions, and what came of them."""
    questions = {}
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(sipp.run, stage.kamailio.sip_port, service=how)
        stage.send("ask", How=how)
        for who in BOTH:
            stage.wait_for(f"{who}.asked.{how}")
            asked = questions[who] = stage.said(f"{who}.asked.{how}")[0].payload
            stage.bus.rest(0.1)  # an answer that the module has not yet registered would prove nothing
            answer = {"Msg-ID": asked["Msg-ID"], "Result": "answered"}
            stage.bus.publish("targeted", asked["Server-ID"], answer)
        for who in BOTH:
            stage.wait_for(f"{who}.result.{how}")
        playing.result()
    return questions, {who: stage.said(f"{who}.result.{how}")[0].payload["Result"] for who in BOTH}


def _own_ids(stage: Stage) -> None:
    """A question without ids of its own first: it is answered, so the others fail for their ids alone."""
    _, results = _asked(stage, "plain")
    stage.result.expect("a plain question", dict.fromkeys(BOTH, "answered"), results)
    questions, results = _asked(stage, "own")
    stage.result.expect("own Msg-IDs", ["mine", "mine"], [questions[who]["Msg-ID"] for who in BOTH])
    late, answered = results["kamailio"] == "timeout", results["kzrules"] == "answered"
    stage.holds(known.OWN_MSG_ID, there=late, here=answered)
    questions, results = _asked(stage, "diverted")
    diverted = questions["kamailio"]["Server-ID"] == "elsewhere" and results["kamailio"] == "timeout"
    ours = questions["kzrules"]["Server-ID"].startswith("kzrules@") and results["kzrules"] == "answered"
    stage.holds(known.SERVER_ID_DIVERT, there=diverted, here=ours)


def _reply_queues(stage: Stage) -> None:
    names = list(stage.scene.node.queue_depths(stage.scene.vhost))
    there = [name for name in names if name.startswith(f"kamailio@{HOST}-<1-")]
    here = [name for name in names if name.startswith("kzrules@")]
    stage.holds(known.REPLY_QUEUE, there=len(there) == 4, here=len(here) == 1)


def _deadly(stage: Stage) -> None:
    for body in (b"[]", b"5"):
        stage.kills(known.BODY_NOT_OBJECT, body)
    for path in (".a", "a..b"):
        stage.kills(known.JSON_EMPTY, _body(Path=path, **{"Event-Category": "fault", "Event-Name": "path"}))
    long_path = _body(Path="p" * 2_000, **{"Event-Category": "fault", "Event-Name": "path"})
    stage.kills(known.JSON_LONG, long_path)
    stage.kills(known.NAME_LONG, _body(**{"Event-Category": "n" * 2_000, "Event-Name": "x"}))


def _body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


SHOWN: tuple[Callable[[Stage], None], ...] = (
    *(_connections, _expansion, _again, _bindings, _acknowledged, _unroutable, _own_ids, _reply_queues),
    _deadly,
)
