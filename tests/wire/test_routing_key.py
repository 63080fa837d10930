"""Routing keys are encoded as the kazoo module encodes them, and never grow beyond what AMQP takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzrules.errors import RuleFailure
from kzrules.wire.routing_key import MAX_BYTES, checked_key, encode_segment, join_segments


@pytest.mark.parametrize(
    ("plain", "encoded"),
    [
        ("azAZ09-~_", "azAZ09-~_"),
        ("a.b", "a%2Eb"),
        ("a b", "a+b"),
        ("#", "#"),
        ("*", "*"),
        ("##", "%23%23"),
        ("#.*", "%23%2E%2A"),
        ("a+b", "a%2Bb"),
        ("a%b", "a%25b"),
        ("sip:100@x.com", "sip%3A100%40x%2Ecom"),
        ("a/b", "a%2Fb"),
        ("(x)!", "%28x%29%21"),
        ("\"'", "%22%27"),
        ("\t\n\x7f", "%09%0A%7F"),
        ("\x00", "%00"),
        ("", ""),
        ("é", "%C3%A9"),
        ("日", "%E6%97%A5"),
        ("a😀.", "a%F0%9F%98%80%2E"),
    ],
)
def test_a_segment_is_encoded_by_the_modules_table(plain, encoded):
    assert encode_segment(plain) == encoded


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text not in {"#", "*"}))
def test_an_encoded_segment_never_parts_or_widens_a_key(text):
    assert not set(encode_segment(text)) & set(".#* ")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(min_size=1))
def test_two_texts_never_share_an_encoding(one, other):
    if one != other and other.isprintable():
        assert encode_segment(one) != encode_segment(other)


def test_segments_are_joined_with_dots():
    assert join_segments(["dialog", "acme.com", "*"]) == "dialog.acme%2Ecom.*"


def test_numbers_and_truth_values_are_written_as_in_json():
    assert join_segments([5, True, 1.5]) == "5.true.1%2E5"


@pytest.mark.parametrize(
    ("segments", "says"),
    [
        (["a", None], "segment 2 of the routing key is missing"),
        (["", "a"], "segment 1 of the routing key is empty"),
        ([["a"]], "segment 1 of the routing key is no text but a list"),
        ([{}], "is no text but an object"),
    ],
)
def test_a_segment_that_is_nothing_is_a_failure_that_says_which(segments, says):
    with pytest.raises(RuleFailure, match=says):
        join_segments(segments)


def test_a_key_of_255_bytes_passes_and_one_more_does_not():
    assert checked_key("a" * MAX_BYTES) == "a" * MAX_BYTES
    with pytest.raises(RuleFailure, match="256 bytes"):
        checked_key("a" * 256)


def test_the_limit_counts_bytes_not_characters():
    with pytest.raises(RuleFailure, match="256 bytes"):
        checked_key("é" * 128)


@pytest.mark.parametrize("text", ["\ud800", "a" * 300 + "\udfff"])
def test_half_a_character_is_named_not_raised_from_the_codec(text):
    with pytest.raises(RuleFailure, match="half a character"):
        encode_segment(text)
    with pytest.raises(RuleFailure, match="half a character"):
        checked_key(text)
