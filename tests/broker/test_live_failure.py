"""Against a real RabbitMQ: retries through delay queues, dead letters, poison, and queues that go away."""

import json
from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.task import deferLater

from kzrules.broker import deadletters, failure
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.consumer import Consumer
from kzrules.broker.copies import declared_on
from kzrules.broker.link import links
from kzrules.broker.perform import Outside
from kzrules.broker.publisher import Publisher
from kzrules.broker.topology import declare
from kzrules.broker.workers import Workers
from kzrules.language.program import BrokerSpec, ExchangeSpec, FailurePolicy, QueueSpec, ZoneSpec
from kzrules.message.action import Answered, Publish
from kzrules.message.outcome import Cause, Place, Reject, Retry
from kzrules.wire.properties import Properties, encode
from tests.broker.hands import Rules, done, ended, spec

EVENTS = ExchangeSpec("events", "topic", durable=True)
WORK = QueueSpec("work", durable=True, auto_delete=False, type="quorum")
POLICY = FailurePolicy(2, 0.2, 1.0, "dead_letter", "work.dead")


async def until(condition, limit=20.0):
    end = reactor.seconds() + limit
    while not condition():
        assert reactor.seconds() < end, "it did not come to pass"
        await deferLater(reactor, 0.01, lambda: None)


class Bus:
    """A link, a publisher, workers and one consumer on a virtual host."""

    def __init__(self, url, rule, **changes):
        self.session = None
        broker = BrokerSpec((ZoneSpec("local", (url,)),))
        self.link = links(broker, None, reactor, "test", self.opened, self.lost)["local"]
        self.publisher = Publisher(reactor)
        self.workers = Workers(2, reactor)
        self.workers.start()
        wanted = {"exchange": EVENTS, "queue": WORK, "routing": ("#",), "on_failure": POLICY, **changes}
        subscription = spec(**wanted)
        outside = Outside(
            publish_all=self.publisher.publish_all,
            reply=lambda reply: succeed(None),
            ask=lambda query: succeed(Answered({})),
            after=lambda after: None,
            log=lambda line: None,
        )
        self.consumer = Consumer(
            subscription,
            "local",
            clock=reactor,
            workers=self.workers,
            book=lambda: Rules(rule),
            outside=outside,
            send=self.publisher.send,
            declare=lambda channel: declare(channel, subscription),
        )

    def opened(self, session):
        self.session = session
        self.publisher.session_opened(session)
        self.consumer.use(session)

    def lost(self, *_):
        self.publisher.session_lost()

    async def begin(self):
        self.link.start()
        await until(lambda: self.consumer.health.consuming)
        return self

    def emit(self, payload, properties=None):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.publisher.send(Outgoing("events", "a.b", body, properties or encode(delivery_mode=2)))

    async def end(self):
        await self.consumer.stop()
        await self.workers.stop(5)
        self.publisher.stop()
        await self.link.stop()

    @property
    def count(self):
        return self.consumer.counters


@pytest_twisted.ensureDeferred
async def test_a_retry_comes_back_through_its_delay_queue_with_its_original_face(rabbit, vhost, broker_url):
    seen = []

    def rule(payload, event):
        seen.append((event.attempt, event.exchange, event.routing_key, reactor.seconds()))
        return done() if event.attempt == 3 else ended(Retry("not yet"))

    bus = await Bus(broker_url, rule).begin()
    await bus.emit({"n": 1}, encode({"CC": ["elsewhere"]}, expiration="60000", delivery_mode=1))
    await until(lambda: bus.count.acknowledged == 1)
    assert [one[:3] for one in seen] == [(attempt, "events", "a.b") for attempt in (1, 2, 3)]
    assert seen[1][3] - seen[0][3] >= 0.2
    assert seen[2][3] - seen[1][3] >= 0.4
    assert bus.count.retried == 2
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_poison_every_tenth_is_dead_lettered_and_the_rest_is_done(rabbit, vhost, broker_url):
    def rule(payload, event):
        if payload["n"] % 10 == 0:
            return ended(Reject("boom", Cause.ERROR, Place("a.kzr", 7)))
        return done(Publish("", "out", b"{}", f"m{payload['n']}"))

    bus = await Bus(broker_url, rule).begin()
    await declared_on(bus.session, QueueSpec("out", durable=True, auto_delete=False))
    for n in range(1, 201):
        bus.emit({"n": n})
    bus.emit(b"{nonsense")
    await until(lambda: bus.count.acknowledged + bus.count.rejected == 201)
    assert (bus.count.acknowledged, bus.count.rejected, bus.count.failed) == (180, 21, 20)
    assert bus.count.unreadable == 1
    assert await deadletters.count(bus.session, "work.dead") == 21
    assert await deadletters.count(bus.session, "out") == 180
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_dead_letters_are_looked_at_replayed_where_meant_and_purged(rabbit, vhost, broker_url):
    mended = []

    def rule(payload, event):
        return done() if mended else ended(Reject("no", place=Place("a.kzr", 3)))

    bus = await Bus(broker_url, rule).begin()
    for n in range(10):
        await bus.emit({"n": n}, encode({"trace": n}, message_id=str(n)))
    await until(lambda: bus.count.dead_lettered == 10)
    for _ in range(3):  # looking consumes nothing
        found = await deadletters.look(bus.session, "work.dead", limit=4)
        assert [json.loads(delivery.body)["n"] for delivery, _ in found] == [0, 1, 2, 3]
    delivery, letter = found[2]
    assert (letter.queue, letter.death.why, letter.death.where) == ("work", "no", "a.kzr:3")
    assert (letter.origin.exchange, letter.origin.routing_key) == ("events", "a.b")
    assert Properties(delivery.properties).headers["trace"] == 2
    assert Properties(delivery.properties).get("message_id") == "2"
    mended.append(True)
    steps = []
    tally = await deadletters.replay(
        bus.session,
        "work.dead",
        bus.publisher.send,
        where=lambda delivery, _: json.loads(delivery.body)["n"] % 2 == 0,
        progress=lambda seen, total: steps.append((seen, total)),
    )
    assert (tally.seen, tally.done, tally.kept, tally.refused) == (10, 5, 5, [])
    assert steps[-1] == (10, 10)
    await until(lambda: bus.count.acknowledged == 5)
    assert await deadletters.count(bus.session, "work.dead") == 5
    gone = await deadletters.purge(bus.session, "work.dead")
    assert (gone.done, gone.kept) == (5, 0)
    assert await deadletters.count(bus.session, "work.dead") == 0
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_a_letter_whose_queue_is_gone_stays_and_its_reason_is_told(rabbit, vhost, broker_url):
    bus = await Bus(broker_url, lambda payload, event: ended(Reject("no"))).begin()
    await bus.emit({})
    await until(lambda: bus.count.dead_lettered == 1)
    await bus.consumer.stop()
    channel = await bus.session.open_channel()
    await channel.delete_queue("work")
    tally = await deadletters.replay(bus.session, "work.dead", bus.publisher.send)
    assert (tally.done, tally.kept) == (0, 1)
    assert "NO_ROUTE" in tally.refused[0]
    assert await deadletters.count(bus.session, "work.dead") == 1
    await bus.end()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("kind", ["quorum", "classic"])
async def test_a_queue_deleted_while_consuming_is_made_again_and_consumed(rabbit, vhost, broker_url, kind):
    bus = await Bus(broker_url, lambda payload, event: done(), queue=replace(WORK, type=kind)).begin()
    channel = await bus.session.open_channel()
    await channel.delete_queue("work")
    await until(lambda: not bus.consumer.health.consuming)
    await until(lambda: bus.consumer.health.consuming)
    await bus.emit({})
    await until(lambda: bus.count.acknowledged == 1)
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_a_dead_letter_queue_deleted_meanwhile_is_made_again(rabbit, vhost, broker_url):
    bus = await Bus(broker_url, lambda payload, event: ended(Reject("no"))).begin()
    await bus.emit({})
    await until(lambda: bus.count.dead_lettered == 1)
    channel = await bus.session.open_channel()
    await channel.delete_queue("work.dead")
    await bus.emit({})
    await until(lambda: bus.count.dead_lettered == 2)
    assert await deadletters.count(bus.session, "work.dead") == 1
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_a_dead_letter_queue_of_another_kind_is_used_as_it_is(rabbit, vhost, broker_url):
    bus = await Bus(broker_url, lambda payload, event: ended(Reject("no"))).begin()
    await declared_on(bus.session, QueueSpec("work.dead", durable=True, auto_delete=False))
    await bus.emit({})
    await until(lambda: bus.count.dead_lettered == 1)
    assert await deadletters.count(bus.session, "work.dead") == 1
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_an_exclusive_queue_holds_its_retries_in_hand(rabbit, vhost, broker_url):
    own = QueueSpec("own", exclusive=True, auto_delete=False)

    def rule(payload, event):
        return done() if event.attempt == 2 else ended(Retry("not yet"))

    bus = await Bus(broker_url, rule, queue=own).begin()
    await bus.emit({})
    await until(lambda: bus.count.acknowledged == 1)
    assert (bus.count.held, bus.count.retried, bus.count.received) == (1, 0, 1)
    await bus.end()


@pytest_twisted.ensureDeferred
async def test_a_delay_queue_in_use_outlives_its_lease_with_what_is_in_it(rabbit, vhost, broker_url):
    bus = await Bus(broker_url, lambda payload, event: done()).begin()
    kept = failure.delay_queue("work", 60.0)
    kept = replace(kept, arguments={**kept.arguments, "x-expires": 2_000})
    await declared_on(bus.session, kept)
    await bus.publisher.send(Outgoing("", kept.name, b"{}", encode(delivery_mode=2)))
    for _ in range(8):
        await deferLater(reactor, 0.5, lambda: None)
        await declared_on(bus.session, kept)
    for _ in range(40):  # what was looked at last may still be on its way back
        if waiting := await deadletters.count(bus.session, kept.name):
            break
        await deferLater(reactor, 0.05, lambda: None)
    assert waiting == 1
    await bus.end()
