"""The experiments of `make chaos`, small: a killed node and a killed service lose nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.trial import PREFETCH

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["backlog", "service"])
def test_what_is_killed_loses_nothing(name):
    command = [sys.executable, "-m", "chaos", name, "--scale", "0.05"]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = dict(re.findall(r"(\w+)=(\d+)", ran.stdout.splitlines()[0]))
    assert ("2000", "0") == (told["handled"], told["lost"])
    if name == "service":  # a killed node may double more: see docs/reliability.md
        assert int(told["duplicated"]) <= 2 * PREFETCH * int(told["breaks"])
