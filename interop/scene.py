"""What an experiment plays on: a virtual host of one broker, the harness's bus, a Kamailio, a kzrules."""

import itertools
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from interop.bus import Bus, NotInTime
from interop.service import Service
from testbed import Node
from testbed.kamailio import Kamailio

HOST = "sip.example.com"
"""`node_hostname` of the module."""

WIDTH = 76

_numbers = itertools.count(1)

HEAD = """
debug=2
log_stderror=yes
disable_core_dump=yes
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "cfgutils.so"
loadmodule "kazoo.so"
modparam("kazoo", "node_hostname", "{host}")
modparam("kazoo", "pua_mode", 0)
modparam("kazoo", "amqp_max_channels", 4)
modparam("kazoo", "amqp_consumer_workers", {workers})
modparam("kazoo", "amqp_query_timeout_sec", 1)
modparam("kazoo", "amqp_connection", "{url}")
"""


@dataclass
class Result:
    """One experiment: what it counted, and what was not as it should be."""

    name: str
    counted: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    explained: Counter[str] = field(default_factory=Counter)
    """What differed as the list of differences says, by the name of the difference."""

    def expect(self, what: str, expected: object, found: object) -> None:
        """Note a deviation."""
        if expected != found:
            self.wrong.append(f"{what}: expected {expected}, found {found}")

    def expect_all(self, what: str, expected: "Counter[Any]", found: "Counter[Any]") -> None:
        """Note what is missing of several, and what is too much."""
        if missing := expected - found:
            self.wrong.append(f"{what}: missing are {dict(missing.most_common(20))}")
        if surplus := found - expected:
            self.wrong.append(f"{what}: too much are {dict(surplus.most_common(20))}")

    def check(self, what: str, held: object) -> None:
        """Note what does not hold."""
        if not held:
            self.wrong.append(f"{what}: it is not so")

    def lines(self, most: int = 10) -> list[str]:
        """For the person who watches."""
        numbers = " ".join(f"{name}={number}" for name, number in self.counted.items())
        known = [f"explained by: {name} ({number})" for name, number in sorted(self.explained.items())]
        more = [f"... and {len(self.wrong) - most} more"] if len(self.wrong) > most else []
        verdict = "as it should be" if not self.wrong else f"{len(self.wrong)} deviations"
        told = [*textwrap.wrap(numbers, WIDTH), *known, *self.wrong[:most], *more]
        return [f"{self.name}: {verdict}", *(f"    {line}" for line in told)]


class Scene:
    """Everything that was started here ends with the `with` block."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.vhost = f"interop-{next(_numbers)}"
        self._started: list[Kamailio | Service] = []

    def __enter__(self) -> Self:
        self.node.add_vhost(self.vhost)
        self.url = self.node.url_of(self.vhost)
        self.bus = Bus(self.url)
        return self

    def kamailio(
        self, text: str, queues: Sequence[str] = (), *, workers: int = 4, children: int = 4
    ) -> Kamailio:
        """Start Kamailio, and wait until it consumes these queues."""
        head = HEAD.format(host=HOST, workers=workers, url=self.url)
        kamailio = Kamailio(head + text, children=children)
        self._started.append(kamailio)
        kamailio.start()
        try:
            self.bus.wait_for_consumers(*queues)
        except NotInTime as error:
            raise NotInTime(f"{error}; Kamailio said {kamailio.last_words()}") from error
        return kamailio

    def service(
        self, rules: str, queues: Sequence[str] = (), *, broker: str = "", zones: str = ""
    ) -> Service:
        """Start kzrules, and wait until it consumes these queues; `broker` is what its block says besides."""
        name = f"kzrules-{next(_numbers)}"
        urls = zones or f'"{self.url}"'
        service = Service(self.node.ground.folder, name, f"{urls} {broker}", rules)
        self._started.append(service)
        service.start()
        try:
            self.bus.wait_for_consumers(*queues)
        except NotInTime as error:
            raise NotInTime(f"{error}; kzrules said {service.last_words()}") from error
        return service

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for started in reversed(self._started):
            if isinstance(started, Kamailio):
                started.destroy()
            else:
                started.stop()
        self.bus.close()
        self.node.delete_vhost(self.vhost)
