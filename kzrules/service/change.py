"""What new rules change about the subscriptions that run: worked out before anything is touched. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kzrules.language.program import SubscriptionSpec

Key = tuple[str, str]
"""A subscription's name and a zone."""


@dataclass(frozen=True, slots=True)
class Change:
    """Each subscription on each zone that does not stay as it is."""

    added: tuple[Key, ...] = ()
    removed: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    """The same queue, and other settings: its consumer goes on."""
    replaced: tuple[Key, ...] = ()
    """Another queue: one consumer ends, another begins."""

    def __str__(self) -> str:
        parts = [
            f"{what} {', '.join(sorted({name for name, _ in keys}))}"
            for what, keys in (
                ("added", self.added),
                ("changed", (*self.changed, *self.replaced)),
                ("removed", self.removed),
            )
            if keys
        ]
        return "; ".join(parts) or "none changed"


def between(
    running: Mapping[Key, SubscriptionSpec], wanted: Iterable[Key], specs: Mapping[str, SubscriptionSpec]
) -> Change:
    """From what runs to what the new rules want."""
    keys = list(wanted)
    both = [key for key in keys if key in running]
    replaced = [key for key in both if running[key].queue != specs[key[0]].queue]
    changed = [key for key in both if key not in replaced and differ(running[key], specs[key[0]])]
    return Change(
        added=tuple(key for key in keys if key not in running),
        removed=tuple(key for key in running if key not in keys),
        changed=tuple(changed),
        replaced=tuple(replaced),
    )


def differ(one: SubscriptionSpec, other: SubscriptionSpec) -> bool:
    """Whether more differs than the line that it stands on."""
    return replace(one, place=other.place) != other


def unbound(
    old: SubscriptionSpec, new: SubscriptionSpec, all_new: Iterable[SubscriptionSpec] = ()
) -> tuple[tuple[str, str], ...]:
    """The bindings (exchange, routing key) of the old one that nobody wants who consumes the same queue."""
    sharing = [new, *(one for one in all_new if one.queue.name and one.queue.name == new.queue.name)]
    kept = {binding for one in sharing for binding in _bindings(one)}
    return tuple(one for one in _bindings(old) if one not in kept)


def _bindings(spec: SubscriptionSpec) -> tuple[tuple[str, str], ...]:
    if spec.exchange is None or not spec.exchange.name:
        return ()
    return tuple((spec.exchange.name, key) for key in spec.routing or ("",))
