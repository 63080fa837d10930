"""Peers that are there and do nothing, over TCP and TLS; and certificates."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import Factory, Protocol

from kzrules.broker.link import Link, links
from kzrules.broker.publisher import Publisher
from kzrules.errors import SettingError
from kzrules.language.program import BrokerSpec, QueueSpec, ZoneSpec
from kzrules.message.action import Publish
from kzrules.message.delivery import Source
from testbed import Node
from testbed.broker import find_programs
from testbed.certificates import make_certificates
from testbed.ground import Ground
from testbed.proxy import Proxy
from tests.broker.test_live_link import until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_rabbit(authority):
    ground = Ground(find_programs(lambda _: None))
    yield Node(ground, tls=authority).start()
    ground.close()


class Connection:
    def __init__(self, *urls, **settings):
        self.sessions, self.losses = [], []
        spec = BrokerSpec((ZoneSpec("local", urls),), **settings)
        made = links(spec, ("guest", "guest"), reactor, "test", self.sessions.append, self._lost)
        self.link: Link = made["local"]
        self.link.start()

    def _lost(self, _zone, error):
        self.losses.append((reactor.seconds(), error))


def through(proxy, tls=False):
    return f"{'amqps' if tls else 'amqp'}://localhost:{proxy.port}/"


@pytest_twisted.ensureDeferred
async def test_a_peer_that_vanishes_without_a_fin_is_noticed_within_two_heartbeats(rabbit):
    proxy = Proxy(reactor, rabbit.amqp_port).start()
    connection = Connection(through(proxy), rabbit.url, heartbeat=1.0)
    await until(lambda: connection.sessions)
    proxy.swallow()
    silent = reactor.seconds()
    await until(lambda: len(connection.sessions) == 2)
    assert connection.losses[0][0] - silent < 2.0 + 0.3
    assert "no sign of life" in str(connection.losses[0][1])
    assert reactor.seconds() - connection.losses[0][0] < 1.0
    await connection.link.stop()
    await proxy.stop()


@pytest_twisted.ensureDeferred
async def test_the_same_over_tls(tls_rabbit, authority):
    proxy = Proxy(reactor, tls_rabbit.tls_port).start()
    connection = Connection(
        through(proxy, tls=True), tls_rabbit.url_of(tls=True), heartbeat=1.0, ca=str(authority.authority)
    )
    await until(lambda: connection.sessions)
    proxy.swallow()
    silent = reactor.seconds()
    await until(lambda: len(connection.sessions) == 2)
    assert connection.losses[0][0] - silent < 2.0 + 0.3
    await connection.link.stop()
    await proxy.stop()


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_cut_in_the_middle_of_a_frame_is_followed_by_the_next(rabbit):
    proxy = Proxy(reactor, rabbit.amqp_port).start()
    connection = Connection(through(proxy), rabbit.url, heartbeat=1.0)
    await until(lambda: connection.sessions)
    proxy.cut_in_frame()
    await until(lambda: len(connection.sessions) == 2)
    assert connection.link.session.name == f"127.0.0.1:{rabbit.amqp_port}"
    await connection.link.stop()
    await proxy.stop()


@pytest_twisted.ensureDeferred
async def test_stopping_while_the_broker_says_nothing_does_not_hang(rabbit):
    proxy = Proxy(reactor, rabbit.amqp_port).start()
    connection = Connection(through(proxy))
    await until(lambda: connection.sessions)
    proxy.swallow()
    began = reactor.seconds()
    await connection.link.stop()
    assert reactor.seconds() - began < 2.0
    await proxy.stop()


@pytest_twisted.ensureDeferred
async def test_two_mute_brokers_cost_less_than_one_and_a_half_timeouts(rabbit):
    mute = [Proxy(reactor, rabbit.amqp_port).start() for _ in range(2)]
    for proxy in mute:
        proxy.hang()
    began = reactor.seconds()
    connection = Connection(*map(through, mute), rabbit.url)
    await until(lambda: connection.sessions)
    assert reactor.seconds() - began < 1.5 * 2.0
    assert connection.sessions[0].server == 3
    await connection.link.stop()
    for proxy in mute:
        await proxy.stop()


class ThreeAddresses:
    """A resolver whose every name has these."""

    def __init__(self, *hosts):
        self._hosts = hosts

    def resolveHostName(self, receiver, name, **asked):
        receiver.resolutionBegan(None)
        for host in self._hosts:
            receiver.addressResolved(IPv4Address("TCP", host, asked["portNumber"]))
        receiver.resolutionComplete()


@pytest_twisted.ensureDeferred
async def test_of_a_name_whose_first_addresses_refuse_or_are_mute_the_last_one_is_reached(rabbit):
    mute = Factory.forProtocol(Protocol)
    mute.noisy = False
    listening = reactor.listenTCP(rabbit.amqp_port, mute, interface="127.0.0.3")
    before = reactor.nameResolver
    reactor.installNameResolver(ThreeAddresses("127.0.0.2", "127.0.0.3", "127.0.0.1"))
    try:
        url = f"amqp://three.example:{rabbit.amqp_port}/"
        connection = Connection(url, connection_timeout=1.0, handshake_timeout=0.5)
        await until(lambda: connection.sessions, 5.0)
        assert "did not finish the handshake" in str(connection.link.last_error)
        await connection.link.stop()
    finally:
        reactor.installNameResolver(before)
        await maybeDeferred(listening.stopListening)


@pytest_twisted.ensureDeferred
async def test_a_certificate_of_our_own_and_the_servers_are_both_checked(tls_rabbit, authority):
    connection = Connection(
        tls_rabbit.url_of(tls=True),
        ca=str(authority.authority),
        certificate=str(authority.client),
        key=str(authority.client_key),
    )
    await until(lambda: connection.sessions)
    assert connection.sessions[0].server_version >= (3, 8)
    await connection.link.stop()


@pytest_twisted.ensureDeferred
async def test_what_is_published_and_acknowledged_goes_through_tls_too(tls_rabbit, authority):
    connection = Connection(tls_rabbit.url_of(tls=True), ca=str(authority.authority))
    await until(lambda: connection.sessions)
    session = connection.sessions[0]
    channel = await session.open_channel(prefetch=50)
    queue = await channel.declare_queue(QueueSpec("through-tls", exclusive=True))
    came = []
    source = Source("s", queue, "local", 0, channel.generation)

    def take(batch):
        came.extend(batch)
        channel.ack_all([(batch[-1].tag, True)])

    await channel.consume(queue, source, take, lambda: None)
    publisher = Publisher(reactor)
    publisher.session_opened(session)
    bodies = [b'{"N":%d}' % number for number in range(300)]
    for number, body in enumerate(bodies):
        await publisher.publish(Publish("", queue, body, f"id-{number}"))
    await until(lambda: len(came) == len(bodies))
    assert bodies == [one.body for one in came]
    assert [] == connection.losses
    publisher.stop()
    await connection.link.stop()


@pytest_twisted.ensureDeferred
async def test_an_unknown_authority_is_refused_unless_verification_is_off(tls_rabbit):
    strict = Connection(tls_rabbit.url_of(tls=True))
    await until(lambda: strict.link.last_error)
    assert strict.sessions == []
    assert "certificate" in str(strict.link.last_error)
    lenient = Connection(tls_rabbit.url_of(tls=True), verify=False)
    await until(lambda: lenient.sessions)
    await strict.link.stop()
    await lenient.link.stop()


@pytest.mark.parametrize("setting", ["ca", "certificate"])
def test_a_certificate_that_is_not_there_names_its_setting(setting):
    from kzrules.broker.tls import client_options

    spec = BrokerSpec((), **{setting: "/nowhere.pem"})
    with pytest.raises(SettingError, match=rf"`{setting}` of `broker`: /nowhere\.pem cannot be read"):
        client_options("host", spec)


def test_a_certificate_that_is_none_is_named(tmp_path):
    from kzrules.broker.tls import client_options

    bad = tmp_path / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    with pytest.raises(SettingError, match="no PEM file"):
        client_options("host", BrokerSpec((), ca=str(bad)))
    bad.write_text("nothing")
    with pytest.raises(SettingError, match="no certificate in"):
        client_options("host", BrokerSpec((), ca=str(bad)))
    with pytest.raises(SettingError, match="has a `key` and no `certificate`"):
        client_options("host", BrokerSpec((), key=str(bad)))
