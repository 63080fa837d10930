import unicodedata

from kzrules.language.findings.diagnostic import Diagnostic, Label, Severity
from kzrules.language.findings.render import concise, render
from kzrules.language.parse import parse
from kzrules.language.tree import Span


def drawn(text, width=80, *, colour=False):
    return render(parse(text, "x.kzr")[1], {"x.kzr": text}, width, colour)


def test_a_finding_shows_its_line_with_carets_and_the_way_out():
    assert drawn('every 30s {\n    if node = "a" { done }\n}\n') == (
        "error[KZ137]: `=` sets; `==` compares\n"
        " --> x.kzr:2:13\n"
        "  |\n"
        '2 |     if node = "a" { done }\n'
        "  |             ^\n"
        "  = help: write `==`"
    )


def test_carets_stand_under_what_they_mean_behind_tabs_and_wide_characters():
    rows = drawn('every 30s {\n\tlet x = "\u4e2d\u6587" && 1\n}\n').split("\n")
    source, carets = rows[3], rows[4]
    before = source[: source.index("&&")]
    cells = sum(2 if unicodedata.east_asian_width(char) == "W" else 1 for char in before)
    assert carets.index("^") == cells


def test_a_long_line_is_shown_around_the_mistake():
    text = "every 30s { info(" + ", ".join(["1"] * 100) + " && 2) }"
    rows = drawn(text).split("\n")
    assert all(len(row) <= 80 for row in rows)
    assert "&&" in rows[3]
    assert rows[3][rows[4].index("^") :].startswith("&&")


def test_further_places_are_shown_with_their_labels():
    first = Span("x.kzr", 1, 1, 1, 2)
    second = Span("x.kzr", 2, 1, 2, 2)
    finding = Diagnostic(
        "KZ206", Severity.ERROR, "m", second, labels=(Label(first, "the first one"),), note="n"
    )
    text = render([finding], {"x.kzr": "a\nb\n"}, 80)
    assert "1 | a\n  | ^ the first one" in text
    assert text.endswith("= note: n")


def test_colours_come_only_when_asked_for():
    text = "every 30s { exit }"
    assert "\x1b[" not in drawn(text)
    assert "\x1b[31;1merror[KZ131]\x1b[0m" in drawn(text, colour=True)


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    assert "\x1b" not in drawn("every 30s { info(1) \x1b[2J && }")


def test_the_concise_form_is_one_line_a_finding():
    findings = parse("every 30s { exit }", "x.kzr")[1]
    assert concise(findings) == (
        "x.kzr:1:13: error[KZ131] there is no `exit`: an event ends with `done`, `retry` or `reject`"
    )
