"""`kzrules dead` on a real broker."""

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

FILL = """
import sys
from kzrules.broker.amqp_frames import Outgoing
from kzrules.cli.broker import connected
from kzrules.language.program import BrokerSpec, QueueSpec, ZoneSpec
from kzrules.message.delivery import Delivery, Source
from kzrules.wire.retries import Death, dead
from twisted.internet.defer import ensureDeferred

async def job(session):
    from kzrules.broker.publisher import Publisher
    from twisted.internet import reactor
    channel = await session.open_channel()
    for name in ("work", "work.dead"):
        await channel.declare_queue(QueueSpec(name, durable=True, auto_delete=False))
    publisher = Publisher(reactor)
    publisher.session_opened(session)
    for number in range(3):
        source = Source("calls", "work", "local", 1, 1)
        delivery = Delivery(source, 1, False, "callevt", f"call.{number}", b"\\0\\0", b"{}")
        why = f"reason {number}"
        death = Death("2026-01-01T12:00:00Z", why, "rule", number + 1, "calls", "work", "local")
        body = b'{"Call-ID": "c%d"}' % number
        await publisher.send(Outgoing("", "work.dead", body, dead(delivery, death)))
    await channel.close()
    return 0

raise SystemExit(connected(BrokerSpec((ZoneSpec("local", (sys.argv[1],)),)), None, job))
"""


@pytest.fixture
def dead(broker_url, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}

    def run(*arguments, status=0, **extra):
        command = [sys.executable, "-m", "kzrules.cli", "dead", *arguments, "--url", broker_url]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **extra}
        done = subprocess.run(command, text=True, env=environment, check=False, **streams)
        assert done.returncode == status, f"{done.stdout}{done.stderr}"
        return done

    subprocess.run([sys.executable, "-c", FILL, broker_url], env=environment, check=True, cwd=tmp_path)
    return run


def test_looking_at_dead_letters_consumes_nothing(dead):
    for _ in range(2):
        lines = dead("list", "work.dead", "--json").stdout.splitlines()
        assert [json.loads(line)["why"] for line in lines] == ["reason 0", "reason 1", "reason 2"]
    shown = dead("show", "work.dead", "--where", '.Call-ID == "c1" and attempts == 2').stdout
    assert "reason 1" in shown
    assert '"Call-ID": "c1"' in shown
    assert "reason 0" not in shown


def test_replaying_sends_letters_back_and_removes_them(dead):
    assert "2 letters sent back, 1 left" in dead("replay", "work.dead", "--where", "attempts > 1").stdout
    assert len(dead("list", "work.dead", "--json").stdout.splitlines()) == 1
    assert len(dead("list", "work", "--json").stdout.splitlines()) == 2


def test_purging_asks_first(dead):
    dead("purge", "work.dead", status=130, input="n\n")
    assert "3 letters removed, 0 left" in dead("purge", "work.dead", "--yes").stdout


def test_a_queue_that_is_not_there_is_told_in_a_sentence(dead):
    done = dead("list", "nothing", status=2)
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_condition_that_cannot_be_read_is_a_wrong_usage(dead):
    assert "--where" in dead("list", "work.dead", "--where", "1 ==", status=2).stderr


def on_a_terminal(dead, *arguments):
    """What somebody sees on standard error, in a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    try:
        done = dead(*arguments, stderr=theirs)
    finally:
        os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # its other end is closed: that is the end
        while piece := os.read(ours, 4096):
            seen += piece
    os.close(ours)
    return done.stdout, seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("verb", "end"),
    [(("replay",), "3 letters sent back, 0 left"), (("purge", "--yes"), "3 letters removed, 0 left")],
    ids=["replay", "purge"],
)
def test_somebody_at_a_terminal_sees_how_far_it_is(dead, verb, end):
    said, seen = on_a_terminal(dead, verb[0], "work.dead", *verb[1:])
    assert end in said
    assert seen == (f"\r[{'#' * 10}{'.' * 20}] 1 of 3\r[{'#' * 20}{'.' * 10}] 2 of 3\r[{'#' * 30}] 3 of 3\n")


def test_where_nobody_looks_there_is_no_bar(dead):
    assert "#" not in dead("replay", "work.dead").stderr
