"""JSON that is put together in pieces: `$var(m) = "{..."`, then `$var(m) = $var(m) + ",..."`.

Where every piece of a variable is fields of one object, the object is made of fields too. `statements` asks.
"""

from collections.abc import Sequence

from kzrules.convert import make
from kzrules.convert import nodes as n
from kzrules.convert.json_text import NotJson, Part, Reader, looks_like_json
from kzrules.convert.pseudo import whole
from kzrules.convert.uses import Key, steps_of, target_of
from kzrules.convert.values import Values, operands
from kzrules.language import tree as t


def in_pieces(owner: Values, body: n.Body) -> set[Key]:
    """The variables of a block that hold an object put together in pieces."""
    by_key: dict[Key, list[n.Value]] = {}
    for step in steps_of(body):
        if isinstance(step, n.Set) and (key := target_of(step)) is not None:
            by_key.setdefault(key, []).append(step.value)
    return {key for key, values in by_key.items() if len(values) > 1 and _all_fit(owner, key, values)}


def _all_fit(owner: Values, key: Key, values: Sequence[n.Value]) -> bool:
    """Whether each is a beginning or adds to what is there, and none is whole by itself."""
    blank = make.literal("")
    added = 0
    for value in values:
        adds, given = parts_of(owner, key, value)
        if not adds and not looks_like_json(given):
            return False
        try:
            begins, _ = Reader(given, lambda _: blank, lambda _: blank).fragment()
        except NotJson:
            return False
        if begins == adds:
            return False
        added += adds
    return added > 0


def parts_of(owner: Values, key: Key, value: n.Value) -> tuple[bool, list[Part]]:
    """Whether a value adds to the variable itself, and what it adds."""
    given: list[Part] = []
    for one in operands(value):
        given += owner.holes(one.text) if isinstance(one, n.Text) else [one]
    first = given[0] if given else ""
    pseudo = whole(first.text) if isinstance(first, n.Variable) else None
    if pseudo is not None and pseudo.key == key and not pseudo.transformations:
        return True, given[1:]
    return False, given


def piece(owner: Values, key: Key, value: n.Value) -> t.Expr | None:
    """The object after this piece; None where it only closes."""
    adds, given = parts_of(owner, key, value)
    _, fields = Reader(given, owner.in_quotes, owner.value).fragment()
    if not adds:
        return make.obj(fields)
    return make.copied(make.name(owner.world.name_of(key)), fields) if fields else None
