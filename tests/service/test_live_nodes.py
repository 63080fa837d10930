"""One kzrules and two real Kamailios: each gets its own answers, and is asked and told by its own name."""

import re
import shutil
import socket

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from sip import configs
from testbed.kamailio import Kamailio
from testbed.ports import free_port

RULES = """
kamailio first {{ evapi: "tcp:127.0.0.1:{0.evapi}" rpc: "unix:{0.socket}" }}
kamailio second {{ evapi: "tcp:127.0.0.1:{1.evapi}" rpc: "unix:{1.socket}" }}
event_route[kamailio:route] {{
    let own = htable_get("names", "own") else (why) {{ reject(why) }}
    let other = htable_get("names", "own", on: "second") else (why) {{ reject(why) }}
    answer({{ "answer": "{{meta.subscription}}-{{own}}-{{other}}-{{.from}}" }})
}}
"""
OPTIONS = """OPTIONS sip:1@127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{user}\r
From: <sip:{user}@127.0.0.1>;tag=1\r
To: <sip:1@127.0.0.1>\r
Call-ID: {user}\r
CSeq: 1 OPTIONS\r
Content-Length: 0\r
\r
"""


@pytest.fixture
def kamailios(real_kamailio):
    started = []
    for name in ("one", "two"):
        evapi = free_port()
        text = configs.asking(evapi) + 'modparam("htable", "htable", "names=>size=2;")\n'
        made = Kamailio(text, programs=real_kamailio)
        shutil.copy(configs.EXAMPLES / "kzrules.cfg", made.folder)
        started.append(made.start())
        made.evapi, made.socket = evapi, made.folder / "rpc.sock"
        made.rpc("htable.sets", "names", "own", name)
    yield started
    for made in started:
        made.destroy()


def ends(kamailio, user):
    """The last reply to a request of a user's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        message = OPTIONS.format(user=user, port=phone.getsockname()[1])
        phone.sendto(message.encode(), ("127.0.0.1", kamailio.sip_port))
        while True:
            reply = phone.recv(65_536).decode()
            if not reply.startswith("SIP/2.0 1"):
                return reply


@pytest_twisted.ensureDeferred
async def test_each_kamailio_has_its_own_answers_and_the_others_go_on_without_it(bus, serve, kamailios):
    service = serve(RULES.format(*kamailios))
    for one in kamailios:
        await bus.until(lambda one=one: one.rpc("pv.shvGet", "kzrules")["value"] == 1)

    async def answer(number, user):
        reply = await deferToThread(ends, kamailios[number], user)
        return re.search(r"X-Answer: (.*)\r\n", reply)[1]

    assert "first-one-two-a" == await answer(0, "a")
    assert "second-two-two-b" == await answer(1, "b")
    await deferToThread(kamailios[0].kill)
    assert "second-two-two-c" == await answer(1, "c")
    await deferToThread(kamailios[0].start)
    await deferToThread(kamailios[0].rpc, "htable.sets", "names", "own", "again")
    await bus.until(lambda: kamailios[0].rpc("pv.shvGet", "kzrules")["value"] == 1)
    assert "first-again-two-d" == await answer(0, "d")
    assert 0 == await service.stop()
