"""`kzrules ctl` against a running service: every verb, as a person would type it."""

import json
import os
import socket
import stat
import sys
from contextlib import suppress

import pytest
import pytest_twisted
from twisted.internet.utils import getProcessOutputAndValue

RULES = """
subscribe events {
    exchange "in" { type: topic }
    queue "events" { durable: true, type: classic }
    routing: ["#"]
    on_failure: retry(times: 0) then dead_letter("dead")
}
table seen { ttl: 1h }
event_route[kazoo:consumer-event-test-good] { seen[.N] = .N * 2 }
event_route[kazoo:consumer-event-test-bad] {
    let n = .N + 1
    info("{n}")
}
"""
GOOD = {"Event-Category": "test", "Event-Name": "good"}
BAD = {"Event-Category": "test", "Event-Name": "bad", "N": "text", "User": "alice"}


@pytest.fixture
def ctl(tmp_path):
    """Type a verb of ctl: exit status, what it wrote, and what it wrote to standard error."""

    async def run(*words):
        command = [sys.executable, "-m", "kzrules.cli", "ctl", "--control", str(tmp_path / "control"), *words]
        env = {**os.environ, "COLUMNS": "80"}
        out, err, status = await getProcessOutputAndValue(command[0], command[1:], env)
        return status, out.decode(), err.decode()

    return run


@pytest.fixture
def controlled(serve, tmp_path):
    return lambda rules=RULES, *more: serve(rules, "--control", str(tmp_path / "control"), *more)


@pytest_twisted.ensureDeferred
async def test_status_routes_and_tables_say_how_it_is(bus, controlled, ctl, tmp_path):
    service = controlled()
    await service.consuming(bus, "events")
    assert 0o600 == stat.S_IMODE((tmp_path / "control").stat().st_mode)
    await bus.publish("in", [("k", {**GOOD, "N": n}) for n in range(5)] + [("k", BAD)])
    await bus.until(lambda: bus.depth("dead", 1))
    status, out, _ = await ctl("status", "--json")
    assert 0 == status
    found = json.loads(out)
    assert found["ready"]
    assert 6 == found["totals"]["received"]
    assert "guest" not in out, "no login is shown"
    status, out, _ = await ctl("status")
    assert 0 == status
    for told in ("ready", "generation 1", "events: consuming", "6 received", "rules.kzr:11", "1x", "to dead"):
        assert told in out
    assert [] == [line for line in out.splitlines() if len(line) > 200]
    status, out, _ = await ctl("status", "--color", "always")
    assert "\x1b[32;1mready" in out
    _, out, _ = await ctl("routes")
    assert "5         0  kazoo:consumer-event-test-good" in out
    _, out, _ = await ctl("tables", "seen", "--limit", "1")
    assert out.startswith("4 = 8  ")
    status, _, err = await ctl("tables", "unknown")
    assert (2, True) == (status, "the rules have no table unknown" in err)
    assert 0 == await service.stop()
    assert not (tmp_path / "control").exists()


@pytest_twisted.ensureDeferred
async def test_reload_rollback_log_level_and_drain(bus, controlled, ctl):
    service = controlled()
    await service.consuming(bus, "events")
    service.rules.write_text(RULES + "event_route[")
    status, out, _ = await ctl("reload")
    assert 1 == status
    assert "refused: the new rules have 1 error; the old rules go on" in out
    assert "KZ102" in out
    status, out, _ = await ctl("status")
    assert "refused" in out
    assert "KZ102" in out
    service.rules.write_text(RULES + "# more\n")
    assert (0, "generation 2 runs; subscriptions: none changed\n", "") == await ctl("reload")
    assert (0, "generation 1 runs; subscriptions: none changed\n", "") == await ctl("rollback")
    status, out, _ = await ctl("rollback")
    assert (1, True) == (status, "there are no earlier rules" in out)
    assert (0, "info\n", "") == await ctl("log-level")
    assert (0, "debug\n", "") == await ctl("log-level", "debug")
    await bus.publish("in", [("k", {**GOOD, "N": 1})])
    await bus.until(lambda: service.said("settled"))
    assert (0, "drained: nothing is in hand, and nothing is consumed\n", "") == await ctl("drain")
    assert (0, 0) == await bus.count("events")
    status, out, _ = await ctl("status")
    assert (1, True) == (status, "draining: nothing new is consumed" in out)
    assert 0 == await service.stop()


@pytest_twisted.ensureDeferred
async def test_a_tap_shows_what_came_and_what_was_done(bus, controlled, ctl, tmp_path):
    service = controlled()
    await service.consuming(bus, "events")
    tapped = ctl("tap", "--route", "*bad", "--redact", "User", "--limit", "1")
    from twisted.internet.defer import Deferred

    shown = Deferred.fromCoroutine(tapped)
    await bus.until(lambda: _taps(tmp_path / "control") or shown.called)
    while not shown.called:
        await bus.publish("in", [("k", {**GOOD, "N": 1}), ("k", BAD)])
    status, out, err = await shown
    assert (0, "tap: 1 route matches\n") == (status, err)
    assert "kazoo:consumer-event-test-bad" in out
    assert "alice" not in out
    assert "good" not in out
    assert 0 == await service.stop()


def _taps(path):
    return path.exists()


@pytest.mark.timeout(120)
@pytest_twisted.ensureDeferred
async def test_a_tap_reader_that_stops_reading_loses_lines_and_slows_nobody(bus, controlled, ctl, tmp_path):
    service = controlled(RULES.replace("seen[.N] = .N * 2", "done()"))
    await service.consuming(bus, "events")
    _, out, _ = await ctl("status", "--json")
    before = json.loads(out)
    with socket.socket(socket.AF_UNIX) as reader:
        reader.connect(str(tmp_path / "control"))
        reader.sendall(b'{"do": "tap", "rate": 1000000}\n')
        many, fill = 4000, "x" * 1000
        for start in range(0, many, 500):
            await bus.publish(
                "in", [("k", {**GOOD, "N": n, "Fill": fill}) for n in range(start, start + 500)]
            )
        await bus.until(lambda: bus.depth("events", 0))
        status, out, _ = await ctl("status", "--json")
        found = json.loads(out)
        assert (0, many) == (status, found["totals"]["acknowledged"])
        assert found["process"]["memory"] - before["process"]["memory"] < 40 * 2**20, (
            "lines are not kept for it"
        )
        reader.setblocking(False)
        heard = bytearray()

        async def caught_up():
            await bus.publish("in", [("k", {**GOOD, "N": many})])
            with suppress(BlockingIOError):
                heard.extend(reader.recv(1_000_000))
            return b"left_out" in heard

        await bus.until(caught_up)
        shown = [json.loads(line) for line in bytes(heard).split(b"\n")[1:-1]]
        assert sum("payload" in one for one in shown) < many
    assert 0 == await service.stop()


@pytest_twisted.ensureDeferred
async def test_nonsense_on_the_socket_is_refused_and_a_second_service_does_not_take_it(
    bus, controlled, tmp_path
):
    service = controlled()
    await service.consuming(bus, "events")
    for asked, told in (
        (b"hello\n", b"that is no request"),
        (b'{"do": "format"}\n', b"that is no request"),
        (b"[" * 50_000 + b"\n", b"that is no request"),
        (b"x" * 70_000, b"at most 65536 bytes"),
    ):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(5)
            stranger.connect(str(tmp_path / "control"))
            stranger.sendall(asked)
            assert told in stranger.recv(4096)
    other = controlled()
    assert 0 != await other.ended()
    assert "another kzrules may have it" in other.log.read_text()
    assert 0 == await service.stop()


@pytest_twisted.ensureDeferred
async def test_where_nobody_listens_it_says_what_to_do(ctl):
    status, _, err = await ctl("status")
    assert 2 == status
    assert "nobody listens at" in err
    assert "--control" in err
