"""A tree-walking evaluator, slow and plain: what compiled rules are held against."""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import timedelta

from kzrules.language import tree as t
from kzrules.language.values import duration_text


class Fails(Exception):  # noqa: N818  it is how a walk ends
    """The rule fails here."""


@dataclass
class Ends(Exception):  # noqa: N818  it is how a walk ends
    kind: str
    why: str


@dataclass
class World:
    """What a rule can see and change."""

    payload: dict
    settings: dict = field(default_factory=dict)
    table: dict = field(default_factory=dict)
    logs: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    routes: dict = field(default_factory=dict)


def run(body, world):
    """('done' | 'retry' | 'reject' | 'fails', why)."""
    try:
        execute(body, world, [{}])
    except Ends as end:
        return end.kind, end.why
    except Returned:
        return "done", ""
    except Fails:
        return "fails", ""
    return "done", ""


@dataclass
class Returned(Exception):  # noqa: N818  it is how a walk ends
    value: object


def execute(block, world, scopes):
    scopes = [*scopes, {}]
    for statement in block.statements:
        step(statement, world, scopes)


def step(s, w, scopes):  # noqa: C901, PLR0912  a case for each statement
    match s:
        case t.Let():
            value = value_of(s.value, w, scopes)
            scopes[-1][s.name] = value
        case t.Assign():
            value = value_of(s.value, w, scopes)
            next(scope for scope in reversed(scopes) if s.name in scope)[s.name] = value
        case t.If():
            for branch in s.branches:
                if truth(value_of(branch.condition, w, scopes)):
                    return execute(branch.body, w, scopes)
            if s.otherwise:
                execute(s.otherwise, w, scopes)
        case t.Match():
            subject = value_of(s.subject, w, scopes)
            for arm in s.arms:
                if any(same(subject, value_of(value, w, scopes)) for value in arm.values):
                    return execute(arm.body, w, scopes)
            if s.otherwise:
                execute(s.otherwise, w, scopes)
        case t.For():
            over = value_of(s.iterable, w, scopes)
            if not isinstance(over, list if len(s.names) == 1 else dict):
                raise Fails
            for item in over if len(s.names) == 1 else over.items():
                values = [item] if len(s.names) == 1 else item
                execute(s.body, w, [*scopes, dict(zip(s.names, values, strict=True))])
        case t.TableSet():
            value = value_of(s.value, w, scopes)
            w.table[key_of(value_of(s.key, w, scopes), writing=True)] = value
        case t.Delete():
            w.table.pop(key_of(value_of(s.key, w, scopes), writing=True), None)
        case t.Do():
            value_of(s.call, w, scopes)
        case t.Return():
            raise Returned(None if s.value is None else value_of(s.value, w, scopes))
        case t.End():
            raise Ends(s.kind, "" if s.why is None else text(value_of(s.why, w, scopes)))
        case _:
            raise AssertionError(s)
    return None


def value_of(e, w, scopes):  # noqa: C901, PLR0911, PLR0912  a case for each expression
    go = lambda inner: value_of(inner, w, scopes)  # noqa: E731  a name for what every case says
    match e:
        case t.Literal():
            return e.value
        case t.DurationLiteral():
            return timedelta(milliseconds=e.milliseconds)
        case t.Template():
            return "".join(part if isinstance(part, str) else text(go(part)) for part in e.parts)
        case t.Name():
            for scope in reversed(scopes):
                if e.id in scope:
                    return scope[e.id]
            return w.payload if e.id in ("payload", "received") else w.settings[e.id]
        case t.Field():
            base = w.payload if e.base is None else go(e.base)
            return base.get(e.name) if isinstance(base, dict) else None
        case t.Index():
            return indexed(e, w, scopes)
        case t.ListExpr():
            made = []
            for item in e.items:
                made.extend(of_kind(go(item.value), list) if isinstance(item, t.Spread) else [go(item)])
            return made
        case t.ObjectExpr():
            return built({}, e, go)
        case t.With():
            return built(of_kind(go(e.base), dict), e.changes, go)
        case t.Unary(op="not"):
            return not truth(go(e.operand))
        case t.Unary():
            value = go(e.operand)
            if isinstance(value, bool) or not isinstance(value, int | float | timedelta):
                raise Fails
            return -value
        case t.Binary(op="and"):
            return truth(go(e.left)) and truth(go(e.right))
        case t.Binary(op="or"):
            return truth(go(e.left)) or truth(go(e.right))
        case t.Binary(op="??"):
            left = go(e.left)
            return go(e.right) if left is None else left
        case t.Binary(op="==" | "!="):
            return same(go(e.left), go(e.right)) is (e.op == "==")
        case t.Binary(op="<" | "<=" | ">" | ">="):
            return ordered(e.op, go(e.left), go(e.right))
        case t.Binary():
            return counted(e.op, go(e.left), go(e.right))
        case t.In():
            item, choices = go(e.item), of_kind(go(e.choices), list)
            return any(same(item, choice) for choice in choices)
        case t.Matches():
            subject = go(e.subject)
            if subject is None:
                return False
            return re.search(e.pattern.pattern, of_kind(subject, str), re.ASCII) is not None
        case t.IfExpr():
            return go(e.then) if truth(go(e.condition)) else go(e.otherwise)
        case t.Call():
            return called(e, w, go)
    raise AssertionError(e)


def built(made, e, go):
    made = dict(made)
    for entry in e.entries:
        if isinstance(entry, t.Spread):
            made.update(of_kind(go(entry.value), dict))
        else:
            made[text(go(entry.key))] = go(entry.value)
    return made


def indexed(e, w, scopes):
    if isinstance(e.base, t.Name) and e.base.id == "tab":
        return w.table.get(key_of(value_of(e.key, w, scopes), writing=False))
    base = w.payload if e.base is None else value_of(e.base, w, scopes)
    key = value_of(e.key, w, scopes)
    if isinstance(base, dict) and isinstance(key, str):
        return base.get(key)
    if isinstance(base, list) and type(key) is int and 0 <= key < len(base):
        return base[key]
    return None


def called(e, w, go):
    given = [go(argument.value) for argument in e.arguments]
    if e.name == "info":
        w.logs.append(text(given[0]))
        return None
    if e.name == "answer":
        value = of_kind(given[0], dict)
        if has_duration(value):
            raise Fails
        w.answers.append(value)
        raise Ends("done", "")
    if e.name == "lower":
        return of_kind(given[0], str).lower()
    if e.name == "len":
        if type(given[0]) not in (str, list, dict):
            raise Fails
        return len(given[0])
    route = w.routes[e.name]
    try:
        execute(route.body, w, [dict(zip(route.parameters, given, strict=True))])
    except Returned as back:
        return back.value
    return None


def of_kind(value, kind):
    if type(value) is not kind:
        raise Fails
    return value


def key_of(value, *, writing):
    if (writing and value is None) or isinstance(value, dict | timedelta):
        raise Fails
    if isinstance(value, list):
        return ("list", *(key_of(item, writing=False) for item in value))
    return ("bool", value) if isinstance(value, bool) else value


def truth(value):
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Fails


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b


def number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def ordered(op, a, b):
    if not ((number(a) and number(b)) or (type(a) is type(b) and isinstance(a, str | timedelta))):
        raise Fails
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def counted(op, a, b):
    durations = isinstance(a, timedelta), isinstance(b, timedelta)
    fits = {
        (False, False): number(a) and number(b),
        (True, True): op in "+-/",
        (True, False): op in "*/" and number(b),
        (False, True): op == "*" and number(a),
    }[durations]
    if not fits:
        raise Fails
    try:
        if op == "/" and type(a) is int and type(b) is int and a % b == 0:
            return a // b
        made = {"+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "%": "__mod__"}
        result = getattr(a, made[op])(b)
        if result is NotImplemented:
            result = getattr(b, made[op].replace("__", "__r", 1))(a)
    except (ArithmeticError, TypeError):
        raise Fails from None
    if isinstance(result, float) and not math.isfinite(result):
        raise Fails
    if type(result) is int and abs(result) >= 10**4300:
        raise Fails
    return result


def text(value):
    match value:
        case None:
            return ""
        case str():
            return value
        case timedelta():
            return duration_text(value)
        case float():
            return repr(value)
    if has_duration(value):
        raise Fails
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def has_duration(value):
    if isinstance(value, list):
        return any(map(has_duration, value))
    if isinstance(value, dict):
        return any(map(has_duration, value.values()))
    return isinstance(value, timedelta)
