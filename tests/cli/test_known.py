"""Findings are kept for rules that did not change, and for no others."""

import json

import pytest

from kzrules.cli import checked as anew
from kzrules.cli import known
from kzrules.cli.checked import checked
from kzrules.cli.examine import examine

RULES = """\
language 1

subscribe all {
    exchange "bus" { type: topic }
    queue "all" { durable: true }
    routing: ["#"]
    route_names: ["all"]
}

event_route[all] schema "all.json" {
    let unused = .Number
    done
}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KZRULES_CACHE", raising=False)
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "one.kzr").write_text(RULES)
    (rules / "all.json").write_text(json.dumps({"type": "object"}))
    monkeypatch.chdir(tmp_path)
    return rules


def counted_checks(monkeypatch):
    calls = []
    real = anew._check
    monkeypatch.setattr(anew, "_check", lambda sources: (calls.append(1), real(sources))[1])
    return calls


def test_what_was_found_is_found_again_whole_without_checking(folder, monkeypatch):
    calls = counted_checks(monkeypatch)
    first, second = examine(["rules"]), examine(["rules"])
    assert first.findings
    assert (first, [1]) == (second, calls)


def change_a_rule(folder):
    (folder / "one.kzr").write_text(RULES.replace("unused", "idle"))


def change_a_schema(folder):
    (folder / "all.json").write_text(json.dumps({"type": "array"}))


def take_a_schema_away(folder):
    (folder / "all.json").unlink()


def add_a_file(folder):
    (folder / "two.kzr").write_text("setting limit = 1\n")


def take_a_file_away(folder):
    (folder / "one.kzr").rename(folder.parent / "one.txt")
    (folder / "two.kzr").write_text("setting limit = 1\n")


def put_a_fifo_there(folder):
    import os

    (folder / "all.json").unlink()
    os.mkfifo(folder / "all.json")


@pytest.mark.parametrize(
    "change", [change_a_rule, change_a_schema, take_a_schema_away, add_a_file, take_a_file_away]
)
def test_whatever_changes_is_checked_again(folder, monkeypatch, change):
    examine(["rules"])
    calls = counted_checks(monkeypatch)
    change(folder)
    examine(["rules"])
    assert [1] == calls


def test_a_schema_that_became_a_pipe_is_not_waited_for(folder):
    examine(["rules"])
    put_a_fifo_there(folder)
    assert known.recall(["rules"]) is None


def test_what_could_not_be_read_is_not_remembered(folder):
    (folder / "broken.kzr").write_bytes(b"\xff\xfe\x00")
    examine(["rules"])
    assert known.recall(["rules"]) is None


def test_every_part_of_a_finding_survives(folder):
    (folder / "one.kzr").write_text(RULES.replace("done", "if .A && .B { done }; xlog(1)"))
    found, _ = checked(["rules"])[1], None
    assert any(one.fix for one in found)
    recalled = known.recall(["rules"])
    assert recalled is not None
    assert found == recalled[0]


def test_what_was_found_beside_a_password_is_not_remembered(folder):
    (folder / "two.kzr").write_text('broker {\n    zone main { "amqp://bob:hunter2@host" }\n}\n')
    assert "KZ513" in {one.code for one in examine(["rules"]).findings}
    assert known.recall(["rules"]) is None


def test_a_schema_that_changes_while_it_is_checked_is_checked_again(folder, monkeypatch):
    real, before = anew._check, (folder / "all.json").read_text()
    monkeypatch.setattr(anew, "_check", lambda sources: (change_a_schema(folder), real(sources))[1])
    examine(["rules"])
    (folder / "all.json").write_text(before)
    assert known.recall(["rules"]) is None
