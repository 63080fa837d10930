"""JSON Schema, draft-04 to 2020-12: loaded and checked by `jsonschema`, applied by `jsonschema_rs`.

`load` is called when rules are checked and loaded, `shape` by the checker, `validator` by the
compiled program for each route that names a schema.
"""

import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzrules.errors import KzError
from kzrules.language.types import Known, Shape
from kzrules.language.word import Kind

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

LARGEST = 4 * 1024 * 1024
"""Bytes of a schema file."""

KINDS: dict[str, frozenset[Kind]] = {
    "null": frozenset({Kind.NULL}),
    "boolean": frozenset({Kind.TRUTH}),
    "integer": frozenset({Kind.INTEGER, Kind.DECIMAL}),
    "number": frozenset({Kind.INTEGER, Kind.DECIMAL}),
    "string": frozenset({Kind.TEXT}),
    "array": frozenset({Kind.LIST}),
    "object": frozenset({Kind.OBJECT}),
}
OPEN = frozenset(
    {"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "not"}
)
"""Words beside which fields may be meant that `properties` does not name."""


DRAFTS = frozenset(f"Draft{name}Validator" for name in ("4", "6", "7", "201909", "202012"))


class SchemaFault(KzError):  # noqa: N818  the sentence reads on: the schema "x" cannot be used: ...
    """The schema cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that has been checked: its content, its draft and where it came from."""

    path: Path
    content: Any
    draft: str
    """The name of the draft's class, the same in `jsonschema` and `jsonschema_rs`."""


def path_of(rule_file: str, name: str) -> Path:
    """Where a schema is: relative to the rule file that names it."""
    return Path(posixpath.normpath(posixpath.join(posixpath.dirname(rule_file), name)))


def load(path: Path) -> Schema:
    """Read a schema and hold it against its draft's own schema."""
    try:
        raw = path.read_bytes()
    except OSError as failure:
        raise SchemaFault(f"{path}: {failure.strerror}") from failure
    if len(raw) > LARGEST:
        raise SchemaFault(f"{path} is larger than {LARGEST // 1024 // 1024} MiB")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as failure:
        raise SchemaFault(f"{path} is not JSON: {failure}") from failure
    return from_value(content, path)


def from_value(content: Any, path: Path) -> Schema:
    """A schema from a JSON value."""
    import jsonschema  # noqa: PLC0415  slow to import: only for programs that name a schema

    draft = _draft(content, path)
    try:
        draft.check_schema(content)
    except jsonschema.SchemaError as failure:
        where = "/".join(str(part) for part in failure.absolute_path) or "its top"
        raise SchemaFault(f"{path}: at {where}: {failure.message}") from failure
    except RecursionError as failure:
        raise SchemaFault(f"{path} is nested too deep") from failure
    return Schema(path, content, draft.__name__)


def _draft(content: Any, path: Path) -> "type[Validator]":
    """What `$schema` says; without one the newest draft."""
    import jsonschema  # noqa: PLC0415  as above

    if not isinstance(content, dict | bool):
        raise SchemaFault(f"{path} holds no schema: it is an object")
    said = content.get("$schema") if isinstance(content, dict) else None
    if said is None:
        return jsonschema.Draft202012Validator
    missing: Any = None
    draft: Any = jsonschema.validators.validator_for(content, default=missing)
    if draft is None or draft.__name__ not in DRAFTS:
        raise SchemaFault(f"{path}: `$schema` is {said!r}; draft-04 to 2020-12 are known")
    known: type[Validator] = draft
    return known


# --- what the checker wants to know --------------------------------------------------------


def shape(schema: Schema) -> Shape:
    """What a schema says of the payload: kinds, fields, which of them are required, enumerations."""
    return _shape(schema.content, 0)


def _shape(content: Any, depth: int) -> Shape:
    if not isinstance(content, dict) or depth > 20 or "$ref" in content:
        return Shape()
    properties = content.get("properties")
    fields: dict[str, Shape] | None = None
    if isinstance(properties, dict):
        fields = {name: _shape(inside, depth + 1) for name, inside in properties.items()}
    items = content.get("items")
    return Shape(
        kinds=_kinds(content.get("type")),
        fields=fields,
        required=frozenset(content.get("required", ())) if fields is not None else frozenset(),
        values=_values(content),
        items=_shape(items, depth + 1) if isinstance(items, dict) else None,
        named=fields is not None and not OPEN & content.keys() and _no_others(content),
    )


def _no_others(content: Mapping[str, Any]) -> bool:
    """Nothing says that fields of other names are welcome."""
    return content.get("additionalProperties", False) is False


def _kinds(said: Any) -> Known:
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list):
        return None
    return frozenset(kind for name in names for kind in KINDS.get(name, ()))


def _values(content: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if "const" in content:
        return (content["const"],)
    found = content.get("enum")
    return tuple(found) if isinstance(found, list) else None


# --- at run time ---------------------------------------------------------------------------


def validator(schema: Schema | Path) -> Callable[[Any], str | None]:
    """A function that gives None for a payload that fits, else the first thing wrong with it.

    Patterns run in the regex engine that never backtracks; a schema with one that it cannot run
    is refused here, as is a reference that leads out of the file.
    """
    import jsonschema_rs  # noqa: PLC0415  as above

    known = schema if isinstance(schema, Schema) else load(schema)
    try:
        made = getattr(jsonschema_rs, known.draft)(
            known.content,
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
            validate_formats=False,
        )
    except (jsonschema_rs.ValidationError, ValueError, jsonschema_rs.ReferencingError) as failure:
        raise SchemaFault(f"{known.path}: {_first_line(failure)}") from failure

    def validate(payload: Any) -> str | None:
        if made.is_valid(payload):
            return None
        fault = next(made.iter_errors(payload))
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.instance_path)
        return f"{''.join(steps) or 'the payload'}: {fault.message}"[:500]

    return validate


def _first_line(failure: Exception) -> str:
    return str(failure).splitlines()[0][:300] if str(failure) else type(failure).__name__
