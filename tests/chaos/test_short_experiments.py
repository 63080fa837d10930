"""The experiments of `make chaos`, small and on one cluster: nothing is lost, little comes twice.

They are ended by a signal, and leave nothing behind.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.experiments import ALL

CHECKOUT = Path(__file__).parents[2]
STANDING = (
    *("poison", "key", "responder", "list", "password", "delay", "cuts", "three", "single", "swallow"),
    *("queue", "exchange"),
)
"""Of these all nodes stay up: they come first, before the cluster has been hurt."""
BREAKING = ("backlog", "steady", "service", "torn", "alarm", "partition", "thrice", "silent", "mixed")
SHORT = (*STANDING, *BREAKING)
ONE_MORE = "steady"
"""It is ended by a signal."""


def chaos(folder, *arguments):
    """`make chaos` as a process of its own, that writes what it writes into this folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "chaos", *arguments, "--scale", "0.02", "--one-cluster"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="module")
def running(folder):
    """All of them as one process, whose lines are read as they come."""
    with chaos(folder, *SHORT, ONE_MORE) as run:
        yield run
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)  # with the services that it started


def processes(folder):
    """The living processes whose command lines name something in a folder: nodes and services."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder) in (one / "cmdline").read_bytes().decode(errors="replace"):
                found.append(int(one.name))
    return found


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def a_service_runs(folder):
    """Whether one of them is `twistd kzrules`: its rules lie in a folder of the trial."""
    return any(processes(trial) for trial in folder.glob("*/trial-*"))


def nothing_is_left(folder):
    return not processes(folder) and not list(folder.iterdir())


def test_every_experiment_has_a_short_form():
    assert sorted(ALL) == sorted(SHORT)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_and_every_target_is_kept(running, name):
    said = [""]
    while not said[-1].startswith(f"{name} "):
        said.append(running.stdout.readline())
        assert said[-1], f"it ended: {''.join(said)}"
    assert " lost=0 " in said[-1]
    assert "MISSED" not in said[-1]


@pytest.mark.timeout(150)
def test_told_to_end_it_takes_services_nodes_and_folders_with_it(running, folder):
    until(lambda: a_service_runs(folder))
    assert len(list(folder.iterdir())) == 1, "only the cluster that is there has a folder"
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 128 + signal.SIGTERM
    until(lambda: nothing_is_left(folder), 20.0)


@pytest.mark.timeout(90)
def test_ctrl_c_while_the_nodes_start_leaves_nothing(tmp_path):
    with chaos(tmp_path, ONE_MORE) as run:
        until(lambda: len(processes(tmp_path)) > 1)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=10)
    assert run.returncode == 128 + signal.SIGINT
    assert said == "chaos: ended by SIGINT, and services and nodes with it\n"
    until(lambda: nothing_is_left(tmp_path), 20.0)
