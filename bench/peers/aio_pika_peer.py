"""aio-pika: a callback a message. MODE is settle, immediate or forward."""

import asyncio
import sys

import aio_pika
import orjson

MARKS, OUTPUTS, PREFETCH = "bench.marks", "bench.outputs", 1000


async def main(mode, url, queue):
    connection = await aio_pika.connect_robust(url)
    channel = await connection.channel(publisher_confirms=mode == "forward")
    await channel.set_qos(prefetch_count=PREFETCH)
    found = await channel.get_queue(queue, ensure=False)
    exchange = channel.default_exchange

    async def take(message):
        event = orjson.loads(message.body)
        if (event["Event-Category"], event["Event-Name"]) == ("bench", "mark"):
            await exchange.publish(aio_pika.Message(message.body), MARKS, mandatory=False)
        elif event["State"] == "early" and mode == "forward":
            out = aio_pika.Message(message.body, delivery_mode=2, content_type="application/json")
            await exchange.publish(out, OUTPUTS, mandatory=False)
        if mode != "immediate":
            await message.ack()

    await found.consume(take, no_ack=mode == "immediate")
    await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
