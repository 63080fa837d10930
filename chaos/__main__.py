"""`make chaos`: run the experiments one after the other; exit status 1 when anything was lost."""

import argparse
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from chaos.experiments import ALL
from chaos.trial import Result
from testbed import Cluster


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("experiments", nargs="*", help=f"some of: {', '.join(ALL)}; all when none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="the size: 1 is 40,000 events")
    asked = parser.parse_args()
    unknown = [name for name in asked.experiments if name not in ALL]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}")
    return asked


async def run(reactor: Any, names: list[str], scale: float) -> list[Result]:
    """Each on a cluster of its own: what one breaks, the next must not meet."""
    results = []
    for name in names:
        cluster = Cluster(3).start()
        try:
            result = await ALL[name](reactor, cluster, scale)
        finally:
            cluster.destroy()
        print(result.line, flush=True)
        results.append(result)
    return results


async def _main(reactor: Any) -> None:
    asked = _arguments()
    results = await run(reactor, asked.experiments or list(ALL), asked.scale)
    lost = sum(result.lost for result in results)
    print(f"\n{len(results)} experiments, lost={lost}", flush=True)
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(react(lambda reactor: Deferred.fromCoroutine(_main(reactor))))
