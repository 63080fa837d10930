"""What nobody uses, and subroutines that call themselves."""

import re
from collections.abc import Mapping

from kzrules.language.checking.bodies import Walked
from kzrules.language.checking.names import Effects, Names, lent_files
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import Span


def unused(names: Names, walked: Walked, torn: str) -> None:
    """Settings, tables and hooks that nothing reads; subroutines that are never called; recursion."""
    lent = lent_files(names.files)
    for kind, found in (("setting", names.settings), ("table", names.tables)):
        for name, item in found.items():
            if name not in names.used and item.span.file not in lent and not _elsewhere(name, torn):
                text = f"the {kind} `{name}` is never used"
                names.findings.add(warning("KZ210", text, item.span, help="take it away"))
    _never_called(names, _called(names, walked), lent, torn)
    _never_emitted(names, lent, torn)
    _recursion(names)


def _elsewhere(name: str, torn: str) -> bool:
    """What could not be read may use it."""
    return len(re.findall(rf"\b{re.escape(name)}\b", torn)) > 1 if torn else False


def _called(names: Names, walked: Walked) -> set[str]:
    """Subroutines that something else calls."""
    everything: list[Effects] = [effects for _, effects in walked.routes] + walked.others
    everything += [effects for name, effects in names.effects.items() if name.startswith("on ")]
    called = {name for effects in everything for name in effects.calls}
    for name in names.subroutines:
        called |= set(names.effects[name].calls)
    return called


def _never_called(names: Names, called: set[str], lent: set[str], torn: str) -> None:
    for name, route in names.subroutines.items():
        if name not in called and route.span.file not in lent and not _elsewhere(name, torn):
            text = f"nothing calls the subroutine `{name}`"
            names.findings.add(
                warning("KZ211", text, route.name_span, help=f"call it, {name}(...), or take it away")
            )


def _never_emitted(names: Names, lent: set[str], torn: str) -> None:
    for name, hooks in names.hooks.items():
        for hook in hooks:
            if name not in names.emitted and hook.span.file not in lent and not _elsewhere(name, torn):
                text = f"nothing says `emit {name}(...)`, so this never runs"
                names.findings.add(
                    warning("KZ214", text, hook.span, help="take it away, or use the file that does")
                )


def _recursion(names: Names) -> None:
    """Subroutines and hooks that come back to themselves, each circle told once."""
    told: set[str] = set()
    for name in names.effects:
        circle = _circle(name, names.effects)
        if circle is None or told & set(circle):
            continue
        told |= set(circle)
        text = f"`{name}` comes back to itself: {' -> '.join([*circle, circle[0]])}"
        way_out = "rules always end: run over a list with `for`"
        names.findings.add(error("KZ212", text, _place(names, circle), help=way_out))


def _place(names: Names, circle: list[str]) -> Span:
    following = circle[1] if len(circle) > 1 else circle[0]
    effects = names.effects[circle[0]]
    return effects.calls.get(following) or effects.emits[following.removeprefix("on ")]


def _circle(start: str, effects: Mapping[str, Effects]) -> list[str] | None:
    """The way from a body back to itself, without walking any body twice."""
    waiting: list[list[str]] = [[start]]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop(0)
        for following in _below(effects[way[-1]]):
            if following == start:
                return way
            if following in effects and following not in seen:
                seen.add(following)
                waiting.append([*way, following])
    return None


def _below(effects: Effects) -> list[str]:
    return [*effects.calls, *(f"on {name}" for name in effects.emits)]
