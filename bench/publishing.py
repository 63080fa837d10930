"""Publish with confirms: the service's publisher by itself, and the peers' of `bench/peers/publish.py`.

python -m bench.publishing URL QUEUE COUNT      prints messages a second
"""

import subprocess
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from bench.bus import Bus
from bench.competitors import HERE, peers_python
from kzrules.broker.publisher import Publisher
from kzrules.message.action import Publish

BODY = b'{"Event-Category":"bench","Event-Name":"out","Rest":"' + b"x" * 196 + b'"}'
WINDOW, TOGETHER = 1_000, 50
"""At most so many unconfirmed; handed over so many at a time, as the workers' results come."""
PUBLISHERS = ("aio-pika", "pika", "kzrules")


def rate(who: str, url: str, queue: str, count: int) -> float:
    """Messages a second, in a process of its own."""
    arguments = [url, queue, str(count)]
    if who == "kzrules":
        command = [sys.executable, "-m", "bench.publishing", *arguments]
    else:
        command = [peers_python(), str(HERE / "peers" / "publish.py"), who, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    return float(done.stdout)


async def _main(reactor: Any, url: str, queue: str, count: int) -> None:
    bus = await Bus(reactor, url).open()
    publisher = Publisher(reactor)
    publisher.session_opened(bus.session)
    while not publisher.ready:
        await deferLater(reactor, 0.01)
    began, sent = reactor.seconds(), 0
    room: list[Deferred[None]] = []

    def confirmed(_: object) -> None:
        if room and publisher.size < WINDOW:
            room.pop().callback(None)

    while sent < count:
        if publisher.size >= WINDOW:
            room.append(Deferred())
            await room[-1]
        for _ in range(TOGETHER):
            sent += 1
            publisher.publish(Publish("", queue, BODY, f"m-{sent}")).addCallback(confirmed)
    await publisher.drain()
    print(sent / (reactor.seconds() - began))
    publisher.stop()
    await bus.close()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(_main(reactor, sys.argv[1], sys.argv[2], int(sys.argv[3]))))
