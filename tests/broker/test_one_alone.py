"""What befalls one subscription is its own affair: the others on the same connection do not notice."""

import pytest
from pika import spec as amqp

from kzrules.broker.settle import HOLD
from tests.broker.hands import House, Reactor, done, spec
from tests.broker.peer import Peer, delivery


class TwoOnOneConnection:
    """Two consumers and the broker's side of their connection."""

    def __init__(self):
        clock = Reactor()
        self.peer = Peer(clock)
        self.houses = [House(lambda payload, event: done(), spec(name=name), clock=clock) for name in "ab"]
        session = self.peer.open()
        for house in self.houses:
            house.consumer.use(session)
            self.turn()
        self.channels = self.consuming()

    def consuming(self):
        """The channels on which consumers were registered, in order."""
        return [
            one.channel_number
            for one in self.peer.seen
            if isinstance(getattr(one, "method", None), amqp.Basic.Consume)
        ]

    def turn(self, seconds=0):
        self.peer.clock.advance(seconds)
        for _ in range(30):
            self.peer.clock.advance(0)
            self.peer.settle()
        self.peer.clock.advance(HOLD)  # an ack may wait so long for others
        self.peer.settle()

    def deliver(self, channel, tag):
        self.peer.feed(delivery(channel, tag, key="some.key"))
        self.turn()

    def acked(self, channel):
        return [
            one.method.delivery_tag
            for one in self.peer.seen
            if isinstance(getattr(one, "method", None), amqp.Basic.Ack) and one.channel_number == channel
        ]

    def end(self):
        for house in self.houses:
            house.stop_timers()
        self.peer.drop()


@pytest.fixture
def two():
    both = TwoOnOneConnection()
    yield both
    both.end()


def close(code, text):
    return amqp.Channel.Close(code, text, 60, 20)


@pytest.mark.parametrize(
    "ends",
    [
        close(541, "INTERNAL_ERROR"),
        close(404, "NOT_FOUND - no queue 'work' in vhost '/'"),
        close(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out"),
        amqp.Basic.Cancel("tag"),
    ],
    ids=["541", "404", "406", "cancel"],
)
def test_one_consumes_again_and_the_other_goes_on_where_it_is(two, ends):
    hurt, well = two.channels
    if isinstance(ends, amqp.Basic.Cancel):
        ends = amqp.Basic.Cancel(two.peer.all(amqp.Basic.Consume)[0].consumer_tag)
    two.deliver(well, 1)
    two.peer.say(hurt, ends)
    two.deliver(well, 2)
    assert not two.houses[0].consumer.health.consuming
    assert two.houses[1].consumer.health.consuming
    two.turn(0.5)
    assert [house.consumer.health.consuming for house in two.houses] == [True, True]
    hurt_again = two.consuming()[-1]
    assert two.consuming() == [hurt, well, hurt_again]
    two.deliver(hurt_again, 1)
    two.deliver(well, 3)
    assert two.acked(hurt_again) == [1]
    assert two.acked(well) == [1, 2, 3]
    assert two.peer.all(amqp.Connection.Close) == []


def test_closed_again_and_again_it_waits_longer_each_time_and_the_other_goes_on(two):
    well, pauses = two.channels[1], []
    for tag in range(1, 5):
        began = two.peer.clock.seconds()
        two.peer.say(two.consuming()[-1] if pauses else two.channels[0], close(541, "INTERNAL_ERROR"))
        while not two.houses[0].consumer.health.consuming:
            two.turn(0.05)
        pauses.append(two.peer.clock.seconds() - began)
        two.deliver(well, tag)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]
    assert two.acked(well) == [1, 2, 3, 4]
