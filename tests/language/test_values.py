"""What values mean: equality, order, arithmetic, text, places."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.language import values

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0, False),
        (0.0, False, False),
        ("1", 1, False),
        (None, None, True),
        (None, False, False),
        (None, 0, False),
        ([1, True], [1.0, True], True),
        ([1], [True], False),
        ({"a": 1, "b": [{}]}, {"b": [{}], "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": None}, {"b": None}, False),
        ([], {}, False),
        ([1], [1, 2], False),
        (SECOND, timedelta(milliseconds=1000), True),
        (SECOND, 1, False),
        (2**70, float(2**70), True),
    ],
)
def test_equality_changes_no_kind_at_any_depth(left, right, same):
    assert same is values.equal(left, right)
    assert same is values.equal(right, left)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5]) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=6,
)


@given(JSON, JSON)
def test_keys_are_equal_exactly_where_values_are(left, right):
    try:
        one, other = values.hashable(left), values.hashable(right)
    except RuleFailure:
        return
    assert values.equal(left, right) is (one == other)


@pytest.mark.parametrize("operator", ["less", "less_or_equal", "greater", "greater_or_equal"])
@pytest.mark.parametrize(("left", "right"), [(1, "1"), (None, 1), (True, 0), ([1], [0]), (SECOND, 1)])
def test_order_needs_two_numbers_or_two_texts(operator, left, right):
    with pytest.raises(RuleFailure, match="needs two numbers or two texts"):
        getattr(values, operator)(left, right)


def test_numbers_texts_and_durations_have_an_order():
    assert values.less(1, 1.5)
    assert values.less("a", "b")
    assert values.less(SECOND, 2 * SECOND)
    assert values.greater_or_equal(2, 2.0)


@pytest.mark.parametrize(
    ("operation", "left", "right", "result"),
    [
        ("add", 1, 2, 3),
        ("add", 1, 2.5, 3.5),
        ("divide", 6, 2, 3),
        ("divide", 7, 2, 3.5),
        ("remainder", 7, 3, 1),
        ("multiply", SECOND, 90, 90 * SECOND),
        ("multiply", 2, SECOND, 2 * SECOND),
        ("divide", 90 * SECOND, SECOND, 90.0),
        ("subtract", 2 * SECOND, SECOND, SECOND),
    ],
)
def test_arithmetic(operation, left, right, result):
    got = getattr(values, operation)(left, right)
    assert result == got
    assert type(result) is type(got)


@pytest.mark.parametrize(
    ("operation", "left", "right", "why"),
    [
        ("add", "a", "b", "text is put together in a template"),
        ("add", True, 1, "a truth value"),
        ("add", None, 1, "null and an integer"),
        ("divide", 1, 0, "`/` by zero"),
        ("remainder", 1.5, 0, "`%` by zero"),
        ("multiply", 10**4000, 10**4000, "more than 4300 digits"),
        ("multiply", 1e308, 1e308, "too large"),
        ("divide", 10**400, 3, "too large"),
        ("multiply", SECOND, 10**20, "too large"),
        ("multiply", SECOND, SECOND, "needs two numbers"),
    ],
)
def test_arithmetic_that_cannot_be_done_says_why(operation, left, right, why):
    with pytest.raises(RuleFailure, match=why):
        getattr(values, operation)(left, right)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (10, "10"),
        (1.5, "1.5"),
        ("x", "x"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ([], "[]"),
        (SECOND, "1s"),
        (90 * SECOND, "90s"),
        (300 * SECOND, "5m"),
        (timedelta(days=7), "7d"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(), "0s"),
        (-SECOND, "-1s"),
    ],
)
def test_text_of_a_value(value, text):
    assert text == values.text(value)


def test_an_integer_too_long_to_write_is_a_failure():
    with pytest.raises(RuleFailure, match="4300 digits"):
        values.text(10**4300)


@pytest.mark.parametrize(
    ("base", "key", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": 1}, "b", None),
        ({"1": 1}, 1, None),
        ([5, 6], 1, 6),
        ([5, 6], 2, None),
        ([5, 6], -1, None),
        ([5, 6], True, None),
        ([5, 6], "0", None),
        ("text", 0, None),
        (None, "a", None),
    ],
)
def test_a_place_that_is_not_there_is_null(base, key, value):
    assert value == values.place(base, key)


@pytest.mark.parametrize(("value", "holds"), [(True, True), (False, False), (None, False)])
def test_null_is_no_true_condition(value, holds):
    assert holds is values.truth(value)


@pytest.mark.parametrize("value", ["", "x", 0, 1, [], {}])
def test_other_kinds_are_no_condition(value):
    with pytest.raises(RuleFailure, match="a condition is true or false"):
        values.truth(value)
