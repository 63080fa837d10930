"""`examples/kamailio/invite.cfg` in a real Kamailio, with nobody to answer, or somebody who says no."""

import json
import shutil
import socket

import pytest

from sip import configs
from testbed.kamailio import Kamailio
from testbed.ports import free_port

INVITE = """INVITE sip:1001@127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{call}\r
From: <sip:1002@127.0.0.1>;tag=1\r
To: <sip:1001@127.0.0.1>\r
Call-ID: {call}\r
CSeq: 1 INVITE\r
Contact: <sip:1002@127.0.0.1:{port}>\r
Content-Length: 0\r
\r
"""


@pytest.fixture(scope="module")
def kamailio(real_kamailio):
    evapi = free_port()
    text = "#!define KZRULES_MS 500\n" + configs.example("invite", evapi)
    made = Kamailio(text, programs=real_kamailio)
    shutil.copy(configs.EXAMPLES / "kzrules.cfg", made.folder)
    with made:
        made.wait_until(lambda: reachable(evapi), "take a client of evapi")
        yield made, evapi


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def ending(kamailio, call, meanwhile=lambda: None):
    """The first line of the reply that ends a call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        message = INVITE.format(call=call, port=phone.getsockname()[1])
        phone.sendto(message.encode(), ("127.0.0.1", kamailio.sip_port))
        meanwhile()
        while True:
            first = phone.recv(65_536).decode().partition("\r\n")[0]
            if not first.startswith("SIP/2.0 1"):
                return first


@pytest.fixture
def client(kamailio):
    """Somebody at evapi's port who says hello, and is known."""
    started, evapi = kamailio
    started.wait_until(lambda: known(started) == 0, "forget who was there before")
    with socket.create_connection(("127.0.0.1", evapi), timeout=10) as connection:
        connection.sendall(b'19:{"hello":"kzrules"},')
        started.wait_until(lambda: known(started) == 1, "have had our hello")
        yield connection


def known(kamailio):
    return int(kamailio.rpc("pv.shvGet", "kzrules")["value"])


def question(connection):
    """The next question."""
    came = b""
    while not came.endswith(b"},"):
        came += connection.recv(65_536)
    return json.loads(came.partition(b":")[2][:-1])


def test_without_kzrules_a_call_is_refused_at_once(kamailio):
    assert "SIP/2.0 503 No answer: not_connected" == ending(kamailio[0], "nobody")


def test_who_has_not_said_hello_is_asked_nothing(kamailio):
    started, evapi = kamailio
    with socket.create_connection(("127.0.0.1", evapi)):
        assert "SIP/2.0 503 No answer: not_connected" == ending(started, "mute")


def test_a_question_that_nobody_answers_ends_at_the_deadline_that_went_with_it(kamailio, client):
    asked = []
    last = ending(kamailio[0], "late", lambda: asked.append(question(client)))
    assert "SIP/2.0 503 No answer: late" == last
    assert [("invite", 500, "1002")] == [(one["ask"], one["ms"], one["body"]["from"]) for one in asked]


def test_a_no_comes_back_with_its_reason(kamailio, client):
    def refuse():
        made = json.dumps({"id": question(client)["id"], "ok": 0, "reason": "busy", "why": "too much"})
        client.sendall(f"{len(made)}:{made},".encode())

    assert "SIP/2.0 503 No answer: busy" == ending(kamailio[0], "no", refuse)
    kamailio[0].wait_for("invite: busy: too much")


def test_an_answer_that_cannot_be_routed_by_is_refused(kamailio, client):
    def answer():
        made = json.dumps({"id": question(client)["id"], "ok": 1, "body": {"routes": "none"}})
        client.sendall(f"{len(made)}:{made},".encode())

    assert "SIP/2.0 500 No route in the answer" == ending(kamailio[0], "odd", answer)
