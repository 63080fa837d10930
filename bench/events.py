"""The events that every competitor is given, and the marks that begin and end a run."""

import json
import random
from functools import cache

CATEGORY = "bench"
NAMES = tuple(f"step_{number}" for number in range(10))
SIZES = (250, 2_000, 20_000)
MARK = "mark"
EXAMPLES = 1_000


def body(size: int, name: str, number: int, **more: object) -> bytes:
    """One event of about `size` bytes, as a KAZOO application writes them."""
    event = {
        "Event-Category": CATEGORY,
        "Event-Name": name,
        "State": "early",
        "Call-ID": f"{number:08x}@10.0.0.1",
        "From": f"{1000 + number % 500}@acme.example.com",
        "Expires": 60 + number % 3600,
        "Msg-ID": f"m-{number:08x}",
        **more,
    }
    room = size - len(json.dumps(event, separators=(",", ":"))) - 10
    if room > 0:
        event["Rest"] = "x" * room
    return json.dumps(event, separators=(",", ":")).encode()


@cache
def examples(size: int) -> tuple[bytes, ...]:
    """A thousand different events; a fill sends them round and round."""
    shuffled = random.Random(size)
    return tuple(body(size, shuffled.choice(NAMES), number) for number in range(EXAMPLES))


def mark(which: str) -> bytes:
    """An event whose rule publishes it to the queue that the driver watches."""
    return body(0, MARK, 0, Which=which)
