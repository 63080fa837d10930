"""The experiments of `make sip`. Each gives a line of what it counted, and whether that is right."""

import contextlib
import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import pika

from sip import configs, scenarios
from sip.calls import Ending, Running, endings, percentile
from sip.scene import Scene, broker, until
from testbed import Cluster, sipp
from testbed.ports import free_port
from testbed.sipp import Calls

DEADLINE = 2.0
"""Seconds that Kamailio gives a question."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one experiment came to."""

    name: str
    line: str
    good: bool


def _result(name: str, good: object, **counted: object) -> Result:
    told = " ".join(f"{key}={value}" for key, value in counted.items())
    return Result(name, f"{'ok ' if good else 'BAD'} {name:<12} {told}", bool(good))


def begin(scene: Scene, more: str = "") -> None:
    """Kamailio asks, the service and the responder answer, and one call went through."""
    scene.start_kamailio(configs.asking(scene.evapi, int(DEADLINE * 1000)))
    scene.start_service(more + configs.RULES.format(evapi=scene.relay.port))
    scene.start_responder()
    until(lambda: _answers(scene), "no answer")


def answers(scale: float) -> Result:
    """Every caller gets the answer that was made for it."""
    with broker() as url, Scene([url]) as scene:
        begin(scene)
        return answers_at(scene, max(100, int(10_000 * scale)))


def answers_at(scene: Scene, calls: int) -> Result:
    """The calls of `answers`."""
    played = sipp.run(scene.port, scenario=scenarios.OPTIONS, calls=calls, rate=500, timeout=120)
    right = sum(ending.right for ending in endings(played))
    good = right == calls and not played.failed
    return _result(
        "answers", good, calls=calls, right=right, failed=played.failed,
        retransmissions=played.retransmissions,
    )  # fmt: skip


def _answers(scene: Scene) -> bool:
    return sipp.run(scene.port, scenario=scenarios.QUIET, calls=1, timeout=8).successful == 1


def invite(scale: float) -> Result:
    """INVITE by rtjson: the first server refuses every call, the second one takes it."""
    calls = max(50, int(10_000 * scale))
    with broker() as url, Scene([url]) as scene:
        refuses = scene.start_server(scenarios.REFUSES, "refuses")
        takes = scene.start_server(scenarios.TAKES, "takes")
        scene.start_kamailio(configs.example("invite", scene.evapi))
        rules = (configs.EXAMPLES / "invite.kzr").read_text().replace("8448", str(scene.evapi))
        scene.start_service(rules)
        scene.start_responder(refuses, takes)
        time.sleep(0.5)
        serial = sipp.run(scene.port, scenario=scenarios.INVITE, calls=calls, rate=200, timeout=200)
        forked = sipp.run(
            scene.port,
            scenario=scenarios.INVITE,
            calls=max(10, calls // 10),
            rate=50,
            service="both",
            timeout=60,
        )
    ended = [*endings(serial), *endings(forked)]
    right = sum(ending.right for ending in ended)
    wanted = serial.successful + forked.successful
    good = right == wanted == calls + max(10, calls // 10) and not serial.failed + forked.failed
    return _result(
        "invite", good, serial=serial.successful, parallel=forked.successful, right=right,
        failed=serial.failed + forked.failed,
    )  # fmt: skip


def publishes(scale: float) -> Result:
    """Events that SIP requests hand over arrive on the bus, each once, and both sides count them."""
    with broker() as url, Scene([url]) as scene:
        begin(scene)
        return publishes_at(scene, url, max(100, int(10_000 * scale)))


def publishes_at(scene: Scene, url: str, calls: int) -> Result:
    """The calls of `publishes`; they end the service, which counts at its end."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.exchange_declare("cdrs", "topic")
    channel.queue_declare("cdrs")
    channel.queue_bind("cdrs", "cdrs", "#")
    played = sipp.run(
        scene.port, scenario=scenarios.OPTIONS, calls=calls, rate=500, service="publish", timeout=120
    )
    # What Kamailio has handed to its socket may still be on its way when the last call has its answer.
    with contextlib.suppress(RuntimeError):
        until(lambda: _waiting(channel, "cdrs") >= calls, "the last event is not there")
    scene.end_service()
    totals = scene.totals()
    seen: Counter[str] = Counter()
    while True:
        _, _, body = channel.basic_get("cdrs", auto_ack=True)
        if body is None:
            break
        seen[json.loads(body)["Call-ID"]] += 1
    connection.close()
    once = sum(count == 1 for count in seen.values())
    good = once == calls == totals["events"] == totals["done"] and sum(seen.values()) == calls
    return _result(
        "publishes", good, calls=played.successful, arrived=sum(seen.values()), once=once,
        events=totals["events"], done=totals["done"],
    )  # fmt: skip


def _waiting(channel: Any, queue: str) -> int:
    """Messages in a queue."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


# --- what is broken while calls run


def breaks(scale: float, rate: int = 300) -> list[Result]:
    """Every part is killed once and comes back; each call ends within its deadline, and all is well soon."""
    cluster = Cluster(2).start()
    try:
        return [_break(cluster.urls, cluster, name, rate, max(8.0, 30.0 * scale)) for name in BREAKS]
    finally:
        cluster.destroy()


Break = Callable[[Scene, Cluster | None], float]


def _break(urls: list[str], cluster: Cluster | None, name: str, rate: int, seconds: float) -> Result:
    with Scene(urls) as scene:
        begin(scene)
        return break_at(scene, cluster, name, rate, seconds)


def break_at(scene: Scene, cluster: Cluster | None, name: str, rate: int, seconds: float) -> Result:
    """Calls while one part is broken, and after its return."""
    calls = int(rate * seconds)
    running = Running(
        scene.port, scenario=scenarios.OPTIONS, calls=calls, rate=rate, at_once=20_000,
        timeout=seconds + 60, response_times=True,
    )  # fmt: skip
    time.sleep(seconds / 4)
    broken_at = time.time()
    back_at = BREAKS[name](scene, cluster)
    played = running.result()
    ended = endings(played)
    noes = [ending for ending in ended if ending.came.startswith("no:")]
    right = [ending for ending in ended if ending.right]
    wrong = len(ended) - len(noes) - len(right)
    longest = max(played.response_times, default=0.0) / 1000
    # a call that Kamailio itself lost is asked again by its caller: after 0.5, 1 and 2 s
    limit = DEADLINE + (4.0 if name == "kamailio" else 0.5)
    back = _back(noes, right, back_at)
    without = _back(noes, right, broken_at)
    good = played.successful == calls and not played.failed and not wrong and longest <= limit and back <= 2.0
    reasons = Counter(ending.came.removeprefix("no:") for ending in noes)
    return _result(
        name, good, calls=calls, answered=len(right), fallback=dict(reasons), hung=calls - len(ended),
        wrong=wrong, longest=f"{longest:.2f}s", without=f"{without:.2f}s", back=f"{back:.2f}s",
    )  # fmt: skip


def _back(noes: list[Ending], right: list[Ending], at: float) -> float:
    """Seconds from a moment (the break, the part's return) until all is well: no call that begins later is
    told no, and one was answered.
    """
    begun = [no.at - (DEADLINE if no.came == "no:late" else 0.0) for no in noes]
    first = min((ending.at for ending in right if ending.at > at), default=at + 99.0)
    return max(0.0, first - at, *(moment - at for moment in begun))


def _node(scene: Scene, cluster: Cluster | None) -> float:
    """The node that everybody is connected to; the other one goes on. It returns after three seconds."""
    del scene
    if cluster is None:
        raise RuntimeError("no cluster runs")
    cluster.nodes[0].kill()
    time.sleep(3.0)
    returned = time.time()
    cluster.nodes[0].start()
    return returned


def _responder(scene: Scene, cluster: Cluster | None) -> float:
    del cluster
    scene.end_responder()
    time.sleep(1.0)
    scene.start_responder()
    return time.time()


def _service(scene: Scene, cluster: Cluster | None) -> float:
    del cluster
    scene.end_service(signal.SIGKILL)
    time.sleep(0.5)
    scene.start_service(configs.RULES.format(evapi=scene.relay.port))
    return time.time()


def _connection(scene: Scene, cluster: Cluster | None) -> float:
    """Both live, and what lies between them breaks."""
    del cluster
    scene.relay.cut()
    return time.time()


def _kamailio(scene: Scene, cluster: Cluster | None) -> float:
    del cluster
    if scene.kamailio is None:
        raise RuntimeError("no Kamailio runs")
    scene.kamailio.kill()
    scene.kamailio.start()
    return time.time()


BREAKS: dict[str, Break] = {
    "node": _node,
    "responder": _responder,
    "service": _service,
    "connection": _connection,
    "kamailio": _kamailio,
}


# --- clients that misbehave


def clients(scale: float) -> Result:
    """Twenty evapi clients beside ours, and a Kamailio that sends garbage and giants: nobody else suffers."""
    with broker() as url, Scene([url]) as scene, Garbage(free_port()) as garbage:
        begin(scene, garbage.declared)
        return clients_at(scene, garbage, max(200, int(3_000 * scale)))


def clients_at(scene: Scene, garbage: "Garbage", calls: int) -> Result:
    """The calls of `clients`."""
    how: dict[str, Any] = {"rate": 200, "timeout": 90, "response_times": True}
    before = sipp.run(scene.port, scenario=scenarios.QUIET, calls=max(100, calls // 5), **how)
    strangers = [_stranger(scene.evapi, number) for number in range(20)]
    played = sipp.run(scene.port, scenario=scenarios.OPTIONS, calls=calls, **how)
    again = _answers(scene)
    for stranger in strangers:
        stranger.close()
    right = sum(ending.right for ending in endings(played))
    longest = max(played.response_times, default=0.0) / 1000
    good = right == calls and not played.failed and again and longest < DEADLINE and garbage.sent > 1_000_000
    return _result(
        "clients", good, strangers=20, calls=calls, right=right, longest=f"{longest:.3f}s",
        p99_before=_p99(before), p99=_p99(played), garbage=f"{garbage.sent / 1e6:.0f}MB",
    )  # fmt: skip


def _p99(played: Calls) -> str:
    return f"{percentile(played.response_times, 0.99):.0f}ms"


_BAD = (
    b"",  # says nothing, reads nothing
    b"not a netstring at all\r\n" * 50,
    b"99999:" + b"x" * 40_000,  # more than evapi's buffer: it hangs up
    b"0:,0:,:,5:ab",
    b'25:{"id":"1:1","ok":1,"body"',
    b'29:{"id":"999999:1","ok":1,"b":1},' * 20,  # answers to nothing that was asked
    bytes(range(256)) * 20,
    b'12:{"hello":"x"',
)


def _stranger(port: int, number: int) -> socket.socket:
    """A client that never reads; most send what they should not."""
    stranger = socket.create_connection(("127.0.0.1", port), timeout=5)
    stranger.sendall(_BAD[number % len(_BAD)])
    return stranger


class Garbage:
    """A Kamailio out of its mind: garbage, giant frames and cut frames, as fast as they are taken."""

    def __init__(self, port: int) -> None:
        self.sent = 0
        self.declared = f'kamailio other {{ evapi: "tcp:127.0.0.1:{port}" }}\n'
        self._server = socket.create_server(("127.0.0.1", port))
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.close()

    def _serve(self) -> None:
        giant = b"5000000:" + b"x" * 5_000_000 + b","
        cut = b'500:{"ask":"route"' + b'40:{"publish":"nobody","body":{"a":"bcdefg"}},' * 20
        try:
            connection, _ = self._server.accept()
            while not self._over.is_set():
                for piece in (bytes(range(256)) * 64, cut, giant):
                    connection.sendall(piece)
                    self.sent += len(piece)
                self._over.wait(0.2)
        except OSError:
            self._over.wait(1.0)


Experiment = Callable[[float], Result | list[Result]]

ALL: dict[str, Experiment] = {
    "answers": answers,
    "invite": invite,
    "breaks": breaks,
    "publishes": publishes,
    "clients": clients,
}
