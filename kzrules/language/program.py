"""What a checked and compiled set of rule files is: the declarations as plain values.

Made by `language.compile`, held by `routing.book`, read by `broker.topology` and `service`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kzrules.message.outcome import Place

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """`secret("name")`: a file of the secrets folder, read only where something logs in."""

    name: str


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """URLs of one zone in order of preference."""

    name: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokerSpec:
    """Where to connect. Times in seconds; the first zone is the primary one; `failback` None is never."""

    zones: tuple[ZoneSpec, ...]
    login: Secret | None = None
    heartbeat: float = 10.0
    connection_timeout: float = 2.0
    handshake_timeout: float = 5.0
    failback: float | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True
    late_answers: Literal["count", "event"] = "count"
    """What becomes of an answer that no query waits for."""
    outbox: int = 10_000
    """The most messages that may wait for their confirm before consuming slows down."""


@dataclass(frozen=True, slots=True)
class BindingSpec:
    """`bindings` of an exchange: `source` is bound to it with each key of `routing`."""

    source: "ExchangeSpec"
    routing: tuple[str, ...]
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """An exchange as a rule declares it, or another one that is bound to it."""

    name: str
    type: str
    """`direct`, `topic`, `fanout`, `headers`, or one that a plugin of the broker brings."""
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    passive: bool = False
    arguments: Arguments = field(default_factory=dict)
    bindings: tuple[BindingSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """`name` empty: the server names it. `type` None: what the broker makes of it (classic)."""

    name: str
    durable: bool = False
    auto_delete: bool = True
    exclusive: bool = False
    passive: bool = False
    type: Literal["classic", "quorum"] | None = None
    arguments: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """`retry(times:, first:, longest:) then LAST`. Times in seconds; `times` 0: no retry.

    `dead_letter` names the queue when `last` is "dead_letter", with `{queue}` already filled in
    unless the server names the queue.
    """

    times: int
    first: float
    longest: float
    last: Literal["dead_letter", "reject", "drop"]
    dead_letter: str | None = None


@dataclass(frozen=True, slots=True)
class DedupePolicy:
    """`by(KEY, within: D, max: N)`."""

    within: float
    limit: int = 100_000


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """One queue and what is done with its deliveries, as `subscribe` declares it."""

    name: str
    exchange: ExchangeSpec | None
    queue: QueueSpec
    routing: tuple[str, ...]
    place: Place
    event_key: str | None = None
    event_subkey: str | None = None
    all_zones: bool = False
    immediate: bool = False
    """`ack: immediate`."""
    prefetch: int = 250
    ordered: bool = False
    """Has an `ordered_by`; `routing` knows the key."""
    on_failure: FailurePolicy = FailurePolicy(3, 1.0, 30.0, "drop")
    dedupe: DedupePolicy | None = None
    json: Literal["strict", "lenient"] = "strict"
    schema_mode: Literal["reject", "warn", "off"] = "warn"


@dataclass(frozen=True, slots=True)
class RpcAddress:
    """Where a Kamailio takes JSON-RPC: `url` over HTTP, or `path` of a unix datagram socket."""

    url: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class KamailioSpec:
    """One Kamailio, as `kamailio` declares it. `deadline` in seconds is the longest that a question
    is worked on; `questions` and `events` bound how many are in hand at once.
    """

    name: str
    place: Place
    host: str = "127.0.0.1"
    port: int = 8448
    rpc: RpcAddress | None = None
    deadline: float = 10.0
    questions: int = 2_000
    events: int = 10_000
    schema_mode: Literal["reject", "warn", "off"] = "warn"
    event_key: None = None
    event_subkey: None = None


@dataclass(frozen=True, slots=True)
class TableSpec:
    """`ttl` in seconds, None: for ever. `limit` is the most entries; full, the oldest goes."""

    name: str
    place: Place
    ttl: float | None = None
    limit: int = 100_000
    default: Any = None


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """`every D { }`: `interval` in seconds; `name` is file and line, stable over a reload."""

    name: str
    interval: float
    place: Place


Compiled = Callable[..., Any]
"""A function compiled from a rule; what it takes is between `language.compile` and `routing`."""


@dataclass(frozen=True, slots=True)
class RouteCode:
    """One event route: `body(run, received)` and `when(run, received)`; a body that waits is a generator."""

    name: str
    place: Place
    body: Compiled
    when: Compiled | None
    schema: str | None
    """The schema's file as written, relative to the rule file."""
    node: Any
    """The syntax node, for `trace`: only an instrumented program has it."""


@dataclass(frozen=True, slots=True)
class BlockCode:
    """A timer or an `on expired` block."""

    name: str
    place: Place
    body: Compiled


@dataclass(frozen=True, slots=True)
class NamesCode:
    """The route names of a subscription: `names(run, received)` gives a text or None for each template.

    `fields` and `meta` are all that the names depend on, None where they depend on more.
    """

    names: Compiled
    fields: tuple[str, ...] | None
    meta: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """Rule files, compiled. `nodes` are those that an instrumented program tells `record` of."""

    routes: Mapping[str, tuple[RouteCode, ...]]
    names: Mapping[str, NamesCode]
    order_keys: Mapping[str, Compiled]
    dedupe_keys: Mapping[str, Compiled]
    timers: Mapping[str, BlockCode]
    expired: Mapping[str, tuple[BlockCode, ...]]
    kamailios: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    """The files that a place may be found in."""
    recorder: "Recorder | None" = None


@dataclass(slots=True)
class Recorder:
    """What an instrumented program did: nodes in the order that they ran, with the values they had."""

    seen: list[tuple[Any, Any]] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        self.seen.clear()
