"""The experiments of `make chaos`, small and on one cluster: nothing is lost, little comes twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from chaos.experiments import ALL

CHECKOUT = Path(__file__).parents[2]
LONG = {"delay", "exchange", "cuts"}
"""Those that wait for a minute whatever their size."""


@pytest.fixture(scope="module")
def running():
    """All of them as one process, whose lines are read as they come."""
    names = [name for name in ALL if name not in LONG]
    command = [sys.executable, "-m", "chaos", *names, "--scale", "0.02", "--one-cluster"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        yield run
        run.kill()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", [name for name in ALL if name not in LONG])
def test_nothing_is_lost_and_every_target_is_kept(running, name):
    said = [""]
    while not said[-1].startswith(f"{name} "):
        said.append(running.stdout.readline())
        assert said[-1], f"it ended: {''.join(said)}"
    assert " lost=0 " in said[-1]
    assert "MISSED" not in said[-1]
