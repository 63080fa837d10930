"""What a subscription declared is declared again, and what is there as another is bound as it is."""

from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from kzrules.broker.amqp_errors import Refused
from kzrules.broker.keeping import PERIOD, SECOND_LOOK, Keeping
from tests.broker.hands import FakeSession


class Kept:
    """A Keeping whose declarations and bindings are written down."""

    def __init__(self, refusal=None):
        self.clock, self.happened, self.refusal = Clock(), [], refusal
        self.consumers = 1
        self.keeping = Keeping(
            "jobs",
            declare=self.declare,
            bind=self.bind,
            renew=lambda: succeed(None),
            unheard=lambda: self.happened.append("unheard"),
            clock=self.clock,
        )
        self.keeping.begin(FakeSession(self.happened), at_once=True)

    async def declare(self, channel):
        self.happened.append("declare")
        channel.consumers = self.consumers
        if self.refusal is not None:
            channel.lose(self.refusal)
            raise self.refusal
        return "jobs"

    async def bind(self, channel):
        self.happened.append("bind")

    def after(self, seconds):
        del self.happened[:]
        self.clock.advance(seconds)
        return [one for one in self.happened if isinstance(one, str)]


def test_all_is_declared_again_from_time_to_time():
    kept = Kept()
    assert kept.after(0) == ["declare"]
    assert kept.after(PERIOD - 1) == []
    assert kept.after(1) == ["declare"]
    assert kept.keeping.trouble is None


def test_an_exchange_that_was_made_again_as_another_type_is_bound_as_it_is_and_told():
    kept = Kept(Refused("it is a fanout exchange", 406, "PRECONDITION_FAILED"))
    assert kept.after(0) == ["declare", "bind"]
    assert kept.keeping.trouble == "it is a fanout exchange"


def test_a_missing_permission_binds_nothing_and_is_told():
    kept = Kept(Refused("access refused", 403, "ACCESS_REFUSED"))
    assert kept.after(0) == ["declare"]
    assert kept.keeping.trouble == "access refused"


def test_a_queue_that_has_no_consumer_at_two_looks_is_told():
    kept = Kept()
    kept.consumers = 0
    assert kept.after(0) == ["declare"]
    assert kept.after(SECOND_LOOK) == ["declare", "unheard"]


def test_one_look_that_finds_no_consumer_may_err():
    kept = Kept()
    kept.consumers = 0
    kept.after(0)
    kept.consumers = 1
    assert kept.after(SECOND_LOOK) == ["declare"]
    assert kept.after(SECOND_LOOK) == []
    assert kept.after(PERIOD) == ["declare"]
