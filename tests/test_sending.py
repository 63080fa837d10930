"""Bytes go to the socket in the turn that made them, whole and in order, whatever the socket takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper

from kzrules.sending import at_once


class Poller:
    """Who wants to be told that it may write."""

    def __init__(self):
        self.writers = set()

    def addWriter(self, one):
        self.writers.add(one)

    def removeWriter(self, one):
        self.writers.discard(one)


class Socket(FileDescriptor):
    """Twisted's own buffering over a socket that takes what it is told to."""

    def __init__(self, *takes):
        super().__init__(Poller())
        self.connected = 1
        self.takes = list(takes)
        self.sent = b""

    def writeSomeData(self, data):
        take = self.takes.pop(0) if self.takes else len(data)
        if isinstance(take, Exception):
            return take
        self.sent += bytes(data[:take])
        return min(take, len(data))

    def turn(self):
        while self in self.reactor.writers:
            if isinstance(failed := self.doWrite(), Exception):
                return failed
        return None


def test_a_free_socket_takes_it_at_once_and_nobody_asks_the_reactor():
    socket = Socket()
    write = at_once(socket)
    write(b"one")
    write(b"two")
    assert (socket.sent, socket.reactor.writers) == (b"onetwo", set())


@pytest.mark.parametrize("takes", [0, 2], ids=["nothing", "a part"])
def test_what_the_socket_does_not_take_goes_in_the_next_turn_before_what_comes_later(takes):
    socket = Socket(takes)
    write = at_once(socket)
    write(b"first")
    write(b"second")
    assert socket.sent == b"first"[:takes]
    socket.turn()
    assert socket.sent == b"firstsecond"
    write(b"third")
    assert socket.sent == b"firstsecondthird"


def test_a_socket_that_fails_is_the_transports_to_notice():
    socket = Socket(ConnectionLost("gone"), ConnectionLost("gone"))
    at_once(socket)(b"lost")
    assert socket.sent == b""
    assert isinstance(socket.turn(), ConnectionLost)


def test_a_transport_that_is_no_plain_socket_is_written_to_as_ever():
    transport = StringTransport()
    at_once(transport)(b"whatever")
    assert transport.value() == b"whatever"


def test_nothing_is_written_past_what_is_wrapped_around_a_socket():
    """TLS is wrapped so, and answers for every name of the socket below, which would send it in clear."""
    socket, wrapped = Socket(), []
    wrapper = ProtocolWrapper(None, None)
    wrapper.transport = socket
    wrapper.write = wrapped.append
    at_once(wrapper)(b"secret")
    assert (socket.sent, wrapped) == (b"", [b"secret"])


def test_nor_past_tls_that_was_started_on_it():
    socket, written = Socket(), []
    socket.TLS = True
    socket.write = written.append
    at_once(socket)(b"secret")
    assert (socket.sent, written) == (b"", [b"secret"])


@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=9), st.booleans()), max_size=20),
    st.lists(st.integers(0, 9), max_size=20),
)
def test_both_ways_of_writing_keep_the_order(written, takes):
    socket = Socket(*takes)
    write = at_once(socket)
    for now, data, turn in written:
        (write if now else socket.write)(data)
        if turn:
            socket.turn()
    socket.turn()
    assert socket.sent == b"".join(data for _, data, _ in written)
