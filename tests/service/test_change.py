"""What a reload takes away from a queue."""

from dataclasses import replace

from kzrules.language.program import ExchangeSpec, QueueSpec, SubscriptionSpec
from kzrules.message.outcome import Place
from kzrules.service.change import unbound

OLD = SubscriptionSpec(
    "calls",
    ExchangeSpec("in", "topic"),
    QueueSpec("shared", durable=True),
    ("call.#", "channel.#"),
    Place("a.kzr", 1),
)
NEW = replace(OLD, routing=("call.#",))


def test_a_routing_key_that_the_new_rules_do_not_have_is_unbound():
    assert unbound(OLD, NEW, [NEW]) == (("in", "channel.#"),)


def test_what_another_subscription_of_the_same_queue_wants_stays_bound():
    other = replace(OLD, name="channels", routing=("channel.#",))
    assert unbound(OLD, NEW, [NEW, other]) == ()


def test_what_is_wanted_for_another_queue_is_no_reason_to_keep_it():
    other = replace(OLD, name="channels", queue=QueueSpec("own", durable=True), routing=("channel.#",))
    assert unbound(OLD, NEW, [NEW, other]) == (("in", "channel.#"),)


def test_queues_that_the_broker_names_are_never_the_same():
    old, new = (replace(one, queue=QueueSpec("", exclusive=True)) for one in (OLD, NEW))
    other = replace(old, name="channels", routing=("channel.#",))
    assert unbound(old, new, [new, other]) == (("in", "channel.#"),)
