"""`make bench`: every measurement side by side, against one private broker.

Rounds are interleaved: each round runs every competitor once, beginning with another one.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from bench.bus import Bus, NotInTime
from bench.experiments import ALL
from bench.results import FOLDER, Experiment, read
from bench.round import Round
from testbed import private_broker


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help=f"some of: {', '.join(ALL)}; all"
    )
    parser.add_argument("--rounds", type=int, help="rounds of each [3; tables and memory 1]")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the usual number of events")
    parser.add_argument(
        "--quick", action="store_true", help="one round of a quarter of the events, not written"
    )
    parser.add_argument(
        "--who", action="append", default=[], metavar="PART", help="only competitors named so"
    )
    parser.add_argument("--add", action="store_true", help="add rounds to the results that are there")
    parser.add_argument("--results", type=Path, default=FOLDER, help="where the files go")
    asked = parser.parse_args(given)
    unknown = [name for name in asked.experiments if name not in ALL]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}")
    if asked.quick:
        asked.scale, asked.rounds = asked.scale / 4, asked.rounds or 1
    return asked


async def run(reactor: Any, asked: argparse.Namespace, say: Any = print) -> list[Experiment]:
    """Measure, and tell each table as soon as it is there."""
    node = private_broker()
    try:
        return await measure(reactor, asked, node.url, say)
    finally:
        node.destroy()


async def measure(reactor: Any, asked: argparse.Namespace, url: str, say: Any) -> list[Experiment]:
    """The same, against a broker that runs."""
    bus = await Bus(reactor, url).open()
    done = []
    for name in asked.experiments or ALL:
        done.append(await _one(name, asked, bus))
        say(done[-1].table(), flush=True)
        if not asked.quick:
            done[-1].write(asked.results)
    await bus.close()
    return done


async def _one(name: str, asked: argparse.Namespace, bus: Bus) -> Experiment:
    known = ALL[name]
    before = read(asked.results, name) if asked.add else None
    experiment = before or Experiment(name, known.title, known.unit, known.less_is_better)
    with tempfile.TemporaryDirectory(prefix="kzrules-bench-") as folder:
        first = max((len(row.values) for row in experiment.rows), default=0)
        for number in range(first, first + (asked.rounds or known.rounds)):
            round_ = Round(bus, Path(folder), asked.scale, number, tuple(asked.who))
            try:
                await known.measure(round_, experiment)
            except NotInTime as why:
                print(f"{name}: round {number + 1} broke off: {why}", file=sys.stderr, flush=True)
    return experiment


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, arguments())))
