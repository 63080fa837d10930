"""`subscribe NAME { ... }` as a `SubscriptionSpec`, and the expressions that the compiler needs."""

from dataclasses import dataclass
from typing import Any

from kzrules.language.declaring.failure import dedupe, on_failure, usual_policy
from kzrules.language.declaring.options import (
    Option,
    Reader,
    Wrong,
    choice,
    filled_text,
    listed,
    options,
    texts,
    whole,
)
from kzrules.language.declaring.topology import exchange, queue
from kzrules.language.findings.short import error
from kzrules.language.program import DedupePolicy, QueueSpec, SubscriptionSpec
from kzrules.language.tree import Expr, Subscribe
from kzrules.message.outcome import Place


@dataclass(frozen=True, slots=True)
class Asked:
    """What a subscription asks of each event. `route_names` None: the module's own five steps."""

    route_names: tuple[Expr, ...] | None = None
    ordered_by: Expr | None = None
    dedupe_key: Expr | None = None


def _expressions(_reader: Reader, expr: Expr) -> tuple[Expr, ...]:
    found = listed(expr)
    if not found:
        raise Wrong("is an empty list: no event would ever have a name")
    return found


OPTIONS = options(
    Option("routing", texts),
    Option("event_key", filled_text),
    Option("event_subkey", filled_text),
    Option("zones", choice("primary", "all")),
    Option("route_names", _expressions),
    Option("ack", choice("after_processing", "immediate")),
    Option("prefetch", whole(1, 65_535)),
    Option("ordered_by", lambda _reader, expr: expr),
    Option("on_failure", on_failure),
    Option("dedupe", dedupe),
    Option("json", choice("strict", "lenient")),
    Option("schema_mode", choice("reject", "warn", "off")),
)
FLAGS = ("durable", "auto_delete", "exclusive", "passive", "internal", "type", "arguments")


def subscription(reader: Reader, item: Subscribe) -> tuple[SubscriptionSpec, Asked]:
    """What the block says, with the defaults where it says nothing."""
    _misplaced(reader, item)
    told = any(pair.name in ("exchange", "queue") for pair in item.settings)
    if item.exchange is None and item.queue is None and not told:
        text = f"`{item.name}` names neither an exchange nor a queue: nothing would ever come"
        way_out = 'write exchange "..." { type: topic } and queue "..." { exclusive: true }'
        reader.findings.add(error("KZ305", text, item.span, help=way_out))
    pairs = tuple(pair for pair in item.settings if pair.name not in FLAGS)
    read = reader.pairs(pairs, OPTIONS, "`subscribe`")
    made = queue(reader, item)
    dedupe_key, policy = read.get("dedupe", (None, None))
    asked = Asked(read.get("route_names"), read.get("ordered_by"), dedupe_key)
    return _spec(reader, item, read, made, policy), asked


def _spec(
    reader: Reader, item: Subscribe, read: dict[str, Any], made: QueueSpec, policy: DedupePolicy | None
) -> SubscriptionSpec:
    usual = usual_policy(made)
    return SubscriptionSpec(
        name=item.name,
        exchange=exchange(reader, item.exchange),
        queue=made,
        routing=read.get("routing", () if item.exchange is None else ("",)),
        place=Place(item.span.file, item.span.line),
        event_key=read.get("event_key"),
        event_subkey=read.get("event_subkey"),
        all_zones=read.get("zones") == "all",
        immediate=read.get("ack") == "immediate",
        prefetch=read.get("prefetch", 250),
        ordered=read.get("ordered_by") is not None,
        on_failure=read["on_failure"](made, usual) if "on_failure" in read else usual,
        dedupe=policy,
        json=read.get("json", "strict"),
        schema_mode=read.get("schema_mode", "warn"),
    )


def _misplaced(reader: Reader, item: Subscribe) -> None:
    """Flags at the top, as `kazoo_subscribe` takes them, belong to the exchange or the queue here."""
    for pair in item.settings:
        if pair.name in FLAGS:
            way_out = f'write it in braces: queue "..." {{ {pair.name}: ... }}'
            if pair.name in ("type", "internal"):
                way_out = f'write it in braces: exchange "..." {{ {pair.name}: ... }}'
            text = f"`{pair.name}` belongs to the exchange or the queue, not to the subscription"
            reader.findings.add(error("KZ203", text, pair.name_span, help=way_out))
