"""Whatever a broker does: no message counts as arrived that it has not confirmed, and none is forgotten."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pika import spec

from kzrules.broker.publisher import Publisher
from tests.broker.test_publisher import Broker, Outcome, message

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4)),
        st.tuples(st.just("confirm"), st.integers(0, 3), st.integers(1, 6), st.booleans(), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from([0.05, 0.3, 0.6, 2.1])),
        st.tuples(st.just("lose")),
        st.tuples(st.just("go back")),
        st.tuples(st.just("close")),
    ),
    max_size=30,
)


class Brokers:
    """Every broker that was ever connected, with what each of its channels was sent and has confirmed."""

    def __init__(self):
        self.now = Broker()
        self.all = [self.now]
        self.publisher = Publisher(self.now.clock)
        self.sent = []
        self.arrived = set()
        self.open(self.now)

    def open(self, broker):
        broker.mute.add(spec.Channel.Close)  # so that a channel that was left can still speak
        self.publisher.session_opened(broker.open())
        broker.settle()

    def channels(self):
        """(broker, number, ids in the order in which they came), the newest first."""
        found = {}
        for broker in self.all:
            broker.settle()
            for one in broker.seen:
                if hasattr(one, "properties"):
                    found.setdefault((broker, one.channel_number), []).append(one.properties.message_id)
        return [(*key, ids) for key, ids in reversed(found.items())]

    def publish(self, many):
        for _ in range(many):
            self.sent.append(Outcome(self.publisher.publish(message(len(self.sent)))))

    def confirm(self, which, tag, multiple, ok):
        channels = self.channels()
        if which < len(channels) and not channels[which][0].gone:
            broker, number, ids = channels[which]
            if tag <= len(ids):
                if ok:
                    self.arrived.update(ids[:tag] if multiple else [ids[tag - 1]])
                broker.say(number, spec.Basic.Ack(tag, multiple) if ok else spec.Basic.Nack(tag, multiple))

    def wait(self, seconds):
        self.now.clock.advance(seconds)
        self.now.settle()

    def lose(self):
        self.now.drop()
        self.go_back()

    def go_back(self):
        """To another broker, while the connection before is still there."""
        self.publisher.session_lost()
        self.now = Broker(self.now.clock)
        self.all.append(self.now)
        self.open(self.now)

    def close(self):
        newest = next((one for one in self.channels() if one[0] is self.now), None)
        if newest is not None:
            self.now.say(newest[1], spec.Channel.Close(541, "INTERNAL_ERROR", 60, 40))

    def check(self):
        for number, outcome in enumerate(self.sent):
            assert not outcome.done or f"m{number}" in self.arrived, f"m{number} was never confirmed"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_message_counts_as_arrived_when_a_broker_said_so_and_each_is_decided_in_the_end(steps):
    brokers = Brokers()
    for name, *arguments in steps:
        getattr(brokers, name.replace(" ", "_"))(*arguments)
        brokers.check()
    brokers.lose()
    for _ in range(60):
        _, number, ids = next((one for one in brokers.channels() if one[0] is brokers.now), (None, 0, ()))
        if ids:
            brokers.arrived.update(ids)
            brokers.now.say(number, spec.Basic.Ack(len(ids), multiple=True))
        brokers.wait(0.6)
    brokers.check()
    assert [outcome for outcome in brokers.sent if not (outcome.done or outcome.error)] == []
    brokers.publisher.stop()
