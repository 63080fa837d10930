"""The receive loop against stock pika, in every chunking, and what it does with nonsense."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pika import frame, spec

from kzrules.broker.amqp_receive import BadFrame, Receiver
from kzrules.message.delivery import Source
from tests.broker.peer import delivery, returned

SOURCE = Source("s", "q", "local", 1, 1)


class Taken:
    """A channel that writes down what it is given."""

    def __init__(self, source=SOURCE):
        self.source, self.batch = source, []
        self.batches, self.deliveries, self.others = [], [], []

    def take_batch(self):
        batch, self.batch = self.batch, []
        self.batches.append(len(batch))
        self.deliveries += batch

    def take_unwanted(self, tag):
        self.others.append(("unwanted", tag))

    def take_returned(self, one):
        self.others.append(("returned", *one))

    def take_got(self, one):
        self.others.append(("got", one.tag, one.body))

    def take_nothing(self):
        self.others.append(("nothing",))

    def take_confirm(self, tag, *, multiple, ok):
        self.others.append(("confirm", tag, multiple, ok))


def receiver(**channels):
    other = []
    made = Receiver(other.append)
    made.channels.update({int(name[1:]): channel for name, channel in channels.items()})
    return made, other


def by_pika(data):
    """The same bytes through pika's own frame decoder and assembler."""
    from pika.channel import ContentFrameAssembler

    assemblers, out = {}, []
    while data:
        used, one = frame.decode_frame(data)
        data = data[used:]
        done = None
        content = isinstance(one, (frame.Header, frame.Body)) or (
            isinstance(one, frame.Method) and spec.has_content(one.method.INDEX)
        )
        if content:
            done = assemblers.setdefault(one.channel_number, ContentFrameAssembler()).process(one)
        if done:
            method, header, body = done
            m = method.method
            out.append(
                (method.channel_number, m.delivery_tag, m.redelivered, m.exchange, m.routing_key, body)
            )
            out[-1] += (b"".join(header.properties.encode()),)
    return out


def properties(**values):
    return spec.BasicProperties(**values)


messages = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.binary(max_size=300),
        st.text(max_size=20),
        st.text(max_size=20),
        st.booleans(),
        st.sampled_from(
            [
                properties(),
                properties(content_type="application/json", delivery_mode=2),
                properties(headers={"a": 1, "b": "x", "c": [1, {"d": True}]}, message_id="m" * 40),
            ]
        ),
    ),
    max_size=12,
)


@given(messages, st.lists(st.integers(1, 400), max_size=40))
@settings(max_examples=150, deadline=None)
def test_deliveries_are_the_same_as_stock_pika_s_whatever_the_chunks(listed, cuts):
    data = b""
    for tag, (channel, body, exchange, key, again, props) in enumerate(listed, 1):
        data += delivery(channel, tag, body, key, exchange, props, redelivered=again)
        if tag % 3 == 0:
            data += frame.Heartbeat().marshal()
    one, two = Taken(), Taken()
    made, other = receiver(c1=one, c2=two)
    rest = data
    for cut in cuts:
        made.feed(rest[:cut])
        rest = rest[cut:]
    made.feed(rest)
    got = [(1, *d[1:5], d.body, d.properties) for d in one.deliveries]
    got += [(2, *d[1:5], d.body, d.properties) for d in two.deliveries]
    assert sorted(got, key=lambda d: d[1]) == by_pika(data)
    assert len(other) == len(listed) // 3


def test_byte_by_byte_and_all_at_once_are_the_same():
    data = b"".join(delivery(1, tag, b"{%d}" % tag) for tag in range(1, 30))
    at_once, slowly = Taken(), Taken()
    receiver(c1=at_once)[0].feed(data)
    made, _ = receiver(c1=slowly)
    for at in range(len(data)):
        made.feed(data[at : at + 1])
    assert at_once.deliveries == slowly.deliveries
    assert at_once.batches == [29]
    assert slowly.batches == [1] * 29


def test_a_large_body_comes_in_many_frames_between_those_of_another_channel():
    big = bytes(range(256)) * 2000
    method, header, *bodies = split(delivery(1, 1, big))
    one, two = Taken(), Taken()
    made, _ = receiver(c1=one, c2=two)
    made.feed(method + header + bodies[0] + delivery(2, 9, b"in between") + b"".join(bodies[1:]))
    assert one.deliveries[0].body == big
    assert two.deliveries[0].body == b"in between"


def split(data):
    frames = []
    while data:
        size = struct.unpack_from(">BHI", data)[2] + 8
        frames.append(data[:size])
        data = data[size:]
    return frames


def test_a_key_that_is_no_utf_8_comes_through_and_can_be_sent_again():
    from kzrules.broker.amqp_frames import short_string

    raw = delivery(1, 1, b"{}", key="kAy").replace(b"kAy", b"k\xffy")
    one = Taken()
    receiver(c1=one)[0].feed(raw)
    assert short_string("routing key", one.deliveries[0].routing_key) == b"k\xffy"


def test_deliveries_are_handed_over_before_what_comes_after_them():
    one = Taken()
    made, _other = receiver(c1=one)
    seen = []
    made._other = lambda _: seen.append(list(one.batches))
    made.feed(delivery(1, 1) + frame.Method(1, spec.Basic.Cancel("c")).marshal() + delivery(1, 2))
    assert seen == [[1]]
    assert one.batches == [1, 1]


def test_returns_confirms_and_gets_are_recognised():
    one = Taken(None)
    made, other = receiver(c1=one)
    made.feed(
        returned(1, b"body", "key", "ex", properties(message_id="m"))
        + frame.Method(1, spec.Basic.Ack(7, multiple=True)).marshal()
        + frame.Method(1, spec.Basic.Nack(8, multiple=False)).marshal()
        + frame.Method(1, spec.Basic.GetEmpty()).marshal()
        + delivery(1, 5)
    )
    assert one.others == [
        ("returned", 312, "NO_ROUTE", "ex", "key", b"\x00\x80\x01m", b"body"),
        ("confirm", 7, True, True),
        ("confirm", 8, False, False),
        ("nothing",),
        ("unwanted", 5),
    ]
    assert other == []


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"AMQP\x00\x01\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x46\x00\x00",
        b"\x01\x00\x01\x7f\xff\xff\xff\x00\x00",
        frame.Heartbeat().marshal()[:-1] + b"\x00",
    ],
)
def test_what_is_no_amqp_is_named_at_once(data):
    with pytest.raises(BadFrame):
        receiver(c1=Taken())[0].feed(data)


def test_content_out_of_turn_is_named():
    method, header, body = split(delivery(1, 1))
    with pytest.raises(BadFrame, match="out of turn"):
        receiver(c1=Taken())[0].feed(method + body)
    with pytest.raises(BadFrame, match="out of turn"):
        receiver(c1=Taken())[0].feed(header)


def test_a_body_longer_than_announced_is_named():
    method, header, _body = split(delivery(1, 1, b"{}"))
    longer = frame.Body(1, b"{} ").marshal()
    with pytest.raises(BadFrame, match="longer"):
        receiver(c1=Taken())[0].feed(method + header + longer)


def test_content_of_a_channel_that_is_gone_is_dropped():
    made, other = receiver()
    made.feed(delivery(4, 1))
    assert other == []


def test_nothing_is_read_any_more_after_a_stop():
    one = Taken()
    made, _ = receiver(c1=one)
    made._other = lambda _: made.stop()
    made.feed(delivery(1, 1) + frame.Heartbeat().marshal() + delivery(1, 2))
    assert [d.tag for d in one.deliveries] == [1]
