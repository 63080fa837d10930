"""Stand-ins for the broker, the rules and the pool: everything that happens is appended to one list."""

import json
import time
from dataclasses import replace

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from kzrules.broker.consumer import Consumer
from kzrules.broker.perform import Outside
from kzrules.broker.settle import HOLD
from kzrules.broker.workers import Workers
from kzrules.errors import BrokerGone, RuleFailure
from kzrules.language.program import FailurePolicy, QueueSpec, SubscriptionSpec
from kzrules.message.action import Answered
from kzrules.message.delivery import Delivery
from kzrules.message.event import Event
from kzrules.message.outcome import Ack, Cause, Place, Reject, Retry
from kzrules.routing.decide import Ended
from kzrules.wire import retries

DEAD = FailurePolicy(2, 1.0, 10.0, "dead_letter", "work.dead")
QUEUE = QueueSpec("work", durable=True, auto_delete=False, type="quorum")
SPEC = SubscriptionSpec("jobs", None, QUEUE, (), Place("jobs.kzr", 1), on_failure=DEAD, prefetch=20)
VOLATILE = QueueSpec("own", exclusive=True)


def done(*actions, unmatched=False):
    return Ended(Ack(unmatched=unmatched), actions, (), "r")


def ended(outcome, *actions):
    return Ended(outcome, actions, (), "r")


class Rules:
    """A book whose rule is a Python function of (payload, event); `k` orders, `id` makes duplicates."""

    def __init__(self, rule):
        self.rule = rule

    def decode(self, delivery, received_at):
        try:
            payload = json.loads(delivery.body)
        except ValueError:
            return Reject("not JSON", Cause.PAYLOAD)
        first = retries.origin(delivery)
        return Event(
            delivery, payload, received_at, first.exchange, first.routing_key, first.attempt, first.exempt
        )

    def order_key(self, event):
        if event.received.get("k") == "bad":
            raise RuleFailure("no key")
        return event.received.get("k")

    def dedupe_key(self, event):
        return event.received.get("id")

    def run(self, event, now):
        return self.rule(event.received, event)


class Reactor(Clock):
    """A clock that takes calls from threads, too."""

    def callFromThread(self, call, *args):
        self.callLater(0, call, *args)


class AtOnce:
    """A pool that works while it is called."""

    def start(self):
        pass

    def stop(self):
        pass

    def callInThread(self, call):
        call()


class FakeChannel:
    """Settles into the list; its generation is given."""

    def __init__(self, happened, generation, refuse=None):
        self.happened = happened
        self.generation = generation
        self.refuse = refuse or {}
        self.closed = []
        self.is_open = True
        self.on_deliveries = self.on_cancelled = None
        self.sent = 0
        self.consumers = 1

    def on_closed(self, callback):
        self.closed.append(callback)

    async def count_messages(self, queue):
        return 0, self.consumers

    async def declare_queue(self, queue):
        self._ask("declare", queue.name)
        return queue.name or "amq.gen-1"

    async def get(self, queue):
        return None

    async def consume(self, queue, source, on_deliveries, on_cancelled):
        self._ask("consume", queue)
        self.source, self.on_deliveries, self.on_cancelled = source, on_deliveries, on_cancelled
        return "tag"

    async def cancel(self, tag):
        self.happened.append(("cancel", self.generation))

    async def close(self):
        self.lose(BrokerGone("closed by us"))

    def _ask(self, what, name):
        self.happened.append((what, name))
        if what in self.refuse:
            error = self.refuse.pop(what)
            self.lose(error)
            raise error

    def lose(self, error):
        if self.is_open:
            self.is_open = False
            self.happened.append(("closed", self.generation))
            for callback in self.closed:
                callback(error)

    def ack(self, tag, *, multiple=False):
        self.happened.append(("ack", tag, multiple))

    def ack_all(self, acks):
        for tag, multiple in acks:
            self.ack(tag, multiple=multiple)

    def reject(self, tag, *, requeue):
        self.happened.append(("reject", tag, requeue))

    def nack(self, tag, *, multiple, requeue):
        self.happened.append(("nack", tag, multiple, requeue))

    def deliver(self, *bodies, redelivered=False, exchange="events", key="some.key", properties=b"\0\0"):
        batch = []
        for body in bodies:
            self.sent += 1
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            batch.append(Delivery(self.source, self.sent, redelivered, exchange, key, properties, raw))
        self.on_deliveries(batch)


class FakeSession:
    """Opens fake channels; `refuse` is what the next ones refuse."""

    server, zone, name = 1, "local", "rabbit:5672"

    def __init__(self, happened):
        self.happened = happened
        self.channels = []
        self.refuse = {}
        self.lost = []
        self.is_open = True

    async def open_channel(self, *, confirms=False, prefetch=0):
        channel = FakeChannel(self.happened, len(self.channels) + 1, self.refuse)
        self.channels.append(channel)
        return channel

    def on_lost(self, callback):
        self.lost.append(callback)

    def lose(self):
        self.is_open = False
        error = BrokerGone("the connection is gone")
        for channel in self.channels:
            channel.lose(error)
        for callback in self.lost:
            callback(error)


class House:
    """A consumer with everything around it."""

    def __init__(self, rule, spec=SPEC, *, pool=None, workers=1, clock=None):
        self.happened = []
        self.clock = clock or Reactor()
        self.workers = Workers(workers, self.clock, pool or AtOnce())
        self.workers.start()
        self.publishing = lambda messages: succeed(None)
        self.sending = lambda message: succeed(None)
        self.asking = lambda query: succeed(Answered({"answer": query.msg_id}))
        self.copies = []
        outside = Outside(
            publish_all=self._publish,
            reply=lambda reply: self.happened.append(("reply", reply.routing_key)),
            ask=lambda query: self.asking(query),  # noqa: PLW0108  tests put another one there later
            after=lambda after: self.happened.append(("after", after.name)),
            log=lambda line: self.happened.append(("log", line.text)),
        )
        self.consumer = Consumer(
            spec,
            "local",
            clock=self.clock,
            workers=self.workers,
            book=lambda: Rules(rule),
            outside=outside,
            send=self._send,
            declare=lambda channel: channel.declare_queue(spec.queue),
            wall=lambda: 0.0,
            jitter=lambda: 0.5,
        )
        self.session = None

    def _publish(self, messages):
        self.happened.append(("publish", [message.message_id for message in messages]))
        return self.publishing(messages)

    def _send(self, message):
        self.happened.append(("copy", message.routing_key))
        self.copies.append(message)
        return self.sending(message)

    def connect(self):
        self.session = FakeSession(self.happened)
        self.consumer.use(self.session)
        self.turn()
        return self

    def turn(self, seconds=0):
        """Let the clock move, and everything that is due happen."""
        self.clock.advance(seconds)
        for _ in range(30):
            self.clock.advance(0)
        self.clock.advance(HOLD)  # an ack may wait so long for others

    @property
    def channel(self):
        return next(one for one in reversed(self.session.channels) if one.on_deliveries is not None)

    @property
    def count(self):
        return self.consumer.counters

    def settled(self):
        """What was written about deliveries, in order."""
        return [what for what in self.happened if what[0] in {"ack", "reject", "nack"}]

    def stop_timers(self):
        self.consumer.abandon()


def spec(**changes):
    return replace(SPEC, **changes)


def pending():
    return Deferred()


def until(met, seconds=30):
    """Wait for a condition of other threads, with a deadline."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to pass in time")
        time.sleep(0.001)


__all__ = ["Cause", "Retry"]
