"""JSON in and out, where orjson and the standard library disagree."""

import json
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kzrules.errors import PayloadError, RuleFailure
from kzrules.message.lenient import loads_lenient
from kzrules.message.payload import (
    MAX_DEPTH,
    MAX_VALUES,
    Stamp,
    dumps,
    encode,
    loads,
    plain_server_id,
    spaced,
    without_transport,
)

STAMP = Stamp("kzrules", "1.0", "kzrules@host", "kzrules@host-<1>-targeted-0")


@pytest.mark.parametrize(
    "number",
    [2**64, -(2**70), 10**18, 10**19, 12345678901234567890123, 2**63, 10**4299, -(10**4299)],
    ids=lambda number: f"{number.bit_length()} bits",
)
def test_an_integer_of_any_size_is_exact_in_and_out(number):
    body = b'{"n":%d}' % number
    assert {"n": number} == loads(body)
    assert body == dumps(loads(body))


def test_a_duplicate_keys_last_value_counts_in_both_readers():
    assert {"a": 2} == loads(b'{"a":1,"a":2}')
    assert {"a": 12345678901234567890} == loads(b'{"a":1,"a":12345678901234567890}')


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the payload is empty"),
        (b"   ", "the payload is empty"),
        (b"{", "line 1, column"),
        (b'{"a": }', "line 1, column"),
        (b'{"a":1} x', "line 1, column"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":NaN,"b":12345678901234567890}', "NaN is no number"),
        (b'{"a":Infinity,"b":12345678901234567890}', "Infinity is no number"),
        (b'{"a":1e999}', "not JSON"),
        (b'{"a":1e999,"b":12345678901234567890}', "too large"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b'{"a":"\\ud800","b":12345678901234567890}', "surrogate"),
        (b'{"a":"\xff"}', "not JSON"),
        (b'{"a":"\xff","b":12345678901234567890}', "byte 6 is no UTF-8"),
        (b'{"a":' + b"1" * 4301 + b"}", "4301 digits"),
        (b"[1]", "a list, not an object"),
        (b"null", "null, not an object"),
        (b"1", "a number, not an object"),
        (b'"x"', "a text, not an object"),
        (b"true", "a truth value, not an object"),
        (b'{"a":' * 250 + b"1" + b"}" * 250, "deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"n":12345678901234567890,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
    ],
)
def test_what_is_no_object_of_json_is_refused_with_the_reason(body, why):
    with pytest.raises(PayloadError, match=why):
        loads(body)


def test_a_payload_at_the_depth_limit_is_read_and_written():
    body = b'{"a":' * (MAX_DEPTH - 1) + b"[]" + b"}" * (MAX_DEPTH - 1)
    assert body == dumps(loads(body))


def test_a_payload_over_the_size_is_refused():
    with pytest.raises(PayloadError, match="has 9 bytes, more than the 8"):
        loads(b'{"a":100}', 8)


def test_as_many_values_as_may_be_are_read_and_one_more_is_not():
    fields = ",".join(f'"{number}":1' for number in range(MAX_VALUES))
    assert MAX_VALUES == len(loads(f"{{{fields}}}".encode()))
    with pytest.raises(PayloadError, match="holds more than 200000 values"):
        loads(f'{{{fields},"more":[]}}'.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"[]," * 5_000_000 + b"[]]}",
        b'{"a":' + (b"[" * 190 + b"]" * 190 + b",") * 40_000 + b"1}",
        b"{" + b'"",' * 5_000_000 + b"}",
        b'"' * 16_000_000,
    ],
    ids=["lists", "nested", "texts", "quotes"],
)
def test_a_body_of_millions_of_values_is_refused_before_they_are_made(body):
    began = time.monotonic()
    with pytest.raises(PayloadError, match=r"values|not JSON: unexpected content"):
        loads(body)
    assert time.monotonic() - began < 5


def test_commas_and_brackets_within_texts_are_no_values():
    body = b'{"a":"' + b'[{,\\",\\\\' * 300_000 + b'","b":["x,y"]}'
    assert ["x,y"] == loads(body)["b"]


@pytest.mark.parametrize(
    ("body", "readable"),
    [
        (b"{'a':'" + b"x" * 1_000_000 + b"'}", True),
        (b"{'a':'" + b"\\n" * 500_000 + b"'}", True),
        (b"{'a':'" + b"x" * 15_000_000 + b"'}", False),
        (b"{'a':" + b"[" * 1_000_000, False),
        (b"{'a':'" + b"x" * 1_000_000, False),
        (b"{" + b"/**/" * 250_000 + b"'a':1}", True),
    ],
    ids=["text", "escapes", "too large", "open lists", "open text", "comments"],
)
def test_the_lenient_reader_is_as_bounded_in_time(body, readable):
    began = time.monotonic()
    if readable:
        assert ["a"] == list(loads_lenient(body))
    else:
        with pytest.raises(PayloadError):
            loads_lenient(body)
    assert time.monotonic() - began < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), JSON))
def test_what_is_written_reads_the_same(value):
    body = dumps(value)
    assert value == loads(body)
    assert value == json.loads(body)


@given(st.binary())
def test_no_bytes_raise_anything_but_a_payload_error(body):
    for read in (loads, loads_lenient):
        try:
            value = read(body)
        except PayloadError:
            continue
        assert isinstance(value, dict)


def test_a_half_character_never_goes_out():
    assert b'"?"' == dumps("\ud800")


def test_a_value_that_would_fill_the_machine_is_refused_before_it_is_written():
    value = ["x" * 1000]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(RuleFailure, match="more than 16 MiB"):
        dumps(value)


def test_a_duration_is_no_value_of_json():
    with pytest.raises(RuleFailure, match="a duration is no value of JSON"):
        dumps({"a": timedelta(seconds=1)})


def test_a_body_gets_what_the_bus_expects_where_it_is_absent_or_null():
    made = json.loads(encode({"A": 1, "Node": None, "App-Name": "mine"}, STAMP, "m1"))
    expected = {
        "A": 1,
        "Node": "kzrules@host",
        "App-Name": "mine",
        "App-Version": "1.0",
        "Msg-ID": "m1",
        "Server-ID": STAMP.server_id,
    }
    assert expected == made


def test_fields_of_the_arrival_never_go_out():
    made = json.loads(encode({"AMQP-Received": 1, "AMQP-X": 2, "Server-ID": "consumer://3/a@b"}, STAMP, "m"))
    assert "a@b" == made["Server-ID"]
    assert not [name for name in made if name.startswith("AMQP-")]


def test_every_prefix_of_a_server_id_is_taken_off():
    assert "a/b" == plain_server_id("consumer://1/consumer://22/a/b")


def test_the_payload_is_what_the_sender_meant():
    received = {"A": 1, "Msg-ID": "m", "Server-ID": "s", "AMQP-Received": 1, "Node": "n", "App-Name": "x"}
    assert {"A": 1} == without_transport(received)


def test_spaced_json_is_as_json_c_writes_it():
    assert '{ "a": 1, "b": [ 1, "x\\/y" ], "h": { }, "l": [ ] }' == spaced(
        {"a": 1, "b": [1, "x/y"], "h": {}, "l": []}
    )


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{'a': 'it\\'s \"x\"'}", {"a": 'it\'s "x"'}),
        (b'{"a": 1,}', {"a": 1}),
        (b'{"a": [1, 2, ], /* x */ "b": NaN} rest', {"a": [1, 2], "b": None}),
        (b'{"a": True, "b": 01}', {"a": True, "b": 1}),
    ],
)
def test_the_lenient_reader_takes_what_json_c_takes(body, value):
    with pytest.raises(PayloadError):
        loads(body)
    assert value == loads_lenient(body)


def test_the_lenient_reader_refuses_what_is_cut_off():
    with pytest.raises(PayloadError):
        loads_lenient(b'{"a": [1, 2')
