"""Our receive loop and pika's own, fed the same bytes in every chunking: what channels, sessions and the
broker see is the same."""

import base64
import json
import zlib
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pika import frame, spec

from kzrules.broker import amqp
from kzrules.message.delivery import Source
from tests.broker.peer import Peer, begun, content, delivery, result, returned

RECORDED = Path(__file__).with_name("recorded_rabbitmq.json")


class Watched:
    """One connection with a channel that consumes and one that publishes, and all that became of it."""

    def __init__(self, *, stock):
        proven = frozenset() if stock else amqp.PROVEN
        with mock.patch.object(amqp, "PROVEN", proven):
            self.peer = Peer()
        with mock.patch("pika.channel.uuid.uuid4", return_value=mock.Mock(hex="tag")):
            self._begin()

    def _begin(self):
        self.log = []
        session = self.session = self.peer.open()
        session.on_lost(lambda error: self.log.append(("lost", str(error))))
        session.on_blocked(lambda blocked: self.log.append(("blocked", blocked)))
        consuming = self._channel()
        publishing = self._channel(confirms=True)
        for name, channel in (("one", consuming), ("two", publishing)):
            channel.on_closed(lambda error, name=name: self.log.append((name, "closed", str(error))))
        publishing.on_confirm(lambda *confirm: self.log.append(("confirm", *confirm)))
        publishing.on_return(lambda *came: self.log.append(("returned", *came)))
        source = Source("s", "q", "local", 3, 1)
        asked = begun(consuming.consume("q", source, self._take, lambda: self.log.append(("cancelled",))))
        self.peer.settle()
        self.tag = result(asked)
        self.core = session.core
        self.peer.wire.clear()

    def _channel(self, **options):
        opening = begun(self.session.open_channel(**options))
        self.peer.settle()
        return result(opening)

    def _take(self, batch):
        self.log += [("delivered", *one[1:]) for one in batch]

    def feed(self, data, cuts):
        for cut in cuts:
            if self.peer.wire.lost is None:
                self.peer.protocol.dataReceived(data[:cut])
            data = data[cut:]
        if data and self.peer.wire.lost is None:
            self.peer.protocol.dataReceived(data)
        return self

    @property
    def story(self):
        """What each channel and the session were told, what was written, how the transport was let go."""
        if self.peer.wire.lost:
            self.peer.drop()
        consuming = [one for one in self.log if one[0] in ("delivered", "one", "cancelled")]
        publishing = [one for one in self.log if one[0] in ("confirm", "returned", "two")]
        session = [one for one in self.log if one[0] in ("lost", "blocked")]
        return consuming, publishing, session, self.peer.wire.value(), self.peer.wire.lost


properties = st.sampled_from(
    [
        spec.BasicProperties(),
        spec.BasicProperties(content_type="application/json", delivery_mode=2, message_id="m" * 40),
        spec.BasicProperties(headers={"a": 1, "b": "x", "c": [1, {"d": True}]}, timestamp=7, reply_to="r"),
    ]
)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
sizes = st.one_of(st.integers(0, 300), st.just(140_000))  # the largest comes in two frames


def parts():
    """Frames as a broker sends them; deliveries are numbered when they are joined."""
    method = st.sampled_from(
        [
            spec.Basic.Ack(7, multiple=True),
            spec.Basic.Ack(8, multiple=False),
            spec.Basic.Nack(9, multiple=True),
            spec.Channel.Flow(active=True),
        ]
    )
    return st.one_of(
        st.tuples(st.just("deliver"), sizes, texts, texts, properties, st.booleans()),
        st.tuples(st.just("return"), st.binary(max_size=50), texts, texts, properties),
        st.tuples(st.just("method"), method),
        st.tuples(st.just("heartbeat")),
    )


ENDS = {
    "nothing": b"",
    "cancel": lambda tag: frame.Method(1, spec.Basic.Cancel(tag)).marshal(),
    "channel": lambda _: frame.Method(1, spec.Channel.Close(406, "PRECONDITION_FAILED", 60, 80)).marshal(),
    "connection": lambda _: frame.Method(0, spec.Connection.Close(320, "CONNECTION_FORCED", 0, 0)).marshal(),
    "blocked": lambda _: frame.Method(0, spec.Connection.Blocked("memory")).marshal(),
}


def joined(sent, end, tag):
    data, number = b"", 0
    for kind, *rest in sent:
        match kind:
            case "deliver":
                number += 1
                size, key, exchange, props, again = rest
                body = (b"%d," % number * size)[:size]
                data += delivery(1, number, body, key, exchange, props, consumer=tag, redelivered=again)
            case "return":
                body, key, exchange, props = rest
                data += returned(2, body, key, exchange, props)
            case "method":
                data += frame.Method(2, rest[0]).marshal()
            case "heartbeat":
                data += frame.Heartbeat().marshal()
    last = ENDS[end]
    return data + (last(tag) if callable(last) else last)


@given(
    st.lists(parts(), max_size=10),
    st.sampled_from(sorted(ENDS)),
    st.lists(st.integers(1, 500), max_size=30),
)
@settings(max_examples=120, deadline=None)
def test_generated_streams_are_taken_as_stock_pika_takes_them(sent, end, cuts):
    ours, stock = Watched(stock=False), Watched(stock=True)
    data = joined(sent, end, ours.tag)
    assert ours.tag == stock.tag
    assert stock.feed(data, cuts).story == ours.feed(data, cuts).story


@pytest.mark.parametrize("size", [1, 2, 7, 13, 100, 4096, 65536])
def test_a_recorded_conversation_is_taken_as_stock_pika_takes_it(size):
    data = zlib.decompress(base64.b64decode(json.loads(RECORDED.read_text())["after the handshake"]))
    cuts = [size] * (len(data) // size)
    ours, stock = Watched(stock=False).feed(data, cuts), Watched(stock=True).feed(data, cuts)
    kinds = {one[0] for one in ours.log}
    assert {"delivered", "confirm", "returned", "one"} <= kinds
    assert stock.story == ours.story


def test_every_byte_counts_as_a_sign_of_life_either_way():
    beats = frame.Heartbeat().marshal() * 20
    for stock in (False, True):
        watched = Watched(stock=stock)
        for at in range(40):
            watched.peer.clock.advance(4)
            watched.feed(beats[4 * at : 4 * at + 4], [])
        assert watched.peer.wire.lost is None


def test_one_message_can_be_asked_for_either_way():
    for stock in (False, True):
        watched = Watched(stock=stock)
        channel = watched._channel()
        asked = begun(channel.get("q"))
        watched.peer.read()
        got = content(3, spec.Basic.GetOk(5, False, "x", "k", 0), spec.BasicProperties(), b"body")
        watched.peer.feed(got)
        one = result(asked)
        assert (5, b"body", "q") == (one.tag, one.body, one.source.queue)
        asked = begun(channel.get("q"))
        watched.peer.feed(frame.Method(3, spec.Basic.GetEmpty()).marshal())
        assert result(asked) is None


def test_a_pika_that_the_loop_was_not_proven_on_is_told_once():
    said = []
    with (
        mock.patch("pika.__version__", "1.4.9"),
        mock.patch.object(amqp._log, "warn", lambda text, **fields: said.append(text.format(**fields))),
    ):
        Peer()
        Peer()
    assert 1 == len(said)
    assert said[0].startswith("The fast path is off: it was proven on pika 1.4.4, and this is pika 1.4.9.")
