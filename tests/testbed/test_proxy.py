"""The proxy does to a connection what it was told to, and nothing else."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol

from testbed.proxy import Proxy
from testbed.proxy_process import ProxyProcess


class Peer(Protocol):
    """Keeps what it receives; `has(n)` waits for it, `lost` fires at the end."""

    def __init__(self):
        self.received, self.lost, self.waiting = b"", Deferred(), []

    def dataReceived(self, data):
        self.received += data
        due, self.waiting = self.waiting, []
        for length, deferred in due:
            self._fire(length, deferred)

    def _fire(self, length, deferred):
        if len(self.received) >= length:
            deferred.callback(self.received)
        else:
            self.waiting.append((length, deferred))

    def has(self, length):
        deferred = Deferred()
        self._fire(length, deferred)
        return deferred

    def connectionLost(self, reason):
        self.lost.callback(reason.type.__name__)


class Server(Factory):
    """Listens where the broker would; gives its connections as they come."""

    noisy = False

    def __init__(self):
        self.peers, self.waiting = [], []

    def buildProtocol(self, addr):
        peer = Peer()
        self.peers.append(peer)
        return peer


@pytest.fixture
def server():
    factory = Server()
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    factory.port = port.getHost().port
    yield factory
    for peer in factory.peers:
        if not peer.lost.called:
            peer.transport.abortConnection()
            pytest_twisted.blockon(peer.lost)
    pytest_twisted.blockon(port.stopListening())


@pytest.fixture
def proxy(server):
    proxy = Proxy(reactor, server.port).start()
    yield proxy
    pytest_twisted.blockon(proxy.stop())


async def dial(proxy):
    return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", proxy.port), Peer())


async def pair(proxy, server):
    """A client through the proxy and the server's end of it, each having heard the other."""
    before = len(server.peers)
    client = await dial(proxy)
    client.transport.write(b"hello")
    while len(server.peers) == before:
        await turn()
    await server.peers[-1].has(5)
    server.peers[-1].transport.write(b"HELLO")
    await client.has(5)
    return client, server.peers[-1]


def turn(seconds=0.01):
    deferred = Deferred()
    reactor.callLater(seconds, deferred.callback, None)
    return deferred


async def test_bytes_pass_in_both_directions_and_so_does_the_end(proxy, server):
    client, peer = await pair(proxy, server)
    client.transport.write(b"x" * 1_000_000)
    assert len(await peer.has(1_000_005)) == 1_000_005
    peer.transport.loseConnection()
    assert await client.lost == "ConnectionDone"


async def test_swallowed_bytes_reach_nobody_and_nobody_is_told_of_an_end(proxy, server):
    client, peer = await pair(proxy, server)
    proxy.swallow()
    client.transport.write(b"into the void")
    client.transport.loseConnection()
    await client.lost
    peer.transport.write(b"are you there?")
    await turn(0.1)
    assert (peer.received, peer.lost.called) == (b"hello", False)


async def test_a_connection_that_lost_bytes_ends_when_the_network_is_back(proxy, server):
    client, _ = await pair(proxy, server)
    proxy.swallow()
    client.transport.write(b"into the void")
    await turn(0.05)
    proxy.passing()
    assert await client.lost in {"ConnectionLost", "ConnectionDone"}
    again, _ = await pair(proxy, server)
    again.transport.abortConnection()
    await again.lost


async def test_delayed_bytes_arrive_late_and_in_order(proxy, server):
    client, peer = await pair(proxy, server)
    proxy.delaying(0.2)
    started = reactor.seconds()
    client.transport.write(b"1")
    await turn()
    client.transport.write(b"2")
    assert await peer.has(7) == b"hello12"
    assert reactor.seconds() - started >= 0.2
    client.transport.abortConnection()
    await client.lost


async def test_what_comes_after_a_delay_does_not_overtake_what_was_delayed(proxy, server):
    client, peer = await pair(proxy, server)
    proxy.delaying(5)
    client.transport.write(b"1")
    await turn(0.05)
    proxy.passing()
    client.transport.write(b"2")
    assert await peer.has(7) == b"hello12"
    client.transport.abortConnection()
    await client.lost


async def test_a_frame_is_cut_before_its_last_byte(proxy, server):
    client, peer = await pair(proxy, server)
    proxy.cut_in_frame()
    peer.transport.write(b"a frame\xce")
    await client.lost
    assert client.received == b"HELLOa frame"


async def test_connections_are_cut_again_and_again(proxy, server):
    proxy.cut_every(0.1)
    for _ in range(2):
        client = await dial(proxy)
        await client.lost
    proxy.passing()
    client, _ = await pair(proxy, server)
    client.transport.abortConnection()
    await client.lost


async def test_a_refusing_proxy_listens_again_when_it_passes(proxy, server):
    await proxy.refuse()
    with pytest.raises(Exception, match="refused"):
        await dial(proxy)
    proxy.passing()
    client, _ = await pair(proxy, server)
    client.transport.abortConnection()
    await client.lost


async def test_a_hanging_proxy_accepts_and_leads_nowhere(proxy, server):
    proxy.hang()
    client = await dial(proxy)
    client.transport.write(b"AMQP")
    await turn(0.05)
    assert (server.peers, client.received) == ([], b"")
    proxy.passing()
    await client.lost


async def test_a_client_is_cut_off_when_there_is_no_broker_behind(proxy):
    proxy.target_port = 1
    client = await dial(proxy)
    assert await client.lost in {"ConnectionLost", "ConnectionDone"}


async def test_the_process_obeys_lines(server):
    process = ProxyProcess(server.port)
    try:
        client, _ = await pair(process, server)
        process.tell("delay 0.01")
        process.tell("cut")
        assert await client.lost in {"ConnectionLost", "ConnectionDone"}
    finally:
        process.stop()
