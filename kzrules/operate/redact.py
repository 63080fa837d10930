"""Fields that nobody outside shall see: hidden at every depth, and where a key repeats them. Pure."""

from typing import Any

from kzrules.errors import KzError
from kzrules.wire.routing_key import encode_segment

HIDDEN = "(redacted)"


def redacted(value: Any, names: frozenset[str], hidden: list[str]) -> Any:
    """A copy without the values of these fields, at every depth; texts that went are added to `hidden`."""
    if not names:
        return value
    if isinstance(value, dict):
        made = {}
        for name, item in value.items():
            if name in names:
                hidden.extend(_texts(item))
                made[name] = HIDDEN
            else:
                made[name] = redacted(item, names, hidden)
        return made
    if isinstance(value, list):
        return [redacted(item, names, hidden) for item in value]
    return value


def without(known: dict[str, Any], hidden: list[str]) -> dict[str, Any]:
    """What redacted fields said may stand in a routing key or a reason, too: as it is, or encoded."""
    if not hidden:
        return known
    spelt = sorted({form for text in hidden for form in (text, _encoded(text))}, key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, str):
            for form in spelt:
                value = value.replace(form, HIDDEN)
        return value

    return {name: clean(value) for name, value in known.items()}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return [text for item in items for text in _texts(item)]
    return [str(value)] if isinstance(value, str | int | float) and len(str(value)) > 2 else []


def _encoded(text: str) -> str:
    try:
        return encode_segment(text)
    except KzError:
        return text
