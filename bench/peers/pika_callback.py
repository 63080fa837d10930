"""A bare pika callback: pika alone, one process, one connection. MODE is settle, immediate or forward."""

import sys

import orjson
import pika

MARKS, OUTPUTS, PREFETCH, EVERY = "bench.marks", "bench.outputs", 1000, 100
PLAIN = pika.BasicProperties(content_type="application/json", delivery_mode=1)
SAFE = pika.BasicProperties(content_type="application/json", delivery_mode=2)


def main(mode, url, queue):  # noqa: C901  one program
    def opened(connection):
        connection.channel(on_open_callback=ready)

    def ready(channel):
        channel.basic_qos(prefetch_count=PREFETCH)
        if mode == "forward":
            channel.confirm_delivery(confirmed, lambda _: channel.basic_consume(queue, take))
        else:
            channel.basic_consume(queue, take, auto_ack=mode == "immediate")

    waiting = {}  # publish sequence number -> delivery tag
    state = {"published": 0, "done": 0}

    def confirmed(frame):
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        numbers = [number for number in waiting if number <= tag] if multiple else [tag]
        for number in numbers:
            state["channel"].basic_ack(waiting.pop(number))

    def take(channel, method, _properties, body):
        event = orjson.loads(body)
        if (event["Event-Category"], event["Event-Name"]) == ("bench", "mark"):
            channel.basic_publish("", MARKS, body, PLAIN)
            state["published"] += 1
            if mode == "forward":
                waiting[state["published"]] = method.delivery_tag
            state["channel"] = channel
            if mode == "settle":
                channel.basic_ack(method.delivery_tag, multiple=True)
            return
        if event["State"] != "early":
            return
        if mode == "settle":
            state["done"] += 1
            if state["done"] % EVERY == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
        elif mode == "forward":
            state["channel"] = channel
            state["published"] += 1
            waiting[state["published"]] = method.delivery_tag
            channel.basic_publish("", OUTPUTS, body, SAFE)

    connection = pika.SelectConnection(pika.URLParameters(url), on_open_callback=opened)
    connection.ioloop.start()


main(*sys.argv[1:])
