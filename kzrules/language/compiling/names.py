"""What a subscription asks of each event, as functions: route names, the order key, the dedupe key."""

from collections.abc import Iterator

from kzrules.language.compiling.call import Calls
from kzrules.language.compiling.python import Expression
from kzrules.language.compiling.unit import Unit
from kzrules.language.compiling.value import META, PAYLOAD, RUN
from kzrules.language.declaring.subscription import Asked
from kzrules.language.program import Compiled, NamesCode
from kzrules.language.tree import Expr, Field, Name, Node, Template, children


def names_function(name: str) -> str:
    """The global name of the function that gives a subscription's route names."""
    return f"route_names of {name}"


def key_function(what: str, name: str) -> str:
    """The global name of the function that gives a key of a subscription's events."""
    return f"{what} of {name}"


def define(unit: Unit, name: str, asked: Asked) -> None:
    """Add the functions of one subscription to the unit."""
    if asked.route_names is not None:
        _function(unit, names_function(name), _Names(unit), asked.route_names)
    for what, expr in (("ordered_by", asked.ordered_by), ("dedupe", asked.dedupe_key)):
        if expr is not None:
            _key(unit, key_function(what, name), expr)


def _function(unit: Unit, name: str, names: "_Names", templates: tuple[Expr, ...]) -> None:
    py = names.py
    py.at(templates[0].span)
    row = py.row([names.name(template) for template in templates])
    unit.functions.append(py.define(name, [RUN, PAYLOAD], [py.give(row)]))


def _key(unit: Unit, name: str, expr: Expr) -> None:
    calls = Calls(unit)
    py = calls.py
    py.at(expr.span)
    key = py.call("hashable", calls.plain(expr))
    unit.functions.append(py.define(name, [RUN, PAYLOAD], [py.give(key)]))


class _Names(Calls):
    """Templates that give no name where one of their fields is missing, null or empty."""

    def name(self, template: Expr) -> Expression:
        """The name, or None."""
        old = self.py.at(template.span)
        parts: list[str | Expression] = []
        given: list[Expression] = []
        for part in template.parts if isinstance(template, Template) else (template,):
            if isinstance(part, str):
                parts.append(part)
                continue
            first, again = self.once(self.as_text(part))
            parts.append(again)
            if first is not again:
                given.append(first)
            else:
                given.append(again)
        made = self.py.text(parts)
        if given:
            there = given[0] if len(given) == 1 else self.py.all_of(*given)
            made = self.py.either(there, made, self.py.constant(None))
        self.py.where = old
        return made


def names_code(names: Compiled, asked: Asked, settings: frozenset[str]) -> NamesCode:
    """The function, with what its names depend on."""
    fields: dict[str, None] = {}
    meta: dict[str, None] = {}
    for node in (node for template in asked.route_names or () for node in _below(template)):
        match node:
            case Field(base=None, name=field):
                fields[field] = None
            case Field(base=Name(id="meta"), name=field) if field in META - {"headers", "properties"}:
                meta[field] = None
            case Name(id="meta") | Template():
                pass
            case Name(id=name) if name in settings:
                pass
            case Node() if not _is_constant(node):
                return NamesCode(names, None)
    return NamesCode(names, tuple(fields), tuple(meta))


def _is_constant(node: Node) -> bool:
    return type(node).__name__ in {"Literal", "DurationLiteral", "Regex"}


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _below(child)
