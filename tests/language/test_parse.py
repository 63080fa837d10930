import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.language import tree as t
from kzrules.language.parse import parse
from kzrules.language.parsing.lexer import lex

SHIPPED = sorted(Path(__file__).parents[2].glob("rules/**/*.kzr"))


def codes(text):
    return [(finding.code, finding.span.line) for finding in parse(text, "x.kzr")[1]]


def statements(text):
    tree, findings = parse(f"every 1s {{ {text} }}", "x.kzr")
    assert findings == []
    return tree.declarations[0].body.statements


def value(text):
    tree, findings = parse(f"setting x = {text}", "x.kzr")
    assert findings == []
    return tree.declarations[0].value


def test_seven_mistakes_are_seven_findings():
    text = """setting lamps =
subscribe dialogs {
    exchange "presence" { type = topic }
    prefetch 500
}
event_route[kazoo:consumer-event-a] when .State = "early" {
    let match = 5
    for v of .List { info(v) }
    let ok = 1
    .From = "x"
}
"""
    assert codes(text) == [
        ("KZ101", 1), ("KZ137", 3), ("KZ101", 4), ("KZ137", 6), ("KZ111", 7), ("KZ147", 8), ("KZ117", 10),
    ]  # fmt: skip


def test_what_stands_behind_a_mistake_is_read():
    tree, findings = parse("every 1s { let 5 = 1\n info(1) }\nsetting a = 1", "x.kzr")
    assert len(findings) == 1
    timer, setting = tree.declarations
    assert [type(one) for one in timer.body.statements] == [t.Do]
    assert setting.name == "a"


def test_a_file_full_of_kamailio_gives_no_finding_without_its_own_code():
    text = """event_route[kazoo:consumer-event-presence-update] {
    $var(JObj) = $kzE;
    $var(call) = $(kzE{kz.json,Call-ID});
    xlog("L_INFO", "|$(kzE{kz.json,From})|log|received\\n");
    if ($(kzE{kz.json,State}) == $null || $(kzE{kz.json,From}) =~ "^sip:") {
        exit;
    }
    if (!$var(x) && $sht(watchers=>$kzE) > 0) {
        kazoo_publish("dialoginfo", "BLF.a", $var(JObj));
        route(SEND_IT);
    }
}
"""
    found = {code for code, _line in codes(text)}
    assert found == {
        "KZ120", "KZ121", "KZ122", "KZ123", "KZ124", "KZ125", "KZ126", "KZ127", "KZ129", "KZ130", "KZ131",
        "KZ132", "KZ133", "KZ143",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("if $(kzE{kz.json,State}) == $null { done }", "if .State == null { done }"),
        ("if .a && .b || .c { done }", "if .a and .b or .c { done }"),
        ('if .From =~ "^sip:" { done }', "if .From matches /^sip:/ { done }"),
        ("if .a { done } elseif .b { done }", "if .a { done } else if .b { done }"),
        ("info('a')", 'info("a")'),
        ("send_it()", "send_it()"),
        ("$var(a) = 1 $var(a) = 2", "let a = 1 a = 2"),
        ('kazoo_publish("a", "b", $kzE)', 'publish("a", "b", payload)'),
        ('publish("a" "b", { State: 1 })', 'publish("a", "b", { "State": 1 })'),
    ],
)
def test_what_fingers_typed_is_taken_for_what_was_meant(written, meant):
    typed = parse(f"every 1s {{ {written} }}", "x.kzr")[0]
    assert typed.declarations[0].body.statements == statements(meant)


@pytest.mark.parametrize(
    "written",
    ["if .a && .b { done }", "exit", "info('a')", "info(1);", "// note\ninfo(1)", "if node = 1 { done }"],
)
def test_a_safe_fix_gives_rules_without_findings(written):
    text = f"every 1s {{ {written} }}"
    (finding,) = parse(text, "x.kzr")[1]
    assert finding.fix is not None
    assert finding.fix.safe
    lines = text.split("\n")
    for edit in sorted(finding.fix.edits, key=lambda one: one.span.column, reverse=True):
        line = lines[edit.span.line - 1]
        lines[edit.span.line - 1] = (
            line[: edit.span.column - 1] + edit.text + line[edit.span.end_column - 1 :]
        )
    assert codes("\n".join(lines)) == []


def test_a_forgotten_brace_is_told_where_it_was_forgotten():
    text = 'every 1s {\n    if node == "a" {\n        info("a")\n}\nsetting a = 1\n'
    assert codes(text) == [("KZ102", 2)]


def test_a_forgotten_brace_does_not_swallow_the_next_declaration():
    tree, findings = parse("every 1s {\n    info(1)\n\nsetting a = 1\n", "x.kzr")
    assert [finding.code for finding in findings] == ["KZ102"]
    assert [type(one) for one in tree.declarations] == [t.Every, t.Setting]


def test_operators_bind_as_the_language_says():
    assert value("a or b and not c == d ?? e + f * -g") == value(
        "(a or (b and (not (c == (d ?? (e + (f * (-g))))))))"
    )
    assert value("a + b * c") == value("a + (b * c)")
    assert value("a ?? b + c") == value("a ?? (b + c)")
    assert value("not a == b") == value("not (a == b)")
    assert value("a with {} ?? c") == value("(a with {}) ?? c")


def test_a_hyphen_is_part_of_a_field_and_a_minus_between_blanks():
    assert value(".Event-Name") == t.Field(base=None, name="Event-Name", span=None)
    assert isinstance(value(".Event - 1"), t.Binary)


def test_the_dot_of_a_further_field_touches_its_value():
    assert value(".a.b") == t.Field(base=value(".a"), name="b", span=None)
    assert codes("every 1s { info(a .b) }") != []


def test_braces_hold_expressions_with_spans_in_the_file():
    tree, findings = parse('every 1s {\n    info("{.From} is {x ?? "away"}, {{ }}")\n}', "x.kzr")
    assert findings == []
    template = tree.declarations[0].body.statements[0].call.arguments[0].value
    assert [part if isinstance(part, str) else type(part).__name__ for part in template.parts] == [
        "Field", " is ", "Binary", ", { }",
    ]  # fmt: skip
    assert template.parts[2].span == t.Span("x.kzr", 2, 23, 2, 34)


def test_numbers_and_durations_are_read_exactly():
    assert value("100_000").value == 100_000
    assert value("1.5e3").value == 1500.0
    assert value("1" * 4300).value == int("1" * 4300)
    assert codes(f"setting x = {'1' * 4301}") == [("KZ108", 1)]
    assert [value(text).milliseconds for text in ("500ms", "2s", "5m", "1h", "7d", "1.5s")] == [
        500, 2000, 300_000, 3_600_000, 604_800_000, 1500,
    ]  # fmt: skip


def test_escapes_are_jsons():
    assert value(r'"\u0041\n\"\\\ud83d\ude00"').value == 'A\n"\\\U0001f600'
    assert codes(r'setting x = "\ud83d"') == [("KZ106", 1)]


def test_byte_order_marks_line_ends_of_windows_and_tabs_are_fine():
    assert codes("\ufeffsetting x = 1\r\n\r\n# note\r\nevery 1s {\r\n\tinfo(1)\r\n}\r\n") == []


def test_silences_are_read():
    tree, findings = parse(
        "# kz: ignore[KZ402, KZ403] until 2027-01-31: the sender is mended\nsetting x = 1\n", "x.kzr"
    )
    assert findings == []
    (silence,) = tree.silences
    assert (silence.codes, silence.until, silence.reason) == (
        ("KZ402", "KZ403"),
        "2027-01-31",
        "the sender is mended",
    )
    assert codes("# kz: ignore KZ402\n") == [("KZ904", 1)]


@pytest.mark.parametrize(
    "text",
    ["(" * 5000, "[" * 3000 + "]" * 3000, "not " * 5000, "a or " * 5000 + "a", "- " * 3000 + "1", "a.b" * 2],
)
def test_deep_nesting_is_a_finding(text):
    assert len(codes(f"setting x = {text}")) == (0 if text == "a.ba.b" else 1)


@pytest.mark.parametrize(
    "piece",
    ["{", "}", '"', "/*", "$(", "route[", "exit ", "let ", "a=", "((a", "#!x\n", "'", "if a {", '"{', "=~/["],
)
def test_long_nonsense_takes_little_time(piece):
    started = time.process_time()
    parse(piece * 3000, "x.kzr")
    assert time.process_time() - started < 10


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHIPPED), st.data())
def test_broken_rules_give_findings_and_never_an_exception(path, data):
    text = path.read_text("utf-8")
    tokens = lex(text)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(tokens.kinds) - 2))
        start, end = tokens.starts[at], tokens.ends[at]
        change = data.draw(st.sampled_from(["drop", "twice", "swap", "cut", "char"]))
        if change == "drop":
            text = text[:start] + text[end:]
        elif change == "twice":
            text = text[:end] + " " + text[start:end] + text[end:]
        elif change == "swap":
            text = text[:start] + text[tokens.starts[at + 1] : tokens.ends[at + 1]] + text[start:]
        elif change == "cut":
            text = text[:start]
        else:
            text = text[:start] + data.draw(st.characters(codec="utf-8")) + text[start + 1 :]
    tree, findings = parse(text, "x.kzr")
    assert isinstance(tree, t.RuleFile)
    for finding in findings:
        assert finding.message
        assert 1 <= finding.span.line <= text.count("\n") + 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_parsed_without_an_exception(text):
    tree, _findings = parse(text, "x.kzr")
    assert tree.path == "x.kzr"
