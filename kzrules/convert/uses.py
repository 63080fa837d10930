"""What statements read, write and call, seen in the configuration itself. `pick` and `flow` ask."""

import re
from collections.abc import Iterator

from kzrules.convert import nodes as n
from kzrules.convert.pseudo import Pseudo, parts, whole

Key = tuple[str, str]
ANSWER: Key = ("kz", "R")
_TARGETS = {"kazoo_query": (3,), "kazoo_json": (2,), "kazoo_encode": (1,), "kazoo_json_keys": (2,)}
"""Arguments that name a variable to be set."""
KAZOO = re.compile(r"kazoo_|kz\.(?:json|encode)|\$\(?kz[ERJ]")
_SHARED = re.compile(r"\$\(?(?:sht|shtex|shtinc|shtdec|shtcn|shtcv|shtval)\((\w+)=>|\$\(?(?:shv)\((\w+)\)")
_QUEUES = re.compile(r"\$\(?mq[kv]\((\w+)\)")


def values_of(step: n.AnyStep) -> Iterator[n.Value]:
    """The values that stand in a statement itself."""
    match step:
        case n.Set(target=target, value=value):
            yield target
            yield value
        case n.If(condition=condition) | n.While(condition=condition):
            yield condition
        case n.Switch(subject=subject, cases=cases):
            yield subject
            yield from (case.value for case in cases if case.value is not None)
        case n.Do(call=call):
            yield call
        case n.Leave(value=value) if value is not None:
            yield value


def bodies_of(step: n.AnyStep) -> Iterator[n.Body]:
    """The blocks inside a statement."""
    match step:
        case n.If(then=then, otherwise=otherwise):
            yield then
            if otherwise is not None:
                yield otherwise
        case n.While(body=body):
            yield body
        case n.Switch(cases=cases):
            yield from (case.body for case in cases)


def steps_of(body: n.Body) -> Iterator[n.AnyStep]:
    """Every statement of a block, those of inner blocks too."""
    for step in body.steps:
        yield step
        for inner in bodies_of(step):
            yield from steps_of(inner)


def within(value: n.Value) -> Iterator[n.Value]:
    """A value and everything in it."""
    yield value
    match value:
        case n.Call(arguments=arguments):
            for one in arguments:
                yield from within(one)
        case n.Operation(left=left, right=right):
            yield from within(left)
            yield from within(right)
        case n.Prefix(value=inner):
            yield from within(inner)


def calls_of(body: n.Body) -> Iterator[n.Call]:
    """Every call in a block."""
    for step in steps_of(body):
        for value in values_of(step):
            yield from (one for one in within(value) if isinstance(one, n.Call))


def texts_of(body: n.Body) -> Iterator[str]:
    """Every text and pseudo-variable in a block, and the names of what it calls."""
    for step in steps_of(body):
        for value in values_of(step):
            for one in within(value):
                yield f"{one.name}(" if isinstance(one, n.Call) else str(getattr(one, "text", ""))


def pseudos(text: str) -> Iterator[Pseudo]:
    """The variables in a text, those within them too."""
    for part in parts(text):
        if isinstance(part, Pseudo):
            yield part
            for inner in (part.inner, part.index, *(one.rest for one in part.transformations)):
                if inner and "$" in inner:
                    yield from pseudos(inner)


def reads(value: n.Value) -> set[Key]:
    """The variables that a value reads."""
    found: set[Key] = set()
    for one in within(value):
        skipped = targets(one) if isinstance(one, n.Call) else []
        found -= set(skipped)
        if isinstance(one, n.Text | n.Variable):
            found |= {key for pseudo in pseudos(one.text) if (key := pseudo.key) is not None}
    return found


def targets(call: n.Call) -> list[Key]:
    """The variables that a function sets."""
    made: list[Key] = []
    for at in _TARGETS.get(call.name, ()):
        if at < len(call.arguments):
            pseudo = whole(str(getattr(call.arguments[at], "text", "")))
            if pseudo is not None and pseudo.key is not None:
                made.append(pseudo.key)
    if call.name in ("kazoo_query", "kazoo_async_query", "kazoo_query_async"):
        made.append(ANSWER)
    return made


def call_reads(call: n.Call) -> set[Key]:
    """The variables that a call reads: not those that its arguments only name."""
    found: set[Key] = set()
    for at, one in enumerate(call.arguments):
        if at not in _TARGETS.get(call.name, ()):
            found |= reads(one)
    return found


def target_of(step: n.Set) -> Key | None:
    """The variable that an assignment sets; None for tables and Kamailio's own."""
    pseudo = whole(step.target.text)
    return pseudo.key if pseudo is not None and not pseudo.transformations else None


def route_names(call: n.Call, known: Iterator[str] | list[str]) -> list[str]:
    """The routes that a call runs: `route(X)`, and `routes(PREFIX)` of the other dialect."""
    if not call.arguments:
        return []
    name = str(getattr(call.arguments[0], "text", "") or getattr(call.arguments[0], "value", ""))
    if call.name == "route":
        return [name]
    if call.name == "routes":
        return [one for one in known if one.startswith(name)]
    return []


def shared_names(body: n.Body) -> set[str]:
    """Tables, shared variables and queues that a block uses: `sht:x`, `shv:x`, `mq:x`."""
    found: set[str] = set()
    for step in steps_of(body):
        for value in values_of(step):
            for one in within(value):
                text = str(getattr(one, "text", ""))
                for table, shared in _SHARED.findall(text):
                    found.add(f"sht:{table}" if table else f"shv:{shared}")
                found |= {f"mq:{name}" for name in _QUEUES.findall(text)}
                if isinstance(one, n.Call) and one.arguments:
                    first = str(getattr(one.arguments[0], "text", ""))
                    if one.name.startswith("sht_"):
                        found.add(f"sht:{first.partition('=>')[0]}")
                    elif one.name.startswith("mq_"):
                        found.add(f"mq:{first}")
    return found
