"""Payload to route names, most specific first; and names to the routes that they lead to.

A subscription with `route_names` has templates; one without has the kazoo module's own five steps.
What was found is kept by the values that it depends on, so that no text is built for most events.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kzrules.language.program import KamailioSpec, NamesCode, RouteCode, SubscriptionSpec
from kzrules.language.values import text
from kzrules.message.payload import spaced
from kzrules.routing.run import Run

OWN_NAMES = frozenset(
    {
        "kazoo:mod-init",
        "kazoo:consumer-event-connection-open",
        "kazoo:consumer-event-connection-closed",
    }
)
"""Events of the service itself; no payload of the bus can name them."""
PREFIX = "kazoo:consumer-event"
QUESTION = "kamailio"
DEFAULT_KEY, DEFAULT_SUBKEY = "Event-Category", "Event-Name"
KEPT = 4096
LONGEST_KEPT = 128
_UPPER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)} | {ord("_"): ord("-")}


def lowered(name: str) -> str:
    """A name as the module looks it up: ASCII in lower case, `_` as `-`, nothing else changed."""
    return name.lower().replace("_", "-") if name.isascii() else name.translate(_UPPER)


def five_names(payload: Mapping[str, Any], event_key: str | None, event_subkey: str | None) -> list[str]:
    """The module's own five steps, its oddities with empty fields included."""
    key, subkey = event_key or DEFAULT_KEY, event_subkey or DEFAULT_SUBKEY
    category = module_text(payload.get(key)) or event_key or ""
    name = module_text(payload.get(subkey)) or event_subkey or ""
    made = (
        f"{PREFIX}-{category}-{name}",
        f"{PREFIX}-{category}",
        f"{PREFIX}-{key}-{subkey}",
        f"{PREFIX}-{key}",
    )
    return [*map(lowered, made), PREFIX]


def question_names(key: str) -> list[str]:
    """The names of a question of Kamailio's, where its declaration has no `route_names`."""
    return [lowered(f"{QUESTION}:{key}"), QUESTION] if key else [QUESTION]


def module_text(value: Any) -> str:
    """A field's text as the module has it: containers as json-c writes them."""
    return spaced(value) if value.__class__ in (list, dict) else text(value)


@dataclass(frozen=True, slots=True)
class Found:
    """The names of an event, and the routes that may take it: most specific first, then as written."""

    names: tuple[str, ...]
    routes: tuple[RouteCode, ...]


Routes = Mapping[str, tuple[RouteCode, ...]]


def found(names: Iterable[str | None], routes: Routes) -> Found:
    """The names without those that a template did not give, and without the service's own."""
    order = tuple(dict.fromkeys(name for name in names if name is not None and name not in OWN_NAMES))
    return Found(order, tuple(route for name in order for route in routes.get(name, ())))


class Names:
    """The names of one subscription's events."""

    def __init__(self, spec: SubscriptionSpec | KamailioSpec, code: NamesCode | None, routes: Routes) -> None:
        self._routes = routes
        self._most = max(KEPT, 2 * len(routes))
        self._kept: dict[tuple[Any, ...], Found] = {}
        self._fields: tuple[str, ...] | None
        self._meta: tuple[str, ...] = ()
        self._names: Callable[[Run, dict[str, Any]], Iterable[str | None]]
        if code is None and isinstance(spec, KamailioSpec):
            self._fields, self._meta = (), ("meta_routing_key",)
            self._names = lambda run, _: question_names(run.meta_routing_key or "")
        elif code is None:
            key, subkey = spec.event_key or DEFAULT_KEY, spec.event_subkey or DEFAULT_SUBKEY
            self._fields = (key, subkey)
            self._names = lambda _, received: five_names(received, spec.event_key, spec.event_subkey)
        else:
            self._fields, self._meta = code.fields, tuple(f"meta_{name}" for name in code.meta)
            compiled = code.names
            self._names = lambda run, received: [
                None if name is None else lowered(name) for name in compiled(run, received)
            ]
        fields = self._fields
        self._pair = (fields[0], fields[1]) if fields and len(fields) == 2 and not self._meta else None

    def of(self, run: Run) -> Found:
        """The names of an event and the routes behind them; raises what a template raises."""
        received = run.received
        if self._fields is None:
            return found(self._names(run, received), self._routes)
        get = received.get
        if self._pair is not None:
            key: tuple[Any, ...] = (get(self._pair[0]), get(self._pair[1]))
        else:
            key = tuple([get(field) for field in self._fields])
            if self._meta:
                key += tuple([getattr(run, name) for name in self._meta])
        try:
            known = self._kept.get(key)
        except TypeError:  # a list or an object among them
            known = None
        return known or self._new(run, key)

    def _new(self, run: Run, key: tuple[Any, ...]) -> Found:
        """Find the names, and keep them where only texts and nulls led to them."""
        received = run.received
        for value in key:
            # 1 and true are one key to Python, and would share a name: neither is ever kept
            if not (value.__class__ is str or value is None):
                return found(self._names(run, received), self._routes)
        known = found(self._names(run, received), self._routes)
        self._keep(key, known)
        return known

    def _keep(self, key: tuple[Any, ...], known: Found) -> None:
        if sum(len(value) for value in key if value is not None) > LONGEST_KEPT * len(key):
            return
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = known
