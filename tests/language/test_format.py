import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import rule_files

from kzrules.language.format import format_file
from kzrules.language.parse import parse
from kzrules.language.parsing.lexer import lex

SHIPPED = sorted(Path(__file__).parents[2].glob("rules/**/*.kzr"))
ALLOWED = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def formatted(text: str) -> str:
    tree, findings = parse(text, "x.kzr")
    assert findings == []
    return format_file(tree)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@ALLOWED
@given(rule_files())
def test_a_tree_that_is_printed_and_read_again_is_the_same_tree(tree):
    text = format_file(tree)
    again, findings = parse(text, "random.kzr")
    assert findings == [], text
    assert again.declarations == tree.declarations, text
    assert format_file(again) == text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shipped_rules_mean_the_same_once_formatted(path):
    text = path.read_text("utf-8")
    tree = parse(text, "x.kzr")[0]
    printed = formatted(text)
    assert parse(printed, "x.kzr")[0].declarations == tree.declarations
    assert formatted(printed) == printed


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHIPPED), st.sets(st.floats(0, 0.999), min_size=1, max_size=6))
def test_no_comment_is_lost_wherever_it_stands(path, places):
    text = path.read_text("utf-8")
    tokens = lex(text)
    for at in sorted({int(place * len(tokens.kinds)) for place in places}, reverse=True):
        if tokens.kinds[at] in ("REGEX", "ROUTE_NAME"):
            continue
        text = f"{text[: tokens.starts[at]]} # note {at}\n{text[tokens.starts[at] :]}"
    wanted = sorted(re.findall(r"# note \d+", text))
    tree, findings = parse(text, "x.kzr")
    if findings:
        return  # a comment cut a thing that touches: a name and its field
    printed = format_file(tree)
    assert sorted(re.findall(r"# note \d+", printed)) == wanted
    assert formatted(printed) == printed


def test_comments_stay_where_they_stand():
    text = """# of the file

# of the table
table a { ttl: 1h }  # behind it

every 30s {  # behind the brace
    # before
    info("a")  # trailing

    # at the end
}
# last
"""
    assert formatted(text) == text


def test_blank_lines_become_one_and_none_at_the_edges():
    assert formatted('every 30s {\n\n\n    info("a")\n\n\n    info("b")\n\n}\n') == (
        'every 30s {\n    info("a")\n\n    info("b")\n}\n'
    )


def test_a_call_within_a_call_is_broken_in_one_way_only():
    entries = ", ".join(f'"field {n}": "a value of it"' for n in range(4))
    text = formatted(f"every 30s {{ info(text({{}} with {{ {entries} }})) }}")
    assert text.splitlines()[1] == "    info(text({} with {"
    assert formatted(text) == text


def test_parentheses_that_change_nothing_go_and_others_stay():
    assert formatted("every 30s { if ((a or b) and (c)) { done } }") == (
        "every 30s {\n    if (a or b) and c { done }\n}\n"
    )


def test_a_long_condition_is_broken_before_its_operators():
    long = " and ".join(f'.Field-{n} == "a value of it"' for n in range(5))
    text = formatted(f"event_route[kazoo:consumer-event] when {long} {{ done }}")
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\n        and .Field-4" in text or "\n    and .Field-4" in text
