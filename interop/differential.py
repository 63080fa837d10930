"""The same inputs to the module and to our rules, at least a thousand of each kind, and what both gave.

Kamailio runs one event-route worker here, and the cases are made so that its hidden routes
(`differences.NAME_SHADOW`) cannot meet them; the experiment's end shows that fault by itself.
"""

import json
import random
import time
from collections.abc import Iterable
from typing import Any

from interop import differences as known
from interop.bus import Bus
from interop.cases import DEFINED, KEYS, PREFIX, Case, LaxJson, Literal, Names, Paths, Segments, cut
from interop.differences import Difference
from interop.scene import Result, Scene
from kzrules.routing.name import five_names, module_text
from testbed import Node

SEED = 5
PATIENCE = 4.0
"""Seconds without a word after which nothing more is waited for."""
LISTEN = """
    kazoo_subscribe("{\\"exchange\\": \\"diff\\", \\"type\\": \\"topic\\", \\"queue\\": \\"diff-%(key)s-kamailio\\", \\"routing\\": [%(routing)s]%(more)s}");
"""  # noqa: E501  a string of Kamailio's ends on its line
RAN = """
route[RAN] { kazoo_publish("ran", "kamailio", "{\\"Case\\": $(kzE{kz.json,Case}), \\"Route\\": \\"$var(name)\\"}"); }
event_route[kazoo:consumer-event-encode-text] {
    $var(in) = $(kzE{kz.json,Input});
    $var(out) = $(var(in){kz.encode}{s.encode.hexa});
    kazoo_publish("ran", "kamailio", "{\\"Case\\": $(kzE{kz.json,Case}), \\"Hex\\": \\"$var(out)\\"}");
}
event_route[kazoo:consumer-event-json-path] {
    $var(path) = $(kzE{kz.json,Path});
    $var(in) = $(kzE{kz.json,$var(path)});
    $var(out) = "";
    if ($(var(in){s.len}) > 0) $var(out) = $(var(in){s.encode.hexa});
    kazoo_publish("ran", "kamailio", "{\\"Case\\": $(kzE{kz.json,Case}), \\"Hex\\": \\"$var(out)\\"}");
}
event_route[kazoo:consumer-event-lax-json] {
    $var(in) = $(kzE{kz.json,Value});
    $var(out) = "";
    if ($(var(in){s.len}) > 0) $var(out) = $(var(in){s.encode.hexa});
    kazoo_publish("ran", "kamailio", "{\\"Case\\": $(kzE{kz.json,Case}), \\"Hex\\": \\"$var(out)\\"}");
}
request_route { exit; }
"""  # noqa: E501  as above
OURS = """
event_route[kazoo:consumer-event-encode-text] {
    publish("ran", "kzrules", { "Case": .Case, "Out": kz_encode(.Input) })
}
event_route[kazoo:consumer-event-json-path] {
    publish("ran", "kzrules", { "Case": .Case, "Out": kz_json(payload, .Path) })
}
event_route[kazoo:consumer-event-lax-json] {
    publish("ran", "kzrules", { "Case": .Case, "Out": .Value })
}
"""


def configuration() -> str:
    """Kamailio's: three subscriptions, and every route says its name."""
    lines = []
    for key, (event_key, event_subkey) in KEYS.items():
        more = f', \\"event_key\\": \\"{event_key}\\"' if event_key else ""
        more += f', \\"event_subkey\\": \\"{event_subkey}\\"' if event_subkey else ""
        routing = '\\"plain\\", \\"encode\\", \\"json\\", \\"lax\\"' if key == "plain" else f'\\"{key}\\"'
        lines.append(LISTEN % {"key": key, "routing": routing, "more": more})
    # The module's own events are looked up too, and would hide routes of their names' lengths.
    own = "".join(f"event_route[{PREFIX}-connection-{name}] {{ exit; }}\n" for name in ("open", "closed"))
    routes = [f'event_route[{name}] {{ $var(name) = "{name}"; route(RAN); }}' for name in sorted(DEFINED)]
    return f"event_route[kazoo:mod-init] {{{''.join(lines)}}}\n" + own + "\n".join(routes) + RAN


def rules() -> str:
    """Ours: the same subscriptions and routes."""
    lines = []
    for key, (event_key, event_subkey) in KEYS.items():
        more = f' event_key: "{event_key}"' if event_key else ""
        more += f' event_subkey: "{event_subkey}"' if event_subkey else ""
        routing = '["plain", "encode", "json", "lax"]' if key == "plain" else f'"{key}"'
        lines.append(
            f'subscribe {key} {{ exchange "diff" {{ type: topic }} queue "diff-{key}-kzrules" {{ }}'
            f" routing: {routing}{more} json: lenient }}"
        )
    lines += [
        f'event_route[{name}] {{ publish("ran", "kzrules", {{ "Case": .Case, "Route": "{name}" }}) }}'
        for name in sorted(DEFINED)
    ]
    return "\n".join(lines) + OURS


def run(node: Node, scale: float) -> Result:
    """Names, encodings, paths; then the hidden routes."""
    result = Result("the same inputs to both")
    many = max(100, int(2_000 * scale))
    chance = random.Random(SEED)  # noqa: S311  cases, not secrets
    with Scene(node) as scene:
        for name in ("diff", "ran"):
            scene.bus.exchange(name)
        scene.kamailio(configuration(), [f"diff-{key}-kamailio" for key in KEYS], workers=1)
        scene.service(rules(), [f"diff-{key}-kzrules" for key in KEYS])
        for made in (Names(chance), Segments(chance), Paths(chance), LaxJson(chance)):
            cases = list(made.cases(many))
            _compare(scene.bus, result, cases)
            result.counted[cases[0].kind] = len(cases)
        _hide(scene.bus, result)
    return result


def _compare(bus: Bus, result: Result, cases: list[Case]) -> None:
    there, here = _both(bus, cases)
    for number, case in enumerate(cases):
        if case.kind == "lax" and b"\\'" in case.body and number in here and number not in there:
            result.explained[known.JSON_QUOTE.name] += 1
        elif number not in there or number not in here:
            who = [name for name, told in (("kamailio", there), ("kzrules", here)) if number not in told]
            result.wrong.append(f"{case.kind}: no word of {case.body[:400]!r} by {' and '.join(who)}")
        else:
            _judge(result, case, *_told(case, there[number], here[number]))


def _judge(result: Result, case: Case, theirs: str, ours: str) -> None:
    if theirs == ours:
        return
    reason = _reason(case, theirs, ours)
    if reason is not None:
        result.explained[reason.name] += 1
    else:
        result.wrong.append(f"{case.kind}: {case.body[:400]!r} gave {theirs!r} there, {ours!r} here")


def _both(bus: Bus, cases: Iterable[Case]) -> tuple[dict[int, Any], dict[int, Any]]:
    """What each party said of each case."""
    heard = bus.hear("ran")
    many = 0
    for case in cases:
        bus.publish("diff", case.key, case.body)
        many += 1
        if many % 100 == 0:
            bus.rest(0.0)
    before, until = 0, time.monotonic() + PATIENCE
    while len(heard) < 2 * many and time.monotonic() < until:  # who says nothing is told with its case
        bus.rest(0.02)
        if len(heard) > before:
            before, until = len(heard), time.monotonic() + PATIENCE
    told: dict[str, dict[int, Any]] = {"kamailio": {}, "kzrules": {}}
    for one in heard:
        told[one.key][one.payload["Case"]] = one.payload
    return told["kamailio"], told["kzrules"]


def _told(case: Case, there: dict[str, Any], here: dict[str, Any]) -> tuple[str, str]:
    if case.kind == "name":
        return there["Route"], here["Route"]
    ours = module_text(here["Out"]) if "Out" in here else ""
    theirs = bytes.fromhex(there["Hex"]).decode("utf-8", "replace")
    return theirs, ours


def _reason(case: Case, theirs: str, ours: str) -> Difference | None:
    """The difference on the list that this one is, if its own condition holds."""
    match case.kind:
        case "name":
            short = cut(case.payload)
            first = next(name for name in five_names(short, *KEYS[case.key]) if name in DEFINED)
            return known.NAME_NUL if short != case.payload and theirs == first else None
        case "encode":
            if any(ord(letter) > 126 for letter in case.payload["Input"]):
                return known.ENCODE_HIGH
            return known.ENCODE_LONG if len(ours) > 255 and ours.startswith(theirs) else None
    return _reason_of_path(case, theirs, ours)


def _reason_of_path(case: Case, theirs: str, ours: str) -> Difference | None:
    if "\0" in ours and ours.partition("\0")[0] == theirs:
        return known.JSON_NUL
    for literal in _literals(case.payload):
        if literal.text in theirs or literal.text in ours:
            return known.JSON_FLOAT if {".", "e"} & set(literal.text) else known.JSON_INTEGER
        if "." not in literal.text and str(2**63 - 1) in theirs:
            return known.JSON_INTEGER
    return None


def _literals(value: Any) -> Iterable[Literal]:
    match value:
        case Literal():
            yield value
        case dict():
            for held in value.values():
                yield from _literals(held)
        case list():
            for held in value:
                yield from _literals(held)


def _hide(bus: Bus, result: Result) -> None:
    """Unknown names of one length, so many that each of the eight buckets is met, hide the known one."""
    known_name = {"Event-Category": "presence", "Event-Name": "dialog_update"}
    unknown = [
        {"Event-Category": "presenc" + c, "Event-Name": "dialog_updat" + d}
        for c in "abcdfg"
        for d in "pqrstuvw"
    ]
    payloads = [{"Case": n, **one} for n, one in enumerate([*unknown, known_name])]
    there, here = _both(bus, [Case("name", "plain", _json(one), one) for one in payloads])
    last = len(unknown)
    expected = f"{PREFIX}-presence-dialog-update"
    result.expect("our route after many unknown names", expected, here[last]["Route"])
    hidden = there[last]["Route"] != expected
    result.check("the module's hidden route", hidden)
    result.explained[known.NAME_SHADOW.name] += hidden


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
