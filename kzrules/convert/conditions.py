"""Conditions: comparisons of texts that were anything before, patterns, functions that answer yes or no."""

import re
from abc import ABC, abstractmethod

import re2

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.expressions import Expressions
from kzrules.convert.pseudo import whole
from kzrules.convert.uses import within
from kzrules.convert.world import INTEGER, LIST, NULL, OBJECT, TEXT, TRUTH, fresh
from kzrules.language import tree as t

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class Conditions(Expressions, ABC):
    """Translates what stands in `if (...)`."""

    def condition(self, node: n.Value) -> t.Expr:  # noqa: C901, PLR0911  one case for each kind of node
        """True or false."""
        match node:
            case n.Operation(op="and" | "or" as op, left=left, right=right):
                return self.both(op, left, right)
            case n.Operation(op="==" | "!=" as op, left=left, right=right):
                return self.equal(op, left, right)
            case n.Operation(op="<" | ">" | "<=" | ">=" as op, left=left, right=right):
                return make.binary(op, self.integer(left), self.integer(right))
            case n.Operation(op="=~" | "!~" as op, left=left, right=right):
                found = self.pattern(left, right)
                return found if op == "=~" else make.negate(found)
            case n.Prefix(op="not", value=inner):
                return make.negate(self.condition(inner))
            case n.Prefix(op="defined", value=inner):
                return make.binary("!=", self.value(inner), make.NULL)
            case n.Prefix(op="strempty", value=inner):
                return self.is_empty(self.value(inner))
            case n.Number(value=number):
                return make.literal(number != 0)
            case n.Call():
                return self.asked(node)
            case n.Text(text=text):
                return make.literal(bool(text.strip("0 ")) and text.strip().lstrip("-").isdigit())
            case n.Operation(op="|" | "&" | "<<" | ">>"):
                return make.binary("==", self.unknown("operator", f"`{node.op}` works on bits"), make.TRUE)
        return self.truth(self.value(node))

    def truth(self, value: t.Expr) -> t.Expr:
        """A value as a condition: a number other than 0, or a text of one."""
        if self.world.kind(value) == TRUTH:
            return value
        return make.binary("!=", self.as_integer(value), make.literal(0))

    def both(self, op: str, left: n.Value, right: n.Value) -> t.Expr:
        """`and`, `or`. What the right side does must not happen before the left side has said so."""
        one = self.condition(left)
        outer, self.out = self.out, []
        other = self.condition(right)
        inner, self.out = self.out, outer
        if not inner:
            return make.binary(op, one, other)
        if all(isinstance(step, t.Assign) and isinstance(step.value, t.Literal) for step in inner):
            self.out += inner
            return make.binary(op, one, other)
        name = fresh("holds", {*self.made_up})
        self.made_up.add(name)
        self.add(make.assign(name, make.literal(op == "or")))
        test = one if op == "and" else make.negate(one)
        self.add(make.when(test, make.block([*inner, make.assign(name, other)])))
        return make.name(name)

    # --- equal

    def equal(self, op: str, left: n.Value, right: n.Value) -> t.Expr:
        """`==` and `!=`: in Kamailio all that comes from JSON is text."""
        if isinstance(left, n.Call) and isinstance(right, n.Number | n.Prefix):
            return self.code(op, left, right)
        if _constant(left) and not _constant(right):
            left, right = right, left
        made = self._equal(left, right)
        return made if op == "==" else _unless(made)

    def code(self, op: str, left: n.Call, right: n.Value) -> t.Expr:
        """A function's result, compared: greater than 0 is yes."""
        number = right.value if isinstance(right, n.Number) else -1
        answered = self.asked(left)
        yes = isinstance(number, int) and number > 0
        return answered if yes == (op == "==") else make.negate(answered)

    def _equal(self, left: n.Value, right: n.Value) -> t.Expr:
        value = self.value(left)
        kind = self.world.kind(value)
        if isinstance(right, n.Variable) and right.text in ("$null", "$(null)"):
            return self._is_null(left, value)
        if isinstance(right, n.Text) and right.text == "":
            return self.is_empty(value)
        other = self.value(right)
        if isinstance(other, t.Literal) and other.value is not None:
            return self._is(value, kind, other.value)
        theirs = self.world.kind(other)
        if kind == theirs and kind in (INTEGER, TEXT):
            return make.binary("==", value, other)
        return make.binary("==", self.as_text(value), self.as_text(other))

    def _is_null(self, left: n.Value, value: t.Expr) -> t.Expr:
        kind = self.world.kind(value)
        if kind in (INTEGER, TRUTH):
            return make.FALSE
        if kind == TEXT:
            return make.binary("==", value, make.literal(""))
        pseudo = whole(left.text) if isinstance(left, n.Variable) else None
        if pseudo is not None and pseudo.transformations:
            self.world.note(
                "`== $null` behind a transformation: never true in Kamailio, here it means missing"
            )
        return make.binary("==", value, make.NULL)

    def is_empty(self, value: t.Expr) -> t.Expr:
        """Missing or empty."""
        kind = self.world.kind(value)
        if kind == TEXT:
            return make.binary("==", value, make.literal(""))
        if kind in (INTEGER, TRUTH):
            return make.FALSE
        if kind == NULL:
            return make.binary("==", value, make.NULL)
        if kind in (OBJECT, LIST):
            return make.binary("==", value, make.NULL)
        return make.binary("==", make.binary("??", value, make.literal("")), make.literal(""))

    def _is(self, value: t.Expr, kind: str | None, wanted: object) -> t.Expr:
        """Against something that is written out: numbers and truth values may come as texts."""
        number = _number(wanted)
        if kind == INTEGER:
            if number is None:
                return make.binary("==", self.as_text(value), make.literal(wanted))
            return make.binary("==", value, make.literal(number))
        if kind == TEXT or (isinstance(wanted, str) and number is None and wanted not in ("true", "false")):
            return make.binary("==", value, make.literal(str(wanted)))
        if wanted in ("true", "false"):
            return make.among(value, make.literal(wanted == "true"), make.literal(wanted))
        return make.among(value, make.literal(number), make.literal(str(wanted)))

    # --- patterns

    def pattern(self, left: n.Value, right: n.Value) -> t.Expr:
        """`=~`: Kamailio's patterns look away from upper and lower case."""
        subject = self.text(left)
        if isinstance(right, n.Text) and "$" in re.sub(r"\$(?![A-Za-z(])", "", right.text):
            return self.anchored(subject, right.text)
        text = right.text if isinstance(right, n.Text) else None
        if text is None or "\n" in text or not _readable(f"(?i){text}"):
            shown = text if text is not None else getattr(right, "text", "?")
            return make.binary(
                "==",
                self.unknown("pattern", f"`{shown}` cannot be used as a pattern here"),
                make.TRUE,
            )
        return make.matches(subject, f"(?i){text}")

    def anchored(self, subject: t.Expr, text: str) -> t.Expr:
        """A pattern that is a text with variables, at one end or anywhere."""
        made = self.plain_pattern(subject, text)
        if made is not None:
            return made
        return make.binary(
            "==",
            self.unknown("pattern", f"`{text}` holds variables and is more than their text"),
            make.TRUE,
        )

    def plain_pattern(self, subject: t.Expr, text: str) -> t.Expr | None:
        """`^a$var(x)`, `$var(x)$`, `.*@$var(x)`: starts, ends, contains. None: it says more than that."""
        begins, ends = text.startswith("^"), text.endswith("$") and not text.endswith("\\$")
        inner = text[1:] if begins else text
        inner = inner[:-1] if ends else inner
        if inner.startswith(".*"):
            inner, begins = inner[2:], False
        if inner.endswith(".*"):
            inner, ends = inner[:-2], False
        written = "".join(one for one in self.holes(inner) if isinstance(one, str)).replace("\\.", "")
        if re.search(r"[][*+?(){}|\\^$]", written):
            return None
        sought = make.template(
            [
                one.replace("\\.", ".") if isinstance(one, str) else self.in_template(self.value(one))
                for one in self.holes(inner)
            ]
        )
        if begins and ends:
            return make.binary("==", subject, sought)
        return make.call("starts_with" if begins else "ends_with" if ends else "contains", subject, sought)

    @abstractmethod
    def asked(self, call: n.Call) -> t.Expr:
        """A function as a condition; `calls` knows them."""


def _unless(made: t.Expr) -> t.Expr:
    return make.negate(made)


def _constant(node: n.Value) -> bool:
    return isinstance(node, n.Text | n.Number) or (isinstance(node, n.Variable) and node.text == "$null")


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", value):
        return int(value)
    return None


def _readable(pattern: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options=options)
    except re2.error:
        return False
    return True


def acts(node: n.Value) -> bool:
    """Whether a condition calls something that does more than look."""
    return any(isinstance(one, n.Call) for one in within(node))
