"""The grammar as tables: lark reads `grammar/kzrules.lark` and works out its LALR(1) table, `lalr`
walks it. So the grammar file is the language. The tables lie beside it, made by `make docs`, and lark
is not even imported unless the grammar is another one than they were made from.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

from kzrules.shipped import shipped

STARTS = ("file", "declaration", "block", "expression")
END = "$END"

Take = tuple[int, bool]
"""Which value of a rule's right side is taken (-1: a `None`), and whether it is a list to spread."""
Takes = tuple[Take, ...]
Rule = tuple[str, str, int, Takes, bool]
"""Its name, the symbol that it makes, its length, what is taken, whether it only hands on."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the walk needs. An action is the next state, or the complement of a rule's number."""

    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    starts: dict[str, int]
    ends: dict[str, int]
    rules: list[Rule]
    words: dict[str, str]
    """Keywords and signs, and the terminals that they are."""
    patterns: dict[str, str]
    """The other terminals, and the regular expressions that they are."""
    plans: dict[type, list[Any]] = field(default_factory=dict, compare=False)
    """What reducing by each rule does, by the class that makes its values: `lalr` fills it in."""
    jumps: dict[tuple[int, int, str], int] = field(default_factory=dict, compare=False)
    """Where rules that only hand on lead to, as `lalr` finds out: the state below, on top, the token."""


@cache
def tables() -> Tables:
    """Return the tables of the grammar as it is."""
    folder = shipped("grammar")
    grammar = folder.joinpath("kzrules.lark").read_text("utf-8")
    made = json.loads(folder.joinpath("kzrules.json").read_text("utf-8"))
    return Tables(*(made["tables"] if made["of"] == _digest(grammar) else built(grammar)))


def written(grammar: str) -> str:
    """Return the text of `grammar/kzrules.json`: a line for each row, so that changes can be seen."""
    rows = ",\n".join(_lines(part) for part in built(grammar))
    return f'{{"of": "{_digest(grammar)}", "tables": [\n{rows}\n]}}\n'


def _lines(part: Any) -> str:
    if not isinstance(part, list):
        return json.dumps(part, sort_keys=True)
    return "[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in part) + "\n]"


def _digest(grammar: str) -> str:
    return sha256(grammar.encode()).hexdigest()


def built(grammar: str) -> tuple[Any, ...]:
    """Return what `Tables` is made of, as lark works it out: half a second."""
    from lark import Lark  # noqa: PLC0415  slow to import, and seldom needed
    from lark.lexer import Lexer  # noqa: PLC0415  as above

    class NoLexer(Lexer):
        """Our own reads the tokens: lark's, with its search for terminals that collide, takes as
        long to make as the tables. A test has lark look for them.
        """

        def __init__(self, _terminals: Any) -> None:
            """Nothing to prepare."""

        def lex(self, _state: Any, _parser_state: Any) -> Any:
            raise NotImplementedError

    lark = Lark(grammar, parser="lalr", start=list(STARTS), maybe_placeholders=True, lexer=NoLexer)
    table = lark.parser.parser._parse_table  # noqa: SLF001  held by a test
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    actions: list[dict[str, int]] = [{} for _ in table.states]
    gotos: list[dict[str, int]] = [{} for _ in table.states]
    for state, row in table.states.items():
        for name, (act, to) in row.items():
            if act.name == "Reduce":
                actions[state][str(name)] = ~numbers[to]
            else:
                (actions if name.isupper() or name == END else gotos)[state][str(name)] = to
    return (
        actions,
        gotos,
        dict(table.start_states),
        dict(table.end_states),
        [_rule(rule) for rule in lark.rules],
        {t.pattern.value: str(t.name) for t in lark.terminals if t.pattern.type == "str"},
        {str(t.name): t.pattern.value for t in lark.terminals if t.pattern.type == "re"},
    )


def _rule(rule: Any) -> Rule:
    """Number what a rule takes of its right side: not its keywords and signs; lists are spread."""
    taken: list[Take] = []
    symbols = iter(enumerate(rule.expansion))
    for is_gap in rule.options.empty_indices or [False] * len(rule.expansion):
        if is_gap:
            taken.append((-1, False))
            continue
        index, symbol = next(symbols)
        if not (symbol.is_term and symbol.filter_out):
            taken.append((index, symbol.name.startswith("_") and not symbol.is_term))
    name = str(rule.alias or rule.origin.name)
    hands_on = bool(rule.options.expand1) and not rule.alias and len(taken) == 1
    return name, str(rule.origin.name), len(rule.expansion), tuple(taken), hands_on
