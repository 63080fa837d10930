"""`merge`: two or more objects as one, at every depth: objects within objects are merged too."""

from typing import Any

from kzrules.language.word import Example, Kind, Parameter, Word
from kzrules.words.arguments import object_in


def merge_value(*objects: Any) -> dict[str, Any]:
    """The merged object."""
    merged: dict[str, Any] = {}
    for value in objects:
        merged = _merge(merged, object_in("merge", "objects", value))
    return merged


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        old = merged.get(name)
        both = old.__class__ is dict and value.__class__ is dict
        merged[name] = _merge(old, value) if both else value  # type: ignore[arg-type]  # both were looked at
    return merged


WORD = Word(
    name="merge",
    about=(
        "Two or more objects as one, at every depth: objects within objects are merged too, and "
        "of other values the last one counts. `{ ...a, ...b }` merges the outermost fields only."
    ),
    parameters=(
        Parameter("objects", frozenset({Kind.OBJECT}), "the objects, the later ones going before", rest=True),
    ),
    gives=frozenset({Kind.OBJECT}),
    examples=(
        Example(
            'merge({ "a": { "x": 1 } }, { "a": { "y": 2 }, "b": 3 })',
            gives='{ "a": { "x": 1, "y": 2 }, "b": 3 }',
        ),
        Example('merge({ "a": [1] }, { "a": [2] })', gives='{ "a": [2] }'),
        Example("merge({}, null)", fails="this is null"),
    ),
    call=merge_value,
    group="values",
)
