"""What a subscription can lose, and declarations that a broker refuses."""

from collections.abc import Iterator, Mapping

from kzrules.language.checking.bodies import PLACES, Walked
from kzrules.language.checking.names import Effects, Names
from kzrules.language.checking.reach_names import Reach
from kzrules.language.checking.scope import NOTHING_TO_SETTLE
from kzrules.language.findings.diagnostic import Findings, Label
from kzrules.language.findings.short import error, warning
from kzrules.language.program import ExchangeSpec, QueueSpec, SubscriptionSpec
from kzrules.language.tree import Pair, Span, Subscribe

REFUSED = "RabbitMQ 4 refuses"


def delivery(names: Names, walked: Walked, reach: Reach) -> None:
    """Findings about settlement and topology."""
    for spec in names.declared.subscriptions:
        item = names.subscriptions[spec.name]
        _immediate(names.findings, item, spec)
        _dead_letters(names.findings, item, spec)
        _transient(names.findings, item, spec.queue)
    _retry_immediate(names, walked, reach)
    _nothing_to_settle(names, walked)
    _same_names(names)


def _pair(item: Subscribe, name: str) -> Pair | None:
    return next((pair for pair in item.settings if pair.name == name), None)


def _head(item: Subscribe) -> Span:
    """The first line of a block, for findings about all of it."""
    span = item.span
    end = span.column + len("subscribe ") + len(item.name)
    return Span(span.file, span.line, span.column, span.line, end)


def _immediate(findings: Findings, item: Subscribe, spec: SubscriptionSpec) -> None:
    policy = _pair(item, "on_failure")
    ack = _pair(item, "ack")
    if spec.immediate and policy is not None and ack is not None:
        text = "`on_failure` has nothing left to act on: `ack: immediate` settles each delivery at once"
        labels = (Label(ack.span, "settled before the rule runs"),)
        way_out = "take one of them away; `ack: after_processing` loses nothing"
        findings.add(error("KZ504", text, policy.span, labels=labels, help=way_out))


def _dead_letters(findings: Findings, item: Subscribe, spec: SubscriptionSpec) -> None:
    """A durable queue is there because its messages matter; then broken ones must not vanish."""
    if spec.immediate or spec.queue.exclusive or not spec.queue.durable:
        return
    policy = _pair(item, "on_failure")
    if spec.on_failure.last == "drop" and policy is not None:
        text = "broken payloads of this durable queue are dropped: nobody can tell them from good ones"
        way_out = f'end in `then dead_letter("{spec.queue.name}.dead")`'
        findings.add(warning("KZ505", text, policy.span, help=way_out))
        return
    lost = spec.on_failure.last == "reject" and "x-dead-letter-exchange" not in spec.queue.arguments
    if lost and policy is not None:
        text = "`reject` needs a dead-letter exchange on the queue; this one has none: the message is gone"
        way_out = f'end in `then dead_letter("{spec.queue.name}.dead")`'
        findings.add(warning("KZ505", text, policy.span, help=way_out))


def _transient(findings: Findings, item: Subscribe, queue: QueueSpec) -> None:
    if item.exchange is None and item.queue is None:
        return
    if not queue.durable and not queue.exclusive and not queue.passive:
        span = item.queue.span if item.queue is not None else _head(item)
        text = f"{REFUSED} a queue that is neither durable nor exclusive"
        way_out = "write { exclusive: true } for one queue a process, or { durable: true } to keep messages"
        findings.add(warning("KZ507", text, span, help=way_out))


def _retry_immediate(names: Names, walked: Walked, reach: Reach) -> None:
    by_name = {spec.name: spec for spec in names.declared.subscriptions}
    for route, effects in walked.routes:
        deliverers = [by_name[name] for name in reach.subscriptions_of(route.name) if name in by_name]
        immediate = [spec for spec in deliverers if spec.immediate]
        if not immediate:
            continue
        label = Label(_head(names.subscriptions[immediate[0].name]), "its deliveries are settled at once")
        way_out = "write `ack: after_processing` there, or log and end with `done`"
        for span in _retries(names.effects, effects):
            text = f"`retry` under `ack: immediate`: the delivery of `{immediate[0].name}` is gone already"
            if len(immediate) == len(deliverers):
                names.findings.add(error("KZ502", text, span, labels=(label,), help=way_out))
            else:
                names.findings.add(warning("KZ503", text, span, labels=(label,), help=way_out))


def _retries(known: Mapping[str, Effects], effects: Effects) -> Iterator[Span]:
    yield from effects.retries
    for name in (*effects.calls, *(f"on {hook}" for hook in effects.emits)):
        if name in known:
            yield from known[name].retries


def _nothing_to_settle(names: Names, walked: Walked) -> None:
    """`retry` and `reject` in subroutines and hooks that a timer runs."""
    settled_by_nobody = [*walked.others]
    settled_by_nobody += [
        effects for route, effects in walked.routes if PLACES.get(route.name) in NOTHING_TO_SETTLE
    ]
    for effects in settled_by_nobody:
        runs = {**effects.calls, **{f"on {name}": span for name, span in effects.emits.items()}}
        for name, span in runs.items():
            below = names.effects.get(name)
            ends = [*below.retries, *below.rejects] if below is not None else []
            if ends:
                text = f"`{name}` settles an event, and here is none"
                labels = (Label(ends[0], "here"),)
                names.findings.add(error("KZ501", text, span, labels=labels, help="log it and go on"))


def _same_names(names: Names) -> None:
    """One exchange or queue declared in two ways: the broker answers 406 to the second."""
    queues: dict[str, tuple[QueueSpec, Subscribe]] = {}
    exchanges: dict[str, tuple[ExchangeSpec, Subscribe]] = {}
    for spec in names.declared.subscriptions:
        item = names.subscriptions[spec.name]
        if spec.queue.name and not spec.queue.passive:
            old = queues.setdefault(spec.queue.name, (spec.queue, item))
            _differ(names.findings, "queue", old, (spec.queue, item))
        for exchange in _exchanges(spec.exchange):
            if not exchange.passive:
                before = exchanges.setdefault(exchange.name, (exchange, item))
                _differ(names.findings, "exchange", before, (exchange, item))


def _exchanges(spec: ExchangeSpec | None) -> Iterator[ExchangeSpec]:
    if spec is not None:
        yield spec
        for binding in spec.bindings:
            yield from _exchanges(binding.source)


def _differ(
    findings: Findings,
    what: str,
    old: tuple[QueueSpec | ExchangeSpec, Subscribe],
    new: tuple[QueueSpec | ExchangeSpec, Subscribe],
) -> None:
    fields = ("type", "durable", "auto_delete", "exclusive", "internal", "arguments")
    wrong = [name for name in fields if getattr(old[0], name, None) != getattr(new[0], name, None)]
    if wrong:
        different = ", ".join(f"`{one}`" for one in wrong)
        text = f"the {what} `{new[0].name}` is declared twice, with different {different}"
        labels = (Label(_target(old[1], what), "declared here first"),)
        way_out = "say the same in both, or `passive: true` in one; the broker would answer 406"
        findings.add(error("KZ506", text, _target(new[1], what), labels=labels, help=way_out))


def _target(item: Subscribe, what: str) -> Span:
    target = item.queue if what == "queue" else item.exchange
    return target.span if target is not None else _head(item)
