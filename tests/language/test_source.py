from pathlib import Path

import pytest

from kzrules.language.places import programs
from kzrules.language.source import read_program


def found(paths):
    return [(finding.code, finding.span.line) for finding in read_program(paths).findings]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.kzr").write_text('use "sub/common.kzr"\nsetting b = 1\n')
    (tmp_path / "a.kzr").write_text('use "sub/common.kzr"\nsetting a = 1\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "common.kzr").write_text("setting common = 1\n")
    (tmp_path / "notes.txt").write_text("no rule")
    return tmp_path


def test_a_folder_is_read_in_sorted_order_and_each_file_once(folder):
    sources = read_program([folder])
    assert sources.findings == []
    assert sorted(Path(file.path).name for file in sources.files) == ["a.kzr", "b.kzr", "common.kzr"]
    assert set(sources.texts) == {file.path for file in sources.files}


def test_a_missing_file_is_told_where_it_is_used(tmp_path):
    (tmp_path / "a.kzr").write_text('language 1\nuse "none.kzr"\n')
    assert found([tmp_path / "a.kzr"]) == [("KZ156", 2)]


def test_a_cycle_is_told_where_it_closes(tmp_path):
    (tmp_path / "a.kzr").write_text('use "b.kzr"\n')
    (tmp_path / "b.kzr").write_text('\nuse "a.kzr"\n')
    assert found([tmp_path / "a.kzr"]) == [("KZ157", 2)]


def test_what_cannot_be_read_is_a_finding(tmp_path):
    (tmp_path / "latin.kzr").write_bytes(b"setting a = 1\n# gr\xfc\xdfe\n")
    (tmp_path / "nul.kzr").write_bytes(b"setting a\0 = 1")
    (tmp_path / "large.kzr").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    (tmp_path / "loop.kzr").symlink_to(tmp_path / "loop.kzr")
    (tmp_path / "empty").mkdir()
    assert found([tmp_path / "latin.kzr"]) == [("KZ152", 2)]
    assert found([tmp_path / "nul.kzr"]) == [("KZ153", 1)]
    assert found([tmp_path / "large.kzr"]) == [("KZ154", 1)]
    assert found([tmp_path / "loop.kzr"]) == [("KZ151", 1)]
    assert found([tmp_path / "none.kzr"]) == [("KZ150", 1)]
    assert found([tmp_path / "empty"]) == [("KZ155", 1)]


def test_a_folder_that_links_to_itself_is_read_once(folder):
    (folder / "sub" / "again").symlink_to(folder)
    sources = read_program([folder])
    assert (len(sources.files), sources.findings) == (3, [])


def test_topic_folders_are_programs_of_their_own(tmp_path):
    for topic in ("one", "two"):
        (tmp_path / topic).mkdir()
        (tmp_path / topic / "a.kzr").write_text("setting a = 1\n")
    assert programs([tmp_path]) == [(str(tmp_path / "one"),), (str(tmp_path / "two"),)]
    assert programs([tmp_path / "one", tmp_path / "two"]) == [(str(tmp_path / "one"), str(tmp_path / "two"))]


def _latin(folder):
    (folder / "latin.kzr").write_bytes(b"# one\n# caf\xe9\n")
    return folder / "latin.kzr"


def _sixteen(folder):
    (folder / "wide.kzr").write_bytes("# wide".encode("utf-16"))
    return folder / "wide.kzr"


def _cut(folder):
    (folder / "cut.kzr").write_bytes(b'every 30s { info("\xe2\x82") }')
    return folder / "cut.kzr"


def _with_nul(text):
    def made(folder):
        (folder / "nul.kzr").write_bytes(text)
        return folder / "nul.kzr"

    return made


def _of_bytes(size):
    def made(folder):
        with (folder / "large.kzr").open("wb") as file:
            file.truncate(size)
        return folder / "large.kzr"

    return made


def _loop(folder):
    (folder / "loop.kzr").symlink_to("loop.kzr")
    return folder / "loop.kzr"


def _two_links(folder):
    (folder / "a.kzr").symlink_to("b.kzr")
    (folder / "b.kzr").symlink_to("a.kzr")
    return folder / "a.kzr"


def _through_a_file(folder):
    (folder / "file.kzr").write_text("language 1\n")
    return folder / "file.kzr" / "below.kzr"


def _folder(*names):
    def made(folder):
        (folder / "rules").mkdir()
        for name in names:
            (folder / "rules" / name).parent.mkdir(exist_ok=True)
            (folder / "rules" / name).write_text("{}")
        return folder / "rules"

    return made


@pytest.mark.parametrize(
    ("code", "line", "made"),
    [
        ("KZ150", 1, lambda folder: folder / "none.kzr"),
        ("KZ150", 1, lambda folder: folder / "no" / "folder.kzr"),
        ("KZ150", 1, lambda folder: folder / "..." / ".kzr"),
        ("KZ151", 1, _loop),
        ("KZ151", 1, _two_links),
        ("KZ151", 1, _through_a_file),
        ("KZ152", 2, _latin),
        ("KZ152", 1, _cut),
        ("KZ152", 1, _with_nul(b"\xff# one\n")),
        ("KZ153", 1, _sixteen),
        ("KZ153", 1, _with_nul(b"\0")),
        ("KZ153", 1, _with_nul(b"language 1\n# \0\n")),
        ("KZ154", 1, _of_bytes(4 * 2**20 + 1)),
        ("KZ154", 1, _of_bytes(5 * 2**20)),
        ("KZ154", 1, _of_bytes(2**40)),
        ("KZ155", 1, _folder()),
        ("KZ155", 1, _folder("schema.json")),
        ("KZ155", 1, _folder("below/kamailio.cfg")),
    ],
)
def test_each_way_in_which_a_path_cannot_be_read_has_its_code(code, line, made, tmp_path):
    path = made(tmp_path)
    assert found([path]) == [(code, line)]


def test_a_file_of_four_mebibytes_is_read(tmp_path):
    path = tmp_path / "whole.kzr"
    path.write_text("language 1\n".ljust(4 * 2**20))
    assert found([path]) == []
