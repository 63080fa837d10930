"""`exchange NAME { ... }` and `queue NAME { ... }` of a subscription."""

from typing import Any

from kzrules.language.declaring.options import (
    Option,
    Reader,
    Wrong,
    choice,
    entries,
    flag,
    options,
    short_text,
    shown,
    table,
    texts,
)
from kzrules.language.findings.nearest import nearest, one_of
from kzrules.language.findings.respell import meant
from kzrules.language.findings.short import error
from kzrules.language.program import BindingSpec, ExchangeSpec, QueueSpec
from kzrules.language.tree import Expr, Name, Pair, Span, Subscribe, Target

TYPES = ("direct", "topic", "fanout", "headers")


def _type(reader: Reader, expr: Expr) -> str:
    """One of AMQP's four, or a plugin's, whose names begin with `x-`."""
    bare = isinstance(expr, Name) and expr.id not in reader.settings.declared
    value = expr.id if bare and isinstance(expr, Name) else reader.constant(expr)
    if isinstance(value, str) and (value in TYPES or value.startswith("x-")):
        return value
    near = nearest(value, TYPES) if isinstance(value, str) else None
    hint = f"; did you mean `{near}`?" if near else ""
    raise Wrong(f"is {one_of(TYPES)}, not {shown(value)}{hint}", near and meant(value, TYPES))


def _bindings(reader: Reader, expr: Expr) -> tuple[BindingSpec, ...]:
    """`{ "source": { "type": topic, "routing": "call.#" } }`: exchanges that feed this one."""
    made: list[BindingSpec] = []
    for pair in entries(expr):
        read = reader.pairs(entries(pair.value), SOURCE, f"the binding of `{pair.name}`")
        routing = read.pop("routing", ("",))
        arguments = read.pop("binding_arguments", {})
        made.append(BindingSpec(_exchange(reader, pair.name, pair.span, read), routing, arguments))
    return tuple(made)


EXCHANGE = options(
    Option("type", _type),
    Option("durable", flag),
    Option("auto_delete", flag),
    Option("internal", flag),
    Option("passive", flag),
    Option("arguments", table),
    Option("bindings", _bindings),
)
SOURCE = {
    **{name: option for name, option in EXCHANGE.items() if name != "bindings"},
    **options(Option("routing", texts), Option("binding_arguments", table)),
}
QUEUE = options(
    Option("durable", flag),
    Option("auto_delete", flag),
    Option("exclusive", flag),
    Option("passive", flag),
    Option("type", choice("classic", "quorum")),
    Option("arguments", table),
)


def exchange(reader: Reader, target: Target | None) -> ExchangeSpec | None:
    """The exchange that the queue is bound to; without one the queue is only consumed."""
    if target is None:
        return None
    read = reader.pairs(target.settings, EXCHANGE, "`exchange`")
    said_type = any(pair.name == "type" for pair in target.settings)
    name = _name(reader, target)
    if name == "":
        text = "the exchange has no name: AMQP's nameless exchange can be neither declared nor bound to"
        reader.findings.add(
            error("KZ305", text, target.name.span, help="leave `exchange` out to consume only")
        )
    return _exchange(reader, name, target.span, read, said_type=said_type)


def _exchange(
    reader: Reader, name: str, span: Span, read: dict[str, Any], *, said_type: bool = False
) -> ExchangeSpec:
    if "type" not in read and not said_type and not read.get("passive"):
        text = f"the exchange `{name}` has no type"
        way_out = f"write {{ type: topic }}: it is {one_of(TYPES)}"
        reader.findings.add(error("KZ305", text, span, help=way_out))
    return ExchangeSpec(name=name, **{"type": "topic", **read})


def _name(reader: Reader, target: Target) -> str:
    read: dict[str, str] = {}
    reader.read_into(read, "name", Option("name", short_text), target.name)
    return read.get("name", f"?{target.span.line}")


def queue(reader: Reader, item: Subscribe) -> QueueSpec:
    """The queue, durable ones as quorum queues that stay, unless the settings say otherwise."""
    if item.queue is None:
        return QueueSpec("")
    read = reader.pairs(item.queue.settings, QUEUE, "`queue`")
    by_name = {pair.name: pair for pair in item.queue.settings}
    if read.get("type") == "quorum":
        read.setdefault("durable", True)
        _quorum(reader, read, by_name)
    durable, exclusive = read.get("durable", False), read.get("exclusive", False)
    auto_delete = read.get("auto_delete", not durable)
    kind = read.get("type")
    if kind is None and durable and not exclusive and not auto_delete and not read.get("passive"):
        kind = "quorum"
    return QueueSpec(_name(reader, item.queue), **{**read, "type": kind, "auto_delete": auto_delete})


def _quorum(reader: Reader, read: dict[str, Any], pairs: dict[str, Pair]) -> None:
    """What the broker answers 406 to."""
    for name, wanted in (("durable", True), ("exclusive", False), ("auto_delete", False)):
        if read.get(name, wanted) is not wanted:
            text = f"a quorum queue cannot be declared with `{name}: {str(read[name]).lower()}`"
            way_out = "take this away, or write `type: classic`"
            reader.findings.add(error("KZ305", text, pairs[name].span, help=way_out))
