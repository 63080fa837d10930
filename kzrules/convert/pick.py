"""What of a configuration becomes rules: event routes of kazoo, what they call, the timers and
expiries that share something with them. What else uses kazoo stays in Kamailio, and is listed.
"""

from dataclasses import dataclass, field

from kzrules.convert import nodes as n
from kzrules.convert.uses import KAZOO, calls_of, route_names, shared_names, texts_of

ASYNC = ("kazoo_async_query", "kazoo_query_async")
MOD_INIT = "kazoo:mod-init"


@dataclass(frozen=True, slots=True)
class Timer:
    """`modparam("rtimer", ...)`: a route that runs again and again."""

    name: str
    milliseconds: int
    route: n.Block


@dataclass(frozen=True, slots=True)
class Staying:
    """A block that stays in Kamailio though it uses kazoo, and what of it."""

    block: n.Block
    uses: tuple[str, ...]


@dataclass(slots=True)
class Picked:
    """The blocks that become rules, by what they are. `routes` are called by name."""

    events: list[n.Block] = field(default_factory=list)
    start: list[n.Block] = field(default_factory=list)
    routes: dict[str, n.Block] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    expired: list[tuple[str, n.Block]] = field(default_factory=list)
    staying: list[Staying] = field(default_factory=list)
    outside: list[n.Block] = field(default_factory=list)
    """Everything that stays, with kazoo or without."""


def by_kind(config: n.Config, kind: str) -> dict[str, n.Block]:
    """The named blocks of a kind; of several with a name the last one counts."""
    kinds = {"route": ("route",), "onreply_route": ("onreply_route", "reply_route")}.get(kind, (kind,))
    return {block.name: block for block in config.blocks if block.kind in kinds and block.name}


def reached(config: n.Config, body: n.Body, found: dict[str, n.Block]) -> None:
    """Add what a block calls, and what that calls."""
    routes = by_kind(config, "route")
    for call in calls_of(body):
        names = [(name, routes.get(name)) for name in route_names(call, list(routes))]
        if call.name in ASYNC and len(call.arguments) >= 5:
            for kind, at in (("onreply_route", 3), ("failure_route", 4)):
                name = str(getattr(call.arguments[at], "text", ""))
                names.append((f"{kind} {name}", by_kind(config, kind).get(name)))
        for name, block in names:
            if block is not None and name not in found:
                if block.unreadable is not None:
                    raise block.unreadable
                found[name] = block
                reached(config, block.body, found)


def timers(config: n.Config) -> list[Timer]:
    """The timers of rtimer, with their intervals."""
    intervals: dict[str, int] = {}
    made: list[Timer] = []
    routes = by_kind(config, "route")
    for parameter in config.parameters:
        if "rtimer" not in parameter.modules:
            continue
        cut = (one.partition("=") for one in str(parameter.value).split(";"))
        pairs = {key.strip(): value.strip() for key, _, value in cut}
        if parameter.name == "timer":
            intervals[pairs.get("name", "")] = _milliseconds(pairs.get("interval", "120"))
        elif parameter.name == "exec" and pairs.get("route") in routes:
            name = pairs.get("timer", "")
            made.append(Timer(name, intervals.get(name, 120_000), routes[pairs["route"]]))
    return made


def _milliseconds(text: str) -> int:
    if text.endswith("u"):
        return max(int(text[:-1] or 0) // 1000, 1)
    return int(text or 120) * 1000 if text.isdigit() else 120_000


def pick(config: n.Config) -> Picked:
    """Part a configuration into what becomes rules and what stays."""
    made = Picked()
    for block in config.blocks:
        if block.kind == "event_route" and block.name == MOD_INIT:
            made.start.append(block)
        elif block.kind == "event_route" and block.name.startswith("kazoo:"):
            made.events.append(block)
    for block in (*made.start, *made.events):
        reached(config, block.body, made.routes)
    _neighbours(config, made)
    own = {id(block) for block in _own(made)}
    made.outside = [block for block in config.blocks if id(block) not in own]
    for block in made.outside:
        uses = tuple(dict.fromkeys(_kazoo_uses(block.body)))
        if uses:
            made.staying.append(Staying(block, uses))
    return made


def _own(made: Picked) -> list[n.Block]:
    timed = [timer.route for timer in made.timers]
    return [*made.start, *made.events, *made.routes.values(), *timed, *(block for _, block in made.expired)]


def _neighbours(config: n.Config, made: Picked) -> None:
    """Timers and expiries that use kazoo, or share a table, a variable or a queue with what is taken."""
    left = timers(config)
    expiries = [
        (block.name.removeprefix("htable:expired:"), block)
        for block in config.blocks
        if block.kind == "event_route" and block.name.startswith("htable:expired:")
    ]
    again = True
    while again:
        again = False
        shared = {name for block in _own(made) for name in shared_names(block.body)}
        for timer in list(left):
            inside: dict[str, n.Block] = {}
            reached(config, timer.route.body, inside)
            bodies = [timer.route.body, *(block.body for block in inside.values())]
            if any(map(_uses_kazoo, bodies)) or any(shared_names(body) & shared for body in bodies):
                left.remove(timer)
                made.timers.append(timer)
                made.routes.update({k: v for k, v in inside.items() if k not in made.routes})
                again = True
        for table, block in list(expiries):
            if f"sht:{table}" in shared:
                expiries.remove((table, block))
                made.expired.append((table, block))
                reached(config, block.body, made.routes)
                again = True


def _uses_kazoo(body: n.Body) -> bool:
    return any(KAZOO.search(text) for text in texts_of(body))


def _kazoo_uses(body: n.Body) -> list[str]:
    found = [call.name for call in calls_of(body) if call.name.startswith("kazoo_")]
    if not found and _uses_kazoo(body):
        found.append("kz.json or kz.encode")
    return found
