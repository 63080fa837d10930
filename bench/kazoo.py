"""A real Kamailio: with `kazoo.so` as a competitor, with `evapi.so` before kzrules; the SIP requests that
make either ask.
"""

import contextlib
import json
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from bench.events import CATEGORY, NAMES
from bench.leftout import LeftOut
from bench.rulesets import MARKS, PREFIX, QUESTIONS
from testbed import NoBroker, NoKamailio
from testbed.kamailio import Kamailio

EXCHANGE = "bench"
ASKING_MB = 1024
"""Shared memory, of both that ask: a transaction lives on for 5 s behind its reply, and takes 12 KB."""
INCLUDE = Path(__file__).parents[1] / "examples" / "kamailio" / "kzrules.cfg"
HEAD = """
debug=1
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "kazoo.so"
modparam("kazoo", "node_hostname", "bench.host")
modparam("kazoo", "pua_mode", 0)
modparam("kazoo", "amqp_connection", "{url}")
"""
CONSUMING = """
event_route[kazoo:mod-init] {{
    $var(s) = '{subscription}';
    kazoo_subscribe("$var(s)");
}}
event_route[{prefix}-mark] {{ $var(p) = $kzE; kazoo_publish("bench", "{marks}", "$var(p)"); }}
request_route {{ exit; }}
"""
ROUTE = """event_route[{prefix}-{name}] {{ if ($(kzE{{kz.json,State}}) == "early") {{ $var(done) = 1; }} }}
"""
ASKING = """
event_route[kazoo:mod-init] {{ $var(nothing) = 1; }}
request_route {{
    $var(q) = '{{"Event-Category":"{category}","Event-Name":"step_0","Call-ID":"' + $ci + '"}}';
    if (kazoo_query("bench", "{questions}", $var(q))) sl_send_reply("200", "OK");
    else sl_send_reply("500", "No answer");
}}
"""
FRONT = """
debug=1
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "htable.so"
loadmodule "jansson.so"
loadmodule "evapi.so"
#!define KZRULES_ADDRESS "127.0.0.1:{evapi}"
#!define KZRULES_MS 30000
include_file "kzrules.cfg"
request_route {{
    $var(kz_body) = "{{}}";
    jansson_set("string", "call_id", "$ci", "$var(kz_body)");
    $var(kz_name) = "bench";
    route(KZRULES_ASK);
}}
route[KZRULES_ANSWERED] {{ t_reply("200", "OK"); }}
route[KZRULES_FALLBACK] {{ t_reply("500", "No answer"); }}
"""
BEHIND = """
kamailio proxy {{
    evapi: "tcp:127.0.0.1:{evapi}"
    deadline: 30s
    questions: 20_000
}}
event_route[kamailio:bench] {{
    let found = query("{exchange}", "{questions}", {{
        "Event-Category": "{category}", "Event-Name": "step_0", "Call-ID": .call_id,
    }}, timeout: 30s) else (why) {{ reject(why) }}
    answer({{ "name": found.Event-Name }})
}}
"""


class Module:
    """One Kamailio with a module that speaks to a bus or to kzrules, started when made."""

    def __init__(
        self, text: str, children: int = 2, shared_mb: int = 256, include: Path | None = None
    ) -> None:
        try:
            self.kamailio = Kamailio(text, children=children, shared_mb=shared_mb, private_mb=32)
            self._start(include)
        except (NoKamailio, NoBroker) as why:
            raise LeftOut(str(why)) from why

    def _start(self, include: Path | None) -> None:
        try:
            if include is not None:
                shutil.copy(include, self.kamailio.folder)  # beside its configuration, where it looks
            self.kamailio.start()
        except BaseException:
            self.kamailio.destroy()
            raise

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return self.kamailio.processes()

    @property
    def ended(self) -> str:
        """Why it runs no more; empty while it runs."""
        return "" if self.kamailio.is_running else f"it ended: {self.kamailio.last_words()}"

    def sees_kzrules(self) -> bool:
        """Whether kzrules has said hello to it."""
        try:
            return int(self.kamailio.rpc("pv.shvGet", "kzrules", timeout=2.0)["value"]) > 0
        except (OSError, KeyError, TypeError):
            return False

    def revive(self) -> None:
        """Start it again where it has ended: at rates that it does not hold `kazoo.so` may crash."""
        if self.ended:
            print(f"{self.ended}; it is started again", file=sys.stderr, flush=True)
            try:
                self.kamailio.restart()
            except NoBroker as why:
                raise LeftOut(str(why)) from why

    def stop(self) -> None:
        """End it with all its processes."""
        self.kamailio.destroy()


def consuming(url: str, queue: str, no_ack: int) -> Module:
    """It consumes one queue; its routes are those of `rulesets.rules`."""
    subscription = {
        "exchange": EXCHANGE,
        "type": "direct",
        "queue": queue,
        "routing": queue,
        "no_ack": no_ack,
        "exchange-def": {"type": "direct"},
        "queue-def": {"durable": 1, "auto_delete": 0, "exclusive": 0, "passive": 0},
    }
    text = HEAD.format(url=url)
    text += CONSUMING.format(prefix=PREFIX, subscription=json.dumps(subscription), marks=MARKS)
    names = [name.replace("_", "-") for name in NAMES]
    return Module(text + "".join(ROUTE.format(prefix=PREFIX, name=name) for name in names))


def asking(url: str) -> Module:
    """Four processes that ask a question for each SIP request and wait for its answer."""
    text = HEAD.format(url=url) + ASKING.format(category=CATEGORY, questions=QUESTIONS)
    return Module(text, children=4, shared_mb=ASKING_MB)


def in_front(evapi: int) -> Module:
    """Four processes that hand each SIP request's question to kzrules, which connects to this port.

    They do not wait, so each request has a transaction, which `asking` needs none for: its `sl_send_reply`
    is the cheaper end, and `t_reply` belongs to what this way costs.
    """
    return Module(FRONT.format(evapi=evapi), children=4, shared_mb=ASKING_MB, include=INCLUDE)


def behind(evapi: int) -> str:
    """The rules beside `in_front`: they ask what `asking` asks, by the same exchange."""
    return BEHIND.format(evapi=evapi, exchange=EXCHANGE, questions=QUESTIONS, category=CATEGORY)


class Caller:
    """Sends OPTIONS over UDP, and takes the answers; the intended time stands in the Call-ID."""

    def __init__(self, reactor: Any, port: int) -> None:
        self._reactor = reactor
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)  # noqa: FBT003  the socket's own signature
        self._own = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._number = 0
        self.took: list[float] = []
        self.refused = 0
        reactor.addReader(self)

    @property
    def heard(self) -> int:
        """Every answer: a module that is behind still says no to what it has given up."""
        return len(self.took) + self.refused

    def send(self, due: list[float]) -> None:
        """One request for each time."""
        for one in due:
            self._number += 1
            request = (
                "OPTIONS sip:bench@127.0.0.1 SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self._own};branch=z9hG4bK{self._number}\r\n"
                "From: <sip:a@bench>;tag=1\r\nTo: <sip:bench@127.0.0.1>\r\n"
                f"Call-ID: {one:.6f}-{self._number}\r\n"
                "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):  # it is not answered then
                self._socket.send(request.encode())

    def doRead(self) -> None:  # noqa: N802  Twisted's
        """Take what came."""
        now = self._reactor.seconds()
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                answer = self._socket.recv(2048)
                at = answer.index(b"Call-ID: ") + 9
                if answer.startswith(b"SIP/2.0 200"):
                    self.took.append(now - float(answer[at : answer.index(b"-", at)]))
                else:
                    self.refused += 1

    def fileno(self) -> int:
        """For the reactor."""
        return self._socket.fileno()

    def connectionLost(self, _reason: object) -> None:  # noqa: N802  Twisted's
        """The reactor ends."""

    def logPrefix(self) -> str:  # noqa: N802  Twisted's
        """For the reactor."""
        return "caller"

    def close(self) -> None:
        """No more."""
        self._reactor.removeReader(self)
        self._socket.close()
