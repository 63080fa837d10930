"""Operators to Python: comparison, logic, arithmetic, membership.

Where a number or a text is known on one side, the common case stands in the code itself; the rest
is a call of `language.values`.
"""

import ast
from collections.abc import Callable
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language import values
from kzrules.language.compiling.python import Expression, Guarded
from kzrules.language.compiling.unit import NUMBER, SMALL, TEXT, TRUTH, Made, Pattern, fixed
from kzrules.language.compiling.value import Values
from kzrules.language.tree import Binary, IfExpr, In, Matches, Unary

ORDERS = {"<": "less", "<=": "less_or_equal", ">": "greater", ">=": "greater_or_equal"}
ORDER_SIGNS: dict[str, Callable[[], ast.cmpop]] = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE}
SUMS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
SUM_SIGNS: dict[str, Callable[[], ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "%": ast.Mod}
_SMALL_INT = 1 << 31
MOST_IN_A_ROW = 4
"""So many texts are compared one after the other faster than they are looked up."""


class Operators(Values):
    """The operators of one function."""

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
                if isinstance(other, Guarded):
                    return self._past_guard(other, sign, value, ORDERS[expr.op], first=other is left)
                first, again = self.once(other)
                fast = (again, right) if other is left else (left, again)
                slow = py.call(ORDERS[expr.op], *fast)
                return py.either(py.is_class(first, "int"), py.compare(fast[0], sign, fast[1]), slow)
        return py.call(ORDERS[expr.op], left, right)

    def _past_guard(
        self, guarded: Guarded, sign: ast.cmpop | ast.operator, number: Any, slow: str, *, first: bool
    ) -> Expression:
        """What is done with an integer that was tested already, and with what failed the test."""
        py = self.py
        constant = py.constant(number)

        def pair(one: Expression) -> tuple[Expression, Expression]:
            return (one, constant) if first else (constant, one)

        if isinstance(sign, ast.cmpop):
            left, right = pair(guarded.body)
            return py.either(
                guarded.test, py.compare(left, sign, right), py.call(slow, *pair(guarded.orelse))
            )
        left, right = pair(guarded.body)
        fast = ast.BinOp(left, sign, right, **py.where)
        return py.guarded(guarded.test, fast, py.call(slow, *pair(guarded.orelse), self.budget()))

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
        operand = self.plain(expr.left if right[0] else expr.right)
        may_grow = expr.op == "*" and self.repeated
        if isinstance(operand, Guarded) and not may_grow:
            return self._past_guard(operand, SUM_SIGNS[expr.op](), number, SUMS[expr.op], first=right[0])
        first, again = self.once(operand)
        constant = py.constant(number)
        pair = (again, constant) if right[0] else (constant, again)
        fits = py.is_class(first, "int")
        if may_grow:
            low, high = py.constant(-_SMALL_INT), py.constant(_SMALL_INT)
            between = ast.Compare(low, [ast.Lt(), ast.Lt()], [again, high], **py.where)
            fits = py.all_of(fits, between)
        fast = ast.BinOp(pair[0], SUM_SIGNS[expr.op](), pair[1], **py.where)
        return py.guarded(fits, fast, py.call(SUMS[expr.op], *pair, self.budget()))

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
