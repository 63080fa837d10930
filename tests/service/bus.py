"""A party on the bus besides kzrules, on the tests' reactor; and kzrules itself, as a process."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from kzrules.broker.dial import dialler
from kzrules.broker.publisher import Publisher
from kzrules.broker.zones import read_url
from kzrules.errors import BrokerError
from kzrules.language.program import BrokerSpec, ExchangeSpec, QueueSpec, ZoneSpec
from kzrules.message.action import Publish
from kzrules.message.delivery import Source


async def until(condition, seconds=60.0):
    """Wait until `condition()`, which may be a coroutine function, is true."""
    deadline = reactor.seconds() + seconds
    while True:
        found = condition()
        if hasattr(found, "__await__"):
            found = await found
        if found:
            return found
        assert reactor.seconds() < deadline, "the condition did not come true in time"
        await deferLater(reactor, 0.02)


class Bus:
    """One connection to the broker of the tests."""

    @classmethod
    async def connect(cls, url):
        """The open connection."""
        bus = cls()
        spec = BrokerSpec((ZoneSpec("local", (url,)),))
        protocol = await dialler(spec, None, reactor)(read_url(url), 0)
        bus.session = await protocol.opened
        bus.publisher = Publisher(reactor, 1_000_000)
        bus.publisher.session_opened(bus.session)
        bus.channel = await bus.session.open_channel()
        bus.number = 0
        return bus

    async def queue(self, name, exchange, kind="topic", key="#"):
        """A queue that collects what is published to an exchange."""
        await self.channel.declare_exchange(ExchangeSpec(exchange, kind))
        await self.channel.declare_queue(QueueSpec(name, durable=True, auto_delete=False))
        await self.channel.bind_queue(name, exchange, key, {})

    async def publish(self, exchange, messages):
        """Publish (key, body) pairs; done when all are confirmed."""
        made = []
        for key, body in messages:
            self.number += 1
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            made.append(Publish(exchange, key, raw, f"test-{self.number}"))
        await self.publisher.publish_all(made)

    async def count(self, queue):
        """Messages ready and consumers; (-1, 0) while there is no such queue."""
        try:
            channel = await self.session.open_channel()
            found = await channel.count_messages(queue)
            await channel.close()
        except BrokerError:
            return -1, 0
        return found

    async def consumers(self, queue, count):
        """Whether a queue has so many consumers."""
        return (await self.count(queue))[1] == count

    async def depth(self, queue, count):
        """Whether so many messages lie in a queue."""
        return (await self.count(queue))[0] == count

    async def refused(self, exchange, messages):
        """Publish what no queue takes; the failures."""
        failures = []
        for message in messages:
            try:
                await self.publish(exchange, [message])
            except BrokerError as error:
                failures.append(error)
        return failures

    async def watch(self, queue, on_deliveries):
        """Hand everything that comes into a queue to a callback."""
        channel = await self.session.open_channel()
        source = Source("test", queue, "local", 1, channel.generation)
        await channel.consume(queue, source, on_deliveries, lambda: None, no_ack=True)

    async def take(self, queue, count, seconds=60.0):
        """The payloads of the next `count` messages of a queue, and of what lies there besides."""
        got = []
        await self.watch(queue, got.extend)
        await until(lambda: len(got) >= count, seconds)
        await until(lambda: self._is_empty(queue))
        return [json.loads(delivery.body) for delivery in got]

    async def answer(self, queue):
        """Answer every question of a queue with its own N."""
        await self.watch(queue, self.reply_to)

    def reply_to(self, questions):
        """Answer these as a KAZOO application does: `targeted`, the asker's Server-ID, its Msg-ID."""
        asked = [json.loads(question.body) for question in questions]
        return self.publisher.publish_all(
            Publish(
                "targeted",
                one["Server-ID"],
                json.dumps({"Event-Name": "answer", "N": one["N"], "Msg-ID": one["Msg-ID"]}).encode(),
                f"answer-{one['Msg-ID']}",
            )
            for one in asked
        )

    until = staticmethod(until)

    async def _is_empty(self, queue):
        return (await self.count(queue))[0] == 0

    async def close(self):
        """Close the connection."""
        self.publisher.stop()
        await self.session.close()


class Service:
    """`twistd -n kzrules run` as a process of its own, its log in a file."""

    def __init__(self, folder: Path, url, rules, *options, broker="", login=None, zones=None, twistd=()):
        """`broker` is more of the broker block; `login`, "user:password", goes into a secrets folder.

        `zones`, names and URLs, stands in place of `url`.
        """
        folder.mkdir(exist_ok=True)
        self.rules = folder / "rules.kzr"
        self.rules.write_text(rules)
        if login is not None:
            (folder / "secrets").mkdir(exist_ok=True)
            (folder / "secrets" / "broker").write_text(login)
            broker += ' login: secret("broker")'
            url = re.sub("//.*@", "//", url)
            options = ("--secrets", str(folder / "secrets"), *options)
        where = f'"{url}"'
        if zones is not None:
            where = " ".join(f'zone {name} {{ "{one}" }}' for name, one in zones.items())
        (folder / "broker.kzr").write_text(f"broker {{ {where} {broker} }}\n")
        self.log = folder / "log"
        command = [
            str(Path(sys.executable).with_name("twistd")),
            "-n",
            "--pidfile=",
            *twistd,
            "kzrules",
            "run",
        ]
        asked = ["--broker-file", str(folder / "broker.kzr"), "--log-format", "json", *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *asked, str(self.rules)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "KZRULES_CACHE": "off"},
            )

    async def consuming(self, bus, *queues):
        """Wait until it consumes all of these queues."""
        for queue in queues:
            await until(lambda queue=queue: self._consumes(bus, queue), 30.0)

    async def _consumes(self, bus, queue):
        assert self.process.poll() is None, self.log.read_text()
        return (await bus.count(queue))[1] > 0

    async def stop(self, number=signal.SIGTERM):
        """End it; its exit status."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self):
        """Its exit status, once it has ended."""
        return await deferToThread(self.process.wait, 60)

    def totals(self):
        """The counters that it wrote at its end."""
        return self.said("totals")[-1]

    def said(self, event):
        """The lines of its log about this."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def reload(self, rules):
        """Write other rules and have it load them."""
        self.rules.write_text(rules)
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
