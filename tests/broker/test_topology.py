"""What is declared, in which order, and what a refusal says."""

import pytest
from pika import spec

from kzrules.broker.amqp_errors import Refused
from kzrules.broker.topology import as_declared, bind, declare, queue_to_consume
from kzrules.language.program import BindingSpec, ExchangeSpec, QueueSpec, SubscriptionSpec
from kzrules.message.outcome import Place
from tests.broker.peer import Peer, begun, result

HERE = Place("r.kzr", 1)
QUEUE = QueueSpec("q", durable=True, auto_delete=False, type="quorum")


def subscription(queue=QUEUE, exchange=None, routing=()):
    return SubscriptionSpec("s", exchange, queue, routing, HERE)


def declared(spec_, version=(3, 10, 8), refuse=None):
    peer = Peer()
    session = peer.open()
    session.server_version = version
    opening = begun(session.open_channel())
    peer.settle()
    channel = result(opening)
    peer.refuse |= refuse or {}
    declaring = begun(declare(channel, spec_))
    peer.settle()
    return peer, declaring


def test_an_exchange_its_sources_the_queue_and_every_binding_are_declared_in_order():
    source = ExchangeSpec("callmgr", "topic", durable=True)
    exchange = ExchangeSpec("mine", "topic", bindings=(BindingSpec(source, ("a.*", "b.#")),))
    peer, declaring = declared(subscription(exchange=exchange, routing=("x", "y")))
    assert result(declaring) == "q"
    assert peer.methods()[-8:] == [
        "Channel.Open",
        "Exchange.Declare",
        "Exchange.Declare",
        "Exchange.Bind",
        "Exchange.Bind",
        "Queue.Declare",
        "Queue.Bind",
        "Queue.Bind",
    ]
    assert [(one.destination, one.source, one.routing_key) for one in peer.all(spec.Exchange.Bind)] == [
        ("mine", "callmgr", "a.*"),
        ("mine", "callmgr", "b.#"),
    ]
    assert [one.routing_key for one in peer.all(spec.Queue.Bind)] == ["x", "y"]


def test_an_empty_routing_binds_once():
    peer, declaring = declared(subscription(exchange=ExchangeSpec("f", "fanout")))
    result(declaring)
    assert [one.routing_key for one in peer.all(spec.Queue.Bind)] == [""]


def test_a_queue_without_an_exchange_is_only_declared():
    peer, declaring = declared(subscription())
    result(declaring)
    assert peer.all(spec.Queue.Bind) == []


def test_a_server_named_queue_is_bound_by_the_name_that_came_back():
    spec_ = subscription(QueueSpec("", exclusive=True), ExchangeSpec("x", "topic"), ("k",))
    peer, declaring = declared(spec_)
    assert result(declaring) == "amq.gen-1"
    assert peer.last(spec.Queue.Bind).queue == "amq.gen-1"


def test_the_brokers_own_exchanges_are_not_declared():
    peer, declaring = declared(subscription(exchange=ExchangeSpec("amq.topic", "topic"), routing=("k",)))
    result(declaring)
    assert peer.all(spec.Exchange.Declare) == []


def test_a_quorum_queue_is_durable_and_never_exclusive():
    queue = as_declared(QueueSpec("q", exclusive=True, type="quorum", arguments={"x-a": 1}))
    assert (queue.durable, queue.exclusive, queue.auto_delete) == (True, False, False)
    assert queue.arguments == {"x-queue-type": "quorum", "x-a": 1}


def test_a_passive_queue_says_nothing_of_its_kind():
    assert as_declared(QueueSpec("q", passive=True, type="quorum")).arguments == {}


@pytest.mark.parametrize(("version", "limit"), [((3, 10, 8), None), ((4, 1, 0), -1), ((), None)])
def test_rabbitmq_4_is_told_not_to_drop_what_is_redelivered_often(version, limit):
    peer, declaring = declared(subscription(), version)
    result(declaring)
    assert peer.last(spec.Queue.Declare).arguments.get("x-delivery-limit") == limit


def test_a_queue_from_before_an_upgrade_is_taken_as_it_is():
    text = "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q'"
    peer = Peer()
    session = peer.open()
    session.server_version = (4, 0)
    opening = begun(session.open_channel())
    peer.settle()
    channel = result(opening)
    peer.refuse[spec.Queue.Declare] = (406, text)
    peer.mute.add(spec.Queue.Declare)
    declaring = begun(declare(channel, subscription()))
    peer.settle()
    peer.mute.clear()
    peer.refuse.clear()
    peer.say(2, spec.Channel.Close(406, text, 0, 0))
    peer.settle()
    assert result(declaring) == "q"
    assert peer.last(spec.Queue.Declare).arguments == {"x-queue-type": "quorum"}
    assert channel.is_open


@pytest.mark.parametrize(
    ("method", "queue", "code", "text", "says"),
    [
        (
            spec.Queue.Declare,
            QUEUE,
            406,
            "PRECONDITION_FAILED - inequivalent arg 'x-queue-type'",
            [
                "queue 'q' cannot be declared as durable, x-queue-type: quorum",
                "'x-queue-type'",
                "passive: true",
            ],
        ),
        (
            spec.Queue.Declare,
            QueueSpec("q", passive=True),
            404,
            "NOT_FOUND - no queue 'q'",
            ["queue 'q' cannot be declared passive: 404", "make it first"],
        ),
        (spec.Queue.Declare, QueueSpec("q"), 403, "ACCESS_REFUSED", ["let the user of this connection"]),
        (spec.Queue.Declare, QueueSpec("q"), 405, "RESOURCE_LOCKED", ["another connection holds it"]),
        (
            spec.Exchange.Declare,
            QUEUE,
            406,
            "PRECONDITION_FAILED - inequivalent arg 'type'",
            ["exchange 'x' cannot be declared as type topic, not durable", "'type'"],
        ),
    ],
)
def test_a_refusal_says_both_sides_and_what_to_do(method, queue, code, text, says):
    spec_ = subscription(queue, ExchangeSpec("x", "topic"), ("k",))
    _, declaring = declared(spec_, refuse={method: (code, text)})
    with pytest.raises(Refused) as refused:
        result(declaring)
    assert refused.value.code == code
    for words in says:
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        (QUEUE, "q"),
        (QueueSpec("", durable=True, auto_delete=False), None),
        (QueueSpec("q", auto_delete=True), None),
        (QueueSpec("q", auto_delete=False, exclusive=True), None),
    ],
)
def test_only_a_queue_that_outlives_its_connection_is_consumed_without_declaring_it(queue, expected):
    assert queue_to_consume(subscription(queue)) == expected


def test_binding_again_binds_every_key():
    peer = Peer()
    opening = begun(peer.open().open_channel())
    peer.settle()
    binding = begun(
        bind(result(opening), subscription(exchange=ExchangeSpec("x", "topic"), routing=("a", "b")), "q")
    )
    peer.settle()
    assert result(binding) is None
    assert len(peer.all(spec.Queue.Bind)) == 2
