"""What `kzrules trace --json` gives of an event."""

from collections.abc import Mapping, Sequence
from typing import Any

from kzrules.cli.events import Captured
from kzrules.cli.report import shown as path_shown
from kzrules.cli.trace_text import segments
from kzrules.routing.act import Act, said
from kzrules.routing.journal import Line, source_at
from kzrules.routing.stage import Arrival
from kzrules.routing.trace import Trace, Tried
from kzrules.routing.trial import Rules


def as_json(  # noqa: PLR0917  what `_trace` gives
    event: Captured, rules: Rules, arrival: Arrival, made: Trace | None, act: Act, lines: Sequence[Line]
) -> dict[str, Any]:
    """One event as a JSON object."""
    texts = rules.texts
    keys = made.keys if made else ()
    return {
        "event": event.number,
        "subscription": arrival.spec.name,
        "names": [
            {"name": one.name, "routes": [_route_json(tried, texts) for tried in one.routes]}
            for one in (made.candidates if made else ())
        ],
        "route": act.route,
        "keys": [
            {
                "key": key.key,
                "segments": [
                    {"source": source_at(one.span, texts), "value": one.value, "encoded": encoded}
                    for encoded, one in segments(key)
                ],
            }
            for key in keys
        ],
        "decided": [
            {"path": path_shown(one.file), "line": one.line, "condition": one.source, "value": one.value}
            for one in lines
        ],
        "actions": [{"do": did.word, **did.arguments} for did in act.did],
        "logs": [{"level": did.word, **did.arguments} for did in act.logs],
        "outcome": said(act.failure or act.outcomes[-1]),
    }


def _route_json(tried: Tried, texts: Mapping[str, str]) -> dict[str, Any]:
    failed = tried.failed
    state = "taken" if tried.taken else "not tried" if not tried.reached else "no" if failed else "refused"
    return {
        "path": path_shown(tried.place.file),
        "line": tried.place.line,
        "state": state,
        "condition": source_at(failed.span, texts) if failed else None,
        "values": {source_at(span, texts): value for span, value in (failed.reads if failed else ())},
        "schema": tried.schema or None,
    }
