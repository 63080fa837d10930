"""`kzrules convert` as a person meets it: what it writes, what it says, what it never does."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parent / "configs"


@pytest.fixture
def kzrules(tmp_path):
    def run(*arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "kzrules.cli", *map(str, arguments)],
            capture_output=True, text=True, cwd=tmp_path, check=False,
            env={"PYTHONPATH": str(Path.cwd()), "COLUMNS": "80", "PATH": "", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert status == done.returncode, done.stdout + done.stderr
        return done

    return run


def test_it_writes_a_rule_file_for_each_configuration_file_and_a_summary(kzrules, tmp_path):
    told = kzrules("convert", CONFIGS / "stock" / "lamps.cfg", "-o", "rules").stdout
    assert {"lamps.kzr", "reports.kzr"} == {path.name for path in (tmp_path / "rules").iterdir()}
    assert "wrote rules/lamps.kzr\nwrote rules/reports.kzr\n" in told
    assert "11 blocks, 6 subroutines, 1 timer; 4 subscriptions, 4 tables" in told
    assert "each marked `kz gap` where it is:" in told
    assert (
        "stays in Kamailio, for it is about SIP requests:\n  lamps.cfg:54  request_route: kazoo_query" in told
    )
    assert "the password is not written" in told
    assert (
        "twistd -n kzrules --secrets DIR run rules --app-name lamps --workers 4 --node sip1.example.com"
        in told
    )
    kzrules("check", "--deny-warnings", "rules")


def test_it_writes_over_nothing_unless_told(kzrules, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "reports.kzr").write_text("mine")
    told = kzrules("convert", CONFIGS / "stock" / "lamps.cfg", "-o", "rules", status=2).stderr
    assert "rules/reports.kzr: there already; name another folder, or say --force" in told
    assert ["mine"] == [path.read_text() for path in (tmp_path / "rules").iterdir()]
    kzrules("convert", CONFIGS / "stock" / "lamps.cfg", "-o", "rules", "--force")
    assert "language 1" in (tmp_path / "rules" / "reports.kzr").read_text()


def test_a_file_that_is_not_there_is_named(kzrules):
    assert "no such file: gone.cfg" in kzrules("convert", "gone.cfg", "-o", "rules", status=2).stderr


def test_what_cannot_be_read_is_shown_with_a_caret(kzrules, tmp_path):
    (tmp_path / "bad.cfg").write_text("event_route[kazoo:consumer-event] {\n    xlog(;\n}\n")
    told = kzrules("convert", "bad.cfg", "-o", "rules", status=2).stderr
    assert (
        "kzrules: bad.cfg:2:10: a value was expected, and here is `;`\n2 |     xlog(;\n  |          ^\n"
        == told
    )
    assert not (tmp_path / "rules").exists()


def test_a_configuration_without_kazoo_is_told(kzrules, tmp_path):
    (tmp_path / "plain.cfg").write_text("request_route { exit; }\n")
    assert (
        "there is no event_route[kazoo:...]"
        in kzrules("convert", "plain.cfg", "-o", "rules", status=2).stderr
    )


def test_a_wrong_definition_is_told(kzrules):
    told = kzrules("convert", CONFIGS / "stock" / "lamps.cfg", "-o", "rules", "-A", "1x", status=2).stderr
    assert "write NAME or NAME=VALUE" in told
