"""The experiments of `make interop`, small: kzrules and the real module on one broker."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def parts(real_kamailio):
    """What was said of each experiment, by its title; all of them on one broker."""
    command = [sys.executable, "-m", "interop", "--scale", "0.05"]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=380, check=False)
    return dict(re.findall(r"^(\S.*?): (.*?)(?=^\S|\Z)", ran.stdout, re.MULTILINE | re.DOTALL)), ran


@pytest.mark.parametrize(
    ("title", "counted"),
    [
        ("publishing, both ways", ["rounds=100", "pings=100", "pongs=100"]),
        ("questions and answers", ["sync_asked=50", "async_asked=50", "ours_asked=50", "ours_double=3"]),
        ("answers go back by the zone of their question", ["sync_home=10", "async_away=10"]),
        ("the same inputs to both", ["name=100", "encode=100", "json=100", "lax=100"]),
        ("what the list of differences says", ["shown=15", "differences=13"]),
        ("converted rules beside their originals", ["events=150", "published=350"]),
        ("both on the same exchanges", ["seconds=8"]),
        ("queues of the module taken over", ["queues=4", "worked=240"]),
    ],
)
def test_beside_the_real_module_all_is_as_it_should_be(parts, title, counted):
    told, ran = parts
    assert "as it should be" in told.get(title, ""), ran.stdout + ran.stderr
    assert counted == [one for one in counted if one in told[title].split()]


def test_an_experiment_that_there_is_not_is_told():
    command = [sys.executable, "-m", "interop", "nothing"]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (ran.returncode, "there is no experiment nothing" in ran.stderr) == (2, True)
