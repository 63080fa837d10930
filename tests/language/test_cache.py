"""Entries are found by all that made them, do not grow without end, and are read from nobody else."""

import os
import sys

import pytest

from kzrules.language import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("KZRULES_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kzrules" / "language"


@pytest.fixture
def made_by(tmp_path, monkeypatch):
    """What `_made_by` says of a package that lies in a folder of its own."""
    package = tmp_path / "lib" / "kzrules"
    for name in ("__init__.py", "language/cache.py", "wire/tables.py", "_shipped/grammar/kzrules.lark"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    monkeypatch.setattr(cache, "__file__", str(package / "language" / "cache.py"))
    monkeypatch.setattr(cache.sys, "path", [str(package.parent), str(tmp_path / "no folder")])
    return package, cache._made_by.__wrapped__


@pytest.mark.parametrize("name", ["__init__.py", "wire/tables.py", "_shipped/grammar/kzrules.lark"])
def test_a_part_that_was_changed_makes_other_entries(made_by, name):
    package, said = made_by
    before = said()
    assert said() == before
    (package / name).write_text("changed")
    os.utime(package / name, (1, 1))
    assert said() != before


@pytest.mark.parametrize("name", ["jsonschema", "jsonschema_rs", "lark", "google_re2", "referencing"])
def test_another_version_of_a_dependency_makes_other_entries(made_by, name):
    package, said = made_by
    old = package.parent / f"{name}-1.0.dist-info"
    old.mkdir()
    before = said()
    old.rename(package.parent / f"{name}-1.1.dist-info")
    assert said() != before


def test_every_dependency_is_found_where_it_is_installed():
    found = {name.partition("-")[0] for name in cache._installed(tuple(sys.path))}
    assert {"jsonschema", "jsonschema_rs", "lark", "google_re2", "referencing"} <= found


def test_a_process_that_writes_for_long_forgets_old_entries(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 5)
    monkeypatch.setattr(cache, "WRITES_BETWEEN", 3)
    for number in range(100):
        cache.write("tree", str(number), b"content")
        assert len(list(folder.iterdir())) <= 5 + 3


def test_an_entry_that_another_process_takes_away_does_not_turn_the_cache_off(folder, monkeypatch):
    folder.mkdir(mode=0o700, parents=True)
    listed = type(folder).iterdir
    monkeypatch.setattr(type(folder), "iterdir", lambda self: [*listed(self), self / "renamed"])
    cache.write("tree", "a", b"content")
    assert cache.read("tree", "a") == b"content"


def test_of_many_entries_the_newest_are_kept(folder, monkeypatch):
    for number in range(6):
        cache.write("tree", str(number), b"content")
        os.utime(folder / f"tree-{number}", (2e9 + number, 2e9 + number))
    monkeypatch.setattr(cache, "MOST_ENTRIES", 2)
    cache._forget_old(folder.iterdir())
    assert sorted(entry.name for entry in folder.iterdir()) == ["tree-4", "tree-5"]


def open_it(entry):
    entry.chmod(0o622)


def link_it(entry):
    entry.rename(entry.parent / "elsewhere")
    entry.symlink_to(entry.parent / "elsewhere")


def make_it_a_pipe(entry):
    entry.unlink()
    os.mkfifo(entry, 0o600)


@pytest.mark.parametrize("change", [open_it, link_it, make_it_a_pipe])
def test_an_entry_that_is_no_file_of_ours_alone_is_not_read(folder, change):
    cache.write("tree", "a", b"content")
    change(folder / "tree-a")
    assert cache.read("tree", "a") is None


def test_an_entry_of_another_user_is_not_read(folder, monkeypatch):
    cache.write("tree", "a", b"content")
    monkeypatch.setattr(cache.os, "getuid", lambda: -1)
    assert cache.read("tree", "a") is None
