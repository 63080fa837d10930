"""`examples/kamailio/htable.cfg` with its rules: the bus, kzrules and a real Kamailio, all in step."""

import re
import shutil
import socket

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from sip import configs
from testbed.errors import CommandFailed
from testbed.kamailio import Kamailio
from testbed.ports import free_port

NODE = "here"
OPTIONS = """OPTIONS sip:{to}@127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{user}\r
From: <sip:{user}@127.0.0.1>;tag=1\r
To: <sip:{to}@127.0.0.1>\r
Call-ID: {user}\r
CSeq: 1 OPTIONS\r
Content-Length: 0\r
\r
"""


@pytest.fixture
def kamailio(real_kamailio):
    evapi = free_port()
    made = Kamailio(configs.example("htable", evapi), programs=real_kamailio)
    shutil.copy(configs.EXAMPLES / "kzrules.cfg", made.folder)
    with made:
        yield made, evapi


def rules(kamailio, evapi):
    # What is exclusive cannot be looked at by another connection.
    text = (configs.EXAMPLES / "htable.kzr").read_text().replace("exclusive", "auto_delete")
    return text.replace("8448", str(evapi)).replace("127.0.0.1:5060", f"127.0.0.1:{kamailio.sip_port}")


def asks(kamailio, user, to="1"):
    """The reply to a request of a user's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        message = OPTIONS.format(user=user, to=to, port=phone.getsockname()[1])
        phone.sendto(message.encode(), ("127.0.0.1", kamailio.sip_port))
        return phone.recv(65_536).decode()


def in_table(kamailio, table, key):
    """What a real client of Kamailio's control plane finds, None for nothing."""
    try:
        return kamailio.rpc("htable.get", table, key)["item"]["value"]
    except CommandFailed:
        return None


def user(name, **fields):
    return f"user.{name}", {"Event-Category": "user", "Event-Name": name, **fields}


@pytest_twisted.ensureDeferred
async def test_events_of_the_bus_change_kamailios_tables_and_refused_calls_come_back(bus, serve, kamailio):
    started, evapi = kamailio
    await bus.queue("refused", "calls", key="call.refused")
    service = serve(rules(started, evapi), "--node", NODE)
    await service.consuming(bus, f"blocked-{NODE}")
    await bus.until(lambda: started.rpc("pv.shvGet", "kzrules")["value"] == 1)

    await bus.publish(
        "users",
        [
            user("blocked", User="1001", Reason="fraud"),
            user("blocked", User="1002"),
            user("moved", User="1003", Place='the "attic", $rU'),
        ],
    )
    await bus.until(lambda: in_table(started, "places", "1003"))
    await bus.until(lambda: in_table(started, "blocked", "1002"))
    assert ("fraud", "Blocked") == tuple(in_table(started, "blocked", name) for name in ("1001", "1002"))
    assert 'the "attic", $rU' == in_table(started, "places", "1003")

    reply = await deferToThread(asks, started, "1001")
    assert reply.startswith("SIP/2.0 403 fraud\r\n")
    (refused,) = await bus.take("refused", 1)
    assert ("1001", "fraud") == (refused["User"], refused["Reason"])
    reply = await deferToThread(asks, started, "1004", "1003")
    assert reply.startswith("SIP/2.0 200 OK\r\n")
    assert 'the "attic", $rU' == re.search(r"X-Place: (.*)\r\n", reply)[1]

    await bus.publish("users", [user("unblocked", User="1001"), user("moved", User="1003", Place="cellar")])
    await bus.until(lambda: in_table(started, "blocked", "1001") is None)
    await bus.until(lambda: in_table(started, "places", "1003") == "cellar")
    assert (await deferToThread(asks, started, "1001")).startswith("SIP/2.0 200 OK\r\n")
    assert 0 == await service.stop()
