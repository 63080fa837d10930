"""`presence_refresh_watchers` against Kamailio's own presence modules: who watches is notified."""

import re
import socket
import sqlite3

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from kzrules.kamailio.rpc import JsonRpc
from kzrules.kamailio.rpc_datagram import OverDatagrams
from kzrules.message.action import Answered, Rpc, Unanswered
from kzrules.words import WORDS
from testbed.kamailio import Kamailio

TEXT = """
debug=1
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_dialoginfo.so"
modparam("presence", "db_url", "sqlite:///{database}")
request_route {{
    if (!t_newtran()) exit;
    if ($rm == "SUBSCRIBE") handle_subscribe();
    else handle_publish();
    exit;
}}
"""
SUBSCRIBE = """SUBSCRIBE sip:1001@{there} SIP/2.0\r
Via: SIP/2.0/UDP {here};branch=z9hG4bK-watch\r
From: <sip:watcher@{here}>;tag=w\r
To: <sip:1001@{there}>\r
Call-ID: watch\r
CSeq: 1 SUBSCRIBE\r
Contact: <sip:watcher@{here}>\r
Event: dialog\r
Expires: 600\r
Max-Forwards: 70\r
Content-Length: 0\r
\r
"""
COPIED = re.compile(r"^(?:Via|From|To|Call-ID|CSeq):.*\r\n", re.MULTILINE)


class Watcher:
    """A phone that watches 1001, and takes every NOTIFY."""

    def __init__(self, port):
        self._there = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(10)
        self._seen = []
        here = f"127.0.0.1:{self._socket.getsockname()[1]}"
        message = SUBSCRIBE.format(here=here, there=f"127.0.0.1:{port}")
        self._socket.sendto(message.encode(), self._there)

    def notified(self):
        """Wait for the next NOTIFY; replies are passed over."""
        while True:
            message = self._socket.recv(65_536).decode()
            if message.startswith("NOTIFY ") and message not in self._seen:  # it may be sent again
                self._seen.append(message)
                reply = "SIP/2.0 200 OK\r\n" + "".join(COPIED.findall(message)) + "Content-Length: 0\r\n\r\n"
                self._socket.sendto(reply.encode(), self._there)
                return message

    def close(self):
        self._socket.close()


@pytest.fixture
def kamailio(real_kamailio, tmp_path):
    tables = next(real_kamailio.modules.parents[3].glob("share/kamailio/db_sqlite"), None)
    if tables is None:
        pytest.skip("the tables of Kamailio's presence module are not here: kamailio-sqlite-modules has them")
    with sqlite3.connect(tmp_path / "kamailio.db") as database:
        for part in ("standard", "presence"):
            database.executescript((tables / f"{part}-create.sql").read_text())
    database.close()
    with Kamailio(TEXT.format(database=tmp_path / "kamailio.db"), programs=real_kamailio) as started:
        yield started


@pytest_twisted.ensureDeferred
async def test_watchers_are_notified_when_a_rule_says_so(kamailio):
    asker = JsonRpc(OverDatagrams(str(kamailio.folder / "rpc.sock"), reactor))
    asker.transport.start()
    watcher = Watcher(kamailio.sip_port)
    first = await deferToThread(watcher.notified)

    async def says(*arguments):
        return await asker.ask(Rpc(WORDS["presence_refresh_watchers"].call(*arguments), "proxy", 5.0))

    uri = "sip:1001@127.0.0.1"
    assert Answered(True) == (await says(uri, "dialog", 1))
    second = await deferToThread(watcher.notified)
    assert [("2", "dialog"), ("3", "dialog")] == [
        (re.search(r"CSeq: (\d+) NOTIFY", one)[1], re.search(r"Event: (\w+)", one)[1])
        for one in (first, second)
    ]
    assert Unanswered("refused: Execution failed") == (await says(uri, "no-such-package", 1))
    assert Unanswered("refused: Execution failed") == (await says(uri, "dialog", 0))
    watcher.close()
    await asker.transport.stop()
