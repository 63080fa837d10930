"""Values of the expressions in a test's steps. `trial` calls it; rules themselves are compiled.

A test's expressions run once, so they are walked. What values mean is `language.values`, as in rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language import tree, values
from kzrules.language.word import REQUIRED, Doing, Word, Words
from kzrules.routing.compare import Part
from kzrules.words.patterns import compiled


@dataclass(frozen=True, slots=True)
class Scope:
    """What the expressions of a test can read. `entry(table, key)` is an entry's value, or the default;
    `run` is what words that need the running event are given.
    """

    settings: Mapping[str, Any]
    tables: frozenset[str]
    entry: Callable[[str, Any], Any]
    words: Words
    payload: Mapping[str, Any] = field(default_factory=dict)
    run: Any = None


def evaluate(node: Any, scope: Scope) -> Any:
    """The value of an expression; `RuleFailure` where it has none."""
    found = _EVALUATE.get(type(node))
    if found is None:
        raise RuleFailure(f"a test cannot work out {type(node).__name__.lower()} here")
    return found(node, scope)


def _literal(node: tree.Literal, _: Scope) -> Any:
    return node.value


def _duration(node: tree.DurationLiteral, _: Scope) -> Any:
    return timedelta(milliseconds=node.milliseconds)


def _template(node: tree.Template, scope: Scope) -> Any:
    parts = (part if isinstance(part, str) else values.text(evaluate(part, scope)) for part in node.parts)
    return values.bounded_text("".join(parts))


def _name(node: tree.Name, scope: Scope) -> Any:
    if node.id in scope.settings:
        return scope.settings[node.id]
    if node.id in {"payload", "received"}:
        return dict(scope.payload)
    raise RuleFailure(f"a test cannot read `{node.id}`")


def _field(node: tree.Field, scope: Scope) -> Any:
    base = dict(scope.payload) if node.base is None else evaluate(node.base, scope)
    return values.field(base, node.name)


def _index(node: tree.Index, scope: Scope) -> Any:
    key = evaluate(node.key, scope)
    if isinstance(node.base, tree.Name) and node.base.id in scope.tables:
        return scope.entry(node.base.id, key)
    base = dict(scope.payload) if node.base is None else evaluate(node.base, scope)
    return values.place(base, key)


def _list(node: tree.ListExpr, scope: Scope) -> Any:
    made: list[Any] = []
    for item in node.items:
        if isinstance(item, tree.Spread):
            made += values.spread_list(evaluate(item.value, scope), values.FREE)
        else:
            made.append(evaluate(item, scope))
    return made


def _object(node: tree.ObjectExpr, scope: Scope) -> Any:
    made: dict[str, Any] = {}
    for entry in node.entries:
        if isinstance(entry, tree.Spread):
            made |= values.spread_object(evaluate(entry.value, scope), values.FREE)
        else:
            made[values.text(evaluate(entry.key, scope))] = evaluate(entry.value, scope)
    return made


def _with(node: tree.With, scope: Scope) -> Any:
    base = values.spread_object(evaluate(node.base, scope), values.FREE)
    return {**base, **evaluate(node.changes, scope)}


def _unary(node: tree.Unary, scope: Scope) -> Any:
    operand = evaluate(node.operand, scope)
    return not values.truth(operand) if node.op == "not" else values.negative(operand)


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": values.equal,
    "!=": lambda left, right: not values.equal(left, right),
    "<": values.less,
    "<=": values.less_or_equal,
    ">": values.greater,
    ">=": values.greater_or_equal,
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.remainder,
}


def _binary(node: tree.Binary, scope: Scope) -> Any:
    left = evaluate(node.left, scope)
    match node.op:
        case "or":
            return values.truth(left) or values.truth(evaluate(node.right, scope))
        case "and":
            return values.truth(left) and values.truth(evaluate(node.right, scope))
        case "??":
            return evaluate(node.right, scope) if left is None else left
    return _OPERATORS[node.op](left, evaluate(node.right, scope))


def _in(node: tree.In, scope: Scope) -> Any:
    return values.among(evaluate(node.item, scope), evaluate(node.choices, scope))


def _matches(node: tree.Matches, scope: Scope) -> Any:
    subject = evaluate(node.subject, scope)
    if not isinstance(subject, str):
        raise RuleFailure(f"`matches` needs text, and this is {values.said(subject)}")
    return compiled("matches", node.pattern.pattern).search(subject) is not None


def _if(node: tree.IfExpr, scope: Scope) -> Any:
    chosen = node.then if values.truth(evaluate(node.condition, scope)) else node.otherwise
    return evaluate(chosen, scope)


def _has(node: tree.Has, scope: Scope) -> Any:
    return Part(evaluate(node.pattern, scope))


def _call(node: tree.Call, scope: Scope) -> Any:
    word = scope.words.get(node.name)
    if word is None or word.call is None or word.doing is not Doing.VALUE:
        raise RuleFailure(f"a test cannot call `{node.name}` here")
    arguments = positional(word, bound(word, node, scope))
    pays = word.needs_run or word.needs_budget
    return word.call(scope.run, *arguments) if pays else word.call(*arguments)


def bound(word: Word, call: tree.Call, scope: Scope) -> dict[str, Any]:
    """The arguments of a call by the names of the word's parameters; those left out are not there."""
    given: dict[str, Any] = {}
    places = [parameter for parameter in word.parameters if not parameter.named]
    for argument in call.arguments:
        value = evaluate(argument.value, scope)
        if argument.name is not None:
            given[argument.name] = value
        elif places and places[0].rest:
            given.setdefault(places[0].name, []).append(value)
        elif places:
            given[places.pop(0).name] = value
        else:
            raise RuleFailure(f"`{word.name}` takes fewer arguments")
    return given


def positional(word: Word, given: Mapping[str, Any]) -> list[Any]:
    """Arguments in the order of the parameters, with defaults."""
    arguments: list[Any] = []
    for parameter in word.parameters:
        value = given.get(parameter.name, parameter.default)
        if parameter.rest:
            arguments += given.get(parameter.name, [])
        elif value is REQUIRED:
            raise RuleFailure(f"`{word.name}` needs `{parameter.name}`")
        else:
            arguments.append(value)
    return arguments


_EVALUATE: Mapping[type, Callable[[Any, Scope], Any]] = {
    tree.Literal: _literal,
    tree.DurationLiteral: _duration,
    tree.Template: _template,
    tree.Name: _name,
    tree.Field: _field,
    tree.Index: _index,
    tree.ListExpr: _list,
    tree.ObjectExpr: _object,
    tree.With: _with,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.In: _in,
    tree.Matches: _matches,
    tree.IfExpr: _if,
    tree.Call: _call,
    tree.Has: _has,
}
