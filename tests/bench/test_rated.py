"""The row of a Kamailio before kzrules: left out with its reason, and nothing is left running."""

import os

import pytest
import pytest_twisted
from twisted.internet import reactor

from bench import kazoo, paced, rated
from bench.bus import Bus, NotInTime
from bench.leftout import LeftOut
from bench.results import Experiment
from bench.round import Round
from bench.rulesets import QUESTIONS

WHO = "kzrules, from SIP to SIP"


class DeafBus:
    """Nothing that is waited for happens."""

    url = "amqp://nobody"

    async def until(self, condition, seconds, what="it", running=None):
        raise NotInTime(f"{what} did not happen")


class Process:
    """Somebody who is started and ended."""

    def __init__(self, name, ended):
        self.name, self.ended = name, ended

    def sees_kzrules(self):
        return False

    def stop(self):
        self.ended.append(self.name)


async def reasons(folder):
    experiment = Experiment("query", "", "")
    await rated._asking_kzrules(Round(DeafBus(), folder, 1.0, 0), experiment, {}, 0.0)
    return [(row.group, row.who, row.left_out) for row in experiment.rows]


@pytest_twisted.ensureDeferred
async def test_without_a_kamailio_its_row_is_left_out_with_the_reason(monkeypatch, tmp_path):
    def in_front(evapi):
        raise LeftOut("no Kamailio here")

    monkeypatch.setattr(kazoo, "in_front", in_front)
    assert [(rated.HIGHEST, WHO, "no Kamailio here")] == await reasons(tmp_path)


@pytest_twisted.ensureDeferred
async def test_where_kzrules_does_not_connect_both_are_ended_and_the_row_is_left_out(monkeypatch, tmp_path):
    ended = []
    monkeypatch.setattr(kazoo, "in_front", lambda evapi: Process("Kamailio", ended))
    monkeypatch.setattr(rated, "Service", lambda *_: Process("kzrules", ended))
    assert [(rated.HIGHEST, WHO, "kzrules' hello to Kamailio did not happen")] == await reasons(tmp_path)
    assert ["kzrules", "Kamailio"] == ended


@pytest.mark.usefixtures("real_kamailio")
@pytest_twisted.ensureDeferred
async def test_each_request_is_answered_by_way_of_kzrules_and_the_bus(monkeypatch, broker_url, tmp_path):
    told = []

    async def brief(round_, _to, measured, _also_at):
        told.append((sorted(measured.pids()), await paced.at_rate(round_.bus, measured.source, 50, 0.4)))

    monkeypatch.setattr(rated, "_paced", brief)
    bus = await Bus(reactor, broker_url).open()
    await bus.queue(QUESTIONS)
    answering = rated.responder(bus)
    try:
        await bus.until(lambda: bus.consumers(QUESTIONS), 30, "the responder")
        await rated._asking_kzrules(Round(bus, tmp_path, 1.0, 0), Experiment("query", "", ""), {}, 0.0)
    finally:
        answering.kill()
        answering.wait()
        await bus.close()
    ((pids, one),) = told
    assert ["Kamailio", "own"] == pids
    assert (20, 20) == (one.sent, one.came)


class Fading:
    """Is told of, until it ends at a rate that is too much for it."""

    def __init__(self):
        self.pids = {"own": [os.getpid()]}
        self.revived = 0

    def revive(self):
        self.revived += 1
        self.pids = {"own": [os.getpid()]}

    async def at_rate(self, bus, source, rate, seconds):
        if rate > 1_000:
            self.pids = {"own": []}
        came = 100 if rate <= 1_000 else 10
        return paced.Paced(rate, 0.004, 0.01, 0.02, came=came, sent=100)

    async def quiet(self, bus, source):
        pass


@pytest_twisted.ensureDeferred
async def test_what_ends_at_a_rate_does_not_hold_it_and_is_started_again(monkeypatch, tmp_path):
    fading, experiment = Fading(), Experiment("query", "", "")
    monkeypatch.setattr(paced, "at_rate", fading.at_rate)
    monkeypatch.setattr(paced, "quiet", fading.quiet)
    measured = rated.Measured("it", None, lambda: fading.pids, fading.revive)
    assert await rated._paced(Round(DeafBus(), tmp_path, 1.0, 0), experiment, measured, 2_000) == 1_000
    at_the_other_rate = experiment.row("median ms at half of the module's highest rate", "it")
    assert "it ended at this rate" == at_the_other_rate.left_out
    assert fading.revived == 5  # two rates that were not held, each twice, and the other rate
    assert [1_000.0] == experiment.row(rated.HIGHEST, "it").values
