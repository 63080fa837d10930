"""One connection and its channels, over fed bytes: reasons are kept, nothing hangs, nothing leaks."""

import pytest
from pika import spec
from pika.frame import Heartbeat as Beat
from twisted.internet.error import ConnectionLost

from kzrules.broker.amqp import LINGER, Greeting
from kzrules.broker.amqp_errors import Closed, NotSendable, Refused
from kzrules.broker.channel import Outgoing
from kzrules.broker.session import RPC_LIMIT
from kzrules.errors import BrokerGone, BrokerRefused
from kzrules.language.program import ExchangeSpec, QueueSpec
from kzrules.message.delivery import Source
from tests.broker.peer import Peer, begun, content, result


def opened(peer, **options):
    session = peer.open()
    return session, channel_of(peer, session, **options)


def channel_of(peer, session, **options):
    opening = begun(session.open_channel(**options))
    peer.settle()
    return result(opening)


def consuming(peer, channel, on_deliveries=None, on_cancelled=lambda: None, **options):
    got = []
    source = Source("s", "q", "local", 3, channel.generation)
    asked = begun(channel.consume("q", source, on_deliveries or got.append, on_cancelled, **options))
    peer.settle()
    return got, result(asked)


def lost(session):
    errors = []
    session.on_lost(errors.append)
    return errors


def failure_of(peer):
    """What the handshake failed with."""
    errors = []
    peer.protocol.opened.addErrback(lambda failure: errors.append(failure.value))
    return errors


# The handshake


def test_the_handshake_says_who_we_are_and_our_heartbeat():
    peer = Peer(
        greeting=Greeting(1, "z", "b:5672", user="kz", password="pw", heartbeat=10, connection_name="me")
    )
    session = peer.open()
    start = peer.last(spec.Connection.StartOk)
    assert start.client_properties["connection_name"] == "me"
    assert start.response == b"\x00kz\x00pw"
    assert peer.last(spec.Connection.TuneOk).heartbeat == 10
    assert (session.server, session.zone, session.name) == (1, "z", "b:5672")
    assert peer.wire.no_delay


def test_a_password_is_in_no_repr():
    assert "pw" not in repr(Greeting(1, "z", "b:5672", password="pw"))


@pytest.mark.parametrize(
    ("asked", "code", "text", "says"),
    [
        (spec.Connection.StartOk, 403, "ACCESS_REFUSED - no", "refused the login of user 'guest': 403"),
        (
            spec.Connection.Open,
            530,
            "NOT_ALLOWED - vhost",
            "refused the virtual host '/' to user 'guest': 530",
        ),
        (spec.Connection.Open, 541, "INTERNAL_ERROR", "refused the connection: 541 INTERNAL_ERROR"),
    ],
)
def test_a_refused_handshake_keeps_the_brokers_words(asked, code, text, says):
    peer = Peer().connect()
    errors = failure_of(peer)
    peer.refuse[asked] = (code, text)
    peer.greet()
    peer.hang_up()
    assert isinstance(errors[0], BrokerRefused)
    assert says in str(errors[0])
    assert errors[0].code == code
    peer.clock.advance(LINGER)
    assert peer.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("muted", "says"),
    [
        (spec.Connection.StartOk, "hung up during the login of 'guest'"),
        (spec.Connection.Open, "hung up while opening the virtual host"),
    ],
)
def test_a_peer_that_hangs_up_in_the_handshake_is_told_by_its_stage(muted, says):
    peer = Peer().connect()
    errors = failure_of(peer)
    peer.mute.add(muted)
    peer.greet()
    peer.hang_up()
    assert says in str(errors[0])
    assert peer.clock.getDelayedCalls() == []


def test_a_peer_that_hangs_up_before_a_word_is_told_so():
    peer = Peer().connect()
    errors = failure_of(peer)
    peer.hang_up()
    assert "hung up before it said anything" in str(errors[0])


def test_a_peer_that_speaks_something_else_is_aborted():
    peer = Peer().connect()
    errors = failure_of(peer)
    peer.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert peer.wire.aborted
    peer.drop()
    assert "does not speak AMQP" in str(errors[0])


# The end of a connection


def test_a_forced_close_arrives_with_its_words():
    peer = Peer()
    session = peer.open()
    errors = lost(session)
    peer.say(0, spec.Connection.Close(320, "CONNECTION_FORCED - shutdown", 0, 0))
    peer.hang_up()
    assert isinstance(errors[0], Closed)
    assert errors[0].code == 320
    assert "320 CONNECTION_FORCED - shutdown" in str(errors[0])


def test_a_lost_connection_is_told_once_to_channels_and_then_to_the_session():
    peer = Peer()
    session, channel = opened(peer)
    order = []
    channel.on_closed(lambda _: order.append("channel"))
    session.on_lost(lambda _: order.append("session"))
    peer.hang_up(ConnectionLost("gone"))
    assert order == ["channel", "session"]
    assert not session.is_open
    assert not channel.is_open
    late = lost(session)
    assert len(late) == 1


def test_silence_is_noticed_within_two_heartbeats_and_aborted():
    peer = Peer()
    session = peer.open()
    errors = lost(session)
    peer.clock.pump([0.5] * 29)
    assert not peer.wire.aborted
    peer.clock.pump([0.5] * 2)
    assert peer.wire.aborted
    peer.drop()
    assert "no sign of life for 15 s" in str(errors[0])
    assert peer.clock.getDelayedCalls() == []


def test_a_peer_that_stops_in_the_middle_of_a_frame_is_noticed_within_two_heartbeats():
    peer = Peer()
    session = peer.open()
    errors = lost(session)
    peer.feed(Beat().marshal()[:-3])
    peer.clock.pump([0.5] * 31)
    assert peer.wire.aborted
    peer.drop()
    assert "no sign of life for 15 s" in str(errors[0])


def test_any_byte_is_a_sign_of_life():
    peer = Peer()
    peer.open()
    for _ in range(10):
        peer.clock.pump([1.0] * 10)
        peer.feed(Beat().marshal())
    assert not peer.wire.aborted


def test_we_beat_twice_in_each_heartbeat():
    peer = Peer()
    peer.open()
    peer.clock.pump([1.0] * 11)
    assert sum(isinstance(one, Beat) for one in peer.read()) == 2


def test_our_own_standstill_is_not_taken_for_the_peers():
    peer = Peer()
    peer.open()
    peer.clock.advance(60)  # the reactor stood still: what the peer sent is not read yet
    assert not peer.wire.aborted
    peer.feed(Beat().marshal())
    peer.clock.pump([0.5] * 28)
    assert not peer.wire.aborted


def test_a_close_that_is_not_answered_is_aborted_after_a_short_while():
    peer = Peer()
    session = peer.open()
    peer.mute.add(spec.Connection.Close)
    closed = []
    session.close().addCallback(lambda _: closed.append(True))
    peer.settle()
    peer.clock.advance(LINGER)
    assert peer.wire.aborted
    peer.drop()
    assert closed == [True]
    assert peer.clock.getDelayedCalls() == []


def test_closing_twice_fires_both():
    peer = Peer()
    session = peer.open()
    closed = []
    for _ in range(2):
        session.close().addCallback(lambda _: closed.append(True))
    peer.settle()
    assert closed == [True, True]
    assert result(session.close()) is None


def test_an_abort_does_not_wait():
    peer = Peer()
    session = peer.open()
    session.abort()
    assert peer.wire.aborted


def test_blocked_and_unblocked_are_told():
    peer = Peer()
    session = peer.open()
    told = []
    session.on_blocked(told.append)
    peer.say(0, spec.Connection.Blocked("low on memory"))
    assert session.blocked
    assert session.why_blocked == "low on memory"
    peer.say(0, spec.Connection.Unblocked())
    assert told == [True, False]
    assert not session.blocked


def test_no_channel_is_opened_on_a_lost_session():
    peer = Peer()
    session = peer.open()
    peer.drop()
    with pytest.raises(BrokerGone):
        result(session.open_channel())


# Channels


def test_generations_are_never_used_twice():
    peer = Peer()
    session, first = opened(peer)
    assert channel_of(peer, session).generation > first.generation


def test_a_refused_declaration_closes_its_channel_only():
    peer = Peer()
    session, one = opened(peer)
    two = channel_of(peer, session)
    closed = []
    one.on_closed(closed.append)
    peer.refuse[spec.Queue.Declare] = (406, "PRECONDITION_FAILED - inequivalent arg 'durable'")
    asked = begun(one.declare_queue(QueueSpec("q")))
    peer.settle()
    with pytest.raises(Refused, match="406 PRECONDITION_FAILED") as refused:
        result(asked)
    assert (refused.value.code, closed[0].code) == (406, 406)
    assert not one.is_open
    assert two.is_open
    assert session.is_open
    with pytest.raises(Refused):
        result(one.declare_queue(QueueSpec("q")))


def test_a_question_that_is_never_answered_ends_with_the_connection():
    peer = Peer()
    _session, channel = opened(peer)
    peer.mute.add(spec.Queue.Declare)
    asked = begun(channel.declare_queue(QueueSpec("q")))
    peer.settle()
    while not peer.wire.aborted:
        peer.clock.advance(1)
        peer.feed(Beat().marshal())
    assert peer.clock.seconds() == RPC_LIMIT
    peer.drop()
    with pytest.raises(BrokerGone, match=r"did not answer queue\.declare within 75 s"):
        result(asked)
    assert peer.clock.getDelayedCalls() == []


def test_questions_of_one_channel_are_asked_one_after_the_other():
    peer = Peer()
    _, channel = opened(peer)
    asked = [begun(channel.declare_queue(QueueSpec(f"q{number}"))) for number in range(5)]
    peer.settle()
    assert [result(one) for one in asked] == [f"q{number}" for number in range(5)]


def test_arguments_without_an_amqp_form_fail_before_anything_is_sent():
    peer = Peer()
    _, channel = opened(peer)
    with pytest.raises(NotSendable, match=r"queue\.declare cannot be sent"):
        result(channel.declare_queue(QueueSpec("q", arguments={"x": object()})))
    assert channel.is_open
    asked = begun(channel.declare_exchange(ExchangeSpec("x", "topic")))
    peer.settle()
    assert result(asked) is None


def test_deliveries_of_one_read_come_in_one_call():
    peer = Peer()
    _, channel = opened(peer)
    got, _ = consuming(peer, channel)
    peer.deliver(1, (1, b"a"), (2, b"b"), (3, b"c"))
    peer.deliver(1, (4, b"d"))
    assert [[one.tag for one in batch] for batch in got] == [[1, 2, 3], [4]]
    assert got[0][0].source.generation == channel.generation


def test_a_consumer_that_raises_closes_its_channel_so_that_nothing_is_stuck(logged_errors):
    peer = Peer()
    session, channel = opened(peer)
    closed = []
    channel.on_closed(closed.append)
    consuming(peer, channel, lambda _: 1 / 0)
    peer.deliver(1, (1, b"a"))
    assert len(closed) == 1
    assert session.is_open
    assert len(logged_errors.flush()) == 1


def test_a_cancel_by_the_broker_is_told_and_the_channel_stays():
    peer = Peer()
    _, channel = opened(peer)
    cancelled = []
    _, tag = consuming(peer, channel, on_cancelled=lambda: cancelled.append(True))
    peer.say(1, spec.Basic.Cancel(tag, nowait=True))
    assert cancelled == [True]
    assert channel.is_open
    assert result(channel.cancel(tag)) is None
    got, _ = consuming(peer, channel)
    peer.deliver(1, (1, b"again"))
    assert len(got) == 1


def test_what_comes_after_our_cancel_is_given_back_and_not_counted_as_failed():
    peer = Peer()
    _, channel = opened(peer)
    got, tag = consuming(peer, channel)
    peer.mute.add(spec.Basic.Cancel)
    asked = begun(channel.cancel(tag))
    peer.settle()
    peer.deliver(1, (1, b"late"))
    peer.say(1, spec.Basic.CancelOk(tag))
    result(asked)
    assert got == []
    nack = peer.last(spec.Basic.Nack)
    assert (nack.delivery_tag, nack.multiple, nack.requeue) == (1, False, True)


def test_a_channel_consumes_once():
    peer = Peer()
    _, channel = opened(peer)
    consuming(peer, channel)
    with pytest.raises(ValueError, match="consumes already"):
        result(channel.consume("q2", Source("s", "q2", "z", 1, 1), print, print))


def test_settling_writes_what_pika_would_write():
    peer = Peer()
    _, channel = opened(peer)
    channel.ack(5, multiple=True)
    channel.nack(6, multiple=False, requeue=True)
    channel.reject(7, requeue=False)
    written = peer.wire.value()
    wanted = [
        spec.Basic.Ack(5, multiple=True),
        spec.Basic.Nack(6, multiple=False, requeue=True),
        spec.Basic.Reject(7, requeue=False),
    ]
    from pika import frame

    assert written == b"".join(frame.Method(1, one).marshal() for one in wanted)


@pytest.mark.parametrize("size", [0, 1, 131064, 131065, 400000])
def test_publishing_writes_what_pika_would_write(size):
    peer = Peer()
    _, channel = opened(peer)
    peer.wire.clear()
    body = b"x" * size
    channel.publish("ex", "kéy", body, b"\x80\x00\x10application/json")
    props = spec.BasicProperties(content_type="application/json")
    assert peer.wire.value() == content(
        1, spec.Basic.Publish(exchange="ex", routing_key="kéy", mandatory=True), props, body
    )


def test_a_batch_goes_out_in_one_write_and_counts_when_confirms_are_on():
    peer = Peer()
    _, channel = opened(peer, confirms=True)
    writes = peer.wire.writes
    last = channel.publish_batch([Outgoing("", "q", b"{}", b"\x00\x00")] * 50)
    assert (last, peer.wire.writes - writes) == (50, 1)
    assert channel.publish("", "q", b"{}", b"\x00\x00") == 51


def test_a_key_that_is_too_long_writes_nothing_and_moves_no_number():
    peer = Peer()
    _, channel = opened(peer, confirms=True)
    peer.wire.clear()
    with pytest.raises(NotSendable, match="256 bytes"):
        channel.publish("", "k" * 256, b"{}", b"\x00\x00")
    assert (peer.wire.value(), channel.sequence) == (b"", 0)


def test_a_channel_that_is_gone_publishes_and_settles_nothing():
    peer = Peer()
    _, channel = opened(peer)
    peer.say(1, spec.Channel.Close(404, "NOT_FOUND", 0, 0))
    peer.wire.clear()
    channel.ack(1)
    channel.nack(1, multiple=True, requeue=True)
    channel.reject(1, requeue=True)
    with pytest.raises(Refused):
        channel.publish("", "q", b"{}", b"\x00\x00")
    assert peer.wire.value() == b""


def test_get_gives_a_message_or_none():
    peer = Peer()
    _, channel = opened(peer)
    asked = begun(channel.get("q"))
    peer.feed(content(1, spec.Basic.GetOk(9, False, "x", "k", 3), spec.BasicProperties(), b"body"))
    got = result(asked)
    assert (got.tag, got.body, got.source.queue, got.source.generation) == (
        9,
        b"body",
        "q",
        channel.generation,
    )
    asked = begun(channel.get("q"))
    peer.say(1, spec.Basic.GetEmpty())
    assert result(asked) is None


def test_getting_from_a_missing_queue_fails_with_its_words():
    peer = Peer()
    _, channel = opened(peer)
    asked = begun(channel.get("q"))
    peer.say(1, spec.Channel.Close(404, "NOT_FOUND - no queue 'q'", 0, 0))
    with pytest.raises(Refused, match="no queue 'q'"):
        result(asked)


def test_closing_a_channel_closes_it_once():
    peer = Peer()
    _, channel = opened(peer)
    closing = begun(channel.close())
    peer.settle()
    assert result(closing) is None
    assert result(channel.close()) is None
    assert peer.methods().count("Channel.Close") == 1


def test_a_channel_that_the_broker_closes_while_we_close_it_is_closed():
    peer = Peer()
    _, channel = opened(peer)
    peer.mute.add(spec.Channel.Close)
    closing = begun(channel.close())
    peer.settle()
    peer.say(1, spec.Channel.Close(404, "NOT_FOUND", 0, 0))
    peer.say(1, spec.Channel.CloseOk())
    assert result(closing) is None


def test_losing_the_connection_in_the_middle_of_opening_a_channel_says_why():
    peer = Peer()
    session = peer.open()
    peer.mute.add(spec.Channel.Open)
    opening = begun(session.open_channel())
    peer.settle()
    peer.drop()
    with pytest.raises(BrokerGone):
        result(opening)
    assert peer.clock.getDelayedCalls() == []
