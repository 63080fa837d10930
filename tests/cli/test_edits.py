import io

import pytest

from kzrules.cli.edits import apply, as_stored, save, unified
from kzrules.cli.terminal import Terminal
from kzrules.language.findings.diagnostic import Diagnostic, Edit, Fix, Severity
from kzrules.language.tree import Span


def finding(*edits, safe=True):
    return Diagnostic("KZ1", Severity.ERROR, "m", edits[0].span, fix=Fix("mend", edits, safe))


def edit(line, column, end_column, text, file="a.kzr"):
    return Edit(Span(file, line, column, line, end_column), text)


def test_fixes_apply_by_columns_of_the_text_as_it_was():
    findings = [finding(edit(1, 1, 3, "and")), finding(edit(1, 8, 10, "or")), finding(edit(2, 1, 1, "not "))]
    changed, applied = apply(findings, {"a.kzr": "&& x   ||\né"})
    assert (changed, applied) == ({"a.kzr": "and x   or\nnot é"}, 3)


def test_fixes_that_meet_wait_for_the_next_round():
    findings = [finding(edit(1, 1, 4, "X")), finding(edit(1, 3, 5, "Y"))]
    assert apply(findings, {"a.kzr": "abcdef"}) == ({"a.kzr": "Xdef"}, 1)


def test_a_fix_goes_in_whole_or_not_at_all():
    findings = [finding(edit(1, 1, 2, "X")), finding(edit(2, 1, 2, "Y"), edit(1, 1, 2, "Z"))]
    assert apply(findings, {"a.kzr": "a\nb"}) == ({"a.kzr": "X\nb"}, 1)


def test_unsafe_fixes_and_unknown_files_are_left_alone():
    findings = [finding(edit(1, 1, 2, "X"), safe=False), finding(edit(1, 1, 2, "X", file="other.kzr"))]
    assert apply(findings, {"a.kzr": "a"}) == ({}, 0)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"a\r\nb\r\n", "x\r\ny\r\n"), (b"\xef\xbb\xbfa\nb\n", "\ufeffx\ny\n"), (b"a\n", "x\ny\n")],
)
def test_a_mended_file_keeps_its_line_ends_and_its_mark(tmp_path, raw, expected):
    file = tmp_path / "a.kzr"
    file.write_bytes(raw)
    assert as_stored(str(file), "x\ny\n") == expected


def test_saving_keeps_permissions_and_links(tmp_path):
    file, link = tmp_path / "a.kzr", tmp_path / "link.kzr"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    save(str(link), "new")
    assert (file.read_text(), file.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.kzr", "link.kzr"]


def test_a_shown_change_is_what_patch_reads():
    plain = Terminal(io.StringIO(), 80, colour=False)
    assert unified("a.kzr", "a\nb", "a\nc\n", plain).splitlines() == [
        "--- a/a.kzr",
        "+++ b/a.kzr",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "\\ No newline at end of file",
        "+c",
    ]
