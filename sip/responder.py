"""The responder on the bus, one for both sides: `python -m sip.responder URL,URL [PORT PORT]`.

It answers a question of `kazoo_query` or of a rule as a registrar or a routing application does: to
the exchange `targeted` with the `Server-ID` of the question, with its `Msg-ID`. Each answer is made of
the caller's name, so that a mixed-up one shows. With two ports it gives routes to the servers there.
"""

import json
import sys
import time
from itertools import cycle
from typing import Any

import pika
from pika.exceptions import AMQPError

EXCHANGE = "numbers"


def answer(question: dict[str, Any], ports: list[str]) -> dict[str, Any]:
    """The answer for one caller."""
    made: dict[str, Any] = {
        "Event-Category": "number",
        "Event-Name": "find_resp",
        "App-Name": "responder",
        "App-Version": "1",
        "Msg-ID": question["Msg-ID"],
        "Server-ID": "",
        "Answer": f"a-{question['From']}",
    }
    if ports:
        made["Routing"] = "parallel" if question.get("Number") == "both" else "serial"
        made["Routes"] = [{"uri": f"sip:a-{question['From']}@127.0.0.1:{port}"} for port in ports]
    return made


def serve(url: str, ports: list[str]) -> None:
    """Answer until the connection ends."""
    channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
    channel.exchange_declare(EXCHANGE, "topic")
    channel.exchange_declare("targeted", "direct")
    channel.queue_declare("numbers", exclusive=True)
    channel.queue_bind("numbers", EXCHANGE, "#")
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=1)

    def take(_channel: object, _method: object, _properties: object, body: bytes) -> None:
        question = json.loads(body)
        found = json.dumps(answer(question, ports)).encode()
        channel.basic_publish("targeted", question["Server-ID"], found, properties)

    channel.basic_consume("numbers", take, auto_ack=True)
    print("ready", flush=True)
    channel.start_consuming()


def main() -> None:
    """Answer by whichever broker is there."""
    urls, *ports = sys.argv[1:]
    for url in cycle(urls.split(",")):
        try:
            serve(url, ports)
        except (AMQPError, OSError):
            time.sleep(0.1)


if __name__ == "__main__":
    main()
