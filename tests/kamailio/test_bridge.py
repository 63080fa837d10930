"""Kamailios that come, stay and go with the rules."""

from dataclasses import replace

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from kzrules.errors import KamailioGone
from kzrules.kamailio.bridge import Bridge
from kzrules.kamailio.frames import HELLO
from kzrules.language.program import KamailioSpec
from kzrules.message.action import Remote, Rpc, Tell, Unanswered
from kzrules.message.outcome import Place


class Kamailio(Protocol):
    """The server side of evapi: keeps what it is sent."""

    def connectionMade(self):
        self.factory.open.append(self)
        self.factory.connections += 1

    def dataReceived(self, data):
        self.factory.came += data

    def connectionLost(self, reason):
        self.factory.open.remove(self)


@pytest.fixture
def servers():
    made, ports = [], []
    for _ in range(2):
        factory = Factory.forProtocol(Kamailio)
        factory.noisy = False
        factory.open, factory.connections, factory.came = [], 0, b""
        ports.append(reactor.listenTCP(0, factory, interface="127.0.0.1"))
        factory.spec = KamailioSpec(f"k{len(made)}", Place("r.kzr", 1), port=ports[-1].getHost().port)
        made.append(factory)
    yield made
    for port in ports:
        pytest_twisted.blockon(port.stopListening())


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("not in time")


@pytest_twisted.ensureDeferred
async def test_a_reload_connects_what_is_new_keeps_what_is_the_same_and_lets_go_of_the_rest(servers):
    first, second = servers
    bridge = Bridge(None, None, reactor)
    bridge.start([first.spec], None)
    await until(lambda: first.came == HELLO)
    bridge._outside = object()
    await bridge.reload([replace(first.spec, place=Place("r.kzr", 9)), second.spec], 1.0)
    await until(lambda: second.open)
    assert (1, 1) == (first.connections, len(first.open))
    await bridge.reload([replace(second.spec, questions=5)], 1.0)
    await until(lambda: not first.open and second.connections == 2)
    assert [("k1", 1)] == [(one.name, one.connections) for one in bridge.standings]
    await bridge.stop(1.0)
    await until(lambda: not second.open)


@pytest_twisted.ensureDeferred
async def test_it_connects_again_when_kamailio_comes_back(servers):
    first, _ = servers
    bridge = Bridge(None, None, reactor)
    bridge.start([first.spec], None)
    await until(lambda: first.open)
    first.open[0].transport.abortConnection()
    await until(lambda: first.connections == 2)
    await until(lambda: first.came.count(b"hello") == 2)
    await bridge.stop(1.0)
    await until(lambda: not first.open)


@pytest_twisted.ensureDeferred
async def test_what_is_told_arrives_and_nobody_is_told_who_is_not_connected(servers):
    first, _ = servers
    bridge = Bridge(None, None, reactor)
    with pytest.raises(KamailioGone):
        await bridge.tell(Tell("k0", "t", b"{}"))
    bridge.start([first.spec], None)
    await until(lambda: first.came)
    await bridge.tell(Tell("k0", "t", b'{"a":1}'))
    await until(lambda: b'{"tag":"t","body":{"a":1}}' in first.came)
    nobody = await bridge.ask(Rpc(Remote("rpc", {}, "x", []), "k0", 1.0))
    assert Unanswered("disconnected") == nobody
    await bridge.stop(1.0)
    await until(lambda: not first.open)
    assert isinstance(bridge.stop(1.0), Deferred)
