"""Answers every question as a KAZOO application does; the same one for every competitor.

It takes its time, as one that looks something up: the kazoo module loses answers that are there before
it has begun to wait for them, now and then at any rate (docs/migrating.md), and its highest rate would
be chance.

python -m bench.responder URL
"""

import sys
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from bench.bus import PLAIN, Bus
from bench.rulesets import QUESTIONS
from kzrules.broker.amqp_frames import Outgoing
from kzrules.message.delivery import Delivery

TAKES = 0.003
"""Seconds from a question to its answer."""


async def _main(reactor: Any, url: str) -> None:
    bus = await Bus(reactor, url).open()

    def later(questions: list[Delivery]) -> None:
        reactor.callLater(TAKES, answer, questions)

    def answer(questions: list[Delivery]) -> None:
        asked = [orjson.loads(question.body) for question in questions]
        bus.channel.publish_batch(
            [
                Outgoing(
                    "targeted",
                    one["Server-ID"],
                    orjson.dumps(
                        {"Event-Category": "bench", "Event-Name": "answer", "Msg-ID": one["Msg-ID"]}
                    ),
                    PLAIN,
                    mandatory=False,
                )
                for one in asked
            ]
        )

    await bus.exchange("targeted", "direct")
    await bus.watch(QUESTIONS, later)
    await Deferred()  # for ever


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(_main(reactor, sys.argv[1])))
