"""The demonstration ends by itself with totals that add up, and by Ctrl-C just as well."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAST = re.compile(
    r"published=(\d+) settled=(\d+) acknowledged=(\d+) rejected=(\d+) failed=(\d+) outputs=(\d+)"
)
pytestmark = pytest.mark.timeout(240)


def demo(*options, broker=None):
    environment = {name: value for name, value in os.environ.items() if name != "DEMO_BROKER"}
    if broker is not None:
        environment["DEMO_BROKER"] = broker
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def last_numbers(output):
    found = LAST.fullmatch(output.splitlines()[-1])
    assert found, output[-2000:]
    return tuple(map(int, found.groups()))


def test_it_ends_after_the_count_and_the_totals_add_up(broker_url):
    with demo("--count", "300", broker=broker_url) as run:
        output, _ = run.communicate()
    published, settled, acknowledged, rejected, failed, outputs = last_numbers(output)
    assert (published, settled, rejected, failed) == (300, 300, 12, 0)
    assert (acknowledged, outputs) == (288, 288)
    assert run.returncode == 0


def test_a_line_shows_the_event_its_route_what_it_did_and_its_end(broker_url):
    with demo("--count", "30", broker=broker_url) as run:
        output, _ = run.communicate()
    assert re.search(r"✔ acked +dialog\.\S+ +presence-dialog-update +publish out\.lamp", output)
    assert re.search(r"✘ rejected +dialog\.broken", output)


def test_ctrl_c_drains_and_says_the_totals(broker_url):
    with demo("--count", "100000", "--rate", "50", broker=broker_url) as run:
        head = [run.stdout.readline() for _ in range(20)]
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()
    numbers = last_numbers("".join(head) + rest)
    assert numbers[0] == numbers[1]
    assert run.returncode == 0


def test_a_broker_beyond_loopback_is_refused():
    with demo("--count", "1", broker="amqp://rabbit.example.com") as run:
        output, _ = run.communicate()
    assert "rabbit.example.com" in output
    assert "--i-know-this-bus" in output
    assert run.returncode == 2


def test_a_broker_that_is_not_there_is_told_in_one_line():
    with demo("--count", "1", broker="amqp://127.0.0.1:1") as run:
        output, _ = run.communicate()
    assert output.startswith("make run: the broker does not answer")
    assert (output.count("\n"), run.returncode) == (1, 2)


def test_a_broker_killed_in_the_middle_changes_no_total():
    """Two nodes, of which one dies: the slowest test of all, and the one that the whole is for."""
    with demo("--kill", "--count", "300") as run:
        output, _ = run.communicate()
    assert "is dead" in output
    published, settled, _, rejected, failed, outputs = last_numbers(output)
    assert (published, settled, rejected, failed, outputs) == (300, 300, 12, 0, 288)
    assert run.returncode == 0
