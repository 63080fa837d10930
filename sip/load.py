"""How many questions a second each way holds: evapi with kzrules, and `kazoo_query`; the same responder,
the same broker, the same script but for the asking. `make sip-load` runs it, draws it and writes it down.

A rate is held when every call is answered, none is sent again and none is told no. Rates are looked for
from below in short probes, interleaved; the highest one has to hold for the whole time, and the times
that decide are taken at half of it.
"""

import argparse
import functools
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from bench.service import processor
from sip import configs, page, scenarios
from sip.calls import percentile
from sip.scene import Scene, broker, until
from testbed import sipp

RATES = (100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 1000, 1250, 1500, 1800, 2200, 2700, 3300, 4000)
LOWER = 0.85
"""What a rate that did not hold for the whole time is multiplied by."""
TRIES = 5
CALM = 1.5
"""Seconds after a rate that was not held: what is still under way belongs to it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One run at one rate; times in milliseconds."""

    way: str
    rate: int
    seconds: float
    held: bool
    answered: int
    failed: int
    retransmissions: int
    median: float
    p99: float
    shares: dict[str, float]
    """How much of one processor each part took."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Both ways, and the process that answers both."""

    scenes: dict[str, Scene]
    responder: int


@contextmanager
def ways() -> Iterator[Ways]:
    """Both ways, each with a Kamailio of its own, at one broker with one responder."""
    with broker() as url, Scene([url]) as asking, Scene([url]) as kazoo:
        asking.start_kamailio(configs.asking(asking.evapi, 5000), children=4)
        asking.start_service(configs.RULES.format(evapi=asking.evapi))
        kazoo.start_kamailio(configs.kazoo(url), children=4)
        asking.start_responder()
        scenes = {"kzrules": asking, "kazoo": kazoo}
        for name, scene in scenes.items():
            until(functools.partial(_answered, scene), f"{name} answers nothing", 60)
        if asking.responder is None:
            raise RuntimeError("nobody answers")
        yield Ways(scenes, asking.responder.pid)


def _answered(scene: Scene) -> bool:
    return sipp.run(scene.port, scenario=scenarios.QUIET, calls=1, timeout=8).successful == 1


def probe(name: str, scene: Scene, responder: int, rate: int, seconds: float) -> Probe:
    """Offer a rate for a while."""
    calls = int(rate * seconds)
    before, began = _used(scene, responder), time.monotonic()
    played = sipp.run(
        scene.port, scenario=scenarios.QUIET, calls=calls, rate=rate, at_once=3000,
        timeout=seconds + 12, response_times=True,
    )  # fmt: skip
    took = time.monotonic() - began
    shares = {part: round((used - before[part]) / took, 2) for part, used in _used(scene, responder).items()}
    held = played.successful == calls and not played.failed and not played.retransmissions
    times = played.response_times
    return Probe(
        name, rate, seconds, held, played.successful, calls - played.successful, played.retransmissions,
        percentile(times, 0.5), percentile(times, 0.99), shares,
    )  # fmt: skip


def _used(scene: Scene, responder: int) -> dict[str, float]:
    """Seconds of processor time that each part has taken."""
    used = {"responder": processor([responder])}
    if scene.kamailio is not None:
        used["kamailio"] = processor(scene.kamailio.processes())
    if scene.service is not None:
        used["kzrules"] = processor([scene.service.pid])
    return used


def climb(found: Ways, seconds: float) -> Iterator[Probe]:
    """Each rate, both ways in turn, until neither holds it; what fails once is offered once more."""
    left = dict(found.scenes)
    for rate in RATES:
        for name, scene in list(left.items()):
            for _ in range(2):
                made = probe(name, scene, found.responder, rate, seconds)
                yield made
                if made.held:
                    break
                time.sleep(CALM)
            else:
                del left[name]
        if not left:
            return


def confirm(name: str, found: Ways, probes: list[Probe], seconds: float) -> Iterator[Probe]:
    """The highest rate, for the whole time; a lower one where it does not hold. Then half of it."""
    scene = found.scenes[name]
    rate = max((one.rate for one in probes if one.way == name and one.held), default=RATES[0])
    for _ in range(TRIES):
        made = probe(name, scene, found.responder, rate, seconds)
        yield made
        if made.held:
            break
        rate = int(rate * LOWER)
        time.sleep(CALM)
    yield probe(name, scene, found.responder, rate // 2, seconds)


def main() -> None:
    """Measure, tell, and write down."""
    parser = argparse.ArgumentParser(prog="sip.load", description=__doc__)
    parser.add_argument("--probe", type=float, default=4.0, help="seconds of each step")
    parser.add_argument("--hold", type=float, default=30.0, help="seconds that the highest rate has to hold")
    parser.add_argument("--busy", action="store_true", help="say that other work ran beside it")
    asked = parser.parse_args()
    probes: list[Probe] = []
    confirmed: list[Probe] = []
    with ways() as found:
        for made in climb(found, asked.probe):
            print(_line(made), flush=True)
            probes.append(made)
        for name in found.scenes:
            for made in confirm(name, found, probes, asked.hold):
                print("hold", _line(made), flush=True)
                confirmed.append(made)
    write(probes, confirmed, busy=asked.busy)
    print(page.fill())


def write(probes: list[Probe], confirmed: list[Probe], *, busy: bool) -> None:
    """All that was measured."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    written = {
        "machine": machine + (", busy with other work" if busy else ""),
        "probes": list(map(asdict, probes)),
        "held": list(map(asdict, confirmed)),
    }
    page.RESULTS.write_text(json.dumps(written, indent=1) + "\n")


def _line(made: Probe) -> str:
    shares = " ".join(f"{part}={share:.0%}" for part, share in made.shares.items())
    return (
        f"{made.way:<8} {made.rate:>5}/s for {made.seconds:g}s {'held' if made.held else 'NOT HELD':<8}"
        f" failed={made.failed} retransmissions={made.retransmissions}"
        f" median={made.median:.0f}ms p99={made.p99:.0f}ms {shares}"
    )


if __name__ == "__main__":
    main()
