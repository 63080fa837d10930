"""The connection machine: every transition, with a clock and brokers in memory."""

import pytest
from pika import frame, spec
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock

from kzrules.broker.amqp import Greeting, connect
from kzrules.broker.link import Link, Settings
from kzrules.broker.zones import Rotation, Server
from tests.broker.peer import Peer

A, B, C = (Server(number, "local", f"b{number}", 5672) for number in (1, 2, 3))


class Net:
    """A link, and brokers that behave as told: up, mute, refuse, hang."""

    def __init__(self, *servers, failback=None):
        self.clock = Clock()
        self.behaviour = {server.number: "up" for server in servers}
        self.dialled, self.peers, self.hanging = [], [], []
        self.sessions, self.losses, self.cancelled = [], [], 0
        self.link = Link(
            Rotation(servers, lambda: 1.0),
            self.dial,
            self.clock,
            Settings(2.0, 5.0, failback),
            self.sessions.append,
            self.losses.append,
        )

    def dial(self, server, turn):
        self.dialled.append(server.number)
        dialling = Deferred(self.cancel)
        behaviour = self.behaviour[server.number]
        if behaviour == "refuse":
            dialling.errback(Refused("nobody listens"))
        elif behaviour == "hang":
            self.hanging.append(dialling)
        else:
            peer = Peer(
                self.clock, protocol=connect(Greeting(server.number, "local", server.name), self.clock)
            )
            self.peers.append(peer)
            peer.connect()
            dialling.callback(peer.protocol)
            if behaviour == "up":
                peer.greet()
        return dialling

    def cancel(self, dialling):
        self.cancelled += 1

    def settle(self):
        for peer in self.peers:
            if not peer.gone:
                peer.settle()
            if peer.wire.lost:
                peer.drop() if peer.wire.aborted else peer.hang_up()

    def start(self):
        self.link.start()
        self.settle()
        return self

    def wait(self, seconds):
        self.clock.pump([0.05] * round(seconds / 0.05))
        self.settle()

    def live(self, seconds):
        """Time goes by, and the brokers beat."""
        for _ in range(seconds):
            self.wait(1)
            for peer in self.peers:
                if not peer.gone and peer.wire.lost is None:
                    peer.feed(frame.Heartbeat().marshal())

    def stop(self, *how):
        stopped = []
        self.link.stop(*how).addCallback(lambda _: stopped.append(True))
        self.settle()
        return stopped

    def clean(self):
        self.settle()
        return not self.clock.getDelayedCalls()


def test_it_connects_to_the_first_broker():
    net = Net(A, B).start()
    assert net.link.state == "ready"
    assert net.sessions[0].server == 1
    assert net.dialled == [1]


def test_a_link_that_never_started_stops():
    net = Net(A)
    assert net.stop() == [True]
    assert net.link.state == "stopped"


def test_a_stopped_link_can_start_again():
    net = Net(A).start()
    net.stop()
    net.start()
    assert net.link.state == "ready"
    assert len(net.sessions) == 2


def test_starting_twice_is_the_same_as_once():
    net = Net(A).start().start()
    assert net.dialled == [1]
    net.stop()
    assert net.clean()


def test_a_lost_connection_is_followed_by_the_next_broker_without_delay():
    net = Net(A, B).start()
    net.wait(5)
    net.peers[0].drop()
    net.clock.advance(0)
    net.settle()
    assert net.link.state == "ready"
    assert net.sessions[1].server == 2
    assert len(net.losses) == 1
    assert "lost" in str(net.losses[0])


def test_a_broker_that_hangs_up_on_everybody_is_tried_with_growing_delays():
    net = Net(A).start()
    gaps = []
    for _ in range(4):
        net.peers[-1].drop()
        began, known = net.clock.seconds(), len(net.dialled)
        while len(net.dialled) == known:
            net.wait(0.05)
        gaps.append(round(net.clock.seconds() - began, 2))
    assert gaps == pytest.approx([0.2, 0.4, 0.8, 1.6], abs=0.06)


def test_all_brokers_refusing_leads_to_waiting_and_another_round():
    net = Net(A, B)
    net.behaviour = {1: "refuse", 2: "refuse"}
    net.start()
    assert net.link.state == "waiting"
    assert net.dialled == [1, 2]
    assert "cannot be reached" in str(net.link.last_error)
    net.behaviour = {1: "up", 2: "up"}
    net.wait(0.2)
    assert net.link.state == "ready"


@pytest.mark.parametrize("bad", ["refuse", "hang", "mute"])
def test_the_third_of_the_list_is_reached_within_one_and_a_half_timeouts(bad):
    net = Net(A, B, C)
    net.behaviour |= {1: bad, 2: bad}
    net.start()
    net.wait(1.5 * 2.0)
    assert net.link.state == "ready"
    assert net.sessions[0].server == 3
    net.stop()
    net.settle()
    assert net.clean()


def test_a_mute_peer_is_aborted_when_the_handshake_takes_too_long():
    net = Net(A)
    net.behaviour[1] = "mute"
    net.start()
    assert net.link.state == "opening"
    net.wait(5.05)
    assert net.peers[0].wire.aborted
    assert "did not finish the handshake within 5 s" in str(net.link.last_error)
    assert net.link.state == "waiting"


def test_a_dial_that_takes_too_long_is_cancelled():
    net = Net(A)
    net.behaviour[1] = "hang"
    net.start()
    assert net.link.state == "dialing"
    net.wait(2.05)
    assert net.cancelled == 1
    assert "did not take the connection within 2 s" in str(net.link.last_error)


def test_losing_the_transport_in_the_handshake_leads_to_waiting():
    net = Net(A)
    net.behaviour[1] = "mute"
    net.start()
    net.peers[0].drop()
    assert net.link.state == "waiting"
    assert net.sessions == []
    assert net.losses == []


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [("hang", "dialing"), ("mute", "opening"), ("up", "ready"), ("refuse", "waiting")],
)
def test_stopping_in_every_state_leaves_nothing_behind(behaviour, state):
    net = Net(A)
    net.behaviour[1] = behaviour
    net.start()
    assert net.link.state == state
    stopped = net.stop()
    net.settle()
    assert stopped == [True]
    assert net.link.state == "stopped"
    assert net.clean()


def test_draining_waits_for_the_work_and_then_closes():
    net = Net(A).start()
    work = Deferred()
    stopped = net.stop(lambda: work, 10.0)
    assert net.link.state == "draining"
    assert stopped == []
    work.callback(None)
    net.settle()
    net.settle()
    assert stopped == [True]
    assert "Connection.Close" in net.peers[0].methods()
    assert net.clean()


def test_draining_does_not_wait_for_ever():
    net = Net(A).start()
    stopped = net.stop(Deferred, 3.0)
    net.wait(3.05)
    net.settle()
    assert stopped == [True]
    assert net.clean()


def test_losing_the_connection_while_draining_ends_it():
    net = Net(A).start()
    stopped = net.stop(Deferred, 3.0)
    net.peers[0].drop()
    assert stopped == [True]
    assert net.clean()


def test_stopping_while_draining_or_closing_is_told_to_both():
    net = Net(A).start()
    net.peers[0].mute.add(type(None))
    first = net.stop(Deferred, 3.0)
    second = net.stop()
    net.wait(3.05)
    net.settle()
    assert first == second == [True]


def test_a_peer_that_does_not_answer_the_close_is_aborted():
    net = Net(A).start()
    net.peers[0].mute.add(spec.Connection.Close)
    stopped = net.stop()
    assert net.link.state == "closing"
    net.wait(1.55)
    assert net.peers[0].wire.aborted
    assert stopped == [True]
    assert net.clean()


def test_stopping_from_the_callback_of_a_loss_stops():
    net = Net(A).start()
    stopped = []
    net.link._core.on_lost = lambda _: net.link.stop().addCallback(lambda _: stopped.append(True))
    net.wait(2)
    net.peers[0].drop()
    net.settle()
    assert stopped == [True]
    assert net.link.state == "stopped"
    assert net.clean()


def test_a_refused_login_is_tried_at_the_next_broker_and_said_in_the_brokers_words():
    net = Net(A, B)
    net.behaviour[1] = "mute"
    net.start()
    net.peers[0].refuse[spec.Connection.StartOk] = (403, "ACCESS_REFUSED - Login was refused")
    net.peers[0].greet()
    net.settle()
    assert net.sessions[0].server == 2
    assert "refused the login of user 'guest': 403 ACCESS_REFUSED" in str(net.link.last_error)


def test_failback_returns_to_the_preferred_broker_when_it_is_up_again():
    net = Net(A, B, failback=60.0)
    net.behaviour[1] = "refuse"
    net.start()
    assert net.sessions[0].server == 2
    net.live(61)
    assert net.link.session.server == 2
    net.behaviour[1] = "up"
    net.live(61)
    assert net.link.session.server == 1
    assert [session.server for session in net.sessions] == [2, 1]
    assert "preferred" in str(net.losses[0])
    assert net.link.state == "ready"
    net.stop()
    net.settle()
    assert net.clean()


def test_the_preferred_broker_to_which_it_went_back_may_be_lost_again():
    net = Net(A, B, failback=60.0)
    for turn in range(1, 4):
        net.behaviour[1] = "refuse"
        if turn == 1:
            net.start()
        else:
            net.peers[-1].drop()
            net.live(1)
        assert net.link.session.server == 2
        net.behaviour[1] = "up"
        net.live(61)
        assert net.link.session.server == 1
    assert net.link.losses == 2
    net.stop()
    net.settle()
    assert net.clean()


def test_without_failback_it_stays_where_it_is():
    net = Net(A, B)
    net.behaviour[1] = "refuse"
    net.start()
    net.behaviour[1] = "up"
    net.live(400)
    assert net.link.session.server == 2
