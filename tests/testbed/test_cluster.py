"""Nodes on one machine are one cluster, until they are cut apart, and again when they are healed."""

import ssl

import pika
import pytest

from testbed import Cluster, Node
from testbed.broker import find_programs
from testbed.certificates import make_certificates
from testbed.ground import Ground

pytestmark = pytest.mark.timeout(240)


def running(node):
    names = node.eval("lists:sort(rabbit_mnesia:cluster_nodes(running))").strip("[]").split(",")
    return [name.strip("' ") for name in names]


@pytest.fixture
def pair():
    cluster = Cluster(2).start()
    yield cluster
    cluster.destroy()


def test_two_nodes_share_their_queues_are_cut_and_meet_again(pair, wait_until):
    one, two = pair.nodes
    wait_until(lambda: running(one) == running(two))
    assert running(one) == ["kz1@localhost", "kz2@localhost"]
    with pika.BlockingConnection(pika.URLParameters(one.url)) as connection:
        connection.channel().queue_declare("shared", durable=True, arguments={"x-queue-type": "quorum"})
    assert "shared" in two.queue_depths()
    pair.partition([one], [two])
    wait_until(lambda: one.eval("nodes()") == two.eval("nodes()") == "[]")
    pair.heal([one], [two])
    wait_until(lambda: one.eval("nodes()") == "[kz2@localhost]")
    assert one.eval("net_kernel:get_net_ticktime()") == "6"


def test_a_tls_listener_shows_the_certificate_of_the_tests_authority(tmp_path):
    certificates = make_certificates(tmp_path / "tls")
    ground = Ground(find_programs(lambda _: None))
    try:
        node = Node(ground, tls=certificates).start()
        context = ssl.create_default_context(cafile=str(certificates.authority))
        context.load_cert_chain(certificates.client, certificates.client_key)
        parameters = pika.URLParameters(node.url_of(tls=True))
        parameters.ssl_options = pika.SSLOptions(context, "localhost")
        with pika.BlockingConnection(parameters) as connection:
            assert connection.is_open
        stranger = pika.URLParameters(node.url_of(tls=True))
        stranger.ssl_options = pika.SSLOptions(ssl.create_default_context(), "localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            pika.BlockingConnection(stranger)
    finally:
        ground.close()
