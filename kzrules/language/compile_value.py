"""Expressions to Python: each case makes what an experienced hand would have written.

`Values.value` gives a Python expression and what is known of its result. Where the language and
Python mean the same, Python's operator stands in the code; else a function of `language.values`.
"""

import ast
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language import values
from kzrules.language.compile_python import Expression, Python
from kzrules.language.compile_unit import NUMBER, SMALL, TEXT, TRUTH, Made, Pattern, Unit, fixed, watch_name
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
ORDERS = {"<": "less", "<=": "less_or_equal", ">": "greater", ">=": "greater_or_equal"}
ORDER_SIGNS: dict[str, Callable[[], ast.cmpop]] = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE}
SUMS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
SUM_SIGNS: dict[str, Callable[[], ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "%": ast.Mod}
_SMALL_INT = 1 << 31
MOST_IN_A_ROW = 4
"""So many texts are compared one after the other faster than they are looked up."""


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
        return self.py.call("place", made, self.plain(expr.key)), known & SMALL

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

    def _unary(self, expr: Unary) -> Made:
        if expr.op == "not":
            return self.py.negate(self.condition(expr.operand)), TRUTH | SMALL
        known, value = self.setting(expr.operand)
        if known and values.is_number(value):
            return self.py.constant(-value), SMALL
        return self.py.call("negative", self.plain(expr.operand)), SMALL

    def _binary(self, expr: Binary) -> Made:
        match expr.op:
            case "and":
                both = self.py.all_of(self.condition(expr.left), self.condition(expr.right))
                return both, TRUTH | SMALL
            case "or":
                one = self.py.any_of(self.condition(expr.left), self.condition(expr.right))
                return one, TRUTH | SMALL
            case "==" | "!=":
                return self._equality(expr), TRUTH | SMALL
            case "??":
                return self._instead(expr)
            case "<" | "<=" | ">" | ">=":
                return self._order(expr), TRUTH | SMALL
        return self._sum(expr)

    def _instead(self, expr: Binary) -> Made:
        left, known = self.value(expr.left)
        right, also_known = self.value(expr.right)
        first, again = self.once(left)
        there = self.py.compare(first, ast.IsNot(), self.py.constant(None))
        return self.py.either(there, again, right), known & also_known

    def _equality(self, expr: Binary) -> Expression:
        py, right, left = self.py, expr.right, expr.left
        known, value = self.setting(right)
        if not known:
            known, value = self.setting(left)
            left, right = (right, left) if known else (left, right)
        operator = ast.Eq() if expr.op == "==" else ast.NotEq()
        if known and (value is None or value is True or value is False):
            same = ast.Is() if expr.op == "==" else ast.IsNot()
            return py.compare(self.plain(left), same, py.constant(value))
        if known and value.__class__ in (int, float) and value in (0, 1):
            made, facts = self.value(left)
            if facts & NUMBER:
                return py.compare(made, operator, py.constant(value))
            first, again = self.once(made)
            no_truth = py.compare(py.attribute(again, "__class__"), ast.IsNot(), py.helper("bool"))
            both = py.all_of(py.compare(first, ast.Eq(), py.constant(value)), no_truth)
            return both if expr.op == "==" else py.negate(both)
        one, facts = self.value(left)
        other, other_facts = self.value(right)
        if (known and value.__class__ not in (list, dict)) or (facts | other_facts) & TEXT:
            return py.compare(one, operator, other)
        call = py.call("equal", one, other, self.budget())
        return call if expr.op == "==" else py.negate(call)

    def _order(self, expr: Binary) -> Expression:
        """With a number on one side, the common case stands in the code itself."""
        py, sign = self.py, ORDER_SIGNS[expr.op]()
        left, right = self.plain(expr.left), self.plain(expr.right)
        for side, other in ((expr.right, left), (expr.left, right)):
            known, value = self.setting(side)
            if known and values.is_number(value):
                first, again = self.once(other)
                fast = (again, right) if other is left else (left, again)
                slow = py.call(ORDERS[expr.op], *fast)
                return py.either(py.is_class(first, "int"), py.compare(fast[0], sign, fast[1]), slow)
        return py.call(ORDERS[expr.op], left, right)

    def _sum(self, expr: Binary) -> Made:
        left, right = self.setting(expr.left), self.setting(expr.right)
        if left[0] and right[0]:
            try:
                result = getattr(values, SUMS[expr.op])(left[1], right[1])
            except RuleFailure:
                pass  # it fails where it stands, when it runs
            else:
                return fixed(self.unit, self.py, result), SMALL | NUMBER
        made = self._sum_with_integer(expr, left, right)
        if made is not None:
            return made, SMALL | NUMBER
        call = self.py.call(SUMS[expr.op], self.plain(expr.left), self.plain(expr.right), self.budget())
        return call, SMALL | NUMBER

    def _sum_with_integer(
        self, expr: Binary, left: tuple[bool, Any], right: tuple[bool, Any]
    ) -> Expression | None:
        """With a small integer on one side, the common case stands in the code itself.

        A product in a loop must not grow without being paid for: there the numbers are small.
        """
        py = self.py
        known, number = right if right[0] else left
        if not known or number.__class__ is not int or not -_SMALL_INT < number < _SMALL_INT:
            return None
        if expr.op not in SUM_SIGNS or (expr.op == "%" and (not right[0] or number == 0)):
            return None
        first, again = self.once(self.plain(expr.left if right[0] else expr.right))
        constant = py.constant(number)
        pair = (again, constant) if right[0] else (constant, again)
        fits = py.is_class(first, "int")
        if expr.op == "*" and self.repeated:
            low, high = py.constant(-_SMALL_INT), py.constant(_SMALL_INT)
            between = ast.Compare(low, [ast.Lt(), ast.Lt()], [again, high], **py.where)
            fits = py.all_of(fits, between)
        fast = ast.BinOp(pair[0], SUM_SIGNS[expr.op](), pair[1], **py.where)
        return py.either(fits, fast, py.call(SUMS[expr.op], *pair, self.budget()))

    def _in(self, expr: In) -> Made:
        py = self.py
        known, choices = self.setting(expr.choices)
        item = self.plain(expr.item)
        texts = known and choices.__class__ is list and choices
        if not texts or not all(choice.__class__ is str for choice in choices):
            return py.call("among", item, self.plain(expr.choices), self.budget()), TRUTH | SMALL
        if len(choices) <= MOST_IN_A_ROW:
            return py.compare(item, ast.In(), py.constant(tuple(choices))), TRUTH | SMALL
        first, again = self.once(item)
        found = py.compare(again, ast.In(), py.constant(frozenset(choices)))
        return py.all_of(py.is_class(first, "str"), found), TRUTH | SMALL

    def _matches(self, expr: Matches) -> Made:
        search = self.py.name(self.unit.constant(Pattern(expr.pattern.pattern)))
        subject = self.plain(expr.subject)
        if self.repeated:
            return self.run("matching", search, subject), TRUTH | SMALL
        return self.py.call(search, subject), TRUTH | SMALL

    def _if(self, expr: IfExpr) -> Made:
        condition = self.condition(expr.condition)
        then, known = self.value(expr.then)
        otherwise, also_known = self.value(expr.otherwise)
        return self.py.either(condition, then, otherwise), known & also_known

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
