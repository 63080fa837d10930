"""Payloads as attackers, through the real service: each ends as documented, and good events go on."""

import json
from pathlib import Path

import pytest
import pytest_twisted

from kzrules.message.payload import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_VALUES
from kzrules.wire.retries import read_dead

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    prefetch: 20
    %s
    on_failure: retry(times: 0) then dead_letter("dead")
}
event_route[kazoo:consumer-event-test-good] { publish("out", "k", { "N": .N }) }
"""
NAMED = b'"Event-Category":"test","Event-Name":"good"'
LARGEST_RESIDENT = 400
"""Megabytes: the service itself, a few bodies of 16 MiB in hand, and what is made of one at a time."""


def with_field(value, name=b"N"):
    """A good event but for one field."""
    return b"{" + NAMED + b',"%s":%s}' % (name, value)


def fields(count, name=lambda number: f"f{number}"):
    """An event with so many fields more."""
    more = ",".join(f'"{name(number)}":1' for number in range(count))
    return b"{" + NAMED + b',"N":1,' + more.encode() + b"}"


REFUSED = {
    "deep": (with_field(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH), "deep in each other"),
    "very deep": (with_field(b"[" * 150_000), "deep in each other"),
    "deep without end": (with_field(b"[" * 5_000_000), f"more than {MAX_VALUES} values"),
    "large": (with_field(b'"' + b"x" * MAX_BYTES + b'"'), "more than the 16777216 allowed"),
    "many fields": (fields(MAX_VALUES), f"more than {MAX_VALUES} values"),
    "many lists": (with_field(b"[" + b"[]," * 5_000_000 + b"[]]"), f"more than {MAX_VALUES} values"),
    "long number": (with_field(b"9" * (MAX_DIGITS + 1)), f"an integer of {MAX_DIGITS + 1} digits"),
    "very long number": (with_field(b"9" * 15_000_000), "an integer of 15000000 digits"),
    "huge number": (with_field(b"1e999"), "not JSON: number is infinity"),
    "very huge number": (with_field(b"1e" + b"9" * 5_000_000), "is too large"),
    "half a character": (with_field(b'"\\ud800"'), "not JSON: no low surrogate"),
    "half a character beside a long number": (
        with_field(b'"\\ud800","M":' + b"9" * 30),
        "half of a surrogate pair",
    ),
    "raw half a character": (with_field(b'"\xed\xa0\x80"'), "not valid UTF-8"),
    "no UTF-8": (with_field(b'"\xff\xfe"'), "not valid UTF-8"),
    "empty": (b"", "the payload is empty"),
    "spaces": (b" \n ", "the payload is empty"),
    "no object": (b"[1]", "a list, not an object"),
    "bytes": (bytes(range(256)), "not JSON"),
    "no number": (with_field(b"NaN"), "not JSON"),
}
TAKEN = {
    "deep as may be": (with_field(b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1), b"M"), None),
    "twice the same field": (b'{"N":1,' + NAMED + b',"N":2}', 2),
    "long as may be": (with_field(b"9" * MAX_DIGITS), 10**MAX_DIGITS - 1),
    "many fields": (fields(100_000), 1),
    "fields that look alike": (fields(100_000, lambda number: "a" * 10 + f"{number * 2**16:024b}"), 1),
    "a field of the transport": (with_field(b'"x"', b"AMQP-Broker-Zone"), None),
    "a zero character": (with_field(b'"a\\u0000b"'), "a\x00b"),
}


def resident(service):
    """The most that the process ever held in RAM, in megabytes."""
    lines = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


@pytest.mark.parametrize("reading", ["", "json: lenient"])
@pytest_twisted.ensureDeferred
async def test_each_payload_ends_as_documented_and_good_events_go_on(bus, serve, reading):
    await bus.queue("outputs", "out")
    dead = []
    service = serve(RULES % reading)
    await service.consuming(bus, "events")
    attackers = dict(REFUSED)
    if reading:  # what json-c takes, the lenient reader takes as well
        attackers.pop("no number")
    for number, (body, _) in enumerate(attackers.values()):
        await bus.publish("in", [("k", body), ("k", with_field(b"%d" % number))])
    await bus.publish("in", [("k", body) for body, _ in TAKEN.values()])
    wanted = [*range(len(attackers)), *(value for _, value in TAKEN.values())]
    outputs = await bus.take("outputs", len(wanted))
    assert sorted(map(repr, wanted)) == sorted(repr(one["N"]) for one in outputs)
    await bus.watch("dead", dead.extend)
    await bus.until(lambda: len(dead) == len(attackers))
    told = {delivery.body: read_dead(delivery).death.why for delivery in dead}
    assert [] == [(name, told[body]) for name, (body, why) in attackers.items() if why not in told[body]]
    assert {"payload"} == {read_dead(delivery).death.cause for delivery in dead}
    assert resident(service) < LARGEST_RESIDENT
    assert 0 == await service.stop()
    totals = service.totals()
    assert (len(wanted), len(attackers)) == (totals["acknowledged"], totals["rejected"])
    lines = service.log.read_text().splitlines()
    assert [] == [line for line in lines if len(line) > 4000], "no payload is written into the log"
    assert all(json.loads(line) for line in lines if line.startswith("{"))
