import pytest
from hypothesis import given
from hypothesis import strategies as st

from kzrules.message.delivery import Delivery, Source
from kzrules.wire import retries
from kzrules.wire.properties import Properties, encode, with_headers

SOURCE = Source("dialogs", "presence", "local", 1, 7)
DEATH = retries.Death("2026-11-23T10:00:00Z", "boom", "error", 2, "dialogs", "presence", "local", "a.kzr:3")


def delivered(properties=b"\0\0", exchange="callevt", key="dialog.a", body=b"{}"):
    return Delivery(SOURCE, 1, False, exchange, key, properties, body)


def through_delay_queue(delivery):
    """What RabbitMQ writes into a message that ran out of time in a delay queue."""
    death = {"x-death": [{"queue": "presence.delay", "reason": "expired", "count": 1}]}
    first = {"x-first-death-queue": "presence.delay", "x-first-death-reason": "expired"}
    return delivery._replace(properties=with_headers(delivery.properties, {**death, **first}))


def test_a_fresh_delivery_is_its_own_origin():
    delivery = delivered()
    assert retries.origin(delivery) == retries.Origin("callevt", "dialog.a", 1, None, 0)
    assert not retries.origin(delivery).exempt


def test_a_retry_comes_by_the_default_exchange_and_remembers_where_from():
    again = retries.retried(delivered(), 2, "id-1")
    assert (again.exchange, again.routing_key) == ("", "presence")
    assert retries.origin(again) == retries.Origin("callevt", "dialog.a", 2, "id-1", 0)
    assert retries.origin(again).exempt


def test_a_second_retry_keeps_the_first_origin_and_id():
    again = retries.retried(through_delay_queue(retries.retried(delivered(), 2, "id-1")), 3)
    assert retries.origin(again) == retries.Origin("callevt", "dialog.a", 3, "id-1", 0)


def test_headers_like_ours_on_a_message_of_the_bus_are_not_believed():
    forged = delivered(encode({retries.ATTEMPT: 9, retries.EXCHANGE: "elsewhere"}))
    assert retries.origin(forged) == retries.Origin("callevt", "dialog.a")


@pytest.mark.parametrize("attempt", [-1, "2", None, 10**9, True])
def test_a_count_that_is_none_is_taken_as_the_first(attempt):
    delivery = delivered(encode({retries.ATTEMPT: attempt}), exchange="", key="presence")
    assert retries.origin(delivery).attempt == 1


def test_properties_that_cannot_be_read_still_give_a_retry_and_a_dead_letter():
    broken = delivered(b"\xff\xff\x01")
    assert retries.origin(retries.retried(broken, 2)).exchange == "callevt"
    assert Properties(retries.dead(broken, DEATH)).headers[retries.WHY] == "boom"


def test_what_the_broker_would_act_upon_again_waits_in_headers_of_ours():
    original = delivered(encode({"CC": ["other"], "BCC": ["secret"]}, expiration="500", user_id="alice"))
    for properties in (retries.retried(original, 2).properties, retries.dead(original, DEATH)):
        copy = Properties(properties)
        assert copy.get("expiration") is None
        assert copy.get("user_id") is None
        assert not {"CC", "BCC"} & copy.headers.keys()
        assert copy.headers["x-kzrules-expiration"] == "500"
        assert copy.headers["x-kzrules-user-id"] == "alice"


NAMES = st.sampled_from(["a", "x-death", "CC", "x-first-death-queue", "trace"])
HEADERS = st.dictionaries(NAMES, st.text(max_size=5) | st.integers(-5, 5), max_size=4)
TEXT = st.none() | st.text(min_size=1, max_size=5)


@given(HEADERS, TEXT, TEXT, TEXT, st.integers(1, 3))
def test_however_often_it_is_retried_the_original_is_shown(headers, expiration, user, message_id, times):
    raw = encode(headers, expiration=expiration, user_id=user, message_id=message_id, delivery_mode=1)
    delivery = delivered(raw)
    for attempt in range(2, 2 + times):
        delivery = through_delay_queue(retries.retried(delivery, attempt, "id"))
    shown = Properties(retries.original_properties(delivery))
    assert shown.headers == headers
    assert shown.as_object() == Properties(raw).as_object()


@given(HEADERS, TEXT, st.integers(0, 2))
def test_a_replayed_dead_letter_shows_the_original(headers, expiration, times):
    raw = encode(headers, expiration=expiration)
    delivery = delivered(raw)
    for attempt in range(2, 2 + times):
        delivery = through_delay_queue(retries.retried(delivery, attempt))
    dead = delivered(retries.dead(delivery, DEATH), exchange="", key="presence.dead")
    again = delivered(retries.replayed(dead, retries.read_dead(dead)), exchange="", key="presence")
    assert retries.origin(again) == retries.Origin("callevt", "dialog.a", 1, None, 1)
    assert retries.origin(again).exempt
    shown = Properties(retries.original_properties(again))
    assert shown.headers == headers
    assert shown.as_object() == Properties(raw).as_object()


def test_a_dead_letter_tells_when_where_why_and_how_often():
    dead = delivered(retries.dead(retries.retried(delivered(), 2), DEATH), exchange="", key="presence.dead")
    letter = retries.read_dead(dead)
    assert letter == retries.DeadLetter("presence", retries.Origin("callevt", "dialog.a"), DEATH)


def test_a_dead_letter_keeps_the_deaths_that_the_original_brought():
    original = delivered(encode({"x-death": [{"queue": "earlier"}]}))
    dead = Properties(retries.dead(through_delay_queue(retries.retried(original, 2)), DEATH))
    assert dead.headers["x-death"] == [{"queue": "earlier"}]


def test_a_long_reason_is_cut():
    death = retries.Death("t", "x" * 5_000, "rule", 1, "s", "q", "z")
    assert len(Properties(retries.dead(delivered(), death)).headers[retries.WHY]) == 1_000


def test_a_dead_letter_of_the_brokers_own_making_goes_back_to_its_queue():
    raw = encode({"x-death": [{"queue": "presence", "exchange": "callevt", "routing-keys": ["dialog.a"]}]})
    dead = delivered(raw, exchange="dlx", key="whatever")
    letter = retries.read_dead(dead)
    assert letter == retries.DeadLetter("presence", retries.Origin("callevt", "dialog.a"), None)
    again = Properties(retries.replayed(dead, letter))
    assert "x-death" not in again.headers
    assert again.headers[retries.EXCHANGE] == "callevt"


def test_a_message_without_any_trace_goes_nowhere():
    assert retries.read_dead(delivered(encode({"a": 1}))) is None
    assert retries.read_dead(delivered(b"\xff\xff")) is None
