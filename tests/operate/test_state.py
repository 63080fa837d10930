"""Tables survive a restart, and whatever happens to the file, never a crash."""

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from kzrules.errors import SettingError
from kzrules.operate.state import NAME, SET_ASIDE, StateFolder

TABLES = {
    "seen": [["a", 1, 500.0], [["u", "r"], {"x": [1, 2**70, None]}, None]],
    "empty": [],
    "long": [["d", timedelta(seconds=90), 700.5]],
}


@pytest.fixture
def folder(tmp_path):
    made = StateFolder(str(tmp_path / "state"))
    yield made
    made.close()


def test_what_is_written_is_read_again_values_of_every_kind(folder):
    folder.write(TABLES, 100.0)
    assert {name: entries for name, entries in TABLES.items() if entries} == folder.read(110.0, 60.0)
    assert (1, 0) == (folder.written, folder.failed)
    assert {NAME, "lock"} == {path.name for path in folder.path.iterdir()}
    assert 0o600 == (folder.path / NAME).stat().st_mode & 0o777


def test_what_is_too_old_is_left_and_nothing_there_is_nothing_wrong(folder):
    assert {} == folder.read(0.0, 60.0)
    folder.write(TABLES, 100.0)
    assert {} == folder.read(161.0, 60.0)
    assert (folder.path / NAME).exists()


@pytest.mark.parametrize("seed", range(20))
def test_a_torn_or_foreign_file_is_set_aside(folder, seed):
    folder.write(TABLES, 100.0)
    whole = (folder.path / NAME).read_bytes()
    chance = random.Random(seed)
    place = chance.randrange(len(whole))
    broken = chance.choice(
        [
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            whole[:place] + whole[place + 1 :],
            b"",
            b"[1,2]\n",
            b'{"format": "kzrules tables 9"}\n',
            os.urandom(100),
        ]
    )
    (folder.path / NAME).write_bytes(broken)
    assert {} == folder.read(110.0, 60.0)
    assert broken == (folder.path / SET_ASIDE).read_bytes()
    assert not (folder.path / NAME).exists()
    folder.write(TABLES, 120.0)
    assert folder.read(130.0, 60.0)


def test_a_folder_that_cannot_be_written_keeps_the_old_file_and_is_counted(folder, monkeypatch):
    folder.write(TABLES, 100.0)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    folder.write({"seen": []}, 200.0)
    assert (1, 1) == (folder.written, folder.failed)
    assert folder.read(110.0, 60.0)
    assert {NAME, "lock"} == {path.name for path in folder.path.iterdir()}


def test_two_processes_do_not_share_a_folder(folder):
    with pytest.raises(SettingError, match="another kzrules uses"):
        StateFolder(str(folder.path))
    folder.close()
    StateFolder(str(folder.path)).close()


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be used"):
        StateFolder(str(tmp_path / "file" / "state"))


WRITER = """
import sys
from kzrules.operate.state import StateFolder
folder = StateFolder(sys.argv[1])
print("begun", flush=True)
turn = 0
while True:
    turn += 1
    folder.write({"seen": [[n, turn, None] for n in range(5000)]}, float(turn))
    print(turn, flush=True)
"""


def test_killed_while_it_writes_the_folder_holds_one_state_or_the_other_whole(tmp_path):
    chance = random.Random(3)
    for _ in range(8):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "state")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert b"begun\n" == writer.stdout.readline()
            for _ in range(chance.randrange(1, 4)):
                writer.stdout.readline()
            writer.stdout.read1(1) if chance.random() < 0.5 else None
            writer.send_signal(signal.SIGKILL)
        folder = StateFolder(str(tmp_path / "state"))
        kept = folder.read(0.0, 1e9)["seen"]
        assert list(range(5000)) == [key for key, _, _ in kept]
        assert 1 == len({turn for _, turn, _ in kept}), "all of one state"
        folder.write({"seen": []}, 0.0)
        assert {NAME, "lock"} == {path.name for path in folder.path.iterdir()}, "no half of one lies about"
        folder.close()
