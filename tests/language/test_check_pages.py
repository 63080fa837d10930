"""Every page of the registry: its wrong example gives its code alone, its right one gives nothing."""

import re
import shutil
from pathlib import Path

import pytest

from kzrules.language.check import check
from kzrules.language.findings.codes import CODES
from kzrules.language.source import read_program
from kzrules.words import WORDS

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "kzrules" / "language"
COMMAND = re.compile(r"^\$ kzrules check (.+)$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the examples stand, with the files that they name."""
    for schema in (HERE / "page").glob("*.json"):
        shutil.copy(schema, tmp_path)
    (tmp_path / "common.kzr").write_text(
        'table lamps { ttl: 1h }\nevery 30s { info("{lamps[node] ?? 0}") }\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def on_the_command_line(folder):
    shutil.copy(folder / "common.kzr", folder / "lamps.kzr")
    (folder / "common.kzr").unlink()
    (folder / "link-to-itself.kzr").symlink_to("link-to-itself.kzr")
    (folder / "latin-1.kzr").write_bytes(b"# gr\xfc\xdfe\n")
    (folder / "recording.kzr").write_bytes(b"RIFF\0\0")
    (folder / "five-megabytes.kzr").write_bytes(b"#" * 5_000_000)
    (folder / "empty").mkdir()


def findings_of(example, folder):
    paths = COMMAND.findall(example)
    if not paths:
        paths = ["example.kzr"]
        (folder / "example.kzr").write_text(example)
    elif paths == ["."]:
        paths = ["lamps.kzr"]  # beside the files that the other commands name
    sources = read_program(paths)
    return check(sources.files, WORDS, earlier=sources.findings, texts=sources.texts)


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_gives_its_code_alone(code, folder):
    if COMMAND.search(CODES[code].wrong):
        on_the_command_line(folder)
    found = findings_of(CODES[code].wrong, folder)
    assert [(one.code, one.severity) for one in found] == [(code, CODES[code].severity)]


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_gives_nothing(code, folder):
    if COMMAND.search(CODES[code].right):
        on_the_command_line(folder)
    assert findings_of(CODES[code].right, folder) == []


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_it_means_and_when_to_silence_it(code):
    assert CODES[code].about
    assert CODES[code].silence


def test_every_code_that_is_found_has_a_page_of_the_same_severity():
    used = {}
    for path in PACKAGE.rglob("*.py"):
        for severity, code in re.findall(r'\b(error|warning)\(\s*"(KZ\d+)"', path.read_text()):
            used.setdefault(code, set()).add(severity)
    assert len(used) > 50
    assert {code: {CODES[code].severity.value} for code in used} == used


def test_every_page_is_of_a_code_that_is_found():
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert {code for code in CODES if f'"{code}"' not in sources} == set()
