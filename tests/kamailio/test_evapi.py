"""What we write, read as Kamailio's evapi reads it: into 32 KiB, and with nothing kept of a bad cut."""

import random
import socket
import threading

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from kzrules.kamailio import frames
from kzrules.kamailio.evapi import Evapi
from kzrules.language.program import KamailioSpec
from kzrules.message.outcome import Place
from kzrules.wire.netstring import BLOCK, LONGEST_BODY, LONGEST_FRAME, aligned, framed

CAPACITY = 32_768


class Reader:
    """`evapi_recv_client` of 5.6.3 to 6.0.7 step by step: its buffer, its cuts, and what it forgets."""

    def __init__(self):
        self.kept = b""
        self.frames = []
        self.forgotten = 0

    @property
    def room(self):
        return CAPACITY - 1 - len(self.kept)

    def read(self, data):
        buffer, self.kept = self.kept + data, b""
        at = 0
        while at < len(buffer):
            while at < len(buffer) and buffer[at] in b" \t\r\n":
                at += 1
            if at == len(buffer):
                return
            colon = at
            while colon < len(buffer) and buffer[colon] in b"0123456789":
                colon += 1
            if colon == len(buffer) or buffer[colon] != 0x3A or colon == at:
                self.forgotten += 1
                return
            length = int(buffer[at:colon])
            if length + colon >= len(buffer):
                self.kept = buffer[at:]
                return
            end = colon + 1 + length
            if buffer[end : end + 1] != b",":
                self.forgotten += 1
                return
            self.frames.append(buffer[colon + 1 : end])
            at = end + 1


class Server:
    """One connection, read in a thread of its own, as fast as it comes."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.reader = Reader()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with self._listening:
            connection, _ = self._listening.accept()
        with connection:
            while data := connection.recv(self.reader.room):
                self.reader.read(data)

    def join(self):
        self._thread.join(20)
        return self.reader


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("count", "longest"), [(30_000, 300), (1_000, LONGEST_BODY)], ids=["small", "of every size"]
)
async def test_evapi_reads_every_frame_of_a_burst(count, longest):
    chance = random.Random(count)
    bodies = [b'{"a":"%b"}' % (b"x" * chance.randrange(longest - 8)) for _ in range(count)]
    server = Server()
    evapi = Evapi(KamailioSpec("k", Place("r.kzr", 1), port=server.port), reactor, None, lambda _: None)
    evapi.start()
    while evapi.connection is None:
        await deferLater(reactor, 0.01)
    turn = 0
    for number, body in enumerate(bodies):
        if number == turn:  # some go out at once, and some behind others
            await deferLater(reactor, 0)
            turn = number + chance.choice([1, 1, 2, 5, 500])
        evapi.connection.write(frames.answer(f"1:{number}", body))
    await evapi.stop()
    came = await deferToThread(server.join)
    assert 0 == came.forgotten
    wanted = [b'{"id":"1:%d","ok":1,"body":%b}' % pair for pair in enumerate(bodies)]
    assert wanted == [frame.rstrip() for frame in came.frames[1:]]


@pytest_twisted.async_yield_fixture
async def deaf():
    """A connection to a Kamailio that does not read, and those of it that are gone."""
    gone = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        spec = KamailioSpec("k", Place("r.kzr", 1), port=server.getsockname()[1])
        evapi = Evapi(spec, reactor, None, gone.append)
        evapi.start()
        while evapi.connection is None:
            await deferLater(reactor, 0.01)
        yield evapi, gone
        await deferLater(reactor, 0)  # out of what the test's own stop calls back
        await evapi.stop()


@pytest_twisted.ensureDeferred
async def test_kamailios_next_question_need_not_wait_until_we_have_answered_this_one():
    """Its socket holds a second small message back until the first is acknowledged, which ours puts off."""
    said = []

    def take(connection, came):
        said.append(connection.transport.getHandle().getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK))
        connection.write(frames.answer("1:1", b"{}"))

    with socket.create_server(("127.0.0.1", 0)) as server:
        spec = KamailioSpec("k", Place("r.kzr", 1), port=server.getsockname()[1])
        evapi = Evapi(spec, reactor, take, lambda _: None)
        evapi.start()
        kamailio, _ = await deferToThread(server.accept)
        with kamailio:
            for asked in range(1, 20):
                kamailio.sendall(framed(b"{}"))
                while len(said) < asked:
                    await deferLater(reactor, 0.001)
            await evapi.stop()
    assert [1] * 19 == said


def give(connection, count):
    for _ in range(count):
        connection.write(frames.answer("1:1", b'"%b"' % (b"x" * 30_000)))


@pytest_twisted.ensureDeferred
async def test_a_kamailio_that_does_not_read_keeps_nobody_from_stopping(deaf, monkeypatch):
    monkeypatch.setattr("kzrules.kamailio.evapi.GRACE", 0.1)
    evapi, gone = deaf
    connection = evapi.connection
    give(connection, 400)
    assert connection.full
    await evapi.stop()
    assert [connection] == gone


@pytest_twisted.ensureDeferred
async def test_a_kamailio_that_does_not_read_is_given_up_and_connected_to_anew(deaf, monkeypatch):
    monkeypatch.setattr("kzrules.kamailio.evapi.MOST_UNREAD", 1_000_000)
    evapi, gone = deaf
    connection = evapi.connection
    give(connection, 40)
    while evapi.connections < 2:
        await deferLater(reactor, 0.01)
    assert [connection] == gone
    assert not evapi.connection.full


def full_reads(stream):
    reader = Reader()
    while stream:
        room = reader.room
        reader.read(stream[:room])
        stream = stream[room:]
    return reader


def test_reads_that_are_full_cut_frames_in_whole_blocks_where_evapi_can_go_on():
    chance = random.Random(1)
    bodies = [b"x" * chance.randrange(1, 700) for _ in range(50_000)]
    aligned_ones = full_reads(b"".join(map(aligned, bodies)))
    assert bodies == [frame.rstrip() for frame in aligned_ones.frames]
    assert full_reads(b"".join(map(framed, bodies))).forgotten > 0


@pytest.mark.parametrize("size", [1, 243, 244, 245, 246, 993, 994, 995, 996, 9_992, 9_995, 9_996, 32_743])
def test_a_frame_fills_whole_blocks_and_holds_what_it_was_given(size):
    made = aligned(b"x" * size)
    head, _, rest = made.partition(b":")
    assert 0 == len(made) % BLOCK
    assert b"x" * size == rest[:-1].rstrip()
    assert (int(head), b",") == (len(rest) - 1, rest[-1:])
    assert len(made) <= LONGEST_FRAME
