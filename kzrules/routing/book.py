"""The rules by name: deliveries become events, events find their route and run it.

Made by `routing.load`; immutable, so that a reload builds a new one and swaps it in while events
of the old one run to their end. Called from worker threads.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import count
from types import GeneratorType
from typing import Any

from kzrules.errors import PayloadError, RuleFailure
from kzrules.language.declare import Declared
from kzrules.language.program import BlockCode, KamailioSpec, Program, RouteCode, SubscriptionSpec
from kzrules.message.action import Log
from kzrules.message.delivery import Delivery, Source
from kzrules.message.event import Event
from kzrules.message.identity import Identity
from kzrules.message.lenient import loads_lenient
from kzrules.message.outcome import Ack, Cause, Reject
from kzrules.message.payload import MAX_BYTES, Stamp, loads
from kzrules.routing import decide
from kzrules.routing.decide import Ended, Step, failed, start
from kzrules.routing.name import Found, Names, five_names, found
from kzrules.routing.run import Ground, Run
from kzrules.routing.tables import Tables
from kzrules.wire.properties import encode
from kzrules.wire.retries import origin

Validate = Callable[[dict[str, Any]], str | None]
"""Says what is wrong with a payload, or None."""

ASKED, PUBLISHED = "ask", "publish"
"""What stands for the exchange of Kamailio's questions, and of what it only hands over."""
NO_PROPERTIES = encode()
UNMATCHED = Ack(unmatched=True)
_generations = count(1)


class Book:
    """One set of rules, ready to run."""

    def __init__(
        self,
        program: Program,
        declared: Declared,
        identity: Identity,
        tables: Tables,
        validators: Mapping[tuple[str, str], Validate],
        *,
        max_bytes: int = MAX_BYTES,
        random_id: Callable[[], str] | None = None,
    ) -> None:
        self.generation = next(_generations)
        self.broker = declared.broker
        self.subscriptions = {spec.name: spec for spec in declared.subscriptions}
        self.kamailios = {spec.name: spec for spec in declared.kamailios}
        self.sources: Mapping[str, SubscriptionSpec | KamailioSpec] = {**self.subscriptions, **self.kamailios}
        self.timers = declared.timers
        self.tables = tables
        self.program = program
        self.ground = Ground(program, tables, Stamp.of(identity), decide.delayed)
        if random_id is not None:
            self.ground = Ground(program, tables, Stamp.of(identity), decide.delayed, random_id)
        self.names = {
            spec.name: Names(spec, program.names.get(spec.name), program.routes)
            for spec in self.sources.values()
        }
        self._validators = validators
        self._max_bytes = max_bytes

    def decode(self, delivery: Delivery, received_at: float) -> Event | Reject:
        """The event of a delivery; Reject where its payload cannot be read."""
        spec = self.subscriptions[delivery.source.subscription]
        read = loads if spec.json == "strict" else loads_lenient
        try:
            received = read(delivery.body, self._max_bytes)
        except PayloadError as wrong:
            return Reject(str(wrong), Cause.PAYLOAD)
        _arrive(received, delivery, received_at)
        if delivery.exchange:
            return Event(delivery, received, received_at, delivery.exchange, delivery.routing_key)
        first = origin(delivery)
        return Event(
            delivery,
            received,
            received_at,
            first.exchange,
            first.routing_key,
            first.attempt,
            first.exempt,
            first.event_id,
        )

    def order_key(self, event: Event) -> Hashable | None:
        """The value of the subscription's `ordered_by`; raises `RuleFailure`."""
        return self._key(self.program.order_keys, event)

    def dedupe_key(self, event: Event) -> Hashable | None:
        """The value of the subscription's `dedupe: by(...)`; raises `RuleFailure`."""
        return self._key(self.program.dedupe_keys, event)

    def _key(self, keys: Mapping[str, Callable[..., Any]], event: Event) -> Hashable | None:
        made = keys.get(event.delivery.source.subscription)
        if made is None:
            return None
        run = Run(self.ground, event.received, event.received_at, event, None)
        try:
            return made(run, event.received)  # type: ignore[no-any-return]  # `hashable` made it
        except RuleFailure:
            raise
        except Exception as wrong:
            raise RuleFailure(decide.reason_of(wrong)) from wrong

    def run(self, event: Event, now: float) -> Step:
        """The first step of the rule that takes the event."""
        source = event.delivery.source.subscription
        run = Run(self.ground, event.received, now, event, None)
        try:
            known = self.names[source].of(run)
        except Exception as wrong:  # noqa: BLE001  a template of `route_names` failed: the rule's failure
            return failed(run, wrong)
        return self._first(run, known, self.sources[source].schema_mode)

    def names_of(self, event: Event, now: float) -> tuple[str, ...]:
        """The names of an event, most specific first; none where a template of them fails."""
        try:
            known = self.names[event.delivery.source.subscription].of(
                Run(self.ground, event.received, now, event, None)
            )
        except Exception:  # noqa: BLE001  whatever a template raised was told when the event ran
            return ()
        return tuple(known.names)

    def run_late_answer(self, delivery: Delivery, received: dict[str, Any], now: float) -> Step:
        """The first step for an answer that no query waits for, named by the module's five steps."""
        event = Event(delivery, received, now, delivery.exchange, delivery.routing_key)
        known = found(five_names(received, None, None), self.program.routes)
        return self._first(Run(self.ground, received, now, event, None), known, "warn")

    def _first(self, run: Run, known: Found, schema_mode: str) -> Step:
        """The first route that takes the event: its schema is applied, then its `when`."""
        for route in known.routes:
            run.route = route.name
            if route.schema is not None and schema_mode != "off":
                refused = self._schema(run, route, schema_mode)
                if refused is not None:
                    return refused
            if route.when is not None:
                try:
                    if not route.when(run, run.received):
                        continue
                except Exception as wrong:  # noqa: BLE001  an error in `when` is an error of the rule
                    return failed(run, wrong)
            return start(run, route.body)
        run.route = None
        _, logs = run.take()
        return Ended(UNMATCHED if not known.names else Ack(known.names[0], unmatched=True), (), logs, None)

    def _schema(self, run: Run, route: RouteCode, schema_mode: str) -> Ended | None:
        validate = self._validators.get((route.place.file, route.schema or ""))
        if validate is None:
            return None
        plain = {key: value for key, value in run.received.items() if key[:5] != "AMQP-"}
        wrong = validate(plain)
        if wrong is None:
            return None
        why = f"the payload breaks the schema {route.schema}: {wrong}"
        if schema_mode == "reject":
            _, logs = run.take()
            return Ended(Reject(why, Cause.SCHEMA, route.place), (), logs, route.name)
        run.logs.append(Log("warn", why, route.name, route.place))
        return None

    # --- what belongs to no event

    def run_timer(self, name: str, now: float) -> Step:
        """The first step of a timer, by its name in `timers`."""
        run = Run(self.ground, {}, now, None, f"every {name}")
        return start(run, self.program.timers[name].body)

    def run_expired(self, table: str, key: Any, value: Any, now: float) -> Step | None:
        """The first step of the `on expired` blocks of a table, in their order; None where it has none."""
        blocks = self.program.expired.get(table)
        if not blocks:
            return None
        run = Run(self.ground, {}, now, None, f"on expired {table}")
        if len(blocks) == 1:
            return start(run, blocks[0].body, key, value)
        return start(run, _all(blocks), key, value)

    def run_own(self, name: str, payload: dict[str, Any], now: float) -> Step | None:
        """The first step of the route for an event of the service's own; None where none takes it."""
        run = Run(self.ground, payload, now, None, name)
        for route in self.program.routes.get(name, ()):
            try:
                if route.when is None or route.when(run, payload):
                    return start(run, route.body)
            except Exception as wrong:  # noqa: BLE001  an error in `when` is an error of the rule
                return failed(run, wrong)
        return None


def asked(
    kamailio: str, name: str, body: dict[str, Any], received_at: float, deadline: float | None = None
) -> Event:
    """The event of what a Kamailio sent under a name: a question where there is a deadline (Unix seconds).

    It reads as a delivery: the name is its routing key, its exchange is `ask` or `publish`.
    """
    exchange = PUBLISHED if deadline is None else ASKED
    delivery = Delivery(Source(kamailio, "", "", 0, 0), 0, False, exchange, name, NO_PROPERTIES, b"")  # noqa: FBT003  a tuple is made by position
    return Event(delivery, body, received_at, exchange, name, deadline=deadline)


def _arrive(received: dict[str, Any], delivery: Delivery, received_at: float) -> None:
    """What the module's consumer puts into each payload."""
    received["AMQP-Broker-Zone"] = delivery.source.zone
    received["AMQP-Received"] = int(received_at)
    server_id = received.get("Server-ID")
    if server_id.__class__ is str and server_id:
        received["Server-ID"] = f"consumer://{delivery.source.server}/{server_id}"
    elif "Server-ID" in received and (server_id is None or not server_id):
        del received["Server-ID"]


def _all(blocks: tuple[BlockCode, ...]) -> Callable[..., Iterator[Any]]:
    """Several blocks as one: `done` ends its own block only."""

    def body(run: Run, received: dict[str, Any], *given: Any) -> Iterator[Any]:
        for block in blocks:
            came = block.body(run, received, *given)
            if came.__class__ is GeneratorType:
                yield from came

    return body
