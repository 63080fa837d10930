"""`kz_json`: a value of an object by a path of the kazoo module: names parted by dots, `%` for a."""

import re
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language.values import field, place
from kzrules.language.word import ANY, TEXT, Example, Kind, Parameter, Word
from kzrules.words.arguments import not_empty, object_in

_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,9})", re.ASCII)


def kz_json_value(value: Any, path: Any) -> Any:
    """The value at the path."""
    found = object_in("kz_json", "object", value)
    for step in not_empty("kz_json", "path", path).removesuffix(".").split("."):
        name, bracket, index = step.replace("%", ".").partition("[")
        if not name:
            raise RuleFailure(f"kz_json: the path {path[:60]!r} has an empty step")
        held = field(found, name)
        found = _item(held, index.partition("]")[0]) if bracket else held
    return found


def _item(held: Any, index: str) -> Any:
    """`[n]` as the module reads it, by C's `atoi`: no digits are item 0, nothing is the whole list."""
    if held.__class__ is not list or not index:
        return held
    number = _NUMBER.match(index)
    at = int(number[1]) if number else 0
    return place(held, at) if at >= 0 else None


WORD = Word(
    name="kz_json",
    about=(
        "A value of an object by a path of the kazoo module: names parted by dots, `%` for a dot "
        "within a name, `[n]` for an item. What is not there is null. Rules write "
        "`.Channels[0].switch_url` themselves; this is for paths that come from elsewhere."
    ),
    parameters=(
        Parameter("object", frozenset({Kind.OBJECT}), "the object"),
        Parameter("path", TEXT, "the path"),
    ),
    gives=ANY,
    examples=(
        Example('kz_json({ "a": { "b": 1 } }, "a.b")', gives="1"),
        Example('kz_json({ "fs@a.com": 1 }, "fs@a%com")', gives="1"),
        Example('kz_json({ "a": [1, 2] }, "a[1]")', gives="2"),
        Example('kz_json({ "a": [1, 2] }, "a[1")', gives="2"),
        Example('kz_json({ "a": [1, 2] }, "a[-1]")', gives="null"),
        Example('kz_json({ "a": [1, 2] }, "a[ 1x]")', gives="2"),
        Example('kz_json({ "a": 1 }, "b.c[0]")', gives="null"),
        Example('kz_json({}, ".a")', fails="empty step"),
    ),
    call=kz_json_value,
    group="values",
)
