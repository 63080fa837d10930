"""Every word that asks Kamailio, against a real one, over HTTP and over its datagram socket."""

from datetime import timedelta
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from kzrules.kamailio.rpc import JsonRpc
from kzrules.kamailio.rpc_datagram import OverDatagrams
from kzrules.kamailio.rpc_http import OverHttp
from kzrules.message.action import Answered, Rpc, Unanswered
from kzrules.words import WORDS
from testbed.kamailio import Kamailio

TEXT = """
debug=1
tcp_accept_no_cl=yes
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "htable.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "dispatcher.so"
loadmodule "evrexec.so"
loadmodule "xhttp.so"
loadmodule "jsonrpcs.so"
modparam("jsonrpcs", "transport", 7)
modparam("jsonrpcs", "fifo_name", "{folder}/fifo")
modparam("htable", "htable", "t=>size=4;")
modparam("dispatcher", "list_file", "{folder}/dispatcher.list")
modparam("dispatcher", "reload_delta", 0)
request_route {{ save("location"); exit; }}
event_route[xhttp:request] {{ jsonrpc_dispatch(); }}
event_route[evrexec:note] {{ xlog("L_ERR", "noted $evr(data)\\n"); }}
"""


@pytest.fixture(scope="module")
def kamailio(real_kamailio, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kamailio")
    Path(folder / "dispatcher.list").write_text("1 sip:10.0.0.1:5060\n")
    with Kamailio(TEXT.format(folder=folder), programs=real_kamailio) as started:
        yield started


@pytest.fixture(params=["http", "datagram"])
def asker(request, kamailio):
    if request.param == "http":
        made = JsonRpc(OverHttp(f"http://127.0.0.1:{kamailio.sip_port}/jsonrpc", reactor))
    else:
        made = JsonRpc(OverDatagrams(str(kamailio.folder / "rpc.sock"), reactor))
    made.transport.start()
    yield made
    pytest_twisted.blockon(made.transport.stop())


async def says(asker, name, *arguments):
    """The word's value, or why there is none."""
    came = await asker.ask(Rpc(WORDS[name].call(*arguments), "proxy", 5.0))
    return came.payload if isinstance(came, Answered) else came


@pytest_twisted.ensureDeferred
async def test_a_method_gives_its_result_or_is_refused(asker):
    assert (await says(asker, "rpc", "core.version", [])).startswith("kamailio 5")
    assert Unanswered("refused: Method Not Found") == (await says(asker, "rpc", "no.such", []))


@pytest_twisted.ensureDeferred
async def test_an_htable_is_written_read_and_emptied(asker):
    assert (await says(asker, "htable_set", "t", "k", 'a "text", { }', None)) is True
    assert 'a "text", { }' == (await says(asker, "htable_get", "t", "k"))
    assert (await says(asker, "htable_set", "t", 7, 4711, timedelta(seconds=60))) is True
    assert 4711 == (await says(asker, "htable_get", "t", 7))
    assert (await says(asker, "htable_set", "t", "gone", "x", timedelta(seconds=60))) is True
    assert (await says(asker, "htable_set_expire", "t", "gone", timedelta(minutes=5))) is True
    assert (await says(asker, "htable_delete", "t", "gone")) is True
    assert (await says(asker, "htable_delete", "t", "gone")) is None
    assert (await says(asker, "htable_flush", "t")) is True
    assert (await says(asker, "htable_get", "t", "k")) is None
    assert Unanswered("refused: No such htable") == (await says(asker, "htable_get", "none", "k"))


@pytest_twisted.ensureDeferred
async def test_the_dispatcher_is_listed_added_to_taken_from_and_reloaded(asker):
    first = ["sip:10.0.0.1:5060"]
    assert first == [one["uri"] for one in (await says(asker, "dispatcher_list"))]
    assert (await says(asker, "dispatcher_add", 1, "sip:10.0.0.2:5060", 0, 0, "")) is True
    assert {1: 2} == {1: sum(one["group"] == 1 for one in (await says(asker, "dispatcher_list")))}
    assert (await says(asker, "dispatcher_remove", 1, "sip:10.0.0.2:5060")) is True
    assert (await says(asker, "dispatcher_reload")) is True
    assert first == [one["uri"] for one in (await says(asker, "dispatcher_list"))]


@pytest_twisted.ensureDeferred
async def test_registrations_are_found_and_taken_away(asker, kamailio):
    for contact in ("sip:a@10.0.0.1:5060", "sip:b@10.0.0.2:5060"):
        kamailio.rpc("ul.add", "location", "1001", contact, 3600, 1.0, "", 0, 0, 0)
    assert {"sip:a@10.0.0.1:5060", "sip:b@10.0.0.2:5060"} == {
        one["Address"] for one in (await says(asker, "registrations", "1001", "location"))
    }
    assert (await says(asker, "unregister", "1001", "sip:a@10.0.0.1:5060", "location")) is True
    assert ["sip:b@10.0.0.2:5060"] == [
        one["Address"] for one in (await says(asker, "registrations", "1001", "location"))
    ]
    assert (await says(asker, "unregister", "1001", None, "location")) is True
    assert (await says(asker, "registrations", "1001", "location")) is None
    assert (await says(asker, "registrations", "nobody", "location")) is None


@pytest_twisted.ensureDeferred
async def test_an_event_route_of_kamailios_own_runs(asker, kamailio):
    assert (await says(asker, "event_route", "evrexec:note", {"a": [1, "x"]})) is True
    kamailio.wait_for('noted {"a":[1,"x"]}')


@pytest_twisted.ensureDeferred
async def test_what_a_module_would_do_that_is_not_loaded_is_refused(asker):
    refused = await says(asker, "presence_refresh_watchers", "sip:a@b", "dialog", 1)
    assert Unanswered("refused: Method Not Found") == refused
