"""Questions of Kamailio's: who may answer, rules that may forget to, and what cannot be tried again."""

from collections.abc import Iterator

from kzrules.language.checking.bodies import PLACES, Walked
from kzrules.language.checking.kamailio import ANSWER_HELP
from kzrules.language.checking.names import Effects, Names
from kzrules.language.checking.reach_names import Reach
from kzrules.language.checking.scope import NOTHING_TO_SETTLE
from kzrules.language.checking.statement import block_leaves
from kzrules.language.findings.nearest import one_of
from kzrules.language.findings.short import error, warning
from kzrules.language.tree import Block, Call, Do, End, EventRoute, If, Match, Span, Statement


def questions(names: Names, walked: Walked, reach: Reach) -> None:
    """Findings about routes that Kamailio's questions come to, and about those that they do not."""
    asking = set(names.kamailios)
    for route, effects in walked.routes:
        sources = set(reach.subscriptions_of(route.name))
        nobody = PLACES.get(route.name) in NOTHING_TO_SETTLE
        if sources and sources <= asking:
            _retries(names, effects)
            _silent(names, route, effects)
            continue
        if (sources and not sources & asking) or nobody:
            _nobody_asks(names, effects, f"`{route.name}` takes no question of Kamailio's", direct=not nobody)
        _which_one(names, effects)
    for effects in walked.others:
        _nobody_asks(names, effects, "nobody has asked here", direct=False)
        _which_one(names, effects)


def _below(names: Names, effects: Effects) -> Iterator[tuple[Span, Effects]]:
    """What a body calls and emits."""
    runs = {**effects.calls, **{f"on {name}": span for name, span in effects.emits.items()}}
    for name, span in runs.items():
        if name in names.effects:
            yield span, names.effects[name]


def _nobody_asks(names: Names, effects: Effects, why: str, *, direct: bool) -> None:
    spans = list(effects.answers) if direct else []
    spans += [span for span, below in _below(names, effects) if below.answers]
    for span in spans:
        names.findings.add(error("KZ522", f"there is nobody to answer: {why}", span, help=ANSWER_HELP))


def _retries(names: Names, effects: Effects) -> None:
    spans = [*effects.retries, *(span for span, below in _below(names, effects) if below.retries)]
    for span in spans:
        text = "`retry` of what Kamailio sent: nobody delivers it again, and its call would be over"
        way_out = "write `reject(...)`: the script takes its fallback route at once"
        names.findings.add(error("KZ524", text, span, help=way_out))


def _which_one(names: Names, effects: Effects) -> None:
    """Outside of a question there is no Kamailio that asked."""
    spans = [*effects.asks_one, *(span for span, below in _below(names, effects) if below.asks_one)]
    for span in spans:
        known = sorted(names.kamailios)
        text = f"this asks one of {len(known)} Kamailios, and does not say which"
        way_out = f'write on: "{known[0]}"; there are {one_of(known)}'
        names.findings.add(error("KZ525", text, span, help=way_out))


# --- rules that may forget to answer


def _silent(names: Names, route: EventRoute, effects: Effects) -> None:
    """A rule that answers on some of its ways, and on another comes to its end without."""
    calls = {name for name in effects.calls if name in names.effects and names.effects[name].answers}
    if not effects.answers and not calls:
        return
    silent = next(_silent_ends(route.body, calls), None)
    if silent is None and _falls(route.body, calls):
        silent = route.name_span
    if silent is not None:
        text = "the rule may end here without an answer"
        if silent == route.name_span:
            text = "this rule may come to its end without an answer"
        way_out = "write `answer({ ... })`, or `reject(...)` with the reason"
        names.findings.add(warning("KZ523", text, silent, help=way_out))


def _silent_ends(block: Block, calls: set[str]) -> Iterator[Span]:
    for statement in block.statements:
        if isinstance(statement, End) and statement.kind == "done":
            yield statement.span
        for inner in _branches(statement):
            yield from _silent_ends(inner, calls)
        if _answers(statement, calls):
            return


def _falls(block: Block, calls: set[str]) -> bool:
    """The end of the block may be reached."""
    for statement in block.statements:
        if isinstance(statement, End) or _answers(statement, calls):
            return False
        inner = list(_branches(statement))
        whole = isinstance(statement, If | Match) and statement.otherwise is not None
        if whole and not any(_falls(one, calls) for one in inner):
            return False
    return not block_leaves(block)


def _answers(statement: Statement, calls: set[str]) -> bool:
    return isinstance(statement, Do) and statement.call.name in {"answer", *calls}


def _branches(statement: Statement) -> Iterator[Block]:
    match statement:
        case If(branches=branches, otherwise=otherwise):
            yield from (branch.body for branch in branches)
            if otherwise is not None:
                yield otherwise
        case Match(arms=arms, otherwise=otherwise):
            yield from (arm.body for arm in arms)
            if otherwise is not None:
                yield otherwise
        case Do(call=Call(), otherwise=otherwise) if otherwise is not None:
            yield otherwise.body
