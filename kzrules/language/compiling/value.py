"""Expressions to Python: each case makes what an experienced hand would have written.

`Values.value` gives a Python expression and what is known of its result. Where the language and
Python mean the same, Python's operator stands in the code; else a function of `language.values`.
"""

import ast
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kzrules.language import values
from kzrules.language.compiling.python import Expression, Python
from kzrules.language.compiling.unit import SMALL, TEXT, TRUTH, Made, Unit, fixed, watch_name
from kzrules.language.tree import (
    Binary,
    Call,
    DurationLiteral,
    Expr,
    Field,
    IfExpr,
    In,
    Index,
    ListExpr,
    Literal,
    Matches,
    Name,
    ObjectExpr,
    Spread,
    Template,
    Unary,
    With,
)
from kzrules.message.payload import TRANSPORT

RUN, PAYLOAD = "the run", "the received"
"""The parameters of each compiled function: the running event and the payload as it came."""
META = frozenset(
    {
        "exchange",
        "routing_key",
        "redelivered",
        "attempt",
        "headers",
        "properties",
        "zone",
        "subscription",
        "received_at",
    }
)


class Unfit(Exception):  # noqa: N818  it is a fault of ours, not of a rule
    """A tree that the checker should have refused; never raised for a program without errors."""


class Values:
    """The expressions of one function."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.py = Python()
        self.scopes: list[dict[str, Made]] = [{}]
        self.temporaries = 0
        self.repeated = False
        """Whether this may run many times for one event: then work is paid for by its size."""

    def value(self, expr: Expr) -> Made:
        """An expression, standing at its own place."""
        old = self.py.at(expr.span)
        made = self._made(expr)
        if self.unit.watched and not isinstance(expr, Literal | DurationLiteral):
            number = self.py.constant(self.unit.watch(expr))
            made = (self.py.call(self.py.name(watch_name(self.unit.number)), number, made[0]), made[1])
        self.py.where = old
        return made

    def plain(self, expr: Expr) -> Expression:
        """An expression, whatever is known of it."""
        return self.value(expr)[0]

    def _made(self, expr: Expr) -> Made:
        case = CASES.get(type(expr))
        if case is None:
            raise Unfit(f"{type(expr).__name__} is no value of a rule")
        return case(self, expr)

    # --- what many cases need

    def once(self, expr: Expression) -> tuple[Expression, Expression]:
        """Twice the same value: first worked out (and kept), then read again."""
        if isinstance(expr, ast.Name | ast.Constant):
            return expr, expr
        self.temporaries += 1
        name = f"value {self.temporaries}"
        return self.py.keep(name, expr), self.py.name(name)

    def condition(self, expr: Expr) -> Expression:
        """An expression where Python asks for a truth value."""
        made, known = self.value(expr)
        if known & TRUTH:
            return made
        old = self.py.at(expr.span)
        first, again = self.once(made)
        py = self.py
        is_true = py.compare(first, ast.Is(), py.constant(value=True))
        not_false = py.compare(again, ast.IsNot(), py.constant(value=False))
        result = py.any_of(is_true, py.all_of(not_false, py.call("truth", again)))
        py.where = old
        return result

    def as_text(self, expr: Expr) -> Expression:
        """An expression where text is needed, as a template makes it."""
        made, known = self.value(expr)
        if known & TEXT:
            return made
        old = self.py.at(expr.span)
        first, again = self.once(made)
        result = self.py.either(self.py.is_class(first, "str"), again, self.py.call("text", again))
        self.py.where = old
        return result

    def run(self, name: str, *arguments: Expression) -> Expression:
        """`run.name(*arguments)`"""
        return self.py.method(RUN, name, *arguments)

    def budget(self) -> Expression:
        """The running event, where a function takes its steps from it."""
        return self.py.name(RUN)

    def look_up(self, name: str) -> Made | None:
        """A variable of the innermost scope that has it."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def setting(self, expr: Expr) -> tuple[bool, Any]:
        """Whether an expression is known at load, and its value then."""
        match expr:
            case Literal(value=value):
                return True, value
            case DurationLiteral(milliseconds=milliseconds):
                return True, timedelta(milliseconds=milliseconds)
            case Name(id=name) if self.look_up(name) is None and name in self.unit.around.settings:
                return True, self.unit.around.settings[name]
            case ListExpr(items=items) if not any(isinstance(item, Spread) for item in items):
                parts = [self.setting(item) for item in items if not isinstance(item, Spread)]
                return all(known for known, _ in parts), [value for _, value in parts]
        return False, None

    # --- the cases

    def _literal(self, expr: Literal) -> Made:
        known = {str: TEXT, bool: TRUTH}.get(type(expr.value), 0)
        return self.py.constant(expr.value), known | SMALL

    def _duration(self, expr: DurationLiteral) -> Made:
        return fixed(self.unit, self.py, timedelta(milliseconds=expr.milliseconds)), SMALL

    def _template(self, expr: Template) -> Made:
        parts: list[str | Expression] = []
        holes, grows = 0, False
        for part in expr.parts:
            known, value = (True, part) if isinstance(part, str) else self.setting(part)
            if known and not isinstance(value, list | dict):
                _append(parts, values.text(value))
                continue
            if not isinstance(part, str):
                parts.append(self.as_text(part))
                holes += 1
                grows = grows or not self._is_small(part)
        if not holes:
            return self.py.constant("".join(part for part in parts if isinstance(part, str))), TEXT | SMALL
        made = self.py.text(parts)
        if grows or self.repeated:
            made = self.run("sized", made)
        return made, TEXT | (0 if holes > 1 or grows else SMALL)

    def _is_small(self, expr: Expr) -> bool:
        """Known without compiling it a second time: fields of the payload, and names that are small."""
        match expr:
            case Field(base=None) | Literal() | DurationLiteral():
                return True
            case Field(base=base) if base is not None:
                return self._is_small(base) or (isinstance(base, Name) and base.id == "meta")
            case Index(base=base) if base is not None:
                return not self._is_table(base) and self._is_small(base)
            case Name(id=name):
                variable = self.look_up(name)
                return variable is None or bool(variable[1] & SMALL)
        return False

    def _name(self, expr: Name) -> Made:
        variable = self.look_up(expr.id)
        if variable is not None:
            return self.py.name(python_name(variable)), variable[1]
        if expr.id in self.unit.around.settings:
            value = self.unit.around.settings[expr.id]
            known = {str: TEXT, bool: TRUTH}.get(type(value), 0)
            return fixed(self.unit, self.py, value), known | SMALL
        if expr.id == "received":
            return self.py.name(PAYLOAD), SMALL
        if expr.id in ("payload", "meta"):
            return self.py.attribute(self.py.name(RUN), expr.id), SMALL
        raise Unfit(f"{expr.id} is not known here")

    def _field(self, expr: Field) -> Made:
        base = expr.base
        if base is None:
            return self._of_payload(expr.name)
        if isinstance(base, Name) and self.look_up(base.id) is None:
            if base.id == "received":
                return self._of_payload(expr.name)
            if base.id == "payload":
                hidden = expr.name in TRANSPORT or expr.name.startswith("AMQP-")
                return (self.py.constant(None), SMALL) if hidden else self._of_payload(expr.name)
            if base.id == "meta":
                name = self.py.attribute(self.py.name(RUN), f"meta_{expr.name}")
                return (name if expr.name in META else self.py.constant(None)), SMALL
        made, known = self.value(base)
        first, again = self.once(made)
        got = self.py.call(self.py.attribute(again, "get"), self.py.constant(expr.name))
        return self.py.either(self.py.is_class(first, "dict"), got, self.py.constant(None)), known & SMALL

    def _of_payload(self, name: str) -> Made:
        return self.py.method(PAYLOAD, "get", self.py.constant(name)), SMALL

    def _is_table(self, base: Expr | None) -> bool:
        return isinstance(base, Name) and self.look_up(base.id) is None and base.id in self.unit.around.tables

    def _index(self, expr: Index) -> Made:
        base = expr.base
        if isinstance(base, Name) and self._is_table(base):
            return self.run("read", self.py.constant(base.id), self.plain(expr.key)), 0
        made, known = (self.py.name(PAYLOAD), SMALL) if base is None else self.value(base)
        number = expr.key.value if isinstance(expr.key, Literal) else None
        if number.__class__ is int and isinstance(number, int) and number >= 0:
            return self._item(made, number), known & SMALL
        return self.py.call("place", made, self.plain(expr.key)), known & SMALL

    def _item(self, base: Expression, number: int) -> Expression:
        """An item by a number that is known: null in what is no list, or a shorter one."""
        py = self.py
        first, again = self.once(base)
        length = py.call("len", again)
        there = py.compare(length, ast.Gt(), py.constant(number))
        item = ast.Subscript(again, py.constant(number), ast.Load(), **py.where)
        return py.either(py.all_of(py.is_class(first, "list"), there), item, py.constant(None))

    def _list(self, expr: ListExpr) -> Made:
        items = [
            self.py.unpacked(self.py.call("spread_list", self.plain(item.value), self.budget()))
            if isinstance(item, Spread)
            else self.plain(item)
            for item in expr.items
        ]
        return self.py.list_of(items), 0

    def _object(self, expr: ObjectExpr, base: Expression | None = None) -> Made:
        keys: list[Expression | None] = []
        given: list[Expression] = []
        if base is not None:
            keys.append(None)
            given.append(base)
        for entry in expr.entries:
            if isinstance(entry, Spread):
                keys.append(None)
                given.append(self.py.call("spread_object", self.plain(entry.value), self.budget()))
            else:
                keys.append(self.as_text(entry.key))
                given.append(self.plain(entry.value))
        return self.py.object_of(keys, given), 0

    def _with(self, expr: With) -> Made:
        base = self.py.call("spread_object", self.plain(expr.base), self.budget())
        return self._object(expr.changes, base)

    def _call(self, expr: Call) -> Made:
        raise Unfit(f"{expr.name} cannot be called here")


def python_name(variable: Made) -> str:
    """The Python name behind a variable of a rule."""
    name = getattr(variable[0], "id", None)
    if not isinstance(name, str):
        raise Unfit("a variable has no name")
    return name


def _append(parts: list[str | Expression], text: str) -> None:
    """Put literal texts that meet into one."""
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    elif text:
        parts.append(text)


CASES: dict[type, Callable[[Any, Any], Made]] = {
    Literal: lambda self, expr: self._literal(expr),
    DurationLiteral: lambda self, expr: self._duration(expr),
    Template: lambda self, expr: self._template(expr),
    Name: lambda self, expr: self._name(expr),
    Field: lambda self, expr: self._field(expr),
    Index: lambda self, expr: self._index(expr),
    ListExpr: lambda self, expr: self._list(expr),
    ObjectExpr: lambda self, expr: self._object(expr),
    With: lambda self, expr: self._with(expr),
    Unary: lambda self, expr: self._unary(expr),
    Binary: lambda self, expr: self._binary(expr),
    In: lambda self, expr: self._in(expr),
    Matches: lambda self, expr: self._matches(expr),
    IfExpr: lambda self, expr: self._if(expr),
    Call: lambda self, expr: self._call(expr),
}
