"""The experiments of `make chaos`, small and on one cluster: nothing is lost, little comes twice."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BREAKING = ("backlog", "steady", "service", "torn", "alarm", "partition", "thrice")
STANDING = ("poison", "key", "responder", "list", "password", "delay", "cuts", "three", "single", "swallow")
"""Of these all nodes stay up: they come first, before the cluster has been hurt."""
SHORT = (*STANDING, *BREAKING)
"""Those that need neither a minute nor another cluster; the others are run by `make chaos` alone."""


@pytest.fixture(scope="module")
def running():
    """All of them as one process, whose lines are read as they come."""
    command = [sys.executable, "-m", "chaos", *SHORT, "--scale", "0.02", "--one-cluster"]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        yield run
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)  # with the services that it started


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_and_every_target_is_kept(running, name):
    said = [""]
    while not said[-1].startswith(f"{name} "):
        said.append(running.stdout.readline())
        assert said[-1], f"it ended: {''.join(said)}"
    assert " lost=0 " in said[-1]
    assert "MISSED" not in said[-1]
