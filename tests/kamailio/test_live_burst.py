"""A real Kamailio that is given hundreds of the largest answers at once: none is lost, none is cut."""

import json
import shutil

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from kzrules.kamailio import frames
from kzrules.kamailio.evapi import Evapi
from kzrules.language.program import KamailioSpec
from kzrules.message.outcome import Place
from kzrules.wire.netstring import LONGEST_BODY
from sip import configs, scenarios
from sip.calls import endings
from sip.scene import until
from testbed import sipp
from testbed.kamailio import Kamailio
from testbed.ports import free_port


class Burst:
    """Keeps questions until as many as wanted have come, then answers them all in one turn."""

    def __init__(self, wanted, size):
        self.wanted, self.size, self.asked = wanted, size, []

    def take(self, connection, came):
        self.asked += [frames.read(data) for data in came]
        if len(self.asked) >= self.wanted:
            asked, self.asked = self.asked, []
            for one in asked:
                connection.write(frames.answer(one.id, self._body(one)))

    def _body(self, question):
        body = {"answer": f"a-{question.body['from']}", "filling": ""}
        body["filling"] = "x" * (self.size(question) - len(json.dumps(body)))
        return json.dumps(body).encode()


@pytest.fixture
def kamailio(real_kamailio):
    port = free_port()
    made = Kamailio(configs.asking(port, 20_000), shared_mb=256, programs=real_kamailio)
    shutil.copy(configs.EXAMPLES / "kzrules.cfg", made.folder)
    with made:
        yield made, port


def sees_us(kamailio):
    return int(kamailio.rpc("pv.shvGet", "kzrules")["value"]) == 1


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("calls", "size"),
    [
        (250, lambda _: 30_000),
        (250, lambda question: 100 + hash(question.id) % (LONGEST_BODY - 100)),
        (800, lambda _: 100),
    ],
    ids=["of 30,000 bytes", "of every size", "small ones"],
)
async def test_a_burst_of_answers_arrives_whole(kamailio, calls, size):
    started, port = kamailio
    burst = Burst(calls, size)
    evapi = Evapi(KamailioSpec("k", Place("r.kzr", 1), port=port), reactor, burst.take, lambda _: None)
    evapi.start()
    await deferToThread(until, lambda: sees_us(started), "no hello")
    played = await deferToThread(
        sipp.run, started.sip_port, scenario=scenarios.OPTIONS, calls=calls, rate=1000, timeout=40
    )
    await evapi.stop()
    assert sorted((number, f"a-c{number}") for number in range(1, calls + 1)) == sorted(
        (one.number, one.came) for one in endings(played)
    )
    assert 1 == evapi.connections
