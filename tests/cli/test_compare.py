from datetime import timedelta

import pytest

from kzrules.routing.compare import ANYTHING, Part, distance, matches, rows, shown, unstamped


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (Part({"a": 1}), {"a": 1, "b": 2}, True),
        (Part({"a": Part({"b": 1})}), {"a": {"b": 1, "c": 2}}, True),
        (Part({"a": {"b": 1}}), {"a": {"b": 1, "c": 2}}, False),
        (Part([2]), [1, 2], True),
        (Part([3]), [1, 2], False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        (ANYTHING, None, True),
        ({"a": ANYTHING}, {"a": 7}, True),
        (Part({"a": None}), {}, False),
        ({"a": 1}, [1], False),
    ],
)
def test_matching_changes_no_kinds_and_keeps_to_what_is_said(expected, actual, same):
    assert matches(expected, actual) is same
    assert (distance(expected, actual) == 0) is same


def test_rows_stand_beside_each_other_and_mark_what_differs():
    expected = {"State": "early", "To": {"user": "1001", "gone": 1}}
    actual = {"State": "late", "To": {"user": "1001"}, "New": [1]}
    differing = [
        (row.expected.strip(), row.actual.strip(), row.path) for row in rows(expected, actual) if not row.same
    ]
    assert differing == [
        ('"State": "early"', '"State": "late"', ".State"),
        ('"gone": 1', "", ".To.gone"),
        ("", '"New": [1]', ".New"),
    ]


def test_rows_of_a_part_do_not_mark_what_it_leaves_open():
    found = list(rows(Part({"a": 1}), {"a": 1, "b": 2, "c": 3}))
    assert all(row.same for row in found)
    assert found[-2].actual.strip() == "... 2 more"


def test_lists_are_compared_item_by_item():
    assert [row.path for row in rows([1, 2], [1, 3, 4]) if not row.same] == ["[1]", "[2]"]


def test_what_the_transport_adds_is_left_out_unless_it_is_asked_for():
    published = {"a": 1, "Msg-ID": "x", "Node": "n"}
    assert unstamped({"a": 1}, published) == {"a": 1}
    assert unstamped(Part({"Node": "n"}), published) == {"a": 1, "Node": "n"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"a": [1, "x"]}, '{ "a": [1, "x"] }'),
        ({}, "{}"),
        (Part({"a": 1}), 'has { "a": 1 }'),
        (timedelta(seconds=2), "2s"),
        (ANYTHING, "(anything)"),
    ],
)
def test_values_are_shown_as_a_rule_would_write_them(value, text):
    assert shown(value) == text
