"""Which broker next: the URLs of a zone in their order, with penalties that fade. Asked by `link`.

Pure: the time is an argument, and so is chance.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from kzrules.errors import SettingError
from kzrules.language.program import BrokerSpec
from kzrules.wire.backoff import wait

PORTS = {"amqp": 5672, "amqps": 5671, "kazoo": 5672}
"""The schemes, with the port that each means; `kazoo` is how the kazoo module writes `amqp`."""

HALF_LIFE = 30.0
"""Seconds in which a penalty halves: a broker that failed once is first again after as long."""
MOST = 4.0
"""The most that failures add up to, so that a broker that was down for a day comes back in two minutes."""
FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0
SETTLED = 1.0
"""Seconds after which an open connection counts as a success: one that ends sooner is tried again
with growing delays, or a broker that hangs up on everybody would be dialled without end."""


@dataclass(frozen=True, slots=True)
class Server:
    """One broker of the list. `number` is its place in the whole list, from 1: it stands in
    `consumer://<number>/...` and leads replies back through the same broker.
    """

    number: int
    zone: str
    host: str
    port: int
    tls: bool = False
    virtual_host: str = "/"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Host and port, for people: never the password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def servers(spec: BrokerSpec) -> tuple[Server, ...]:
    """All brokers of all zones, in the order in which they are written."""
    listed = [(zone.name, url) for zone in spec.zones for url in zone.urls]
    return tuple(read_url(url, zone, number) for number, (zone, url) in enumerate(listed, 1))


def read_url(url: str, zone: str = "local", number: int = 1) -> Server:
    """One broker's URL; SettingError says what is wrong with it, without its password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingError(f"a broker's URL cannot be read: {error}; write amqp://host:5672/vhost") from None
    shown = _without_login(parts)
    if parts.scheme not in PORTS:
        raise SettingError(f"{shown} is no broker's URL: it starts with amqp://, amqps:// or kazoo://")
    if not parts.hostname:
        raise SettingError(f"{shown} names no host: write {parts.scheme}://host:{PORTS[parts.scheme]}/vhost")
    if parts.query or parts.fragment:
        raise SettingError(
            f"{shown} has parameters behind its virtual host: write them as settings of `broker`"
            " (heartbeat, connection_timeout, ca, certificate, key, verify)"
        )
    return Server(
        number,
        zone,
        unquote(parts.hostname),
        port or PORTS[parts.scheme],
        parts.scheme == "amqps",
        _virtual_host(parts.path, shown),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password is not None else None,
    )


def _virtual_host(path: str, shown: str) -> str:
    name = path[1:]
    if "/" in name:
        raise SettingError(f"{shown} has more than a virtual host behind its host: write a `/` in it as %2f")
    return unquote(name) or "/"


def _without_login(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


class Rotation:
    """The brokers of one zone, and what is remembered of how they did."""

    def __init__(self, listed: tuple[Server, ...], chance: Callable[[], float] = random.random) -> None:
        if not listed:
            raise ValueError("a zone without brokers")
        self.listed = listed
        self._chance = chance
        self._penalties: dict[int, tuple[float, float]] = {}  # number -> (penalty, when)
        self._failures = 0

    @property
    def preferred(self) -> Server:
        """The first of the list: where `failback` goes back to."""
        return self.listed[0]

    def order(self, now: float) -> tuple[Server, ...]:
        """Every broker once, those first that are to be tried first."""
        return tuple(sorted(self.listed, key=lambda server: round(self.penalty(server, now))))

    def penalty(self, server: Server, now: float) -> float:
        """How much is held against a broker at this time."""
        value, since = self._penalties.get(server.number, (0.0, now))
        faded: float = value * 0.5 ** ((now - since) / HALF_LIFE)
        return faded

    def failed(self, server: Server, now: float) -> None:
        """It could not be reached, refused, or went away."""
        self._penalties[server.number] = (min(self.penalty(server, now) + 1.0, MOST), now)

    def lost(self, server: Server, now: float, opened_at: float) -> float:
        """A connection to it ended; seconds to wait before the next is tried: none, if it was a good one."""
        self.failed(server, now)
        if now - opened_at < SETTLED:
            return self.none_left()
        self._failures = 0
        return 0.0

    def none_left(self) -> float:
        """Every broker was tried in vain; seconds to wait before they are tried again."""
        seconds = wait(self._failures, self._chance(), first=FIRST_WAIT, longest=LONGEST_WAIT)
        self._failures += 1
        return seconds
