"""Which route names a subscription can give: patterns of its templates, held against the routes.

A pattern is text with holes; a hole stands for what is not known before the message is there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kzrules.language.checking.names import SERVICE_EVENTS, Names
from kzrules.language.declaring.subscription import Asked
from kzrules.language.findings.diagnostic import Edit, Fix
from kzrules.language.findings.nearest import nearest
from kzrules.language.findings.short import error, warning
from kzrules.language.program import KamailioSpec, SubscriptionSpec
from kzrules.language.tree import EventRoute, Expr, Field, Literal, Name, Span, Template

SOMETHING = ".+"
ANYTHING = ".*"


@dataclass(slots=True)
class Reach:
    """For each route name the subscriptions that can give it, in the order of the files."""

    by_route: dict[str, list[str]]

    def subscriptions_of(self, name: str) -> Sequence[str]:
        """The subscriptions whose deliveries can come to a route of this name."""
        return self.by_route.get(name, ())


def reach_names(names: Names, torn: str = "") -> Reach:
    """Find out who reaches what; routes that nobody reaches and idle subscriptions are findings."""
    patterns = {
        spec.name: re.compile("|".join(f"(?:{one})" for one in _patterns(names, spec)), re.DOTALL)
        for spec in sources(names)
    }
    wanted = dict.fromkeys(route.name for route in names.routes if route.name not in SERVICE_EVENTS)
    by_route = {
        name: [subscription for subscription, pattern in patterns.items() if fits(pattern, name)]
        for name in wanted
    }
    if patterns and not torn:
        _unreached(names, by_route)
        _idle(names, by_route)
    return Reach(by_route)


Source = SubscriptionSpec | KamailioSpec


def sources(names: Names) -> tuple[Source, ...]:
    """All that events come by: subscriptions, then Kamailios."""
    return (*names.declared.subscriptions, *names.declared.kamailios)


def fits(pattern: re.Pattern[str], name: str) -> bool:
    """Whether a subscription can give this name; capitals and `_` are never in one."""
    return normal(name) == name and pattern.fullmatch(name) is not None


def normal(text: str) -> str:
    """A name as the service makes it: ASCII letters lower-cased, `_` as `-`."""
    return text.translate(NORMAL)


NORMAL = {**{ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, ord("_"): "-"}


def _patterns(names: Names, spec: Source) -> Iterator[str]:
    asked = names.declared.asked.get(spec.name, Asked())
    if asked.route_names is not None:
        for template in asked.route_names:
            yield _pattern(template, names, spec)
        return
    if isinstance(spec, KamailioSpec):
        yield f"kamailio:{SOMETHING}"
        yield "kamailio"
        return
    key, subkey = normal(spec.event_key or "Event-Category"), normal(spec.event_subkey or "Event-Name")
    start = "kazoo:consumer-event"
    yield f"{start}-{ANYTHING}-{ANYTHING}"
    yield f"{start}-{ANYTHING}"
    yield re.escape(f"{start}-{key}-{subkey}")
    yield re.escape(f"{start}-{key}")
    yield start


def _pattern(template: Expr, names: Names, spec: Source) -> str:
    parts = template.parts if isinstance(template, Template) else (template,)
    return "".join(
        re.escape(normal(part)) if isinstance(part, str) else _hole(part, names, spec) for part in parts
    )


def _hole(expr: Expr, names: Names, spec: Source) -> str:
    value: object = None
    match expr:
        case Literal(value=value):
            pass
        case Name(id=name):
            value = names.declared.settings.get(name)
        case Field(base=Name(id="meta"), name="subscription"):
            value = spec.name
    if isinstance(value, str) and value and not (isinstance(expr, Name) and expr.id == "node"):
        return re.escape(normal(value))
    return SOMETHING


def _unreached(names: Names, by_route: dict[str, list[str]]) -> None:
    for route in names.routes:
        if by_route.get(route.name, [""]):
            continue
        text = f"no subscription gives the name `{route.name}`, so this route never runs"
        lowered = normal(route.name)
        if lowered != route.name:
            way_out = f"names are lower-cased and `_` becomes `-`: write `{lowered}`"
            fix = Fix("write it as the service does", (Edit(_brackets(route), f"[{lowered}]"),))
            names.findings.add(error("KZ401", text, route.name_span, help=way_out, fix=fix))
            continue
        names.findings.add(error("KZ401", text, route.name_span, help=_what_there_is(names, route)))


def _brackets(route: EventRoute) -> Span:
    """The name with its brackets, whether the span holds them or not."""
    span = route.name_span
    width = span.end_column - span.column
    if span.line == span.end_line and width == len(route.name):
        return Span(span.file, span.line, span.column - 1, span.line, span.end_column + 1)
    return span


def _head(span: Span, said: str) -> Span:
    """The first line of a declaration, as far as its name."""
    return Span(span.file, span.line, span.column, span.line, span.column + len(said))


def _what_there_is(names: Names, route: EventRoute) -> str:
    near = nearest(route.name, ["kazoo:consumer-event", *SERVICE_EVENTS])
    if near is not None and not route.name.startswith("kazoo:consumer-event-"):
        return f"did you mean `{near}`?"
    first = sources(names)[0].name
    return f"look at `route_names` of `{first}`, which says what names its events have"


def _idle(names: Names, by_route: dict[str, list[str]]) -> None:
    """Subscriptions whose events no route takes: they would all be settled unread."""
    busy = {subscription for found in by_route.values() for subscription in found}
    for spec in sources(names):
        if spec.name not in busy:
            asks = isinstance(spec, KamailioSpec)
            if asks and names.reaches_kamailio:
                continue  # it is declared to be asked and told
            item = (names.kamailios if asks else names.subscriptions)[spec.name]
            span = _head(item.span, f"{'kamailio' if asks else 'subscribe'} {spec.name}")
            text = f"no route takes what `{spec.name}` brings: every event would be settled unread"
            way_out = "write event_route[kazoo:consumer-event] { ... }, or take the subscription away"
            if asks:
                text = f"no route takes what `{spec.name}` asks: every question would be answered with no"
                way_out = "write event_route[kamailio:NAME] { ... }, where the script asks NAME"
            names.findings.add(warning("KZ405", text, span, help=way_out))
