"""JSON-RPC: requests as words make them, answers as words read them, and every way to get none."""

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

from kzrules.errors import RuleFailure
from kzrules.kamailio import rpc as module
from kzrules.kamailio.rpc import JsonRpc, NotAnswered, read, request
from kzrules.kamailio.rpc_datagram import OverDatagrams
from kzrules.kamailio.rpc_http import OverHttp
from kzrules.message.action import Answered, Remote, Rpc, Unanswered
from kzrules.words import WORDS

UPTIME = Remote("rpc", {}, "core.uptime", [])


def remote(name, *arguments):
    return WORDS[name].call(*arguments)


def response(request_id="7", **parts):
    return json.dumps({"jsonrpc": "2.0", "id": request_id, **parts}).encode()


@pytest.mark.parametrize(
    ("made", "method", "params"),
    [
        (remote("rpc", "core.uptime", []), "core.uptime", []),
        (remote("htable_get", "t", 5), "htable.get", ["t", "5"]),
        (remote("htable_set", "t", "k", "v", None), "htable.sets", ["t", "k", "v"]),
        (remote("htable_set", "t", "k", 7, None), "htable.seti", ["t", "k", 7]),
        (remote("htable_set", "t", "k", 7, timedelta(seconds=90)), "htable.setxi", ["t", "k", 7, 90]),
        (remote("htable_set", "t", "k", "v", timedelta(minutes=1)), "htable.setxs", ["t", "k", "v", 60]),
        (remote("htable_set_expire", "t", "k", timedelta(hours=1)), "htable.setex", ["t", "k", 3600]),
        (remote("htable_delete", "t", "k"), "htable.delete", ["t", "k"]),
        (remote("htable_flush", "t"), "htable.flush", ["t"]),
        (remote("dispatcher_reload"), "dispatcher.reload", []),
        (remote("dispatcher_add", 1, "sip:a", 0, 5, ""), "dispatcher.add", [1, "sip:a", 0, 5]),
        (remote("dispatcher_add", 1, "sip:a", 8, 0, "w=1"), "dispatcher.add", [1, "sip:a", 8, 0, "w=1"]),
        (remote("dispatcher_remove", 1, "sip:a"), "dispatcher.remove", [1, "sip:a"]),
        (remote("dispatcher_list"), "dispatcher.list", []),
        (
            remote("presence_refresh_watchers", "sip:a", "dialog", 1),
            "presence.refreshWatchers",
            ["sip:a", "dialog", 1],
        ),
        (remote("registrations", "a@b", "location"), "ul.lookup", ["location", "a@b"]),
        (remote("unregister", "a@b", None, "location"), "ul.rm", ["location", "a@b"]),
        (remote("unregister", "a@b", "sip:c", "location"), "ul.rm_contact", ["location", "a@b", "sip:c"]),
        (remote("event_route", "evrexec:x", {"a": 1}), "evrexec.run", ["evrexec:x", '{"a":1}']),
        (remote("event_route", "evrexec:x", "text"), "evrexec.run", ["evrexec:x", "text"]),
    ],
)
def test_a_word_is_a_method_with_its_parameters(made, method, params):
    assert (method, params) == (made.method, made.params)


@pytest.mark.parametrize(
    ("made", "came", "value"),
    [
        (remote("htable_get", "t", "k"), {"result": {"item": {"name": "k", "value": 5}}}, 5),
        (remote("htable_get", "t", "k"), {"error": {"message": "Key name doesn't exist in htable."}}, None),
        (remote("htable_delete", "t", "k"), {"error": {"message": "Key not found in htable."}}, None),
        (remote("registrations", "a", "l"), {"error": {"message": "AOR not found in location table"}}, None),
        (
            remote("registrations", "a", "l"),
            {"result": {"AoR": "a", "Contacts": [{"Contact": {"Address": "sip:x"}}]}},
            [{"Address": "sip:x"}],
        ),
        (
            remote("dispatcher_list"),
            {
                "result": {
                    "NRSETS": 1,
                    "RECORDS": [
                        {"SET": {"ID": 1, "TARGETS": [{"DEST": {"URI": "u", "FLAGS": "AP", "PRIORITY": 0}}]}}
                    ],
                }
            },
            [{"group": 1, "uri": "u", "flags": "AP", "priority": 0}],
        ),
    ],
)
def test_a_word_reads_what_comes_back(made, came, value):
    assert value == read(made, "7", response(**came))


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (b"no json", "bad_reply"),
        (b"[]", "bad_reply"),
        (response("8", result=1), "bad_reply"),
        (response(result={"item": {}}), "bad_reply"),
        (response(error={"code": 500, "message": "No such htable"}), "refused: No such htable"),
        (response(error="odd"), "refused: odd"),
    ],
)
def test_what_is_no_answer_has_its_reason(came, why):
    with pytest.raises(NotAnswered) as failed:
        read(remote("htable_get", "t", "k"), "7", came)
    assert why == failed.value.why


def test_a_request_is_json_rpc_2():
    made = json.loads(request(remote("htable_get", "t", "k"), "abc"))
    assert {"jsonrpc": "2.0", "method": "htable.get", "params": ["t", "k"], "id": "abc"} == made


def test_a_duration_is_no_parameter():
    with pytest.raises(RuleFailure):
        request(remote("rpc", "x", [timedelta(seconds=1)]), "abc")


class Peer(threading.Thread):
    """Kamailio's datagram socket, which answers as it is told."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.mute = False

    def run(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if data == b"end":
                return
            asked = json.loads(data)
            if not self.mute:
                self.socket.sendto(response(asked["id"], result=asked["params"]), sender)

    def end(self, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"end", path)
        self.join()
        self.socket.close()
        Path(path).unlink()


@pytest.fixture
def peer(tmp_path):
    made = Peer(str(tmp_path / "s"))
    made.start()
    yield made
    made.end(str(tmp_path / "s"))


@pytest_twisted.inlineCallbacks
def test_datagrams_find_their_askers(peer, tmp_path):
    asker = JsonRpc(OverDatagrams(str(tmp_path / "s"), reactor))
    asker.transport.start()
    asking = [asker.ask(Rpc(remote("rpc", "x", [number]), "proxy", 5.0)) for number in range(50)]
    answers = yield _all(asking)
    assert [[number] for number in range(50)] == [answer.payload for answer in answers]
    peer.mute = True
    late = yield asker.ask(Rpc(UPTIME, "proxy", 0.05))
    assert Unanswered("timeout") == late
    yield asker.transport.stop()


@pytest_twisted.inlineCallbacks
def test_a_socket_that_is_not_there_is_told_at_once(tmp_path):
    asker = JsonRpc(OverDatagrams(str(tmp_path / "none"), reactor))
    asker.transport.start()
    came = yield asker.ask(Rpc(UPTIME, "proxy", 5.0))
    assert Unanswered("disconnected") == came
    yield asker.transport.stop()


class Web(LineReceiver):
    """A web server of a few lines: one response for each request, on connections that stay open."""

    def connectionMade(self):
        self.factory.connections.append(self)
        self.length = 0

    def lineReceived(self, line):
        if line.lower().startswith(b"content-length:"):
            self.length = int(line.split(b":")[1])
        if not line:
            self.setRawMode()

    def rawDataReceived(self, data):
        asked = json.loads(data)
        self.factory.asked.append(asked)
        self.setLineMode()
        if self.factory.cut:
            self.transport.loseConnection()
        elif not self.factory.mute:
            body = response(asked["id"], result=asked["params"])
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@pytest.fixture
def web():
    factory = Factory.forProtocol(Web)
    factory.noisy = False
    factory.connections, factory.asked, factory.mute, factory.cut = [], [], False, False
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    factory.url = f"http://127.0.0.1:{port.getHost().port}/jsonrpc"
    yield factory
    for connection in factory.connections:
        connection.transport.abortConnection()
    pytest_twisted.blockon(port.stopListening())


@pytest_twisted.inlineCallbacks
def test_http_keeps_a_few_connections_and_asks_many_times(web):
    asker = JsonRpc(OverHttp(web.url, reactor))
    answers = yield _all([asker.ask(Rpc(remote("rpc", "x", [number]), "p", 5.0)) for number in range(40)])
    assert [[number] for number in range(40)] == [answer.payload for answer in answers]
    assert len(web.connections) <= 8
    yield asker.transport.stop()


@pytest_twisted.inlineCallbacks
def test_http_that_is_mute_is_a_timeout_and_one_that_hangs_up_is_disconnected(web):
    asker = JsonRpc(OverHttp(web.url, reactor))
    web.mute = True
    came = yield asker.ask(Rpc(UPTIME, "p", 0.1))
    assert Unanswered("timeout") == came
    web.cut = True
    came = yield asker.ask(Rpc(UPTIME, "p", 5.0))
    assert Unanswered("disconnected") == came
    assert 0 == asker.open
    yield asker.transport.stop()


@pytest_twisted.inlineCallbacks
def test_http_where_nobody_listens_is_disconnected(unused_port):
    asker = JsonRpc(OverHttp(f"http://127.0.0.1:{unused_port}/", reactor))
    came = yield asker.ask(Rpc(UPTIME, "p", 5.0))
    assert Unanswered("disconnected") == came
    yield asker.transport.stop()


@pytest.fixture
def unused_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest_twisted.inlineCallbacks
def test_beyond_the_limit_it_is_busy(monkeypatch, web):
    monkeypatch.setattr(module, "MOST_OPEN", 1)
    web.mute = True
    asker = JsonRpc(OverHttp(web.url, reactor))
    first = asker.ask(Rpc(UPTIME, "p", 0.2))
    second = yield asker.ask(Rpc(UPTIME, "p", 0.2))
    assert Unanswered("busy") == second
    yield first
    yield asker.transport.stop()


def _all(waited):
    done = Deferred()
    came = [None] * len(waited)
    left = [len(waited)]

    def keep(answer, number):
        assert isinstance(answer, Answered), answer
        came[number] = answer
        left[0] -= 1
        if not left[0]:
            done.callback(came)

    for number, one in enumerate(waited):
        one.addCallback(keep, number).addErrback(lambda failure: done.called or done.errback(failure))
    return done
