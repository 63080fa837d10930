"""Where a path leads to within JSON: `{kz.json,a.b[1]}`, and the item of the loop that runs over a list.

`variables` and `expressions` go along paths, `calls` for `kazoo_json` too.
"""

import re
from abc import ABC
from collections.abc import Sequence

from kzrules.convert import make
from kzrules.convert.pseudo import Pseudo, Transformation, parts
from kzrules.convert.values import Values
from kzrules.convert.world import LIST
from kzrules.language import tree as t

OF_THE_BROKER = {"AMQP-Broker-Zone": "zone"}
"""What the module wrote into a payload, and rules find in `meta`."""


class Paths(Values, ABC):
    """Translates steps of fields and items."""

    def path(self, base: t.Expr | None, given: Transformation) -> t.Expr:
        """`{kz.json,a.b[1]}`: steps of fields and items; `{kz.json.count,...}`: how many."""
        value = self.along(base, given.rest)
        if given.name == "kz.json.count":
            return make.call("len", self.known_list(value))
        return value

    def along(self, base: t.Expr | None, path: str) -> t.Expr:
        """A path of the module: `%` is a dot within a name, a second index is not looked at."""
        given = list(parts(path.strip()))
        if len(given) == 1 and isinstance(given[0], Pseudo):
            whole_path = self.as_text(self.pseudo(given[0]))
            return make.call("kz_json", make.name("received") if base is None else base, whole_path)
        value = base
        for step in _segments(given):
            names, at = _index_of(step)
            value = self.field_at(value, names)
            if at is not None:
                value = self.at(value, at)
        return value if value is not None else make.name("received")

    def field_at(self, base: t.Expr | None, names: Sequence[str | Pseudo]) -> t.Expr:
        """A field, whose name may hold variables."""
        if all(isinstance(one, str) for one in names):
            name = "".join(map(str, names)).replace("%", ".")
            if base is None and name in OF_THE_BROKER:
                return make.field(make.name("meta"), OF_THE_BROKER[name])
            return make.field(base, name)
        made = make.template(
            [
                one.replace("%", ".") if isinstance(one, str) else self.in_template(self.pseudo(one))
                for one in names
            ]
        )
        key: t.Expr = made
        if isinstance(made, t.Template) and len(made.parts) == 1 and not isinstance(made.parts[0], str):
            key = self.as_text(made.parts[0])
        return t.Index(base, key, span=make.HERE)

    def at(self, value: t.Expr, given: Sequence[str | Pseudo]) -> t.Expr:
        """An item. What is no number is 0, as in the module."""
        if len(given) == 1 and isinstance(given[0], Pseudo):
            number = self.as_integer(self.pseudo(given[0]))
        else:
            text = "".join(one if isinstance(one, str) else one.text for one in given).strip()
            if not text:
                return value
            number = make.literal(int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else 0)
        return self.item(value, number) or make.index(value, number)

    def item(self, of: t.Expr, at: t.Expr) -> t.Expr | None:
        """The item of the loop around, where this is what the loop runs over."""
        for iterable, variable, name in reversed(self.items):
            if isinstance(at, t.Name) and at.id == variable and _same(iterable, of):
                return make.name(name)
        return None

    def known_list(self, value: t.Expr) -> t.Expr:
        """A value that may be missing, as a list."""
        known = isinstance(value, t.Binary) and value.op == "??" and isinstance(value.right, t.ListExpr)
        if known or self.world.kind(value) == LIST:
            return value
        return make.binary("??", value, make.listed(()))


def _same(one: t.Expr, other: t.Expr) -> bool:
    """The same list, whether or not `?? []` stands behind it."""

    def bare(value: t.Expr) -> t.Expr:
        return value.left if isinstance(value, t.Binary) and value.op == "??" else value

    return bare(one) == bare(other)


def _segments(given: Sequence[str | Pseudo]) -> list[list[str | Pseudo]]:
    """A path between its dots; empty steps are passed over."""
    made: list[list[str | Pseudo]] = [[]]
    for one in given:
        if isinstance(one, Pseudo):
            made[-1].append(one)
            continue
        for at, piece in enumerate(one.split(".")):
            if at:
                made.append([])
            if piece:
                made[-1].append(piece)
    return [step for step in made if step]


def _index_of(step: Sequence[str | Pseudo]) -> tuple[list[str | Pseudo], list[str | Pseudo] | None]:
    """A step's name and what stands in its first brackets, closed or not."""
    signs: list[str | Pseudo] = [sign for one in step for sign in (one if isinstance(one, str) else [one])]
    if "[" not in signs:
        return _merged(signs), None
    opened = signs.index("[")
    rest = signs[opened + 1 :]
    return _merged(signs[:opened]), rest[: rest.index("]")] if "]" in rest else rest


def _merged(signs: Sequence[str | Pseudo]) -> list[str | Pseudo]:
    merged: list[str | Pseudo] = []
    for piece in signs:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
