"""`make interop`: the experiments beside the real module, one after the other; status 1 on a deviation."""

import argparse
import sys
import time
from collections.abc import Callable

from interop import asking, converted, differential, faults, publishing, takeover, together, zones
from interop.scene import Result
from testbed import Node, NoKamailio, private_broker, telephony
from testbed.broker import say_on_stderr

Experiment = Callable[[Node, float], Result]

ALL: dict[str, Experiment] = {
    "publish": publishing.run,
    "query": asking.run,
    "zones": zones.run,
    "differential": differential.run,
    "faults": faults.run,
    "converted": converted.run,
    "together": together.run,
    "takeover": takeover.run,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="interop", description=__doc__)
    parser.add_argument("experiments", nargs="*", help=f"some of: {', '.join(ALL)}; all when none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="the size: 1 is the whole")
    asked = parser.parse_args()
    unknown = [name for name in asked.experiments if name not in ALL]
    if unknown:
        parser.error(f"there is no experiment {', '.join(unknown)}")
    return asked


def main() -> int:
    """The exit status: 1 on a deviation, 0 without, and 0 with a sentence where there is no Kamailio."""
    asked = _arguments()
    try:
        telephony.find(say_on_stderr)
    except NoKamailio as error:
        print(f"left out: {error}")
        return 0
    node = private_broker()
    deviations = 0
    try:
        for name in asked.experiments or ALL:
            began = time.monotonic()
            result = ALL[name](node, asked.scale)
            deviations += len(result.wrong)
            print("\n".join(result.lines()), f"({time.monotonic() - began:.0f} s)", flush=True)
    finally:
        node.destroy()
    print(f"\n{len(asked.experiments or ALL)} experiments, deviations={deviations}", flush=True)
    return 1 if deviations else 0


if __name__ == "__main__":
    sys.exit(main())
