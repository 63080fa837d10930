"""A configuration in Kamailio, and what `kzrules convert` makes of it in kzrules, on the same events: both
must publish the same.
"""

import json
import random
from pathlib import Path
from typing import Any

from interop.bus import Heard
from interop.scene import HEAD, HOST, Result, Scene
from kzrules.convert.convert import convert
from testbed import Node

CONFIGURATION = Path(__file__).with_name("converted.cfg")
SEED = 11
PARTIES = ("kamailio", "kzrules")
FILLED_IN = frozenset(
    {"App-Name", "App-Version", "Node", "Msg-ID", "Server-ID", "AMQP-Broker-Zone", "AMQP-Received"}
)
"""What a publisher adds; the other experiments look at it."""
KINDS = ("conditions", "texts", "tables", "loops", "routes", "messages")
STATES = ("early", "confirmed", "terminated", "", None)
NAMES = ("anna.example.com", "zoe", "", "a.b.c", "Mixed.Case.com", "sip:100@x.com", "with blank", "5", "b c")
DOINGS = ("set", "drop", "count", "other")


def case(chance: random.Random, number: int) -> dict[str, Any]:
    """An event: fields that are there or not, of several kinds."""
    made: dict[str, Any] = {
        "Event-Category": "conv",
        "Event-Name": KINDS[number % len(KINDS)],
        "Case": number,
        "Key": f"k{chance.randrange(6)}",
        "Name": chance.choice(NAMES),
        "State": chance.choice(STATES),
        "Count": chance.choice((0, 3, 7, 12, 5)),
        "Other": chance.choice((*NAMES, None)),
        "Do": chance.choice(DOINGS),
        "Flag": chance.choice((True, False, "true", None)),
        "Nested": chance.choice(({"Deep": "x"}, {"Deep": 5}, {"Other": [1, {"a": None}]})),
        "List": chance.choice(([1, "two", 3], ["one"], [])),
        "Uri": chance.choice(("sip:1001@acme.example.com:5060;transport=tcp", "sip:a@b", "sip:x@10.0.0.1")),
        "Params": chance.choice(("a=1;b=2", "b=two", "c=3", "")),
        "odd.key": {"in": "side"},
        "Channels": [
            chance.choice(({"url": "sip:a@b"}, {"url": ""}, {}, {"url": "stop"}, {"url": "c"}))
            for _ in range(chance.randrange(5))
        ],
        "Servers": {f"fs{n}@acme": {"Size": n} for n in range(chance.randrange(4))},
        "Tags": chance.choice(("red,green,blue", "one", "")),
    }  # fmt: skip
    for name in ("State", "Other", "Flag"):
        if made[name] is None:
            del made[name]
    return made


def rules(folder: Path, url: str) -> tuple[str, int]:
    """The converted rules in one text, and how many gaps they have."""
    text = HEAD.format(host=HOST, workers=4, url=url) + CONFIGURATION.read_text()
    source = folder / "converted.cfg"
    source.write_text(text.replace("/PARTY/kamailio/", "/PARTY/kzrules/"))
    made = convert(source)
    return "\n".join(made.files.values()), len(made.summary.gaps)


def run(node: Node, scale: float) -> Result:
    """Hundreds of events of each kind to both; what each published for each of them."""
    result = Result("converted rules beside their originals")
    many = max(len(KINDS) * 20, int(3_000 * scale))
    chance = random.Random(SEED)  # noqa: S311  cases, not secrets
    cases = [case(chance, number) for number in range(many)]
    with Scene(node) as scene:
        for name in ("conv", "told"):
            scene.bus.exchange(name)
        text, gaps = rules(scene.node.ground.folder, scene.url)
        scene.kamailio(CONFIGURATION.read_text(), ["conv-kamailio"])
        scene.service(text, ["conv-kzrules"])
        heard = scene.bus.hear("told")
        for at, one in enumerate(cases):
            scene.bus.publish("conv", "conv", one)
            if at % 100 == 99:
                scene.bus.rest(0.02)
        expected = 2 * many + 2 * sum(one["Event-Name"] == "messages" for one in cases)
        scene.bus.wait(lambda: len(heard) >= expected, f"{expected} messages (so far {len(heard)})", 60)
        scene.bus.rest(0.5)
    _compare(result, cases, heard)
    result.expect("gaps", 0, gaps)
    result.counted |= {"events": many, "published": len(heard)}
    return result


def _compare(result: Result, cases: list[dict[str, Any]], heard: list[Heard]) -> None:
    told: dict[str, dict[int, list[Any]]] = {party: {} for party in PARTIES}
    for one in heard:
        payload = {name: value for name, value in one.payload.items() if name not in FILLED_IN}
        # The module leaves out a header without a value.
        headers = {k: v for k, v in (one.properties.headers or {}).items() if k.startswith("x-") and v != ""}
        told[one.key].setdefault(int(payload["Case"]), []).append((payload, headers))
    for number, sent in enumerate(cases):
        # The module publishes by several channels, which overtake each other.
        theirs, ours = (sorted(told[party].get(number, []), key=_order) for party in PARTIES)
        if theirs != ours:
            result.wrong.append(f"{sent} gave {theirs} there, {ours} here")


def _order(one: tuple[dict[str, Any], dict[str, Any]]) -> str:
    return json.dumps(one, sort_keys=True)
