"""A broker's side of the conversation, in memory: reads what the protocol wrote, answers as told."""

from pika import frame, spec
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from kzrules.broker.amqp import Greeting, connect

ANSWERS = {
    spec.Channel.Open: lambda _: spec.Channel.OpenOk(),
    spec.Channel.Close: lambda _: spec.Channel.CloseOk(),
    spec.Connection.Close: lambda _: spec.Connection.CloseOk(),
    spec.Confirm.Select: lambda _: spec.Confirm.SelectOk(),
    spec.Basic.Qos: lambda _: spec.Basic.QosOk(),
    spec.Basic.Consume: lambda m: spec.Basic.ConsumeOk(m.consumer_tag),
    spec.Basic.Cancel: lambda m: spec.Basic.CancelOk(m.consumer_tag),
    spec.Exchange.Declare: lambda _: spec.Exchange.DeclareOk(),
    spec.Exchange.Bind: lambda _: spec.Exchange.BindOk(),
    spec.Queue.Declare: lambda m: spec.Queue.DeclareOk(m.queue or "amq.gen-1", 0, 0),
    spec.Queue.Bind: lambda _: spec.Queue.BindOk(),
    spec.Queue.Unbind: lambda _: spec.Queue.UnbindOk(),
    spec.Queue.Delete: lambda _: spec.Queue.DeleteOk(0),
    spec.Queue.Purge: lambda _: spec.Queue.PurgeOk(0),
    spec.Exchange.Delete: lambda _: spec.Exchange.DeleteOk(),
    spec.Exchange.Unbind: lambda _: spec.Exchange.UnbindOk(),
    spec.Connection.StartOk: lambda _: spec.Connection.Tune(2047, 131072, 60),
    spec.Connection.Open: lambda _: spec.Connection.OpenOk(),
}

CAPABILITIES = {"publisher_confirms": True, "basic.nack": True, "consumer_cancel_notify": True}


class Wire(StringTransport):
    """A transport that tells how it was let go, and counts writes."""

    def __init__(self):
        super().__init__()
        self.lost = None
        self.aborted = False
        self.writes = 0

    def write(self, data):
        self.writes += 1
        super().write(data)

    def loseConnection(self):
        self.lost = self.lost or "lost"

    def abortConnection(self):
        self.lost = "aborted"
        self.aborted = True

    def setTcpNoDelay(self, enabled):
        self.no_delay = enabled


class Peer:
    """One connection as the broker sees it. `mute` holds method classes that get no answer."""

    def __init__(self, clock=None, greeting=None, protocol=None):
        self.clock = clock or Clock()
        self.protocol = protocol or connect(greeting or Greeting(3, "local", "b1:5672"), self.clock)
        self.wire = Wire()
        self.seen = []
        self.mute = set()
        self.refuse = {}  # method class -> (code, text): the channel is closed with it
        self.gone = False
        self.queue = b""

    def connect(self):
        self.protocol.makeConnection(self.wire)
        self.settle()
        return self

    def greet(self):
        self.say(
            0,
            spec.Connection.Start(
                0, 9, {"capabilities": CAPABILITIES}, mechanisms="PLAIN EXTERNAL", locales="en_US"
            ),
        )
        return self

    def open(self):
        """The whole handshake; the session."""
        self.connect().greet()
        got = []
        self.protocol.opened.addCallback(got.append)
        return got[0]

    def read(self):
        """What the protocol wrote since the last look, as pika's frames."""
        data, frames = self.queue + self.wire.value(), []
        self.wire.clear()
        while data:
            used, one = frame.decode_frame(data)
            if one is None:
                break
            data = data[used:]
            frames.append(one)
        self.queue = data
        self.seen += frames
        return frames

    def settle(self):
        """Answer until nothing is asked any more."""
        while frames := self.read():
            for one in frames:
                if isinstance(one, frame.Method):
                    self.answer(one)

    def answer(self, one):
        method = type(one.method)
        if method in self.mute:
            return
        if method in self.refuse:
            code, text = self.refuse[method]
            closing = spec.Connection.Close if one.channel_number == 0 else spec.Channel.Close
            self.feed(frame.Method(one.channel_number, closing(code, text, 0, 0)).marshal())
        elif method in ANSWERS:
            self.feed(frame.Method(one.channel_number, ANSWERS[method](one.method)).marshal())
        if method is spec.Connection.Close and method not in self.mute:
            self.hang_up()

    def say(self, channel, *methods):
        self.feed(b"".join(frame.Method(channel, method).marshal() for method in methods))
        self.settle()

    def feed(self, data):
        self.protocol.dataReceived(data)

    def deliver(self, channel, *messages, tag="c"):
        self.feed(b"".join(delivery(channel, *message, consumer=tag) for message in messages))
        self.settle()

    def hang_up(self, reason=None):
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    def drop(self):
        self.hang_up(ConnectionAborted() if self.wire.aborted else ConnectionLost("reset"))

    def methods(self):
        """The names of all methods that came, in order."""
        return [one.method.NAME for one in self.seen if isinstance(one, frame.Method)]

    def last(self, kind):
        return [
            one.method for one in self.seen if isinstance(one, frame.Method) and isinstance(one.method, kind)
        ][-1]

    def all(self, kind):
        return [
            one.method for one in self.seen if isinstance(one, frame.Method) and isinstance(one.method, kind)
        ]


def content(channel, method, properties, body, frame_max=131072):
    parts = [
        frame.Method(channel, method).marshal(),
        frame.Header(channel, len(body), properties).marshal(),
    ]
    parts += [
        frame.Body(channel, body[at : at + frame_max - 8]).marshal()
        for at in range(0, len(body), frame_max - 8)
    ]
    return b"".join(parts)


def delivery(  # noqa: PLR0917  basic.deliver has that many arguments
    channel, tag, body=b"{}", key="k", exchange="x", properties=None, consumer="c", redelivered=False
):
    method = spec.Basic.Deliver(consumer, tag, redelivered, exchange, key)
    return content(channel, method, properties or spec.BasicProperties(), body)


def returned(channel, body=b"{}", key="k", exchange="x", properties=None):
    method = spec.Basic.Return(312, "NO_ROUTE", exchange, key)
    return content(channel, method, properties or spec.BasicProperties(), body)


def result(deferred):
    """What a coroutine or Deferred came to; its exception is raised here."""
    from twisted.internet.defer import Deferred

    if not isinstance(deferred, Deferred):
        deferred = Deferred.fromCoroutine(deferred)
    good, bad = [], []
    deferred.addCallbacks(good.append, bad.append)
    if bad:
        raise bad[0].value
    assert good, "it has not come to anything yet"
    return good[0]


def begun(coroutine):
    """A coroutine set going; its Deferred."""
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(coroutine)
