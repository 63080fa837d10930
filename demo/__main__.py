"""`make run`: watch events run rules, on a broker that is here for that alone."""

import argparse
import sys
import uuid
from pathlib import Path

from pika.exceptions import AMQPError
from rich.console import Console

from demo.brokers import Brokers, open_brokers
from demo.ledger import Ledger
from demo.publisher import connect
from demo.run import Run
from demo.screen import Screen
from demo.subscriptions import subscriptions
from kzrules.errors import KzError
from testbed import NoBroker

RULES = Path(__file__).parents[1] / "rules" / "demo"


def main() -> int:
    """Exit status 0 when the counts add up."""
    options = arguments()
    screen = Screen(Console(highlight=False, soft_wrap=False))
    count = options.count
    if count is None and (options.kill or not screen.console.is_terminal):
        count = 1000
    try:
        brokers = open_brokers(kill=options.kill, sure=options.i_know_this_bus, say=screen.say)
    except NoBroker as error:
        print(f"make run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    try:
        connect(brokers.urls, patience=5).close()
        return show(brokers, screen, count, options.rate or (25.0 if count is None else 200.0))
    except KzError as error:
        print(f"make run: {error}", file=sys.stderr)
        return 2
    except AMQPError as error:
        print(f"make run: the broker does not answer, or refuses us: {error!r}", file=sys.stderr)
        return 2
    finally:
        brokers.close()


def show(brokers: Brokers, screen: Screen, count: int | None, rate: float) -> int:
    """Run to the end, and say the last line."""
    ledger = Ledger(brokers.urls, subscriptions(RULES))
    run = Run(brokers, ledger, screen, RULES, count=count, rate=rate, name=uuid.uuid4().hex[:8])
    return run.to_the_end()


def arguments() -> argparse.Namespace:
    """The command line; `make` fills it in."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--count", type=int, help="end after so many events [without a terminal: 1000]")
    parser.add_argument("--rate", type=float, help="events a second")
    parser.add_argument(
        "--kill", action="store_true", help="two brokers, the active one killed in the middle"
    )
    parser.add_argument("--i-know-this-bus", action="store_true", help="use DEMO_BROKER wherever it is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
