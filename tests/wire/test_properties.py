"""Properties are read as pika reads them (where pika is right), and repeated byte for byte."""

import contextlib
import math
import struct
from datetime import UTC, datetime
from decimal import Decimal

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import data as pika_data

from kzrules.errors import PayloadError, RuleFailure
from kzrules.wire import properties, tables
from kzrules.wire.properties import Properties, with_headers

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SHORT = TEXT
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SHORT, inner, max_size=4),
    max_leaves=15,
)
WHOLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SHORT, inner, max_size=4),
    max_leaves=15,
)  # without decimals, which pika cuts to integers
HEADERS = st.dictionaries(SHORT, VALUES, max_size=6)
PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "content_type": TEXT,
        "content_encoding": TEXT,
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 255),
        "correlation_id": TEXT,
        "reply_to": TEXT,
        "expiration": TEXT,
        "message_id": TEXT,
        "timestamp": st.integers(0, 2**63 - 1),
        "type": TEXT,
        "user_id": TEXT,
        "app_id": TEXT,
        "cluster_id": TEXT,
    },
)


def field(code, content):
    return b"\x01k" + code + content


def raw_with(table):
    return struct.pack(">H", 1 << 13) + struct.pack(">I", len(table)) + table


@given(PLAIN, HEADERS)
def test_what_is_encoded_is_decoded(plain, headers):
    found = Properties(properties.encode(headers=headers, **plain))
    assert found.as_object() == plain
    assert found.headers == headers


@given(PLAIN, st.dictionaries(SHORT, WHOLE, max_size=6))
def test_pika_reads_what_we_write(plain, headers):
    theirs = pika.BasicProperties()
    theirs.decode(properties.encode(headers=headers, **plain))
    assert {
        name: getattr(theirs, name)
        for name in properties.NAMES - {"headers"}
        if getattr(theirs, name) is not None
    } == plain
    assert (theirs.headers or {}) == headers


@given(
    PLAIN,
    st.dictionaries(SHORT, st.text("abc") | st.booleans() | st.integers(-(2**31), 2**31 - 1), max_size=5),
)
def test_we_read_what_pika_writes(plain, headers):
    raw = b"".join(pika.BasicProperties(headers=headers or None, **plain).encode())
    assert Properties(raw).as_object() == plain
    assert Properties(raw).headers == headers


@pytest.mark.parametrize(
    ("code", "content", "value"),
    [
        (b"t", b"\x01", True),
        (b"b", b"\xff", -1),
        (b"B", b"\xff", 255),
        (b"s", b"\xff\xfe", -2),
        (b"u", b"\xff\xfe", 65534),
        (b"I", b"\xff\xff\xff\xff", -1),
        (b"i", b"\xff\xff\xff\xff", 4294967295),
        (b"l", b"\xff" * 8, -1),
        (b"L", b"\x00" * 7 + b"\x05", 5),
        (b"T", b"\x00\x00\x00\x00\x65\x00\x00\x00", 0x65000000),
        (b"f", struct.pack(">f", 1.5), 1.5),
        (b"d", struct.pack(">d", 0.1), 0.1),
        (b"d", struct.pack(">d", math.nan), None),
        (b"f", struct.pack(">f", math.inf), None),
        (b"D", b"\x02" + struct.pack(">I", 314), 3.14),
        (b"D", b"\x00" + struct.pack(">I", 4294967295), 4294967295.0),
        (b"S", b"\x00\x00\x00\x02\xc3\xa9", "é"),
        (b"S", b"\x00\x00\x00\x01\xff", "\ufffd"),
        (b"x", b"\x00\x00\x00\x02\x00\xff", "AP8="),
        (b"V", b"", None),
        (b"A", b"\x00\x00\x00\x03t\x01V", [True, None]),
        (b"F", b"\x00\x00\x00\x04\x01kt\x00", {"k": False}),
    ],
)
def test_every_field_type_of_rabbitmq_is_read(code, content, value):
    found = Properties(raw_with(field(code, content))).headers
    assert found == {"k": value}
    assert type(found["k"]) is type(value)


@pytest.mark.parametrize("value", [2**40, -(2**40), "x", True, None, {"a": [1, {"b": "c"}]}])
def test_pikas_codec_agrees_on_what_it_can_read(value):
    table = tables.encode({"k": value})
    theirs, _ = pika_data.decode_table(struct.pack(">I", len(table)) + table, 0)
    assert theirs == tables.decode(table) == {"k": value}


def test_our_own_headers_may_hold_times_decimals_and_bytes():
    table = tables.encode(
        {"t": datetime(2026, 1, 2, tzinfo=UTC), "d": Decimal("1.25"), "n": Decimal("-1.5"), "x": b"\0"}
    )
    assert tables.decode(table) == {"t": 1767312000, "d": 1.25, "n": -1.5, "x": "AA=="}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "cut off"),
        (b"\x80", "cut off"),
        (b"\x80\x00", "cut off"),
        (b"\x80\x00\x05ab", "cut off"),
        (b"\x20\x00\x00\x00", "cut off"),
        (b"\x00\x01", "unknown flags 0x0001"),
        (raw_with(field(b"Z", b"")), "no field type 'Z'"),
        (raw_with(field(b"S", b"\x00\x00\x00\x09ab")), "beyond its table"),
        (raw_with(field(b"I", b"\x00")), "beyond its table"),
        (raw_with(b"\x09k"), "beyond its table"),
        (raw_with(field(b"A", b"\x00\x00\x00\x02I\x00")), "within a value"),
    ],
)
def test_broken_bytes_are_named(raw, says):
    with pytest.raises(PayloadError, match=says):
        assert Properties(raw).headers


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_but_their_own_name(raw):
    found = Properties(raw)
    with contextlib.suppress(PayloadError):
        assert isinstance(found.headers, dict)
    with contextlib.suppress(PayloadError):
        assert isinstance(found.as_object(), dict)


def test_tables_within_tables_have_a_limit():
    table = b""
    for _ in range(3000):
        table = field(b"F", struct.pack(">I", len(table)) + table)
    with pytest.raises(PayloadError, match="64 deep"):
        assert Properties(raw_with(table)).headers
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(RuleFailure, match="64 deep"):
        properties.encode(headers={"k": deep})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"message_id": "x" * 256}, "message_id has 256 bytes"),
        ({"message_id": "\ud800"}, "half a character"),
        ({"message_id": 5}, "message_id is text"),
        ({"priority": 300}, "priority cannot be 300"),
        ({"nonsense": "x"}, "no message property 'nonsense'"),
        ({"headers": {"k": 2**64}}, "more than 64 bits"),
        ({"headers": {"k": "\ud800"}}, "half a character"),
        ({"headers": {"k" * 256: 1}}, "256 bytes"),
        ({"headers": {"\ud800": 1}}, "half a character"),
        ({"headers": {"k": object()}}, "no type for"),
    ],
)
def test_what_amqp_cannot_carry_is_a_failure_that_says_so(values, says):
    with pytest.raises(RuleFailure, match=says):
        properties.encode(**values)


@given(TEXT, st.booleans())
def test_the_fast_path_writes_what_the_slow_one_writes(name, persistent):
    slow = properties.encode(
        content_type="application/json", delivery_mode=2 if persistent else 1, message_id=name
    )
    assert properties.published(name, persistent=persistent) == slow


@pytest.mark.parametrize("name", ["x" * 256, "\ud800"])
def test_the_fast_path_names_a_bad_id_too(name):
    with pytest.raises(RuleFailure, match="message_id"):
        properties.published(name)


@given(PLAIN, HEADERS, st.dictionaries(SHORT, VALUES, max_size=3))
def test_headers_are_added_and_everything_else_stays(plain, headers, extra):
    before = properties.encode(headers=headers, **plain)
    after = Properties(with_headers(before, extra))
    assert after.headers == {**headers, **extra}
    assert {name: span for name, span in after.spans.items() if name != "headers"} == {
        name: span for name, span in Properties(before).spans.items() if name != "headers"
    }


def test_a_decimal_header_of_the_sender_survives_byte_for_byte():
    decimal = field(b"D", b"\x02" + struct.pack(">I", 314))
    assert with_headers(raw_with(decimal), {}) == raw_with(decimal)
    assert decimal in with_headers(raw_with(decimal), {"x-ours": 1})


def test_headers_can_be_left_out_and_renamed_and_properties_dropped():
    raw = properties.encode(
        headers={"CC": ["a"], "keep": 1, "old": 2}, user_id="guest", expiration="500", app_id="x"
    )
    after = Properties(
        with_headers(
            raw, {"n": 1}, without={"old"}, renamed={"CC": "x-cc"}, dropped={"user_id", "expiration"}
        )
    )
    assert after.headers == {"x-cc": ["a"], "keep": 1, "n": 1}
    assert after.as_object() == {"app_id": "x"}


def test_no_headers_at_all_leave_no_table():
    raw = properties.encode(headers={"only": 1}, app_id="x")
    assert with_headers(raw, {}, without={"only"}) == properties.encode(app_id="x")


@pytest.mark.parametrize("name", ["", "m-1", "é" * 40, "x" * 255])
def test_the_message_id_is_found_whoever_wrote_the_properties(name):
    for raw in (
        properties.published(name),
        properties.published(name, persistent=False),
        properties.encode({"a": 1}, content_type=properties.JSON_TYPE, delivery_mode=2, message_id=name),
        properties.encode(content_type="text/plain", delivery_mode=2, message_id=name),
        properties.encode(content_type=properties.JSON_TYPE, delivery_mode=2, message_id=name, app_id="x"),
    ):
        assert name == properties.message_id(raw) == Properties(raw).get("message_id")
    assert properties.message_id(properties.encode(app_id="x")) is None


@pytest.mark.parametrize("name", ["m-1", "é" * 40, "x" * 255])
def test_the_properties_of_a_question_are_what_they_are_one_by_one(name):
    raw = properties.asked(name, "replies", 1.5)
    assert raw == properties.encode(
        content_type=properties.JSON_TYPE,
        delivery_mode=properties.TRANSIENT,
        correlation_id=name,
        reply_to="replies",
        expiration="1500",
        message_id=name,
    )
    assert name == properties.message_id(raw)


def test_a_question_s_id_that_amqp_cannot_hold_is_refused():
    with pytest.raises(RuleFailure, match=r"message_id|correlation_id"):
        properties.asked("x" * 256, "replies", 1.0)
