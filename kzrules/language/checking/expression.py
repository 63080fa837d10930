"""One walk over an expression: the names in it, the kinds of its values, and what operators take.

A value of unknown kind never gives a finding, and an unknown name gives one, not two.
"""

from collections.abc import Callable
from typing import Any

from kzrules.language import types
from kzrules.language.checking.call import CallChecks
from kzrules.language.checking.conditions import proves
from kzrules.language.checking.fields import FieldChecks
from kzrules.language.checking.pattern import pattern_fault
from kzrules.language.declaring.constant import LONGEST_DURATION
from kzrules.language.findings.nearest import nearest
from kzrules.language.findings.respell import respelt
from kzrules.language.findings.short import error, warning
from kzrules.language.slips.elsewhere import NAMES
from kzrules.language.tree import (
    Binary,
    Call,
    DurationLiteral,
    Entry,
    Expr,
    Field,
    Has,
    IfExpr,
    In,
    Index,
    ListExpr,
    Literal,
    Matches,
    Name,
    ObjectExpr,
    Regex,
    Span,
    Spread,
    Template,
    Then,
    Unary,
    With,
)
from kzrules.language.types import Info, cannot_be, either, never_equal, of_value, said, without_null
from kzrules.language.word import Kind

ORDERED = types.NUMBERS | {Kind.TEXT, Kind.DURATION}
ADDED = types.NUMBERS | {Kind.DURATION}
EMPTY_NAMES = {"None", "nil", "undefined", "NULL", "Null"}


def with_unit(expr: Expr, wanted: frozenset[Kind]) -> str:
    """What is written for a bare number where a duration is wanted, for a key where a part of it is."""
    if isinstance(expr, Name) and expr.id == "key":
        return "a key of several parts is a list: `key[0]` is the first of them"
    value = expr.value if isinstance(expr, Literal) else None
    if Kind.DURATION not in wanted or isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"write `{value}s`: a duration has a unit"


class ExpressionChecks(CallChecks, FieldChecks):
    """Walks expressions; `infer` gives what is known of the value."""

    def infer(self, expr: Expr) -> Info:
        """Check an expression, and tell what is known of it."""
        return CASES[type(expr)](self, expr)

    def expect(self, expr: Expr, wanted: frozenset[Kind], what: str) -> Info:
        """Check an expression that has to be of certain kinds."""
        info = self.infer(expr)
        if cannot_be(info.kinds, wanted):
            kinds = info.kinds or frozenset()
            text = f"{what} is {said(wanted)}, and this is {said(kinds)}"
            self.findings.add(error("KZ303", text, expr.span, help=with_unit(expr, wanted)))
        return info

    def condition(self, expr: Expr, *, default: bool = False) -> None:
        """Check a condition: true or false, where null counts as false. `default`: it stands behind `or`."""
        info = self.infer(expr)
        if cannot_be(info.kinds, frozenset({Kind.TRUTH, Kind.NULL})):
            text = f"a condition is true or false, and this is {said(info.kinds or frozenset())}"
            way_out = "compare it: `... != null` asks whether it is there"
            if default:
                way_out = "a value in place of `null` is `x ?? y`; `or` joins conditions"
            self.findings.add(error("KZ314", text, expr.span, help=way_out))

    # --- values

    def literal(self, expr: Literal) -> Info:
        """null, a truth value, a number or text."""
        return Info(types.NULL if expr.value is None else of_value(expr.value))

    def duration(self, expr: DurationLiteral) -> Info:
        """`5m`, within what a clock can count."""
        if expr.milliseconds > LONGEST_DURATION:
            self.findings.add(error("KZ305", "this duration is too long", expr.span))
        return Info(types.DURATION)

    def template(self, expr: Template) -> Info:
        """Text with values in it."""
        for part in expr.parts:
            if not isinstance(part, str):
                self.infer(part)
        return Info(types.TEXT)

    def name(self, expr: Name) -> Info:
        """A variable, a setting, or a name of our own."""
        variable = self.scope.find(expr.id)
        if variable is not None:
            variable.read = True
            return variable.info
        if expr.id in self.names.settings or expr.id == "node":
            self.names.used.add(expr.id)
            return Info(of_value(self.names.declared.settings.get(expr.id)))
        if expr.id in ("payload", "received", "meta"):
            self.needs_payload(expr.id, expr.span)
            return Info(types.OBJECT, self.scope.payload if expr.id != "meta" else None)
        if expr.id in self.names.tables:
            self.names.used.add(expr.id)
            text = f"`{expr.id}` is a table: a rule reads one entry of it"
            self.findings.add(
                error(
                    "KZ312",
                    text,
                    expr.span,
                    help=f"write `{expr.id}[key]`; a table is neither counted nor gone through",
                )
            )
        else:
            self.unknown_name(expr.id, expr.span)
        return types.UNKNOWN

    def unknown_name(self, name: str, span: Span) -> None:
        """A name that nothing has set, with the nearest one that is there."""
        if self.maybe_declared(name):
            return
        known = [variable for frame in self.scope.frames for variable in frame] + self.names.values()
        gone = self.scope.gone.get(name)
        if gone is not None:
            labels, way_out = (
                self.out_of_sight(gone),
                "set it before the block with `let`, and change it inside",
            )
            text = f"`{name}` is known only inside the block that sets it"
            self.findings.add(error("KZ201", text, span, labels=labels, help=way_out))
            return
        near = nearest(name, known)
        way_out = f"did you mean `{near}`?" if near else ""
        self.names.used.add(near or name)
        if name in self.names.words or name in self.names.subroutines:
            way_out = f"it is called with parentheses: `{name}(...)`"
        elif name in EMPTY_NAMES:
            way_out = "write `null`"
        elif name in NAMES and not near:
            way_out = NAMES[name]
        elif not way_out:
            way_out = f'a field of the payload is `.{name}`, a text is "{name}"'
        fix = respelt(span, name, known) if name[:1].islower() else None  # `Number` may be `.Number`
        self.findings.add(error("KZ201", f"nothing sets `{name}`", span, help=way_out, fix=fix))

    def list(self, expr: ListExpr) -> Info:
        """A list; what is spread into it has to be one."""
        for item in expr.items:
            if isinstance(item, Spread):
                self.expect(item.value, frozenset({Kind.LIST}), "what is spread into a list")
            else:
                self.infer(item)
        return Info(types.LIST)

    def object(self, expr: ObjectExpr) -> Info:
        """An object; what is spread into it has to be one, and each name stands once."""
        seen: dict[Any, Span] = {}
        for entry in expr.entries:
            if isinstance(entry, Spread):
                self.expect(entry.value, frozenset({Kind.OBJECT}), "what is spread into an object")
                continue
            self.infer(entry.value)
            self.infer(entry.key)
            self._entry_once(entry, seen)
        return Info(types.OBJECT)

    def _entry_once(self, entry: Entry, seen: dict[Any, Span]) -> None:
        key = entry.key.value if isinstance(entry.key, Literal) else None
        if key is None:
            return
        if key in seen:
            text = f'the field "{key}" stands twice in this object; the last one counts'
            self.findings.add(error("KZ207", text, entry.key.span, help="take one of them away"))
        seen[key] = entry.key.span

    def with_(self, expr: With) -> Info:
        """A copy of an object with fields set."""
        self.expect(expr.base, frozenset({Kind.OBJECT}), "what stands before `with`")
        self.object(expr.changes)
        return Info(types.OBJECT)

    def has(self, expr: Has) -> Info:
        """A pattern of a test."""
        if self.scope.place.name != "TEST":
            text = "`has { ... }` is a pattern for `expect` in a test"
            way_out = 'ask for fields with the word: has(payload, "Call-ID")'
            self.findings.add(error("KZ323", text, expr.span, help=way_out))
        self.infer(expr.pattern)
        return types.UNKNOWN

    # --- operators

    def unary(self, expr: Unary) -> Info:
        """`not x` and `-x`."""
        if expr.op == "not":
            self.condition(expr.operand)
            return Info(types.TRUTH)
        info = self.infer(expr.operand)
        if cannot_be(info.kinds, ADDED):
            self.wrong_operand("-", expr.operand.span, info)
            return types.UNKNOWN
        return Info(info.kinds)

    def binary(self, expr: Binary) -> Info:
        """`or`, `and`, comparisons, `??` and arithmetic."""
        match expr.op:
            case "and" | "or":
                return self._both(expr)
            case "??":
                left, right = self.infer(expr.left), self.infer(expr.right)
                return Info(either(without_null(left.kinds), right.kinds))
            case "==" | "!=":
                self._equality(expr)
            case "<" | "<=" | ">" | ">=":
                self._order(expr)
            case _:
                return Info(self._arithmetic(expr))
        return Info(types.TRUTH)

    def _both(self, expr: Binary) -> Info:
        self.condition(expr.left)
        self.scope.enter()
        self.scope.prove(proves(expr.left, holds=expr.op == "and"))
        self.condition(expr.right, default=expr.op == "or")
        self.scope.leave()
        return Info(types.TRUTH)

    def _equality(self, expr: Binary) -> None:
        left, right = self.infer(expr.left), self.infer(expr.right)
        one, other = left.kinds, right.kinds
        if never_equal(one, other) and types.NULL not in (one, other):
            kinds = f"{said(one or frozenset())} and {said(other or frozenset())}"
            text = f"these are never equal: {kinds}"
            way_out = "no kind is changed into another; convert one of them, as in `int(.Expires ?? 0)`"
            self.findings.add(warning("KZ318", text, expr.span, help=way_out))
        self.impossible_value(left.shape, expr.right)
        self.impossible_value(right.shape, expr.left)

    def _order(self, expr: Binary) -> None:
        left, right = self.infer(expr.left), self.infer(expr.right)
        for side, info in ((expr.left, left), (expr.right, right)):
            if cannot_be(info.kinds, ORDERED):
                self.wrong_operand(expr.op, side.span, info)
                return
        if never_equal(left.kinds, right.kinds):
            kinds = f"{said(left.kinds or frozenset())} and {said(right.kinds or frozenset())}"
            text = f"`{expr.op}` needs two numbers or two texts, and here are {kinds}"
            self.findings.add(error("KZ304", text, expr.span))

    def wrong_operand(self, op: str, span: Span, info: Info, whole: Binary | None = None) -> None:
        """An operator beside a value that it cannot take."""
        kinds = info.kinds or frozenset()
        wanted = "numbers or texts" if op in ("<", "<=", ">", ">=") else "numbers"
        text = f"`{op}` needs {wanted}, and this is {said(kinds)}"
        way_out = ""
        if op == "%" and kinds == types.TEXT:
            way_out = 'a text takes its values in braces: "{.From} is {.State}"'
        if op == "+" and kinds == types.TEXT:
            template = joined(whole) if whole is not None else None
            way_out = f'texts are put together in a template: "{template or "{a}{b}"}"'
        self.findings.add(error("KZ304", text, span, help=way_out))

    def _arithmetic(self, expr: Binary) -> types.Known:
        left, right = self.infer(expr.left), self.infer(expr.right)
        for side, info in ((expr.left, left), (expr.right, right)):
            if cannot_be(info.kinds, ADDED):
                self.wrong_operand(expr.op, side.span, info, expr)
                return None
        one, other = left.kinds, right.kinds
        if one is None or other is None:
            return None
        result = frozenset(
            kind for a in one & ADDED for b in other & ADDED for kind in results(expr.op, a, b)
        )
        if not result and one & ADDED and other & ADDED:
            text = f"`{expr.op}` cannot be worked out for {said(one)} and {said(other)}"
            self.findings.add(error("KZ304", text, expr.span))
            return None
        return result or None

    def in_(self, expr: In) -> Info:
        """`item in choices`."""
        item = self.infer(expr.item)
        self.expect(expr.choices, frozenset({Kind.LIST}), "what stands behind `in`")
        if isinstance(expr.choices, ListExpr):
            for choice in expr.choices.items:
                if not isinstance(choice, Spread):
                    self.impossible_value(item.shape, choice)
        return Info(types.TRUTH)

    def matches(self, expr: Matches) -> Info:
        """`subject matches /pattern/`."""
        self.expect(expr.subject, frozenset({Kind.TEXT, Kind.NULL}), "what `matches` looks at")
        self.regex(expr.pattern)
        return Info(types.TRUTH)

    def regex(self, expr: Regex) -> Info:
        """A pattern of the linear-time engine."""
        fault = pattern_fault(expr.pattern)
        if fault:
            text = f"this pattern cannot be used: {fault}"
            way_out = "the patterns are RE2's: no look-around and no references back"
            self.findings.add(error("KZ317", text, expr.span, help=way_out))
        return types.UNKNOWN

    def if_(self, expr: IfExpr) -> Info:
        """`if C then A else B`."""
        self.condition(expr.condition)
        self.scope.enter()
        self.scope.prove(proves(expr.condition, holds=True))
        then = self.infer(expr.then)
        self.scope.leave()
        self.scope.enter()
        self.scope.prove(proves(expr.condition, holds=False))
        otherwise = self.infer(expr.otherwise)
        self.scope.leave()
        return Info(either(then.kinds, otherwise.kinds))

    def then(self, expr: Then) -> Info:
        """Only `on_failure` has it; there it is read by `declare`."""
        text = "`then` without `if` stands only in `on_failure`"
        self.findings.add(error("KZ323", text, expr.span))
        return types.UNKNOWN


def joined(expr: Expr) -> str | None:
    """`"caller " + .From` as the template that is meant; None where it is not so simple."""
    match expr:
        case Binary(op="+", left=left, right=right):
            one, other = joined(left), joined(right)
            return None if one is None or other is None else one + other
        case Literal(value=str() as text) if not set(text) & set('{}"\\\n'):
            return text
        case Field(base=None, name=name, quoted=False):
            return f"{{.{name}}}"
        case Name(id=name):
            return f"{{{name}}}"
    return None


def results(op: str, one: Kind, other: Kind) -> frozenset[Kind]:
    """The kinds that an operation on two kinds can give; none: it is an error."""
    time, numbers = Kind.DURATION, types.NUMBERS
    if one in numbers and other in numbers:
        whole = one is other is Kind.INTEGER
        return frozenset({Kind.INTEGER} if whole and op != "/" else numbers if whole else {Kind.DECIMAL})
    if one is other is time:
        return {"+": frozenset({time}), "-": frozenset({time}), "/": frozenset({Kind.DECIMAL})}.get(
            op, frozenset()
        )
    scaled = (op == "*" and time in (one, other)) or (op == "/" and one is time)
    return frozenset({time}) if scaled else frozenset()


CASES: dict[type, Callable[[Any, Any], Info]] = {
    Literal: lambda self, expr: self.literal(expr),
    DurationLiteral: lambda self, expr: self.duration(expr),
    Regex: lambda self, expr: self.regex(expr),
    Template: lambda self, expr: self.template(expr),
    Name: lambda self, expr: self.name(expr),
    Field: lambda self, expr: self.field(expr),
    Index: lambda self, expr: self.index(expr),
    ListExpr: lambda self, expr: self.list(expr),
    ObjectExpr: lambda self, expr: self.object(expr),
    With: lambda self, expr: self.with_(expr),
    Unary: lambda self, expr: self.unary(expr),
    Binary: lambda self, expr: self.binary(expr),
    In: lambda self, expr: self.in_(expr),
    Matches: lambda self, expr: self.matches(expr),
    IfExpr: lambda self, expr: self.if_(expr),
    Call: lambda self, expr: self.call(expr),
    Then: lambda self, expr: self.then(expr),
    Has: lambda self, expr: self.has(expr),
}
