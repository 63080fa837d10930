"""Every body of a program, each walked once in its own scope: subroutines first, then what runs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kzrules.language import types
from kzrules.language.checking.conditions import proves
from kzrules.language.checking.names import Effects, Names, declarations
from kzrules.language.checking.scope import Place, Scope
from kzrules.language.checking.statement import StatementChecks, every_statement
from kzrules.language.declaring.settings import twice
from kzrules.language.tree import (
    Assign,
    Block,
    DurationLiteral,
    EventRoute,
    Every,
    Expr,
    IfExpr,
    ListExpr,
    Literal,
    ObjectExpr,
    OnExpired,
    OnHook,
    Return,
    Route,
    Span,
    TableSet,
    Template,
    With,
)
from kzrules.language.types import Known, Shape, either, of_value


@dataclass(slots=True)
class Walked:
    """What the walks found out: what each body does, by the body's declaration."""

    routes: list[tuple[EventRoute, Effects]] = field(default_factory=list)
    others: list[Effects] = field(default_factory=list)
    """Timers and expiries: nothing can be settled there."""


PLACES = {
    "kazoo:mod-init": Place.START,
    "kazoo:consumer-event-connection-open": Place.CONNECTION,
    "kazoo:consumer-event-connection-closed": Place.CONNECTION,
}


class Bodies:
    """Walks the bodies of a program."""

    def __init__(self, names: Names, shapes: Mapping[int, Shape], torn: str) -> None:
        self.names = names
        self.shapes = shapes
        self.torn = torn
        self.tables = table_kinds(names)

    def walk(self) -> Walked:
        """Every body, and every expression that stands outside of one."""
        for name, route in self.names.subroutines.items():
            returns = any(
                isinstance(one, Return) and one.value is not None for one in every_statement(route.body)
            )
            self.names.effects[name] = Effects(returns=returns)
        for name, route in self.names.subroutines.items():
            self._subroutine(route, self.names.effects[name])
        for hook in declarations(self.names.files, OnHook):
            self._hook(hook)
        spread(self.names.effects)
        walked = Walked()
        for event_route in self.names.routes:
            walked.routes.append((event_route, self._event_route(event_route)))
        for every in declarations(self.names.files, Every):
            walked.others.append(self._body(every.body, Place.TIMER))
        for expired in declarations(self.names.files, OnExpired):
            walked.others.append(self._expired(expired))
        self._subscriptions()
        return walked

    def checks(self, place: Place, effects: Effects, shape: Shape | None = None) -> StatementChecks:
        """A walk in a scope of its own."""
        scope = Scope(place, self.names.findings, shape)
        scope.enter()
        return StatementChecks(self.names, scope, effects, self.tables, self.torn)

    def _body(
        self,
        body: Block,
        place: Place,
        parameters: Mapping[str, Span] | None = None,
        tell: str = "",
        effects: Effects | None = None,
    ) -> Effects:
        done = effects or Effects()
        walk = self.checks(place, done)
        walk.scope.changed = assigned(body)
        for name, span in (parameters or {}).items():
            walk.scope.set(name, span, tell=tell)
        walk.block(body)
        walk.scope.leave()
        return done

    def _subroutine(self, route: Route, effects: Effects) -> None:
        parameters = self._parameters(route.parameters, route.name_span)
        self._body(route.body, Place.SUBROUTINE, parameters, "parameter", effects)

    def _parameters(self, names: tuple[str, ...], span: Span) -> dict[str, Span]:
        for number, name in enumerate(names):
            if name in names[:number]:
                self.names.findings.add(twice(name, span, span))
        return dict.fromkeys(names, span)

    def _hook(self, hook: OnHook) -> None:
        effects = self.names.effects.setdefault(f"on {hook.name}", Effects())
        self._body(hook.body, Place.HOOK, self._parameters(hook.parameters, hook.span), effects=effects)

    def _expired(self, item: OnExpired) -> Effects:
        effects = Effects()
        walk = self.checks(Place.EXPIRED, effects)
        walk.table(item.table, item.span)
        for name in (item.key, item.value):
            walk.scope.set(name, item.span)
        walk.block(item.body)
        walk.scope.leave()
        return effects

    def _event_route(self, route: EventRoute) -> Effects:
        effects = Effects()
        walk = self.checks(PLACES.get(route.name, Place.EVENT), effects, self.shapes.get(id(route)))
        walk.scope.changed = assigned(route.body)
        if route.when is not None:
            walk.only_looks = True
            walk.condition(route.when)
            walk.only_looks = False
            walk.scope.prove(proves(route.when, holds=True))
        walk.block(route.body)
        walk.scope.leave()
        return effects

    def _subscriptions(self) -> None:
        for asked in self.names.declared.asked.values():
            walk = self.checks(Place.CONDITION, Effects())
            walk.only_looks = True
            given: list[Expr | None] = [asked.ordered_by, asked.dedupe_key, *(asked.route_names or ())]
            for expr in given:
                if expr is not None:
                    walk.infer(expr)


def assigned(body: Block) -> frozenset[str]:
    """The variables that are given another value somewhere in a body: their kind may change."""
    return frozenset(one.name for one in every_statement(body) if isinstance(one, Assign))


def spread(effects: Mapping[str, Effects]) -> None:
    """What a subroutine or hook calls, it does too."""
    again = True
    while again:
        again = False
        for one in effects.values():
            run = (*one.calls, *(f"on {name}" for name in one.emits))
            for other in (effects[name] for name in run if name in effects):
                for mine, theirs in (
                    (one.retries, other.retries),
                    (one.rejects, other.rejects),
                    (one.reaches_out, other.reaches_out),
                    (one.answers, other.answers),
                    (one.asks_one, other.asks_one),
                ):
                    if theirs and not mine:
                        mine.extend(theirs)
                        again = True


def bodies(names: Names) -> Iterator[Block]:
    """Every body of a program."""
    for file in names.files:
        for item in file.declarations:
            if isinstance(item, Route | OnHook | EventRoute | Every | OnExpired):
                yield item.body


def table_kinds(names: Names) -> dict[str, Known]:
    """The kinds of each table's entries: of its default and of all that is written."""
    kinds: dict[str, Known] = {}
    for name, spec in names.declared.tables.items():
        kinds[name] = types.NULL if spec.default is None else of_value(spec.default)
    for body in bodies(names):
        for one in every_statement(body):
            if isinstance(one, TableSet) and one.table in kinds:
                kinds[one.table] = either(kinds[one.table], plain_kinds(one.value))
    return kinds


def plain_kinds(expr: Expr) -> Known:  # noqa: PLR0911  one for each kind
    """The kinds of an expression that says so itself; None for all others."""
    match expr:
        case Literal(value=value):
            return types.NULL if value is None else of_value(value)
        case Template():
            return types.TEXT
        case ListExpr():
            return types.LIST
        case ObjectExpr() | With():
            return types.OBJECT
        case DurationLiteral():
            return types.DURATION
        case IfExpr(then=then, otherwise=otherwise):
            return either(plain_kinds(then), plain_kinds(otherwise))
    return None
