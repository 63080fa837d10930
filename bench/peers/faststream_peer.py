"""FastStream: a subscriber with a prefetch. MODE is settle, immediate or forward."""

import asyncio
import logging
import sys

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

MARKS, OUTPUTS, PREFETCH = "bench.marks", "bench.outputs", 1000
mode, url, queue = sys.argv[1:]
broker = RabbitBroker(
    url,
    logger=None,
    default_channel=Channel(prefetch_count=PREFETCH, publisher_confirms=mode == "forward"),
)
policy = AckPolicy.ACK_FIRST if mode == "immediate" else AckPolicy.REJECT_ON_ERROR
listening = RabbitQueue(queue, durable=True, declare=False)


@broker.subscriber(listening, ack_policy=policy, no_reply=True)
async def take(event: dict) -> None:
    if (event["Event-Category"], event["Event-Name"]) == ("bench", "mark"):
        await broker.publish(event, MARKS, mandatory=False)
    elif event["State"] == "early" and mode == "forward":
        await broker.publish(event, OUTPUTS, persist=True, mandatory=False)


logging.disable(logging.INFO)
asyncio.run(FastStream(broker, logger=None).run())
