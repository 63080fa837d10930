"""`subscribe` blocks out of `kazoo_subscribe` calls: exchange, queue, keys, and every flag written out.

`calls` keeps each call with its arguments as values; `translate` has them read here when all are known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kzrules.convert import make
from kzrules.convert.parameters import last
from kzrules.convert.place import Gap, Place, marked
from kzrules.convert.world import World, fresh, identifier
from kzrules.language import tree as t

TYPES = ("direct", "topic", "fanout", "headers")
CONSTANT_WORDS = frozenset({"kz_encode", "lower", "upper", "replace", "text", "trim"})
AS_IT_IS = "# kz: ignore[KZ507]: as Kamailio declared it, so that the queue can be taken over"


@dataclass(frozen=True, slots=True)
class Asked:
    """One `kazoo_subscribe`: its arguments as values, its comments, its place."""

    arguments: tuple[t.Expr, ...]
    before: tuple[str, ...]
    place: Place


class Subscriptions:
    """Reads `kazoo_subscribe` calls, one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: set[str] = set()
        self.notes: list[str] = []

    def read(self, asked: Asked) -> t.Subscribe | None:
        """One subscription with every flag written out: a queue that is there is taken over as it is."""
        self.notes = []
        self.place = asked.place
        fields = self._fields(asked.arguments)
        if fields is None:
            self._gap("subscription", "its settings are known only at run time")
            return None
        queue_flags = _flags(fields, "queue-def")
        exchange_flags = _flags(fields, "exchange-def")
        exchange = self._exchange(fields, exchange_flags)
        queue = self._queue(fields, queue_flags)
        pairs = self._pairs(fields, bound=exchange is not None)
        named = "queue" if _text(fields.get("queue")) != "" and "queue" in fields else "exchange"
        wanted = fields.get("name") or fields.get(named)
        name = fresh(self._called(wanted), self.names)
        self.names.add(name)
        comments = t.Comments(before=(*asked.before, *self.notes))
        return t.Subscribe(name, exchange, queue, tuple(pairs), span=make.HERE, comments=comments)

    def _gap(self, kind: str, why: str) -> None:
        self.world.gaps.append(Gap(kind, why, self.place))
        self.notes += [*marked(kind, why), self.place.quoted()]

    def _called(self, value: t.Expr | None) -> str:
        """A name for the block, out of the queue's without the host's."""
        parts: Sequence[Any] = (
            value.parts if isinstance(value, t.Template) else (getattr(value, "value", ""),)
        )
        text = "".join(one for one in parts if isinstance(one, str))
        return identifier(text.replace(self.world.node, "") if self.world.node else text) or "events"

    def _fields(self, given: tuple[t.Expr, ...]) -> dict[str, t.Expr] | None:
        if len(given) >= 4:
            return dict(zip(("exchange", "type", "queue", "routing"), given, strict=False))
        if len(given) != 1 or not isinstance(given[0], t.ObjectExpr):
            return None
        return _object(given[0])

    def _exchange(self, fields: Mapping[str, t.Expr], flags: Mapping[str, t.Expr]) -> t.Target | None:
        name = fields.get("exchange")
        if name is None or _text(name) == "":
            return None
        nested = isinstance(fields.get("exchange-def"), t.ObjectExpr)
        kind = _text(flags.get("type") if nested else fields.get("type")) or ""
        pairs: list[t.Pair] = []
        if _truth(flags.get("passive")):
            pairs.append(make.pair("passive", make.TRUE))
        elif kind not in TYPES and not kind.startswith("x-"):
            self._gap("subscription", f"the exchange has no type that there is ({kind!r}): is it `topic`?")
            kind = "topic"
        if kind:
            pairs.insert(0, make.pair("type", make.name(kind) if kind in TYPES else make.literal(kind)))
        pairs += [
            make.pair(one, make.TRUE)
            for one in ("durable", "auto_delete", "internal")
            if _truth(flags.get(one))
        ]
        if isinstance(sources := fields.get("exchange-bindings"), t.ObjectExpr):
            pairs.append(make.pair("bindings", self._bindings(sources)))
        return t.Target(self._constant(name), tuple(pairs), span=make.HERE)

    def _bindings(self, sources: t.ObjectExpr) -> t.Expr:
        """Each source with its type, flags and keys; the module took only the first."""
        made: list[t.Entry | t.Spread] = []
        for source, value in _object(sources).items():
            inner = _object(value) if isinstance(value, t.ObjectExpr) else {}
            flags: list[t.Entry | t.Spread] = [
                make.entry(make.literal("type"), make.literal(_text(inner.get("type")) or "topic"))
            ]
            flags += [
                make.entry(make.literal(one), make.TRUE)
                for one in ("passive", "durable", "auto_delete", "internal")
                if _truth(inner.get(one))
            ]
            if "routing" in inner:
                flags.append(make.entry(make.literal("routing"), self._constant(inner["routing"])))
            made.append(make.entry(make.literal(source), make.obj(flags)))
        return make.obj(made)

    def _queue(self, fields: Mapping[str, t.Expr], flags: Mapping[str, t.Expr]) -> t.Target:
        """The queue with the module's own defaults written out."""
        name = self._constant(fields.get("queue") or make.literal(""))
        durable, exclusive = _truth(flags.get("durable")), _truth(flags.get("exclusive"))
        auto_delete = _truth(flags.get("auto_delete"), usual=True)
        pairs = [make.pair("type", make.name("classic"))] if durable else []
        pairs += [
            make.pair("durable", make.literal(durable)),
            make.pair("auto_delete", make.literal(auto_delete)),
            make.pair("exclusive", make.literal(exclusive)),
        ]
        if _truth(flags.get("passive")):
            pairs.append(make.pair("passive", make.TRUE))
        passing = not durable and not exclusive and not _truth(flags.get("passive"))
        comments = t.Comments(before=(AS_IT_IS,) if passing else ())
        return t.Target(name, tuple(pairs), span=make.HERE, comments=comments)

    def _pairs(self, fields: Mapping[str, t.Expr], *, bound: bool) -> list[t.Pair]:
        pairs: list[t.Pair] = []
        if bound:
            routing = fields.get("routing") or make.literal("")
            items = routing if isinstance(routing, t.ListExpr) else make.listed([routing])
            pairs.append(make.pair("routing", self._constant(items)))
        for name, parameter in (
            ("event_key", "amqp_consumer_event_key"),
            ("event_subkey", "amqp_consumer_event_subkey"),
        ):
            value = fields.get(name)
            if value is None and (given := last(self.world.config, parameter)):
                value = make.literal(str(given))
            if value is not None and _text(value) != "":
                pairs.append(make.pair(name, self._constant(value)))
        if _truth(fields.get("federate")):
            pairs.append(make.pair("zones", make.name("all")))
        if self.world.fork and "." in (_text(fields.get("exchange")) or ""):
            pairs.append(make.pair("route_names", _names_without_dots()))
        if _truth(fields.get("consistent-worker")):
            by = _text(fields.get("consistent-worker-key"))
            ordered = make.field(None, by) if by else make.field(make.name("meta"), "routing_key")
            pairs.append(make.pair("ordered_by", ordered))
        return pairs

    def _constant(self, value: t.Expr) -> t.Expr:
        """A value that is known when rules load; the host's name in it is `node`."""
        if isinstance(value, t.ListExpr):
            return make.listed([self._constant(one) for one in value.items if not isinstance(one, t.Spread)])
        made = _with_node(value, self.world.node)
        if not _is_constant(made, self.world):
            self._gap("subscription", "a part of its names is known only at run time, and left empty here")
            parts = made.parts if isinstance(made, t.Template) else ()
            return make.template(
                [one for one in parts if isinstance(one, str) or _is_constant(one, self.world)]
            )
        return made


def _object(value: t.ObjectExpr) -> dict[str, t.Expr]:
    return {
        str(one.key.value): one.value
        for one in value.entries
        if isinstance(one, t.Entry) and isinstance(one.key, t.Literal)
    }


def _flags(fields: Mapping[str, t.Expr], name: str) -> Mapping[str, t.Expr]:
    """The flags of the exchange or the queue; without a block of their own the root's hold."""
    own = fields.get(name)
    return _object(own) if isinstance(own, t.ObjectExpr) else fields


def _text(value: t.Expr | None) -> str | None:
    return value.value if isinstance(value, t.Literal) and isinstance(value.value, str) else None


def _truth(value: t.Expr | None, *, usual: bool = False) -> bool:
    """`true`, `1` and `"1"` are the same to the module."""
    if not isinstance(value, t.Literal) or value.value is None:
        return usual
    return value.value in (True, "1", "true")


def _with_node(value: t.Expr, node: str) -> t.Expr:
    """The host's name, where it stands in a text, as `node`."""
    if isinstance(value, t.Literal) and isinstance(value.value, str) and node and node in value.value:
        pieces = value.value.split(node)
        parts: list[str | t.Expr] = [pieces[0]]
        for piece in pieces[1:]:
            parts += [make.name("node"), piece]
        return make.template(parts)
    if isinstance(value, t.Template):
        return make.template(
            [
                _with_node(make.literal(one), node) if isinstance(one, str) else _with_node(one, node)
                for one in value.parts
            ]
        )
    if isinstance(value, t.Call):
        inner = tuple(replace(one, value=_with_node(one.value, node)) for one in value.arguments)
        return replace(value, arguments=inner)
    return value


def _is_constant(value: t.Expr, world: World) -> bool:
    match value:
        case t.Literal():
            return True
        case t.Template(parts=parts):
            return all(isinstance(one, str) or _is_constant(one, world) for one in parts)
        case t.Name(id=name):
            return name == "node" or name in world.used_settings
        case t.Call(name=name, arguments=arguments):
            return name in CONSTANT_WORDS and all(_is_constant(one.value, world) for one in arguments)
    return False


def _names_without_dots() -> t.Expr:
    """Route names in which a dot is a hyphen too, as the other dialect has them."""

    def part(name: str) -> t.Expr:
        return make.call(
            "replace", make.call("text", make.field(None, name)), make.literal("."), make.literal("-")
        )

    category, event = part("Event-Category"), part("Event-Name")
    return make.listed(
        [
            make.template(["kazoo:consumer-event-", category, "-", event]),
            make.template(["kazoo:consumer-event-", category]),
            make.literal("kazoo:consumer-event"),
        ]
    )
