"""The outbox: nothing published is lost, and each failure is told to its own message."""

from pika import spec

from kzrules.broker.amqp_errors import NotSendable, OutboxFull, Unroutable
from kzrules.broker.amqp_frames import Outgoing
from kzrules.broker.publisher import Publisher, outgoing
from kzrules.broker.replying import Publishers
from kzrules.broker.zones import Server
from kzrules.errors import BrokerGone, RuleFailure
from kzrules.message.action import Publish, Reply
from kzrules.wire.properties import Properties
from tests.broker.peer import Peer, content


def message(number, exchange="", key="q", **more):
    return Publish(exchange, key, b'{"n":%d}' % number, f"m{number}", **more)


class Broker(Peer):
    """A broker that counts what is published, and confirms when it is told to."""

    def publishes(self):
        self.settle()
        return [
            one.method.routing_key
            for one in self.seen
            if isinstance(getattr(one, "method", None), spec.Basic.Publish)
        ]

    def ids(self):
        self.settle()
        return [one.properties.message_id for one in self.seen if hasattr(one, "properties")]

    @property
    def channel(self):
        """The channel that the last message came on."""
        self.settle()
        return next(one.channel_number for one in reversed(self.seen) if hasattr(one, "properties"))

    def confirm(self, tag, multiple=False):
        self.say(self.channel, spec.Basic.Ack(tag, multiple))

    def nack(self, tag, multiple=False):
        self.say(self.channel, spec.Basic.Nack(tag, multiple))

    def give_back(self, wanted, code=312, text="NO_ROUTE"):
        method = spec.Basic.Return(code, text, wanted.exchange, wanted.routing_key)
        props = spec.BasicProperties(
            content_type="application/json", delivery_mode=2, message_id=wanted.message_id
        )
        self.feed(content(1, method, props, wanted.body))


class Outcome:
    def __init__(self, deferred):
        self.done, self.error = False, None
        deferred.addCallbacks(self._good, self._bad)

    def _good(self, _):
        self.done = True

    def _bad(self, failure):
        self.error = failure.value


def start(limit=10_000, **options):
    broker = Broker()
    publisher = Publisher(broker.clock, limit, **options)
    publisher.session_opened(broker.open())
    broker.settle()
    return broker, publisher


def again(broker, publisher):
    """The connection is lost, and another one is there."""
    broker.drop()
    publisher.session_lost()
    other = Broker(broker.clock)
    publisher.session_opened(other.open())
    other.settle()
    return other


def test_a_publish_fires_when_it_is_confirmed():
    broker, publisher = start()
    sent = Outcome(publisher.publish(message(1)))
    assert broker.publishes() == ["q"]
    assert not sent.done
    broker.confirm(1)
    assert sent.done
    assert publisher.size == 0


def test_nothing_is_published_before_confirms_are_on():
    broker = Broker()
    publisher = Publisher(broker.clock)
    broker.mute.add(spec.Confirm.Select)
    publisher.session_opened(broker.open())
    broker.settle()
    sent = Outcome(publisher.publish(message(1)))
    assert broker.publishes() == []
    broker.say(1, spec.Confirm.SelectOk())
    assert broker.publishes() == ["q"]
    broker.confirm(1)
    assert sent.done


def test_a_message_carries_its_id_its_persistence_and_its_headers():
    plain = Properties(outgoing(message(1)).properties)
    assert plain.as_object() == {"content_type": "application/json", "delivery_mode": 2, "message_id": "m1"}
    full = Properties(outgoing(message(2, headers={"a": 1.5}, persistent=False)).properties)
    assert full.headers == {"a": 1.5}
    assert full.get("delivery_mode") == 1


def test_a_multiple_ack_confirms_everything_up_to_it():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in range(1, 6)]
    broker.confirm(3, multiple=True)
    assert [one.done for one in sent] == [True, True, True, False, False]
    broker.confirm(5, multiple=True)
    assert all(one.done for one in sent)


def test_each_return_fails_its_own_message_under_one_multiple_ack():
    broker, publisher = start()
    wanted = [message(number, key=f"k{number}") for number in range(1, 5)]
    sent = [Outcome(publisher.publish(one)) for one in wanted]
    broker.give_back(wanted[2])
    broker.give_back(wanted[0])
    broker.confirm(4, multiple=True)
    assert [one.done for one in sent] == [False, True, False, True]
    assert isinstance(sent[0].error, Unroutable)
    assert (sent[2].error.code, sent[2].error.routing_key) == (312, "k3")
    assert publisher.unroutable == 2


def test_what_is_unconfirmed_is_sent_again_in_its_order_with_its_ids():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in range(1, 6)]
    broker.confirm(2)
    other = again(broker, publisher)
    assert other.ids() == ["m1"]
    other.confirm(1)
    assert other.ids() == ["m1", "m3", "m4"]
    other.confirm(3, multiple=True)
    assert other.ids() == ["m1", "m3", "m4", "m5"]
    other.confirm(4)
    assert all(one.done for one in sent)
    assert publisher.resent == 4


def test_after_a_break_little_goes_out_until_something_is_confirmed():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in range(1, 7)]
    other = again(broker, publisher)
    other.clock.advance(0.51)
    assert other.ids() == ["m1", "m1", "m2"]
    other.clock.advance(1.01)
    assert other.ids() == ["m1", "m1", "m2", "m1", "m2", "m3", "m4"]
    other.confirm(4, multiple=True)
    assert other.ids()[-2:] == ["m5", "m6"]
    other.confirm(6, multiple=True)
    assert all(one.done for one in sent)


def test_a_queue_that_never_answers_does_not_hold_up_the_others_after_a_break():
    broker, publisher = start()
    stuck, *others = [Outcome(publisher.publish(message(number))) for number in range(1, 7)]
    other = again(broker, publisher)
    other.clock.advance(0.51)
    for tag in range(2, 7):
        other.ids()
        other.confirm(tag)
    assert all(one.done for one in others)
    assert not stuck.done


def test_what_is_published_without_a_session_waits_for_the_next():
    broker, publisher = start()
    broker.drop()
    publisher.session_lost()
    sent = Outcome(publisher.publish(message(1)))
    other = Broker(broker.clock)
    publisher.session_opened(other.open())
    assert other.ids() == ["m1"]
    other.confirm(1)
    assert sent.done


def test_a_nacked_message_is_sent_again_after_a_while():
    broker, publisher = start()
    sent = Outcome(publisher.publish(message(1)))
    broker.nack(1)
    assert broker.ids() == ["m1"]
    broker.clock.advance(0.1)
    assert broker.ids() == ["m1", "m1"]
    broker.confirm(2)
    assert sent.done
    assert publisher.nacked == 1


def test_a_message_nacked_twice_goes_out_on_a_new_channel():
    broker, publisher = start()
    sent = Outcome(publisher.publish(message(1)))
    broker.nack(1)
    broker.clock.advance(0.1)
    broker.nack(2)
    broker.clock.advance(0.21)
    broker.settle()
    assert broker.ids() == ["m1", "m1", "m1"]
    broker.confirm(1)
    assert sent.done
    assert publisher.nacked == 2


def test_without_any_confirm_for_a_while_all_goes_out_on_a_new_channel():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in (1, 2)]
    broker.clock.advance(1.9)
    assert broker.ids() == ["m1", "m2"]
    broker.clock.advance(0.2)
    broker.settle()
    assert broker.ids() == ["m1", "m2", "m1", "m2"]
    broker.confirm(2, multiple=True)
    assert all(one.done for one in sent)
    assert publisher.resent == 2


def test_a_late_confirm_on_a_channel_that_was_left_confirms_nothing_of_the_next():
    broker, publisher = start()
    broker.mute.add(spec.Channel.Close)
    old = Outcome(publisher.publish(message(1)))
    left = broker.channel
    broker.clock.advance(2.1)
    new = Outcome(publisher.publish(message(2)))
    assert broker.ids() == ["m1", "m1", "m2"]
    broker.say(left, spec.Basic.Ack(2, multiple=True))
    assert [old.done, new.done] == [False, False]
    broker.confirm(2, multiple=True)
    assert [old.done, new.done] == [True, True]


def test_a_late_return_on_a_channel_that_was_left_fails_nothing_of_the_next():
    broker, publisher = start()
    broker.mute.add(spec.Channel.Close)
    wanted = message(1)
    sent = Outcome(publisher.publish(wanted))
    broker.clock.advance(2.1)
    assert broker.ids() == ["m1", "m1"]
    broker.give_back(wanted)  # on channel 1, which was left
    broker.confirm(1)
    assert sent.done


def test_what_the_connection_before_confirms_late_confirms_nothing_of_the_preferred_one():
    broker, publisher = start()
    first = Outcome(publisher.publish(message(1)))
    assert broker.ids() == ["m1"]
    publisher.session_lost()  # the preferred broker is back; the connection before is closed behind it
    other = Broker(broker.clock)
    publisher.session_opened(other.open())
    assert other.ids() == ["m1"]
    broker.confirm(1)
    assert not first.done
    other.confirm(1)
    assert first.done


def test_a_missing_exchange_fails_its_messages_and_the_others_are_sent_again():
    broker, publisher = start()
    good = Outcome(publisher.publish(message(1)))
    bad = Outcome(publisher.publish(message(2, exchange="absent")))
    later = Outcome(publisher.publish(message(3)))
    broker.say(
        broker.channel, spec.Channel.Close(404, "NOT_FOUND - no exchange 'absent' in vhost '/'", 60, 40)
    )
    assert isinstance(bad.error, Unroutable)
    assert bad.error.code == 404
    assert broker.ids() == ["m1", "m2", "m3", "m1"]
    broker.confirm(1)
    assert broker.ids() == ["m1", "m2", "m3", "m1", "m3"]
    broker.confirm(2)
    assert good.done
    assert later.done


def test_a_close_that_names_nobody_finds_its_culprit_one_by_one():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in range(1, 4)]
    close = spec.Channel.Close(406, "PRECONDITION_FAILED - message size is larger than configured", 60, 40)
    broker.say(broker.channel, close)
    assert broker.ids()[3:] == ["m1"]
    broker.confirm(1)
    assert broker.ids()[4:] == ["m2"]
    broker.say(broker.channel, close)
    assert isinstance(sent[1].error, Unroutable)
    assert sent[1].error.code == 406
    assert broker.ids()[5:] == ["m3"]
    broker.confirm(1)
    assert [one.done for one in sent] == [True, False, True]
    more = Outcome(publisher.publish_all([message(4), message(5)]))
    assert broker.ids()[6:] == ["m4", "m5"]
    broker.confirm(3, multiple=True)
    assert more.done


def test_a_blocked_connection_holds_publishes_until_it_is_unblocked():
    broker, publisher = start()
    broker.say(0, spec.Connection.Blocked("memory"))
    sent = Outcome(publisher.publish(message(1)))
    assert broker.publishes() == []
    assert not publisher.ready
    broker.say(0, spec.Connection.Unblocked())
    broker.confirm(1)
    assert sent.done


def test_a_full_outbox_says_so_and_says_when_there_is_room():
    broker, publisher = start(limit=4)
    room = []
    publisher.on_room(lambda: room.append(publisher.size))
    for number in range(1, 5):
        publisher.publish(message(number))
    assert publisher.full
    broker.settle()
    broker.confirm(1)
    assert room == [3]
    assert not publisher.full
    broker.confirm(2)
    assert room == [3]


def test_the_outbox_is_bounded_whatever_happens(monkeypatch):
    monkeypatch.setattr("kzrules.broker.publisher.HARD_FLOOR", 10)
    broker, publisher = start(limit=4)
    sent = [Outcome(publisher.publish(message(number))) for number in range(20)]
    assert [one.error is None for one in sent] == [True] * 16 + [False] * 4
    assert isinstance(sent[-1].error, OutboxFull)
    broker.settle()
    broker.confirm(16, multiple=True)
    assert publisher.size == 0


def test_what_several_events_publish_goes_out_in_one_write():
    broker, publisher = start()
    broker.settle()
    writes = broker.wire.writes
    publisher.hold()
    sent = [Outcome(publisher.publish(message(number))) for number in range(3)]
    assert broker.wire.writes == writes
    publisher.release()
    assert broker.wire.writes == writes + 1
    broker.settle()
    broker.confirm(3, multiple=True)
    assert [True, True, True] == [one.done for one in sent]


def test_a_batch_goes_out_in_one_write_and_fires_once():
    broker, publisher = start()
    broker.settle()
    writes = broker.wire.writes
    sent = Outcome(publisher.publish_all([message(number) for number in range(100)]))
    assert broker.wire.writes == writes + 1
    broker.settle()
    broker.confirm(99, multiple=True)
    assert not sent.done
    broker.confirm(100)
    assert sent.done


def test_a_batch_with_one_unroutable_message_fails_once_all_are_decided():
    broker, publisher = start()
    wanted = [message(1, key="a"), message(2, key="b")]
    sent = Outcome(publisher.publish_all(wanted))
    broker.give_back(wanted[0])
    broker.confirm(1)
    assert sent.error is None
    broker.confirm(2)
    assert isinstance(sent.error, Unroutable)


def test_an_empty_batch_is_done():
    _, publisher = start()
    assert Outcome(publisher.publish_all([])).done


def test_what_amqp_cannot_say_fails_alone():
    broker, publisher = start()
    long = Outcome(publisher.publish(message(1, key="k" * 256)))
    odd = Outcome(publisher.publish(message(2, headers={"x": object()})))
    good = Outcome(publisher.publish(message(3)))
    broker.settle()
    broker.confirm(1)
    assert isinstance(long.error, NotSendable)
    assert isinstance(odd.error, RuleFailure)
    assert good.done


def test_draining_ends_when_the_last_message_is_confirmed():
    broker, publisher = start()
    assert Outcome(publisher.drain()).done
    publisher.publish(message(1))
    drained = Outcome(publisher.drain())
    assert not drained.done
    broker.settle()
    broker.confirm(1)
    assert drained.done


def test_stopping_fails_what_is_held_and_leaves_no_delayed_call():
    broker, publisher = start()
    sent = [Outcome(publisher.publish(message(number))) for number in range(1, 3)]
    broker.settle()
    broker.nack(1)
    assert publisher.stop() == 2
    assert all(isinstance(one.error, BrokerGone) for one in sent)
    broker.drop()
    assert broker.clock.getDelayedCalls() == []


def test_without_keep_what_is_unconfirmed_fails_with_its_connection():
    broker, publisher = start(keep=False)
    sent = Outcome(publisher.publish(message(1)))
    broker.drop()
    publisher.session_lost()
    late = Outcome(publisher.publish(message(2)))
    assert isinstance(sent.error, BrokerGone)
    assert isinstance(late.error, BrokerGone)


# Replies

REPLY = Reply("targeted", "asker", b"{}", "m1", "c1", 2)


def zones():
    listed = (Server(1, "home", "a", 1), Server(2, "away", "b", 1))
    home, away = Broker(), Broker()
    away.clock = home.clock
    away.protocol = Broker(home.clock).protocol
    by_zone = {"home": Publisher(home.clock), "away": Publisher(home.clock)}
    by_zone["home"].session_opened(home.open())
    home.settle()
    return home, away, Publishers(listed, by_zone, home.clock), by_zone


def test_a_reply_goes_back_through_the_zone_of_its_question():
    home, away, publishers, by_zone = zones()
    by_zone["away"].session_opened(away.open())
    away.settle()
    sent = Outcome(publishers.reply(REPLY))
    assert home.publishes() == []
    assert away.publishes() == ["asker"]
    away.confirm(1)
    assert sent.done
    assert home.clock.getDelayedCalls()
    props = next(one.properties for one in away.seen if hasattr(one, "properties"))
    assert (props.correlation_id, props.delivery_mode) == ("c1", 1)


def test_a_reply_to_a_zone_that_stays_away_is_counted_and_done_with():
    home, _, publishers, _ = zones()
    early = Outcome(publishers.reply(REPLY))
    assert not early.done
    home.clock.advance(10)
    assert early.done
    late = Outcome(publishers.reply(REPLY))
    assert late.done
    assert publishers.lost_replies == 2


def test_a_reply_that_nobody_takes_is_counted_and_done_with():
    home, _, publishers, _ = zones()
    sent = Outcome(publishers.reply(Reply("targeted", "asker", b"{}", "m1", "c1", 1)))
    home.settle()
    home.give_back(Publish("targeted", "asker", b"{}", "m1"))
    home.confirm(1)
    assert sent.done
    assert publishers.lost_replies == 1


def test_rules_publish_to_the_primary_zone():
    home, _, publishers, _ = zones()
    sent = Outcome(publishers.publish_all([message(1)]))
    home.settle()
    home.confirm(1)
    assert sent.done
    assert Outcome(publishers.publish(message(2))).error is None


def test_what_names_a_broker_goes_through_its_zone_and_all_is_confirmed_together():
    home, away, publishers, by_zone = zones()
    by_zone["away"].session_opened(away.open())
    away.settle()
    pinned = Publish("targeted", "asker", b"{}", "m3", server=2)
    sent = Outcome(publishers.publish_all([message(1), pinned, message(2)]))
    home.settle()
    assert ["asker"] == away.publishes()
    assert 2 == len(home.publishes())
    home.confirm(2, multiple=True)
    assert not sent.done
    away.confirm(1)
    assert sent.done


def test_one_failure_among_zones_is_told_once_all_are_decided():
    home, away, publishers, by_zone = zones()
    by_zone["away"].session_opened(away.open())
    away.settle()
    pinned = Publish("targeted", "asker", b"{}", "m3", server=2)
    sent = Outcome(publishers.publish_all([message(1), pinned]))
    home.settle()
    away.give_back(pinned)
    away.confirm(1)
    assert not sent.done
    home.confirm(1)
    assert isinstance(sent.error, Unroutable)


def test_a_raw_message_is_sent_as_it_is():
    broker, publisher = start()
    sent = Outcome(publisher.send(Outgoing("", "dead", b"body", b"\x00\x00")))
    broker.settle()
    broker.confirm(1)
    assert sent.done
    assert broker.publishes() == ["dead"]


def test_our_own_standstill_is_not_taken_for_a_broker_that_does_not_confirm():
    broker, publisher = start()
    sent = Outcome(publisher.publish(message(1)))
    broker.clock.advance(4.0)
    assert broker.ids() == ["m1"]
    broker.confirm(1)
    assert sent.done
    assert publisher.resent == 0


def test_no_more_is_out_than_a_broker_answers_in_a_moment():
    broker, publisher = start()
    sent = Outcome(publisher.publish_all([message(number) for number in range(5_000)]))
    assert len(broker.ids()) == 4_096
    broker.confirm(4_000, multiple=True)
    assert len(broker.ids()) == 5_000
    broker.confirm(5_000, multiple=True)
    assert sent.done
