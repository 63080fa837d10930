"""A real Kamailio with its kazoo module does what it is told, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pika
import pytest

from testbed import CommandFailed, NoBroker, NoKamailio, apt, sipp, telephony
from testbed.kamailio import Kamailio
from testbed.keeper import command_line

PLAIN = """
debug=2
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "sl.so"
request_route {
    xlog("L_NOTICE", "asked for $rU\\n");
    if ($rU == "nobody") sl_send_reply("404", "Nobody"); else sl_send_reply("200", "OK");
}
"""

KAZOO = """
debug=2
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "kazoo.so"
modparam("kazoo", "node_hostname", "test.host")
modparam("kazoo", "pua_mode", 0)
modparam("kazoo", "amqp_max_channels", 2)
modparam("kazoo", "amqp_consumer_workers", 2)
modparam("kazoo", "amqp_connection", "{url}")
event_route[kazoo:mod-init] {{ kazoo_subscribe("tests", "topic", "heard", "#"); }}
event_route[kazoo:consumer-event-one-two] {{ xlog("L_NOTICE", "heard $(kzE{{kz.json,Value}})\\n"); }}
request_route {{ exit; }}
"""


pytestmark = pytest.mark.usefixtures("real_kamailio")


@pytest.fixture(scope="module")
def kamailio(real_kamailio):
    with Kamailio(PLAIN) as started:
        yield started


def test_sipp_counts_what_was_answered(kamailio):
    played = sipp.run(kamailio.sip_port, calls=20, rate=200)
    assert (20, 0) == (played.successful, played.failed)
    kamailio.wait_for("asked for service", count=20)


def test_sipp_counts_what_was_not_answered_as_expected(kamailio):
    played = sipp.run(kamailio.sip_port, calls=3, service="nobody")
    assert (0, 3) == (played.successful, played.failed)


def test_a_scenario_that_sipp_cannot_read_is_told_in_its_own_words(kamailio):
    with pytest.raises(CommandFailed, match="sipp ended with status"):
        sipp.run(kamailio.sip_port, scenario="<scenario>", timeout=5)


def test_remote_calls_are_answered_or_refused(kamailio):
    assert kamailio.rpc("core.version").startswith("kamailio 5")
    with pytest.raises(CommandFailed, match=r"nothing\.such"):
        kamailio.rpc("nothing.such")


def test_it_listens_on_loopback_only(kamailio):
    with socket.create_connection(("127.0.0.1", kamailio.sip_port), timeout=1):
        pass
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.2", kamailio.sip_port), timeout=1),
    ):
        pass


def test_the_kazoo_module_hears_what_is_published(rabbit, vhost, broker_url, wait_until):
    text = KAZOO.format(url=broker_url)
    with Kamailio(text) as kamailio, pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
        wait_until(lambda: rabbit.queue_depths(vhost).get("heard", (0,) * 4)[3] == 1)
        body = b'{"Event-Category": "one", "Event-Name": "two", "Value": "the word"}'
        connection.channel().basic_publish("tests", "any", body)
        kamailio.wait_for("heard the word")


def test_a_configuration_that_it_refuses_is_told_with_its_line(tmp_path):
    with pytest.raises(NoBroker, match="line 2"), Kamailio('loadmodule "pv.so"\nthis is no configuration\n'):
        pass


@pytest.mark.parametrize("end", [Kamailio.stop, Kamailio.kill])
def test_all_of_its_processes_end_with_it(end):
    with Kamailio(PLAIN) as kamailio:
        assert len(kamailio.processes()) > 3
        end(kamailio)
        assert [] == kamailio.processes()
        kamailio.start()
        assert kamailio.rpc("core.uptime")
    assert not kamailio.folder.exists()


PARENT = f"""
import time
from testbed.kamailio import Kamailio
kamailio = Kamailio({PLAIN!r}).start()
print(kamailio.folder, *kamailio.processes(), flush=True)
time.sleep(600)
"""


def test_nothing_is_left_when_its_parent_is_killed(wait_until):
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        folder, *processes = parent.stdout.readline().split()
        assert len(processes) > 3
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not Path(folder).exists())
    wait_until(lambda: not any(folder in command_line(int(pid)) for pid in processes))


def test_packages_that_cannot_be_fetched_are_told_with_what_is_left_out(monkeypatch):
    def fails(*_):
        raise NoBroker("packages could not be had: no network")

    monkeypatch.setattr(telephony, "_under", lambda *_: None)
    monkeypatch.setattr(telephony, "unpacked", fails)
    monkeypatch.setattr(apt, "may_install", lambda: False)
    with pytest.raises(NoKamailio, match=r"no network.* is left out"):
        telephony.find(lambda line: None)


def test_where_it_is_not_to_be_had_one_sentence_says_what_is_left_out(monkeypatch):
    monkeypatch.setattr(telephony, "_under", lambda *_: None)
    monkeypatch.setattr(telephony, "unpacked", lambda *_: None)
    monkeypatch.setattr(apt, "may_install", lambda: False)
    with pytest.raises(NoKamailio, match="is left out"):
        telephony.find(lambda line: None)
