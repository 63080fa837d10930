"""What `make lint` says of known vulnerabilities, with pip-audit's answers put in its place."""

import json
import sys

import pytest

from testbed.audit import audit


@pytest.fixture
def audited(tmp_path):
    """Audit with a program that prints this; gives what came of it, and whether it counts for a day."""

    def run(printed):
        stamp = tmp_path / "audited"
        text = printed if isinstance(printed, str) else json.dumps({"dependencies": printed})
        return (*audit(stamp, (sys.executable, "-c", f"print({text!r})")), stamp.exists())

    return run


GOOD = {"name": "pika", "version": "1.4.4", "vulns": []}
UNKNOWN = {"name": "lark", "skip_reason": "not found"}
BAD = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}


def test_a_vulnerability_fails_and_says_where_it_is_mended(audited):
    assert (1, "audit: old 1.0 has PYSEC-1; mended in 1.1", False) == audited([GOOD, BAD])


def test_a_good_result_says_how_much_it_is_about(audited):
    assert (0, "audit: no known vulnerability in 1 of 2 packages", True) == audited([GOOD, UNKNOWN])


@pytest.mark.parametrize("broken", ["", "Traceback", "{}"])
def test_where_nobody_answers_nothing_was_audited_and_nothing_fails(audited, broken):
    assert (0, "audit: nothing was audited: pip-audit got no answer", False) == audited(broken)


def test_an_index_that_knows_none_of_them_has_audited_nothing(audited):
    assert "audit: nothing was audited" in audited([UNKNOWN])[1]


def test_a_good_result_counts_for_a_day(audited):
    told = audited([GOOD])
    assert told == audited([BAD])
