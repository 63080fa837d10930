"""Fields and places: of the payload as its schema describes it, of `meta`, and entries of tables."""

import json

from kzrules.language import types
from kzrules.language.checking.base import Base
from kzrules.language.checking.names import META
from kzrules.language.checking.scope import NO_PAYLOAD, Place
from kzrules.language.declaring.settings import UNKNOWN as NO_VALUE
from kzrules.language.findings.nearest import did_you_mean, nearest, one_of
from kzrules.language.findings.respell import respelt_end
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import Expr, Field, Index, Literal, Name, Span
from kzrules.language.types import Info, Known, Shape, either
from kzrules.language.values import equal

TRANSPORT = frozenset(
    {"Msg-ID", "Server-ID", "App-Name", "App-Version", "Node", "Event-Category", "Event-Name"}
)

META_KINDS: dict[str, Known] = {
    "exchange": types.TEXT,
    "routing_key": types.TEXT,
    "redelivered": types.TRUTH,
    "attempt": types.INTEGER,
    "headers": types.OBJECT,
    "properties": types.OBJECT,
}


class FieldChecks(Base):
    """Checks of what stands behind dots and in square brackets."""

    def needs_payload(self, what: str, span: Span) -> None:
        """Where no event is at hand, there is nothing to read."""
        if self.scope.place in NO_PAYLOAD and self.scope.place is not Place.TEST:
            text = f"`{what}` belongs to an event, and {self.scope.place.value} has none"
            self.findings.add(error("KZ216", text, span, help="remember it in a table when the event comes"))

    def field(self, expr: Field) -> Info:
        """`.Name`, `base.Name`, `meta.name`."""
        if expr.base is None:
            self.needs_payload(f".{expr.name}", expr.span)
            return self._described(expr, expr.name, self.scope.payload)
        if isinstance(expr.base, Name) and self.scope.find(expr.base.id) is None and expr.base.id == "meta":
            self.needs_payload("meta", expr.span)
            return self._meta(expr)
        base = self.infer(expr.base)
        return self._described(expr, expr.name, base.shape)

    def _meta(self, expr: Field) -> Info:
        if expr.name not in META:
            way_out = did_you_mean(expr.name, META, f"there are {one_of(META)}")
            fix = respelt_end(expr.span, expr.name, META)
            self.findings.add(
                error("KZ205", f"`meta` has no `{expr.name}`", expr.span, help=way_out, fix=fix)
            )
        return Info(META_KINDS.get(expr.name))

    def _described(self, expr: Field, name: str, shape: Shape | None) -> Info:
        """What the schema says about a field; a field that it does not know is a finding."""
        if shape is None or shape.fields is None:
            return types.UNKNOWN
        inside = shape.fields.get(name)
        if inside is None:
            if shape.named and not self._carried(expr, name):
                near = nearest(name, shape.fields)
                way_out = f"did you mean `.{near}`?" if near else "add it to the schema, or leave it out"
                fix = respelt_end(
                    expr.span, name, shape.fields, safe=False
                )  # senders know fields of their own
                text = f"the schema knows no field `{name}`"
                self.findings.add(warning("KZ407", text, expr.span, help=way_out, fix=fix))
            return types.UNKNOWN
        kinds = inside.kinds
        if name not in shape.required and not self.scope.is_proven(expr):
            kinds = either(kinds, types.NULL)
        return Info(kinds, inside)

    def _carried(self, expr: Field, name: str) -> bool:
        """Fields of the transport are there whether the schema names them or not."""
        return expr.base is None and (name in TRANSPORT or name.startswith("AMQP-"))

    def index(self, expr: Index) -> Info:
        """An entry of a table, or a place in a list or an object."""
        base = expr.base
        if isinstance(base, Name) and self.scope.find(base.id) is None and base.id in self.names.tables:
            self.names.used.add(base.id)
            self.table_key(expr.key)
            return Info(self.table_kinds(base.id))
        if base is None:
            self.needs_payload(".[...]", expr.span)
            info = Info(types.OBJECT, self.scope.payload)
        else:
            info = self.infer(base)
        self.infer(expr.key)
        items = info.shape.items if info.shape is not None else None
        return Info(None, items)

    def table_key(self, expr: Expr) -> None:
        """A key of a table: text, a number, a truth value, or a list of these."""
        info = self.infer(expr)
        if types.cannot_be(info.kinds, types.ANY_KEY):
            kinds = types.said(info.kinds or frozenset())
            text = f"a table's key is text, a number or a list of these, and this is {kinds}"
            self.findings.add(error("KZ303", text, expr.span))

    def impossible_value(self, shape: Shape | None, value: Expr) -> None:
        """A comparison with something that the schema's enumeration does not have."""
        if shape is None or shape.values is None:
            return
        wanted = self.constant(value)
        if wanted is NO_VALUE or wanted is None or any(equal(wanted, allowed) for allowed in shape.values):
            return
        texts = [allowed for allowed in shape.values if isinstance(allowed, str)]
        known = ", ".join(_spelt(allowed) for allowed in shape.values[:12])
        near = nearest(wanted, texts) if isinstance(wanted, str) else None
        way_out = f'did you mean "{near}"?' if near else f"it allows {known}"
        text = f"the schema never allows {_spelt(wanted)} here"
        self.findings.add(warning("KZ408", text, value.span, help=way_out))

    def constant(self, expr: Expr) -> object:
        """The value of a literal or a setting; NO_VALUE for anything else."""
        if isinstance(expr, Literal):
            return expr.value
        if isinstance(expr, Name) and self.scope.find(expr.id) is None:
            return self.names.declared.settings.get(expr.id, NO_VALUE)
        return NO_VALUE


def _spelt(value: object) -> str:
    """A JSON value as a rule would write it."""
    return json.dumps(value, ensure_ascii=False)
