"""Kamailio publishes and our rule runs; our rule publishes and Kamailio's event route runs."""

import re
from typing import Any

from interop.scene import HOST, Result, Scene
from interop.service import NODE
from kzrules import __version__
from testbed import Node

CONFIGURATION = """
event_route[kazoo:mod-init] { kazoo_subscribe("there", "topic", "there-kamailio", "#"); }
event_route[kazoo:consumer-event-ping-there] {
    kazoo_publish("here", "ping", "{\\"Event-Category\\": \\"ping\\", \\"Event-Name\\": \\"here\\", \\"N\\": $(kzE{kz.json,N})}");
}
event_route[kazoo:consumer-event-pong-there] {
    $var(back) = $(kzE{kz.json,App-Name}) + " " + $(kzE{kz.json,Node}) + " " + $(kzE{kz.json,AMQP-Broker-Zone});
    kazoo_publish("seen", "pong", "{\\"N\\": $(kzE{kz.json,N}), \\"Key\\": \\"$kzRK\\", \\"Back\\": \\"$var(back)\\", \\"Asker\\": \\"$(kzE{kz.json,Server-ID})\\", \\"Received\\": $(kzE{kz.json,AMQP-Received})}");
}
event_route[kazoo:consumer-event] { xlog("L_ERR", "unexpected: $kzE\\n"); }
request_route { exit; }
"""  # noqa: E501  a string of Kamailio's ends on its line

RULES = """
subscribe here { exchange "here" { type: topic } queue "here-kzrules" { } routing: "#" }
event_route[kazoo:consumer-event-ping-here] {
    publish("there", "pong.{.N}", {
        "Event-Category": "pong", "Event-Name": "there", "N": .N, "App-Seen": received.App-Name
    })
}
"""
UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


def run(node: Node, scale: float) -> Result:
    """Each number goes harness, Kamailio, kzrules, Kamailio, harness."""
    result = Result("publishing, both ways")
    many = max(50, int(2_000 * scale))
    with Scene(node) as scene:
        bus = scene.bus
        for name in ("here", "there"):
            bus.exchange(name)
        pings, pongs, seen = bus.hear("here"), bus.hear("there", "pong.*"), bus.hear("seen")
        scene.kamailio(CONFIGURATION, ["there-kamailio"])
        scene.service(RULES, ["here-kzrules"])
        for number in range(many):
            bus.publish("there", "ping", {"Event-Category": "ping", "Event-Name": "there", "N": number})
        bus.wait(lambda: len(seen) >= many, f"{many} rounds", 60)
        bus.rest(0.3)
        numbers = sorted(one.payload["N"] for one in seen)
        result.expect("numbers that came round", list(range(many)), numbers)
        for one in pings:
            _check_of_kamailio(result, one.payload, one.properties.content_type)
        for one in pongs:
            _check_of_ours(result, one.payload, one.properties.content_type)
        for one in seen:
            _check_back(result, one.payload)
        result.counted = {"rounds": len(seen), "pings": len(pings), "pongs": len(pongs)}
    return result


def _check_of_kamailio(result: Result, payload: dict[str, Any], content_type: str | None) -> None:
    """What the module fills in: the proof that ours is the same is the next function."""
    result.expect("the module's content type", "application/json", content_type)
    result.expect("the module's App-Name", "kamailio", payload["App-Name"])
    result.expect("the module's Node", f"kamailio@{HOST}", payload["Node"])
    form = re.escape(f"kamailio@{HOST}-<1>-targeted-") + r"\d+"
    result.check("the module's Server-ID has its form", bool(re.fullmatch(form, payload["Server-ID"])))
    result.check("the module's Msg-ID is a UUID", bool(UUID.fullmatch(payload["Msg-ID"])))


def _check_of_ours(result: Result, payload: dict[str, Any], content_type: str | None) -> None:
    result.expect("our content type", "application/json", content_type)
    result.expect("our App-Name", "kzrules", payload["App-Name"])
    result.expect("our App-Version", __version__, payload["App-Version"])
    result.expect("our Node", f"kzrules@{NODE}", payload["Node"])
    result.expect("what our rule saw of the sender", "kamailio", payload["App-Seen"])
    form = re.escape(f"kzrules@{NODE}-<") + "[0-9a-f]+" + re.escape(">-targeted-0")
    result.check("our Server-ID has its form", bool(re.fullmatch(form, payload["Server-ID"])))
    result.check("our Msg-ID is there", bool(payload["Msg-ID"]))


def _check_back(result: Result, payload: dict[str, Any]) -> None:
    """What Kamailio's event route sees of our message."""
    result.expect("the key that Kamailio saw", f"pong.{payload['N']}", payload["Key"])
    result.expect("our fields in Kamailio", f"kzrules kzrules@{NODE} local", payload["Back"])
    result.check("the asker in Kamailio", payload["Asker"].startswith(f"consumer://1/kzrules@{NODE}-<"))
