"""Whatever happens in between: no delivery is acknowledged before all that its event caused is confirmed."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from kzrules.broker.amqp_errors import Unroutable
from kzrules.language.program import DedupePolicy
from kzrules.message.action import Answered, Publish, Query
from kzrules.message.outcome import Ack, Reject, Retry
from kzrules.routing.decide import DONE, Ended, Waiting
from tests.broker.hands import House, spec

KINDS = ("plain", "publish", "ask", "publish, ask", "publish, ask, publish", "retry", "reject")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)),
        st.tuples(st.just("confirm"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("answer"), st.integers(0, 5)),
        st.tuples(st.just("lose")),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 1.1, 5.0])),
    ),
    max_size=30,
)


def rule(payload, _event):  # noqa: PLR0911  one case a kind
    """As the compiled rules: what asked for nothing since its last wait ends in `DONE` itself."""
    number, end = payload["n"], Ended(DONE, (), (), "r")
    first, second = (Publish("out", "key", b"{}", f"{number}-{part}") for part in (1, 2))
    ask = Query("ask", "key", b"{}", f"q{number}", 2.0)
    match payload["kind"]:
        case "publish":
            return Ended(Ack(), (first,), (), "r")
        case "ask":
            return Waiting(ask, (), (), lambda *_: end, "r")
        case "publish, ask":
            return Waiting(ask, (first,), (), lambda *_: end, "r")
        case "publish, ask, publish":
            return Waiting(ask, (first,), (), lambda *_: Ended(DONE, (second,), (), "r"), "r")
        case "retry":
            return Ended(Retry("not now"), (), (), "r")
        case "reject":
            return Ended(Reject("never"), (), (), "r")
    return end


MESSAGES = {"publish": {1}, "publish, ask": {1}, "publish, ask, publish": {1, 2}}
"""What an event of a kind publishes before it may be acknowledged."""


class Broker:
    """Delivers again what is not acknowledged, and confirms when it is told to. A run is one delivery."""

    def __init__(self, changes):
        self.it = House(rule, spec(**changes))
        self.deduped = "dedupe" in changes
        self.it.publishing, self.it.sending = self.published, self.copied
        self.it.asking = self.asked
        self.kinds, self.runs = [], []  # of each event; the event of each run
        self.unconfirmed, self.questions = [], []
        self.confirmed, self.copies = set(), set()  # (run, part); events of which a copy is safe
        self.acked = set()
        self.it.connect()

    def published(self, messages):
        parts = {tuple(map(int, one.message_id.split("-"))) for one in messages}
        return self.until_confirmed(lambda: self.confirmed.update(parts))

    def copied(self, message):
        event = self.runs[json.loads(message.body)["n"]]
        return self.until_confirmed(lambda: self.copies.add(event))

    def until_confirmed(self, confirmed):
        waiting = Deferred()
        self.unconfirmed.append((waiting, confirmed))
        return waiting

    def asked(self, _query):
        answer = Deferred()
        self.questions.append(answer)
        return answer

    def hand_over(self, events, *, again=False):
        channel = self.it.channel
        tags = vars(channel).setdefault("tags", {})
        channel.ack = lambda tag, *, multiple=False: self.take_ack(tags, tag, multiple)
        for event in events:
            tags[channel.sent + 1] = len(self.runs)
            self.runs.append(event)
            body = {"n": len(self.runs) - 1, "kind": self.kinds[event], "id": event}
            channel.deliver(body, redelivered=again)
        self.it.turn()

    def take_ack(self, tags, tag, multiple):
        for one in [known for known in tags if known == tag or (multiple and known < tag)]:
            run = tags.pop(one)
            event = self.runs[run]
            assert self.is_safe(run) or event in self.copies or self.was_safe(event), self.kinds[event]
            self.acked.add(event)

    def is_safe(self, run):
        """Whether all that a run publishes is confirmed; one that fails needs its copy."""
        kind = self.kinds[self.runs[run]]
        needed = {(run, part) for part in MESSAGES.get(kind, ())}
        return needed <= self.confirmed and kind not in {"retry", "reject"}

    def was_safe(self, event):
        """With `dedupe` an earlier run may speak for a later one."""
        earlier = [run for run, of in enumerate(self.runs) if of == event and self.kinds[of] in MESSAGES]
        return self.deduped and any(map(self.is_safe, earlier))

    def deliver(self, kinds):
        if self.it.consumer.health.consuming:
            self.kinds += kinds
            self.hand_over(range(len(self.kinds) - len(kinds), len(self.kinds)))

    def confirm(self, which, well):
        if which < len(self.unconfirmed):
            waiting, confirmed = self.unconfirmed.pop(which)
            if well:
                confirmed()
                waiting.callback(None)
            else:
                waiting.errback(Unroutable(312, "NO_ROUTE", "out", "key"))
            self.it.turn()

    def answer(self, which):
        if which < len(self.questions):
            self.questions.pop(which).callback(Answered({}))
            self.it.turn()

    def wait(self, seconds):
        self.it.turn(seconds)

    def lose(self):
        self.it.session.lose()
        self.it.turn()
        self.it.connect()
        self.it.turn(1.0)
        self.hand_over([one for one in range(len(self.kinds)) if one not in self.acked], again=True)

    def finish(self):
        """All is answered and confirmed, as often as it takes."""
        for _ in range(200):
            if len(self.acked) == len(self.kinds):
                return
            self.confirm(0, well=True)
            self.answer(0)
            self.wait(0.5)


SETTINGS = st.sampled_from([{}, {"ordered": True}, {"dedupe": DedupePolicy(60.0, 1000)}])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(SETTINGS, STEPS)
def test_nothing_is_acknowledged_too_early_and_everything_in_the_end(changes, steps):
    broker = Broker(changes)
    for name, *arguments in steps:
        getattr(broker, name)(*arguments)
    broker.finish()
    assert broker.acked == set(range(len(broker.kinds)))
    broker.it.stop_timers()
