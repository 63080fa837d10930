"""Which broker next, and what a URL says."""

import pytest

from kzrules.broker.zones import HALF_LIFE, Rotation, Server, read_url, servers
from kzrules.errors import SettingError
from kzrules.language.program import BrokerSpec, ZoneSpec

A, B, C = (Server(number, "local", f"b{number}", 5672) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("amqp://host", ("host", 5672, False, "/", None, None)),
        ("amqp://host/", ("host", 5672, False, "/", None, None)),
        ("amqps://host", ("host", 5671, True, "/", None, None)),
        ("kazoo://u:p@host:5673/", ("host", 5673, False, "/", "u", "p")),
        ("amqp://a%40b:p%2Fq@host/%2Fsip", ("host", 5672, False, "/sip", "a@b", "p/q")),
        ("amqp://[::1]:7/v", ("::1", 7, False, "v", None, None)),
    ],
)
def test_a_url_is_read(url, expected):
    got = read_url(url)
    assert (got.host, got.port, got.tls, got.virtual_host, got.user, got.password) == expected


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://u:secret@host", "starts with amqp://"),
        ("amqp://u:secret@", "names no host"),
        ("amqp://u:secret@host/v?heartbeat=5", "settings of `broker`"),
        ("amqp://u:secret@host:99999/", "cannot be read"),
        ("amqp://u:secret@host/a/b", "%2f"),
    ],
)
def test_a_bad_url_is_refused_without_showing_its_password(url, says):
    with pytest.raises(SettingError) as refused:
        read_url(url)
    assert says in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_server_shows_no_password():
    server = read_url("amqp://u:secret@[::1]:5/")
    assert "secret" not in repr(server)
    assert server.name == "[::1]:5"


def test_servers_are_numbered_through_all_zones():
    spec = BrokerSpec((ZoneSpec("a", ("amqp://x", "amqp://y")), ZoneSpec("b", ("amqp://z",))))
    assert [(one.number, one.zone, one.host) for one in servers(spec)] == [
        (1, "a", "x"),
        (2, "a", "y"),
        (3, "b", "z"),
    ]


def test_the_order_is_that_of_the_list():
    assert Rotation((A, B, C)).order(0.0) == (A, B, C)


def test_a_broker_that_failed_goes_to_the_end_until_its_penalty_has_faded():
    rotation = Rotation((A, B, C))
    rotation.failed(A, 0.0)
    assert rotation.order(0.0) == (B, C, A)
    assert rotation.order(HALF_LIFE * 1.1) == (A, B, C)


def test_penalties_do_not_grow_without_end():
    rotation = Rotation((A, B))
    for _ in range(1000):
        rotation.failed(A, 0.0)
    assert rotation.order(HALF_LIFE * 3.1) == (A, B)


def test_waits_grow_from_a_fifth_of_a_second_to_fifteen_and_start_over_after_a_good_connection():
    rotation = Rotation((A,), lambda: 1.0)
    waits = [rotation.none_left() for _ in range(9)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0]
    assert rotation.lost(A, 100.0, 90.0) == 0.0
    assert rotation.none_left() == 0.2


def test_waits_are_jittered_down_to_half():
    assert Rotation((A,), lambda: 0.0).none_left() == 0.1


def test_a_connection_that_did_not_last_counts_as_a_failure():
    rotation = Rotation((A,), lambda: 1.0)
    assert rotation.lost(A, 0.5, 0.0) == 0.2
    assert rotation.lost(A, 1.0, 0.9) == 0.4


def test_a_zone_without_brokers_is_a_mistake():
    with pytest.raises(ValueError, match="without brokers"):
        Rotation(())
