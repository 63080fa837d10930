"""Checked trees to Python code objects, and these to functions: what `routing` runs.

A file becomes one code object under its own name, with its own lines and columns, so that a
traceback quotes the rule. Code objects are kept in the cache by all that they were made from.
"""

import ast
import linecache
import marshal
import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

from kzrules.errors import RuleFailure
from kzrules.language import cache, values
from kzrules.language.compiling import names as compile_names
from kzrules.language.compiling.names import key_function, names_code, names_function
from kzrules.language.compiling.statement import Function, Part
from kzrules.language.compiling.unit import (
    Pattern,
    Surroundings,
    Unit,
    constant_name,
    route_name,
    watch_name,
    word_name,
)
from kzrules.language.compiling.value import PAYLOAD, RUN
from kzrules.language.compiling.waits import hook_functions, hook_name, waiting
from kzrules.language.declare import Declared
from kzrules.language.program import BlockCode, Program, Recorder, RouteCode
from kzrules.language.regex import searcher
from kzrules.language.tree import EventRoute, Every, Node, OnExpired, OnHook, Route, RuleFile, Test, children
from kzrules.language.word import Words
from kzrules.message.action import Unanswered
from kzrules.message.outcome import Ack, Outcome, Place, Reject, Retry


class RuleEnded(Exception):  # noqa: N818  it is how a subroutine ends its event
    """`done`, `retry` or `reject` inside a subroutine or a hook."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Unanswerable(RuleFailure):
    """A question inside a larger expression got no answer; the statement's `else` takes it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"a question was not answered: {why}")
        self.why = why


class TooDeep(Exception):  # noqa: N818  the loader turns it into a finding
    """Loops or branches lie deeper in each other than Python's compiler takes (20 loops)."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(f"{path}:{line}: loops or branches lie too deep in each other")
        self.path = path
        self.line = line


HELPERS: Mapping[str, Any] = {
    **{
        f"the {name}": getattr(values, name)
        for name in [
            "equal",
            "among",
            "less",
            "less_or_equal",
            "greater",
            "greater_or_equal",
            "add",
            "subtract",
            "multiply",
            "divide",
            "remainder",
            "negative",
            "text",
            "truth",
            "place",
            "items_of",
            "pairs_of",
            "spread_object",
            "spread_list",
            "hashable",
        ]
    },
    **{f"the {kind.__name__}": kind for kind in (str, int, bool, dict, list)},
    "the len": len,
    "the Unanswered": Unanswered,
    "the Unanswerable": Unanswerable,
    "the RuleEnded": RuleEnded,
    "the end_done": lambda why, _place: Ack(why),
    "the end_retry": Retry,
    "the end_reject": lambda why, place: Reject(why, place=place),
}


@dataclass(frozen=True, slots=True)
class Code:
    """One file's code with what it needs at hand."""

    code: CodeType
    constants: tuple[Any, ...]
    words: tuple[str, ...]
    nodes: tuple[Node, ...] = ()
    key: str | None = None
    """What it is kept by."""


def compile_program(
    files: Sequence[RuleFile],
    declared: Declared,
    words: Words,
    *,
    instrument: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Program:
    """Files that check without errors, as functions. `texts` lets code be cached and quoted.

    `instrument`: every statement and expression tells `recorder` that it ran, and its value.
    """
    codes = codes_of(files, declared, words, instrument=instrument, texts=texts)
    return linked(files, declared, codes, words, instrument=instrument, texts=texts)


def codes_of(
    files: Sequence[RuleFile],
    declared: Declared,
    words: Words,
    *,
    instrument: bool = False,
    texts: Mapping[str, str] | None = None,
) -> list[Code]:
    """The code of each file."""
    around = surroundings(files, declared, words)
    units = [Unit(file.path, number, around, instrument) for number, file in enumerate(files)]
    return [
        _code(unit, file, declared, None if texts is None else texts.get(file.path))
        for unit, file in zip(units, files, strict=True)
    ]


def linked(
    files: Sequence[RuleFile],
    declared: Declared,
    codes: Sequence[Code],
    words: Words,
    *,
    instrument: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Program:
    """A program of code that is there. Of `files` outlines are enough."""
    recorder = Recorder() if instrument else None
    names: dict[str, Any] = dict(HELPERS)
    for number, (file, code) in enumerate(zip(files, codes, strict=True)):
        _load(names, code, number, words, recorder)
        text = None if texts is None else texts.get(file.path)
        if text is not None:
            linecache.cache[file.path] = (len(text), None, text.splitlines(keepends=True), file.path)
    return _program(files, declared, names, recorder)


def surroundings(files: Sequence[RuleFile], declared: Declared, words: Words) -> Surroundings:
    """What each file must know of the others."""
    hooks = hook_functions(files)
    routes = {item.name for file in files for item in file.declarations if isinstance(item, Route)}
    return Surroundings(
        words=words,
        settings=declared.settings,
        tables=frozenset(declared.tables),
        routes=frozenset(routes),
        hooks=hooks,
        waiting=waiting(files, hooks, words),
    )


# --- one file ------------------------------------------------------------------------------


def _code(unit: Unit, file: RuleFile, declared: Declared, text: str | None) -> Code:
    if text is None:
        return _compiled(unit, file, declared)
    key = cache.key_of(text, _digest(unit))
    nodes = _nodes(file) if unit.watched else []
    kept = kept_code(key, nodes)
    if kept is not None:
        return kept
    made = _compiled(unit, file, declared)
    places = {id(node): place for place, node in enumerate(nodes)}
    if any(id(node) not in places for node in made.nodes):
        return made
    watched = tuple(places[id(node)] for node in made.nodes)
    cache.write("code", key, pickle.dumps((marshal.dumps(made.code), made.constants, made.words, watched)))
    return replace(made, key=key)


def _nodes(file: RuleFile) -> list[Node]:
    """Everything that a recorder may be told of, in an order that the text gives."""
    found: list[Node] = []
    left: list[Node] = [item for item in file.declarations if not isinstance(item, Test)]
    while left:
        node = left.pop()
        found.append(node)
        left += children(node)
    return found


def kept_code(key: str, nodes: Sequence[Node] = ()) -> Code | None:
    """The code that is kept by a key, if it still is there; `nodes` are those that a recorder is told of."""
    kept = cache.read("code", key)
    if kept is None:
        return None
    raw, constants, words, watched = pickle.loads(kept)  # noqa: S301  a private folder, checked by the cache
    code: CodeType = marshal.loads(raw)  # noqa: S302  as above
    return Code(code, constants, words, tuple(nodes[place] for place in watched), key)


def _digest(unit: Unit) -> str:
    around = unit.around
    sets = [sorted(around.tables), sorted(around.routes), sorted(around.waiting), sorted(around.words)]
    return repr((unit.path, unit.number, unit.watched, sorted(around.settings.items()), around.hooks, sets))


def _compiled(unit: Unit, file: RuleFile, declared: Declared) -> Code:
    for item in file.declarations:
        match item:
            case EventRoute():
                _event_route(unit, item)
            case Route():
                Function(unit, Part.ROUTE, route_name(item.name)).define(item.parameters, item.body)
            case OnHook():
                Function(unit, Part.HOOK, _name_of(item)).define(item.parameters, item.body)
            case Every():
                Function(unit, Part.EVENT, _name_of(item)).define((), item.body)
            case OnExpired():
                Function(unit, Part.EVENT, _name_of(item)).define((item.key, item.value), item.body)
    places = {spec.name: spec.place for spec in declared.subscriptions}
    places |= {spec.name: spec.place for spec in declared.kamailios}
    for name, asked in declared.asked.items():
        if places[name].file == file.path:
            compile_names.define(unit, name, asked)
    return Code(_python(unit), tuple(unit.constants), tuple(sorted(unit.words)), tuple(unit.nodes))


def _python(unit: Unit) -> CodeType:
    """The functions of a file as one code object; `TooDeep` where Python gives up over them."""
    module = ast.Module(body=unit.functions, type_ignores=[])
    with warnings.catch_warnings():
        # Python warns of what is odd in Python; the checker has told of what is odd in a rule
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            return compile(module, unit.path, "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, RecursionError, MemoryError) as failure:
            line = failure.lineno if isinstance(failure, SyntaxError) else None
            raise TooDeep(unit.path, line or 1) from failure


def _event_route(unit: Unit, item: EventRoute) -> None:
    function = Function(unit, Part.EVENT, _name_of(item))
    function.define((), item.body)
    if item.when is not None:
        condition = Function(unit, Part.EVENT, f"when of {_name_of(item)}")
        py = condition.py
        py.at(item.when.span)
        give = py.give(condition.condition(item.when))
        unit.functions.append(py.define(condition.name, [RUN, PAYLOAD], [give]))


def _name_of(item: EventRoute | OnHook | Every | OnExpired) -> str:
    """The function's name, as tracebacks show it; no two items begin at one place."""
    where = f"line {item.span.line}:{item.span.column} of {item.span.file}"
    match item:
        case EventRoute(name=name):
            return f"event_route[{name}] {where}"
        case OnHook():
            return hook_name(item)
        case OnExpired(table=table):
            return f"on expired {table} {where}"
    return f"every {where}"


def _load(names: dict[str, Any], code: Code, number: int, words: Words, recorder: Recorder | None) -> None:
    """Run the file's code: it defines its functions among the names of the program."""
    for place, value in enumerate(code.constants):
        constant = searcher(value.pattern) if isinstance(value, Pattern) else value
        names[constant_name(number, place)] = constant
    for word in code.words:
        names[word_name(word)] = words[word].call
    if recorder is not None:
        names[watch_name(number)] = _watcher(recorder, code.nodes)
    exec(code.code, names)  # noqa: S102  what the compiler made of checked rules


def _watcher(recorder: Recorder, nodes: Sequence[Node]) -> Any:
    def watch(number: int, value: Any) -> Any:
        recorder.seen.append((nodes[number], value))
        return value

    return watch


# --- the program ---------------------------------------------------------------------------


def _program(
    files: Sequence[RuleFile], declared: Declared, names: dict[str, Any], recorder: Recorder | None
) -> Program:
    routes: dict[str, list[RouteCode]] = {}
    expired: dict[str, list[BlockCode]] = {}
    timers: list[BlockCode] = []
    for item in (item for file in files for item in file.declarations):
        match item:
            case EventRoute():
                routes.setdefault(item.name, []).append(_route_code(item, names, recorder))
            case OnExpired():
                expired.setdefault(item.table, []).append(_block_code(item, names, item.table))
            case Every():
                timers.append(_block_code(item, names, "every"))
    asked = declared.asked
    settings = frozenset(declared.settings)
    return Program(
        routes={name: tuple(codes) for name, codes in routes.items()},
        names={
            name: names_code(names[names_function(name)], ask, settings)
            for name, ask in asked.items()
            if ask.route_names is not None
        },
        order_keys={n: names[key_function("ordered_by", n)] for n, a in asked.items() if a.ordered_by},
        dedupe_keys={n: names[key_function("dedupe", n)] for n, a in asked.items() if a.dedupe_key},
        timers={spec.name: block for spec, block in zip(declared.timers, timers, strict=True)},
        expired={table: tuple(blocks) for table, blocks in expired.items()},
        kamailios=frozenset(spec.name for spec in declared.kamailios),
        paths=frozenset(file.path for file in files),
        recorder=recorder,
    )


def _route_code(item: EventRoute, names: Mapping[str, Any], recorder: Recorder | None) -> RouteCode:
    name = _name_of(item)
    place = Place(item.span.file, item.span.line)
    node = None if recorder is None else item
    return RouteCode(item.name, place, names[name], names.get(f"when of {name}"), item.schema, node)


def _block_code(item: Every | OnExpired, names: Mapping[str, Any], name: str) -> BlockCode:
    return BlockCode(name, Place(item.span.file, item.span.line), names[_name_of(item)])
