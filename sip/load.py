"""How many questions a second each way holds: evapi with kzrules, and `kazoo_query`; the same responder,
the same broker, the same script but for the asking. `python -m sip.load` writes `sip/results.json`.

A rate is held when every call is answered, none is sent again and none is told no. Rates are looked for
from below in short probes, interleaved, and the highest one has to hold for the whole time.
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
from pathlib import Path

from sip import configs, scenarios
from sip.calls import percentile
from sip.scene import Scene, broker, until
from testbed import sipp

RESULTS = Path(__file__).with_name("results.json")
RATES = (
    50,
    100,
    150,
    200,
    300,
    400,
    500,
    600,
    700,
    800,
    1000,
    1200,
    1500,
    1800,
    2200,
    2600,
    3000,
    3500,
    4000,
)


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


@contextmanager
def ways() -> Iterator[dict[str, Scene]]:
    """Both ways, each with a Kamailio of its own, at one broker with one responder."""
    with broker() as url, Scene([url]) as asking, Scene([url]) as kazoo:
        asking.start_kamailio(configs.asking(asking.evapi, 5000), children=4)
        asking.start_service(configs.RULES.format(evapi=asking.evapi))
        kazoo.start_kamailio(configs.kazoo(url), children=4)
        asking.start_responder()
        found = {"kzrules": asking, "kazoo": kazoo}
        for name, scene in found.items():
            until(functools.partial(_answered, scene), f"{name} answers nothing", 60)
        yield found


def _answered(scene: Scene) -> bool:
    return sipp.run(scene.port, scenario=scenarios.QUIET, calls=1, timeout=8).successful == 1


def probe(name: str, scene: Scene, rate: int, seconds: float) -> Probe:
    """Offer a rate for a while."""
    calls = int(rate * seconds)
    played = sipp.run(
        scene.port, scenario=scenarios.QUIET, calls=calls, rate=rate, at_once=3000,
        timeout=seconds + 25, response_times=True,
    )  # fmt: skip
    held = played.successful == calls and not played.failed and not played.retransmissions
    times = played.response_times
    return Probe(
        name, rate, seconds, held, played.successful, played.failed, played.retransmissions,
        percentile(times, 0.5), percentile(times, 0.99),
    )  # fmt: skip


def climb(found: dict[str, Scene], seconds: float) -> Iterator[Probe]:
    """Each rate, both ways in turn, until neither holds it."""
    left = dict(found)
    for rate in RATES:
        for name, scene in list(left.items()):
            made = probe(name, scene, rate, seconds)
            yield made
            if not made.held:
                del left[name]
                time.sleep(1.0)  # what is still under way belongs to this rate
        if not left:
            return


def confirm(name: str, scene: Scene, probes: list[Probe], seconds: float) -> Iterator[Probe]:
    """The highest rate, for the whole time; a lower one where it does not hold. Then half of it."""
    held = [one.rate for one in probes if one.way == name and one.held]
    rate = max(held, default=RATES[0])
    for _ in range(4):
        made = probe(name, scene, rate, seconds)
        yield made
        if made.held:
            break
        rate = int(rate * 0.9)
        time.sleep(1.0)
    yield probe(name, scene, rate // 2, min(seconds, 10.0))


def main() -> None:
    """Measure, tell, and write down."""
    parser = argparse.ArgumentParser(prog="sip.load", description=__doc__)
    parser.add_argument("--probe", type=float, default=5.0, help="seconds of each step")
    parser.add_argument("--hold", type=float, default=30.0, help="seconds that the highest rate has to hold")
    asked = parser.parse_args()
    probes: list[Probe] = []
    confirmed: list[Probe] = []
    with ways() as found:
        for made in climb(found, asked.probe):
            print(_line(made), flush=True)
            probes.append(made)
            write(probes, confirmed)
        for name, scene in found.items():
            for made in confirm(name, scene, probes, asked.hold):
                print("hold", _line(made), flush=True)
                confirmed.append(made)
                write(probes, confirmed)


def write(probes: list[Probe], confirmed: list[Probe]) -> None:
    """What is known so far: a measurement that is broken off keeps what it has."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    written = {"machine": machine, "probes": list(map(asdict, probes)), "held": list(map(asdict, confirmed))}
    RESULTS.write_text(json.dumps(written, indent=1) + "\n")


def _line(made: Probe) -> str:
    return (
        f"{made.way:<8} {made.rate:>5}/s for {made.seconds:g}s {'held' if made.held else 'NOT HELD':<8}"
        f" failed={made.failed} retransmissions={made.retransmissions}"
        f" median={made.median:.0f}ms p99={made.p99:.0f}ms"
    )


if __name__ == "__main__":
    main()
