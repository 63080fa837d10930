"""Against a real RabbitMQ: connect, declare, publish, ask, and what a refusal says."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from kzrules.broker.amqp_errors import Refused, Unroutable
from kzrules.broker.link import links
from kzrules.broker.publisher import Publisher
from kzrules.broker.query import Queries
from kzrules.broker.topology import declare
from kzrules.errors import BrokerError
from kzrules.language.program import BrokerSpec, ExchangeSpec, QueueSpec, SubscriptionSpec, ZoneSpec
from kzrules.message.action import Answered, Publish, Query, Unanswered
from kzrules.message.delivery import Source
from kzrules.message.identity import Identity
from kzrules.message.outcome import Place

HERE = Place("test.kzr", 1)
ME = Identity("test", "kzrules", "1", "abc")


class Connected:
    """A link in use, with its sessions and its losses."""

    def __init__(self, *urls, zone="local", failback=None):
        self.sessions, self.losses = [], []
        spec = BrokerSpec((ZoneSpec(zone, urls),), failback=failback)
        self.link = links(spec, None, reactor, "test", self.session, lambda _, e: self.losses.append(e))[zone]
        self.link.start()

    def session(self, session):
        self.sessions.append(session)

    async def first(self):
        await until(lambda: self.sessions)
        return self.sessions[0]


async def until(condition, limit=20.0):
    end = reactor.seconds() + limit
    while not condition():
        assert reactor.seconds() < end, "it did not come to pass"
        await deferLater(reactor, 0.01, lambda: None)


@pytest_twisted.ensureDeferred
async def test_a_subscription_is_declared_consumed_and_acknowledged(rabbit, vhost, broker_url):
    connected = Connected(broker_url)
    session = await connected.first()
    channel = await session.open_channel(confirms=True, prefetch=100)
    spec = SubscriptionSpec(
        "s",
        ExchangeSpec("events", "topic", durable=True),
        QueueSpec("q", durable=True, type="quorum"),
        ("a.#", "b.*"),
        HERE,
    )
    queue = await declare(channel, spec)
    got = []
    await channel.consume(queue, Source("s", queue, "local", 1, channel.generation), got.extend, lambda: None)
    for number in range(300):
        channel.publish("events", f"a.{number}", b'{"n":%d}' % number, b"\x00\x00")
    await until(lambda: len(got) == 100)
    channel.ack(got[-1].tag, multiple=True)
    await until(lambda: len(got) == 200)
    channel.ack(got[-1].tag, multiple=True)
    await until(lambda: len(got) == 300)
    assert [delivery.routing_key for delivery in got] == [f"a.{number}" for number in range(300)]
    channel.ack(got[-1].tag, multiple=True)
    await channel.close()
    assert rabbit.queue_depths(vhost)["q"].messages == 0
    await connected.link.stop()
    assert connected.link.state == "stopped"


@pytest_twisted.ensureDeferred
async def test_a_queue_of_another_kind_is_refused_in_one_sentence_with_both_sides(broker_url):
    connected = Connected(broker_url)
    session = await connected.first()
    await (await session.open_channel()).declare_queue(QueueSpec("q", durable=True, auto_delete=False))
    channel = await session.open_channel()
    spec = SubscriptionSpec("s", None, QueueSpec("q", durable=False, auto_delete=False), (), HERE)
    with pytest.raises(Refused) as refused:
        await declare(channel, spec)
    assert refused.value.code == 406
    assert "queue 'q' cannot be declared as not durable" in str(refused.value)
    assert "durable" in refused.value.text
    assert "passive: true" in str(refused.value)
    await connected.link.stop()


@pytest_twisted.ensureDeferred
async def test_a_wrong_password_is_told_from_a_missing_virtual_host(rabbit, broker_url):
    wrong = Connected(broker_url.replace("guest:guest", "guest:nonsense"))
    missing = Connected(rabbit.url_of("nowhere"))
    await until(lambda: wrong.link.last_error and missing.link.last_error)
    assert "refused the login of user 'guest': 403 ACCESS_REFUSED" in str(wrong.link.last_error)
    assert "nonsense" not in str(wrong.link.last_error)
    assert "refused the virtual host 'nowhere'" in str(missing.link.last_error)
    assert "530 NOT_ALLOWED" in str(missing.link.last_error)
    await wrong.link.stop()
    await missing.link.stop()


@pytest_twisted.ensureDeferred
async def test_publishes_are_confirmed_and_each_failure_is_told_to_its_own_message(broker_url):
    connected = Connected(broker_url)
    session = await connected.first()
    declaring = await session.open_channel()
    await declaring.declare_queue(QueueSpec("q", durable=True, auto_delete=False))
    publisher = Publisher(reactor)
    publisher.session_opened(session)
    sent = [
        publisher.publish(Publish("", "q", b"{}", "m1")),
        publisher.publish(Publish("", "nobody", b"{}", "m2")),
        publisher.publish(Publish("absent", "q", b"{}", "m3")),
        publisher.publish(Publish("", "q", b"{}", "m4", {"x": 1.5})),
    ]
    await sent[0]
    with pytest.raises(Unroutable, match="312 NO_ROUTE"):
        await sent[1]
    with pytest.raises(Unroutable, match="no exchange 'absent'"):
        await sent[2]
    await sent[3]
    await publisher.drain()
    assert (await declaring.count_messages("q"))[0] >= 2
    publisher.stop()
    await connected.link.stop()


@pytest_twisted.ensureDeferred
async def test_a_query_is_answered_by_its_msg_id_and_unroutable_ones_at_once(broker_url):
    connected = Connected(broker_url)
    session = await connected.first()
    queries = Queries(ME, reactor)
    assert await queries.ask(Query("", "service", b"{}", "m0", 5.0)) == Unanswered("disconnected")
    queries.session_opened(session)
    await until(lambda: queries.ready)
    service = await session.open_channel()
    await service.declare_queue(QueueSpec("service"))

    def answer(deliveries):
        for one in deliveries:
            service.publish("targeted", ME.server_id, one.body, b"\x00\x00")

    source = Source("x", "service", "local", 1, service.generation)
    await service.consume("service", source, answer, lambda: None, no_ack=True)
    answered = await queries.ask(Query("", "service", b'{"Msg-ID":"m1","x":7}', "m1", 5.0))
    assert isinstance(answered, Answered)
    assert answered.payload["x"] == 7
    assert await queries.ask(Query("", "nobody", b"{}", "m2", 5.0)) == Unanswered("unroutable")
    assert await queries.ask(Query("absent", "x", b"{}", "m3", 5.0)) == Unanswered("unroutable")
    waiting = queries.ask(Query("", "service", b'{"Msg-ID":"other"}', "m4", 0.2))
    assert await waiting == Unanswered("timeout")
    queries.stop()
    await connected.link.stop()


@pytest_twisted.ensureDeferred
async def test_a_forced_close_is_named_and_the_next_connection_comes_at_once(rabbit, broker_url):
    connected = Connected("amqp://127.0.0.1:1", broker_url)
    await connected.first()
    rabbit.close_connections("closed for the test")
    await until(lambda: len(connected.sessions) == 2)
    assert "320 CONNECTION_FORCED" in str(connected.losses[0])
    assert "closed for the test" in str(connected.losses[0])
    assert isinstance(connected.losses[0], BrokerError)
    await connected.link.stop()
