"""`make chaos`: run the experiments one after the other; exit status 1 when anything was lost."""

import argparse
import os
import signal
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from chaos.experiments import ALL
from chaos.result import Result, table
from chaos.trial import Ground
from testbed import Cluster, NoBroker


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("experiments", nargs="*", help=f"some of: {', '.join(ALL)}; all when none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="the size: 1 is 40,000 events")
    parser.add_argument("--ack", choices=("after_processing", "immediate"), default="after_processing")
    parser.add_argument("--one-cluster", action="store_true", help="one for all: quicker, less apart")
    asked = parser.parse_args()
    unknown = [name for name in asked.experiments if name not in ALL]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}")
    return asked


def _mended(cluster: Cluster) -> bool:
    """Start what was killed, let go on what was stopped; whether all nodes know each other again."""
    for node in cluster.nodes:
        if not node.is_running:
            node.start(wait=False)
    try:
        for node in cluster.nodes:
            node.resume()
            node.wait_until_up()
        cluster.wait_until_whole(10)
    except NoBroker:  # one that was cut off may stay so, until it is started again
        return False
    return True


async def run(reactor: Any, asked: argparse.Namespace) -> list[Result]:
    """Each on a cluster of its own, unless asked otherwise: what one breaks, the next must not meet."""
    results: list[Result] = []
    cluster: Cluster | None = None
    try:
        for name in asked.experiments or ALL:
            cluster = cluster or Cluster(3).start()
            ground = Ground(reactor, cluster, asked.scale, asked.ack)
            try:
                result = await ALL[name](ground)
            finally:
                for trial in ground.trials:
                    await trial.close()
            print(f"{name:<10} {result.line}", flush=True)
            results.append(result)
            if not asked.one_cluster or not _mended(cluster):
                cluster.destroy()
                cluster = None
    finally:
        if cluster is not None:
            cluster.destroy()
    return results


def told(results: list[Result], ack: str) -> int:
    """Tell the table; the exit status: 1 where something was lost that was promised."""
    lost = sum(result.tally.lost for result in results)
    missed = sum(bool(result.missed) for result in results)
    print(
        f"\n{table(results)}\n\n{len(results)} experiments, lost={lost}, {missed} missed a target", flush=True
    )
    return 1 if lost and ack == "after_processing" else 0


def _end(number: int, _frame: object) -> None:
    """At once: what keeps the nodes' ground ends services and nodes, and removes all that they wrote."""
    print(f"chaos: ended by {signal.Signals(number).name}, and services and nodes with it", file=sys.stderr)
    sys.stderr.flush()
    os._exit(128 + number)


def _take_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


async def _main(reactor: Any) -> None:
    asked = _arguments()
    _take_signals()
    reactor.callWhenRunning(_take_signals)  # the reactor takes them for itself when it starts
    raise SystemExit(told(await run(reactor, asked), asked.ack))


if __name__ == "__main__":
    sys.exit(react(lambda reactor: Deferred.fromCoroutine(_main(reactor))))
