"""What the HTTP port answers, and what it refuses."""

import json

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from kzrules.broker.counters import Counters
from kzrules.kamailio.bridge import Standing
from kzrules.kamailio.counts import Counts
from kzrules.kamailio.frames import Reason
from kzrules.operate import status as shown
from kzrules.operate.latest import Failures
from kzrules.operate.site import MOST_CONNECTIONS, Root, site
from kzrules.operate.timing import Timing


def a_status(**changes):
    """A service with one subscription that does well."""
    subscription = shown.Subscription(
        name="dialogs",
        zone="local",
        queue="q",
        consuming=changes.pop("consuming", True),
        settling=changes.pop("settling", True),
        paused=False,
        unacknowledged=3,
        in_hand=2,
        waiting=0,
        rate=1.5,
        last_event=99.0,
        dead_letters="q.dead",
        trouble=changes.pop("trouble", None),
        counters=Counters(received=10, acknowledged=7, rejected=1, dead_lettered=1),
    )
    made = {
        "at": 100.0,
        "process": shown.Process(1, "node", "0.1", 1.0, 4, 0, 0, 0.0, 50_000_000, "info"),
        "draining": False,
        "connections": (shown.Connection("consume", "local", "ready", "127.0.0.1:5672", 5.0, 1, None, None),),
        "subscriptions": (subscription,),
        "publishing": (shown.Publishing("local", True, True, 4, 10_000, 20, 0, 0, 0, None),),
        "asking": shown.Asking(True, 0, 5, 4, 1, 0, 0),
        "rules": shown.Rules(1, 1.0, ("rules",), 2, 0, (), None, None, shown.Reloads(1, 2, 50.0, 0.1)),
        "routes": (shown.Route("kazoo:consumer-event", "a.kzr:3", 8, 1, 99.0),),
        "failures": (),
        "tables": (shown.Remembered("watchers", 5, 100, 60.0, 2),),
        "blocks": shown.Blocks(3, 1, 2),
        "kamailios": (
            Standing("edge", True, 1, 1, 0, 0, Counts(asked=9, answered=6, refused={Reason.BUSY: 2})),
        ),
    }
    return shown.Status(**{**made, **changes})


class Asked:
    """One connection to the port, fed with bytes."""

    def __init__(self, status=None, bound="127.0.0.1"):
        self.timing, self.failures = Timing(), Failures()
        self.site = site(Root(lambda: status or a_status(), self.timing, self.failures, bound))
        self.connections = []

    def connect(self):
        protocol = self.site.buildProtocol(None)
        if protocol is not None:
            protocol.makeConnection(StringTransport())
            self.connections.append(protocol)
        return protocol

    def close(self):
        for protocol in self.connections:
            protocol.connectionLost(Failure(ConnectionDone()))

    def send(self, data):
        protocol = self.connect()
        protocol.dataReceived(data)
        return protocol.transport.value(), protocol.transport

    def get(self, path, host="localhost", method="GET"):
        answer, _ = self.send(f"{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body.decode()


@pytest.fixture
def ask():
    """A port over a status; its connections are closed at the end."""
    made = []

    def begin(status=None, bound="127.0.0.1"):
        made.append(Asked(status, bound))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_alive_and_ready_are_plain_sentences(ask):
    assert (200, "alive\n") == ask().get("/livez")[::2]
    assert (200, "ready\n") == ask().get("/readyz")[::2]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"consuming": False, "trouble": "refused"}, "dialogs does not consume in zone local: refused"),
        ({"settling": False}, "dialogs settles nothing in zone local although deliveries wait"),
        ({"draining": True}, "draining: nothing new is consumed"),
        (
            {"publishing": (shown.Publishing("local", True, False, 0, 1, 0, 0, 0, 0, 1.0),)},
            "nothing can be published to zone local",
        ),
    ],
)
def test_not_ready_says_why(ask, changes, why):
    assert (503, f"{why}\n") == ask(a_status(**changes)).get("/readyz")[::2]


def test_metrics_have_the_counts_under_names_of_rules_and_brokers_only(ask):
    asked = ask()
    asked.timing.routes["kazoo:consumer-event"] = asked.timing.queries
    asked.timing.queries.took(0.003)
    _, head, text = asked.get("/metrics")
    assert "text/plain" in head
    for line in (
        'kzrules_events_total{outcome="acknowledged",subscription="dialogs",zone="local"} 7.0',
        'kzrules_subscription_unacknowledged{subscription="dialogs",zone="local"} 3.0',
        'kzrules_route_events_total{result="failed",route="kazoo:consumer-event"} 1.0',
        'kzrules_route_seconds_bucket{le="0.005",route="kazoo:consumer-event"} 1.0',
        'kzrules_route_seconds_bucket{le="0.0025",route="kazoo:consumer-event"} 0.0',
        "kzrules_query_seconds_count 1.0",
        'kzrules_publishing_unconfirmed{zone="local"} 4.0',
        'kzrules_connected{broker="127.0.0.1:5672",purpose="consume",zone="local"} 1.0',
        'kzrules_reloads_total{result="failed"} 2.0',
        'kzrules_table_entries{table="watchers"} 5.0',
        'kzrules_kamailio_questions_total{kamailio="edge",result="answered"} 6.0',
        'kzrules_kamailio_questions_total{kamailio="edge",result="busy"} 2.0',
        'kzrules_kamailio_connected{kamailio="edge"} 1.0',
        "kzrules_ready 1.0",
    ):
        assert line in text.splitlines()


def test_the_status_is_json_and_the_page_asks_for_nothing_from_elsewhere(ask):
    assert "dialogs" == json.loads(ask().get("/status.json")[2])["subscriptions"][0]["name"]
    code, head, page = ask().get("/")
    assert 200 == code
    assert "default-src 'none'" in head
    for text in (page, ask().get("/page.js")[2], ask().get("/page.css")[2]):
        assert len(text) > 500
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in text


@pytest.mark.parametrize("path", ["/../etc/passwd", "/page/page.html", "/nothing", "/status.json/x"])
def test_there_is_nothing_else(ask, path):
    assert 404 == ask().get(path)[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(ask, method):
    assert 405 == ask().get("/readyz", method=method)[0]


def test_the_head_alone_may_be_asked_for(ask):
    code, head, body = ask().get("/status.json", method="HEAD")
    assert (200, "") == (code, body)
    assert "application/json" in head


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_a_name_that_was_pointed_at_loopback_gets_nothing(ask, host):
    assert 403 == ask().get("/status.json", host=host)[0]


@pytest.mark.parametrize("host", ["localhost", "localhost:9480", "127.0.0.1:9480", "[::1]:9480"])
def test_whoever_asks_by_an_address_is_answered(ask, host):
    assert 200 == ask().get("/livez", host=host)[0]


def test_an_address_of_the_network_answers_to_any_name(ask):
    assert 200 == ask(bound="192.0.2.1").get("/livez", host="monitored.example")[0]


def test_a_body_is_cut_off_before_it_is_read(ask):
    asked = ask()
    answer, transport = asked.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx"
    )
    assert b"" == answer
    assert transport.disconnected or transport.disconnecting


def test_more_connections_than_monitoring_needs_are_closed(ask):
    asked = ask()
    made = [asked.connect() for _ in range(MOST_CONNECTIONS)]
    assert None not in made
    assert asked.connect() is None
