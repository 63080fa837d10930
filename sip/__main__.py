"""`make sip`: real SIP, real Kamailio, real RabbitMQ; exit status 1 when anything is not as it should be."""

import argparse
import sys
from functools import partial

from sip.experiments import ALL, Experiment, Result, breaks
from sip.scene import GIVEN
from sip.short import routed, together

SHORT: dict[str, Experiment] = {"together": together, "routed": routed}


def main() -> int:
    """Run the experiments one after the other, each on ground of its own."""
    parser = argparse.ArgumentParser(prog="sip", description=__doc__)
    parser.add_argument("experiments", nargs="*", help=f"some of: {', '.join(ALL)}; all when none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="the size: 1 is 10,000 calls")
    parser.add_argument("--short", action="store_true", help=f"what runs with the tests: {', '.join(SHORT)}")
    parser.add_argument("--broker", metavar="URL", help="a broker that is there already")
    parser.add_argument("--rate", type=int, default=300, help="calls a second while parts are broken")
    asked = parser.parse_args()
    known = SHORT if asked.short else ALL | {"breaks": partial(breaks, rate=asked.rate)}
    unknown = [name for name in asked.experiments if name not in known]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}")
    if asked.broker:
        GIVEN.append(asked.broker)
    results: list[Result] = []
    for name in asked.experiments or known:
        came = known[name](asked.scale)
        for result in came if isinstance(came, list) else [came]:
            print(result.line, flush=True)
            results.append(result)
    bad = sum(not result.good for result in results)
    print(f"\n{len(results)} experiments, {bad} not as they should be", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
