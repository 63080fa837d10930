"""`make sip`, small: real calls, each with its own answer, and none left hanging."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("real_kamailio")
@pytest.mark.parametrize(
    ("name", "experiments"),
    [("together", ["answers", "publishes", "clients", "service"]), ("routed", ["invite"])],
)
def test_real_calls_are_asked_answered_and_never_left_hanging(name, experiments, broker_url):
    command = [sys.executable, "-m", "sip", name, "--short", "--broker", broker_url]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = [line.split()[:2] for line in ran.stdout.splitlines() if line.startswith(("ok ", "BAD "))]
    assert [["ok", one] for one in experiments] == told
