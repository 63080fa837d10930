"""`kzrules capture` records from a bus what `trace` reads, and takes nothing from anybody."""

import json
import subprocess
import sys

import pytest_twisted
from twisted.internet.threads import deferToThread

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
}
event_route[kazoo:consumer-event-test-step] { done("seen {.N}") }
"""
EVENT = {"Event-Category": "test", "Event-Name": "step", "User": "alice.smith"}


def recorded(*words, folder):
    """Record in another process; it ends by itself."""
    command = [sys.executable, "-m", "kzrules.cli", "capture", *words]
    return deferToThread(
        subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest_twisted.ensureDeferred
async def test_events_are_recorded_as_trace_reads_them_with_nothing_of_what_is_redacted(
    bus, tmp_path, broker_url
):
    await bus.queue("others", "in")
    (tmp_path / "broker.kzr").write_text(f'broker {{ "{broker_url}" }}\n')
    (tmp_path / "rules.kzr").write_text(RULES)
    words = ("--broker-file", "broker.kzr", "--exchange", "in", "--routing", "call.#", "--limit", "3")
    recording = recorded(*words, "--redact", "User", folder=tmp_path)
    sent = 0

    async def enough():
        nonlocal sent
        await bus.publish("in", [("other", {**EVENT, "N": -1}), ("call.bad", b"no JSON")])
        await bus.publish("in", [("call.alice%2Esmith", {**EVENT, "N": sent})])
        sent += 1
        return recording.called

    await bus.until(enough)
    shown = await recording
    assert (0, True) == (shown.returncode, "capture: 3 events written, " in shown.stderr)
    lines = [json.loads(line) for line in shown.stdout.splitlines()]
    assert 3 == len({line["payload"]["N"] for line in lines})
    assert {"call.(redacted)"} == {line["routing_key"] for line in lines}
    assert "alice" not in shown.stdout
    assert (await bus.count("others"))[0] >= 3 * sent, "nobody has lost anything"
    command = [sys.executable, "-m", "kzrules.cli", "trace", "rules.kzr", "-"]
    trace = await deferToThread(
        subprocess.run, command, cwd=tmp_path, input=shown.stdout, capture_output=True, text=True, check=False
    )
    assert (0, 3) == (trace.returncode, trace.stdout.count("kazoo:consumer-event-test-step")), trace.stderr


@pytest_twisted.ensureDeferred
async def test_an_exchange_that_is_not_there_is_said_and_not_made(bus, tmp_path, broker_url):
    shown = await recorded("--url", broker_url, "--exchange", "nowhere", folder=tmp_path)
    assert (2, True) == (shown.returncode, "nowhere" in shown.stderr)
