"""Publish COUNT persistent messages with confirms, a thousand in flight, by aio-pika or pika: the rate."""

import asyncio
import sys
import time

import aio_pika
import pika

BODY = b'{"Event-Category":"bench","Event-Name":"out","Rest":"' + b"x" * 196 + b'"}'
WINDOW = 1000


async def by_aio_pika(url, queue, count):
    connection = await aio_pika.connect(url)
    channel = await connection.channel(publisher_confirms=True)
    room = asyncio.Semaphore(WINDOW)

    async def one():
        async with room:
            message = aio_pika.Message(BODY, delivery_mode=2, content_type="application/json")
            await channel.default_exchange.publish(message, queue)

    began = time.monotonic()
    await asyncio.gather(*(one() for _ in range(count)))
    took = time.monotonic() - began
    await connection.close()
    return took


def by_pika(url, queue, count):
    waiting = set()
    state = {"sent": 0, "began": 0.0, "took": 0.0}
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)

    def opened(connection):
        connection.channel(
            on_open_callback=lambda channel: channel.confirm_delivery(settled, lambda _: begin(channel))
        )

    def begin(channel):
        state["channel"], state["began"] = channel, time.monotonic()
        more()

    def more():
        while state["sent"] < count and len(waiting) < WINDOW:
            state["sent"] += 1
            waiting.add(state["sent"])
            state["channel"].basic_publish("", queue, BODY, properties, mandatory=True)

    def settled(frame):
        tag = frame.method.delivery_tag
        waiting.difference_update([one for one in waiting if one <= tag] if frame.method.multiple else [tag])
        if state["sent"] == count and not waiting:
            state["took"] = time.monotonic() - state["began"]
            connection.close()
        elif len(waiting) < WINDOW // 2:
            more()

    connection = pika.SelectConnection(
        pika.URLParameters(url),
        on_open_callback=opened,
        on_close_callback=lambda *_: connection.ioloop.stop(),
    )
    connection.ioloop.start()
    return state["took"]


which, url, queue, count = sys.argv[1:]
if which == "pika":
    took = by_pika(url, queue, int(count))
else:
    took = asyncio.run(by_aio_pika(url, queue, int(count)))
print(int(count) / took)
