"""The systemd unit without being installed: what systemd says of it; and the container file."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "contrib" / "systemd" / "kzrules.service"
WORST_SCORE = 3.0


def settings():
    """The unit's settings by name; the last one of a name."""
    lines = UNIT.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line[:1].isalpha() and "=" in line)


@pytest.fixture
def placed(tmp_path):
    """The unit with the programs of this environment: systemd looks whether they are there."""
    place = tmp_path / "kzrules.service"
    place.write_text(UNIT.read_text().replace("/opt/kzrules/bin", str(Path(sys.executable).parent)))
    return place


@pytest.fixture
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze here: the unit is not verified.")

    def run(*words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)

    return run


def test_systemd_finds_nothing_wrong_with_the_unit(analyze, placed):
    done = analyze("verify", "--man=no", str(placed))
    about_us = [line for line in done.stderr.splitlines() if "kzrules" in line]
    assert ([], 0) == (about_us, done.returncode)


def test_systemd_rates_its_hardening_well(analyze, placed, capsys):
    done = analyze("security", "--offline=yes", "--no-pager", str(placed))
    if "offline" in done.stderr:
        pytest.skip("This systemd is older than 250, which rates no unit that is not loaded.")
    score = float(re.search(r"Overall exposure level[^:]*: ([\d.]+)", done.stdout)[1])
    with capsys.disabled():
        sys.stdout.write(f"[systemd-analyze security: {score}] ")
    assert score < WORST_SCORE


def test_the_stop_timeout_is_longer_than_the_drain():
    drain = float(re.search(r"--drain-timeout (\d+)", settings()["ExecStart"])[1])
    assert float(settings()["TimeoutStopSec"]) >= drain + 15


def test_the_readme_puts_everything_where_the_unit_expects_it():
    deploy = (ROOT / "README.md").read_text().split("## Deploy")[1].split("\n## ")[0]
    for place in ("/opt/kzrules/bin/kzrules", "/etc/kzrules/rules", "/etc/kzrules/broker"):
        assert place in deploy
        assert place in UNIT.read_text()
    assert "contrib/systemd/kzrules.service" in deploy
    assert settings()["ExecStart"].split("--http ")[1].split()[0] in deploy


def test_the_container_runs_as_nobody_special_and_looks_after_its_health():
    lines = (ROOT / "Containerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    entry = next(line for line in lines if line.startswith("ENTRYPOINT"))
    assert '"--http", "0.0.0.0:9480"' in entry
