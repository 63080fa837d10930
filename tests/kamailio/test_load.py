"""How the highest rate is looked for and told; the calls themselves are made by `make sip-load`."""

from dataclasses import asdict

import pytest

from sip import load, page
from sip.load import Probe, Ways


@pytest.fixture
def offered(monkeypatch):
    """What was offered: each way holds its own rate, the longer the less."""
    made = []
    most = {"kzrules": 1000, "kazoo": 260}

    def probe(name, scene, responder, rate, seconds):
        made.append((name, rate, seconds))
        held = rate <= most[name] * (0.9 if seconds > 10 else 1)
        lost = 0 if held else 7
        return Probe(name, rate, seconds, held, 0, lost, lost, 4.0, 20.0, {"responder": 0.25})

    monkeypatch.setattr(load, "probe", probe)
    monkeypatch.setattr(load, "CALM", 0.0)
    return made


WAYS = Ways({"kzrules": None, "kazoo": None}, 1)


def measured():
    probes = list(load.climb(WAYS, 4.0))
    held = [one for name in WAYS.scenes for one in load.confirm(name, WAYS, probes, 30.0)]
    return {"machine": "two processors", "probes": [], "held": [asdict(one) for one in held]}


def test_both_ways_climb_in_turn_and_what_fails_once_is_offered_once_more(offered):
    list(load.climb(WAYS, 4.0))
    assert [("kzrules", 100, 4.0), ("kazoo", 100, 4.0)] == offered[:2]
    assert [300, 300] == [rate for name, rate, _ in offered if name == "kazoo"][-2:]
    assert [1250, 1250] == [rate for name, rate, _ in offered if name == "kzrules"][-2:]


def test_the_highest_rate_has_to_hold_for_the_whole_time_and_the_half_of_it_is_measured(offered):
    measured()
    confirmed = [(name, rate) for name, rate, seconds in offered if seconds > 10]
    assert [("kzrules", 1000), ("kzrules", 850), ("kzrules", 425)] == confirmed[:3]
    assert [("kazoo", 250), ("kazoo", 212), ("kazoo", 106)] == confirmed[3:]


@pytest.mark.usefixtures("offered")
def test_the_page_has_both_side_by_side():
    assert page.table(measured()).splitlines() == [
        "Measured on two processors.",
        "",
        "| | `kazoo_query` (three arguments) | evapi and kzrules |",
        "|---|---|---|",
        (
            "| highest rate held | **212/s**, for 30 s: none failed, none sent again"
            " | **850/s**, for 30 s: none failed, none sent again |"
        ),
        "| median, 99 % at that rate | 4 ms, 20 ms | 4 ms, 20 ms |",
        "| median, 99 % at half of it | 4 ms, 20 ms (106/s) | 4 ms, 20 ms (425/s) |",
        "| of one processor, at that rate | responder 25% | responder 25% |",
        "",
        "That is 4.0 times the rate.",
    ]


@pytest.mark.usefixtures("offered")
def test_a_rate_that_never_held_is_told_as_such():
    came = measured()
    for one in came["held"]:
        if one["way"] == "kazoo":
            one |= {"held": False, "failed": 34, "retransmissions": 4778}
    told = page.table(came)
    assert "| below 212/s: there 34 of 6360 failed, 4778 sent again |" in told
    assert "That is more than 4.0 times the rate." in told
