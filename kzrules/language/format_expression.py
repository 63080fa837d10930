"""Expressions in their canonical form: on one line where they fit, else broken at their brackets.
`format` asks for each expression of a statement.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kzrules.language import tree as t

WIDTH = 100
STEP = "    "
_PLAIN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?<!-)")

IF, OR, AND, NOT, COMPARISON, DEFAULT, WITH, SUM, PRODUCT, NEGATION, POSTFIX, PRIMARY = range(12)
_LEVELS = {"or": OR, "and": AND, "??": DEFAULT, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT}


def level(node: Any) -> int:  # noqa: PLR0911  one case for each kind of node
    """How tightly an expression binds: what stands in a tighter place takes parentheses."""
    match node:
        case t.IfExpr():
            return IF
        case t.Binary(op=op):
            return _LEVELS.get(op, COMPARISON)
        case t.In() | t.Matches():
            return COMPARISON
        case t.Unary(op=op):
            return NOT if op == "not" else NEGATION
        case t.With():
            return WITH
        case t.Field() | t.Index():
            return POSTFIX
    return PRIMARY


def flat(node: Any) -> str:  # noqa: C901, PLR0911, PLR0912  one case for each kind of node
    """An expression on one line."""
    match node:
        case t.Literal():
            return literal(node)
        case t.DurationLiteral():
            return node.raw or duration(node.milliseconds)
        case t.Template():
            return node.raw or template(node)
        case t.Regex(pattern=pattern):
            return "/" + re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", pattern) + "/"
        case t.Name(id=name):
            return name
        case t.Field(base=base, name=name):
            return ("" if base is None else _base(base)) + field_name(name)
        case t.Index(base=base, key=key):
            return ("." if base is None else _base(base)) + f"[{flat(key)}]"
        case t.Spread(value=value):
            return f"...{flat(value)}"
        case t.Entry(key=key, value=value):
            return f"{flat(key)}: {flat(value)}"
        case t.ListExpr(items=items):
            return f"[{', '.join(map(flat, items))}]"
        case t.ObjectExpr(entries=entries):
            return f"{{ {', '.join(map(flat, entries))} }}" if entries else "{}"
        case t.Argument(name=name, value=value):
            return flat(value) if name is None else f"{name}: {flat(value)}"
        case t.Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(flat, arguments))})"
        case t.Has(pattern=pattern):
            return f"has {flat(pattern)}"
        case t.Then(first=first, last=last):
            return f"{flat(first)} then {flat(last)}"
        case t.IfExpr(condition=condition, then=then, otherwise=otherwise):
            return f"if {flat(condition)} then {flat(then)} else {flat(otherwise)}"
        case t.Unary(op="not", operand=operand):
            return f"not {within(operand, NOT)}"
        case t.Unary(operand=operand):
            return f"-{within(operand, POSTFIX)}"
    left, word, right = sides(node)
    return f"{left(flat)} {word} {right(flat)}"


def sides(node: Any) -> tuple[Callable[[Any], str], str, Callable[[Any], str]]:
    """The two sides of an operator, each to be drawn by what it is given."""
    match node:
        case t.In(item=left, choices=right):
            word, lowest, highest = "in", DEFAULT, DEFAULT
        case t.Matches(subject=left, pattern=right):
            word, lowest, highest = "matches", DEFAULT, PRIMARY
        case t.With(base=left, changes=right):
            word, lowest, highest = "with", WITH, PRIMARY
        case t.Binary(op=word, left=left, right=right):
            own = level(node)
            lowest, highest = (DEFAULT, DEFAULT) if own == COMPARISON else (own, own + 1)
        case _:
            raise TypeError(f"no expression: {node!r}")
    return (lambda draw: _closed(left, lowest, draw)), word, (lambda draw: _closed(right, highest, draw))


def _closed(node: Any, lowest: int, draw: Callable[[Any], str]) -> str:
    return f"({draw(node)})" if level(node) < lowest else draw(node)


def within(node: Any, lowest: int) -> str:
    """An expression in a place that takes no looser one than `lowest`."""
    return f"({flat(node)})" if level(node) < lowest else flat(node)


def _base(node: Any) -> str:
    loose = isinstance(node, t.DurationLiteral | t.Has) or (
        isinstance(node, t.Literal)
        and isinstance(node.value, int | float)
        and not isinstance(node.value, bool)
    )
    return f"({flat(node)})" if loose else within(node, POSTFIX)


def field_name(name: str) -> str:
    """`.Name`, or in quotes where it needs them."""
    return f".{name}" if _PLAIN_FIELD.fullmatch(name) else f".{text(name)}"


def literal(node: t.Literal) -> str:
    """A literal as it was written, else as it would be."""
    if node.raw:
        return node.raw
    if isinstance(node.value, str):
        return text(node.value)
    return json.dumps(node.value)


def text(value: str) -> str:
    """A text in quotes: braces twice, control characters escaped."""
    return (
        json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f").replace("{", "{{").replace("}", "}}")
    )


def template(node: t.Template) -> str:
    """A text with expressions in braces."""
    parts = (text(part)[1:-1] if isinstance(part, str) else _hole(flat(part)) for part in node.parts)
    return f'"{"".join(parts)}"'


def _hole(inner: str) -> str:
    return f"{{ {inner} }}" if inner.startswith("{") else f"{{{inner}}}"


def duration(milliseconds: int) -> str:
    """The largest unit that fits."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0 and milliseconds:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


# --- on several lines


def items_of(node: Any) -> Sequence[Any] | None:
    """What stands within the brackets of an expression, None if it has none."""
    match node:
        case t.ObjectExpr(entries=items) | t.ListExpr(items=items) | t.Call(arguments=items):
            return items
    return None


def forced(node: Any) -> bool:
    """Whether an expression must be broken: it holds comments, or its author broke it."""
    return any(_breaks(one) for one in _all(node))


def _all(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, t.Template):
        for child in t.children(node):
            yield from _all(child)


def _breaks(node: Any) -> bool:
    if node.comments.before or node.comments.trailing or node.comments.inside or node.comments.opening:
        return True
    items = items_of(node)
    if not items:
        return False
    opened = node.name_span if isinstance(node, t.Call) else node.span
    return bool(items[0].span.line > opened.line)


def drawn(  # noqa: C901, PLR0911, PLR0912  one case for each kind of node
    node: Any, indent: str, used: int, room: int = 0
) -> str:
    """An expression that begins after `used` characters of its line; `room` more follow it."""
    line = flat(node)
    if not forced(node) and used + len(line) + room <= WIDTH:
        return line
    match node:
        case t.ObjectExpr(entries=items):
            return bracketed("{", "}", items, node, indent) if items or _breaks(node) else line
        case t.ListExpr(items=items):
            return bracketed("[", "]", items, node, indent) if items or _breaks(node) else line
        case t.Call():
            return _call(node, indent, used, room)
        case t.Has(pattern=pattern):
            return f"has {drawn(pattern, indent, used + 4, room)}"
        case t.Entry(key=key, value=value):
            lead = f"{flat(key)}: "
            return lead + drawn(value, indent, used + len(lead), room)
        case t.Argument(name=name, value=value):
            lead = f"{name}: " if name else ""
            return lead + drawn(value, indent, used + len(lead), room)
        case t.Spread(value=value):
            return f"...{drawn(value, indent, used + 3, room)}"
        case t.IfExpr():
            return _if_value(node, indent, used)
        case t.Binary() | t.In() | t.Matches() | t.With():
            return _operator(node, indent, used, room)
        case t.Unary(op=op, operand=operand):
            lead, lowest = ("not ", NOT) if op == "not" else ("-", POSTFIX)
            return lead + _closed(operand, lowest, lambda one: drawn(one, indent, used + 5, room))
        case t.Then(first=first, last=last):
            return f"{drawn(first, indent, used)} then {drawn(last, indent, used)}"
        case t.Field(base=base, name=name) if (
            base is not None and level(base) >= POSTFIX and not _number(base)
        ):
            return drawn(base, indent, used) + field_name(name)
        case t.Index(base=base, key=key) if base is not None and level(base) >= POSTFIX and not _number(base):
            return f"{drawn(base, indent, used)}[{drawn(key, indent, used)}]"
    return line


def _number(node: Any) -> bool:
    return isinstance(node, t.Literal | t.DurationLiteral | t.Has)


def bracketed(open_: str, close: str, items: Sequence[Any], node: Any, indent: str) -> str:
    """Brackets with their items on lines of their own, those of one line together as they were."""
    inner = indent + STEP
    opening = f"  {node.comments.opening}" if node.comments.opening else ""
    lines = [open_ + opening]
    group: list[str] = []
    line = None
    for item in items:
        lines += [inner + comment if comment else "" for comment in item.comments.before]
        piece = drawn(item, inner, len(inner), 1) + ","
        joined = " ".join([*group, piece])
        together = line == item.span.line and group and not item.comments.before and "\n" not in joined
        if together and len(inner) + len(joined) <= WIDTH:
            group.append(piece)
            lines[-1] = inner + joined
        else:
            group = [piece]
            lines.append(inner + piece)
        line = item.span.end_line
        if item.comments.trailing:
            lines[-1] += f"  {item.comments.trailing}"
            line = None
    lines += [inner + comment if comment else "" for comment in node.comments.inside]
    return "\n".join([*lines, indent + close])


def _call(node: t.Call, indent: str, used: int, room: int) -> str:
    """A call whose one object or list is broken keeps its other arguments beside it."""
    head = f"{node.name}("
    arguments = node.arguments
    large = [
        at
        for at, one in enumerate(arguments)
        if isinstance(one.value, t.ObjectExpr | t.ListExpr) and (forced(one) or len(flat(one)) > WIDTH // 3)
    ]
    broken = _breaks(node) or any(_commented(one) for one in arguments)
    if len(large) == 1 and not broken:
        at = large[0]
        before = head + "".join(f"{flat(one)}, " for one in arguments[:at])
        after = "".join(f", {flat(one)}" for one in arguments[at + 1 :]) + ")"
        others = [one for index, one in enumerate(arguments) if index != at]
        if (
            used + len(before) + 1 <= WIDTH
            and len(indent) + 1 + len(after) + room <= WIDTH
            and not any(map(forced, others))
        ):
            middle = arguments[at]
            lead = f"{middle.name}: " if middle.name else ""
            value: Any = middle.value
            signs = ("{", "}") if isinstance(value, t.ObjectExpr) else ("[", "]")
            return before + lead + bracketed(*signs, items_of(value) or (), value, indent) + after
    if not arguments and not broken:
        return f"{head})"
    if not broken and len(arguments) == 1:  # broken further in or not: it must come out the same again
        return head + drawn(arguments[0], indent, used + len(head), room + 1) + ")"
    return head + bracketed("", ")", arguments, node, indent)


def _commented(node: Any) -> bool:
    return bool(node.comments.before or node.comments.trailing)


def _if_value(node: t.IfExpr, indent: str, used: int) -> str:
    inner = indent + STEP
    condition = drawn(node.condition, inner, used + 3)
    then = drawn(node.then, inner, len(inner) + 5)
    return f"if {condition}\n{inner}then {then}\n{inner}else {drawn(node.otherwise, inner, len(inner) + 5)}"


def _operator(node: Any, indent: str, used: int, room: int) -> str:
    """The left side, and the operator with the right side beside it, or on a line of its own."""
    left, word, right = sides(node)
    first = left(lambda one: drawn(one, indent, used))
    last = len(first) - first.rfind("\n") - 1 + (0 if "\n" in first else used)
    line = right(flat)
    fits = last + len(line) + len(word) + 2 + room <= WIDTH
    if fits or (level(node) not in (OR, AND) and line[:1] in "[{"):
        return f"{first} {word} {right(lambda one: drawn(one, indent, last + len(word) + 2, room))}"
    inner = indent + STEP
    return f"{first}\n{inner}{word} {right(lambda one: drawn(one, inner, len(inner) + len(word) + 1, room))}"
